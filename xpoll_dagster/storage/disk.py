"""What a person is told when a disk is full or cannot be written to."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT)
_NO_ROOM_BYTES = 1 << 20
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
_SAYS_FULL = ("no space left on device", "disk is full", "disk quota exceeded")
_SAYS_READ_ONLY = (
    "read-only file system",
    "(os error 13)",
    "readonly database",
    "unable to open database file",
)


def disk_sentence(error: Exception, folder: Path) -> str | None:
    """What a person can do about a failed write, or None where the disk is not to blame.

    Libraries that write for us say it in errors of their own.
    """
    number = error.errno if isinstance(error, OSError) else None
    said = str(error).lower()
    hidden = "transport error" in said and _has_no_room(folder)  # polars, in a file's footer
    if hidden or number in _FULL or any(words in said for words in _SAYS_FULL):
        return f"The disk that holds {folder} is full: free some space and run again."
    if number in _READ_ONLY or any(words in said for words in _SAYS_READ_ONLY):
        return f"{folder} cannot be written to: check its permissions, or set XPOLL_DATA_DIR."
    return None


def _has_no_room(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _NO_ROOM_BYTES
    except OSError:
        return False
