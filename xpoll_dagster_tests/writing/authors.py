"""Authors with a script, for tables that are written whoever writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xpoll_dagster.writing.model import (
    Draft,
    Origin,
    PairEvidence,
    Paraphrase,
    Persona,
    Question,
    Reply,
    SourceChunk,
)

MODEL = Origin("llm", "scripted", "0" * 64)


class ScriptedAuthor:
    """Gives what functions of the chunk and pair say, and remembers what it was asked."""

    model = "scripted"

    def __init__(
        self,
        say: Callable[[SourceChunk, str], Paraphrase] | None = None,
        question: Callable[[SourceChunk], list[Question]] | None = None,
        draft: Callable[[PairEvidence], list[Draft]] | None = None,
    ) -> None:
        self._say, self._question, self._draft = say, question, draft
        self.batches: list[list[SourceChunk]] = []

    def paraphrase(self, chunks: Sequence[SourceChunk], style: str) -> list[Paraphrase]:
        self.batches.append(list(chunks))
        assert self._say is not None
        return [self._say(chunk, style) for chunk in chunks]

    def ask(self, chunks: Sequence[SourceChunk], n: int) -> list[Question]:
        self.batches.append(list(chunks))
        assert self._question is not None
        return [question for chunk in chunks for question in self._question(chunk)[:n]]

    def bridge(self, pairs: Sequence[PairEvidence]) -> list[Draft]:
        assert self._draft is not None
        return [draft for pair in pairs for draft in self._draft(pair)]

    def mirror(
        self, prompts: Sequence[tuple[str, str]], personas: Sequence[Persona]
    ) -> list[Reply]:
        raise NotImplementedError
