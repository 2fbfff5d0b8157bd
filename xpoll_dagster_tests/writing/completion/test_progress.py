"""Progress counts what was done and what it cost, and reports neither too often nor too late."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from xpoll_dagster.writing.completion import (
    CachedEngine,
    CompletionCache,
    CompletionOptions,
    Job,
    Prices,
    Progress,
    ProgressMeter,
    complete_structured,
)
from xpoll_dagster.writing.engines.model import Completion
from xpoll_dagster.writing.model import Message
from xpoll_dagster_tests.writing.completion.engines import LocalEngine, ScriptedEngine

PRICES = Prices(prompt_per_million=2.0, completion_per_million=10.0, currency="EUR")


def plain(count: int) -> list[Job[str]]:
    return [Job((Message("user", f"q {n}"),)) for n in range(count)]


def test_tokens_and_cost_are_of_what_was_sent(tmp_path: Path) -> None:
    with CompletionCache(tmp_path / "c.sqlite") as cache:
        engine = CachedEngine(LocalEngine(), cache)
        complete_structured(engine, plain(10))
        reports: list[Progress] = []
        options = CompletionOptions(prices=PRICES, progress_seconds=0)
        complete_structured(engine, plain(30), options, reports.append)
    last = reports[-1]
    assert (last.done, last.total, last.cached, last.failed) == (30, 30, 10, 0)
    assert (last.prompt_tokens, last.completion_tokens) == (140, 100)
    assert last.cost == pytest.approx((140 * 2 + 100 * 10) / 1e6)
    assert last.tokens_per_second > 0
    assert last.seconds_left == 0
    assert [report.done for report in reports] == [*range(1, 31), 30]


def test_reports_are_rare_and_the_last_one_comes() -> None:
    reports: list[Progress] = []
    complete_structured(LocalEngine(), plain(50), None, reports.append)
    assert [report.done for report in reports] == [50]


class Thing(BaseModel):
    name: str


def test_retries_count_as_requests_of_their_own() -> None:
    engine = ScriptedEngine({"a": ["no", '{"name": "a"}'], "b": ['{"name": "b"}']})
    meter = ProgressMeter(expected=5)
    complete_structured(
        engine, [Job((Message("user", name),), Thing) for name in "ab"], None, meter
    )
    now = meter.now()
    assert (now.done, now.total) == (3, 6)
    assert now.seconds_left is not None
    assert now.seconds_left > 0


def test_what_the_gates_say_is_told() -> None:
    meter = ProgressMeter(prices=PRICES)
    meter.begin(4)
    for finish_reason in ("stop", "error"):
        meter.add(Completion("x", finish_reason, 10, 1_000_000))
    meter.add(Completion("x", "stop", 10, 10, cached=True))
    meter.judged(1, {"finished": 1})
    meter.judged(0, {"finished": 1, "too_short": 2})
    now = meter.now()
    assert (now.accepted, dict(now.rejected)) == (1, {"finished": 2, "too_short": 2})
    sentence = now.sentence()
    for part in ("3 of 4", "1 from the cache", "1 failed", "2 rejected by finished", "20.00 EUR"):
        assert part in sentence


def test_nothing_done_has_no_time_left() -> None:
    meter = ProgressMeter()
    assert meter.now().seconds_left == 0  # nothing is to be done either
    meter.begin(3)
    assert meter.now().seconds_left is None
    meter.add(Completion("x", cached=True))
    assert meter.now().seconds_left is None
