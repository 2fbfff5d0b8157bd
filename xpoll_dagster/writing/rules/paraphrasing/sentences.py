"""The sentences of a chunk, and which of them rules may touch or set alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

from xpoll_dagster.books.sentences import split_sentences
from xpoll_dagster.writing.prose import fault, leans_on_context

_MISREAD = re.compile(r"\b[lIO]\d|\d[lIoO]\b|\d[lIoO]\d|\s[,.;:]|[\\$_{}|=<>�□]|[a-z][A-Z]")
_BOUND = re.compile(
    r"\bas shown\b|\bparts? \(|\bas you\b|end-of-chapter|\bthe text\b|^Construct\b|"
    r"^\(|\. [a-z]\.$|^(?:Note|Hold|Shut|See|Recall|Notice|First|Second|Third|Take|Place|Start|"
    r"Turn|Look|Make|Try|Imagine|Remember|Click|Be|Do|Go|Put|Keep|Check|Read|Another|Other)\b|"
    r"\?$"
)


@dataclass(frozen=True, slots=True)
class SourceSentence:
    """A sentence, white space folded. `sound` ones may be changed, `alone` ones stand alone."""

    text: str
    n_words: int
    sound: bool
    alone: bool


def read_sentences(passage: str) -> list[SourceSentence]:
    """The sentences of a passage in order."""
    found = []
    for raw in split_sentences(passage):
        text = " ".join(raw.split())
        if not text:
            continue
        sound = not fault(text) and not _MISREAD.search(text)
        alone = sound and not leans_on_context(text) and not _BOUND.search(text)
        found.append(SourceSentence(text, len(text.split()), sound, alone))
    return found
