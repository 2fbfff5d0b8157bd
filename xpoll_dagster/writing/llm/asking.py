"""Questions about one chunk: the answer first, a span of the passage, then its question."""

from __future__ import annotations

from functools import partial

from xpoll_dagster.writing.completion.structured import Job, Structured
from xpoll_dagster.writing.llm import checks
from xpoll_dagster.writing.llm.answers import AnsweredQuestion, AnsweredQuestions
from xpoll_dagster.writing.llm.data import beginning_of, end_of, side_of
from xpoll_dagster.writing.llm.options import LLMOptions
from xpoll_dagster.writing.llm.outcome import origin_of, problems_of, value_of
from xpoll_dagster.writing.llm.prompts import Prompt, sampling_of
from xpoll_dagster.writing.model import Question, SourceChunk

NOTHING = "the model finds nothing to ask about"
NOT_A_SPAN = "No answer is copied from the block passage"
NO_QUESTION = "No question ends with a question mark"
REASONS = {NOT_A_SPAN, NO_QUESTION, checks.LOST_ESCAPE}
# An answer that is no span may still be entailed.
LEFT_TO_GATES = {NOT_A_SPAN, NO_QUESTION}


def question_job(
    chunk: SourceChunk, n: int, prompt: Prompt, options: LLMOptions
) -> Job[AnsweredQuestions]:
    """The job of asking `n` questions about one chunk."""
    source = side_of(chunk.passage)
    values = {
        "source": source,
        "n": n,
        "before": end_of(chunk.before, options.context_chars),
        "after": beginning_of(chunk.after, options.context_chars),
    }
    return Job(
        prompt.fill(values),
        AnsweredQuestions,
        sampling_of(prompt, options),
        partial(_fault, source=_folded(source["text"])),
    )


def _fault(found: AnsweredQuestions, source: str) -> str | None:
    """What is wrong with all of the questions: one good one is enough, the rest is the gates'."""
    if not found.questions:
        return None
    lost = checks.escape_fault(
        *(part for each in found.questions for part in (each.answer, each.question))
    )
    if lost:
        return lost
    spans = [each for each in found.questions if _is_span(each, source)]
    if not spans:
        first = found.questions[0].answer.strip()[:100]
        return f"{NOT_A_SPAN}: {first!r} does not stand there letter for letter."
    if not any(each.question.rstrip().endswith("?") for each in spans):
        return f"{NO_QUESTION}."
    return None


def _is_span(found: AnsweredQuestion, source: str) -> bool:
    answer = _folded(found.answer).strip(" .,;:\"'")
    return bool(answer) and answer in source


def _folded(text: str) -> str:
    return " ".join(text.replace("’", "'").replace("“", '"').replace("”", '"').lower().split())


def read_questions(
    chunk: SourceChunk,
    n: int,
    prompt: Prompt,
    model: str,
    result: Structured[AnsweredQuestions],
    options: LLMOptions,
) -> list[Question]:
    """The drafts that came of a job: `n` at most, or one that says why there is none."""
    origin = origin_of(model, prompt.sha256, result)
    problems = problems_of(result, REASONS)
    value = value_of(result, AnsweredQuestions, LEFT_TO_GATES, options.completion)
    found = value.questions[:n] if value is not None else []
    if not found:
        why = problems or (NOTHING,)
        return [Question(chunk.passage.chunk_id, "", "", origin=origin, problems=why)]
    return [
        Question(
            chunk.passage.chunk_id,
            " ".join(each.question.split()),
            " ".join(each.answer.split()),
            difficulty_guess=each.difficulty,
            origin=origin,
        )
        for each in found
    ]
