"""What must hold of a merged corpus; each function returns the breaks in words, or none.

Everything is counted anew from the files, never taken from the manifest's word.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from xpoll_dagster.corpus.ledger import scan_ledger
from xpoll_dagster.corpus.manifest import MergedSource, read_manifest
from xpoll_dagster.corpus.model import SourceError
from xpoll_dagster.corpus.source_tables import Source
from xpoll_dagster.storage.hashing import hash_file


def check_conservation(corpus: Path, sources: Iterable[Path]) -> list[str]:
    """Check that no row of a source is lost or counted twice.

    For every source: rows read = kept + removed + rejected; the ids of the kept and the
    removed rows are those of the source, each once; what stands for a removed row is kept.
    """
    manifest = read_manifest(corpus)
    breaks = []
    seen = set()
    for folder in sources:
        source = Source.open(folder)
        seen.add(source.name)
        merged = manifest.source(source.name)
        if merged is None:
            breaks.append(f"{source.name} is not in the corpus")
            continue
        breaks += _lost_rows(corpus, source, merged)
    breaks += [
        f"{part.name} is in the corpus and not among the sources"
        for part in manifest.sources
        if part.name not in seen
    ]
    total = sum(part.kept + sum(part.removed.values()) for part in manifest.sources)
    if manifest.rows + sum(manifest.removed.values()) != total:
        breaks.append("the totals of the manifest are not the sums of its sources")
    return breaks + missing_winners(corpus)


def _lost_rows(corpus: Path, source: Source, merged: MergedSource) -> list[str]:
    name = source.name
    kept = _ids([corpus / shard.file for shard in merged.shards], "_id")
    removed = _ids([corpus / merged.ledger.file] if merged.ledger else [], "removed_id")
    rejected = source.rejected().height
    read = source.report.read
    breaks = []
    if len(kept) + len(removed) + rejected != read:
        breaks.append(
            f"{name}: {read} rows read, but {len(kept)} kept, {len(removed)} removed and "
            f"{rejected} rejected"
        )
    if (len(kept), len(removed)) != (merged.kept, sum(merged.removed.values())):
        breaks.append(f"{name}: its files hold other counts than the manifest says")
    both = pl.concat([kept, removed])
    if both.n_unique() != len(both):
        breaks.append(f"{name}: an id is there twice")
    original = [*source.folder.glob("rows-*.parquet"), *source.folder.glob("repeats-*.parquet")]
    if not both.sort().equals(_ids(sorted(original), "_id").sort()):
        breaks.append(f"{name}: the kept and removed ids are not those of the source")
    return breaks


def _ids(files: list[Path], column: str) -> pl.Series:
    if not files:
        return pl.Series("id", [], dtype=pl.String)
    return pl.read_parquet(files, columns=[column])[column].alias("id")


def missing_winners(corpus: Path) -> list[str]:
    """Check that every row that stands for a removed one is in the corpus."""
    manifest = read_manifest(corpus)
    named = scan_ledger(corpus).select("kept_source", "kept_id").drop_nulls().unique().collect()
    breaks = []
    for (name,), rows in named.group_by(["kept_source"], maintain_order=False):
        source = manifest.source(str(name))
        kept = _ids([corpus / s.file for s in source.shards] if source else [], "_id")
        lost = rows["kept_id"].filter(~rows["kept_id"].is_in(kept.implode()))
        if len(lost):
            breaks.append(
                f"{len(lost)} removed rows are stood for by rows of {name} that are "
                f"not kept, {lost.sort()[0]} first"
            )
    return sorted(breaks)


def changed_files(corpus: Path) -> list[str]:
    """Check that the files are those that the manifest describes, byte by byte."""
    try:
        manifest = read_manifest(corpus)
    except SourceError as error:
        return [str(error)]
    breaks = []
    for source in manifest.sources:
        for shard in (*source.shards, *([source.ledger] if source.ledger else [])):
            path = corpus / shard.file
            if not path.is_file():
                breaks.append(f"{shard.file} is missing")
            elif hash_file(path) != shard.sha256:
                breaks.append(f"{shard.file} is not what was written")
    return breaks


def near_numbers(corpus: Path, sources: Iterable[Path]) -> list[str]:
    """Check that no row was merged with one that holds other numbers or operators."""
    from xpoll_dagster.corpus.explanation import explain
    from xpoll_dagster.corpus.tokens import tokenize, whole_texts

    near = scan_ledger(corpus).filter(pl.col("rule") == "near").select("removed_id").collect()
    folders = list(sources)
    wrong = 0
    for row_id in near["removed_id"].sample(min(near.height, 200), seed=0):
        found = explain(row_id, corpus, folders)
        if found.row is None or found.kept is None:
            continue
        pair = pl.DataFrame([found.row, found.kept], infer_schema_length=None)
        tokens = tokenize(whole_texts(pair), keep_case=True)
        facts = [
            sorted(tokens.code[a:b][tokens.fixed[a:b]].tolist())
            for a, b in zip(tokens.starts[:-1], tokens.starts[1:], strict=True)
        ]
        wrong += facts[0] != facts[1]
    return [f"{wrong} merged rows hold other numbers than what stands for them"] if wrong else []
