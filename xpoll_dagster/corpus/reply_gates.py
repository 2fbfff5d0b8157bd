"""The gates of a reply in a persona's voice.

A reply is conversation: it may say "I", ask back and offer help, which a paraphrase may not.
What is looked for is a reply that is none: a refusal (except of what ought to be refused),
talk about the voice, leaked control tokens, a broken-off end, another language, loops.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from xpoll_dagster.writing.gate_options import TextGateOptions
from xpoll_dagster.writing.gates.text import LANGUAGE, REFUSAL, REPETITION, UNFINISHED, measure_text
from xpoll_dagster.writing.model import Reply

VOICE = "talks about its voice"
SAME = "the same words as another voice"

MAY_REFUSE = frozenset({"red_team"})
"""Categories in which a refusal is an answer."""

_REFUSES = re.compile(
    r"\bI(?:['’]m| am)\s+(?:so |very |really |truly )?"
    r"(?:sorry|afraid|unable|not able|not allowed)\b"
    r"[^.!?\n]{0,80}\b(?:help|assist|answer|provide|comply|do|write|discuss|continue|fulfil+)\b|"
    r"\bI (?:can(?:no|['’])t|can not|won['’]t|will not|must decline to|refuse to|am unable to) "
    r"(?:\w+ )?(?:help|assist|answer|provide|comply|fulfil+|engage|discuss|write|do that|do this|"
    r"generate|create|produce|share)\b|"
    r"\bas an? (?:\w+ )?(?:AI|language model)\b|\b(?:AI|large) language model\b|"
    r"\bagainst my (?:guidelines|programming|policy|policies)\b",
    re.IGNORECASE,
)
_OF_THE_VOICE = re.compile(
    r"\b(?:persona|system prompt)\b|\b(?:in|with) (?:this|that|my|the) (?:\w+ )?(?:voice|mode)\b|"
    r"\bas (?:the )?(?:Claude|ChatGPT|Shadow)\b",
    re.IGNORECASE,
)
_LEAKS = re.compile(
    r"<\|[a-z_]+\|>|\[/?INST\]|</?s>|<<SYS>>|^\s*(?:human|user|assistant|system)\s*:|"
    r"</?(?:think|thinking|reasoning)>",
    re.IGNORECASE | re.MULTILINE,
)
_OPENING = 400  # characters in which a refusal stands


@dataclass(frozen=True, slots=True)
class ReplyVerdict:
    """What a reply measures, and the names of the gates that it fails."""

    n_words: int
    broken_off: str
    same_language: bool | None
    repetition: float
    rejected_by: tuple[str, ...]


def judge_reply(reply: Reply, prompt: str, category: str, options: TextGateOptions) -> ReplyVerdict:
    """Measure a written reply (one without `problems`).

    Args:
        reply: The reply.
        prompt: What it answers; what is said there may be said in the reply.
        category: Of the prompt; in `MAY_REFUSE` a refusal is an answer.
        options: The thresholds of any text.
    """
    text = reply.text
    # An answer may be a number, a word or code: it need not end as a sentence does.
    measures = measure_text(text, prompt, reply.origin.finish_reason, options, ends=len(text) > 200)
    failures = [name for name in measures.rejected_by if name in {UNFINISHED, LANGUAGE, REPETITION}]
    if category not in MAY_REFUSE and _new(_REFUSES, text[:_OPENING], prompt):
        failures.append(REFUSAL)
    if _new(_OF_THE_VOICE, text, prompt) or _new(_LEAKS, text, prompt):
        failures.append(VOICE)
    return ReplyVerdict(
        len(text.split()),
        measures.broken_off,
        measures.same_language,
        measures.repetition,
        tuple(failures),
    )


def _new(pattern: re.Pattern[str], text: str, prompt: str) -> bool:
    said = prompt.casefold()
    return any(match.group().casefold() not in said for match in pattern.finditer(text))
