"""An engine before which a cache stands: only what is missing is sent."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from xpoll_dagster.writing.completion.cache import CompletionCache
from xpoll_dagster.writing.completion.errors import CacheError
from xpoll_dagster.writing.completion.keys import RequestKeys
from xpoll_dagster.writing.completion.rows import Entry
from xpoll_dagster.writing.engines.model import ChatRequest, Completion, Engine, OnCompletion

log = logging.getLogger(__name__)


class CachedEngine:
    """Answers from the cache what it can, sends the rest, and stores each answer as it arrives.

    Identical requests of one batch are sent once; the others get the same answer, as from the
    cache. Where answers cannot be stored (disk full, say), the batch goes on: what arrives is
    given back all the same, held in memory and stored as soon as that works again, the log
    says so once, and `problem` holds the sentence while anything is unstored.
    """

    def __init__(self, engine: Engine, cache: CompletionCache) -> None:
        self.model = engine.model
        self.engine = engine
        self.cache = cache
        self.problem = ""
        self._lock = threading.Lock()
        self._unstored: list[Entry] = []
        self._next_attempt = 0.0

    @property
    def identity(self) -> Mapping[str, Any]:
        """The inner engine's, asked for when first needed: it may hash a model's folder."""
        return self.engine.identity

    def complete(
        self, requests: Sequence[ChatRequest], on_completion: OnCompletion | None = None
    ) -> list[Completion]:
        """Complete a batch; `result[i]` answers `requests[i]`.

        Hits are reported first, from the calling thread, then what arrives.

        Raises:
            EngineError: As the engine says; what had arrived is in the cache.
            CacheError: The cache cannot be read; nothing was sent.
        """
        keys = RequestKeys(self.identity)
        wanted = [(keys.key(request), request.sampling.max_tokens) for request in requests]
        results = self.cache.find(wanted)
        if on_completion is not None:
            for place, completion in enumerate(results):
                if completion is not None:
                    on_completion(place, completion)
        places: dict[tuple[bytes, int], list[int]] = {}
        for place, completion in enumerate(results):
            if completion is None:
                places.setdefault(wanted[place], []).append(place)
        missing = list(places.items())
        if missing:
            self._send(requests, missing, results, on_completion)
        return [completion for completion in results if completion is not None]

    def _send(
        self,
        requests: Sequence[ChatRequest],
        missing: Sequence[tuple[tuple[bytes, int], list[int]]],
        results: list[Completion | None],
        on_completion: OnCompletion | None,
    ) -> None:
        def arrived(index: int, completion: Completion) -> None:
            (key, max_tokens), same = missing[index]
            self._keep([Entry(key, max_tokens, self.model, completion)])
            first, *others = same
            results[first] = completion
            for place in others:
                # An error was not kept, so its copies don't claim to come from the cache.
                copied = completion.finish_reason != "error"
                results[place] = replace(completion, cached=copied)
            if on_completion is not None:
                for place in same:
                    on_completion(place, results[place])  # type: ignore[arg-type] - just set

        try:
            answers = self.engine.complete(
                [requests[same[0]] for _, same in missing], on_completion=arrived
            )
        finally:
            if self._unstored:
                self._keep([], at_once=True)
        if len(answers) != len(missing):
            raise RuntimeError(
                f"The engine {self.model} gave {len(answers)} completions for {len(missing)} "
                "requests."
            )
        for index, (_, same) in enumerate(missing):
            if results[same[0]] is None:
                arrived(index, answers[index])

    def _keep(self, entries: list[Entry], *, at_once: bool = False) -> None:
        with self._lock:
            self._unstored += entries
            began = time.monotonic()
            if self.problem and not at_once and began < self._next_attempt:
                return
            try:
                self.cache.store(self._unstored)
            except CacheError as error:
                if not self.problem:
                    log.warning("%s The run goes on; what arrives is held in memory.", error)
                self.problem = str(error)
                # Waiting for a lock must not take more than half of the time.
                spent = time.monotonic() - began
                pause = max(self.cache.options.retry_seconds, spent)
                self._next_attempt = time.monotonic() + pause
            else:
                if self.problem:
                    log.warning("The %d completions held are stored now.", len(self._unstored))
                self.problem = ""
                self._unstored = []
