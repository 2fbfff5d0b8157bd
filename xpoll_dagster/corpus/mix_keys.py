"""The keys of the corpus as a mix needs them: a few bytes a row, read in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from xpoll_dagster.corpus.manifest import read_manifest
from xpoll_dagster.corpus.mix_demand import Allocation, Demand
from xpoll_dagster.corpus.model import CATEGORIES, SourceError
from xpoll_dagster.corpus.profiles import Profile
from xpoll_dagster.corpus.ranks import hash_ranks, lowest

_KEYS = ("_id", "_category", "_license")
_RANKS = ("ranks", "randoms", "samples")


@dataclass(frozen=True, slots=True)
class MixKeys:
    """A few bytes for each row of the corpus, in the order of its shards."""

    files: list[tuple[Path, int]]
    sources: list[str]
    source: np.ndarray  # number in `sources`
    category: np.ndarray  # number in CATEGORIES, -1 for others
    licences: list[str]
    licence: np.ndarray
    ranks: np.ndarray
    randoms: np.ndarray  # ranks of a random mix, independent of `ranks`
    samples: np.ndarray  # ranks of a sample, independent of both
    eligible: np.ndarray  # 1 where the profile may draw the row
    left_out: dict[str, int]

    @staticmethod
    def read(corpus: Path, profile: Profile) -> MixKeys:
        """The keys of a merged corpus, and which of its rows a profile may draw.

        Raises:
            SourceError: There is no corpus, or a shard is not what the manifest says.
        """
        manifest = read_manifest(corpus)
        files = [
            (corpus / shard.file, shard.rows, number)
            for number, source in enumerate(manifest.sources)
            for shard in source.shards
        ]
        categories = pl.Enum(CATEGORIES)
        licences: dict[str, int] = {}
        parts: dict[str, list[np.ndarray]] = {
            name: [] for name in ("source", "category", "licence", *_RANKS)
        }
        for path, rows, number in files:
            frame = read_rows(path, _KEYS)
            if frame.height != rows:
                raise SourceError(f"{path} holds other rows than its manifest says: merge anew.")
            parts["source"].append(np.full(rows, number, np.int32))
            coded = frame["_category"].cast(categories, strict=False).to_physical().cast(pl.Int16)
            parts["category"].append(coded.fill_null(-1).to_numpy().astype(np.int8))
            for licence in frame["_license"].fill_null("").unique().sort().to_list():
                licences.setdefault(licence, len(licences))
            coded = frame["_license"].fill_null("").replace_strict(licences, return_dtype=pl.Int32)
            parts["licence"].append(coded.to_numpy())
            for name in _RANKS:
                parts[name].append(hash_ranks(frame["_id"], profile.seed, name))
        whole = {
            name: np.concatenate(found) if found else np.zeros(0, np.int64)
            for name, found in parts.items()
        }
        names = [source.name for source in manifest.sources]
        takes = np.array([profile.sources.takes(name) for name in names], bool)
        permits = np.array([profile.permits(name) for name in licences], bool)
        weighs = np.array([profile.weights.get(name, 0) > 0 for name in CATEGORIES] + [False])
        reasons = {
            "the profile leaves the source out": ~_at(takes, whole["source"]),
            "the licence is not permitted": ~_at(permits, whole["licence"]),
            "the category has no weight": ~_at(weighs, whole["category"]),
        }
        eligible = np.ones(len(whole["source"]), bool)
        left_out: dict[str, int] = {}
        for reason, out in reasons.items():
            left_out[reason] = int((eligible & out).sum())
            eligible &= ~out
        return MixKeys(
            files=[(path, rows) for path, rows, _ in files],
            sources=names,
            licences=list(licences),
            eligible=eligible,
            left_out={reason: count for reason, count in left_out.items() if count},
            **whole,
        )

    def demand(self, profile: Profile) -> Demand:
        """What the profile asks for and what there is, over the eligible rows."""
        cells = np.zeros((len(self.sources), len(CATEGORIES)), np.int64)
        chosen = self.eligible
        np.add.at(cells, (self.source[chosen], self.category[chosen]), 1)
        numbers = [CATEGORIES.index(name) for name in profile.categories]
        return Demand(
            sources=self.sources,
            categories=profile.categories,
            supply=cells[:, numbers],
            weights=[profile.weights[name] for name in profile.categories],
            category_shares=[profile.share_limit(name) for name in profile.categories],
            source_caps=[profile.sources.cap(name) for name in self.sources],
            source_share=profile.sources.max_share,
            wanted=profile.max_total,
            keep_weights=profile.fill == "weights",
            temperature=profile.temperature,
        )

    def draw(self, demand: Demand, allocation: Allocation) -> np.ndarray:
        """Which rows are drawn: of each source and category those of lowest rank."""
        drawn = np.zeros(len(self.ranks), bool)
        cell = self.source.astype(np.int64) * len(CATEGORIES) + self.category
        cell[~self.eligible] = -1
        order = np.argsort(cell, kind="stable")
        starts = np.searchsorted(cell[order], np.arange(len(self.sources) * len(CATEGORIES) + 1))
        for s, c in zip(*np.nonzero(allocation.rows), strict=True):
            place = int(s) * len(CATEGORIES) + CATEGORIES.index(demand.categories[int(c)])
            rows = order[starts[place] : starts[place + 1]]
            drawn[rows[lowest(self.ranks[rows], int(allocation.rows[s, c]))]] = True
        return drawn

    def draw_randomly(self, count: int) -> np.ndarray:
        """Which rows of the whole corpus a random mix of that size holds."""
        return lowest(self.randoms, count)

    def sample(self, chosen: np.ndarray, count: int) -> np.ndarray:
        """Which of the chosen rows are in a random sample of that size."""
        mask = np.zeros(len(chosen), bool)
        rows = np.flatnonzero(chosen)
        mask[rows[lowest(self.samples[rows], count)]] = True
        return mask

    def counts(self, chosen: np.ndarray) -> dict[str, dict[str, int]]:
        """Chosen rows by category, source and licence."""
        category = np.bincount(self.category[chosen] + 1, minlength=len(CATEGORIES) + 1)
        return {
            "category": _named(("other", *CATEGORIES), category),
            "source": _named(self.sources, np.bincount(self.source[chosen])),
            "licence": _named(self.licences, np.bincount(self.licence[chosen])),
        }


def _at(truth: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    return truth[numbers] if len(truth) else np.zeros(len(numbers), bool)


def _named(names: Sequence[str], counts: np.ndarray) -> dict[str, int]:
    return {name: int(n) for name, n in zip(names, counts, strict=False) if n}


def read_rows(path: Path, columns: Sequence[str]) -> pl.DataFrame:
    """Columns of a shard of the corpus.

    Raises:
        SourceError: The shard is gone or broken.
    """
    try:
        return pl.read_parquet(path, columns=list(columns))
    except (FileNotFoundError, pl.exceptions.PolarsError) as error:
        raise SourceError(f"{path} cannot be read: merge the sources anew.") from error
