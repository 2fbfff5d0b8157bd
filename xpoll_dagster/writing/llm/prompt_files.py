"""Prompt files: where they lie, how they are taken apart, and the hash of all that they use."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import yaml
from jinja2 import TemplateSyntaxError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from xpoll_dagster.writing.llm.options import SamplingChange

SUFFIX = ".md.j2"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,60}/[A-Za-z0-9_-]{1,60}\.md\.j2")
_FRONT = re.compile(r"\A---[ \t]*\n(.*?)^---[ \t]*\n", re.DOTALL | re.MULTILINE)
_PART = re.compile(r"^## (system|user)[ \t]*\n", re.MULTILINE)
_MAX_BYTES = 64_000


class PromptError(ValueError):
    """A prompt file cannot be used; the message names the file and what is wrong with it."""


class PromptSettings(BaseModel):
    """What a prompt's file may set at its head, between two lines of `---`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float | None = Field(default=None, ge=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1)
    length: tuple[float, float] | None = Field(
        default=None,
        description="Words of the answer for each word of the passage, from and to (paraphrase).",
    )
    keep_numbers: bool = Field(
        default=False,
        description="Whether an answer that leaves out a number of the passage is asked for "
        "again (paraphrase).",
    )

    @model_validator(mode="after")
    def _ordered(self) -> PromptSettings:
        if self.length is not None and not 0 <= self.length[0] < self.length[1] <= 20:
            raise ValueError("length takes two numbers, 0 to 20, the smaller one first")
        return self

    @property
    def sampling(self) -> SamplingChange:
        """What it changes in the sampling."""
        return SamplingChange(
            temperature=self.temperature, top_p=self.top_p, max_tokens=self.max_tokens
        )


@dataclass(frozen=True, slots=True)
class PromptFile:
    """A prompt's file taken apart: what stands before the parts, and the parts' templates."""

    name: str
    settings: PromptSettings
    head: str
    system: str
    user: str


class PromptFolders:
    """The package's prompt files with those of a user's folder over them.

    Raises:
        PromptError: The user's folder is no folder.
    """

    def __init__(self, prompts_dir: Path | None = None) -> None:
        if prompts_dir is not None and not prompts_dir.is_dir():
            raise PromptError(f"The folder of prompts, {prompts_dir}, is not there.")
        self._own = prompts_dir
        self._package = resources.files("xpoll_dagster.writing") / "prompts"

    def styles(self, task: str) -> list[str]:
        """The names of a task's files, the package's and the user's, sorted."""
        found: set[str] = set()
        for folder in (self._package, self._own):
            place = None if folder is None else folder / task
            if place is not None and place.is_dir():
                names = {file.name for file in place.iterdir()}
                found |= {name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX)}
        return sorted(name for name in found if _NAME.fullmatch(f"{task}/{name}{SUFFIX}"))

    def read(self, name: str) -> str | None:
        """The text of a file (`paraphrase/short.md.j2`), the user's before the package's.

        Raises:
            PromptError: It lies outside its folder, is too large or is no UTF-8.
        """
        if not _NAME.fullmatch(name):
            raise PromptError(
                f"{name!r} is no name of a prompt file: it is folder/file{SUFFIX}, in letters, "
                "digits, - and _."
            )
        data: bytes | None = None
        if self._own is not None and (self._own / name).is_file():
            path = (self._own / name).resolve()
            if not path.is_relative_to(self._own.resolve()):
                raise PromptError(f"The prompt {name} is a link out of the folder of prompts.")
            with path.open("rb") as stream:
                data = stream.read(_MAX_BYTES + 1)
        elif (self._package / name).is_file():
            data = (self._package / name).read_bytes()
        if data is None:
            return None
        if len(data) > _MAX_BYTES:
            raise PromptError(f"The prompt {name} is larger than {_MAX_BYTES // 1000} kB.")
        try:
            return data.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            raise PromptError(f"The prompt {name} is no UTF-8 text.") from error


def take_apart(name: str, text: str) -> PromptFile:
    """Settings and parts of a prompt's file.

    The parts are found in the file as it was written, so no text that a prompt is filled
    with can begin a part.

    Raises:
        PromptError: The head is no YAML of known settings, or a part is missing or there twice.
    """
    settings = PromptSettings()
    front = _FRONT.match(text)
    if front:
        text = text[front.end() :]
        try:
            settings = PromptSettings.model_validate(yaml.safe_load(front[1]) or {})
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the settings"
            raise PromptError(
                f"The head of the prompt {name} is wrong at {where}: {first['msg']}."
            ) from error
        except yaml.YAMLError as error:
            raise PromptError(f"The head of the prompt {name} is no YAML.") from error
    pieces = _PART.split(text)
    names = pieces[1::2]
    if sorted(names) not in (["user"], ["system", "user"]):
        raise PromptError(
            f"The prompt {name} needs one line '## user' and at most one line '## system'."
        )
    parts = dict(zip(names, pieces[2::2], strict=True))
    return PromptFile(name, settings, pieces[0], parts.get("system", ""), parts["user"])


def content_hash(
    folders: PromptFolders, name: str, environment: ImmutableSandboxedEnvironment
) -> str:
    """SHA-256 over a prompt's file and every file that it includes or imports, in hex.

    Raises:
        PromptError: A file is missing or broken, or is named by an expression.
    """
    digest = hashlib.sha256()
    for file, text in sorted(_with_references(folders, name, environment)):
        digest.update(f"{file}\x1f{len(text)}\x1f{text}\x1e".encode())
    return digest.hexdigest()


def _with_references(
    folders: PromptFolders, name: str, environment: ImmutableSandboxedEnvironment
) -> Iterator[tuple[str, str]]:
    waiting, seen = [name], {name}
    while waiting:
        file = waiting.pop()
        text = folders.read(file)
        if text is None:
            raise PromptError(f"The prompt {name} needs the file {file}, which is not there.")
        yield file, text
        try:
            found = list(meta.find_referenced_templates(environment.parse(text)))
        except TemplateSyntaxError as error:
            raise PromptError(
                f"The prompt {file} is broken in line {error.lineno}: {error.message}."
            ) from error
        if None in found:
            raise PromptError(
                f"The prompt {file} names a file by an expression; write the name itself, so that "
                "the prompt's hash covers it."
            )
        fresh = {each for each in found if each is not None} - seen
        seen |= fresh
        waiting += sorted(fresh)
