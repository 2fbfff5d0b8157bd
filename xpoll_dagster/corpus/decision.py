"""What becomes of every row, decided on keys and signatures alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from xpoll_dagster.corpus.fates import Fates, numbering
from xpoll_dagster.corpus.merge_options import (
    DecontaminationOptions,
    MergeOptions,
    NearDuplicateOptions,
)
from xpoll_dagster.corpus.source_tables import Source
from xpoll_dagster.corpus.winners import exact_copies

Report = Callable[[str], None]
Contaminated = Callable[[list[Source], pl.DataFrame, DecontaminationOptions], pl.DataFrame]
Copies = Callable[[list[Source], np.ndarray], pl.DataFrame]
Near = Callable[[list[Source], np.ndarray, NearDuplicateOptions], pl.DataFrame]


def _contaminated(
    sources: list[Source], tests: pl.DataFrame, options: DecontaminationOptions
) -> pl.DataFrame:
    from xpoll_dagster.corpus.decontamination import contaminated_rows

    return contaminated_rows(sources, tests, options)


def _near(
    sources: list[Source], removed: np.ndarray, options: NearDuplicateOptions
) -> pl.DataFrame:
    from xpoll_dagster.corpus.near_duplicates import near_duplicates

    return near_duplicates(sources, removed, options)


@dataclass(frozen=True)
class Finders:
    """How the rows that go are found, rule by rule: in this process, or elsewhere."""

    contaminated: Contaminated = _contaminated
    copies: Copies = exact_copies
    near: Near = _near


def decide(
    sources: list[Source],
    options: MergeOptions,
    tests: pl.DataFrame | None = None,
    tell: Report | None = None,
    finders: Finders | None = None,
) -> Fates:
    """What becomes of every row, by rule: tests first, then copies, then near-duplicates."""
    finders = finders or Finders()
    tell = tell or (lambda _: None)
    starts = numbering(sources)
    fates = Fates.of(int(starts[-1]))
    if not sources:
        return fates
    if tests is not None and tests.height:
        tell(f"Looking for {tests.height} tests in {starts[-1]} rows.")
        fates.remove_for_tests(finders.contaminated(sources, tests, options.decontamination))
    tell(f"Looking for copies among {starts[-1]} rows.")
    fates.remove_copies(finders.copies(sources, fates.removed))
    if options.near_duplicates:
        tell(f"Looking for near-duplicates among {int((~fates.removed).sum())} rows.")
        fates.remove_near(finders.near(sources, fates.removed, options.near))
    return fates
