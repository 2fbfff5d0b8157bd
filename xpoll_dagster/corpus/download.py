"""Datasets of the Hugging Face hub → packed JSON Lines in a folder, as a stream.

The commit is pinned before the first row is read and recorded. Rows go out in parts; after each
part the position of the stream is noted, so that an attempt that was cut goes on there.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xpoll_dagster.corpus.catalogue import Entry
from xpoll_dagster.corpus.model import SourceError
from xpoll_dagster.storage import fingerprint, hash_tree, replace_file

STATE_FILE = "download.json"


class DownloadOptions(BaseModel):
    """How a dataset is fetched."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    part_rows: int = Field(default=20_000, ge=1)
    """Rows in a part: what a cut connection costs at most."""
    attempts: int = Field(default=5, ge=1)
    """Attempts without a new part between them, after which the source fails."""
    wait_seconds: float = Field(default=2.0, ge=0.0)
    """Wait after the first failed attempt; it doubles each time."""
    max_rows: int | None = Field(default=None, ge=1)
    """Rows that are fetched at most, from the beginning; unset, all. With a limit a cap picks
    among these rows only."""


class Stream(Protocol):
    """Rows in order, with a position that can be taken up again; `datasets.IterableDataset`."""

    def __iter__(self) -> Iterator[Mapping[str, Any]]: ...

    def state_dict(self) -> dict[str, Any]:
        """The position after the last row that was given."""
        ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a position."""
        ...


class _State(BaseModel):
    model_config = ConfigDict(extra="forbid")

    identity: str
    revision: str
    parts: int = 0
    rows: int = 0
    position: dict[str, Any] | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Download:
    """A whole download: its parts, the commit that was read, and how many rows they hold."""

    files: list[Path]
    revision: str
    rows: int


def download(
    entry: Entry,
    folder: Path,
    *,
    token: str | None = None,
    options: DownloadOptions | None = None,
    on_progress: Callable[[int], None] | None = None,
    open_stream: Callable[[Entry, str, str | None], Stream] | None = None,
) -> Download:
    """Fetch the dataset of an entry, or what is still missing of it.

    Args:
        entry: With `path`: a dataset on the hub, or a local folder that `datasets` can load.
        folder: Where the parts lie; the same at every attempt.
        token: For gated datasets; never written anywhere.
        options: Sizes and attempts.
        on_progress: Told the number of rows after each part.
        open_stream: What opens the stream of rows at a commit; unset, `datasets`.

    Raises:
        SourceError: The dataset is gated, gone or empty, there is no network, or it failed
            again and again; parts that are there stay.
    """
    options = options or DownloadOptions()
    opener = open_stream or open_dataset
    fields = {"path", "config", "split", "revision", "data_files"}
    identity = fingerprint(entry.model_dump(mode="json", include=fields))
    state = _load_state(folder, identity)
    if state is None:
        revision = pinned_revision(entry, token) if open_stream is None else entry.revision or ""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        state = _State(identity=identity, revision=revision)
        _save_state(folder, state)
    failures = 0
    while not state.whole:
        parts = state.parts
        try:
            _fetch(entry, folder, state, token, options, opener, on_progress)
        except SourceError:
            raise
        except Exception as error:
            failures = 1 if state.parts > parts else failures + 1
            final = _final(error, entry)
            if final is not None:
                raise final from error
            if failures >= options.attempts:
                raise SourceError(
                    f"{entry.name} was cut off after {state.rows:,} rows, {failures} times in a "
                    f"row ({_short(error)}): what is there stays; run again to go on."
                ) from error
            time.sleep(options.wait_seconds * 2 ** (failures - 1))
    if not state.rows:
        raise SourceError(f"{entry.name}: {entry.path} has 0 rows in the split {entry.split!r}.")
    files = [_part(folder, number) for number in range(state.parts)]
    return Download(files, state.revision, state.rows)


def _fetch(
    entry: Entry,
    folder: Path,
    state: _State,
    token: str | None,
    options: DownloadOptions,
    opener: Callable[[Entry, str, str | None], Stream],
    on_progress: Callable[[int], None] | None,
) -> None:
    import orjson
    import zstandard

    stream = opener(entry, state.revision, token)
    if state.position is not None:
        stream.load_state_dict(state.position)
    rows: list[bytes] = []

    def finish_part(*, whole: bool) -> None:
        if rows:
            with replace_file(_part(folder, state.parts)) as temporary:
                packed = zstandard.ZstdCompressor(level=3).compress(b"\n".join(rows) + b"\n")
                temporary.write_bytes(packed)
            state.parts += 1
            state.rows += len(rows)
            rows.clear()
        state.position = stream.state_dict()
        state.whole = whole
        _save_state(folder, state)
        if on_progress is not None:
            on_progress(state.rows)

    for row in stream:
        rows.append(orjson.dumps(row, default=str, option=orjson.OPT_SERIALIZE_NUMPY))
        full = options.max_rows is not None and state.rows + len(rows) >= options.max_rows
        if full or len(rows) >= options.part_rows:
            finish_part(whole=full)
            if full:
                return
    finish_part(whole=True)


def open_dataset(entry: Entry, revision: str, token: str | None) -> Stream:
    """The rows of an entry's dataset at a commit, streamed by `datasets`."""
    from datasets import load_dataset

    local = _is_local(entry)
    return load_dataset(
        str(entry.path),
        entry.config,
        split=entry.split,
        data_files=entry.data_files or None,
        revision=None if local else revision,
        streaming=True,
        token=token,
    )


def pinned_revision(entry: Entry, token: str | None = None) -> str:
    """The commit that the entry's revision stands for now; of a local folder its hash.

    Raises:
        SourceError: The dataset is gated or gone, or there is no network.
    """
    if _is_local(entry):
        return hash_tree(Path(str(entry.path)))[:40]
    from huggingface_hub import HfApi

    try:
        info = HfApi(token=token).dataset_info(str(entry.path), revision=entry.revision, timeout=30)
    except Exception as error:
        raise _final(error, entry) or _offline(entry, error) from error
    return info.sha or entry.revision or "main"


def _is_local(entry: Entry) -> bool:
    path = Path(str(entry.path))
    return path.is_absolute() and path.exists()


def _final(error: Exception, entry: Entry) -> SourceError | None:
    """What no further attempt can mend, as a sentence; None for what may pass."""
    names = {kind.__name__ for kind in type(error).__mro__}
    text = str(error).lower()
    where = f"{entry.name}: {entry.path}"
    if "GatedRepoError" in names or "gated" in text:
        return SourceError(
            f"{where} is gated: accept its terms on the hub and pass a token that may read it."
        )
    if names & {"RepositoryNotFoundError", "DatasetNotFoundError", "RevisionNotFoundError"}:
        return SourceError(
            f"{where} is not on the hub (any more), or is private: correct `path` and "
            "`revision`, or pass a token."
        )
    if names & {"OfflineModeIsEnabled", "LocalEntryNotFoundError"} or "offline mode" in text:
        return _offline(entry, error)
    if names & {"ValueError", "DataFilesNotFoundError", "FileNotFoundError", "EmptyDatasetError"}:
        return SourceError(f"{where} cannot be loaded: {_short(error)}.")
    return None


def _offline(entry: Entry, error: Exception) -> SourceError:
    return SourceError(
        f"{entry.name}: the hub cannot be reached ({type(error).__name__}): connect to the "
        "network, or name local `files`."
    )


def _short(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200].rstrip(".")


def _part(folder: Path, number: int) -> Path:
    return folder / f"part-{number:05d}.jsonl.zst"


def _load_state(folder: Path, identity: str) -> _State | None:
    try:
        state = _State.model_validate_json((folder / STATE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return None
    parts = all(_part(folder, number).is_file() for number in range(state.parts))
    return state if state.identity == identity and parts else None


def _save_state(folder: Path, state: _State) -> None:
    with replace_file(folder / STATE_FILE) as temporary:
        temporary.write_text(json.dumps(state.model_dump()), encoding="utf-8")
