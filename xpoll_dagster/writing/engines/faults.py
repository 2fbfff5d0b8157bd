"""What can go wrong with one request to a server, and what is to be done about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic_core import from_json

from xpoll_dagster.writing.engines.backoff import retry_after

FaultKind = Literal[
    "throttled",  # the server has no capacity now: wait, the request is not to blame
    "failed",  # the server, or the way to it, broke: try again, a bounded number of times
    "empty",  # a well-formed answer without text: try again, a few times
    "rejected",  # the server will not have this request: find out whether it has any
    "hopeless",  # this one request can never succeed
    "withheld",  # a filter of the server withholds the answer
    "fatal",  # no request can succeed until a person changes something
]

LONGEST_QUOTE = 300
"""Characters of a server's own words that are repeated in a message."""

_TOO_LONG = re.compile(
    r"context_length_exceeded|context.{0,12}(length|size|window)|maximum.{0,20}length"
    r"|(prompt|input|request|message)s?\b.{0,20}\btoo (long|large)|reduce the length"
    r"|string_above_max",
    re.IGNORECASE,
)
_FILTERED = re.compile(
    r"content.?(filter|policy|management)|responsibleai|safety (system|filter)|moderation",
    re.IGNORECASE,
)
_OUT_OF_QUOTA = re.compile(
    r"insufficient.?(quota|funds|credit|balance)|exceeded your current quota|billing|credit balance"
    r"|out of credits",
    re.IGNORECASE,
)
_SCHEMA = re.compile(
    r"response.?format|json.?(schema|object|mode)|schema|grammar|guided|structured|xgrammar|outlines",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an attempt gave no completion.

    `message` is a sentence without secrets. `retry_after` are the seconds that the server
    asks to wait. `unreachable`: nobody listens at the address. `about_schema` and
    `parameter`: the server's words say that it refuses the schema, or a named field.
    """

    kind: FaultKind
    message: str
    retry_after: float | None = None
    unreachable: bool = False
    about_schema: bool = False
    parameter: str = ""
    status: int = 0


class Redactor:
    """Makes a server's words fit for a message: one line, short, no secret in them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # The longest first: one secret may be part of another.
        self._secrets = sorted({s for s in secrets if len(s) >= 4}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """The text's first words, as many as a message bears."""
        # Secrets first: a cut before might leave a part of one.
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        text = re.sub(r"<[^>]{0,200}>", " ", text[:5000])  # the HTML of proxies
        text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1] + "…"


@dataclass(frozen=True, slots=True)
class ServerError:
    """What an error's body says: OpenAI's `{"error": {…}}` or what other servers make of it."""

    message: str = ""
    code: str = ""
    parameter: str = ""

    @property
    def words(self) -> str:
        """The beginning of it all, for looking up what it is about."""
        return f"{self.code} {self.parameter} {self.message[:2000]}"


def read_error(body: object) -> ServerError:
    """Read an error's body as far as it can be read; anything is allowed to stand there."""
    if isinstance(body, bytes):
        try:
            body = from_json(body)
        except ValueError:
            return ServerError(message=body.decode(errors="replace"))
    error: Any = body
    if isinstance(body, Mapping):
        # vLLM and OpenAI: error; FastAPI: detail; others: message.
        error = body.get("error") or body.get("detail") or body
    if not isinstance(error, Mapping):
        return ServerError(message=str(error) if error else "")
    inner = error.get("innererror")
    codes = [error.get("code"), inner.get("code") if isinstance(inner, Mapping) else None]
    codes.append(error.get("type"))
    return ServerError(
        message=str(error.get("message") or ""),
        code=" ".join(str(code)[:100] for code in codes if isinstance(code, (str, int))),
        parameter=str(error.get("param") or "")[:100],
    )


def _refused_field(error: ServerError, sent: Iterable[str]) -> str:
    """Name of the sent field that a server refuses, or nothing."""
    fields = [name for name in sent if name not in {"messages", "model", "response_format"}]
    if re.search(
        r"unsupported|not supported|does ?n.t support|unrecognized|unknown|unexpected"
        r"|extra (fields|inputs)|not permitted|not allowed|deprecated",
        error.words,
        re.IGNORECASE,
    ):
        if error.parameter in fields:
            return error.parameter
        for name in sorted(fields, key=len, reverse=True):
            if re.search(rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])", error.words):
                return name
    return ""


def fault_of_status(
    status: int,
    headers: Mapping[str, str],
    body: object,
    *,
    server: str,
    model: str,
    sent: Iterable[str],
    redact: Redactor,
    what: str = "",
) -> Fault:
    """Judge an answer that is an error by its status.

    Args:
        status: HTTP status, 300 and up.
        headers: The answer's headers.
        body: Its body, parsed or not.
        server: Address, as it is named in messages.
        model: Name of the model that was asked for.
        sent: Names of the request's fields.
        redact: What takes secrets out of the server's words.
        what: What was asked for, if not a completion.
    """
    error = read_error(body)
    said = redact(error.message) or redact(error.code) or "nothing more"

    def fault(kind: FaultKind, message: str, **more: Any) -> Fault:
        return Fault(kind, message, status=status, **more)

    if status < 400:
        return fault("fatal", f"{server} redirects elsewhere ({status}): set base_url to where.")
    if status == 401:
        return fault("fatal", f"{server} refuses the key (401): set a valid one. It says: {said}")
    if status == 403:
        return fault(
            "fatal", f"{server} forbids this (403): may the key use {model!r}? It says: {said}"
        )
    if status == 402 or (status == 429 and _OUT_OF_QUOTA.search(error.words)):
        return fault(
            "fatal", f"The quota at {server} is used up: top it up, run again. It says: {said}"
        )
    if status in {404, 405} and what:
        return fault("fatal", f"{server} knows nothing of {what} ({status}). It says: {said}")
    if status in {404, 405}:
        return fault(
            "fatal",
            f"{server} has no model {model!r}, or base_url is wrong ({status}): check both. "
            f"It says: {said}",
        )
    wait = retry_after(headers)
    if status in {429, 503, 529}:
        message = f"{server} has no capacity ({status}): try later, or lower concurrency. {said}"
        return fault("throttled", message, retry_after=wait)
    if status >= 500 or status in {408, 409, 425}:
        return fault(
            "failed",
            f"{server} fails ({status}): look at its log. It says: {said}",
            retry_after=wait,
            about_schema="response_format" in sent and bool(_SCHEMA.search(error.words)),
        )
    about_schema = "response_format" in sent and bool(_SCHEMA.search(error.words))
    if error.parameter.startswith("response_format"):
        return fault("rejected", f"{server} refuses the schema: {said}", about_schema=about_schema)
    if status == 413 or _TOO_LONG.search(error.words):
        return fault("hopeless", f"The request is too long for {model!r}: {said}")
    if _FILTERED.search(error.words):
        return fault("withheld", f"A filter of the server withheld the answer: {said}")
    return fault(
        "rejected",
        f"{server} rejects the request ({status}): {said}",
        about_schema=about_schema,
        parameter=_refused_field(error, sent),
    )
