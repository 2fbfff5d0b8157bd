"""Finding the books: `<books folder>/<domain>/<file or folder>` with an optional `book.yaml`.

Nothing of a book's content is read here; what a file really is, the readers find out.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xpoll_dagster.books.model import Book

BOOK_SUFFIXES = frozenset(
    {".pdf", ".epub", ".html", ".htm", ".xhtml", ".md", ".markdown", ".txt", ".text"}
)
MAX_BOOK_BYTES = 8 << 30  # every look at a new file reads it once, for its hash
MAX_NAME_BYTES = 255  # longer names exist on no common file system
MAX_DESCRIPTION_BYTES = 100_000
DESCRIPTION = "book.yaml"


class Description(BaseModel):
    """A `book.yaml`: every field is optional; American and British `licence` both count."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True, populate_by_name=True)

    title: str | None = Field(default=None, max_length=500)
    authors: list[str] = Field(default_factory=list, max_length=100)
    domain: str | None = Field(default=None, max_length=100)
    licence: str | None = Field(default=None, alias="license", max_length=500)
    language: str = Field(default="en", pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$")
    route: Literal["auto", "fast", "careful"] = "auto"


@dataclass(frozen=True, slots=True)
class Library:
    """The books of a folder, by key and in order of key, and what was passed over and why."""

    books: Mapping[str, Book]
    passed_over: Mapping[Path, str]

    @classmethod
    def discover(cls, folder: Path) -> Library:
        """Find the books below `folder`; an absent folder is an empty library.

        Hidden names, symbolic links, READMEs and descriptions are no books; files directly
        in the folder, what cannot be read, and kinds that no reader takes, are passed over with
        a reason. Nothing that lies there, whatever it is, keeps the others from being found.
        """
        books: dict[str, Book] = {}
        passed_over: dict[Path, str] = {}
        for domain_folder in _visible(folder):
            if not domain_folder.is_dir():
                if domain_folder.suffix.lower() in BOOK_SUFFIXES - {".md", ".markdown"}:
                    passed_over[domain_folder] = "lies outside a domain's folder"
                continue
            try:
                paths = list(_visible(domain_folder))
            except OSError as error:
                passed_over[domain_folder] = f"cannot be read: {error.strerror}"
                continue
            for path in paths:
                try:
                    if _is_description(path):
                        continue
                    if reason := _no_book(path):
                        passed_over[path] = reason
                        continue
                    described = _describe(path)
                except OSError as error:
                    passed_over[path] = f"cannot be read: {error.strerror}"
                    continue
                except (ValidationError, ValueError, RecursionError, yaml.YAMLError) as error:
                    passed_over[path] = f"its description is no valid book.yaml: {_first(error)}"
                    continue
                domain = described.domain or domain_folder.name
                key = _free_key(f"{_slug(domain)}--{_slug(path.stem)}", path, books)
                books[key] = Book(
                    key=key,
                    domain=domain,
                    path=path,
                    title=described.title or _title(path),
                    authors=tuple(described.authors),
                    language=described.language,
                    licence=described.licence,
                    route=described.route,
                    title_given=described.title is not None,
                )
        return cls(dict(sorted(books.items())), passed_over)


def _visible(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.is_symlink():
            continue
        yield path


def shown(name: str) -> str:
    """A file's name as it can be printed and stored: what is no character becomes a mark."""
    readable = os.fsencode(name).decode("utf-8", errors="replace")
    return "".join("\ufffd" if unicodedata.category(c) == "Cc" else c for c in readable)


def _no_book(path: Path) -> str | None:
    """Why something that lies in a domain's folder is no book, or None where it may be one."""
    if any(shown(part) != part for part in path.parts[-2:]):
        return "its name has control characters or is not UTF-8: rename it"
    if path.is_dir():
        if not os.access(path, os.R_OK | os.X_OK):
            return "cannot be read: Permission denied"
        return None if any(path.iterdir()) else "an empty folder"
    if path.suffix.lower() not in BOOK_SUFFIXES:
        return f"no reader takes {path.suffix or 'a file without suffix'}"
    if not path.is_file():
        return "neither a file nor a folder"
    if path.stat().st_size > MAX_BOOK_BYTES:
        return f"is larger than {MAX_BOOK_BYTES >> 30} GiB"
    if not os.access(path, os.R_OK):
        return "cannot be read: Permission denied"
    return None


def _is_description(path: Path) -> bool:
    name = path.name.lower()
    return (
        name == DESCRIPTION
        or name.endswith((".book.yaml", ".book.yml"))
        or (path.is_file() and path.stem.lower() == "readme")
    )


def _describe(path: Path) -> Description:
    beside = (
        [path / DESCRIPTION, path.with_name(f"{path.name}.{DESCRIPTION}")]
        if path.is_dir()
        else [
            path.with_name(f"{path.stem}.{DESCRIPTION}"),
            path.with_name(f"{path.name}.{DESCRIPTION}"),
        ]
    )
    for file in beside:
        if len(os.fsencode(file.name)) > MAX_NAME_BYTES or not file.is_file() or file.is_symlink():
            continue
        if file.stat().st_size > MAX_DESCRIPTION_BYTES:
            raise ValueError("it is larger than 100 kB")
        fields = yaml.safe_load(file.read_text(encoding="utf-8"))
        if fields is None:
            return Description()
        if not isinstance(fields, dict):
            raise ValueError("it holds no fields")
        return Description.model_validate(fields)
    return Description()


def _first(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, ValidationError):
        problem = error.errors()[0]
        return f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
    return str(error).splitlines()[0]


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:80].strip("-")
    lossless = any(character.isalnum() for character in plain) and not any(
        character.isalpha()
        and not unicodedata.normalize("NFKD", character).isascii()
        and not unicodedata.normalize("NFKD", character)[0].isascii()
        for character in name
    )
    if lossless:
        return slug
    # A name in another script leaves nothing, or not enough, to tell two books apart.
    mark = hashlib.sha256(os.fsencode(name)).hexdigest()[:8]
    return f"{slug}-{mark}" if slug else mark


def _free_key(key: str, path: Path, taken: Mapping[str, Book]) -> str:
    if key not in taken:
        return key
    with_suffix = f"{key}-{path.suffix.lstrip('.').lower() or 'folder'}"
    if with_suffix not in taken:
        return with_suffix
    return f"{key}-{hashlib.sha256(str(path.name).encode()).hexdigest()[:8]}"


def _title(path: Path) -> str:
    words = re.sub(r"[-_]+", " ", path.stem if path.is_file() else path.name).strip()
    return words[:1].upper() + words[1:]
