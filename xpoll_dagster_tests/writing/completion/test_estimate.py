"""An estimate sends nothing, counts what would be sent, and says what it assumes."""

from __future__ import annotations

from pathlib import Path

import pytest

from xpoll_dagster.writing.completion import (
    CachedEngine,
    CompletionCache,
    Job,
    Prices,
    complete_structured,
    estimate,
)
from xpoll_dagster.writing.engines.model import Completion, Sampling
from xpoll_dagster.writing.model import Message
from xpoll_dagster_tests.writing.completion.engines import LocalEngine

PRICES = Prices(prompt_per_million=1.0, completion_per_million=2.0)


def jobs(count: int, max_tokens: int = 100) -> list[Job[str]]:
    sampling = Sampling(max_tokens=max_tokens)
    return [Job((Message("user", f"a b c {n}"),), sampling=sampling) for n in range(count)]


def words(text: str) -> int:
    return len(text.split())


def test_without_a_cache_half_of_the_limit_is_assumed() -> None:
    engine = LocalEngine()
    guess = estimate([*jobs(10), *jobs(2)], engine.identity, None, words, PRICES)
    assert (guess.prompts, guess.cached) == (12, 2)
    assert guess.prompt_tokens == 10 * (4 + 4)
    assert guess.completion_tokens == 500
    assert guess.cost == pytest.approx((80 + 2 * 500) / 1e6)
    assert "50%" in guess.assumption


def test_what_is_cached_costs_nothing_and_teaches_the_length(tmp_path: Path) -> None:
    with CompletionCache(tmp_path / "c.sqlite") as cache:
        inner = LocalEngine(lambda _: Completion("x", completion_tokens=20))
        engine = CachedEngine(inner, cache)
        complete_structured(engine, jobs(40))
        before = cache.stats()
        guess = estimate(jobs(100), engine.identity, cache, words, PRICES)
        assert (guess.prompts, guess.cached) == (100, 40)
        assert guess.completion_tokens == 60 * 20
        assert "40 cached answers" in guess.assumption
        done = estimate(jobs(40), engine.identity, cache, words, PRICES)
        assert (done.cached, done.prompt_tokens, done.completion_tokens, done.cost) == (40, 0, 0, 0)
        # Of other jobs it knows how long this model's answers are; of other models nothing.
        other = [Job((Message("user", f"other {n}"),)) for n in range(5)]
        assert estimate(other, engine.identity, cache, model="local").completion_tokens == 100
        assert "50%" in estimate(other, {"model": "z"}, cache, model="z").assumption
        after = cache.stats()
    assert (before.hits, before.misses) == (after.hits, after.misses)
    assert len(inner.sent) == 40
