"""Records of any types → a frame of the types that an adapter reads; the others rejected.

This is the one place where values are looked at one by one: what an adapter gets is typed, and
its work is done on whole columns.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import polars as pl

from xpoll_dagster.corpus.adapters.model import (
    REJECTED_COLUMNS,
    UNIT,
    Adapter,
    AdapterOptions,
    Column,
    Kind,
    Record,
    WrongTypeError,
)
from xpoll_dagster.corpus.adapters.turns import as_turns
from xpoll_dagster.corpus.reading.batches import kind_of

BROKEN = "broken Unicode: a surrogate that stands alone"


def names_of(column: Column, options: AdapterOptions) -> tuple[str, ...]:
    """The names under which a source may have a column."""
    named = options.columns.get(column.name)
    return (named,) if named else column.names


def conform(
    records: Sequence[Record], adapter: Adapter, options: AdapterOptions
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The adapter's columns of the records, and the records that do not have them.

    Returns:
        The frame with `_unit`, the number of the record, and its columns, null where a record
        has none; and `REJECTED_COLUMNS`.
    """
    reasons: dict[int, str] = {}
    series = []
    present: set[str] = set().union(*records)
    for column in adapter.columns:
        values = _values(records, names_of(column, options), present)
        if values is None:
            series.append(
                pl.Series(column.name, [None], column.kind.type).new_from_index(0, len(records))
            )
            continue
        try:
            if column.kind is not Kind.TEXT:
                raise TypeError
            series.append(pl.Series(column.name, values, dtype=pl.String, strict=True))
        except (TypeError, UnicodeEncodeError):
            checked = _checked(values, column, reasons)
            series.append(_series(column, checked))
    frame = pl.DataFrame(
        [pl.int_range(len(records), dtype=pl.Int64, eager=True).alias(UNIT), *series]
    )
    if reasons:
        frame = frame.filter(~pl.col(UNIT).is_in(list(reasons)))
    rejected = pl.DataFrame(
        {UNIT: list(reasons), "reason": list(reasons.values())}, schema=REJECTED_COLUMNS
    )
    return frame, rejected


def _values(
    records: Sequence[Record], names: tuple[str, ...], present: set[str]
) -> list[Any] | None:
    """Of each record what it holds under the first of the names; None if none is there."""
    there = [name for name in names if name in present]
    if not there:
        return None
    if len(there) == 1:
        name = there[0]
        return [record.get(name) for record in records]
    return [_first(record, there) for record in records]


def _first(record: Record, names: Iterable[str]) -> Any:
    found = None
    for name in names:
        value = record.get(name)
        if value is not None and value != "":
            return value
        found = value if found is None else found
    return found


def _checked(values: list[Any], column: Column, reasons: dict[int, str]) -> list[Any]:
    check = _CHECKS[column.kind]
    result: list[Any] = []
    for index, value in enumerate(values):
        if value is None:
            result.append(None)
            continue
        try:
            result.append(check(value, column.name))
        except WrongTypeError as error:
            reasons.setdefault(index, str(error))
            result.append(None)
        except (UnicodeEncodeError, RecursionError) as error:
            deep = isinstance(error, RecursionError)
            reasons.setdefault(index, "the row is nested too deeply" if deep else BROKEN)
            result.append(None)
    return result


def _encoded(value: str) -> str:
    # What Polars holds is UTF-8, in which a lone surrogate cannot be written.
    if not value.isascii():
        value.encode("utf-8")
    return value


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise WrongTypeError(f"{name} is {kind_of(value)}, not a text")
    return _encoded(value)


def _texts(value: Any, name: str) -> list[str]:
    if isinstance(value, str):
        return [_encoded(value)]
    if not isinstance(value, list):
        raise WrongTypeError(f"{name} is {kind_of(value)}, not a list of texts")
    return [_text(item, f"an item of {name}") for item in value if item is not None]


def _turns(value: Any, _name: str) -> list[dict[str, str]]:
    return [{"role": _encoded(role), "content": _encoded(said)} for role, said in as_turns(value)]


def _number(value: Any, name: str) -> float:
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            pass
    if not isinstance(value, int | float):
        raise WrongTypeError(f"{name} is {kind_of(value)}, not a number")
    return float(value)


def _json(value: Any, _name: str) -> str:
    if isinstance(value, str):
        return _encoded(value)
    return _encoded(json.dumps(value, ensure_ascii=False, default=str))


_CHECKS: dict[Kind, Callable[[Any, str], Any]] = {
    Kind.TEXT: _text,
    Kind.TEXTS: _texts,
    Kind.TURNS: _turns,
    Kind.NUMBER: _number,
    Kind.JSON: _json,
}


def _series(column: Column, values: list[Any]) -> pl.Series:
    return pl.Series(column.name, values, dtype=column.kind.type, strict=True)
