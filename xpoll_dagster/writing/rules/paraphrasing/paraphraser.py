"""The batch's paraphrases by style: short, medium or long."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np

from xpoll_dagster.books.concepts.acronyms import find_acronyms
from xpoll_dagster.books.embedding import Embedder
from xpoll_dagster.writing.attribution import plain_title
from xpoll_dagster.writing.model import Origin, Paraphrase, SourceChunk
from xpoll_dagster.writing.rules.asking.asker import kinds_of, learn_spelling
from xpoll_dagster.writing.rules.asking.candidate import Context
from xpoll_dagster.writing.rules.asking.screening import is_suspicious
from xpoll_dagster.writing.rules.language.clauses import parse
from xpoll_dagster.writing.rules.language.lexicon import Lexicon
from xpoll_dagster.writing.rules.paraphrasing.central import central_sentences
from xpoll_dagster.writing.rules.paraphrasing.glossary import build_glossary, definitions_for
from xpoll_dagster.writing.rules.paraphrasing.order import reordered
from xpoll_dagster.writing.rules.paraphrasing.sentences import SourceSentence, read_sentences
from xpoll_dagster.writing.rules.paraphrasing.wording import (
    reworded,
    synonym_choices,
    with_synonyms,
)

MIN_CHANGED = 0.2
"""Share of a chunk's sentences that a medium or long paraphrase must change."""
MIN_REPLACED = 3
"""Words that it must replace where no sentence begins otherwise."""
STYLES = ("short", "medium", "long")
NOTHING_CENTRAL = "no one to three sentences that stand alone make up 15 to 60 % of it"
NOTHING_CHANGED = "too little of it can be said otherwise by rules"
NOTHING_DEFINED = "its book defines none of its terms elsewhere"


class Paraphraser:
    """Paraphrases a batch; deterministic.

    Args:
        lexicon: WordNet's words; with an empty one nothing is reordered and no synonym used.
        embedder: Gives the vectors by which sentences are ranked and synonyms are checked.
            Without it ranking is by tf-idf and no synonym is used.
        origin: What the drafts say of who wrote them.
        min_cosine: How close a sentence with synonyms must stay to itself without.
    """

    def __init__(
        self,
        lexicon: Lexicon,
        embedder: Embedder | None,
        origin: Origin,
        min_cosine: float = 0.93,
    ) -> None:
        self._min_cosine = min_cosine
        self._lexicon = lexicon
        self._embedder = embedder
        self._origin = origin
        self._last: tuple[list[SourceChunk], list[list[str]]] | None = None

    def paraphrase(self, chunks: Sequence[SourceChunk], style: str) -> list[Paraphrase]:
        """One draft for each chunk, in order.

        Raises:
            ValueError: There is no such style.
        """
        if style not in STYLES:
            raise ValueError(
                f"The rules author has no style {style!r}: choose one of {', '.join(STYLES)}."
            )
        drafts: list[Paraphrase] = []
        for _, group in groupby(chunks, key=lambda chunk: chunk.passage.book):
            drafts += self._book(list(group), style)
        return drafts

    def _book(self, chunks: list[SourceChunk], style: str) -> list[Paraphrase]:
        read = [read_sentences(chunk.passage.text) for chunk in chunks]
        passages = [" ".join(chunk.passage.text.split()) for chunk in chunks]
        spelling = learn_spelling(passages)
        if style == "short":
            context = Context(self._lexicon, spelling, len(chunks))
            return self._short(chunks, [[_doubted(one, context) for one in own] for own in read])
        # Medium and long say the sentences of a book alike: they are changed once for both.
        if self._last is None or self._last[0] != chunks:
            contexts = [
                Context(self._lexicon, spelling, len(chunks), kinds_of(chunk.passage.mentions))
                for chunk in chunks
            ]
            self._last = chunks, self._changed(read, contexts, find_acronyms(passages))
        changed = self._last[1]
        glossary = (
            build_glossary(chunks, Context(self._lexicon, spelling, len(chunks)))
            if style == "long"
            else []
        )
        drafts = []
        for chunk, sentences, said in zip(chunks, read, changed, strict=True):
            text = " ".join(said)
            if not _differs_enough([one.text for one in sentences], said):
                drafts.append(self._draft(chunk, style, "", NOTHING_CHANGED))
                continue
            if style == "long":
                added = definitions_for(chunk, glossary)
                if not added:
                    drafts.append(self._draft(chunk, style, "", NOTHING_DEFINED))
                    continue
                text = f"{text} {_explained(chunk, [one.sentence for one in added])}"
            drafts.append(self._draft(chunk, style, text))
        return drafts

    def _short(
        self, chunks: list[SourceChunk], read: list[list[SourceSentence]]
    ) -> list[Paraphrase]:
        # The embedder takes all sentences at once; tf-idf is counted chunk by chunk.
        together = self._embedder is not None
        vectors = self._vectors([one.text for own in read for one in own] if together else [])
        drafts, start = [], 0
        for chunk, sentences in zip(chunks, read, strict=True):
            own = vectors[start : start + len(sentences)]
            if not together:
                own = self._vectors([one.text for one in sentences])
            start += len(sentences)
            chosen = central_sentences(sentences, own) if sentences else ()
            text = " ".join(sentences[at].text for at in chosen)
            drafts.append(self._draft(chunk, "short", text, "" if chosen else NOTHING_CENTRAL))
        return drafts

    def _vectors(self, texts: list[str]) -> np.ndarray:
        if not texts:
            return np.zeros((0, 1), dtype=np.float32)
        if self._embedder is not None:
            return np.asarray(self._embedder.encode(texts), dtype=np.float32)
        from sklearn.feature_extraction.text import TfidfVectorizer

        try:
            weights: Any = TfidfVectorizer(sublinear_tf=True, stop_words="english").fit_transform(
                texts
            )
        except ValueError:  # no text holds a word
            return np.zeros((len(texts), 1), dtype=np.float32)
        return weights.toarray().astype(np.float32)

    def _changed(
        self,
        read: list[list[SourceSentence]],
        contexts: list[Context],
        acronyms: Mapping[str, str],
    ) -> list[list[str]]:
        """Every sentence of every chunk as it may be said otherwise, or as it stands."""
        said: list[list[str]] = []
        tried: list[tuple[int, int, str]] = []  # chunk, sentence, with synonyms
        for number, (sentences, context) in enumerate(zip(read, contexts, strict=True)):
            own: list[str] = []
            for at, sentence in enumerate(sentences):
                text = sentence.text
                if sentence.sound:
                    text = self._moved(text, context)
                    text = reworded(text, acronyms)
                    if self._embedder is not None:
                        choices = synonym_choices(text, self._lexicon)
                        if choices:
                            tried.append((number, at, with_synonyms(text, choices)))
                own.append(text)
            said.append(own)
        if tried and self._embedder is not None:
            plain = self._vectors([said[number][at] for number, at, _ in tried])
            other = self._vectors([text for _, _, text in tried])
            for (number, at, text), cosine in zip(
                tried, np.einsum("ij,ij->i", plain, other), strict=True
            ):
                if cosine >= self._min_cosine:
                    said[number][at] = text
        return said

    @staticmethod
    def _moved(sentence: str, context: Context) -> str:
        if "(" in sentence or any(mark in sentence for mark in '“”";:—'):
            return sentence
        clause = parse(sentence, context.lexicon)
        return (reordered(clause, context) if clause is not None else "") or sentence

    def _draft(self, chunk: SourceChunk, style: str, text: str, problem: str = "") -> Paraphrase:
        problems = (problem,) if problem else ()
        return Paraphrase(chunk.passage.chunk_id, style, text, self._origin, problems)


def _differs_enough(before: list[str], after: list[str]) -> bool:
    """Whether rules changed more than a word or two: else it is no paraphrase but a copy."""
    pairs = [(one, other) for one, other in zip(before, after, strict=True) if one != other]
    if not pairs or len(pairs) < MIN_CHANGED * len(before):
        return False
    moved = any(one.split()[0].lower() != other.split()[0].lower() for one, other in pairs)
    words = [(one.split(), other.split()) for one, other in pairs]
    replaced = sum(len(set(one) - set(other)) for one, other in words)
    return moved or replaced >= MIN_REPLACED


def _doubted(sentence: SourceSentence, context: Context) -> SourceSentence:
    """A sentence that does not stand alone where it holds a word that looks misread."""
    words = re.findall(r"[^\W\d_]+", sentence.text)
    if sentence.alone and any(is_suspicious(word, context) for word in words):
        return replace(sentence, alone=False)
    return sentence


def _explained(chunk: SourceChunk, sentences: list[str]) -> str:
    title = plain_title(chunk.passage.title)
    lead = f"*{title}* explains elsewhere: "
    return lead + " ".join(sentences)
