"""The engine for any server that speaks OpenAI's API: vLLM, Ollama, llama.cpp, vendors."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from pydantic import SecretStr

from xpoll_dagster.writing.engines.backoff import AdaptiveLimit
from xpoll_dagster.writing.engines.dialect import Dialect
from xpoll_dagster.writing.engines.faults import Redactor
from xpoll_dagster.writing.engines.model import ChatRequest, Completion, OnCompletion
from xpoll_dagster.writing.engines.options import OpenAIOptions

_T = TypeVar("_T")


class OpenAIEngine:
    """Completes chats on a server, many at once, and bears with its moods.

    What the server refuses (a schema, a field) is remembered for the engine's life, and so is
    how many requests it bears at once.

    Args:
        options: Which server, which model, how patiently.
        api_key: The key; empty for a server that wants none.
        state_dir: Where the vendor's batches are remembered from run to run; needed with
            `use_batch_api`.

    Raises:
        ValueError: `use_batch_api` without `state_dir`.
    """

    def __init__(
        self,
        options: OpenAIOptions,
        api_key: SecretStr | None = None,
        state_dir: Path | None = None,
    ) -> None:
        if options.use_batch_api and state_dir is None:
            raise ValueError("use_batch_api needs a state_dir, where batches are remembered.")
        self.options = options
        self.model = options.model
        self.identity: Mapping[str, Any] = {
            "engine": "openai",
            "model": options.model,
            "revision": options.revision,
            "extra_body": options.extra_body,
        }
        self._key = SecretStr(api_key.get_secret_value().strip() if api_key else "")
        self._state_dir = state_dir
        self._dialect = Dialect(options)
        self._limit = AdaptiveLimit(options.concurrency)

    def __repr__(self) -> str:
        return f"OpenAIEngine(model={self.model!r}, base_url={self.options.base_url!r})"

    def complete(
        self, requests: Sequence[ChatRequest], on_completion: OnCompletion | None = None
    ) -> list[Completion]:
        """Complete a batch; `result[i]` answers `requests[i]`.

        `on_completion` is called from the calling thread, or from another one where the
        calling thread already runs an event loop (a notebook). An error that it raises ends
        the run and is raised.

        Raises:
            EngineError: The server is down or does not answer as a server of OpenAI's API,
                refuses the key, the model or every request, or the quota is used up.
            BatchPendingError: The requests wait in a batch; a later call collects it.
        """
        if not requests:
            return []
        return _run(self._complete(requests, on_completion))

    async def _complete(
        self, requests: Sequence[ChatRequest], on_completion: OnCompletion | None
    ) -> list[Completion]:
        from xpoll_dagster.writing.engines.chat_client import open_client, secrets
        from xpoll_dagster.writing.engines.chat_server import ChatServer

        # The key stays wrapped here: some tracebacks print the variables of every frame.
        redact = Redactor(secrets(self.options, self._key))
        async with open_client(self.options, self._key) as client:
            server = ChatServer(client, self.options, redact)
            if self._state_dir is None or not self.options.use_batch_api:
                from xpoll_dagster.writing.engines.online import OnlineRun

                run = OnlineRun(server, self._dialect, self._limit, requests, on_completion)
                return await run.run()
            from xpoll_dagster.writing.engines.batch_records import BatchRecords, custom_ids
            from xpoll_dagster.writing.engines.batch_run import BatchRun

            records = BatchRecords(self._state_dir, self.options.base_url, self.model)
            names = custom_ids(self.identity, requests)
            size = self.options.batch_max_output_bytes
            async with open_client(self.options, self._key, size) as files:
                batch = BatchRun(
                    server, files, self._dialect, records, names, requests, on_completion
                )
                return await batch.run()


def _run(work: Coroutine[Any, Any, _T]) -> _T:
    """Run to the end from synchronous code, whether or not an event loop runs already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        running = False
    else:
        running = True
    if not running:
        return asyncio.run(work)

    result: Future[_T] = Future()
    started = threading.Event()
    inside: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]] = []

    async def observed() -> _T:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine that asyncio.run runs is a task
        inside.append((asyncio.get_running_loop(), task))
        started.set()
        return await work

    def in_thread() -> None:
        try:
            result.set_result(asyncio.run(observed()))
        except BaseException as error:  # noqa: BLE001 - raised again in the calling thread
            result.set_exception(error)
        finally:
            started.set()

    thread = threading.Thread(target=in_thread, name="openai-engine", daemon=True)
    thread.start()
    try:
        return result.result()
    except BaseException:
        # An interrupt of the waiting thread ends the work too.
        started.wait()
        if inside and not result.done():
            loop, task = inside[0]
            loop.call_soon_threadsafe(task.cancel)
        thread.join()
        raise
