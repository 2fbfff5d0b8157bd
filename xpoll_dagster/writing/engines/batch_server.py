"""The vendor's batch API: files up, batches made and found again, files down."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from xpoll_dagster.writing.engines.backoff import backoff
from xpoll_dagster.writing.engines.batch_records import BatchRecord
from xpoll_dagster.writing.engines.chat_server import ChatServer
from xpoll_dagster.writing.engines.faults import Fault
from xpoll_dagster.writing.engines.model import EngineError

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

_T = TypeVar("_T")

METADATA_KEY = "xpoll_submission"
_ENDPOINT = "/v1/chat/completions"
_PAGES = 100  # of a hundred batches each
_CLOCK_SLACK_S = 86_400.0
_UNREACHABLE_RETRIES = 3


class BatchStatus(BaseModel):
    """A batch as the server tells of it; fields that are of no use here are left aside."""

    model_config = ConfigDict(extra="ignore")

    id: str = Field(min_length=1, max_length=500)
    status: str
    input_file_id: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    created_at: float | None = None
    metadata: dict[str, Any] | None = None
    errors: Any = None


class BatchServer:
    """Calls of the batch API, each tried a bounded number of times.

    Args:
        server: How the server is asked and its faults are judged.
        files: A client that takes answers of the size of a batch's output.
    """

    def __init__(self, server: ChatServer, files: AsyncOpenAI) -> None:
        self._server = server
        self._options = server.options
        self._client = server.client
        self._files = files
        self._random = Random()  # noqa: S311 - jitter

    async def _try(
        self, call: Callable[[], Awaitable[_T]], what: str, timeout_s: float | None = None
    ) -> _T | Fault:
        return await self._server.guard(call(), timeout_s=timeout_s, what=what)

    async def _wait(self, failures: int, fault: Fault) -> None:
        """Wait before another try.

        Raises:
            EngineError: There is no use in another try.
        """
        options = self._options
        most = _UNREACHABLE_RETRIES if fault.unreachable else options.max_retries
        asked = fault.retry_after or 0.0
        if fault.kind not in {"throttled", "failed"} or failures > most:
            raise EngineError(fault.message)
        if asked > options.longest_wait_s:
            raise EngineError(f"{fault.message} It asks to wait {asked:,.0f} s.")
        wait = backoff(failures, options.backoff_s, options.longest_backoff_s, self._random)
        await asyncio.sleep(max(asked, wait))

    async def _repeat(
        self, call: Callable[[], Awaitable[_T]], what: str, timeout_s: float | None = None
    ) -> _T:
        """Try until it works; only for calls that may be made twice."""
        failures = 0
        while True:
            answer = await self._try(call, what, timeout_s)
            if not isinstance(answer, Fault):
                return answer
            failures += 1
            await self._wait(failures, answer)

    async def _get(self, path: str, what: str, **params: Any) -> Any:
        import httpx2

        async def call() -> httpx2.Response:
            return await self._client.get(path, cast_to=httpx2.Response, options={"params": params})

        failures = 0
        while True:
            response = await self._repeat(call, what)
            try:
                return from_json(response.content)
            except ValueError:
                failures += 1
                await self._wait(failures, self._unreadable(what))

    def _unreadable(self, what: str) -> Fault:
        address = self._options.base_url
        return Fault("failed", f"{address} gives no readable answer on {what}: try later.")

    def _status(self, answer: Any, what: str) -> BatchStatus | Fault:
        try:
            return BatchStatus.model_validate(answer)
        except ValidationError:
            return self._unreadable(what)

    def _read_status(self, content: bytes, what: str) -> BatchStatus | Fault:
        try:
            return self._status(from_json(content), what)
        except ValueError:
            return self._unreadable(what)

    async def upload(self, path: Path, name: str) -> str:
        """Send a file of requests; its id."""
        what = "the file of requests"

        async def call() -> Any:
            with path.open("rb") as handle:
                uploads = self._files.files.with_raw_response
                answer = await uploads.create(file=(name, handle), purpose="batch")
            return answer.http_response.content

        failures = 0
        while True:
            content = await self._repeat(call, what)
            try:
                answer = from_json(content)
            except ValueError:
                answer = None
            if isinstance(answer, dict) and isinstance(answer.get("id"), str) and answer["id"]:
                return answer["id"]
            failures += 1
            await self._wait(failures, self._unreadable(what))

    async def create(self, record: BatchRecord) -> BatchStatus:
        """Make a batch of an uploaded file, once.

        A try that got no answer may have made it all the same: before another one, the
        server's list is searched.
        """
        import httpx2

        what = "the new batch"
        body = {
            "input_file_id": record.file_id,
            "endpoint": _ENDPOINT,
            "completion_window": "24h",
            "metadata": {METADATA_KEY: record.token},
        }

        async def call() -> httpx2.Response:
            return await self._client.post("/batches", cast_to=httpx2.Response, body=body)

        failures = 0
        while True:
            answer = await self._try(call, what)
            if not isinstance(answer, Fault):
                answer = self._read_status(answer.content, what)
            if isinstance(answer, BatchStatus):
                return answer
            failures += 1
            await self._wait(failures, answer)
            if (found := await self.find(record)) is not None:
                return found

    async def retrieve(self, batch_id: str) -> BatchStatus | None:
        """How a batch stands; None if the server does not know it."""
        import httpx2

        async def call() -> httpx2.Response:
            path = f"/batches/{quote(batch_id, safe='')}"
            return await self._client.get(path, cast_to=httpx2.Response)

        what = f"batch {batch_id}"
        failures = 0
        while True:
            answer = await self._try(call, what)
            if isinstance(answer, Fault) and answer.status == 404:
                return None
            if not isinstance(answer, Fault):
                answer = self._read_status(answer.content, what)
            if isinstance(answer, BatchStatus):
                return answer
            failures += 1
            await self._wait(failures, answer)

    async def find(self, record: BatchRecord) -> BatchStatus | None:
        """Look for a batch by its token, or by its file, among those made since."""
        after: dict[str, str] = {}
        for _ in range(_PAGES):
            page = await self._get("/batches", "the list of batches", limit=100, **after)
            rows = page.get("data") if isinstance(page, dict) else None
            if not isinstance(rows, list):
                raise EngineError(self._unreadable("the list of batches").message)
            last: BatchStatus | None = None
            for row in rows:
                status = self._status(row, "the list of batches")
                if isinstance(status, Fault):
                    raise EngineError(status.message)
                last = status
                if (status.metadata or {}).get(METADATA_KEY) == record.token or (
                    record.file_id and status.input_file_id == record.file_id
                ):
                    return status
            if last is None or not page.get("has_more"):
                return None
            if last.created_at is not None and last.created_at < record.created - _CLOCK_SLACK_S:
                return None
            after = {"after": last.id}
        raise EngineError(
            f"{self._options.base_url} lists too many batches to find the one of {record.token}: "
            "delete its record if it was never made."
        )

    async def download(self, file_id: str, path: Path, what: str) -> None:
        """Fetch a file of answers, whole; `what` names it in messages."""

        async def call() -> None:
            content = self._files.files.with_streaming_response.content(file_id)
            async with content as response:
                with path.open("wb") as handle:
                    async for part in response.iter_bytes():
                        handle.write(part)

        await self._repeat(call, what, 10 * self._options.request_timeout_s)
