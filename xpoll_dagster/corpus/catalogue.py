"""The catalogue of instruction datasets: `data/corpus/catalogue.yaml`, typed.

Adding a dataset of a known schema is one entry and no code.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from xpoll_dagster.corpus.adapters import ADAPTERS, AdapterOptions
from xpoll_dagster.corpus.adapters.registry import AUTO
from xpoll_dagster.corpus.model import CATEGORIES, SourceError
from xpoll_dagster.corpus.source_tables import valid_name

_OWN_FILES = {
    # Only what is trained on: the other splits are held out.
    "sft_dataset": ["sft_dataset/parquet/train-*.parquet"],
    "questions": ["questions/*.parquet", "questions.parquet"],
}


class Entry(BaseModel):
    """One dataset: where it is, how it is read, what may be done with it.

    It lies on the Hugging Face hub (`path`), in local files (`files`) or among the project's own
    artifacts (`own`): exactly one of the three.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """Name of the source, in ids, folders and profiles."""
    path: str | None = None
    """Dataset on the hub, `owner/name`."""
    config: str | None = None
    """Its configuration, where it has several."""
    split: str = "train"
    """Its split."""
    revision: str | None = None
    """Commit, tag or branch on the hub; the commit that was read is recorded."""
    data_files: list[str] = []
    """Files of the hub's dataset, where it needs to be told (patterns within the dataset)."""
    files: list[str] = []
    """Local files: paths or patterns, relative to the catalogue's folder or absolute."""
    own: Literal["sft_dataset", "questions"] | None = None
    """One of the project's own artifacts."""
    adapter: str = AUTO
    """How rows are read; `auto` tells it from the columns."""
    options: AdapterOptions = AdapterOptions()
    """Knobs of the adapter, such as unusual column names."""
    category: str | None = None
    """Category of all rows; unset, the rows or the adapter say it, or it is inferred."""
    licence: str
    """SPDX id where there is one; `unknown` where nobody says."""
    licence_note: str = ""
    """What a licence does not say: terms of a model's maker, doubts."""
    cap: int | None = Field(default=None, ge=1)
    """Rows that are kept at most: those of the least hashes, wherever they stand."""
    priority: int = 0
    """Of copies in several sources the one of the highest priority stays."""
    enabled: bool = False
    """Whether the entry is built unasked."""
    expected_rows: tuple[int, int] | None = None
    """Least and greatest number of rows that a whole copy gives (before the cap)."""
    language: str | None = "en"
    """Language of the rows, for verification; unset, it is not looked at."""
    evaluation: bool = False
    """Whether it is a test set: for decontamination only, never for training."""
    verified: bool = False
    """Whether path and columns were compared with the hub."""
    notes: str = ""
    """Anything else worth knowing."""

    @field_validator("name")
    @classmethod
    def _names_files(cls, value: str) -> str:
        try:
            return valid_name(value)
        except SourceError as error:
            raise ValueError(str(error)) from error

    @field_validator("adapter")
    @classmethod
    def _is_adapter(cls, value: str) -> str:
        if value != AUTO and value not in ADAPTERS:
            raise ValueError(f"there is no adapter {value!r}: use auto, {', '.join(ADAPTERS)}")
        return value

    @field_validator("category")
    @classmethod
    def _is_category(cls, value: str | None) -> str | None:
        if value is not None and value not in CATEGORIES:
            raise ValueError(f"there is no category {value!r}: use {', '.join(CATEGORIES)}")
        return value

    @model_validator(mode="after")
    def _has_one_origin(self) -> Self:
        if sum((self.path is not None, bool(self.files), self.own is not None)) != 1:
            raise ValueError("say where it is: `path` (hub), `files` (local) or `own`, one of them")
        low, high = self.expected_rows or (0, 0)
        if low > high:
            raise ValueError("`expected_rows` is [least, greatest]")
        return self

    @property
    def adapter_options(self) -> AdapterOptions:
        """The adapter's options; test sets need no answers, and stay as they are."""
        if not self.evaluation:
            return self.options
        return self.options.model_copy(
            update={"answers_optional": True, "calculator_marks": "keep"}
        )


class Catalogue(BaseModel):
    """All entries, by name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path
    entries: dict[str, Entry]

    def __iter__(self) -> Iterator[Entry]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return iter(self.entries.values())

    def entry(self, name: str) -> Entry:
        """The entry of a name.

        Raises:
            SourceError: There is none.
        """
        if name not in self.entries:
            raise SourceError(f"The catalogue has no entry {name!r}: add it, or correct the name.")
        return self.entries[name]

    def enabled(self) -> list[Entry]:
        """Entries that are built unasked."""
        return [entry for entry in self if entry.enabled]

    def evaluation(self) -> list[Entry]:
        """The test sets among the enabled entries."""
        return [entry for entry in self if entry.enabled and entry.evaluation]

    def local_files(self, entry: Entry, artifacts: Path | None = None) -> list[Path]:
        """The files of an entry that is not on the hub, in order of name.

        Args:
            entry: With `files` or `own`.
            artifacts: Where the project's artifacts lie, for `own`.

        Raises:
            SourceError: A pattern fits no file.
        """
        if entry.own is not None:
            return _own_files(entry, artifacts)
        found: list[Path] = []
        for pattern in entry.files:
            fitting = sorted(glob.glob(str(self.folder / pattern), recursive=True))  # noqa: PTH207
            files = [Path(name) for name in fitting if Path(name).is_file()]
            if not files:
                raise SourceError(
                    f"{entry.name}: no file fits {pattern!r} in {self.folder}: put it there, or "
                    "correct `files`."
                )
            found.extend(files)
        return list(dict.fromkeys(found))


def _own_files(entry: Entry, artifacts: Path | None) -> list[Path]:
    found = []
    if artifacts is not None:
        for pattern in _OWN_FILES[str(entry.own)]:
            # A further table of an artifact has a second dot in its name.
            found.extend(p for p in sorted(artifacts.glob(pattern)) if "." not in p.stem)
    if not found:
        raise SourceError(f"{entry.name}: {entry.own} is not built yet: materialise it first.")
    return found


def load_catalogue(path: Path) -> Catalogue:
    """Read a catalogue.

    Args:
        path: A YAML file: a list of entries, or a mapping with the list under `datasets`.

    Raises:
        SourceError: It is missing or wrong; the message names the entry and what is wrong.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        line = " ".join(str(error).split())[:300]
        raise SourceError(f"{path.name} is not YAML: {line}.") from error
    if isinstance(content, dict):
        content = content.get("datasets")
    if not isinstance(content, list):
        raise SourceError(f"{path.name} holds no list of entries under `datasets`.")
    entries: dict[str, Entry] = {}
    for number, fields in enumerate(content, 1):
        shown = fields.get("name", number) if isinstance(fields, dict) else number
        try:
            entry = Entry.model_validate(fields)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise SourceError(
                f"{path.name}, entry {shown}: {where + ': ' if where else ''}{first['msg']}."
            ) from error
        if entry.name in entries:
            raise SourceError(f"{path.name} has two entries named {entry.name}: rename one.")
        entries[entry.name] = entry
    return Catalogue(folder=path.parent, entries=entries)
