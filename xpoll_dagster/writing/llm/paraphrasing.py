r"""Paraphrases: one prompt for each chunk and style, answered in plain text.

Plain text, not JSON: passages hold formulas, and `\frac` in a JSON string is a form feed
and "rac", which no parser notices. What JSON would keep away, an introduction before the
text (4 % of the reference project's paraphrases), is found and asked for again.
"""

from __future__ import annotations

from functools import partial

from xpoll_dagster.writing.completion.structured import Job, Structured
from xpoll_dagster.writing.llm import checks
from xpoll_dagster.writing.llm.data import side_of
from xpoll_dagster.writing.llm.options import LLMOptions
from xpoll_dagster.writing.llm.outcome import origin_of, problems_of, value_of
from xpoll_dagster.writing.llm.prompts import Prompt, sampling_of
from xpoll_dagster.writing.model import Paraphrase, SourceChunk

_FREE_LENGTH = (0.15, 1.7)


def paraphrase_job(chunk: SourceChunk, prompt: Prompt, options: LLMOptions) -> Job[str]:
    """The job of one chunk in the prompt's style."""
    source = side_of(chunk.passage)
    low, high = prompt.settings.length or _FREE_LENGTH
    words = len(source["text"].split())
    fewest = max(5, round(low * words))
    most = max(fewest + 10, round(high * words))
    values = {"source": source, "min_words": fewest, "max_words": most, "style": prompt.style}
    limits = (fewest, most) if prompt.settings.length else None
    return Job(
        prompt.fill(values, marked=source),
        None,
        sampling_of(prompt, options),
        partial(
            _fault,
            source=source["text"],
            title=source["title"],
            limits=limits,
            keep_numbers=prompt.settings.keep_numbers,
        ),
    )


def _fault(
    text: str, source: str, title: str, limits: tuple[int, int] | None, *, keep_numbers: bool
) -> str | None:
    return (
        checks.prose_fault(text, source)
        or checks.invention_fault(text, source, title)
        or (checks.omission_fault(text, source) if keep_numbers else None)
        or (checks.length_fault(text, *limits) if limits else None)
    )


def read_paraphrase(
    chunk: SourceChunk, prompt: Prompt, model: str, result: Structured[str], options: LLMOptions
) -> Paraphrase:
    """The draft that came of a job; what the checks found wrong to the last, the gates judge."""
    text = value_of(result, None, checks.REASONS, options.completion)
    return Paraphrase(
        chunk.passage.chunk_id,
        prompt.style,
        text or "",
        origin_of(model, prompt.sha256, result),
        () if text else problems_of(result, checks.REASONS),
    )
