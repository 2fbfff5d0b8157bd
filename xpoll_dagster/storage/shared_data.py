"""A data folder in an object store, and this machine's working folder for it."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from xpoll_dagster.storage.atomic import replace_file
from xpoll_dagster.storage.mirror import Mirror
from xpoll_dagster.storage.objects import ObjectStore
from xpoll_dagster.storage.shared import MANIFESTS, SharedStore
from xpoll_dagster.storage.store import StorageError

# What people put there, and every machine only reads.
INPUTS = ("books", "corpus", "epistemology", "prompts")

_MARK = ".xpoll-data.json"


class SharedData:
    """What lies at an address: inputs that are followed, and the store of what is built.

    Raises `StorageError` where the working folder belongs to something else: what is not in the
    object store is removed from it.
    """

    def __init__(self, address: str, work: Path) -> None:
        objects = ObjectStore(address)
        _claim(work, objects.address)
        own = work / ".shared"
        self._inputs = [Mirror(objects, name, work / name, own / f"{name}.json") for name in INPUTS]
        manifests = Mirror(objects, MANIFESTS, own / "manifests", own / "manifests.json")
        self.store = SharedStore(work / "artifacts", objects, manifests)

    def follow_inputs(self) -> None:
        """Have books, catalogue, notes and prompts here as they are there now."""
        for mirror in self._inputs:
            mirror.refresh()


@lru_cache(maxsize=8)
def open_shared(address: str, work: Path) -> SharedData:
    """The one of this process: it remembers when it last looked."""
    return SharedData(address, work)


def _claim(work: Path, address: str) -> None:
    mark = work / _MARK
    try:
        owner = json.loads(mark.read_text(encoding="utf-8"))["address"]
    except FileNotFoundError:
        if work.exists() and any(not entry.name.startswith(".") for entry in work.iterdir()):
            raise StorageError(
                f"{work} holds files that are not from {address}: set XPOLL_WORK_DIR to an empty "
                "folder."
            ) from None
        with replace_file(mark) as file:
            file.write_text(json.dumps({"address": address}), encoding="utf-8")
        return
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StorageError(f"{mark} cannot be read: remove it, or set XPOLL_WORK_DIR.") from error
    if owner != address:
        raise StorageError(
            f"{work} is the working folder of {owner}: set XPOLL_WORK_DIR to another one."
        )
