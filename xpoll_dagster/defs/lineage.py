"""What stands and what is stale: every step's expected inputs against its manifest."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from xpoll_dagster.books.library import Library
from xpoll_dagster.corpus.catalogue import Catalogue, load_catalogue
from xpoll_dagster.corpus.model import SourceError
from xpoll_dagster.defs.declaration import STEPS, Step
from xpoll_dagster.defs.phases import BOOKS, Phase
from xpoll_dagster.defs.places import bring_own, follow_inputs, open_store
from xpoll_dagster.settings import Settings
from xpoll_dagster.storage import Artifact, TreeHashes, fingerprint, hash_file

State = Literal["current", "stale", "missing", "failed", "waiting"]

# A book takes part in the library-wide steps when all of these stand and fit each other.
BOOK_CHAIN = BOOKS.steps


@dataclass(frozen=True, slots=True)
class Standing:
    """How one artifact stands, and why, in words for a person."""

    step: Step
    partition: str | None
    state: State
    reason: str
    artifact: Artifact | None


class Lineage:
    """One look at the library and the store; changes nothing in either.

    Where both are kept in an object store, what is read of them is fetched. The books' folder and
    the books' chains are looked at once: make another one to see what has changed since.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        follow_inputs(settings)
        self.store = open_store(settings)
        self.hashes = TreeHashes(settings.artifacts_dir / ".cache" / "book-hashes.json")

    @cached_property
    def library(self) -> Library:
        """The books as they lie in the folder now."""
        return Library.discover(self.settings.books_dir)

    def inputs(
        self, step: Step, partition: str | None, *, leave_out: Collection[str] = ()
    ) -> dict[str, str] | None:
        """Content hashes of the inputs as they are now, or None where one is not built.

        A library-wide step takes those books whose chain is complete and names each, so a
        book that comes, goes or changes makes it stale. Assets in `leave_out` are not asked for.
        """
        found: dict[str, str] = {}
        if step.reads_files:
            files = self.files_hash(step, partition or "")
            if not files and step.partitioned_by == "source":
                return None  # one of the project's own artifacts that is not built yet
            found[step.partitioned_by or "files"] = files
        for name in (*step.inputs, *step.optional):
            if name in leave_out:
                continue
            of_input = self._standing_input(step, STEPS[name], partition)
            if not of_input and name in step.inputs:
                return None
            found |= of_input
        return found

    def _standing_input(self, step: Step, upstream: Step, partition: str | None) -> dict[str, str]:
        """Content hashes of one input, by partition where all of them are read."""
        name = upstream.asset
        if not step.fans_in(upstream):
            key = partition if upstream.partitioned_by else None
            artifact = self.store.get(name, key, upstream.suffix)
            return {name: artifact.content_hash} if artifact else {}
        artifacts = {
            key: self.store.get(name, key, upstream.suffix) for key in self.taking_part(upstream)
        }
        return {
            f"{name}@{key}": artifact.content_hash
            for key, artifact in artifacts.items()
            if artifact is not None
        }

    def partitions(self, step: Step) -> list[str]:
        """The partitions that a step should have, whether built or not."""
        if step.partitioned_by == "book":
            return list(self.library.books)
        if step.partitioned_by == "source":
            return [] if self.catalogue is None else [e.name for e in self.catalogue.enabled()]
        if step.partitioned_by == "profile":
            return sorted(file.stem for file in self._profiles.glob("*.yaml"))
        return []

    def to_build(self, phase: Phase) -> list[str]:
        """The partitions that a phase is run for: all books only to be read, then those whole."""
        step = STEPS[phase.steps[0]]
        if step.partitioned_by == "book" and phase is not BOOKS:
            return self.complete_books()
        return self.partitions(step)

    def taking_part(self, step: Step) -> list[str]:
        """Those partitions that library-wide steps read: the complete books, the built sources."""
        if step.partitioned_by == "book":
            return self.complete_books()
        return [
            key
            for key in self.partitions(step)
            if self.store.get(step.asset, key, step.suffix) is not None
        ]

    def files_hash(self, step: Step, partition: str) -> str:
        """Content hash of the files that a partition is made from; empty where there are none."""
        if step.partitioned_by == "book":
            return self.book_hash(partition)
        if step.partitioned_by == "source":
            return self.source_hash(partition)
        profile = self._profiles / f"{partition}.yaml"
        return hash_file(profile) if profile.is_file() else ""

    @cached_property
    def catalogue(self) -> Catalogue | None:
        """The catalogue of instruction datasets; None where it cannot be read."""
        try:
            return load_catalogue(self.settings.corpus_dir / "catalogue.yaml")
        except SourceError:
            return None

    @property
    def _profiles(self) -> Path:
        return self.settings.corpus_dir / "profiles"

    def source_hash(self, name: str) -> str:
        """Hash of a source's entry, and of its files where it lies here; empty if unknown."""
        catalogue = self.catalogue
        entry = catalogue.entries.get(name) if catalogue else None
        if catalogue is None or entry is None:
            return ""
        parts = [fingerprint(entry.model_dump(mode="json", exclude={"notes", "verified"}))]
        if entry.path is None:
            bring_own(self.store, entry.own)
            try:
                files = catalogue.local_files(entry, self.settings.artifacts_dir)
            except SourceError:
                return ""
            parts += [self.hashes.hash(file) for file in files]
        return "-".join(parts)

    def book_hash(self, key: str) -> str:
        """Content hash of a book's files and of its `book.yaml`; empty for an unknown book."""
        book = self.library.books.get(key)
        if book is None:
            return ""
        try:
            content = self.hashes.hash(book.path)
        except OSError as error:  # a part of it may be unreadable; reading it will say so
            content = f"unreadable {error.errno}"
        parts = [content, book.domain, book.title, book.language, book.route]
        return "-".join(parts)

    def complete_books(self) -> list[str]:
        """Books whose chain is built and consistent: each link made from the one before."""
        return list(self._complete_books)

    @cached_property
    def _complete_books(self) -> list[str]:
        complete = []
        for key in self.library.books:
            links = [self.store.get(name, key) for name in BOOK_CHAIN]
            pages, chunks, *rest = links
            if pages is None or chunks is None or None in rest:
                continue
            if chunks.inputs.get("book_pages") != pages.content_hash:
                continue
            if all(
                link is not None and link.inputs.get("chunks") == chunks.content_hash
                for link in rest
            ):
                complete.append(key)
        return complete

    def standing(self, step: Step, partition: str | None) -> Standing:
        """How the artifact of a step stands."""

        def said(state: State, reason: str) -> Standing:
            return Standing(step, partition, state, reason, artifact)

        artifact = self.store.get(step.asset, partition, step.suffix)
        version = step.version(self.settings)
        inputs = self.inputs(step, partition)
        if artifact is not None and artifact.version == version and artifact.inputs == inputs:
            # Even where a later attempt failed, of two at once say: what it should be stands.
            return said("current", "")
        failure = self.store.failure(step.asset, partition)
        if failure is not None and failure.version == version and failure.inputs == (inputs or {}):
            return said("failed", failure.message)
        if inputs is None:
            return said("waiting", "an input is not built yet")
        if artifact is None:
            return said("missing", "not built yet")
        if artifact.version != version:
            return said("stale", _whose_version(artifact.version, version))
        return said("stale", _what_changed(dict(artifact.inputs), inputs))

    def standings(self) -> Iterator[Standing]:
        """All artifacts: per-book steps for every book of the library, then the others."""
        for step in STEPS.values():
            for partition in self.partitions(step) if step.partitioned_by else [None]:
                yield self.standing(step, partition)


def _whose_version(before: str, now: str) -> str:
    same_code = before.partition("-")[0] == now.partition("-")[0]
    return "a setting that it reads changed" if same_code else "its code changed"


def _what_changed(before: dict[str, str], now: dict[str, str]) -> str:
    added = sorted(now.keys() - before.keys())
    gone = sorted(before.keys() - now.keys())
    changed = sorted(name for name in now.keys() & before.keys() if now[name] != before[name])
    parts = [
        f"{verb} {', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}"
        for verb, names in (("new:", added), ("gone:", gone), ("changed:", changed))
        if names
    ]
    return "; ".join(parts)
