"""Who writes in a run: the author of the settings, at work for as long as the run needs it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import dagster as dg
import polars as pl

from xpoll_dagster.books.embedding import load_embedder
from xpoll_dagster.compute.loading import open_compute
from xpoll_dagster.defs.engines import author_engine, judge_engine, on_cluster
from xpoll_dagster.defs.materialization import Built
from xpoll_dagster.defs.metadata import text_numbers
from xpoll_dagster.defs.resources import Project
from xpoll_dagster.defs.several_partitions import (
    ManyResults,
    materialise_each,
    several_at_once,
)
from xpoll_dagster.settings import Settings
from xpoll_dagster.writing.completion.cache import CompletionCache
from xpoll_dagster.writing.completion.cached_engine import CachedEngine
from xpoll_dagster.writing.completion.progress import ProgressMeter
from xpoll_dagster.writing.engines.model import Engine
from xpoll_dagster.writing.gates.judgement import Judge
from xpoll_dagster.writing.llm.author import LLMAuthor
from xpoll_dagster.writing.llm.judge import judge_bridges, judge_questions
from xpoll_dagster.writing.model import Author, Passage
from xpoll_dagster.writing.rules import RulesAuthor


@dataclass(slots=True)
class Writer:
    """An author at work: it writes, `meter` counts what that took, `judge_…` marks the result.

    The judges are None where the settings name none.
    """

    author: Author
    meter: ProgressMeter | None = None
    _judge: Engine | None = None
    _settings: Settings | None = field(default=None, repr=False)

    def bridge_judge(self, passages: Mapping[str, Passage]) -> Judge | None:
        """What marks texts about two passages; `passages` are those by chunk."""
        return self._judging(judge_bridges, passages)

    def question_judge(self, passages: Mapping[str, Passage]) -> Judge | None:
        """What marks questions about a passage."""
        return self._judging(judge_questions, passages)

    def _judging(
        self, judge: Callable[..., pl.DataFrame], passages: Mapping[str, Passage]
    ) -> Judge | None:
        engine, settings = self._judge, self._settings
        if engine is None or settings is None:
            return None
        options = settings.llm_with_prompts
        return lambda table: judge(engine, table, passages, options, self.meter)

    def numbers(self) -> dict[str, Any]:
        """What the work took so far, as an asset's numbers; empty for the rules author."""
        if self.meter is None:
            return {}
        now = self.meter.now()
        return {
            "n_requests": now.done,
            "n_cached": now.cached,
            "prompt_tokens": now.prompt_tokens,
            "completion_tokens": now.completion_tokens,
            "tokens_per_second": now.tokens_per_second,
            "cost": now.cost,
        }


class Writers:
    """The author of the settings, for as many partitions as a run has; a context manager.

    What the author needs (the file of completions, a cluster, the model) is opened when the
    first one writes and stays open until the block ends. With a language model on a Ray cluster
    several may write at once.

    Args:
        settings: Name the author, its engine and its judge, and where batches run.
        say: Takes progress, a line at a time.
        with_embedder: Whether the rules author may compare meanings.
    """

    def __init__(
        self, settings: Settings, say: Callable[[str], None], *, with_embedder: bool = False
    ) -> None:
        self._settings = settings
        self._say = say
        self._with_embedder = with_embedder
        self._opened = ExitStack()
        self._lock = threading.Lock()
        self._engines: tuple[Engine, Engine | None] | None = None
        self._problem: Exception | None = None
        self.at_once = settings.ray.books_at_once if on_cluster(settings) else 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._opened.close()

    @contextmanager
    def writer(self) -> Iterator[Writer]:
        """One at work.

        Raises:
            EngineError: What the engine needs is missing.
            ComputeError: There is no cluster to run on.
            CacheError: The file of completions cannot be used.
            PromptError: A prompt file cannot be used.
        """
        settings = self._settings
        if settings.author == "rules":
            embedder = load_embedder(settings.embedder) if self._with_embedder else None
            yield Writer(
                RulesAuthor(settings.writing_with_notes, embedder, settings.rules_with_wordnet)
            )
            return
        engine, judge = self._open()
        completion = settings.llm.completion
        meter = ProgressMeter(
            lambda progress: self._say(progress.sentence()),
            completion.progress_seconds,
            completion.prices,
        )
        author = LLMAuthor(engine, settings.llm_with_prompts, meter)
        yield Writer(author, meter, judge, settings)
        meter.tell()

    def _open(self) -> tuple[Engine, Engine | None]:
        """The engines of author and judge; what kept the first from work keeps the others too."""
        with self._lock:
            if self._problem is not None:
                raise self._problem
            if self._engines is None:
                try:
                    self._engines = self._start()
                except Exception as error:
                    self._problem = error
                    raise
            return self._engines

    def _start(self) -> tuple[Engine, Engine | None]:
        settings = self._settings
        cache = self._opened.enter_context(
            CompletionCache(settings.completions_file, settings.cache)
        )
        compute = None
        if on_cluster(settings):
            compute = self._opened.enter_context(open_compute(settings.compute_options))
        engine = CachedEngine(author_engine(settings, compute), cache)
        judge = engine if settings.judge == "author" else None
        if settings.judge == "openai":
            judge = judge_engine(settings, cache)
        return engine, judge


@contextmanager
def writer_at_work(settings: Settings, say: Callable[[str], None]) -> Iterator[Writer]:
    """One writer, for a step that has no partitions; raises as `Writers.writer`."""
    with Writers(settings, say) as writers, writers.writer() as writer:
        yield writer


def write_each(
    context: dg.AssetExecutionContext,
    project: Project,
    write: Callable[[str, Writer], tuple[pl.DataFrame, Mapping[str, Any]]],
    describe: Callable[[Path], Mapping[str, Any]],
    *,
    with_embedder: bool = False,
) -> ManyResults:
    """As `materialise_each`, of tables of texts that an author writes.

    `write` takes a partition's key and who writes, and gives the table and its numbers; those
    of all such tables, and what the writing took, are added.
    """
    with Writers(project.settings, context.log.info, with_embedder=with_embedder) as writers:

        def build(key: str) -> Built:
            with writers.writer() as writer:
                texts, numbers = write(key, writer)
                return Built(texts, {**numbers, **text_numbers(texts), **writer.numbers()})

        many = several_at_once(build, writers.at_once)
        yield from materialise_each(context, project, many, describe)
