"""Which single passages join the dataset: where domains and formats are thin, as many as asked."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

import polars as pl

from xpoll_dagster.sft.options import SftOptions
from xpoll_dagster.sft.splits import stable_order
from xpoll_dagster.writing.model import PAIR_TEXTS_SCHEMA, BookInfo, Passage, TextKind
from xpoll_dagster.writing.pair_texts import load_passages, write_standalone_texts

_SPARE = 4  # passages looked at for each one wanted, for some cannot be quoted


@dataclass(slots=True)
class Standalone:
    """The chosen texts (rows of `PAIR_TEXTS_SCHEMA`) with their split, and what was tried."""

    texts: pl.DataFrame
    split_of: dict[str, str] = field(default_factory=dict)
    refused: dict[str, list[str]] = field(default_factory=dict)
    short: dict[str, int] = field(default_factory=dict)


def choose_standalone(
    candidates: pl.DataFrame,
    split_of: Mapping[str, str],
    cross: Mapping[str, pl.DataFrame],
    books: Mapping[str, BookInfo],
    options: SftOptions,
    concepts: pl.DataFrame | None = None,
) -> Standalone:
    """Write standalone texts until each split has `standalone_ratio` of its other rows.

    In turn the domain that has been heard least gives its next passage (a cross-domain
    row counts half for each of its domains), in the format that has been written least.

    Args:
        candidates: Rows of `CHUNKS_SCHEMA` that may stand alone.
        split_of: The split of every chunk.
        cross: Cross-domain rows kept, by split, with `left_domain` and `right_domain`.
        books: What to say about each book.
        options: Ratio, formats, seed and the options of writing.
        concepts: Rows of `CONCEPTS_SCHEMA`; without them there are no questions.
    """
    pools: dict[tuple[str, str], list[str]] = defaultdict(list)
    for chunk, domain in candidates.select("chunk_id", "domain").iter_rows():
        pools[split_of[chunk], domain].append(chunk)
    kinds: list[TextKind] = [kind for kind in get_args(TextKind) if options.formats.get(kind)]
    parts: list[pl.DataFrame] = []
    result = Standalone(pl.DataFrame(schema=PAIR_TEXTS_SCHEMA))
    for split, rows in cross.items():
        need = round(options.standalone_ratio * rows.height)
        heard = Counter({domain: 0.0 for name, domain in pools if name == split})
        for column in ("left_domain", "right_domain"):
            for domain, count in rows.group_by(column).len().iter_rows():
                heard[domain] += count / 2
        queues: dict[str, list[str]] = {}
        for domain in sorted(heard):
            pool = pools.get((split, domain), [])
            pool = sorted(pool, key=lambda chunk: (stable_order(chunk, options.seed), chunk))
            queues[domain] = pool[: _SPARE * need][::-1]
        wanted = pl.Series([chunk for queue in queues.values() for chunk in queue], dtype=pl.String)
        passages = load_passages(candidates, wanted, books, concepts)
        written: Counter[str] = Counter()
        got = 0
        while got < need:
            open_domains = [domain for domain, queue in queues.items() if queue]
            if not open_domains:
                break
            domain = min(open_domains, key=lambda name: (heard[name], name))
            chunk = queues[domain].pop()
            order = sorted(kinds, key=lambda kind: (written[kind] / options.formats[kind], kind))
            text, reasons = _write(passages[chunk], order, options)
            if text is None:
                result.refused[chunk] = reasons
                continue
            parts.append(text)
            result.split_of[text["id"][0]] = split
            written[text["kind"][0]] += 1
            heard[domain] += 1
            got += 1
        if got < need:
            result.short[split] = need - got
    if parts:
        result.texts = pl.concat(parts)
    return result


def _write(
    passage: Passage, kinds: list[TextKind], options: SftOptions
) -> tuple[pl.DataFrame | None, list[str]]:
    reasons: list[str] = []
    for kind in kinds:
        text = write_standalone_texts([(passage, kind)], options.writing)
        if text["accepted"][0] and text["kind"][0] in kinds:
            return text, []
        reasons += [f"{kind}: {reason}" for reason in text["rejected_by"][0]]
    return None, reasons
