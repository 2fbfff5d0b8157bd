"""A real HTTP server of OpenAI's API on 127.0.0.1 that goes wrong as it is told to.

    with FaultServer() as server:
        engine = OpenAIEngine(OpenAIOptions(base_url=server.base_url, model="m"))

**Scripting.** `script` is a function from a `Call` (what was asked, and how often it was asked
before) to a `Fault`, or None for a right answer:

    FaultServer(lambda call: Fault(status=429, headers={"retry-after": "1"})
                if call.attempt == 1 else None)
    FaultServer(random_faults(seed=1, share=0.3))   # a seeded mix, the same for each prompt
    FaultServer(first(SERVER_ERROR, CUT))           # the server's first two calls, whoever asks

A `Fault` may wait (`delay_s`), answer with any status, headers and body, cut the connection
in the middle of the body (`cut`), or answer a chat rightly but for some fields (`choice`).
Ready made: RATE_LIMITED, SERVER_ERROR, UNAVAILABLE, SLOW, CUT, WRONG_JSON, NO_CHOICES, EMPTY,
NULL_CONTENT.

**What it insists on.** `key` (else 401), `model` (else 404), `refuses`: names of things it
rejects with 400: "json_schema", "json_object", or any field ("max_tokens", "seed").

**What it answers.** `answer(body)` gives the text; by default the last message in upper case.

**What it measures.** `calls` in order (with times), `answered` (right answers by prompt),
`most_at_once`, and the batch API's `files` and `batches`; see `fault_batches.py`.
"""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from xpoll_dagster_tests.writing.engines.fault_batches import Batches


@dataclass(frozen=True)
class Call:
    """One request as the server saw it."""

    number: int  # of all calls of chats, from 1
    attempt: int  # of this prompt, from 1
    prompt: str  # the last message, up to a schema put into it
    body: dict[str, Any]
    headers: dict[str, str]
    at: float  # monotonic seconds


@dataclass(frozen=True)
class Fault:
    """What to do instead of a right answer."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None  # None: a right answer, or an error that names the status
    delay_s: float = 0.0
    cut: bool = False  # half of the body, then the connection is closed
    choice: dict[str, Any] | None = None  # replaces fields of the right answer's choice


RATE_LIMITED = Fault(429, {"retry-after": "0.05"})
SERVER_ERROR = Fault(500)
UNAVAILABLE = Fault(503)
SLOW = Fault(delay_s=0.1)
CUT = Fault(cut=True)
WRONG_JSON = Fault(body=b'{"choices": [{"mess')
NO_CHOICES = Fault(body=b'{"object": "chat.completion"}')
EMPTY = Fault(choice={"message": {"role": "assistant", "content": ""}})
NULL_CONTENT = Fault(choice={"message": {"role": "assistant", "content": None}})
FAULTS = (RATE_LIMITED, SERVER_ERROR, UNAVAILABLE, SLOW, CUT, WRONG_JSON, NO_CHOICES, EMPTY)

Script = Callable[[Call], Fault | None]


def random_faults(seed: int, share: float, faults: tuple[Fault, ...] = FAULTS) -> Script:
    """Any of the faults in a share of the attempts, decided by seed, prompt and attempt."""

    def script(call: Call) -> Fault | None:
        chance = random.Random(f"{seed} {call.prompt} {call.attempt}")
        return chance.choice(faults) if chance.random() < share else None

    return script


def first(*faults: Fault | None) -> Script:
    """The given faults for the server's first calls, right answers from then on."""
    return lambda call: faults[call.number - 1] if call.number <= len(faults) else None


def always(fault: Fault) -> Script:
    """The same fault for every call."""
    return lambda call: fault


def shout(body: dict[str, Any]) -> str:
    """The answer to a chat by default: its last message in upper case."""
    return str(body["messages"][-1]["content"]).split("\n\nAnswer with one JSON")[0].upper()


@dataclass
class Reply:
    """An answer to send."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


def json_reply(status: int, body: object) -> Reply:
    return Reply(status, json.dumps(body).encode())


def error_reply(status: int, message: str, **more: Any) -> Reply:
    return json_reply(status, {"error": {"message": message, **more}})


class FaultServer:
    """The server; a context manager that runs it in a thread of its own."""

    def __init__(
        self,
        script: Script | None = None,
        *,
        key: str | None = None,
        model: str | None = None,
        refuses: tuple[str, ...] = (),
        answer: Callable[[dict[str, Any]], str] = shout,
    ) -> None:
        self.script = script or (lambda call: None)
        self.key = key
        self.model = model
        self.refuses = refuses
        self.answer = answer
        self.calls: list[Call] = []
        self.answered: Counter[str] = Counter()
        self.most_at_once = 0
        self.batches = Batches(self)
        self._at_once = 0
        self._attempts: Counter[str] = Counter()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self.port = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *exception: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _serve(self) -> None:
        async def main() -> None:
            self._loop = asyncio.get_running_loop()
            self._stop = asyncio.Event()
            server = await asyncio.start_server(self._connection, "127.0.0.1", 0, backlog=1024)
            self.port = server.sockets[0].getsockname()[1]
            self._ready.set()
            await self._stop.wait()
            server.close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

        asyncio.run(main())

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, target, _ = head[0].split(" ")
                lines = (line.partition(":") for line in head[1:] if line)
                headers = {name.lower(): value.strip() for name, _, value in lines}
                body = await self._body(reader, headers)
                reply = await self._reply(method, target, headers, body)
                if not await self._send(writer, reply):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has gone
        finally:
            writer.close()

    @staticmethod
    async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return await reader.readexactly(int(headers.get("content-length", 0)))
        parts = []
        while size := int(await reader.readline(), 16):
            parts.append(await reader.readexactly(size))
            await reader.readline()
        await reader.readline()
        return b"".join(parts)

    @staticmethod
    async def _send(writer: asyncio.StreamWriter, reply: Reply) -> bool:
        headers = {"content-type": "application/json", "content-length": str(len(reply.body))}
        lines = [f"{name}: {value}" for name, value in (headers | reply.headers).items()]
        head = "\r\n".join([f"HTTP/1.1 {reply.status} X", *lines, "", ""]).encode()
        writer.write(head + (reply.body[: len(reply.body) // 2] if reply.cut else reply.body))
        await writer.drain()
        return not reply.cut

    async def _reply(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Reply:
        path = target.partition("?")[0]
        if self.key is not None and headers.get("authorization") != f"Bearer {self.key}":
            sent = headers.get("authorization", "nothing")
            return error_reply(401, f"Incorrect API key provided: {sent}")
        if (method, path) == ("POST", "/v1/chat/completions"):
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            try:
                return await self._chat_call(json.loads(body), headers)
            finally:
                self._at_once -= 1
        return await self.batches.reply(method, target, headers, body)

    async def _chat_call(self, body: dict[str, Any], headers: dict[str, str]) -> Reply:
        prompt = str(body["messages"][-1]["content"]).split("\n\nAnswer with one JSON")[0]
        self._attempts[prompt] += 1
        number = len(self.calls) + 1
        call = Call(number, self._attempts[prompt], prompt, body, headers, time.monotonic())
        self.calls.append(call)
        fault = self.script(call)
        if fault is None:
            return self.chat(body)
        await asyncio.sleep(fault.delay_s)
        if fault.body is not None:
            return Reply(fault.status, fault.body, fault.headers, fault.cut)
        if fault.status != 200:
            reply = error_reply(fault.status, f"scripted {fault.status}")
            return Reply(fault.status, reply.body, fault.headers, fault.cut)
        reply = self.chat(body, fault.choice, counted=not fault.cut and fault.choice is None)
        return Reply(reply.status, reply.body, fault.headers, fault.cut)

    def chat(
        self, body: dict[str, Any], choice: dict[str, Any] | None = None, *, counted: bool = True
    ) -> Reply:
        """Answer a chat rightly, but for the given fields of its choice."""
        if self.model is not None and body["model"] != self.model:
            return error_reply(404, f"The model `{body['model']}` does not exist.")
        wanted = body.get("response_format", {}).get("type", "")
        if wanted in self.refuses:
            return error_reply(400, f"response_format {wanted} is not supported here")
        for name in self.refuses:
            if name in body:
                message = f"Unsupported parameter: '{name}' is not supported with this model."
                return error_reply(400, message, param=name, code="unsupported_parameter")
        text = self.answer(body)
        if counted:
            self.answered[str(body["messages"][-1]["content"])] += 1
        message = {"role": "assistant", "content": text}
        right = {"index": 0, "message": message, "finish_reason": "stop"}
        words = sum(len(m["content"].split()) for m in body["messages"])
        usage = {"prompt_tokens": words, "completion_tokens": len(text.split())}
        return json_reply(
            200,
            {
                "id": "x",
                "object": "chat.completion",
                "model": body["model"],
                "choices": [right | (choice or {})],
                "usage": usage,
            },
        )
