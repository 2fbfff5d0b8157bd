"""Personas: voices to answer in, one YAML file each (`name` is the file's stem)."""

from __future__ import annotations

from pathlib import Path

import yaml

from xpoll_dagster.corpus.model import SourceError
from xpoll_dagster.writing.model import Persona

_MAX_BYTES = 64 << 10
_FIELDS = {"title", "description"}


def load_personas(folder: Path) -> list[Persona]:
    """All personas of a folder (`*.yaml`), by name; a missing folder has none.

    A file has a `title` and a `description`: what the system prompt says of the voice.

    Raises:
        SourceError: A file cannot be read or is no persona; says what is wrong with it.
    """
    return [_read(path) for path in sorted(folder.glob("*.yaml"))]


def _read(path: Path) -> Persona:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise SourceError(f"{path} is too large for a persona (64 kB at most).")
        fields = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise SourceError(f"{path} is not YAML: {str(error).splitlines()[0]}.") from error
    if not isinstance(fields, dict) or not set(fields) <= _FIELDS:
        raise SourceError(f"{path} must hold a title and a description, and nothing else.")
    description = fields.get("description")
    if not isinstance(description, str) or not description.strip():
        raise SourceError(f"{path} needs a description of the voice, as text.")
    return Persona(path.stem, description.strip())
