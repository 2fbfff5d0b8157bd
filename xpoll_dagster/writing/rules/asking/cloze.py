"""A gap for the rarest term of a sentence that stands alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from xpoll_dagster.writing.model import Mention
from xpoll_dagster.writing.prose import fault, leans_on_context
from xpoll_dagster.writing.rules.asking.candidate import Candidate, Context
from xpoll_dagster.writing.rules.asking.screening import GAP, content_words
from xpoll_dagster.writing.rules.language.tagging import tag

_LEANING = re.compile(
    r"\b(?:this|these|such|above|below|now|here|you|your|we|our|us|I|my|please|he|she|his|her|"
    r"they|latter|former)\b|^(?:Lastly|Finally|Also|Similarly|Therefore|Thus|However|Hence|Note|"
    r"Read|See|Recall|Notice|In general)\b",
    re.IGNORECASE,
)
_ASKED = {
    "PERSON": "Which name completes the statement",
    "GPE": "The name of which place completes the statement",
    "LOC": "The name of which place completes the statement",
}


def ask_gap(
    sentence: str, mentions: Sequence[Mention], context: Context, n_chunks: int
) -> Iterator[Candidate]:
    """The gap question of a sentence of 10 to 30 words, if one of its terms may be left out.

    The term must be a concept of the chunk that stands once in the sentence, not at its
    beginning, and the rest must keep enough words to be recognised by.
    """
    if not 10 <= len(sentence.split()) <= 30 or fault(sentence) or leans_on_context(sentence):
        return
    tokens = tag(sentence, context.lexicon)
    if _LEANING.search(sentence) or tokens[0].kind == "V":
        return
    nouns = {token.end for token in tokens if token.kind in {"N", "NS", "NAME"}}
    best: tuple[float, str, str] | None = None
    for mention in mentions:
        surface = " ".join(mention.surface.split())
        if len(surface) < 4 or len(surface.split()) > 4 or mention.kind == "NORP":
            continue
        found = list(re.finditer(rf"(?<![\w-]){re.escape(surface)}(?![\w'’-])", sentence))
        if len(found) != 1 or found[0].start() < 12:
            continue
        if found[0].end() not in nouns:
            continue
        words = content_words(surface)
        others = set(content_words(sentence[: found[0].start()] + sentence[found[0].end() :]))
        if not words or set(words) & others:
            continue
        # The unit of a number tells nothing about the book.
        if sentence[: found[0].start()].rstrip()[-1].isdigit():
            continue
        # A word beside the gap that belongs to the name ("___ Ocean") would give it away.
        after = sentence[found[0].end() :].lstrip()[:1]
        if surface[0].isupper() and after.isupper():
            continue
        if (
            mention.kind == "TERM"
            and " " not in surface
            and (context.spelling.chunks[words[0]] > max(3, 0.03 * n_chunks) or len(surface) < 6)
        ):
            continue
        rarity = min(context.spelling.chunks[word] for word in words)
        rank = rarity / n_chunks - 0.02 * len(words)
        if best is None or (rank, surface) < best[:2]:
            best = (rank, surface, mention.kind)
    if best is None:
        return
    _, surface, kind = best
    text = re.sub(rf"(?<![\w-]){re.escape(surface)}(?![\w-])", lambda _: GAP, sentence, count=1)
    text = re.sub(r"\ban? ____", "a(n) ____", text)
    asked = _ASKED.get(kind, "Which term completes the statement")
    yield Candidate("gap", f"{asked} “{text.rstrip('.')}”?", surface)
