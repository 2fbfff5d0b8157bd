"""A server's answer to one chat, read: a completion, or what is wrong with it."""

from __future__ import annotations

from typing import Any

from pydantic_core import from_json

from xpoll_dagster.writing.engines.faults import Fault, FaultKind, Redactor, read_error
from xpoll_dagster.writing.engines.model import Completion, FinishReason

_CUT = frozenset({"length", "max_tokens", "model_length", "max_output_tokens"})
_WITHHELD = frozenset({"content_filter", "safety", "refusal"})
_BROKEN = frozenset({"abort", "aborted", "error", "cancelled"})
_MOST_TOKENS = 2**31 - 1


def _count(usage: Any, name: str) -> int:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if type(value) is int and 0 <= value <= _MOST_TOKENS else 0


def _text(content: Any) -> str | None:
    """Text of a message: a string, or parts of which some are text; None for anything else."""
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(part for part in parts if isinstance(part, str))
    return None


def read_answer(body: bytes | dict[str, Any], server: str, redact: Redactor) -> Completion | Fault:
    """Read a chat completion.

    Whatever a server may send is allowed: JSON of any shape, of bounded nesting (the parser
    refuses more than 200 levels), or no JSON.

    Args:
        body: The answer's body, with a status of success.
        server: Address, as it is named in messages.
        redact: What takes secrets out of the server's words.
    """

    def fault(kind: FaultKind, what: str) -> Fault:
        return Fault(kind, f"{server} {what}.")

    if isinstance(body, bytes):
        try:
            answer = from_json(body)
        except ValueError:
            start = redact(body.decode(errors="replace"))
            return fault(
                "failed", f"sends no whole JSON but {start or 'nothing'!r}: check base_url"
            )
    else:
        answer = body
    if not isinstance(answer, dict):
        return fault("failed", "sends JSON that is no chat completion: check base_url")
    choices = answer.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        said = redact(read_error(answer).message) if answer.get("error") else ""
        return fault("failed", f"sends a completion without choices: {said or 'check base_url'}")
    choice = choices[0]
    message = choice.get("message")
    text = _text(message.get("content")) if isinstance(message, dict) else None
    if text is None:
        return fault("failed", "sends a completion without a message: check base_url")
    assert isinstance(message, dict)  # noqa: S101 - for the type checker: text would be None
    usage = answer.get("usage")
    tokens = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    given = str(choice.get("finish_reason") or "stop").lower()
    refusal = message.get("refusal")
    if given in _WITHHELD or (isinstance(refusal, str) and refusal):
        why = f": {redact(refusal)}" if isinstance(refusal, str) and refusal else "."
        return Completion("", "refused", *tokens, error=f"The server withheld the answer{why}")
    if given in _BROKEN:
        return fault("failed", f"broke off the answer ({given})")
    reason: FinishReason = "length" if given in _CUT else "stop"
    if not text.strip() and reason == "stop":
        return fault("empty", "answers nothing: the model gave no text")
    return Completion(text, reason, *tokens)
