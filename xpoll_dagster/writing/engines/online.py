"""A batch of chats asked of a server one by one, many at once."""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from random import Random

from xpoll_dagster.writing.engines.backoff import AdaptiveLimit, backoff
from xpoll_dagster.writing.engines.chat_server import ChatServer
from xpoll_dagster.writing.engines.dialect import WORDINGS, Dialect
from xpoll_dagster.writing.engines.faults import Fault
from xpoll_dagster.writing.engines.model import (
    ChatRequest,
    Completion,
    EngineError,
    OnCompletion,
)
from xpoll_dagster.writing.model import Message

_LOG = logging.getLogger(__name__)

_PROBE = ChatRequest((Message("user", "Say yes."),))
"""Asked to tell a server that answers nobody from a request that nobody could answer."""

_REWORDINGS = 8  # times one request is sent again at once because a field of it was refused
_UNREACHABLE_RETRIES = 3  # a server that never answered and is not there: no use waiting long
_WORTH_A_WORD_S = 5.0  # pauses that are logged
_DRAIN_S = 30.0  # time that requests under way get to finish when the run ends early


@dataclass(slots=True)
class _Attempts:
    """What one request has been through."""

    wording: int
    failures: int = 0
    throttles: int = 0
    idle_throttles: int = 0  # throttled while nobody else was answered either
    empties: int = 0
    rewordings: int = 0
    began: list[float] = field(default_factory=list)  # its last two attempts


class OnlineRun:
    """One call of `complete`: its queue, its waits, its results.

    A coroutine starts requests as the limit allows; a request that must wait gives its place
    to others. One lone refusal delays its own request; two with no answer between them delay
    all until the server's Retry-After has passed.
    """

    def __init__(
        self,
        server: ChatServer,
        dialect: Dialect,
        limit: AdaptiveLimit,
        requests: Sequence[ChatRequest],
        on_completion: OnCompletion | None,
    ) -> None:
        self._server = server
        self._options = server.options
        self._dialect = dialect
        self._limit = limit
        self._requests = requests
        self._on_completion = on_completion
        self._random = Random()  # noqa: S311 - jitter
        self._results: list[Completion | None] = [None] * len(requests)
        self._open = len(requests)
        self._next = 0
        self._waiting: list[tuple[float, int]] = []  # (when it may go, request)
        self._attempts: dict[int, _Attempts] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._paused_until = 0.0
        self._answered_at = -1.0
        self._throttled_since_answer = False
        self._judging = asyncio.Lock()
        self._stopped: str | None = None
        self._crash: BaseException | None = None

    async def run(self) -> list[Completion]:
        """Complete all.

        Raises:
            EngineError: As `Engine.complete`.
        """
        try:
            while self._open and self._stopped is None and self._crash is None:
                self._wake.clear()
                timeout = self._start()
                with suppress(TimeoutError):
                    async with asyncio.timeout(timeout):
                        await self._wake.wait()
        finally:
            await self._drain()
        if self._crash is not None:
            raise self._crash
        if self._stopped is not None and self._open:
            raise EngineError(self._stopped)
        return [result for result in self._results if result is not None]

    def _start(self) -> float | None:
        """Start what may start; the seconds until more may, None if an answer must come first."""
        now = asyncio.get_running_loop().time()
        if self._paused_until > now:
            return self._paused_until - now
        while len(self._tasks) < self._limit.value:
            if self._waiting and self._waiting[0][0] <= now:
                index = heapq.heappop(self._waiting)[1]
            elif self._next < len(self._requests):
                index = self._next
                self._next += 1
            else:
                return self._waiting[0][0] - now if self._waiting else None
            task = asyncio.create_task(self._attempt(index))
            self._tasks.add(task)
            task.add_done_callback(self._ended)
        return None

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._crash = self._crash or error

    async def _drain(self) -> None:
        """Let requests under way finish, for they are paid for; cancel what takes too long."""
        tasks = set(self._tasks)
        if not tasks:
            return
        current = asyncio.current_task()
        cancelled = current is not None and current.cancelling() > 0
        if self._crash is None and not cancelled:
            _, tasks = await asyncio.wait(tasks, timeout=_DRAIN_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _attempt(self, index: int) -> None:
        request = self._requests[index]
        attempts = self._attempts.setdefault(index, _Attempts(self._dialect.wording(request)))
        attempts.wording = max(attempts.wording, self._dialect.wording(request))
        sent_at = asyncio.get_running_loop().time()
        attempts.began = [*attempts.began[-1:], sent_at]
        answer = await self._server.chat(self._dialect.body(request, attempts.wording))
        if isinstance(answer, Completion):
            self._dialect.accept(request, attempts.wording)
            self._answered()
            self._finish(index, answer)
            return
        if self._stopped is not None or self._crash is not None:
            return
        await self._settle(index, attempts, answer, sent_at)

    def _answered(self) -> None:
        self._limit.grow()
        self._answered_at = asyncio.get_running_loop().time()
        self._throttled_since_answer = False

    def _finish(self, index: int, completion: Completion) -> None:
        if self._crash is not None:
            return
        # Handed over before it counts: a full disk at the caller's end stops the run.
        if self._on_completion is not None:
            self._on_completion(index, completion)
        self._results[index] = completion
        self._attempts.pop(index, None)
        self._open -= 1

    async def _settle(self, index: int, attempts: _Attempts, fault: Fault, sent_at: float) -> None:
        """Decide what becomes of a request whose attempt failed."""
        if fault.kind == "fatal":
            self._stop(fault.message)
        elif fault.kind in {"hopeless", "withheld"}:
            reason = "refused" if fault.kind == "withheld" else "error"
            self._finish(index, Completion("", reason, error=fault.message))
        elif self._reworded(index, attempts, fault):
            self._again(index, 0.0)
        elif fault.kind == "rejected":
            await self._judge(index, attempts, fault)
        else:
            await self._retry(index, attempts, fault, sent_at)

    def _reworded(self, index: int, attempts: _Attempts, fault: Fault) -> bool:
        """Word the request so that the server may take it, if its refusal allows for that."""
        request = self._requests[index]
        weaker = attempts.wording + 1
        has_weaker = request.json_schema is not None and weaker < len(WORDINGS)
        if attempts.rewordings >= _REWORDINGS:
            return False
        attempts.rewordings += 1
        if fault.parameter and self._dialect.drop(fault.parameter):
            return True
        if has_weaker and fault.about_schema:
            self._dialect.weaken(request, weaker)
        elif not (has_weaker and fault.kind == "rejected"):
            return False
        # A refusal without a reason may mean the schema: remembered only if it did.
        attempts.wording = weaker
        return True

    async def _retry(self, index: int, attempts: _Attempts, fault: Fault, sent_at: float) -> None:
        options, now = self._options, asyncio.get_running_loop().time()
        asked = fault.retry_after or 0.0
        if asked > options.longest_wait_s:
            self._stop(f"{fault.message} It asks to wait {asked:,.0f} s: run again after that.")
            return
        if fault.kind == "throttled":
            attempts.throttles += 1
            # Nobody was answered since this request was last sent: that counts.
            attempts.idle_throttles += self._answered_at < attempts.began[0]
            spent, most = attempts.idle_throttles, options.max_retries
            failures = attempts.throttles
            if self._throttled_since_answer and now + asked > self._paused_until:
                self._paused_until = now + asked
                if asked >= _WORTH_A_WORD_S:
                    _LOG.warning("%s asks to wait %.0f s.", options.base_url, asked)
            self._throttled_since_answer = True
        elif fault.kind == "empty":
            attempts.empties += 1
            spent, most = attempts.empties, min(options.max_empty_retries, options.max_retries)
            failures = attempts.empties
        else:
            attempts.failures += 1
            spent, most = attempts.failures, options.max_retries
            failures = attempts.failures
            if fault.unreachable and self._answered_at < 0:
                most = min(most, _UNREACHABLE_RETRIES)
        if fault.kind == "throttled" or fault.status >= 500:
            self._limit.shrink(sent_at, now)
        if spent <= most:
            wait = backoff(failures, options.backoff_s, options.longest_backoff_s, self._random)
            self._again(index, max(wait, asked))
        elif fault.kind == "empty":
            self._answered()
            message = f"{fault.message} Asked {spent} times."
            self._finish(index, Completion("", "error", error=message))
        else:
            await self._judge(index, attempts, fault)

    def _again(self, index: int, wait: float) -> None:
        ready = asyncio.get_running_loop().time() + wait
        heapq.heappush(self._waiting, (ready, index))

    async def _judge(self, index: int, attempts: _Attempts, fault: Fault) -> None:
        """Tell a request that alone fails from a server that fails them all."""
        async with self._judging:
            if self._stopped is not None:
                return
            if self._answered_at < attempts.began[0]:
                sampling = self._requests[index].sampling.model_copy(update={"max_tokens": 8})
                probe = self._dialect.body(replace(_PROBE, sampling=sampling), len(WORDINGS) - 1)
                answer = await self._server.chat(probe)
                if isinstance(answer, Fault) and answer.kind not in {"empty", "withheld"}:
                    self._stop(fault.message)
                    return
                self._answered()
        times = f" Sent {attempts.failures} times." if attempts.failures > 1 else ""
        self._finish(index, Completion("", "error", error=f"{fault.message}{times}"))

    def _stop(self, message: str) -> None:
        if self._stopped is None:
            self._stopped = message
        self._wake.set()
