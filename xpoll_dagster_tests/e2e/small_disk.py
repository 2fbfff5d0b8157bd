"""Builds a library on a disk of its own that is filled up, emptied and made read-only.

Run in a mount namespace (`unshare --user --map-root-user --mount`), where it may mount:
`python -m xpoll_dagster_tests.e2e.small_disk FOLDER`. Prints what every step said as JSON.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from xpoll_dagster_tests.e2e.small_library import book_path, write_book

CHECKOUT = Path(__file__).resolve().parents[2]


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def _fill(disk: Path) -> Path:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as stream:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while stream.write(b"x" * size):
                    pass
            except OSError:
                continue
    return filler


def _xpoll(environment: Mapping[str, str], *arguments: str) -> dict[str, object]:
    ended = subprocess.run(
        [sys.executable, "-m", "xpoll_dagster.cli", *arguments],
        env=environment,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    return {"code": ended.returncode, "said": ended.stdout, "errors": ended.stderr[-3000:]}


def _hashes(disk: Path) -> dict[str, str]:
    return {
        file.name: json.loads(file.read_text(encoding="utf-8"))["content_hash"]
        for file in (disk / "artifacts" / ".manifests").glob("*.json")
        if not file.name.endswith(".failed.json")
    }


def _state(disk: Path) -> dict[str, object]:
    left = [path.name for path in (disk / "artifacts").rglob(".writing-*")]
    return {"hashes": _hashes(disk), "left": left}


def main(folder: Path) -> None:
    disk, home = folder / "disk", folder / "home"
    disk.mkdir()
    home.mkdir()
    shutil.copy(CHECKOUT / "dagster.yaml", home)
    _mount("-t", "tmpfs", "-o", "size=60m", "none", str(disk))
    for number in range(3):
        write_book(disk / "books", number, chapters=8)
    environment = dict(os.environ) | {
        "XPOLL_DATA_DIR": str(disk),
        "DAGSTER_HOME": str(home),
        "COLUMNS": "250",
    }
    steps: dict[str, object] = {"first": _xpoll(environment, "build") | _state(disk)}

    # A book to read again, and a library-wide step to do again, on a full disk.
    book = book_path(disk / "books", 0)
    book.write_text(f"{book.read_text()}\n\nThe comet of 1618 was seen by Johannes Kepler.\n")
    (disk / "artifacts" / ".manifests" / "lexical_links.json").unlink()
    filler = _fill(disk)
    steps["full"] = _xpoll(environment, "build") | _state(disk)
    # Dagster's own files on the full disk too.
    own = {name: value for name, value in environment.items() if name != "DAGSTER_HOME"}
    steps["all_full"] = _xpoll(own, "build") | _state(disk)
    filler.unlink()
    steps["emptied"] = _xpoll(environment, "build") | _state(disk)

    book.write_text(f"{book.read_text()}\n\nThe census of 1620 was shown to Galileo Galilei.\n")
    (disk / "artifacts" / ".manifests" / "lexical_links.json").unlink()
    _mount("-o", "remount,ro", str(disk))
    steps["read_only"] = _xpoll(environment, "build") | _state(disk)
    steps["status"] = _xpoll(environment, "status")
    sys.stdout.write(json.dumps(steps))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
