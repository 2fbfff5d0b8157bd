"""What every text must measure, whatever it is for."""

from __future__ import annotations

from dataclasses import dataclass

from xpoll_dagster.writing.gate_options import TextGateOptions
from xpoll_dagster.writing.gates.ending import broken_off
from xpoll_dagster.writing.gates.language import same_language
from xpoll_dagster.writing.gates.refusal import meta_talk
from xpoll_dagster.writing.gates.repetition import repetition

REFUSAL = "refuses, or talks about its task"
UNFINISHED = "unfinished"
LANGUAGE = "another language than its source"
REPETITION = "repeats itself"


@dataclass(frozen=True, slots=True)
class TextMeasures:
    """What any text measures; the first two are "" where nothing was found."""

    meta_talk: str
    broken_off: str
    same_language: bool | None
    repetition: float
    rejected_by: tuple[str, ...]


def measure_text(
    text: str,
    source: str,
    finish_reason: str,
    options: TextGateOptions,
    *,
    ends: bool = True,
) -> TextMeasures:
    """Measure a text against what it was written of.

    Args:
        text: The text as the author gave it.
        source: The passage or passages.
        finish_reason: The engine's own, "" for rules.
        options: The thresholds.
        ends: Whether it must end as a sentence does (an answer of a few words need not).
    """
    meta = meta_talk(text, source)
    broken = broken_off(text, finish_reason)
    if not ends and finish_reason != "length":
        broken = ""
    same = same_language(text, source) if options.language else None
    repeated = repetition(text)
    failures = {
        REFUSAL: bool(meta),
        UNFINISHED: bool(broken),
        LANGUAGE: same is False,
        REPETITION: repeated > options.max_repetition,
    }
    return TextMeasures(
        meta, broken, same, repeated, tuple(name for name, failed in failures.items() if failed)
    )
