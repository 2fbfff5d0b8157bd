"""A batch of chats handed in through the vendor's batch API, and collected in a later run."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from xpoll_dagster.writing.engines.batch_records import (
    BatchPendingError,
    BatchRecord,
    BatchRecords,
)
from xpoll_dagster.writing.engines.batch_server import BatchServer, BatchStatus
from xpoll_dagster.writing.engines.chat_answers import read_answer
from xpoll_dagster.writing.engines.chat_server import ChatServer
from xpoll_dagster.writing.engines.dialect import Dialect
from xpoll_dagster.writing.engines.faults import Fault, fault_of_status, read_error
from xpoll_dagster.writing.engines.model import (
    ChatRequest,
    Completion,
    EngineError,
    OnCompletion,
)

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_LOG = logging.getLogger(__name__)

_ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
_JUST_BEFORE_S = 30.0  # a batch handed in so lately may not be listed yet
_SECOND_LOOK_S = 5.0


class BatchRun:
    """One call of `complete`: collects what is ready, hands in what is in no live batch.

    Args:
        server: How the server is asked.
        files: A client that takes answers of the size of a batch's output.
        dialect: How requests are worded.
        records: The batches handed in before.
        names: Custom id of each request.
        requests: Chats to complete.
        on_completion: As `Engine.complete`.
    """

    def __init__(
        self,
        server: ChatServer,
        files: AsyncOpenAI,
        dialect: Dialect,
        records: BatchRecords,
        names: Sequence[str],
        requests: Sequence[ChatRequest],
        on_completion: OnCompletion | None,
    ) -> None:
        self._chats = server
        self._options = server.options
        self._server = BatchServer(server, files)
        self._dialect = dialect
        self._records = records
        self._requests = requests
        self._on_completion = on_completion
        self._names = names
        self._wanted = {name: index for index, name in enumerate(names)}  # still open
        self._tries: dict[str, int] = {}
        self._results: list[Completion | None] = [None] * len(requests)

    async def run(self) -> list[Completion]:
        """Complete all.

        Raises:
            BatchPendingError: Some wait in a batch.
            EngineError: As `Engine.complete`.
        """
        deadline = time.monotonic() + self._options.batch_wait_s
        while True:
            async with self._records.locked():
                live = await self._collect_all()
                in_flight = {name for record in live for name in record.open}
                missing = [name for name in self._wanted if name not in in_flight]
                live += await self._submit(missing)
            if not self._wanted:
                return [result for result in self._results if result is not None]
            left = deadline - time.monotonic()
            if left <= 0:
                waiting = [r.batch_id for r in live if not self._wanted.keys().isdisjoint(r.open)]
                raise BatchPendingError(waiting, len(self._wanted))
            await asyncio.sleep(min(left, self._options.batch_poll_s))

    async def _collect_all(self) -> list[BatchRecord]:
        """Collect from every batch that holds wanted requests; the batches that still live.

        Raises:
            EngineError: A batch failed or was cancelled, or is unknown to the server; what
                the others gave was handed over before.
        """
        live: list[BatchRecord] = []
        problems: list[str] = []
        for record in self._records.load():
            if not record.batch_id and not await self._recover(record):
                continue
            if self._wanted.keys().isdisjoint(record.open):
                live.append(record)
                continue
            status = await self._server.retrieve(record.batch_id)
            if status is None:
                problems.append(
                    f"{self._options.base_url} does not know batch {record.batch_id}: check the "
                    f"key, or delete batch-{record.token}.json in {self._records.folder} to hand "
                    "its requests in anew."
                )
            elif status.status not in _ENDED:
                live.append(record)
            elif problem := await self._collect(record, status):
                problems.append(problem)
        if problems:
            raise EngineError(" ".join(problems))
        return live

    async def _recover(self, record: BatchRecord) -> bool:
        """Find a batch whose handing in was cut short; False if it was never made."""
        status = await self._server.find(record)
        if status is None and time.time() - record.created < _JUST_BEFORE_S:
            await asyncio.sleep(min(_SECOND_LOOK_S, self._options.batch_poll_s))
            status = await self._server.find(record)
        if status is None:
            self._records.forget(record)
            return False
        record.batch_id = status.id
        self._records.save(record)
        _LOG.info("Batch %s was found again.", status.id)
        return True

    async def _collect(self, record: BatchRecord, status: BatchStatus) -> str:
        """Hand over what an ended batch gave; the sentence to end the run with, if any."""
        problem = ""
        what = (
            f"the answers of batch {record.batch_id} (delete batch-{record.token}.json in "
            f"{self._records.folder} to hand its requests in anew)"
        )
        for file_id in (status.output_file_id, status.error_file_id):
            if not file_id:
                continue
            with self._records.scratch() as path:
                await self._server.download(file_id, path, what)
                for line in _lines(path, self._options.max_response_bytes):
                    problem = self._read_line(record, line) or problem
        # What no line settled goes into another batch. Requests of other calls stay in the
        # record: the files wait for whoever asks.
        for name in [name for name in record.open if name in self._wanted]:
            tries = record.open.pop(name) + 1
            self._tries[name] = tries
            if status.status in {"completed", "expired"} and tries >= self._options.batch_tries:
                message = f"The request got no answer in {tries} batches."
                self._finish(name, Completion("", "error", error=message))
        left = f"run again to hand in the {len(self._wanted):,} unanswered requests anew."
        if status.status == "failed":
            said = "; ".join(self._reasons(status.errors)) or "no reason given"
            problem = f"Batch {record.batch_id} failed ({said}): put that right and {left}"
            record.open.clear()
        elif status.status == "cancelled":
            problem = f"Batch {record.batch_id} was cancelled: {left}"
        self._records.save(record)
        _LOG.info("Batch %s: %s, collected.", record.batch_id, status.status)
        return problem

    def _reasons(self, errors: Any) -> Iterator[str]:
        rows = errors.get("data") if isinstance(errors, dict) else None
        for row in (rows if isinstance(rows, list) else [])[:3]:
            yield self._chats.redact(read_error(row).message)

    def _read_line(self, record: BatchRecord, line: bytes) -> str:
        """Settle one request by its line; a sentence if no request can succeed."""
        try:
            row = from_json(line)
        except ValueError:
            return ""
        if not isinstance(row, dict):
            return ""
        name = row.get("custom_id")
        if not isinstance(name, str) or name not in self._wanted or name not in record.open:
            return ""
        request = self._requests[self._wanted[name]]
        response = row.get("response")
        if not isinstance(response, dict):
            return ""  # an error without an answer (expired): into another batch
        code, body = response.get("status_code"), response.get("body")
        answer: Completion | Fault
        if code == 200 and isinstance(body, dict):
            answer = read_answer(body, self._options.base_url, self._chats.redact)
        else:
            answer = fault_of_status(
                code if type(code) is int else 500,
                {},
                body,
                server=self._options.base_url,
                model=self._options.model,
                sent=self._dialect.body(request, self._dialect.wording(request)),
                redact=self._chats.redact,
            )
        if isinstance(answer, Completion):
            self._settle(record, name, answer)
        elif answer.kind == "fatal":
            return answer.message
        elif answer.kind == "withheld":
            self._settle(record, name, Completion("", "refused", error=answer.message))
        elif answer.kind == "hopeless" or (
            answer.kind == "rejected" and not self._dialect.learn(request, answer)
        ):
            self._settle(record, name, Completion("", "error", error=answer.message))
        return ""

    def _settle(self, record: BatchRecord, name: str, completion: Completion) -> None:
        self._finish(name, completion)
        record.open.pop(name)

    def _finish(self, name: str, completion: Completion) -> None:
        index = self._wanted[name]
        if self._on_completion is not None:
            self._on_completion(index, completion)
        self._results[index] = completion
        del self._wanted[name]

    async def _submit(self, names: Sequence[str]) -> list[BatchRecord]:
        """Hand in requests, in as many batches as their limits ask for."""
        records: list[BatchRecord] = []
        start = 0
        while start < len(names):
            with self._records.scratch() as path:
                taken, start = self._write(names, start, path)
                if not taken:
                    continue
                record = self._records.begin({name: self._tries.get(name, 0) for name in taken})
                record.file_id = await self._server.upload(path, f"xpoll-{record.token}.jsonl")
            self._records.save(record)
            status = await self._server.create(record)
            record.batch_id = status.id
            self._records.save(record)
            _LOG.info("Batch %s: %d requests handed in.", record.batch_id, len(record.open))
            records.append(record)
        return records

    def _write(self, names: Sequence[str], start: int, path: Path) -> tuple[list[str], int]:
        """Write requests from `start` on until a batch is full: those written, the next start."""
        taken: list[str] = []
        size = 0
        with path.open("wb") as handle:
            for place in range(start, len(names)):
                name = names[place]
                request = self._requests[self._wanted[name]]
                fields = {
                    "custom_id": name,
                    "method": "POST",
                    "url": "/v1/chat/completions",
                    "body": self._dialect.body(request, self._dialect.wording(request)),
                }
                try:
                    line = json.dumps(fields, ensure_ascii=False).encode() + b"\n"
                except UnicodeError:
                    message = "The request holds half a character (a lone surrogate)."
                    self._finish(name, Completion("", "error", error=message))
                    continue
                if len(line) > self._options.batch_max_bytes:
                    message = "The request is larger than a whole batch may be."
                    self._finish(name, Completion("", "error", error=message))
                    continue
                full = len(taken) >= self._options.batch_max_requests
                if full or size + len(line) > self._options.batch_max_bytes:
                    return taken, place
                handle.write(line)
                size += len(line)
                taken.append(name)
        return taken, len(names)


def _lines(path: Path, longest: int) -> Iterator[bytes]:
    """Lines of a file; those longer than an answer may be are passed over."""
    with path.open("rb") as handle:
        whole = True
        while line := handle.readline(longest):
            ends = line.endswith(b"\n") or len(line) < longest
            if whole and ends:
                yield line
            whole = ends
