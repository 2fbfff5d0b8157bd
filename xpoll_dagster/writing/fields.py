"""What a domain is called in running text, who speaks for it, and how it comes to know."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

from xpoll_dagster.writing.phrases import load_templates

_MAX_NOTES_BYTES = 100_000


@dataclass(frozen=True, slots=True)
class Field:
    """A field of knowledge: its name in a sentence, and the person without an article."""

    name: str
    person: str

    @property
    def a_person(self) -> str:
        """The person with the article: an astronomer, a specialist in falconry."""
        article = "an" if self.person[:1].lower() in "aeiou" else "a"
        return f"{article} {self.person}"

    @property
    def speaker(self) -> str:
        """The person as the label of a turn: Astronomer."""
        return self.person[:1].upper() + self.person[1:]


@lru_cache(maxsize=1024)
def field_of(domain: str) -> Field:
    """The field that a domain's folder stands for; any name has a sensible answer."""
    plain = re.sub(r"[\W_]+", " ", domain).strip().lower() or "another field"
    entry = load_templates("fields").get(plain.replace(" ", "-"))
    if entry is None:
        return Field(plain, f"specialist in {plain}")
    return Field(entry.get("name", plain), entry["person"])


@lru_cache(maxsize=1024)
def epistemic_notes(domain: str, folder: Path | None = None) -> tuple[str, ...]:
    """Sentences on how knowledge is established in a domain; none where nothing is known.

    Args:
        domain: The domain's folder name.
        folder: `<domain>.yaml` here, a list of sentences, goes before the package's notes.

    Raises:
        ValueError: The file is no list of sentences.
    """
    slug = re.sub(r"[\W_]+", "-", domain.lower()).strip("-")
    if folder is not None:
        path = folder / f"{slug}.yaml"
        if path.is_file():
            return _own_notes(path)
    return tuple(load_templates("epistemology").get(slug, ()))


def _own_notes(path: Path) -> tuple[str, ...]:
    message = f"{path.name} must hold a YAML list of sentences on how the field comes to know."
    if path.stat().st_size > _MAX_NOTES_BYTES:
        raise ValueError(message)
    try:
        notes = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(message) from error
    if not isinstance(notes, list) or not all(isinstance(note, str) and note for note in notes):
        raise ValueError(message)
    return tuple(" ".join(note.split()) for note in notes)
