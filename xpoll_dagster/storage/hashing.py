"""Content hashes of files, folders and plain values."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

_BLOCK = 1 << 20


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex; the file is streamed."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def hash_tree(path: Path) -> str:
    """SHA-256 over a file, or over the names and contents of all files of a folder.

    Symbolic links and hidden files are left out, so neither a link out of the folder nor
    an editor's swap file changes the hash.
    """
    if path.is_file():
        return hash_file(path)
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")):
        relative = file.relative_to(path)
        if file.is_symlink() or not file.is_file():
            continue
        if any(part.startswith(".") for part in relative.parts):
            continue
        digest.update(os.fsencode(relative.as_posix()) + f"\x1f{hash_file(file)}\n".encode())
    return digest.hexdigest()


def fingerprint(value: object) -> str:
    """Short stable hash (16 hex digits) of a JSON-like value; order of keys is ignored."""
    text = json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
