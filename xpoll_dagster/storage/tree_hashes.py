"""Content hashes of files and folders, remembered as long as their files look untouched."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

from xpoll_dagster.storage.atomic import replace_file
from xpoll_dagster.storage.hashing import hash_tree

# A file changed within the clock's grain of its last look may look untouched: such a hash is
# used but not remembered (git treats its index alike).
_GRAIN_SECONDS = 2.0


def tree_signature(path: Path) -> tuple[str, float]:
    """What a tree looks like without reading it, and when it last changed (seconds).

    The signature covers names, sizes, times and inodes of the files that `hash_tree` reads. The
    time is the system's own of the last change: that of the content is copied along with a file
    and may lie in the future. A tree that is gone has an empty signature, one that cannot be
    looked at (a name too long, no permission) one that says why.
    """
    digest = hashlib.sha256()
    newest = 0.0
    try:
        files = [path] if path.is_file() else sorted(path.rglob("*"))
        for file in files:
            relative = file.relative_to(path).parts
            if file.is_symlink() or any(part.startswith(".") for part in relative):
                continue
            stat = file.stat()
            if file.is_dir():
                continue
            newest = max(newest, stat.st_ctime)
            said = (relative, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
            digest.update(repr(said).encode())
    except FileNotFoundError:
        return "", time.time()
    except OSError as error:
        return f"cannot be read: {error.errno}", 0.0
    return digest.hexdigest(), newest


class TreeHashes:
    """`hash_tree` with a memory in one JSON file; losing the file only costs time."""

    def __init__(self, memory: Path) -> None:
        self._memory = memory
        self._known = _load(memory)

    def hash(self, tree: Path) -> str:
        """SHA-256 of a tree's content; read anew only where a file looks touched."""
        signature, newest = tree_signature(tree)
        known = self._known.get(str(tree))
        if known is not None and known[0] == signature:
            return known[1]
        content = hash_tree(tree)
        if tree_signature(tree)[0] == signature and time.time() - newest > _GRAIN_SECONDS:
            self._known[str(tree)] = [signature, content]
            self._save()
        return content

    def _save(self) -> None:
        try:
            with replace_file(self._memory) as temporary:
                temporary.write_text(json.dumps(self._known), encoding="utf-8")
        except OSError:
            # A disk that is full or read-only costs the memory, not the answer.
            return


def _load(memory: Path) -> dict[str, list[str]]:
    try:
        known = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(known, dict):
        return {}
    return {
        tree: entry
        for tree, entry in known.items()
        if isinstance(entry, list) and len(entry) == 2 and all(isinstance(x, str) for x in entry)
    }
