"""Templates: reading them from the package, and choosing and filling one by hash.

A template is a line in which `[a|b|c]` is a choice and `{slot}` is filled in. Choices depend
on nothing but the seed, the row and the place in it, so that the same pair always gets the
same words, and a neighbour other ones.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

_CHOICE = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")


@lru_cache(maxsize=16)
def template_file(name: str) -> str:
    """The text of one of the package's template files."""
    return (files("xpoll_dagster.writing") / "templates" / f"{name}.yaml").read_text("utf-8")


@lru_cache(maxsize=16)
def load_templates(name: str) -> Mapping[str, Any]:
    """One of the package's template files: mostly lists of templates by part."""
    return yaml.safe_load(template_file(name))


@lru_cache(maxsize=16)
def templates_hash(*names: str) -> str:
    """SHA-256 over template files, which stands for a prompt's hash in rows by rules."""
    digest = hashlib.sha256()
    for name in names:
        digest.update(f"{name}\x1f{template_file(name)}\x1e".encode())
    return digest.hexdigest()


@dataclass(slots=True)
class Phrases:
    """Fills templates for one row.

    Args:
        key: What the choices depend on: seed, row and kind.
        slots: Values of the slots; `{Name}` is the slot `name` with a capital.
    """

    key: str
    slots: Mapping[str, str]
    _count: int = field(default=0, init=False)

    def number(self, below: int, *, salt: str = "") -> int:
        """The next number of this row, from 0 to `below` - 1, evenly spread over rows."""
        self._count += 1
        digest = hashlib.sha256(f"{self.key}\x1f{salt}\x1f{self._count}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % below

    def share(self, salt: str) -> float:
        """A number from 0 to 1 that depends on the row and `salt` alone."""
        digest = hashlib.sha256(f"{self.key}\x1f{salt}".encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64

    def write(self, templates: list[str], **extra: str) -> str:
        """Choose one of the templates, make its choices and fill its slots.

        Raises:
            KeyError: The template names a slot that does not exist.
        """
        template = templates[self.number(len(templates))]
        while match := _CHOICE.search(template):
            options = match[1].split("|")
            chosen = options[self.number(len(options))]
            template = template[: match.start()] + chosen + template[match.end() :]
        values = {**self.slots, **extra}

        def fill(match: re.Match[str]) -> str:
            name = match[1]
            if name in values:
                return values[name]
            return capitalised(values[name[0].lower() + name[1:]])

        return capitalised(_SLOT.sub(fill, template).strip())


def capitalised(text: str) -> str:
    """A text with its first letter, if it is one, as a capital."""
    for place, character in enumerate(text):
        if character.isalpha():
            return text[:place] + character.upper() + text[place + 1 :]
        if character not in "*“\"'‘(":
            break
    return text


def listed(items: list[str]) -> str:
    """Items as a list in running text: a; a and b; a, b and c."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
