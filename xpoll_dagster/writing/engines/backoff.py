"""How long to wait, and how many to send at once, when a server has had enough."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from random import Random


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds that a server asks to wait, None where it does not say.

    Reads `retry-after-ms` (milliseconds, OpenAI's) and `retry-after` (RFC 9110, section
    10.2.3: seconds or an HTTP date). Dates in the past give 0, nonsense gives None.

    Args:
        headers: Keys in lower case, or a mapping that does not mind the case.
        now: Seconds since 1970 that a date is compared with; the clock's by default.
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        if not value:
            continue
        try:
            seconds = float(value) * unit
        except ValueError:
            try:
                date = parsedate_to_datetime(value)
            except (ValueError, OverflowError):
                continue
            seconds = date.timestamp() - (time.time() if now is None else now)
        if math.isfinite(seconds):
            return max(0.0, seconds)
    return None


def backoff(failures: int, first_s: float, longest_s: float, random: Random) -> float:
    """Wait before the next attempt, in seconds: exponential, half of it at random.

    The random half keeps requests that failed together from coming back together.

    Args:
        failures: Failed attempts so far, at least 1.
        first_s: Wait after the first failure at most.
        longest_s: Wait at most.
        random: Source of the jitter.
    """
    wait = min(longest_s, first_s * 2.0 ** min(failures - 1, 60))
    return random.uniform(wait / 2, wait)


class AdaptiveLimit:
    """Requests at once: additive increase, multiplicative decrease, as TCP does it.

    (Chiu and Jain 1989.) Every answer adds `1 / limit`, so a whole round of answers adds one;
    an overload halves, but only once for all the requests that were under way together.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._limit = float(most)
        self._halved_at = -math.inf

    @property
    def value(self) -> int:
        """Requests that may be under way now, at least 1."""
        return max(1, int(self._limit))

    def grow(self) -> None:
        """Count an answer."""
        self._limit = min(float(self.most), self._limit + 1 / self._limit)

    def shrink(self, sent_at: float, now: float) -> None:
        """Count an overload that a request sent at `sent_at` met; times of one clock."""
        if sent_at >= self._halved_at:
            self._limit = max(1.0, self._limit / 2)
            self._halved_at = now
