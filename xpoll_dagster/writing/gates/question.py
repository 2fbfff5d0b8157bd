"""The gates of a question and its answer, all but those that need the other questions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from xpoll_dagster.writing.gate_options import GateOptions
from xpoll_dagster.writing.gates.answers import folded_words, is_inside, says_something
from xpoll_dagster.writing.gates.closeness import longest_copied_run
from xpoll_dagster.writing.gates.paraphrase import Nearness
from xpoll_dagster.writing.gates.refusal import meta_talk
from xpoll_dagster.writing.gates.standing_alone import leaning
from xpoll_dagster.writing.gates.text import measure_text
from xpoll_dagster.writing.model import Question

NO_SPAN = "answer is neither a span of the passage nor entailed by it"
DUPLICATE = "near-duplicate of another question"
_NO_ANSWER = re.compile(
    r"^\W*(?:n/?a|none|unknown|unclear|null|nil|not (?:\w+ )?(?:mentioned|specified|stated|given|"
    r"provided|available|known|applicable|clear|found|answerable)|(?:the|this) (?:text|passage|"
    r"context|document) (?:does|doesn).*|(?:it is |it's )?not \w+ in the (?:text|passage).*|"
    r"no (?:answer|information).*|unanswerable|cannot be (?:determined|answered).*)\W*$",
    re.IGNORECASE,
)
_REASONING = re.compile(
    r"\b(?:the (?:text|passage|paragraph|excerpt|context|document) (?:says|states|mentions|"
    r"indicates|does|describes|explains)|according to the (?:text|passage)|as (?:stated|mentioned|"
    r"described) (?:in|above)|therefore the answer|so the answer|the answer is|the correct answer|"
    r"step by step|let['’]s|let us|we can (?:see|infer|conclude)|this (?:is|can be) (?:found|"
    r"inferred|seen)|explanation:|reasoning:|answer:|based on the)\b|<think",
    re.IGNORECASE,
)
_BLANK = re.compile(r"_{2,}|\.{4,}|…{2,}")
_ENDS = re.compile(r"\?[\"”’')\]]*$")


@dataclass(frozen=True, slots=True)
class QuestionVerdict:
    """What a question measures, and the names of the gates that it fails.

    `leans_on`, `meta_talk` and `broken_off` are "" where nothing was found; `overlap` is
    the share of the question's words that stand in its passage.
    """

    n_words: int
    answer_words: int
    meta_talk: str
    broken_off: str
    same_language: bool | None
    repetition: float
    leans_on: str
    answer_inside: bool
    answer_is_span: bool
    entailment: float | None
    copied_run: int
    overlap: float
    answer_chunks: int
    similarity: float | None
    dense_rank: int | None
    word_rank: int | None
    rank: int | None
    difficulty: str | None
    rejected_by: tuple[str, ...]


def judge_question(
    draft: Question,
    passage: str,
    options: GateOptions,
    *,
    is_span: bool,
    answer_chunks: int = 1,
    entailment: float | None = None,
    nearness: Nearness | None = None,
) -> QuestionVerdict:
    """Measure one question.

    Args:
        draft: A written question (one without `problems`).
        passage: The prose that it is about.
        options: The thresholds.
        is_span: Whether the answer is a span of the passage (`answers.Passages.holds`).
        answer_chunks: How many chunks of the book hold the answer.
        entailment: Probability that the passage entails question and answer; null where no
            model was asked.
        nearness: Where the question finds its chunk; gates without it are not judged.

    Returns:
        All measures, and `rejected_by` with the name of every gate that failed. Whether it
        repeats another question is judged by the table (`duplicates`).
    """
    limits = options.question
    nearness = nearness or Nearness()
    question, answer = draft.question.strip(), draft.answer.strip()
    text = measure_text(question, passage, draft.origin.finish_reason, options.text)
    meta = text.meta_talk or meta_talk(answer, passage)
    n_words, answer_words = len(question.split()), len(answer.split())
    inside = is_inside(answer, question)
    leans_on = leaning(question, answer)
    copied = 0 if _BLANK.search(question) else longest_copied_run(question, passage)
    entailed = entailment is not None and entailment >= limits.min_entailment
    said = set(folded_words(question))
    overlap = len(said & set(folded_words(passage))) / len(said) if said else 0.0
    rank = nearness.rank
    failures = {
        "refuses, or talks about its task": bool(meta),
        "unfinished": bool(text.broken_off),
        "another language than its source": text.same_language is False,
        "repeats itself": text.repetition > options.text.max_repetition,
        "does not end as a question": not _ENDS.search(question),
        "too short": n_words < limits.min_words,
        "too long": n_words > limits.max_words,
        "question does not stand alone": bool(leans_on),
        "no answer": not says_something(answer) or bool(_NO_ANSWER.match(answer)),
        "answer too long": answer_words > limits.max_answer_words,
        "answer holds reasoning": bool(_REASONING.search(answer)),
        "answer stands in the question": inside,
        "copied from the passage": copied >= limits.max_copied_run
        and copied > limits.max_copied_share * n_words,
        NO_SPAN: not is_span and not entailed,
        "does not find its chunk": rank is not None and rank > limits.max_rank,
        "common answer, and does not find its chunk well": rank is not None
        and answer_chunks > limits.common_answer_chunks
        and rank > limits.common_answer_max_rank,
    }
    return QuestionVerdict(
        n_words=n_words,
        answer_words=answer_words,
        meta_talk=meta,
        broken_off=text.broken_off,
        same_language=text.same_language,
        repetition=text.repetition,
        leans_on=leans_on,
        answer_inside=inside,
        answer_is_span=is_span,
        entailment=entailment,
        copied_run=copied,
        overlap=overlap,
        answer_chunks=answer_chunks,
        similarity=nearness.similarity,
        dense_rank=nearness.dense_rank,
        word_rank=nearness.word_rank,
        rank=rank,
        difficulty=difficulty(rank),
        rejected_by=tuple(name for name, failed in failures.items() if failed),
    )


def difficulty(rank: int | None) -> str | None:
    """Difficulty by the rank at which a question finds its chunk: easy 1, medium 2 to 5."""
    if rank is None:
        return None
    return "easy" if rank == 1 else "medium" if rank <= 5 else "hard"
