"""What can go wrong with the cache's file, in sentences a person can act on."""

from __future__ import annotations

import errno
from pathlib import Path


class CacheError(Exception):
    """The cache cannot be read or written; the message says which file and what to do."""


_FULL = {"SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE"}
_DAMAGED = {"SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_ERROR", "SQLITE_MISMATCH"}
_CLOSED = {"SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH"}
_BUSY = {"SQLITE_BUSY", "SQLITE_LOCKED"}


def cache_error(error: Exception, path: Path) -> CacheError:
    """The sentence for an error of SQLite, of the file system, or of unpacking a text."""
    name = getattr(error, "sqlite_errorname", "")
    code = error.errno if isinstance(error, OSError) else None
    if _is(name, _FULL) or code == errno.ENOSPC:
        return CacheError(
            f"The disk that holds {path} is full, so completions cannot be stored: free some space."
        )
    if _is(name, _BUSY):
        return CacheError(
            f"Another process has kept {path} locked for too long: let it finish, or end it, "
            "and run again."
        )
    if _is(name, _CLOSED) or code is not None:
        return CacheError(
            f"{path} cannot be opened for writing: check that its folder is one, its permissions, "
            "and that the file system is not read-only."
        )
    if name == "" or _is(name, _DAMAGED):
        return CacheError(
            f"{path} is damaged ({error}): move it away, and a new one is made; the completions "
            "in it are asked for again."
        )
    return CacheError(f"{path} cannot be used ({error}, {name}): check the disk and run again.")


def _is(name: str, family: set[str]) -> bool:
    """Whether an extended error name (SQLITE_BUSY_SNAPSHOT) belongs to a family."""
    return any(name == base or name.startswith(f"{base}_") for base in family)
