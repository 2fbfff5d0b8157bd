"""An artifact in the object store: what its manifest says, and its content, fetched when read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from xpoll_dagster.storage.objects import is_relative_file
from xpoll_dagster.storage.store import Artifact


class SharedManifest(BaseModel):
    """What the object store says of an artifact: all of `Artifact`, and where its files are."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: str
    inputs: dict[str, str]
    content_hash: str
    created: float
    numbers: dict[str, Any] = Field(default_factory=dict)
    place: str
    files: dict[str, str]  # name below the place → SHA-256

    def is_safe(self) -> bool:
        """Whether all names stay below the places that they should lie in."""
        return all(is_relative_file(name) for name in (self.place, *self.files))


# The slot behind `Artifact.path`, which `SharedArtifact` puts a question in front of.
_PATH: Any = Artifact.__dict__["path"]


class SharedArtifact(Artifact):
    """An artifact whose content is fetched when its path is asked for."""

    __slots__ = ("_fetch",)

    def __init__(self, fetch: Callable[[], None], **fields: Any) -> None:
        object.__setattr__(self, "_fetch", fetch)
        super().__init__(**fields)

    @property
    def path(self) -> Path:
        """Where the content lies here, fetched where it is not yet."""
        self._fetch()
        return _PATH.__get__(self)

    @path.setter
    def path(self, place: Path) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        _PATH.__set__(self, place)
