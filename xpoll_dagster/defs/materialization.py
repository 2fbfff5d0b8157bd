"""What all assets share: skip work that stands, put the artifact in place, attach metadata."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from xpoll_dagster.books.model import BookError
from xpoll_dagster.defs.declaration import STEPS
from xpoll_dagster.defs.resources import Project
from xpoll_dagster.sft.model import EmptyDatasetError
from xpoll_dagster.storage import Artifact, StorageError

FORCE_TAG = "xpoll/force"


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
    partition = context.partition_key if step.per_book else None
    store = project.store
    version = step.version(project.settings)
    inputs: dict[str, str] = {}
    try:
        found = project.lineage.inputs(step, partition)
        if found is None:
            missing = ", ".join(step.inputs)
            raise StorageError(f"{step.asset} needs {missing}: materialise what is missing first.")
        inputs = found
        forced = context.run.tags.get(FORCE_TAG) == "true"
        standing = store.get(step.asset, partition, step.suffix)
        if (
            standing is not None
            and not forced
            and store.is_current(
                step.asset, partition, version=version, inputs=inputs, suffix=step.suffix
            )
        ):
            since = datetime.fromtimestamp(standing.created, UTC)
            context.log.info("Unchanged since %s: nothing to do.", since.isoformat(" ", "seconds"))
            return _result(standing, describe, built_anew=False)
        built = build()
        if isinstance(built.content, pl.DataFrame):
            artifact = store.write_table(
                step.asset,
                partition,
                built.content,
                version=version,
                inputs=inputs,
                numbers=built.numbers,
                beside=built.beside,
            )
        else:
            artifact = store.write_folder(
                step.asset,
                partition,
                built.content,
                version=version,
                inputs=inputs,
                numbers=built.numbers,
            )
    except (BookError, EmptyDatasetError, StorageError) as error:
        _keep_failure(project, step.asset, partition, str(error), version, inputs)
        raise dg.Failure(description=str(error), allow_retries=False) from error
    except Exception as error:
        message = f"Unexpected {type(error).__name__}: {error}"
        _keep_failure(project, step.asset, partition, message, version, inputs)
        raise
    return _result(artifact, describe, built_anew=True)


def _keep_failure(
    project: Project,
    asset: str,
    partition: str | None,
    message: str,
    version: str,
    inputs: Mapping[str, str],
) -> None:
    try:
        project.store.record_failure(asset, partition, message, version=version, inputs=inputs)
    except OSError:
        # A disk that is full or read-only is itself the failure: it is in the message.
        return


def _result(
    artifact: Artifact,
    describe: Callable[[Path], Mapping[str, Any]] | None,
    *,
    built_anew: bool,
) -> dg.MaterializeResult:
    numbers = {
        name: value for name, value in artifact.numbers.items() if isinstance(value, int | float)
    }
    return dg.MaterializeResult(
        data_version=dg.DataVersion(artifact.content_hash),
        metadata={
            "path": dg.MetadataValue.path(artifact.path),
            "built_anew": built_anew,
            **numbers,
            **(describe(artifact.path) if describe else {}),
        },
    )
