"""How far a batch of requests is: counts, tokens, speed, cost and time left.

Requests are counted here as they are answered; what was accepted or rejected by a gate is
told by whoever runs the gates.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from xpoll_dagster.writing.completion.options import Prices
from xpoll_dagster.writing.engines.model import Completion


@dataclass(frozen=True, slots=True)
class Progress:
    """One moment of the work.

    `done` and `total` count requests, retries among them, so `total` may grow; `cached` of
    the done ones came from the cache, `failed` brought no answer. Tokens are those that an
    engine was paid for or worked on in this run: cached answers count none. `seconds` is the
    time since the work began; `tokens_per_second` are those of answers. `seconds_left` is
    None until something was sent and answered.
    """

    total: int
    done: int
    cached: int
    failed: int
    accepted: int
    rejected: Mapping[str, int]
    prompt_tokens: int
    completion_tokens: int
    cost: float
    currency: str
    seconds: float
    tokens_per_second: float
    seconds_left: float | None

    def sentence(self) -> str:
        """The moment in one line, for a log."""
        parts = [f"{self.done} of {self.total} answered"]
        if self.cached:
            parts.append(f"{self.cached} from the cache")
        if self.failed:
            parts.append(f"{self.failed} failed")
        if self.accepted or self.rejected:
            parts.append(f"{self.accepted} accepted")
        parts += [f"{n} rejected by {gate}" for gate, n in sorted(self.rejected.items())]
        parts.append(f"{self.prompt_tokens} + {self.completion_tokens} tokens")
        if self.tokens_per_second:
            parts.append(f"{self.tokens_per_second:.0f} tokens/s")
        if self.cost:
            parts.append(f"{self.cost:.2f} {self.currency}")
        if self.seconds_left is not None:
            parts.append(f"{_duration(self.seconds_left)} left")
        return ", ".join(parts)


@dataclass(slots=True)
class ProgressMeter:
    """Counts, and reports at most every `every_seconds`.

    One meter may go through several batches; `expected` is the number of jobs of all of them,
    where it is known before. Safe to use from several threads.
    """

    report: Callable[[Progress], None] | None = None
    every_seconds: float = 10.0
    prices: Prices = field(default_factory=Prices)
    expected: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _announced: int = 0
    _again: int = 0
    _done: int = 0
    _cached: int = 0
    _failed: int = 0
    _accepted: int = 0
    _rejected: Counter[str] = field(default_factory=Counter)
    _prompt_tokens: int = 0
    _completion_tokens: int = 0
    _began: float | None = None
    _reported: float = 0.0

    def begin(self, requests: int, *, again: bool = False) -> None:
        """Announce requests that are about to be made; retries come `again`."""
        with self._lock:
            if again:
                self._again += requests
            else:
                self._announced += requests
            if self._began is None:
                self._began = self._reported = time.monotonic()

    def add(self, completion: Completion) -> None:
        """Count one completion, and report if it is time."""
        with self._lock:
            self._done += 1
            if completion.cached:
                self._cached += 1
            else:
                self._prompt_tokens += completion.prompt_tokens
                self._completion_tokens += completion.completion_tokens
            self._failed += completion.finish_reason in ("error", "refused")
            now = time.monotonic()
            due = self.report is not None and now - self._reported >= self.every_seconds
            if due:
                self._reported = now
        if due:
            self.tell()

    def judged(self, accepted: int, rejected: Mapping[str, int]) -> None:
        """Count what the gates accepted and rejected, by gate; for callers that judge."""
        with self._lock:
            self._accepted += accepted
            self._rejected.update(rejected)

    def tell(self) -> None:
        """Report now, however long the last report was ago."""
        if self.report is not None:
            self.report(self.now())

    def now(self) -> Progress:
        """The state at this moment."""
        with self._lock:
            seconds = 0.0 if self._began is None else time.monotonic() - self._began
            total = max(self.expected, self._announced) + self._again
            sent = self._done - self._cached
            left = (total - self._done) * seconds / sent if sent else None
            return Progress(
                total=total,
                done=self._done,
                cached=self._cached,
                failed=self._failed,
                accepted=self._accepted,
                rejected=dict(self._rejected),
                prompt_tokens=self._prompt_tokens,
                completion_tokens=self._completion_tokens,
                cost=self.prices.cost(self._prompt_tokens, self._completion_tokens),
                currency=self.prices.currency,
                seconds=seconds,
                tokens_per_second=self._completion_tokens / seconds if seconds else 0.0,
                seconds_left=0.0 if total == self._done else left,
            )


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
