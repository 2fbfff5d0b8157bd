"""The mix of a profile: a drawn, shuffled and measured part of the merged corpus.

Keys first: one pass over ids, categories, sources and licences decides which rows are drawn,
with a few bytes a row in memory. A second pass reads the shards one by one and writes the
drawn rows, shuffled. The draw goes by hash of the ids (`ranks`), so that the order of files
changes nothing.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from xpoll_dagster.corpus.mix_allocation import allocate
from xpoll_dagster.corpus.mix_card import mix_card
from xpoll_dagster.corpus.mix_chart import distribution_chart
from xpoll_dagster.corpus.mix_keys import MixKeys, read_rows
from xpoll_dagster.corpus.mix_options import MixOptions
from xpoll_dagster.corpus.mix_report import mix_report
from xpoll_dagster.corpus.mix_shortfall import explain
from xpoll_dagster.corpus.model import SourceError
from xpoll_dagster.corpus.ordered_shards import OrderedShards
from xpoll_dagster.corpus.profiles import Profile
from xpoll_dagster.corpus.ranks import buckets, hash_ranks
from xpoll_dagster.corpus.trainer_views import MIX_SCHEMA, with_messages
from xpoll_dagster.storage import hash_file, replace_directory

DATA_FOLDER = "data"
REPORT_FILE = "report.json"
CARD_FILE = "README.md"
CHART_FILE = "distribution.png"


def mix(
    corpus: Path,
    profile: Profile,
    destination: Path,
    options: MixOptions | None = None,
    tell: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Draw the mix of a profile; the one at `destination` stays until the new one is whole.

    Args:
        corpus: The folder of the merged corpus.
        profile: What the mix shall consist of.
        destination: The folder of the mix, which is replaced: `data/*.parquet` (rows of
            `MIX_SCHEMA`, shuffled), `README.md` with the card, `distribution.png`,
            `report.json`. `datasets.load_dataset(destination)` reads it.
        options: What comes before the profile.
        tell: Told in one sentence what is being done.

    Returns:
        The report, as in `report.json`.

    Raises:
        SourceError: There is no merged corpus, no row fits the profile, the mix is short and
            that was declared an error, or the disk is full.
    """
    with replace_directory(destination) as folder:
        return fill_mix(corpus, profile, folder, options, tell)


def fill_mix(
    corpus: Path,
    profile: Profile,
    folder: Path,
    options: MixOptions | None = None,
    tell: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Draw the mix of a profile into an empty folder, which the caller puts in place."""
    options = options or MixOptions()
    profile = options.applied(profile)
    tell = tell or (lambda _: None)
    try:
        tell("Reading the keys of the corpus.")
        keys = MixKeys.read(corpus, profile)
        demand = keys.demand(profile)
        allocation = allocate(demand)
        shortfall = explain(demand, allocation, keys.left_out)
        if not allocation.total or (options.fail_if_short and shortfall):
            raise SourceError(f"The mix {profile.name} cannot be made as asked. {shortfall}")
        drawn = keys.draw(demand, allocation)
        random = keys.draw_randomly(allocation.total)
        tell(f"Writing {allocation.total} of {len(drawn)} rows.")
        samples = _write(keys, drawn, random, profile, folder, options)
        report = mix_report(corpus, keys, drawn, random, samples, profile, demand, allocation)
        report |= {"shortfall": shortfall, "shards": _shards(folder)}
        (folder / CHART_FILE).write_bytes(distribution_chart(report))
        (folder / CARD_FILE).write_text(mix_card(report), encoding="utf-8")
        text = json.dumps(report, indent=1, ensure_ascii=False)
        (folder / REPORT_FILE).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise SourceError(
                f"The disk that holds {folder.parent} is full: free some space and mix again."
            ) from error
        raise
    return report


def _write(
    keys: MixKeys,
    drawn: np.ndarray,
    random: np.ndarray,
    profile: Profile,
    folder: Path,
    options: MixOptions,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Write the drawn rows, shuffled; returns samples of them and of the random mix."""
    total = int(drawn.sum())
    out = OrderedShards(folder / DATA_FOLDER, "train", -(-total // options.shard_rows))
    sampled = [keys.sample(chosen, options.sample_rows) for chosen in (drawn, random)]
    samples: list[list[pl.DataFrame]] = [[], []]
    start = 0
    for path, rows in keys.files:
        here = slice(start, start + rows)
        start += rows
        wanted = drawn[here] | sampled[1][here]
        if not wanted.any():
            continue
        frame = read_rows(path, MIX_SCHEMA.names())
        part = with_messages(frame.filter(pl.Series(drawn[here])))
        order = hash_ranks(part["_id"], profile.seed, "shuffle")
        out.add(part, order, buckets(order, out.shards))
        for which in (0, 1):
            mask = sampled[which][here]
            if mask.any():
                columns = ("_id", "instruction", "input", "output")
                samples[which].append(frame.select(columns).filter(pl.Series(mask)))
    out.finish(MIX_SCHEMA)
    whole = [pl.concat(found).sort("_id") for found in samples]
    return whole[0], whole[1]


def _shards(folder: Path) -> list[dict[str, Any]]:
    return [
        {
            "file": path.relative_to(folder).as_posix(),
            "rows": pl.scan_parquet(path).select(pl.len()).collect().item(),
            "sha256": hash_file(path),
        }
        for path in sorted((folder / DATA_FOLDER).glob("*.parquet"))
    ]
