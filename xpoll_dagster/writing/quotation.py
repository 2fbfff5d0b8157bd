"""Choosing the sentences of a passage that are quoted: clean, whole, and on the concepts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xpoll_dagster.books.sentences import split_sentences
from xpoll_dagster.writing.naming import Concept, by_worth
from xpoll_dagster.writing.options import QuotationOptions
from xpoll_dagster.writing.prose import fault, leans_on_context


@dataclass(frozen=True, slots=True)
class Sentence:
    """A clean sentence, white space folded; `opens_paragraph` where a new one begins."""

    text: str
    n_words: int
    opens_paragraph: bool


@dataclass(frozen=True, slots=True)
class Quotation:
    """Sentences that follow each other in the passage."""

    sentences: tuple[Sentence, ...]
    score: float

    @property
    def text(self) -> str:
        """The sentences as one span, white space folded."""
        return " ".join(sentence.text for sentence in self.sentences)

    def halves(self) -> tuple[str, str] | None:
        """The quotation cut in two at the sentence end nearest its middle, if it has one."""
        if len(self.sentences) < 2:
            return None
        total = sum(sentence.n_words for sentence in self.sentences)
        best, run, cut = float("inf"), 0, 1
        for number, sentence in enumerate(self.sentences[:-1], start=1):
            run += sentence.n_words
            if abs(2 * run - total) < best:
                best, cut = abs(2 * run - total), number
        parts = self.sentences[:cut], self.sentences[cut:]
        first, second = (" ".join(sentence.text for sentence in part) for part in parts)
        return first, second


def clean_runs(text: str, options: QuotationOptions) -> list[list[Sentence]]:
    """Runs of clean sentences that follow each other without a gap."""
    runs: list[list[Sentence]] = [[]]
    for paragraph in text.split("\n\n"):
        for number, raw in enumerate(split_sentences(paragraph)):
            sentence = " ".join(raw.split())
            if not sentence:
                continue
            if fault(sentence, options.max_sentence_words):
                runs.append([])
            else:
                runs[-1].append(Sentence(sentence, len(sentence.split()), number == 0))
    return [run for run in runs if run]


def quotations(
    runs: Sequence[Sequence[Sentence]], concepts: Sequence[Concept], options: QuotationOptions
) -> list[Quotation]:
    """Every quotation that the options allow, best first.

    A quotation gains by the concepts that it prints and by reaching `min_words`; it loses
    by opening with a word that points back, by crossing paragraphs and by inner quotation
    marks. Ties go to the earlier one.
    """
    top = max((concept.weight for concept in concepts), default=1.0) or 1.0
    found: list[tuple[float, int, Quotation]] = []
    for run in runs:
        hits = [[concept.stands_in(sentence.text) for concept in concepts] for sentence in run]
        for start in range(len(run)):
            words = 0
            for end in range(start, len(run)):
                words += run[end].n_words
                if words > options.max_words:
                    break
                if end - start + 1 < options.min_sentences or words < options.floor_words:
                    continue
                score = sum(
                    0.5 + max(0.2, concept.weight / top)
                    for number, concept in enumerate(concepts)
                    if any(hit[number] for hit in hits[start : end + 1])
                )
                score += 0.8 * min(1.0, words / options.min_words)
                score -= 1.6 * leans_on_context(run[start].text)
                score -= 0.5 * sum(s.opens_paragraph for s in run[start + 1 : end + 1])
                score -= 0.3 * any("“" in s.text or '"' in s.text for s in run[start : end + 1])
                # A concept that is printed early tells what the quotation is about.
                score += 0.3 * any(hits[start])
                quotation = Quotation(tuple(run[start : end + 1]), score)
                found.append((-score, len(found), quotation))
    return [quotation for _, _, quotation in sorted(found, key=lambda item: item[:2])]


def quote_pair(
    left: Sequence[Quotation], right: Sequence[Quotation], concepts: Sequence[Concept]
) -> tuple[Quotation, Quotation, list[Concept]] | None:
    """The best quotations of two sides that print a concept in common, and what they share.

    The best concept that any two quotations share is the anchor: both are chosen among
    the quotations that print it.
    """
    for anchor in sorted(concepts, key=by_worth):
        one = next((quotation for quotation in left if anchor.stands_in(quotation.text)), None)
        two = next((quotation for quotation in right if anchor.stands_in(quotation.text)), None)
        if one is not None and two is not None:
            shared = [c for c in concepts if c.stands_in(one.text) and c.stands_in(two.text)]
            return one, two, shared
    return None
