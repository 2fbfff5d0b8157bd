"""Where Dagster keeps runs, events and partitions: SQLite in its home, or Postgres.

Postgres is switched on by XPOLL_POSTGRES_URL alone. The address holds a password, so it stays in
the environment: the home's `dagster.yaml` names the variable, never its value.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

from xpoll_dagster.settings import Settings
from xpoll_dagster.storage import StorageError

VARIABLE = "XPOLL_POSTGRES_URL"
SECTION = f"storage:\n  postgres: {{postgres_url: {{env: {VARIABLE}}}}}\n"

_CONNECT_SECONDS = 10


def storage_section(settings: Settings, existing: Path) -> str:
    """The part of `dagster.yaml` on storage; empty for SQLite.

    Points this process, and those it starts, to the database, once it has answered.

    Args:
        settings: Those of this process.
        existing: The `dagster.yaml` of before, which may not be there.

    Raises:
        StorageError: The database cannot be used, or the runs of this home lie in Postgres
            and the variable is not set: two histories of one library would tell two stories.
    """
    address = settings.postgres_url.get_secret_value().strip()
    if address:
        os.environ[VARIABLE] = reached(address)
        return SECTION
    if existing.exists() and SECTION in existing.read_text(encoding="utf-8"):
        raise StorageError(
            f"Dagster's runs of this data folder are kept in Postgres: set {VARIABLE}, or remove "
            f"{existing} to go on with SQLite."
        )
    return ""


def reached(address: str) -> str:
    """The address as Dagster takes it, after the database has answered.

    Raises `StorageError`, which never shows the password.
    """
    import sqlalchemy
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    if find_spec("dagster_postgres") is None or find_spec("psycopg2") is None:
        raise StorageError(
            f"{VARIABLE} is set, but dagster-postgres is not installed: install this package's "
            "extra `postgres`."
        )
    form = "postgresql://user:password@host:5432/database"
    try:
        url = sqlalchemy.engine.make_url(address)
    except (ArgumentError, ValueError):
        # Without its cause: SQLAlchemy's message may hold the address.
        raise StorageError(f"{VARIABLE} is no address of a database: write {form}.") from None
    if url.get_backend_name() not in {"postgres", "postgresql"} or not url.database:
        raise StorageError(f"{VARIABLE} is no address of a Postgres database: write {form}.")
    if "@" in (url.host or ""):
        # What stands before it is the end of a password, not of a host's name.
        raise StorageError(
            f"{VARIABLE} is no address of a Postgres database: write signs like @ and / in the "
            "password as %40 and %2F."
        )
    # SQLAlchemy 2.1 takes another driver by default than dagster-postgres brings.
    url = url.set(drivername="postgresql+psycopg2")
    engine = sqlalchemy.create_engine(
        url,
        poolclass=sqlalchemy.pool.NullPool,
        connect_args={"connect_timeout": _CONNECT_SECONDS},
    )
    try:
        engine.connect().close()
    except SQLAlchemyError as error:
        reason = _reason(error, url.password)
        raise StorageError(
            f"Postgres cannot be used at {url.host or 'this machine'} (database {url.database}, "
            f"user {url.username or 'by default'}): {reason}. Start it, or correct {VARIABLE}."
        ) from None
    return url.render_as_string(hide_password=False)


def _reason(error: Exception, password: str | None) -> str:
    said = str(getattr(error, "orig", None) or error).strip().splitlines() or [""]
    line = said[0].rpartition("FATAL:")[2].strip() if "FATAL:" in said[0] else said[0]
    if password:
        line = line.replace(password, "…")
    return line.rstrip(".") or type(error).__name__
