"""Waits and concurrency, as the server measures them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest

from xpoll_dagster.writing.engines.openai import OpenAIEngine
from xpoll_dagster_tests.writing.engines.asking import chats, complete, options
from xpoll_dagster_tests.writing.engines.fault_server import (
    SERVER_ERROR,
    Call,
    Fault,
    FaultServer,
    first,
)


class TestWaiting:
    @pytest.mark.slow
    @pytest.mark.parametrize("as_date", [False, True])
    def test_retry_after_is_honoured(self, as_date: bool):
        def script(call: Call) -> Fault | None:
            if call.attempt > 1:
                return None
            later = datetime.now(UTC) + timedelta(seconds=2)
            value = format_datetime(later, usegmt=True) if as_date else "1"
            return Fault(429, {"Retry-After": value})

        with FaultServer(script) as server:
            complete(server)
        gap = server.calls[1].at - server.calls[0].at
        assert 0.95 < gap < 3

    def test_a_busy_server_is_left_alone_by_all(self):
        def script(call: Call) -> Fault | None:
            return Fault(429, {"retry-after": "0.5"}) if call.number <= 8 else None

        with FaultServer(script) as server:
            complete(server, 60, concurrency=8)
        begin = server.calls[0].at
        early = [c for c in server.calls if c.at - begin < 0.45]
        assert len(early) == 8

    def test_concurrency_is_bounded_and_reached(self):
        with FaultServer(lambda call: Fault(delay_s=0.02)) as server:
            complete(server, 100, concurrency=5)
        assert server.most_at_once == 5

    @pytest.mark.slow
    def test_concurrency_halves_on_overload_and_grows_again(self):
        with FaultServer(lambda c: SERVER_ERROR if c.number in {1, 20, 40} else None) as server:
            engine = OpenAIEngine(options(server, concurrency=16))
            engine.complete(chats(*range(60)))
            low = engine._limit.value
            engine.complete(chats(*range(400)))
            assert low < 16
            assert engine._limit.value == 16

    def test_backoff_grows(self):
        with FaultServer(first(*[SERVER_ERROR] * 4)) as server:
            complete(server, backoff_s=0.08, longest_backoff_s=10)
        times = [c.at for c in server.calls]
        gaps = [b - a for a, b in pairwise(times)]
        for gap, wait in zip(gaps, (0.08, 0.16, 0.32, 0.64), strict=True):
            assert wait / 2 <= gap < wait + 0.5
