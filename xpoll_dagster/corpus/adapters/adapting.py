"""Batches of records → rows, rejected rows and preferences, with every unit accounted for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import polars as pl

from xpoll_dagster.corpus.adapters.conforming import BROKEN, conform
from xpoll_dagster.corpus.adapters.model import (
    UNIT,
    Adapter,
    AdapterOptions,
    Record,
    WrongTypeError,
)
from xpoll_dagster.corpus.adapters.recognition import Recogniser, describe_columns
from xpoll_dagster.corpus.adapters.registry import AUTO, get_adapter
from xpoll_dagster.corpus.categories import infer_categories
from xpoll_dagster.corpus.model import CATEGORIES, REJECTED_SCHEMA, SourceError
from xpoll_dagster.corpus.reading import Batch
from xpoll_dagster.corpus.reading.batches import EXCERPT, printable

_GROUP_LIMIT = 20_000
_REJECTED = pl.Schema({name: kind for name, kind in REJECTED_SCHEMA.items() if name != "_source"})


@dataclass(slots=True)
class Adapted:
    """What became of a batch.

    Attributes:
        rows: Columns of `ROW_COLUMNS`, `_category` filled in; `_unit` counts through the batch.
        rejected: `REJECTED_SCHEMA` without `_source`.
        preferences: `PREFERENCE_COLUMNS`, whose `_unit` is that of their row.
        units: How many units the batch held: rows and rejected together.
        adapters: Units by the adapter that read them.
        notes: Counts of what was left out besides.
    """

    rows: list[pl.DataFrame] = field(default_factory=list)
    rejected: list[pl.DataFrame] = field(default_factory=list)
    preferences: list[pl.DataFrame] = field(default_factory=list)
    units: int = 0
    adapters: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)


class Adapting:
    """Adapts the batches of one file in turn.

    Args:
        file: Its name, for errors and rejected rows.
        adapter: Name of an adapter, or `auto`.
        options: Knobs of the adapters.
        category: Of all rows; unset, rows and adapters say it or it is inferred.

    Raises:
        SourceError: There is no such adapter.
    """

    def __init__(
        self, file: str, adapter: str, options: AdapterOptions, category: str | None = None
    ) -> None:
        self._file = file
        self._named = adapter
        self._options = options
        self._category = category
        self._choose = Recogniser(None if adapter == AUTO else get_adapter(adapter), options)
        self._held: list[tuple[int, Record]] = []
        self._holder: Adapter | None = None
        self._looked = False

    def adapt(self, batches: Iterable[Batch], skip: int = 0) -> Iterator[Adapted]:
        """What became of each batch; a group that a batch cuts goes with the next one.

        Args:
            batches: Of the file, from its beginning.
            skip: Of so many batches it is known already what became of them: they are passed
                over where no group can reach from them into the next one.

        Raises:
            SourceError: No record of the first batch has a schema that can be read, or an
                adapter lost rows.
        """
        for number, batch in enumerate(batches):
            if batch.records and not self._looked:
                self._check_schema(batch.records)
            done = Adapted(units=len(batch.flaws))
            flaws = [(self._file, flaw.position, flaw.reason, flaw.excerpt) for flaw in batch.flaws]
            if flaws:
                done.rejected.append(pl.DataFrame(flaws, schema=_REJECTED, orient="row"))
            pairs = zip(batch.positions, batch.records, strict=True)
            chosen = self._choose.choose(batch.records)
            if number < skip and not any(one is not None and one.group for one in chosen):
                yield done
                continue
            alone = self._named_alone(chosen)
            if alone is not None:
                self._release(done)
                self._finish(done, alone, batch.positions, batch.records)
                yield done
                continue
            for adapter, part in _runs(chosen, pairs):
                if adapter is None:
                    self._release(done)
                    reason = "the columns fit no schema that is known: "
                    self._reject(done, [(p, reason + _names(r), r) for p, r in part])
                elif adapter.group:
                    self._group(done, adapter, part)
                else:
                    self._release(done)
                    self._read(done, adapter, part)
            yield done
        last = Adapted()
        self._release(last)
        if last.units:
            yield last

    def _check_schema(self, records: list[dict[str, Any]]) -> None:
        self._looked = True
        if self._choose.fits(records):
            return
        columns = describe_columns(records) or "no columns"
        if self._named == AUTO:
            raise SourceError(
                f"{self._file}: no adapter reads these columns: {columns}. Name one with "
                "`adapter`, and its columns with `options: {columns: …}`."
            )
        wanted = [
            "/".join(
                (self._options.columns.get(one.name, "") and [self._options.columns[one.name]])
                or one.names[:3]
            )
            for one in get_adapter(self._named).columns
            if one.required
        ]
        raise SourceError(
            f"{self._file} has not the schema of {self._named} ({', '.join(wanted)}); its "
            f"columns: {columns}. Try `adapter: auto`, or name the columns."
        )

    @staticmethod
    def _named_alone(chosen: list[Adapter | None]) -> Adapter | None:
        """The one adapter of all records, if it takes them as they are."""
        one = chosen[0] if chosen else None
        plain = one is not None and not one.group and one.expand is None
        return one if plain and all(adapter is one for adapter in chosen) else None

    # -- groups ----------------------------------------------------------------------------

    def _group(self, done: Adapted, adapter: Adapter, part: list[tuple[int, Record]]) -> None:
        if self._holder is not adapter:
            self._release(done)
        self._holder = adapter
        groups: list[list[tuple[int, Record]]] = [self._held] if self._held else []
        for position, record in part:
            last = groups[-1] if groups else None
            if (
                last
                and len(last) < _GROUP_LIMIT
                and _key(adapter, last[-1][1]) == _key(adapter, record)
            ):
                last.append((position, record))
            else:
                groups.append([(position, record)])
        self._held = groups.pop()
        self._combine(done, adapter, groups)

    def _release(self, done: Adapted) -> None:
        if self._held and self._holder is not None:
            held, self._held = self._held, []
            self._combine(done, self._holder, [held])

    def _combine(
        self, done: Adapted, adapter: Adapter, groups: list[list[tuple[int, Record]]]
    ) -> None:
        positions, units, bad = [], [], []
        for group in groups:
            position, first = group[0]
            try:
                combine = adapter.combine
                if combine is None:
                    raise TypeError(f"{adapter.name} groups records and combines none")
                units.append(combine([record for _, record in group]))
                positions.append(position)
            except WrongTypeError as error:
                bad.append((position, str(error), first))
        self._reject(done, bad)
        self._finish(done, adapter, positions, units)

    # -- units -----------------------------------------------------------------------------

    def _read(self, done: Adapted, adapter: Adapter, part: list[tuple[int, Record]]) -> None:
        if adapter.expand is None:
            self._finish(done, adapter, [at for at, _ in part], [record for _, record in part])
            return
        positions: list[int] = []
        units: list[Record] = []
        bad = []
        for position, record in part:
            try:
                expanded = adapter.expand(record)
            except WrongTypeError as error:
                bad.append((position, str(error), record))
                continue
            if not expanded:
                bad.append((position, "the record holds nothing", record))
            units.extend(expanded)
            positions.extend([position] * len(expanded))
        self._reject(done, bad)
        self._finish(done, adapter, positions, units)

    def _finish(
        self, done: Adapted, adapter: Adapter, positions: Sequence[int], units: Sequence[Record]
    ) -> None:
        if not units:
            return
        frame, wrong = conform(units, adapter, self._options)
        result = adapter.adapt(frame, self._options)
        bad = [*wrong.iter_rows(), *result.rejected.iter_rows()]
        self._account(adapter, len(units), result.rows[UNIT], [unit for unit, _ in bad])
        self._reject(done, [(positions[unit], reason, units[unit]) for unit, reason in bad])
        done.adapters[adapter.name] += len(units)
        done.notes.update(result.notes)
        shift = done.units
        done.units += len(units) - len(bad)  # the others were counted when they were rejected
        if result.rows.height:
            rows = self._categorised(result.rows, adapter)
            done.rows.append(rows.with_columns(pl.col(UNIT) + shift))
        if result.preferences.height:
            done.preferences.append(result.preferences.with_columns(pl.col(UNIT) + shift))

    def _account(self, adapter: Adapter, size: int, kept: pl.Series, bad: list[int]) -> None:
        told = pl.concat([kept, pl.Series(bad, dtype=pl.Int64)])
        if len(told) != size or told.n_unique() != size:
            raise SourceError(
                f"{self._file}: the adapter {adapter.name} made {len(kept)} rows and rejected "
                f"{len(bad)} of {size}: it loses or repeats some. This is a fault of the program."
            )

    def _reject(self, done: Adapted, bad: list[tuple[int, str, Record]]) -> None:
        if not bad:
            return
        rows = [(self._file, at, reason, _excerpt(record)) for at, reason, record in bad]
        done.units += len(bad)
        done.rejected.append(pl.DataFrame(rows, schema=_REJECTED, orient="row"))

    def _categorised(self, rows: pl.DataFrame, adapter: Adapter) -> pl.DataFrame:
        if self._category is not None:
            return rows.with_columns(_category=pl.lit(self._category))
        category = rows["_category"]
        known = category.is_in(list(CATEGORIES)).fill_null(value=False)
        if known.all():
            return rows
        if adapter.category is not None:
            other: pl.Series = pl.Series([adapter.category]).new_from_index(0, rows.height)
        else:
            other = infer_categories(rows)
        return rows.with_columns(_category=category.zip_with(known, other))


def _runs(
    chosen: list[Adapter | None], pairs: Iterable[tuple[int, Record]]
) -> Iterator[tuple[Adapter | None, list[tuple[int, Record]]]]:
    """Records of one adapter together; only such as are grouped keep their neighbours."""
    if all(adapter is chosen[0] for adapter in chosen):
        if chosen:
            yield chosen[0], list(pairs)
        return
    both = list(zip(chosen, pairs, strict=True))
    if any(adapter is not None and adapter.group for adapter in chosen):
        for _, run in groupby(both, key=lambda pair: id(pair[0])):
            part = list(run)
            yield part[0][0], [pair for _, pair in part]
        return
    parts: dict[int, list[tuple[int, Record]]] = {}
    adapters: dict[int, Adapter | None] = {}
    for adapter, pair in both:
        adapters[id(adapter)] = adapter
        parts.setdefault(id(adapter), []).append(pair)
    for key, part in parts.items():
        yield adapters[key], part


def _key(adapter: Adapter, record: Record) -> tuple[str, ...]:
    return tuple(str(record.get(name)) for name in adapter.group)


def _names(record: Record) -> str:
    names = [str(name)[:40] for name in list(record)[:12]]
    return ", ".join(names).encode("utf-8", "replace").decode() or "none"


def _excerpt(record: Record) -> str:
    """The record as JSON, of each text no more than can be shown."""
    short = {
        str(name)[:60]: value[:EXCERPT] if isinstance(value, str) else value
        for name, value in list(record.items())[:40]
    }
    try:
        text = json.dumps(short, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        text = BROKEN
    return printable(text.encode("utf-8", "replace").decode("utf-8"))
