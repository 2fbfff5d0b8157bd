"""Decontamination: rows that give away a test's question or answer.

A row is removed if it has a run of 13 words in common with a test (Brown et al. 2020,
appendix C), or holds more than half of the test's runs of 8 words (Lambert et al. 2024). Case,
punctuation, operators and layout play no part. Paraphrased tests are beyond
runs of words: whoever generates text from a source looks for tests before, so that no
paraphrase of one is made, and again after.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import polars as pl

from xpoll_dagster.corpus.fates import numbering
from xpoll_dagster.corpus.merge_options import DecontaminationOptions
from xpoll_dagster.corpus.model import SourceError
from xpoll_dagster.corpus.source_tables import Source
from xpoll_dagster.corpus.tokens import WORD, TokenTable, runs, tokenize, whole_texts
from xpoll_dagster.storage.hashing import fingerprint

TESTS_SCHEMA = pl.Schema(
    {
        "test_set": pl.String,  # GSM8K test, say
        "test": pl.String,  # which of them: an id, or its number
        "text": pl.String,  # the question, the answer, or both; one row each
    }
)

HITS_SCHEMA = pl.Schema({"position": pl.Int64, "test": pl.String, "share": pl.Float64})

_MATCH_SCHEMA = {"key": pl.UInt64, "text": pl.Int64}
_VERSION = 1
_COLUMNS = ("instruction", "input", "output", "messages")
_BATCH = 5_000


@dataclass(frozen=True)
class TestIndex:
    """The runs of words of all tests.

    Attributes:
        names: `set/test` of each text.
        long: Hashes of the long runs, sorted, and the text of each.
        short: Hashes of the short runs, sorted, and the text of each; once a text.
        sizes: Different short runs of each text.
        untestable: Texts with fewer words than a short run, for which nothing can be said.
    """

    __test__ = False  # no test case, whatever its name says

    names: list[str]
    long: tuple[np.ndarray, np.ndarray]
    short: tuple[np.ndarray, np.ndarray]
    sizes: np.ndarray
    untestable: int
    options: DecontaminationOptions
    identity: str

    @staticmethod
    def of(tests: pl.DataFrame, options: DecontaminationOptions | None = None) -> TestIndex:
        """Index tests (`TESTS_SCHEMA`).

        Raises:
            SourceError: The frame has other columns.
        """
        options = options or DecontaminationOptions()
        missing = set(TESTS_SCHEMA) - set(tests.columns)
        if missing:
            raise SourceError(f"The evaluation sets lack the column {min(missing)}.")
        tests = tests.select(pl.col(c).cast(pl.String) for c in TESTS_SCHEMA).drop_nulls("text")
        tests = tests.unique().sort(TESTS_SCHEMA.names())
        names = tests.select(pl.concat_str("test_set", "test", separator="/")).to_series()
        tokens = tokenize(tests["text"], pattern=WORD)
        sizes = np.zeros(len(names), np.int64)
        short = _once_each(*runs(tokens.code, tokens.starts, options.short_run))
        np.add.at(sizes, short[1], 1)
        digest = hashlib.sha256()
        for column in TESTS_SCHEMA:
            for value in tests[column].fill_null(""):
                digest.update(f"{len(value)}:{value}".encode())
        settings = {"tests": digest.hexdigest(), "version": _VERSION, **options.model_dump()}
        return TestIndex(
            names=names.to_list(),
            long=_once_each(*_long_runs(tokens, options)),
            short=short,
            sizes=sizes,
            untestable=int((sizes == 0).sum()),
            options=options,
            identity=fingerprint(settings),
        )

    def find(self, texts: pl.Series) -> pl.DataFrame:
        """Texts that give a test away (`HITS_SCHEMA`), with the test they hold most of."""
        tokens = tokenize(texts, pattern=WORD)
        key, row = runs(tokens.code, tokens.starts, self.options.short_run)
        sizes = pl.DataFrame({"text": np.arange(len(self.sizes)), "size": self.sizes})
        shares = (
            _matches(self.short, key, row)
            .group_by("position", "text")
            .len()
            .join(sizes, on="text")
            .select("position", "text", share=pl.col("len") / pl.col("size"))
        )
        key, row = _long_runs(tokens, self.options)
        long = _matches(self.long, key, row).select("position", "text").unique()
        hits = pl.concat(
            [
                shares.filter(pl.col("share") > self.options.share),
                shares.join(long, on=["position", "text"], how="semi"),
            ]
        )
        best = hits.sort("position", "share", "text", descending=[False, True, False]).unique(
            "position", keep="first", maintain_order=True
        )
        names = pl.Series("test", self.names, dtype=pl.String)
        return best.select("position", test=names.gather(best["text"]), share="share").cast(
            HITS_SCHEMA
        )


def _long_runs(
    tokens: TokenTable, options: DecontaminationOptions
) -> tuple[np.ndarray, np.ndarray]:
    """The long runs of which at least half are words: thirteen numbers in a row are a sum."""
    width = options.long_run
    words = np.concatenate([[0], np.cumsum(~(tokens.fixed | tokens.quantity))])
    enough = 2 * (words[width:] - words[:-width]) >= width
    return runs(tokens.code, tokens.starts, width, enough)


def _once_each(key: np.ndarray, text: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    table = pl.DataFrame({"key": key, "text": text}).unique().sort("key", "text")
    return table["key"].to_numpy(), table["text"].to_numpy()


def _matches(
    index: tuple[np.ndarray, np.ndarray], key: np.ndarray, row: np.ndarray
) -> pl.DataFrame:
    """`position` and `text` (of a test) for each different run that the two share."""
    hashes, texts = index
    tests = pl.DataFrame({"key": hashes, "text": texts}, schema=_MATCH_SCHEMA)
    if not len(hashes):
        key, row = key[:0], row[:0]
    else:
        # Nearly all runs are in no test: one search tells, and few are looked at again.
        at = np.searchsorted(hashes, key)
        there = hashes[np.minimum(at, len(hashes) - 1)] == key
        key, row = key[there], row[there]
    found = pl.DataFrame(
        {"key": key, "position": row}, schema={"key": pl.UInt64, "position": pl.Int64}
    )
    return found.unique().join(tests, on="key").select("position", "text")


def find_contaminated(
    rows: pl.DataFrame, tests: pl.DataFrame, options: DecontaminationOptions | None = None
) -> pl.DataFrame:
    """Rows of a frame that give a test away, before or after anything is generated from them.

    Args:
        rows: `instruction`, `input`, `output` and `messages` of corpus rows.
        tests: `TESTS_SCHEMA`.
        options: Lengths of the runs, and the share.

    Returns:
        `HITS_SCHEMA`: position in the frame, the test (`set/test`), the share of the test's
        short runs that the row holds.
    """
    return TestIndex.of(tests, options).find(whole_texts(rows))


def contaminated_rows(
    sources: Sequence[Source], tests: pl.DataFrame, options: DecontaminationOptions
) -> pl.DataFrame:
    """Rows of sources that give a test away: `row` (numbered through), `test`, `share`.

    What was found in a source for these tests is kept with it, in a hidden file.
    """
    index = TestIndex.of(tests, options)
    parts = []
    for start, source in zip(numbering(sources)[:-1], sources, strict=True):
        hits = source.derived(
            f".tests-{index.identity}.parquet",
            lambda source=source: _search(source, index),
            HITS_SCHEMA.names(),
        )
        parts.append(hits.select(row=pl.col("position") + int(start), test="test", share="share"))
    return pl.concat(parts)


def _search(source: Source, index: TestIndex) -> pl.DataFrame:
    def search(number: int) -> pl.DataFrame:
        texts = whole_texts(source.read_shard(number, columns=_COLUMNS))
        start = int(source.starts[number])
        parts = [pl.DataFrame(schema=HITS_SCHEMA)]
        for offset in range(0, len(texts), _BATCH):
            hits = index.find(texts.slice(offset, _BATCH))
            parts.append(hits.with_columns(pl.col("position") + start + offset))
        return pl.concat(parts)

    with ThreadPoolExecutor(2, thread_name_prefix="tests") as pool:
        parts = list(pool.map(search, range(len(source.report.shards))))
    return pl.concat([pl.DataFrame(schema=HITS_SCHEMA), *parts])
