"""`xpoll settings`: every knob with its variable, its value and its meaning."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, get_origin

import typer
from pydantic import AliasChoices, BaseModel, SecretStr
from pydantic.fields import FieldInfo
from rich.console import Console

console = Console(highlight=False, soft_wrap=True)

_PREFIX = "XPOLL_"
_INTRODUCTION = """# Settings

Every knob is read from an environment variable and checked when xpoll starts; a wrong value is
refused with a sentence. Lists and maps are written as JSON. A changed setting makes exactly those
assets stale that read it. `xpoll settings` prints the values in force. This page is made by
`xpoll settings --markdown`.
"""


@dataclass(frozen=True, slots=True)
class Knob:
    """One setting: its variable, its default as it would be written, what it means."""

    group: str
    variable: str
    default: str
    meaning: str
    path: tuple[str, ...]


def knobs(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[Knob]:
    """All knobs below a model, depth first."""
    for name, field in model.model_fields.items():
        if field.exclude:
            continue  # made of another knob
        inner = _nested(field)
        if inner is not None:
            yield from knobs(inner, (*path, name))
            continue
        here = (*path, name)
        yield Knob(
            path[0] if path else "general",
            _variable(field, here),
            _default(field),
            " ".join((field.description or "").split()),
            here,
        )


def _variable(field: FieldInfo, path: tuple[str, ...]) -> str:
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        return " or ".join(str(choice) for choice in alias.choices)
    if isinstance(alias, str):
        return alias
    return _PREFIX + "__".join(path).upper()


def _nested(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    if get_origin(kind) is None and isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind
    # An optional group of knobs is read as JSON, as a whole.
    return None


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default_factory is not None:
        return "(computed)"
    value = field.default
    if isinstance(value, SecretStr) or value is None or value == "":
        return "(none)"
    if isinstance(value, tuple | list | dict | frozenset | set):
        plain = sorted(value) if isinstance(value, frozenset | set) else value
        return json.dumps(plain, default=str)
    return str(value)


def markdown(model: type[BaseModel]) -> str:
    """The page of all knobs: a table for each group."""
    groups: dict[str, list[Knob]] = {}
    for knob in knobs(model):
        groups.setdefault(knob.group, []).append(knob)
    parts = [_INTRODUCTION]
    for group, found in groups.items():
        described = model.model_fields[group].description if group in model.model_fields else ""
        parts.append(f"## {group}\n\n{described or 'What concerns everything.'}\n")
        parts.append("| variable | default | meaning |\n| --- | --- | --- |")
        parts.extend(
            f"| `{knob.variable}` | `{_cell(knob.default)}` | {_cell(knob.meaning)} |"
            for knob in found
        )
        parts.append("")
    return "\n".join(parts).rstrip() + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def settings(
    pattern: Annotated[
        str, typer.Argument(help="Only variables that contain this, in any case.")
    ] = "",
    *,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the page of the documentation.")
    ] = False,
) -> None:
    """Print every setting with its value in force and its meaning; secrets are never shown."""
    from xpoll_dagster.settings import Settings, get_settings

    if as_markdown:
        typer.echo(markdown(Settings), nl=False)
        return
    now = get_settings()
    for knob in knobs(Settings):
        if pattern.lower() not in knob.variable.lower():
            continue
        value: Any = now
        for name in knob.path:
            value = getattr(value, name)
        secret = isinstance(value, SecretStr)
        shown = ("set" if value.get_secret_value() else "not set") if secret else value
        console.print(f"{knob.variable} = {shown}", style="bold", markup=False)
        console.print(f"    {knob.meaning}", markup=False)
