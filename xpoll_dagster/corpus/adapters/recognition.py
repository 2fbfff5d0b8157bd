"""Which adapter reads a record, told from its columns and what they hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xpoll_dagster.corpus.adapters.conforming import names_of
from xpoll_dagster.corpus.adapters.model import Adapter, AdapterOptions, Record
from xpoll_dagster.corpus.adapters.registry import ADAPTERS
from xpoll_dagster.corpus.reading.batches import kind_of

_SHOWN = 20


def recognises(adapter: Adapter, record: Record, options: AdapterOptions) -> bool:
    """Whether a record has the adapter's schema."""
    if adapter.recognise is not None and not options.columns:
        return adapter.recognise(record)
    if options.columns:
        return all(name in record for name in options.columns.values())
    return all(
        any(record.get(name) is not None for name in names_of(column, options))
        for column in adapter.columns
        if column.required
    )


def recognise(record: Record, options: AdapterOptions) -> Adapter | None:
    """The first adapter that knows the record, or None."""
    return next((one for one in ADAPTERS.values() if recognises(one, record, options)), None)


def describe_columns(records: Sequence[Record]) -> str:
    """The columns of records with the kind of their first values, for people."""
    kinds: dict[str, Any] = {}
    for record in records[:_SHOWN]:
        for name, value in record.items():
            if kinds.get(name) is None:
                kinds[name] = value
    shown = [f"{str(name)[:40]} ({kind_of(value)})" for name, value in list(kinds.items())[:_SHOWN]]
    more = len(kinds) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


class Recogniser:
    """Chooses the adapter of each record: the named one, or by the record's columns.

    Records with the same columns get the same adapter as the first of them that was
    recognised: types that vary among them are the adapter's to reject.
    """

    def __init__(self, adapter: Adapter | None, options: AdapterOptions) -> None:
        self._named = adapter
        self._options = options
        self._known: dict[tuple[str, ...], Adapter] = {}

    def choose(self, records: Sequence[Record]) -> list[Adapter | None]:
        """The adapter of each record; None where there is none."""
        if self._named is not None:
            return [self._named] * len(records)
        known, chosen = self._known, []
        for record in records:
            columns = tuple(record)
            adapter = known.get(columns)
            if adapter is None:
                adapter = recognise(record, self._options)
                if adapter is not None and len(known) < 10_000:
                    known[columns] = adapter
            chosen.append(adapter)
        return chosen

    def fits(self, records: Sequence[Record]) -> bool:
        """Whether any of the records has a schema that can be read."""
        if self._named is not None:
            return any(recognises(self._named, record, self._options) for record in records)
        return any(recognise(record, self._options) is not None for record in records)
