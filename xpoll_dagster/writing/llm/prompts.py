"""Prompts: templates from files, filled into the messages of a chat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import FunctionLoader, StrictUndefined, Template, TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from xpoll_dagster.writing.engines.model import Sampling
from xpoll_dagster.writing.llm.data import mark_for
from xpoll_dagster.writing.llm.options import LLMOptions
from xpoll_dagster.writing.llm.prompt_files import (
    SUFFIX,
    PromptError,
    PromptFolders,
    PromptSettings,
    content_hash,
    take_apart,
)
from xpoll_dagster.writing.model import Message

__all__ = ["Prompt", "PromptError", "PromptLibrary"]

_MAX_PROMPT_CHARS = 400_000


@dataclass(frozen=True, slots=True)
class Prompt:
    """One task's prompt in one style, ready to be filled.

    `sha256` covers its file and all that the file includes.
    """

    task: str
    style: str
    sha256: str
    settings: PromptSettings
    system: Template | None
    user: Template

    @property
    def name(self) -> str:
        """Its file's name."""
        return f"{self.task}/{self.style}{SUFFIX}"

    def fill(self, values: Mapping[str, Any], marked: Any = None) -> tuple[Message, ...]:
        """The messages with these values.

        The values are data: nothing in them is read as a template, and `mark`, which the
        tags around them carry, stands in none of them.

        Args:
            values: What the template may use, by name.
            marked: What the mark is derived from; all values if None. The prompts of one pair
                derive it from the passages alone, so that they begin alike and an engine can
                reuse what it computed of the beginning.

        Raises:
            PromptError: The template uses a name that it is not given, or does what it must not.
        """
        given = {**values, "mark": mark_for(values, values if marked is None else marked)}
        messages: list[Message] = []
        for role, template in (("system", self.system), ("user", self.user)):
            if template is None:
                continue
            text = self._render(template, given).strip()
            if text:
                messages.append(Message("system" if role == "system" else "user", text))
        if not messages or messages[-1].role != "user":
            raise PromptError(f"The prompt {self.name} has an empty user part.")
        return tuple(messages)

    def _render(self, template: Template, given: Mapping[str, Any]) -> str:
        try:
            text = template.render(given)
        except TemplateError as error:
            why = error.message or type(error).__name__
            raise PromptError(
                f"The prompt {self.name} cannot be filled: {why}. It may use "
                f"{', '.join(sorted(given))}."
            ) from error
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
            raise PromptError(f"The prompt {self.name} cannot be filled: {error}.") from error
        if len(text) > _MAX_PROMPT_CHARS:
            raise PromptError(
                f"The prompt {self.name} has {len(text)} characters when it is filled."
            )
        return text


class PromptLibrary:
    """All prompts: the package's, with a user's folder over them. Each file is read once."""

    def __init__(self, prompts_dir: Path | None = None) -> None:
        self._folders = PromptFolders(prompts_dir)
        self._environment = ImmutableSandboxedEnvironment(
            loader=FunctionLoader(self._folders.read),
            undefined=StrictUndefined,
            autoescape=False,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            auto_reload=False,
        )
        self._known: dict[tuple[str, str], Prompt] = {}

    def styles(self, task: str) -> list[str]:
        """The styles that a task has, sorted."""
        return self._folders.styles(task)

    def get(self, task: str, style: str) -> Prompt:
        """The prompt of a task in a style.

        Raises:
            ValueError: There is no such style.
            PromptError: Its file is broken.
        """
        if (task, style) not in self._known:
            self._known[task, style] = self._load(task, style)
        return self._known[task, style]

    def _load(self, task: str, style: str) -> Prompt:
        if style not in self.styles(task):
            there = ", ".join(self.styles(task)) or "none"
            raise ValueError(
                f"There is no style {style!r} for {task}: there is {there}, and a "
                f"file {task}/<style>{SUFFIX} in the folder of prompts adds one."
            )
        name = f"{task}/{style}{SUFFIX}"
        text = self._folders.read(name)
        if text is None:
            raise PromptError(f"The prompt {name} is no file.")
        file = take_apart(name, text)
        digest = content_hash(self._folders, name, self._environment)
        try:
            system = self._environment.from_string(file.head + file.system) if file.system else None
            user = self._environment.from_string(file.head + file.user)
        except TemplateSyntaxError as error:
            raise PromptError(f"The prompt {name} is broken: {error.message}.") from error
        return Prompt(task, style, digest, file.settings, system, user)


def sampling_of(prompt: Prompt, options: LLMOptions) -> Sampling:
    """How words are drawn for a prompt: defaults, task, file, then task and style."""
    sampling = Sampling()
    for change in (
        options.sampling.get(prompt.task),
        prompt.settings.sampling,
        options.sampling.get(f"{prompt.task}/{prompt.style}"),
    ):
        if change is not None:
            sampling = change.of(sampling)
    return sampling
