"""New textbooks: a sensor that looks at the books' folder and runs what has to run."""

import json
import time
from collections.abc import Mapping

import dagster as dg

from xpoll_dagster.books.model import Book
from xpoll_dagster.defs.abandoned import close_abandoned_runs
from xpoll_dagster.defs.automation.jobs import ALL_JOBS
from xpoll_dagster.defs.automation.planning import plan
from xpoll_dagster.defs.lineage import Lineage
from xpoll_dagster.defs.partitions import books_partitions
from xpoll_dagster.settings import get_settings
from xpoll_dagster.storage import tree_signature

_AUTOMATION = get_settings().automation


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

    A book still being copied is left until it is still; one that failed, until it changes. A
    book that is gone loses its partition and its part in the library; its artifacts stay.
    """
    settings = get_settings()
    close_abandoned_runs(context.instance, launched=True)
    lineage = Lineage(settings)
    books = lineage.library.books
    before = _signatures(context.cursor)
    now = {key: tree_signature(book.path) for key, book in books.items()}
    oldest_change = time.time() - settings.automation.settle_seconds
    unsettled = {
        key
        for key, (signature, changed) in now.items()
        if before.get(key) != signature or changed > oldest_change
    }
    found = plan(lineage, context.instance, unsettled)
    requests = _partition_requests(context.instance, books)
    notes = "; ".join(dict.fromkeys(found.notes))
    if notes:
        context.log.info(notes)
    return dg.SensorResult(
        run_requests=found.runs,
        skip_reason=None if found.runs else f"{notes or 'everything is current'}.",
        dynamic_partitions_requests=requests,
        cursor=json.dumps({key: signature for key, (signature, _) in now.items()}),
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


def _signatures(cursor: str | None) -> dict[str, str]:
    """What the last look saw; a cursor that cannot be read is as good as none."""
    try:
        signatures = json.loads(cursor or "{}")
    except ValueError:
        return {}
    return signatures if isinstance(signatures, dict) else {}
