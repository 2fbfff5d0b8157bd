"""New textbooks: a sensor that looks at the books' folder and runs what has to run."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import dagster as dg

from xpoll_dagster.books.model import Book
from xpoll_dagster.defs.abandoned import close_abandoned_runs
from xpoll_dagster.defs.automation.jobs import ALL_JOBS
from xpoll_dagster.defs.automation.planning import plan
from xpoll_dagster.defs.lineage import Lineage
from xpoll_dagster.defs.partitions import books_partitions
from xpoll_dagster.settings import Settings, get_settings
from xpoll_dagster.storage import tree_signature

_AUTOMATION = get_settings().automation
_CLOCK_SECONDS = 60.0


@dg.sensor(
    name="new_textbooks",
    jobs=ALL_JOBS,
    minimum_interval_seconds=_AUTOMATION.interval_seconds,
    default_status=dg.DefaultSensorStatus.RUNNING
    if _AUTOMATION.enabled
    else dg.DefaultSensorStatus.STOPPED,
)
def new_textbooks(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Adds a partition for each new book and runs what is stale: the book, then the library.

    A book still being copied is left until it is still, and the library waits for it, though
    not for ever; one that failed is left until it changes. A
    book that is gone loses its partition and its part in the library; its artifacts stay.
    """
    settings = get_settings()
    close_abandoned_runs(context.instance, launched=True)
    lineage = Lineage(settings)
    books = lineage.library.books
    before = _seen(context.cursor)
    now = time.time()
    looks = {key: _look(book.path, before.get(key), now, settings) for key, book in books.items()}
    moving = {key: look.moving_since for key, look in looks.items() if look.moving_since}
    patience = settings.automation.patience_seconds
    awaited = {key for key, since in moving.items() if now - since < patience}
    found = plan(lineage, context.instance, moving, awaited)
    requests = _partition_requests(context.instance, books)
    notes = "; ".join(dict.fromkeys(found.notes))
    if notes:
        context.log.info(notes)
    return dg.SensorResult(
        run_requests=found.runs,
        skip_reason=None if found.runs else f"{notes or 'everything is current'}.",
        dynamic_partitions_requests=requests,
        cursor=json.dumps(looks),
    )


def _partition_requests(
    instance: dg.DagsterInstance, books: Mapping[str, Book]
) -> list[dg.AddDynamicPartitionsRequest | dg.DeleteDynamicPartitionsRequest]:
    name = books_partitions.name or ""
    known = set(instance.get_dynamic_partitions(name))
    requests: list[dg.AddDynamicPartitionsRequest | dg.DeleteDynamicPartitionsRequest] = []
    if new := sorted(books.keys() - known):
        requests.append(books_partitions.build_add_request(new))
    if gone := sorted(known - books.keys()):
        requests.append(books_partitions.build_delete_request(gone))
    return requests


class _Look(NamedTuple):
    """What a book's files looked like, and since when they have been changing (0: are still)."""

    signature: str
    moving_since: float


def _look(path: Path, before: _Look | None, now: float, settings: Settings) -> _Look:
    signature, changed = tree_signature(path)
    # A time that lies ahead (the clock of another machine) says nothing.
    fresh = now - settings.automation.settle_seconds < changed < now + _CLOCK_SECONDS
    if before is not None and before.signature == signature and not fresh:
        return _Look(signature, 0.0)
    return _Look(signature, (before.moving_since if before else 0.0) or now)


def _seen(cursor: str | None) -> dict[str, _Look]:
    """What the last look saw; a cursor that cannot be read is as good as none."""
    try:
        looks = json.loads(cursor or "{}")
        return {key: _Look(str(look[0]), float(look[1])) for key, look in looks.items()}
    except (ValueError, TypeError, AttributeError, IndexError):
        return {}
