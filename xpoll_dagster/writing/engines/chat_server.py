"""One attempt at one request: sent through the SDK, judged, never raised."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from xpoll_dagster.writing.engines.chat_answers import read_answer
from xpoll_dagster.writing.engines.faults import Fault, Redactor, fault_of_status
from xpoll_dagster.writing.engines.model import Completion
from xpoll_dagster.writing.engines.options import OpenAIOptions

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_T = TypeVar("_T")


class ChatServer:
    """A server as the engine sees it: each call gives an answer or a fault.

    Exceptions of the SDK end here, so that none of them is chained to an error that a person
    sees.
    """

    def __init__(self, client: AsyncOpenAI, options: OpenAIOptions, redact: Redactor) -> None:
        self.client = client
        self.options = options
        self.redact = redact

    async def guard(
        self,
        call: Awaitable[_T],
        sent: Mapping[str, Any] | None = None,
        *,
        what: str = "",
        timeout_s: float | None = None,
    ) -> _T | Fault:
        """Wait for a call's answer within the whole request's time; say what went wrong.

        Args:
            call: A call of the client.
            sent: Fields of the request, for refusals that name one.
            what: What was asked for, if not a completion.
            timeout_s: The whole request's time; the options' by default.
        """
        import httpx2
        import openai

        options, address = self.options, self.options.base_url
        timeout_s = timeout_s or options.request_timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                return await call
        except openai.APIStatusError as error:
            return fault_of_status(
                error.status_code,
                error.response.headers,
                error.response.content,
                server=address,
                model=options.model,
                sent=sent or {},
                redact=self.redact,
                what=what,
            )
        except openai.APIConnectionError as error:
            return self._no_answer(error.__cause__ or error)
        except httpx2.RequestError as error:  # while a file is read
            return self._no_answer(error)
        except TimeoutError:
            return Fault("failed", f"{address} did not answer within {timeout_s:g} s.")
        except UnicodeError:
            return Fault("hopeless", "The request holds half a character (a lone surrogate).")
        except openai.OpenAIError as error:
            return Fault("fatal", f"The SDK cannot ask {address}: {self.redact(str(error))}")

    def _no_answer(self, cause: BaseException) -> Fault:
        import httpx2

        from xpoll_dagster.writing.engines.chat_client import ResponseTooLargeError

        address, said = self.options.base_url, self.redact(str(cause))
        if isinstance(cause, ResponseTooLargeError):
            return Fault("failed", f"{address} {said}.")
        if isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.ProxyError):
            return Fault(
                "failed",
                f"No server answers at {address}: start it, or set base_url. "
                f"({said or 'no reply'})",
                unreachable=True,
            )
        if isinstance(cause, httpx2.TimeoutException):
            return Fault("failed", f"{address} fell silent for too long.")
        if isinstance(cause, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError):
            return Fault("fatal", f"No request can be sent to {address}: {said}")
        return Fault("failed", f"{address} cut the connection in the middle: {said or 'closed'}")

    async def chat(self, body: dict[str, Any]) -> Completion | Fault:
        """Ask for one completion.

        Not streamed: half an answer is of no use, a whole one parses five times as fast.
        """
        import httpx2

        call = self.client.post("/chat/completions", cast_to=httpx2.Response, body=body)
        response = await self.guard(call, body)
        if isinstance(response, Fault):
            return response
        return read_answer(response.content, self.options.base_url, self.redact)
