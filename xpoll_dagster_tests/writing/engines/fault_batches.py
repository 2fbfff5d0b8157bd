"""The batch API of the fault server: /v1/files and /v1/batches, held in memory.

`outcome` is what becomes of a batch ("completed", "failed", "expired", "cancelled") once it
was looked at `polls` times. `cut_creates` and `cut_uploads` count answers that are cut off
after the thing was done. `line_fault(custom_id, attempt)` gives (status, body) in place of a
right answer, "expired", or None. `unlisted` lists of batches come back empty.
"""

from __future__ import annotations

import asyncio
import email
import json
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from xpoll_dagster_tests.writing.engines.fault_server import FaultServer, Reply

LineFault = Callable[[str, int], tuple[int, dict[str, Any]] | str | None]


class Batches:
    """Files and batches of one server."""

    def __init__(self, server: FaultServer) -> None:
        self._server = server
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.submitted: Counter[str] = Counter()  # custom ids, over all batches
        self.outcome = "completed"
        self.polls = 0
        self.cut_creates = 0
        self.cut_uploads = 0
        self.cut_downloads = 0
        self.unlisted = 0
        self.line_fault: LineFault = lambda name, attempt: None
        self.create_delay_s = 0.0
        self._looks: Counter[str] = Counter()

    async def reply(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Reply:
        from xpoll_dagster_tests.writing.engines.fault_server import (
            Reply,
            error_reply,
            json_reply,
        )

        path, _, query = target.partition("?")
        parts = path.strip("/").split("/")[1:]
        match method, parts:
            case "POST", ["files"]:
                message = email.message_from_bytes(
                    f"Content-Type: {headers['content-type']}\r\n\r\n".encode() + body
                )
                payload = [
                    part.get_payload(decode=True)
                    for part in message.walk()
                    if part.get_filename() is not None
                ]
                name = f"file-{len(self.files)}"
                assert isinstance(payload[0], bytes)
                self.files[name] = payload[0]
                reply = json_reply(200, {"id": name, "object": "file"})
                if self.cut_uploads:
                    self.cut_uploads -= 1
                    reply.cut = True
                return reply
            case "GET", ["files", name, "content"] if name in self.files:
                reply = Reply(200, self.files[name])
                if self.cut_downloads:
                    self.cut_downloads -= 1
                    reply.cut = True
                return reply
            case "POST", ["batches"]:
                asked = json.loads(body)
                name = f"batch_{len(self.batches)}"
                self.batches[name] = {
                    "id": name,
                    "object": "batch",
                    "status": "in_progress",
                    "created_at": int(time.time()),
                    "input_file_id": asked["input_file_id"],
                    "metadata": asked.get("metadata"),
                }
                self.submitted.update(
                    json.loads(line)["custom_id"]
                    for line in self.files[asked["input_file_id"]].splitlines()
                )
                await asyncio.sleep(self.create_delay_s)
                reply = json_reply(200, self.batches[name])
                if self.cut_creates:
                    self.cut_creates -= 1
                    reply.cut = True
                return reply
            case "GET", ["batches"]:
                asked_after = parse_qs(query).get("after", [""])[0]
                rows = list(reversed(self.batches.values()))
                if self.unlisted:
                    self.unlisted -= 1
                    rows = []
                ids = [row["id"] for row in rows]
                rows = rows[ids.index(asked_after) + 1 :] if asked_after in ids else rows
                # Pages of two, whatever is asked for.
                return json_reply(200, {"data": rows[:2], "has_more": len(rows) > 2})
            case "GET", ["batches", name] if name in self.batches:
                self._looks[name] += 1
                if self._looks[name] > self.polls:
                    self._end(self.batches[name])
                return json_reply(200, self.batches[name])
        return error_reply(404, f"Unknown: {method} {path}")

    def _end(self, batch: dict[str, Any]) -> None:
        if batch["status"] != "in_progress":
            return
        batch["status"] = self.outcome
        if self.outcome == "failed":
            batch["errors"] = {"data": [{"code": "x", "message": "Enqueued token limit reached"}]}
            return
        output, errors = [], []
        for place, line in enumerate(self.files[batch["input_file_id"]].splitlines()):
            asked = json.loads(line)
            name = asked["custom_id"]
            row: dict[str, Any] = {"id": f"r{place}", "custom_id": name, "error": None}
            half_done = self.outcome in {"expired", "cancelled"} and place % 2
            fault = self.line_fault(name, self.submitted[name])
            if half_done or fault == "expired":
                gone = {"code": "batch_expired", "message": "Not executed in time."}
                errors.append(row | {"response": None, "error": gone})
            elif isinstance(fault, tuple):
                response = {"status_code": fault[0], "body": fault[1]}
                errors.append(row | {"response": response})
            else:
                reply = self._server.chat(asked["body"])
                response = {"status_code": reply.status, "body": json.loads(reply.body)}
                (output if reply.status == 200 else errors).append(row | {"response": response})
        for kind, rows in (("output_file_id", output), ("error_file_id", errors)):
            if rows:
                # The order of a batch's answers is not that of its requests.
                lines = [json.dumps(row) for row in reversed(rows)]
                name = f"file-{len(self.files)}"
                self.files[name] = "\n".join(lines).encode()
                batch[kind] = name
