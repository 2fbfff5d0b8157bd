"""The artifact store: (asset, partition) → path, with a manifest for each artifact.

The manifest holds what the artifact was made from (the version of code and settings, the
hashes of its inputs) and what it is (its own content hash), so that a re-run can tell
whether the work still stands, and `status` and the library-wide steps can tell why not.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from xpoll_dagster.storage.atomic import (
    put_in_place,
    replace_file,
    sync_tree,
    writing_folder,
)
from xpoll_dagster.storage.disk import disk_sentence
from xpoll_dagster.storage.hashing import hash_tree
from xpoll_dagster.storage.leftovers import sweep
from xpoll_dagster.storage.lock import StoreLock


class StorageError(Exception):
    """The store cannot be written or read; the message says which folder and what to do."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """One built artifact: where it lies and what its manifest says of it.

    `inputs` maps the name of each input to its content hash; `numbers` are the counts
    that the summary shows.
    """

    asset: str
    partition: str | None
    path: Path
    version: str
    inputs: Mapping[str, str]
    content_hash: str
    created: float
    numbers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failure:
    """The last failed attempt at an artifact, kept until one succeeds."""

    asset: str
    partition: str | None
    message: str
    version: str
    inputs: Mapping[str, str]
    created: float


class ArtifactStore:
    """Maps assets to paths below one root folder and replaces artifacts whole.

    A table lies at `<root>/<asset>.parquet`, with a partition at
    `<root>/<asset>/<partition>.parquet`; a folder artifact lacks the suffix. Manifests lie
    apart, below `<root>/.manifests`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock = StoreLock(root / ".manifests" / ".lock")

    # -- paths -----------------------------------------------------------------------

    def path(self, asset: str, partition: str | None = None, suffix: str = ".parquet") -> Path:
        """Where the artifact lies, built or not. Parts must be plain names."""
        parts = [asset] if partition is None else [asset, partition]
        for part in parts:
            if not part or "/" in part or "\\" in part or part.startswith("."):
                raise ValueError(f"{part!r} cannot be part of an artifact's path")
        return self.root.joinpath(*parts[:-1], f"{parts[-1]}{suffix}")

    def content(self, asset: str, partition: str | None = None, suffix: str = ".parquet") -> Path:
        """Where the content lies to be read, built or not: fetched where it is kept elsewhere."""
        return self.path(asset, partition, suffix)

    def address(self, asset: str, partition: str | None = None) -> str | None:
        """Where an artifact is kept for other machines; None where it is kept here alone."""
        del asset, partition
        return None

    def _beside(self, asset: str, partition: str | None, ending: str) -> Path:
        folder = self.root / ".manifests"
        return folder / (
            f"{asset}{ending}" if partition is None else f"{asset}@{partition}{ending}"
        )

    # -- reading ---------------------------------------------------------------------

    def get(
        self, asset: str, partition: str | None = None, suffix: str = ".parquet"
    ) -> Artifact | None:
        """The artifact with its manifest, or None where it is not (wholly) built."""
        with self._lock.looking():
            return self._look(asset, partition, suffix)

    def _look(self, asset: str, partition: str | None, suffix: str) -> Artifact | None:
        manifest = self._beside(asset, partition, ".json")
        path = self.path(asset, partition, suffix)
        try:
            fields = json.loads(manifest.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        if not path.exists():
            return None
        return Artifact(asset=asset, partition=partition, path=path, **fields)

    def read(self, asset: str, partition: str | None = None) -> pl.DataFrame:
        """The table as a frame. Raises `StorageError` where it is not built."""
        return self.scan(asset, partition).collect()

    def scan(self, asset: str, partition: str | None = None) -> pl.LazyFrame:
        """The table as a lazy frame. Raises `StorageError` where it is not built."""
        artifact = self.get(asset, partition)
        if artifact is None:
            name = asset if partition is None else f"{asset} of {partition}"
            raise StorageError(f"{name} is not built yet: materialise it first.")
        return pl.scan_parquet(artifact.path)

    def read_beside(self, asset: str, partition: str | None, name: str) -> pl.DataFrame | None:
        """A table written `beside` an artifact, or None where there is none."""
        path = self.content(asset, partition).with_suffix(f".{name}.parquet")
        return pl.read_parquet(path) if path.exists() else None

    def partitions(self, asset: str, suffix: str = ".parquet") -> dict[str, Artifact]:
        """The built partitions of an asset, by key, in order of key."""
        found = {}
        for manifest in sorted((self.root / ".manifests").glob(f"{asset}@*.json")):
            key = manifest.name.removeprefix(f"{asset}@").removesuffix(".json")
            if key.endswith(".failed"):
                continue
            artifact = self.get(asset, key, suffix)
            if artifact is not None:
                found[key] = artifact
        return found

    def is_current(
        self,
        asset: str,
        partition: str | None,
        *,
        version: str,
        inputs: Mapping[str, str],
        suffix: str = ".parquet",
    ) -> bool:
        """Whether the artifact was made by this version from these inputs."""
        artifact = self.get(asset, partition, suffix)
        return (
            artifact is not None
            and artifact.version == version
            and dict(artifact.inputs) == dict(inputs)
        )

    # -- writing ---------------------------------------------------------------------

    def write_table(
        self,
        asset: str,
        partition: str | None,
        frame: pl.DataFrame,
        *,
        version: str,
        inputs: Mapping[str, str],
        numbers: Mapping[str, Any] | None = None,
        beside: Mapping[str, pl.DataFrame] | None = None,
    ) -> Artifact:
        """Put a table in place, whole, and record its manifest.

        `beside` are further tables that belong to it (what was left out, say): they lie at
        `<asset>.<name>.parquet` and stand and fall with the same manifest.
        """
        path = self.path(asset, partition)

        def write(content: Path) -> None:
            for name, table in (beside or {}).items():
                table.write_parquet(content.with_suffix(f".{name}.parquet"), compression="zstd")
            frame.write_parquet(content, compression="zstd")

        return self._put(asset, partition, path, write, version, inputs, numbers)

    def write_folder(
        self,
        asset: str,
        partition: str | None,
        fill: Callable[[Path], None],
        *,
        version: str,
        inputs: Mapping[str, str],
        numbers: Mapping[str, Any] | None = None,
    ) -> Artifact:
        """Have `fill` write into an empty folder, put it in place and record its manifest."""
        path = self.path(asset, partition, suffix="")

        def write(content: Path) -> None:
            content.mkdir()
            fill(content)

        return self._put(asset, partition, path, write, version, inputs, numbers)

    def _put(
        self,
        asset: str,
        partition: str | None,
        path: Path,
        write: Callable[[Path], None],
        version: str,
        inputs: Mapping[str, str],
        numbers: Mapping[str, Any] | None,
    ) -> Artifact:
        """Write beside, then exchange content and manifest under the store's lock.

        Two processes that make the same artifact at once both write in full; the one that comes
        last stands, whole, with the manifest of its own content. An error while writing leaves
        the old artifact as it was.
        """
        manifest = self._beside(asset, partition, ".json")
        try:
            with writing_folder(path.parent) as folder:
                content = folder / path.name
                write(content)
                sync_tree(folder)
                artifact = Artifact(
                    asset=asset,
                    partition=partition,
                    path=path,
                    version=version,
                    inputs=dict(inputs),
                    content_hash=hash_tree(content),
                    created=time.time(),
                    numbers=dict(numbers or {}),
                )
                fields = asdict(artifact)
                for name in ("asset", "partition", "path"):
                    del fields[name]
                with self._lock.exchanging(), replace_file(manifest) as said:
                    said.write_text(json.dumps(fields, indent=1), encoding="utf-8")
                    # Without a manifest the artifact does not count: whatever moment a crash
                    # picks, a manifest never describes content that it was not written for.
                    manifest.unlink(missing_ok=True)
                    for belonging in folder.iterdir():
                        if belonging != content:
                            put_in_place(belonging, path.with_name(belonging.name))
                    put_in_place(content, path)
            self._beside(asset, partition, ".failed.json").unlink(missing_ok=True)
        except Exception as error:
            sentence = disk_sentence(error, self.root)
            if sentence is None and isinstance(error, OSError) and error.strerror:
                sentence = f"Writing below {self.root} failed: {error.strerror}."
            if sentence is None:
                raise
            raise StorageError(sentence) from error
        return artifact

    # -- failures --------------------------------------------------------------------

    def record_failure(
        self,
        asset: str,
        partition: str | None,
        message: str,
        *,
        version: str,
        inputs: Mapping[str, str],
    ) -> None:
        """Keep why the last attempt failed, for `status`; the old artifact stays as it is."""
        said = failure_record(message, version, inputs)
        with replace_file(self._beside(asset, partition, ".failed.json")) as temporary:
            temporary.write_text(said, encoding="utf-8")

    def failure(self, asset: str, partition: str | None = None) -> Failure | None:
        """The last failed attempt, or None where the last one succeeded."""
        try:
            text = self._beside(asset, partition, ".failed.json").read_text("utf-8")
            fields = json.loads(text)
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        return Failure(asset=asset, partition=partition, **fields)

    # -- housekeeping ----------------------------------------------------------------

    def sweep(self, older_than_seconds: float = 3600.0) -> int:
        """Remove what killed processes left half-written; returns how many were removed."""
        return sweep(self.root, older_than_seconds)


def failure_record(message: str, version: str, inputs: Mapping[str, str]) -> str:
    """A failed attempt as the JSON that `ArtifactStore.failure` reads."""
    fields = {
        "message": message,
        "version": version,
        "inputs": dict(inputs),
        "created": time.time(),
    }
    return json.dumps(fields, indent=1)
