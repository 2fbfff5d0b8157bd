"""An object store below one address, through fsspec: `s3://bucket/prefix` and its like.

Objects are replaced one by one and whole; there is no renaming and no folder. Keys are for that
store's own way in (for S3: AWS_ACCESS_KEY_ID and so on) and never in the address.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from xpoll_dagster.storage.store import StorageError

# What stores call the mark that changes with an object's content, the surest first.
_TAGS = ("ETag", "etag", "md5Hash", "crc32c", "content_md5", "VersionId", "generation")
_TIMES = ("LastModified", "last_modified", "updated", "mtime", "created")
_EXTRAS = {"s3": "s3fs (this package's extra `s3`)", "gs": "gcsfs", "abfs": "adlfs", "az": "adlfs"}


@dataclass(frozen=True, slots=True)
class Stored:
    """One object as a listing tells it: `tag` changes with its content, `changed` is in seconds."""

    size: int
    tag: str
    changed: float | None


class ObjectStore:
    """Reads, writes and lists objects; every error is a `StorageError` with one sentence."""

    def __init__(self, address: str) -> None:
        protocol, _, rest = address.partition("://")
        if "@" in rest:
            raise StorageError(
                "The address of an object store holds no key: take it out of XPOLL_DATA_DIR, and "
                "set it where the store's client looks for it (for S3: AWS_ACCESS_KEY_ID, "
                "AWS_SECRET_ACCESS_KEY)."
            )
        if not protocol or not rest.strip("/"):
            raise StorageError(
                f"{address} is no address of an object store: write s3://bucket/prefix."
            )
        self._protocol = protocol
        self._root = rest.strip("/")
        self._opened = threading.Lock()
        self._system: Any = None
        self.address = f"{protocol}://{self._root}"

    def listing(self, prefix: str) -> dict[str, Stored]:
        """All objects below a prefix, by their key after it.

        Left out are keys that make no file's path: what a browser keeps for empty folders, names
        with `..`, and an object below another one.
        """
        with self._told():
            found = self._files().find(self._path(prefix), detail=True, withdirs=False)
        start = f"{self._path(prefix)}/"
        keys: dict[str, Stored] = {}
        for path, info in sorted(found.items()):
            plain = str(path).lstrip("/")
            key = plain.removeprefix(start)
            if plain.startswith(start) and is_relative_file(key) and not _below_one(key, keys):
                keys[key] = _stored(info)
        return keys

    def read(self, key: str) -> bytes | None:
        """An object's content, or None where there is none."""
        with self._told():
            try:
                return self._files().cat_file(self._path(key))
            except FileNotFoundError:
                return None

    def write(self, key: str, content: bytes) -> None:
        """Put an object in place, whole."""
        with self._told():
            self._files().pipe_file(self._path(key), content)

    def upload(self, files: Mapping[str, Path]) -> None:
        """Put files in place, by key, several at a time."""
        if not files:
            return
        with self._told():
            self._files().put(
                [str(file) for file in files.values()], [self._path(key) for key in files]
            )

    def download(self, files: Mapping[str, Path]) -> None:
        """Write objects to files, by key, several at a time; folders of the files are made.

        Raises `MissingObjectError` where an object is gone.
        """
        if not files:
            return
        for file in files.values():
            file.parent.mkdir(parents=True, exist_ok=True)
        with self._told():
            try:
                self._files().get(
                    [self._path(key) for key in files], [str(file) for file in files.values()]
                )
            except FileNotFoundError as error:
                raise MissingObjectError(f"An object is gone from {self.address}.") from error

    def remove(self, keys: Sequence[str]) -> None:
        """Remove objects; those that are gone already are no error."""
        with self._told():
            for key in keys:
                try:
                    self._files().rm_file(self._path(key))
                except FileNotFoundError:
                    continue

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}" if key else self._root

    def _files(self) -> Any:
        with self._opened:
            if self._system is None:
                self._system = self._open()
            return self._system

    def _open(self) -> Any:
        import fsspec

        try:
            kind = fsspec.get_filesystem_class(self._protocol)
        except (ImportError, ValueError) as error:
            wanted = _EXTRAS.get(self._protocol, f"the fsspec client of {self._protocol}://")
            raise StorageError(
                f"XPOLL_DATA_DIR is {self.address}, but {wanted} is not installed."
            ) from error
        # Nothing is remembered of a listing: other machines write here too.
        return kind(use_listings_cache=False, skip_instance_cache=self._protocol != "memory")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what the store's client raises into a sentence, which never shows a key."""
        try:
            yield
        except StorageError:
            raise
        except Exception as error:
            raise StorageError(_sentence(error, self.address)) from error


class MissingObjectError(StorageError):
    """An object that was listed, or named by a manifest, is gone."""


def is_relative_file(key: str) -> bool:
    """Whether a key can be a file's path below a folder and nowhere else."""
    parts = key.split("/")
    return all(part not in {"", ".", ".."} for part in parts) and not (
        "\\" in key or "\0" in key or PurePosixPath(key).is_absolute()
    )


def _below_one(key: str, keys: Iterable[str]) -> bool:
    parents = {str(parent) for parent in PurePosixPath(key).parents}
    return not parents.isdisjoint(keys)


def _stored(info: Mapping[str, Any]) -> Stored:
    size = int(info.get("size") or 0)
    changed = next((_seconds(info[name]) for name in _TIMES if name in info), None)
    tag = next((str(info[name]).strip('"') for name in _TAGS if info.get(name)), None)
    return Stored(size, tag if tag is not None else f"{size}-{changed}", changed)


def _seconds(when: object) -> float | None:
    if isinstance(when, datetime):
        return when.timestamp()
    if isinstance(when, str):
        try:
            return datetime.fromisoformat(when).timestamp()
        except ValueError:
            return None
    return float(when) if isinstance(when, int | float) and when < time.time() + 1e9 else None


def _sentence(error: BaseException, address: str) -> str:
    names = {type(cause).__name__ for cause in _causes(error)}
    if names & {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"}:
        return (
            f"There is no key for {address}: set it where the store's client looks for it (for S3: "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)."
        )
    if isinstance(error, PermissionError):
        return f"{address} refuses access: check the key and what it may do (read, write, list)."
    if names & {"NoSuchBucket"} or isinstance(error, FileNotFoundError):
        return f"{address} is not there: make its bucket, or correct XPOLL_DATA_DIR."
    if names & _UNREACHABLE or isinstance(error, ConnectionError | TimeoutError):
        return (
            f"The object store of {address} does not answer: check the network and its endpoint "
            "(for S3: AWS_ENDPOINT_URL)."
        )
    if isinstance(error, OSError) and error.strerror:
        return f"{address} cannot be used: {error.strerror}."
    return f"{address} cannot be used ({type(error).__name__})."


_UNREACHABLE = {
    "ClientConnectorError",
    "ConnectTimeoutError",
    "ConnectionClosedError",
    "EndpointConnectionError",
    "HTTPClientError",
    "ReadTimeoutError",
    "ServerDisconnectedError",
}


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__
