"""The ways in which data sets write a conversation, as one.

OpenAI (`role`, `content`, tool calls, parts), ShareGPT (`from`, `value`), speakers with texts,
plain lists of texts that take turns, lists of question and answer, and transcripts.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from xpoll_dagster.corpus.adapters.model import WrongTypeError
from xpoll_dagster.corpus.reading.batches import kind_of

Turn = tuple[str, str]

_ROLE = ("role", "from", "speaker", "user_type", "sender", "author")
_CONTENT = ("content", "value", "text", "message", "utterance")
_PAIRS = (
    ("human", "assistant"),
    ("user", "assistant"),
    ("input", "output"),
    ("user", "bot"),
    ("question", "answer"),
    ("instruction", "response"),
    ("prompt", "response"),
)


def as_turns(value: Any) -> list[Turn]:
    """Role (as written) and content of each turn; an empty role means that turns alternate.

    Raises:
        WrongTypeError: It is no conversation.
    """
    if isinstance(value, str):
        stripped = value.lstrip()
        if not stripped.startswith("["):
            raise WrongTypeError("the conversation is a text, not a list")
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise WrongTypeError("the conversation is a text, not a list") from None
    if not isinstance(value, list):
        raise WrongTypeError(f"the conversation is {kind_of(value)}, not a list")
    turns: list[Turn] = []
    for item in value:
        if isinstance(item, dict):
            turns.extend(_of_object(item))
        elif isinstance(item, str):
            turns.append(("", item))
        elif isinstance(item, list) and len(item) == 2 and all(isinstance(t, str) for t in item):
            turns.extend((("user", item[0]), ("assistant", item[1])))
        else:
            raise WrongTypeError(f"a turn of the conversation is {kind_of(item)}, not a text")
    return turns


def _of_object(item: dict[str, Any]) -> list[Turn]:
    # Fast path: the two schemas that nearly all conversations have.
    role, content = item.get("role"), item.get("content")
    if role is None:
        role, content = item.get("from"), item.get("value")
    if type(role) is str and type(content) is str and "tool_calls" not in item:
        return [(role, content)]
    if role is None:
        for first, second in _PAIRS:
            if first in item and second in item:
                return [("user", _content(item[first])), ("assistant", _content(item[second]))]
    role = next((item[name] for name in _ROLE if item.get(name) is not None), None)
    if isinstance(role, dict):
        role = role.get("role")
    if role is None:
        raise WrongTypeError("a turn of the conversation names no speaker")
    if isinstance(role, int | float):
        role = f"speaker {role}"
    if not isinstance(role, str):
        raise WrongTypeError(f"the speaker of a turn is {kind_of(role)}, not a text")
    content = next((item[name] for name in _CONTENT if item.get(name) is not None), None)
    said = _content(content) if content is not None else ""
    calls = _calls(item)
    if calls:
        said = f"{said}\n{calls}" if said.strip() else calls
    elif content is None and not any(name in item for name in _CONTENT):
        raise WrongTypeError("a turn of the conversation has no text")
    return [(role, said)]


def _content(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        texts = []
        for part in value:
            if isinstance(part, str):
                texts.append(part)
            elif isinstance(part, dict) and isinstance(part.get("text"), str):
                texts.append(part["text"])
            else:
                kind = part.get("type") if isinstance(part, dict) else None
                raise WrongTypeError(f"a turn holds {kind or kind_of(part)}, not text alone")
        return "\n".join(texts)
    if isinstance(value, dict) and isinstance(value.get("parts"), list):
        return _content(value["parts"])
    if isinstance(value, dict) and not set(value) & set(_CONTENT):
        # What a tool gave back.
        return json.dumps(value, ensure_ascii=False)
    raise WrongTypeError(f"the text of a turn is {kind_of(value)}, not a text")


def _calls(item: dict[str, Any]) -> str:
    calls = item.get("tool_calls") or item.get("function_call")
    if not calls:
        return ""
    if isinstance(calls, str):
        return calls
    if isinstance(calls, dict):
        calls = [calls]
    if not isinstance(calls, list):
        raise WrongTypeError(f"the tool calls of a turn are {kind_of(calls)}, not a list")
    return "\n".join(
        f"<tool_call>\n{json.dumps(_call(call), ensure_ascii=False)}\n</tool_call>"
        for call in calls
    )


def _call(call: Any) -> Any:
    """Name and arguments alone; arguments written as JSON in JSON are opened."""
    if not isinstance(call, dict):
        return call
    function = call.get("function", call)
    if not isinstance(function, dict) or "name" not in function:
        return function
    arguments = function.get("arguments", function.get("parameters", {}))
    if isinstance(arguments, str):
        with suppress(ValueError, RecursionError):  # no JSON: as it stands
            arguments = json.loads(arguments)
    return {"name": function["name"], "arguments": arguments}
