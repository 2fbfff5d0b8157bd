"""What is set right in the text that vLLM gives, before anybody reads it."""

from __future__ import annotations

import re

_THOUGHT = re.compile(r"\A\s*<think>.*?(?:</think>\s*|\Z)", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f]")
_REST_OF_THOUGHT = re.compile(r"\A(?:(?!<think>).)*?</think>\s*", re.DOTALL)


def without_thought(text: str) -> str:
    """An answer without the thinking that models put before it in `<think>` tags.

    The opening tag is missing where the chat template printed it. Thinking that was cut
    before its end leaves nothing.
    """
    return _REST_OF_THOUGHT.sub("", _THOUGHT.sub("", text, count=1), count=1)


def valid_strings(text: str) -> str:
    """JSON with the control characters inside its strings escaped, as JSON wants them.

    The grammars of xgrammar 0.2 let a model print them bare.
    """

    def escaped(string: re.Match[str]) -> str:
        return _CONTROL.sub(lambda control: f"\\u{ord(control[0]):04x}", string[0])

    return _STRING.sub(escaped, text)
