"""Where the data of these settings lies: in a folder here, or in an object store."""

from __future__ import annotations

from xpoll_dagster.settings import Settings
from xpoll_dagster.storage import ArtifactStore, open_shared


def open_store(settings: Settings) -> ArtifactStore:
    """The store of everything built."""
    if not settings.data_address:
        return ArtifactStore(settings.artifacts_dir)
    return open_shared(settings.data_address, settings.data_dir).store


def bring_own(store: ArtifactStore, own: str | None) -> None:
    """Have those artifacts here that a source of the catalogue is made from (`Entry.own`)."""
    if own == "sft_dataset":
        store.content(own, suffix="")
    elif own is not None:
        for artifact in store.partitions(own).values():
            store.content(own, artifact.partition)


def follow_inputs(settings: Settings) -> None:
    """Have the books and all other inputs here, as they are now; nothing to do for a folder.

    Raises `StorageError` where the object store cannot be used.
    """
    if settings.data_address:
        open_shared(settings.data_address, settings.data_dir).follow_inputs()
