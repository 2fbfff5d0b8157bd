"""Progress in the log of a run."""

from __future__ import annotations

from collections.abc import Callable

import dagster as dg


def told_by_tenths(context: dg.AssetExecutionContext, what: str) -> Callable[[int, int], None]:
    """Tells every tenth of the way, so that the log of a long book stays short.

    What it gives is called with how much is done and how much there is.
    """
    last = -1

    def tell(done: int, total: int) -> None:
        nonlocal last
        tenth = done * 10 // total if total else 10
        if tenth != last:
            last = tenth
            context.log.info("%s of %s %s", done, total, what)

    return tell
