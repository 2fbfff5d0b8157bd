"""How one server wants its requests worded, as its refusals have taught."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import threading
from collections.abc import Mapping
from typing import Any

from xpoll_dagster.writing.engines.faults import Fault
from xpoll_dagster.writing.engines.model import ChatRequest
from xpoll_dagster.writing.engines.options import OpenAIOptions

_LOG = logging.getLogger(__name__)

WORDINGS = ("json_schema", "json_object", "plain")
"""Ways to ask for a schema, the strictest first."""

_REFUSED_BY_ALL = 3  # schemas refused, none accepted: then the server takes no schema at all
_MAY_BE_LEFT_OUT = frozenset({"seed", "temperature", "top_p"})


def schema_digest(schema: Mapping[str, Any]) -> str:
    """Name of a schema: equal for equal schemas."""
    text = json.dumps(schema, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _is_strict(schema: Any) -> bool:
    """Whether OpenAI's strict mode takes it: closed objects, every property required."""
    if isinstance(schema, Mapping):
        properties = schema.get("properties")
        if isinstance(properties, Mapping) or schema.get("type") == "object":
            names = set(properties) if isinstance(properties, Mapping) else set()
            if schema.get("additionalProperties") is not False:
                return False
            if set(schema.get("required", ())) != names:
                return False
        return all(_is_strict(value) for value in schema.values())
    return not isinstance(schema, list) or all(_is_strict(value) for value in schema)


class Dialect:
    """What a server has refused so far, and requests worded so that it takes them.

    One for each engine, used by all its threads. A schema that a server refuses is asked for
    in the next weaker way, for that schema at once; where three schemas were refused and none
    taken, for every schema.
    """

    def __init__(self, options: OpenAIOptions) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._first = WORDINGS.index(options.structured)
        self._wordings: dict[str, int] = {}
        self._accepted = False
        self._length_field = "max_tokens"
        self._left_out: set[str] = set()

    def wording(self, request: ChatRequest) -> int:
        """Place in `WORDINGS` at which to start with this request."""
        if request.json_schema is None:
            return len(WORDINGS) - 1
        return self._wordings.get(schema_digest(request.json_schema), self._first)

    def body(self, request: ChatRequest, wording: int) -> dict[str, Any]:
        """The request's fields, worded in the given way."""
        sampling = request.sampling
        fields: dict[str, Any] = {
            "model": self._options.model,
            "messages": [{"role": m.role, "content": m.content} for m in request.messages],
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            self._length_field: sampling.max_tokens,
        }
        if sampling.seed is not None:
            fields["seed"] = sampling.seed
        for name in self._left_out:
            fields.pop(name, None)
        schema = request.json_schema
        if schema is not None:
            if WORDINGS[wording] == "json_schema":
                name = re.sub(r"[^A-Za-z0-9_-]", "_", str(schema.get("title") or "answer"))[:64]
                fields["response_format"] = {
                    "type": "json_schema",
                    "json_schema": {"name": name, "strict": _is_strict(schema), "schema": schema},
                }
            else:
                _explain_schema(fields["messages"], schema)
                if WORDINGS[wording] == "json_object":
                    fields["response_format"] = {"type": "json_object"}
        return {**fields, **self._options.extra_body}

    def weaken(self, request: ChatRequest, wording: int) -> None:
        """Remember that the server takes this request's schema only so worded."""
        if request.json_schema is None:
            return
        digest = schema_digest(request.json_schema)
        with self._lock:
            if self._wordings.get(digest, self._first) >= wording:
                return
            self._wordings[digest] = wording
            _LOG.warning(
                "%s refuses a schema asked for as %s; asking as %s from now on.",
                self._options.base_url,
                WORDINGS[wording - 1],
                WORDINGS[wording],
            )
            weaker = [w for w in self._wordings.values() if w > self._first]
            if not self._accepted and len(weaker) >= _REFUSED_BY_ALL:
                self._first = min(weaker)

    def accept(self, request: ChatRequest, wording: int) -> None:
        """Remember that the server took a request so worded."""
        if request.json_schema is None:
            return
        if wording == self._first:
            self._accepted = True
        self.weaken(request, wording)

    def learn(self, request: ChatRequest, fault: Fault) -> bool:
        """Take a refusal to heart; False where no other wording may help."""
        if fault.parameter and self.drop(fault.parameter):
            return True
        weaker = self.wording(request) + 1
        if not fault.about_schema or request.json_schema is None or weaker >= len(WORDINGS):
            return False
        self.weaken(request, weaker)
        return True

    def drop(self, parameter: str) -> bool:
        """Do without a field that the server refuses; False where that cannot be done."""
        with self._lock:
            if parameter == "max_tokens":
                self._length_field = "max_completion_tokens"
                return True
            if parameter == "max_completion_tokens" and parameter == self._length_field:
                return False
            if parameter not in _MAY_BE_LEFT_OUT:
                return False
            if parameter not in self._left_out:
                self._left_out.add(parameter)
                _LOG.warning(
                    "%s refuses `%s`: left out from now on.", self._options.base_url, parameter
                )
            return True


def _explain_schema(messages: list[dict[str, Any]], schema: Mapping[str, Any]) -> None:
    """Put the schema into the last turn: some chat templates take no system message."""
    text = (
        "Answer with one JSON value that follows this JSON schema, and with nothing else:\n"
        f"{json.dumps(schema, ensure_ascii=False)}"
    )
    if messages and messages[-1]["role"] == "user":
        messages[-1]["content"] += f"\n\n{text}"
    else:
        messages.append({"role": "user", "content": text})
