"""Who writes in a run: the author of the settings, at work for as long as the run needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from xpoll_dagster.books.embedding import load_embedder
from xpoll_dagster.settings import Settings
from xpoll_dagster.writing.completion.cache import CompletionCache
from xpoll_dagster.writing.completion.cached_engine import CachedEngine
from xpoll_dagster.writing.completion.progress import ProgressMeter
from xpoll_dagster.writing.engines.loading import load_engine
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


@contextmanager
def writer_at_work(
    settings: Settings, say: Callable[[str], None], *, with_embedder: bool = False
) -> Iterator[Writer]:
    """The author of the settings, with its cache open.

    Args:
        settings: Name the author, its engine and its judge.
        say: Takes progress, a line at a time.
        with_embedder: Whether the rules author may compare meanings.

    Raises:
        EngineError: What the engine needs is missing.
        CacheError: The file of completions cannot be used.
        PromptError: A prompt file cannot be used.
    """
    if settings.author == "rules":
        embedder = load_embedder(settings.embedder) if with_embedder else None
        yield Writer(
            RulesAuthor(settings.writing_with_notes, embedder, settings.rules_with_wordnet)
        )
        return
    completion = settings.llm.completion
    with CompletionCache(settings.completions_file, settings.cache) as cache:
        engine = CachedEngine(author_engine(settings), cache)
        meter = ProgressMeter(
            lambda progress: say(progress.sentence()),
            completion.progress_seconds,
            completion.prices,
        )
        judge = engine if settings.judge == "author" else None
        if settings.judge == "openai":
            judge = judge_engine(settings, cache)
        author = LLMAuthor(engine, settings.llm_with_prompts, meter)
        yield Writer(author, meter, judge, settings)
        meter.tell()


def author_engine(settings: Settings) -> Engine:
    """The engine of the author. Raises `ValueError` for the rules author, which has none."""
    if settings.author == "rules":
        raise ValueError("The rules author asks no model: set XPOLL_AUTHOR to vllm or openai.")
    options = settings.vllm if settings.author == "vllm" else settings.openai
    return load_engine(
        settings.author,
        options,
        api_key=settings.openai_api_key,
        state_dir=settings.artifacts_dir / ".cache" / "batches",
    )


def judge_engine(settings: Settings, cache: CompletionCache) -> Engine:
    """The engine of a judge that is not the author: the server of `judge_openai`."""
    key = settings.judge_api_key
    if not key.get_secret_value():
        key = settings.openai_api_key
    return CachedEngine(load_engine("openai", settings.judge_openai, api_key=key), cache)
