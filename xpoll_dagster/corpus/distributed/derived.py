"""What is made from the rows of a source once and kept beside it, made on many machines.

The files are those that `contaminated_rows` and `source_signatures` look for. Where one is
there, nothing is done; where one is missing after all, those functions make it themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import polars as pl

from xpoll_dagster.compute.protocol import Compute, Factory, Task, in_order
from xpoll_dagster.corpus.decontamination import HITS_SCHEMA, TestIndex
from xpoll_dagster.corpus.distributed.shard_rows import all_shards, read_batch
from xpoll_dagster.corpus.merge_options import DecontaminationOptions, NearDuplicateOptions
from xpoll_dagster.corpus.signatures import (
    SIGNATURE_VERSION,
    TEXT_COLUMNS,
    band_names,
    sign_rows,
)
from xpoll_dagster.corpus.source_tables import Source
from xpoll_dagster.corpus.tokens import whole_texts
from xpoll_dagster.storage import fingerprint, write_parquet

_ROWS_AT_ONCE = 5_000  # whose words are in memory at a time


def find_tests_on(
    compute: Compute,
    sources: Sequence[Source],
    tests: pl.DataFrame,
    options: DecontaminationOptions,
) -> None:
    """Look for tests in the sources that have not been searched for them yet."""
    index = TestIndex.of(tests, options)
    schema = pl.Schema(HITS_SCHEMA)
    _derive(compute, sources, f".tests-{index.identity}.parquet", schema, partial(_searcher, index))


def sign_sources_on(
    compute: Compute, sources: Sequence[Source], options: NearDuplicateOptions
) -> None:
    """Sign the rows of the sources that have not been signed with these options yet."""
    settings = options.model_dump(include={"words", "characters", "short_tokens", "min_tokens"})
    settings |= {"bands": options.bands, "band_size": options.band_size}
    name = f".signatures-{fingerprint({**settings, 'version': SIGNATURE_VERSION})}.parquet"
    schema = pl.Schema({"position": pl.UInt32} | dict.fromkeys(band_names(options), pl.UInt64))
    _derive(compute, sources, name, schema, partial(_signer, options))


def _derive(
    compute: Compute, sources: Sequence[Source], name: str, schema: pl.Schema, factory: Factory
) -> None:
    """Make the file of that name beside each source; `position` counts from the source's start."""
    missing = [source for source in sources if not (source.folder / name).is_file()]
    shards = all_shards(missing)
    batches = (shard.batch(TEXT_COLUMNS, shared=compute.shared_files) for shard in shards)
    results = in_order(compute.map_batches(batches, factory))
    for source in missing:
        parts = [pl.DataFrame(schema=schema)]
        for start in source.starts[:-1].tolist():
            part = next(results)
            shifted = (pl.col("position") + start).cast(schema["position"])
            parts.append(part.with_columns(shifted).select(schema.names()))
        write_parquet(pl.concat(parts), source.folder / name)
    # Empties the iterator: what it checks at its end must be checked.
    if next(results, None) is not None:
        raise RuntimeError("There were more results than shards.")


def _searcher(index: TestIndex) -> Task:
    def search(batch: pl.DataFrame) -> pl.DataFrame:
        texts = whole_texts(read_batch(batch, TEXT_COLUMNS))
        parts = [pl.DataFrame(schema=HITS_SCHEMA)]
        for offset in range(0, len(texts), _ROWS_AT_ONCE):
            hits = index.find(texts.slice(offset, _ROWS_AT_ONCE))
            parts.append(hits.with_columns(pl.col("position") + offset))
        return pl.concat(parts)

    return search


def _signer(options: NearDuplicateOptions) -> Task:
    def sign(batch: pl.DataFrame) -> pl.DataFrame:
        rows = read_batch(batch, TEXT_COLUMNS)
        parts = [sign_rows(rows.head(0), options)]
        for offset in range(0, rows.height, _ROWS_AT_ONCE):
            signed = sign_rows(rows.slice(offset, _ROWS_AT_ONCE), options)
            parts.append(signed.with_columns((pl.col("position") + offset).cast(pl.UInt32)))
        return pl.concat(parts)

    return sign
