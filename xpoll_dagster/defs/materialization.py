"""What all assets share: skip work that stands, put the artifact in place, attach metadata."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from xpoll_dagster.books.embedding import EmbedderError
from xpoll_dagster.books.model import BookError
from xpoll_dagster.compute.protocol import BatchError, ComputeError
from xpoll_dagster.corpus.model import SourceError
from xpoll_dagster.defs.declaration import STEPS, Step
from xpoll_dagster.defs.resources import Project
from xpoll_dagster.report import ReportError
from xpoll_dagster.retrieval.errors import RetrievalError
from xpoll_dagster.sft.model import EmptyDatasetError
from xpoll_dagster.storage import Artifact, StorageError
from xpoll_dagster.writing.completion.errors import CacheError
from xpoll_dagster.writing.engines.model import EngineError
from xpoll_dagster.writing.llm.prompt_files import PromptError

FORCE_TAG = "xpoll/force"

# Errors whose message is a sentence for the user: the step fails with it alone.
SENTENCES = (
    BatchError,
    BookError,
    CacheError,
    ComputeError,
    EmbedderError,
    EmptyDatasetError,
    EngineError,
    PromptError,
    ReportError,
    RetrievalError,
    SourceError,
    StorageError,
)


@dataclass(frozen=True, slots=True)
class Built:
    """What a step has made: a table, or a function that fills a folder.

    `numbers` are plain counts, kept in the manifest: shown in the UI as plots over time and
    in the summary. `beside` are further tables that belong to the first, by name.
    """

    content: pl.DataFrame | Callable[[Path], None]
    numbers: Mapping[str, Any] = field(default_factory=dict)
    beside: Mapping[str, pl.DataFrame] = field(default_factory=dict)


def materialise(
    context: dg.AssetExecutionContext,
    project: Project,
    build: Callable[[], Built],
    describe: Callable[[Path], Mapping[str, Any]] | None = None,
) -> dg.MaterializeResult:
    """Build the asset's artifact unless it stands, and say what it is.

    An artifact stands when its manifest names this version of code and settings and these
    very inputs; the run tag `xpoll/force` has it built all the same. `describe` makes the
    metadata for people (samples, pictures) from the artifact's path, so that a run with
    nothing to do shows them too. What a person can mend
    (a broken book, a full disk) fails the step with its sentence and no stack trace, and is
    kept for `xpoll status`.
    """
    step = STEPS[context.asset_key.path[-1]]
    order = Order(context, project, step, context.partition_key if step.partitioned_by else None)
    try:
        artifact = order.standing()
        built_anew = artifact is None
        artifact = artifact or order.put(build())
    except Exception as error:  # noqa: BLE001 - whatever it is, it is kept
        raise order.failed(error)  # noqa: B904 - it knows its cause
    return dg.MaterializeResult(
        data_version=dg.DataVersion(artifact.content_hash),
        metadata=described(artifact, describe, built_anew=built_anew),
    )


def is_forced(context: dg.AssetExecutionContext) -> bool:
    """Whether the run is to build anew what stands, and to take over nothing of it."""
    return context.run.tags.get(FORCE_TAG) == "true"


class Order:
    """One artifact that a run is asked for: what it is made from, and what becomes of it."""

    def __init__(
        self,
        context: dg.AssetExecutionContext,
        project: Project,
        step: Step,
        partition: str | None,
    ) -> None:
        self._context = context
        self._project = project
        self._step = step
        self._partition = partition
        self._version = step.version(project.settings)
        self._inputs: dict[str, str] = {}

    def standing(self) -> Artifact | None:
        """The artifact where it is current; None where it is to be built from what lies there.

        Raises:
            StorageError: An input is not built.
        """
        step, store = self._step, self._project.store
        found = self._project.lineage.inputs(step, self._partition)
        if found is None:
            missing = ", ".join(step.inputs) or "what its partition is made from"
            raise StorageError(f"{step.asset} needs {missing}: materialise what is missing first.")
        self._inputs = found
        if is_forced(self._context) or not store.is_current(
            step.asset,
            self._partition,
            version=self._version,
            inputs=found,
            suffix=step.suffix,
        ):
            return None
        standing = store.get(step.asset, self._partition, step.suffix)
        if standing is not None:
            since = datetime.fromtimestamp(standing.created, UTC).isoformat(" ", "seconds")
            self._context.log.info("Unchanged since %s: nothing to do.", since)
        return standing

    def put(self, built: Built) -> Artifact:
        """Put what was built in place."""
        store, asset, partition = self._project.store, self._step.asset, self._partition
        if isinstance(built.content, pl.DataFrame):
            return store.write_table(
                asset,
                partition,
                built.content,
                version=self._version,
                inputs=self._inputs,
                numbers=built.numbers,
                beside=built.beside,
            )
        return store.write_folder(
            asset,
            partition,
            built.content,
            version=self._version,
            inputs=self._inputs,
            numbers=built.numbers,
        )

    def failed(self, error: Exception) -> Exception:
        """Keep why it failed, for `xpoll status`; the error to raise.

        What a person can mend becomes a failure with its sentence alone.
        """
        message = _message(error)
        # A disk that is full or read-only is itself the failure: it is in the message.
        with contextlib.suppress(OSError):
            self._project.store.record_failure(
                self._step.asset,
                self._partition,
                message,
                version=self._version,
                inputs=self._inputs,
            )
        if not isinstance(error, SENTENCES):
            return error
        failure = dg.Failure(description=message, allow_retries=False)
        failure.__cause__ = error
        return failure


def _message(error: Exception) -> str:
    if isinstance(error, BatchError) and error.kind not in {one.__name__ for one in SENTENCES}:
        return f"Unexpected {error.kind}: {error}"
    if isinstance(error, SENTENCES):
        return str(error)
    return f"Unexpected {type(error).__name__}: {error}"


def described(
    artifact: Artifact,
    describe: Callable[[Path], Mapping[str, Any]] | None,
    *,
    built_anew: bool,
) -> Mapping[str, Any]:
    """Metadata of an artifact: where it lies, its numbers, and what `describe` makes of it."""
    numbers = {
        name: value for name, value in artifact.numbers.items() if isinstance(value, int | float)
    }
    return {
        "path": dg.MetadataValue.path(artifact.path),
        "built_anew": built_anew,
        **numbers,
        **(describe(artifact.path) if describe else {}),
    }
