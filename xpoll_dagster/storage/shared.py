"""The artifact store of several machines: built here, kept in an object store, fetched when read.

An object store renames nothing, so content goes to a place of its own for each version, and the
manifest, which names that place and every file in it, is put last: whoever reads the manifest
finds the content whole. What a killed upload leaves is named by no manifest.

    artifacts/.manifests/<asset>[@<partition>].json
    artifacts/<asset>/[<partition>/]<version>/<file>
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import ValidationError

from xpoll_dagster.storage.atomic import replace_directory, replace_file
from xpoll_dagster.storage.hashing import hash_file
from xpoll_dagster.storage.lock import held_alone
from xpoll_dagster.storage.mirror import Mirror
from xpoll_dagster.storage.objects import MissingObjectError, ObjectStore
from xpoll_dagster.storage.shared_artifact import SharedArtifact, SharedManifest
from xpoll_dagster.storage.store import (
    Artifact,
    ArtifactStore,
    Failure,
    StorageError,
    failure_record,
)

PREFIX = "artifacts"
MANIFESTS = f"{PREFIX}/.manifests"

# What no manifest names is swept when it is older: an upload may take so long.
UNNAMED_SECONDS = 24 * 3600.0

_ATTEMPTS = 3


class SharedStore(ArtifactStore):
    """An `ArtifactStore` whose artifacts are those of the object store.

    `root` is a folder of this machine's own, for what is built and what was fetched; what is
    there and not in the object store does not count.
    """

    def __init__(self, root: Path, objects: ObjectStore, manifests: Mirror) -> None:
        super().__init__(root)
        self._objects = objects
        self._manifests = manifests

    # -- reading ---------------------------------------------------------------------

    def get(
        self, asset: str, partition: str | None = None, suffix: str = ".parquet"
    ) -> Artifact | None:
        """The artifact as its manifest in the object store says; its content is not fetched."""
        manifest = self._said(asset, partition)
        if manifest is None:
            return None
        return SharedArtifact(
            partial(self._bring, asset, partition, suffix),
            asset=asset,
            partition=partition,
            path=self.path(asset, partition, suffix),
            **manifest.model_dump(exclude={"place", "files"}),
        )

    def content(self, asset: str, partition: str | None = None, suffix: str = ".parquet") -> Path:
        """Where the content lies here, fetched where it is not yet."""
        artifact = self.get(asset, partition, suffix)
        return artifact.path if artifact else self.path(asset, partition, suffix)

    def partitions(self, asset: str, suffix: str = ".parquet") -> dict[str, Artifact]:
        """The built partitions of an asset, by key, in order of key."""
        self._manifests.refresh()
        found = {}
        for file in sorted(self._manifests.folder.glob(f"{asset}@*.json")):
            key = file.name.removeprefix(f"{asset}@").removesuffix(".json")
            artifact = None if key.endswith(".failed") else self.get(asset, key, suffix)
            if artifact is not None:
                found[key] = artifact
        return found

    def address(self, asset: str, partition: str | None = None) -> str | None:
        """Where the artifact's files are in the object store; None where it is not built."""
        manifest = self._said(asset, partition)
        return f"{self._objects.address}/{PREFIX}/{manifest.place}" if manifest else None

    def _said(self, asset: str, partition: str | None) -> SharedManifest | None:
        self._manifests.refresh()
        file = self._manifests.folder / self._beside(asset, partition, ".json").name
        try:
            manifest = SharedManifest.model_validate_json(file.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None
        return manifest if manifest.is_safe() else None

    def _bring(self, asset: str, partition: str | None, suffix: str) -> None:
        """Fetch the content as the manifest names it now, unless it is here."""
        for attempt in range(1, _ATTEMPTS + 1):
            manifest = self._said(asset, partition)
            if manifest is None or self._is_here(asset, partition, suffix, manifest):
                return
            with self._alone(asset, partition):
                self._manifests.refresh(now=True)
                manifest = self._said(asset, partition)
                if manifest is None or self._is_here(asset, partition, suffix, manifest):
                    return
                try:
                    self._fetch(asset, partition, suffix, manifest)
                except MissingObjectError as error:
                    # Swept by another machine while it was fetched: a newer one stands.
                    if attempt == _ATTEMPTS:
                        name = asset if partition is None else f"{asset} of {partition}"
                        raise StorageError(
                            f"Files of {name} are gone from {self._objects.address}: materialise "
                            "it again."
                        ) from error
                else:
                    return

    def _is_here(
        self, asset: str, partition: str | None, suffix: str, manifest: SharedManifest
    ) -> bool:
        local = super().get(asset, partition, suffix)
        return local is not None and local.content_hash == manifest.content_hash

    def _fetch(
        self, asset: str, partition: str | None, suffix: str, manifest: SharedManifest
    ) -> None:
        path = self.path(asset, partition, suffix)
        record = self._beside(asset, partition, ".json")
        record.unlink(missing_ok=True)
        if suffix:
            # The table itself last: those beside it belong to it.
            for name in sorted(manifest.files, key=lambda name: name == path.name):
                with replace_file(path.with_name(name)) as file:
                    self._download(manifest, {name: file})
        else:
            with replace_directory(path) as folder:
                self._download(manifest, {name: folder / name for name in manifest.files})
        with replace_file(record) as file:
            fields = manifest.model_dump(exclude={"place", "files"})
            file.write_text(json.dumps(fields, indent=1), encoding="utf-8")

    def _download(self, manifest: SharedManifest, files: Mapping[str, Path]) -> None:
        place = f"{PREFIX}/{manifest.place}"
        self._objects.download({f"{place}/{name}": file for name, file in files.items()})
        for name, file in files.items():
            if hash_file(file) != manifest.files[name]:
                raise StorageError(
                    f"{self._objects.address}/{place}/{name} is not what was put there: "
                    "materialise its asset again."
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
        """As `ArtifactStore.write_table`, then put in the object store."""
        with self._alone(asset, partition):
            artifact = super().write_table(
                asset,
                partition,
                frame,
                version=version,
                inputs=inputs,
                numbers=numbers,
                beside=beside,
            )
            path = artifact.path
            tables = [path, *(path.with_suffix(f".{name}.parquet") for name in beside or {})]
            self._publish(artifact, {table.name: table for table in tables})
        return artifact

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
        """As `ArtifactStore.write_folder`, then put in the object store."""
        with self._alone(asset, partition):
            artifact = super().write_folder(
                asset, partition, fill, version=version, inputs=inputs, numbers=numbers
            )
            files = {
                file.relative_to(artifact.path).as_posix(): file
                for file in sorted(artifact.path.rglob("*"))
                if file.is_file() and not file.is_symlink()
            }
            self._publish(artifact, files)
        return artifact

    def _publish(self, artifact: Artifact, files: Mapping[str, Path]) -> None:
        parts = [
            artifact.asset,
            artifact.partition,
            f"{artifact.content_hash[:16]}-{uuid.uuid4().hex[:8]}",
        ]
        place = "/".join(part for part in parts if part)
        self._objects.upload({f"{PREFIX}/{place}/{name}": file for name, file in files.items()})
        manifest = SharedManifest(
            version=artifact.version,
            inputs=dict(artifact.inputs),
            content_hash=artifact.content_hash,
            created=artifact.created,
            numbers=dict(artifact.numbers),
            place=place,
            files={name: hash_file(file) for name, file in files.items()},
        )
        said = manifest.model_dump_json(indent=1).encode()
        self._objects.write(self._key(artifact.asset, artifact.partition, ".json"), said)
        self._objects.remove([self._key(artifact.asset, artifact.partition, ".failed.json")])
        self._manifests.refresh(now=True)

    def _key(self, asset: str, partition: str | None, ending: str) -> str:
        return f"{MANIFESTS}/{self._beside(asset, partition, ending).name}"

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
        """Keep why the last attempt failed, for `status` on all machines."""
        said = failure_record(message, version, inputs).encode()
        try:
            self._objects.write(self._key(asset, partition, ".failed.json"), said)
            self._manifests.refresh(now=True)
        except StorageError:
            # A store that cannot be reached is itself the failure: it is in the message.
            return

    def failure(self, asset: str, partition: str | None = None) -> Failure | None:
        """The last failed attempt on any machine, or None where the last one succeeded."""
        self._manifests.refresh()
        file = self._manifests.folder / self._beside(asset, partition, ".failed.json").name
        try:
            return Failure(asset=asset, partition=partition, **json.loads(file.read_bytes()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    # -- housekeeping ----------------------------------------------------------------

    def sweep(self, older_than_seconds: float = 3600.0) -> int:
        """Remove what is half-written here, and what no manifest in the object store names.

        Of the latter only what is older than a day: another machine may be putting it there.
        """
        removed = super().sweep(older_than_seconds)
        objects = self._objects.listing(PREFIX)  # before the manifests that may name them
        self._manifests.refresh(now=True)
        old = {
            key
            for key, stored in objects.items()
            if not key.startswith(".manifests/")
            and stored.changed is not None
            and time.time() - stored.changed > max(older_than_seconds, UNNAMED_SECONDS)
        }
        unnamed = sorted(f"{PREFIX}/{key}" for key in old & self._unnamed(objects))
        self._objects.remove(unnamed)
        return removed + len(unnamed)

    def _unnamed(self, objects: Iterable[str]) -> set[str]:
        """Those that no manifest names; none where what a manifest names is not known."""
        named = set()
        for file in self._manifests.folder.glob("*.json"):
            if file.name.endswith(".failed.json"):
                continue
            try:
                named.add(SharedManifest.model_validate_json(file.read_bytes()).place)
            except ValidationError:
                return set()
        return {key for key in objects if named.isdisjoint(_parents(key))}

    # -- one at a time on this machine -----------------------------------------------

    def _alone(self, asset: str, partition: str | None) -> AbstractContextManager[None]:
        """Hold an artifact of this machine's folder alone."""
        name = self._beside(asset, partition, ".lock").name
        return held_alone(self._manifests.folder.parent / "locks" / name)


def _parents(key: str) -> set[str]:
    parts = key.split("/")
    return {"/".join(parts[:number]) for number in range(1, len(parts))}
