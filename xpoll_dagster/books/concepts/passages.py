"""Passages as words: spaCy's tokens and sentences, and the names that it finds.

With a statistical model its entities come along; without one, a blank pipeline with a rule
for sentence ends. In both cases the named instances of WordNet are matched as phrases.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from xpoll_dagster.books.concepts.options import ExtractionOptions
from xpoll_dagster.books.concepts.wordnet import load_wordnet

if TYPE_CHECKING:
    from spacy.language import Language

STATISTICAL_MODELS = ("en_core_web_trf", "en_core_web_lg", "en_core_web_md", "en_core_web_sm")

ENTITY_KINDS = frozenset(
    {"PERSON", "ORG", "GPE", "LOC", "NORP", "EVENT", "WORK_OF_ART", "LAW", "PRODUCT"}
)

# spaCy refuses longer texts with a model; a chunk is far shorter.
_LONGEST_PASSAGE = 50_000


# The tokenizer's time grows with the square of a word's length: 50,000 brackets in a row take
# it minutes.
_ENDLESS_WORD = re.compile(r"\S{200}(?=\S)")


@dataclass(frozen=True, slots=True)
class Words:
    """A passage's tokens. `spaced[i]` says whether white space follows token i."""

    words: tuple[str, ...]
    spaced: tuple[bool, ...]
    starts: tuple[bool, ...]
    """Whether the token is the first word of a sentence, quotation marks aside."""
    known: tuple[tuple[int, int], ...]
    """Spans of WordNet's named instances, longest first where they overlap."""
    entities: tuple[tuple[int, int, str], ...]
    """Spans and kinds from a statistical model."""

    def text(self, start: int, stop: int) -> str:
        """The tokens from `start` up to `stop` as printed, white space as single spaces."""
        parts = []
        for at in range(start, stop):
            parts.append(self.words[at])
            if self.spaced[at] and at + 1 < stop:
                parts.append(" ")
        return "".join(parts)


def installed_model() -> str | None:
    """The best statistical English model that is installed, or None."""
    return next((name for name in STATISTICAL_MODELS if importlib.util.find_spec(name)), None)


def read_passages(
    passages: Sequence[str], language: str, options: ExtractionOptions
) -> Iterator[Words]:
    """Tokens, sentences and known names of each passage, in order."""
    english = language.split("-", maxsplit=1)[0].lower() == "en"
    model = installed_model() if english and options.use_statistical_model else None
    nlp, matcher = _pipeline(model, english, str(options.wordnet_folder))
    cut = (_ENDLESS_WORD.sub(r"\g<0> ", passage[:_LONGEST_PASSAGE]) for passage in passages)
    for doc in nlp.pipe(cut, batch_size=64):
        known = ()
        if matcher is not None:
            from spacy.util import filter_spans

            spans = filter_spans([doc[start:end] for _, start, end in matcher(doc)])
            known = tuple((span.start, span.end) for span in spans)
        entities = tuple(
            (span.start, span.end, span.label_)
            for span in doc.ents
            if model is not None and span.label_ in ENTITY_KINDS
        )
        words, starts = [], []
        opening = True
        for token in doc:
            opening = opening or bool(token.is_sent_start)
            words.append(token.text)
            is_word = token.text[:1].isalnum()
            starts.append(opening and is_word)
            opening = opening and not is_word
            # A colon or an opening quotation mark is followed by a capital as a sentence is.
            opening = opening or token.text in {":", "“", '"', "—", "--", "•", "\n", "\n\n"}
        spaced = tuple(bool(token.whitespace_) for token in doc)
        yield Words(tuple(words), spaced, tuple(starts), known, entities)


@lru_cache(maxsize=4)
def _pipeline(model: str | None, english: bool, folder: str) -> tuple[Language, Any]:  # noqa: FBT001
    from pathlib import Path

    import spacy
    from spacy.matcher import PhraseMatcher

    if model is not None:
        nlp = spacy.load(model, exclude=["lemmatizer", "textcat"])
    else:
        nlp = spacy.blank("en" if english else "xx")
        nlp.add_pipe("sentencizer")
    _keep_hyphens(nlp)
    wordnet = load_wordnet(Path(folder)) if english else None
    if not wordnet:
        return nlp, None
    matcher = PhraseMatcher(nlp.vocab, attr="ORTH")
    # "II" or "Lord" alone are names somewhere in WordNet and never in a book.
    names = sorted(name for name in wordnet.instances if len(name) > 2 and name[:1].isupper())
    matcher.add("known", [nlp.make_doc(name) for name in names])
    return nlp, matcher


def _keep_hyphens(nlp: Language) -> None:
    """Keep "Bose-Einstein" and "least-squares" whole, as dictionaries do."""
    from spacy.util import compile_infix_regex

    infixes = [rule for rule in nlp.Defaults.infixes or () if "-|–" not in str(rule)]
    # An em dash between words divides them, with or without spaces.
    nlp.tokenizer.infix_finditer = compile_infix_regex([*infixes, "—", "--"]).finditer  # type: ignore[union-attr]
