"""One write transaction, and waiting for one's turn."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """A write transaction, taken at once, so that two writers wait rather than collide."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        # On some errors (a full disk among them) SQLite has rolled back by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
