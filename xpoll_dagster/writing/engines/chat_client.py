"""The SDK's client for one server: where secrets go in, and answers have a size.

Secrets are known to the transport alone: neither the SDK's objects nor its log messages or
exceptions ever hold one.
"""

from __future__ import annotations

import base64
import ipaddress
import ssl
import urllib.request
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import httpx2
from pydantic import SecretStr

from xpoll_dagster.writing.engines.model import EngineError
from xpoll_dagster.writing.engines.options import OpenAIOptions

if TYPE_CHECKING:
    from openai import AsyncOpenAI


class ResponseTooLargeError(httpx2.TransportError):
    """An answer is longer than it may be, or compressed and so of unknown length."""


class _Measured(httpx2.AsyncByteStream):
    """A body that breaks off past a number of bytes."""

    def __init__(self, stream: httpx2.AsyncByteStream, most: int) -> None:
        self._stream = stream
        self._most = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for part in self._stream:
            read += len(part)
            if read > self._most:
                raise ResponseTooLargeError(f"sends more than {self._most:,} bytes")
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Transport(httpx2.AsyncBaseTransport):
    """Adds the secret headers to what is sent, and measures what comes back."""

    def __init__(
        self, inner: httpx2.AsyncBaseTransport, headers: Mapping[str, str], most: int
    ) -> None:
        self._inner = inner
        self._headers = headers
        self._most = most

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        # A copy, so that the request in an exception or a log holds no secret.
        sent = httpx2.Request(
            request.method,
            request.url,
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions,
        )
        del sent.headers["authorization"]
        sent.headers.update(self._headers)
        # A compressed answer could unfold to any size.
        sent.headers["accept-encoding"] = "identity"
        response = await self._inner.handle_async_request(sent)
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            await response.aclose()
            raise ResponseTooLargeError("compresses its answers though asked not to")
        stream = cast("httpx2.AsyncByteStream", response.stream)
        response.stream = _Measured(stream, self._most)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


def secret_headers(options: OpenAIOptions, api_key: SecretStr) -> dict[str, str]:
    """Headers that let requests in.

    Raises:
        EngineError: A secret holds characters that no header may hold.
    """
    headers = {name: value.get_secret_value() for name, value in options.headers.items()}
    if options.basic_auth is not None:
        token = base64.b64encode(options.basic_auth.get_secret_value().encode()).decode()
        headers["Authorization"] = f"Basic {token}"
    elif api_key.get_secret_value() and "authorization" not in {name.lower() for name in headers}:
        headers["Authorization"] = f"Bearer {api_key.get_secret_value()}"
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable() and name.isascii() and name.isprintable()):
            raise EngineError(
                "The key or a header holds a character that HTTP does not allow (a line break, "
                "an accent): copy it again."
            )
    return headers


def secrets(options: OpenAIOptions, api_key: SecretStr) -> list[str]:
    """Every string that may stand in no message, part by part."""
    found = [api_key.get_secret_value()]
    found += [value.get_secret_value() for value in options.headers.values()]
    if options.basic_auth is not None:
        whole = options.basic_auth.get_secret_value()
        found += [whole, whole.partition(":")[2], base64.b64encode(whole.encode()).decode()]
    return found


def _proxy(url: str) -> str | None:
    """The proxy that the system names for an address; none for this machine's own."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost" or host.endswith(".localhost")
    if loopback or urllib.request.proxy_bypass(host):
        return None
    return urllib.request.getproxies().get(parts.scheme)


def open_client(
    options: OpenAIOptions, api_key: SecretStr, max_response_bytes: int | None = None
) -> AsyncOpenAI:
    """Open a client whose retries are off: the engine has its own.

    Nothing is taken from the environment but the network's proxy and certificates. Redirects
    are not followed: the key is for the address that was set.

    Args:
        options: Which server, and how it is asked.
        api_key: The key, or nothing for a server that wants none.
        max_response_bytes: Size of one answer; the options' by default.

    Raises:
        EngineError: The SDK is missing, or a secret cannot be sent.
    """
    try:
        from openai import AsyncOpenAI, Omit
    except ModuleNotFoundError as error:
        raise EngineError("The package `openai` is missing: pip install openai.") from error
    timeout = httpx2.Timeout(
        options.request_timeout_s, connect=options.connect_timeout_s, pool=None
    )
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=options.concurrency)
    headers = secret_headers(options, api_key)
    proxy = _proxy(options.base_url)
    # Certificates take 50 ms to load; a context without any trusts nobody.
    plain = options.base_url.startswith("http://") and proxy is None
    verify = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else True
    inner = httpx2.AsyncHTTPTransport(verify=verify, limits=limits, proxy=proxy)
    http_client = httpx2.AsyncClient(
        transport=_Transport(inner, headers, max_response_bytes or options.max_response_bytes),
        timeout=timeout,
        follow_redirects=False,
        trust_env=False,
    )
    own: dict[str, Any] = {
        "OpenAI-Organization": options.organization or Omit(),
        "OpenAI-Project": options.project or Omit(),
        "Authorization": "set by the transport",
    }
    return AsyncOpenAI(
        api_key="set by the transport",
        admin_api_key="",
        webhook_secret="",
        base_url=options.base_url,
        timeout=timeout,
        max_retries=0,
        default_headers=own,
        http_client=http_client,
    )
