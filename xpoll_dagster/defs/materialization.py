"""What all assets share: skip work that stands, put the artifact in place, attach metadata."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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
from xpoll_dagster.storage import Artifact, StorageError, fingerprint
from xpoll_dagster.writing.completion.errors import CacheError
from xpoll_dagster.writing.engines.model import EngineError
from xpoll_dagster.writing.llm.prompt_files import PromptError

FORCE_TAG = "xpoll/force"
DATA_VERSION_TAG = "dagster/data_version"

# A backfill of assets that load a model puts this many partitions into one run, so that the
# model is loaded once for them.
MANY_BOOKS_A_RUN = dg.BackfillPolicy.multi_run(max_partitions_per_run=32)

ManyResults = Iterator[dg.MaterializeResult | dg.AssetMaterialization]

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
    partition = context.partition_key if step.partitioned_by else None
    artifact, built_anew = _stand(context, project, step, partition, build)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(artifact.content_hash),
        metadata=_metadata(artifact, describe, built_anew=built_anew),
    )


def materialise_each(
    context: dg.AssetExecutionContext,
    project: Project,
    build: Callable[[str], Built],
    describe: Callable[[Path], Mapping[str, Any]] | None = None,
) -> ManyResults:
    """As `materialise`, for every partition of the run, so that a model is loaded once.

    `build` takes a partition's key. One partition that fails does not keep the others from
    being built: the step fails at the end with the sentences of all that failed, and those
    that were built are recorded as such. In a run of several partitions all of them get one
    data version, of their contents together.
    """
    step = STEPS[context.asset_key.path[-1]]
    keys = list(context.partition_keys)
    if len(keys) == 1:
        yield materialise(context, project, lambda: build(keys[0]), describe)
        return
    done: dict[str, tuple[Artifact, Mapping[str, Any]]] = {}
    failed: dict[str, str] = {}
    for number, key in enumerate(keys, 1):
        context.log.info("%s of %s: %s", number, len(keys), key)
        try:
            artifact, built_anew = _stand(context, project, step, key, lambda key=key: build(key))
        except dg.Failure as failure:
            failed[key] = failure.description or "failed"
            continue
        except Exception as error:  # the step fails at the end, after the other partitions
            context.log.exception("%s failed", key)
            failed[key] = f"Unexpected {type(error).__name__}: {error}"
            continue
        done[key] = (artifact, _metadata(artifact, describe, built_anew=built_anew))
    if failed:
        for key, (artifact, metadata) in done.items():
            tags = {DATA_VERSION_TAG: artifact.content_hash}
            yield dg.AssetMaterialization(step.asset, metadata=metadata, partition=key, tags=tags)
        sentences = "\n".join(f"{key}: {message}" for key, message in failed.items())
        raise dg.Failure(
            f"{len(failed)} of {len(keys)} partitions failed.\n{sentences}", allow_retries=False
        )
    for key, (_, metadata) in done.items():
        context.add_asset_metadata(dict(metadata), partition_key=key)
    contents = {key: artifact.content_hash for key, (artifact, _) in done.items()}
    yield dg.MaterializeResult(data_version=dg.DataVersion(fingerprint(contents)))


def is_forced(context: dg.AssetExecutionContext) -> bool:
    """Whether the run is to build anew what stands, and to take over nothing of it."""
    return context.run.tags.get(FORCE_TAG) == "true"


def _stand(
    context: dg.AssetExecutionContext,
    project: Project,
    step: Step,
    partition: str | None,
    build: Callable[[], Built],
) -> tuple[Artifact, bool]:
    """The artifact as it stands or is built now, and whether it was built."""
    store = project.store
    version = step.version(project.settings)
    inputs: dict[str, str] = {}
    try:
        found = project.lineage.inputs(step, partition)
        if found is None:
            missing = ", ".join(step.inputs)
            raise StorageError(f"{step.asset} needs {missing}: materialise what is missing first.")
        inputs = found
        standing = store.get(step.asset, partition, step.suffix)
        if (
            standing is not None
            and not is_forced(context)
            and store.is_current(
                step.asset, partition, version=version, inputs=inputs, suffix=step.suffix
            )
        ):
            since = datetime.fromtimestamp(standing.created, UTC)
            context.log.info("Unchanged since %s: nothing to do.", since.isoformat(" ", "seconds"))
            return standing, False
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
    except SENTENCES as error:
        _keep_failure(project, step.asset, partition, str(error), version, inputs)
        raise dg.Failure(description=str(error), allow_retries=False) from error
    except Exception as error:
        message = f"Unexpected {type(error).__name__}: {error}"
        _keep_failure(project, step.asset, partition, message, version, inputs)
        raise
    return artifact, True


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


def _metadata(
    artifact: Artifact,
    describe: Callable[[Path], Mapping[str, Any]] | None,
    *,
    built_anew: bool,
) -> Mapping[str, Any]:
    numbers = {
        name: value for name, value in artifact.numbers.items() if isinstance(value, int | float)
    }
    return {
        "path": dg.MetadataValue.path(artifact.path),
        "built_anew": built_anew,
        **numbers,
        **(describe(artifact.path) if describe else {}),
    }
