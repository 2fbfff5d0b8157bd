"""The author that asks a language model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from xpoll_dagster.writing.completion.progress import Progress, ProgressMeter
from xpoll_dagster.writing.completion.structured import Job, Structured, complete_structured
from xpoll_dagster.writing.engines.model import Engine
from xpoll_dagster.writing.llm.answers import AnsweredQuestions, LinkAnswer
from xpoll_dagster.writing.llm.asking import question_job, read_questions
from xpoll_dagster.writing.llm.bridging import (
    KINDS,
    Task,
    bridge_job,
    chosen_variant,
    read_bridge,
)
from xpoll_dagster.writing.llm.linking_decision import Link, Sides, link_job, read_link
from xpoll_dagster.writing.llm.mirroring import mirror_job, read_reply
from xpoll_dagster.writing.llm.options import LLMOptions
from xpoll_dagster.writing.llm.paraphrasing import paraphrase_job, read_paraphrase
from xpoll_dagster.writing.llm.prompts import PromptLibrary
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

T = TypeVar("T")

TOO_LONG = "the passage is too long for a prompt"
EMPTY = "the passage is empty"


class LLMAuthor:
    """Writes by prompts to an engine; one call of a task is one batch, with retries.

    Args:
        engine: What completes chats; in most cases a `CachedEngine`.
        options: Prompts, sampling, bounds and rounds.
        on_progress: As in `complete_structured`.

    Raises:
        PromptError: The folder of prompts is not there.
    """

    def __init__(
        self,
        engine: Engine,
        options: LLMOptions | None = None,
        on_progress: ProgressMeter | Callable[[Progress], None] | None = None,
    ) -> None:
        self.engine = engine
        self.model = engine.model
        self.options = options or LLMOptions()
        self.prompts = PromptLibrary(self.options.prompts_dir)
        self._on_progress = on_progress

    # -- jobs, which an estimate counts without sending them ----------------------------

    def paraphrase_jobs(self, chunks: Sequence[SourceChunk], style: str) -> list[Job[str]]:
        """The jobs of `paraphrase`, of the chunks that can be put to a model."""
        prompt = self.prompts.get("paraphrase", style)
        return [
            paraphrase_job(chunk, prompt, self.options)
            for chunk in chunks
            if not self._hopeless(chunk.passage.text)
        ]

    def question_jobs(self, chunks: Sequence[SourceChunk], n: int) -> list[Job[AnsweredQuestions]]:
        """The jobs of `ask`, of the chunks that can be put to a model."""
        prompt = self.prompts.get("ask", "questions")
        return [
            question_job(chunk, n, prompt, self.options)
            for chunk in chunks
            if not self._hopeless(chunk.passage.text)
        ]

    def link_jobs(self, pairs: Sequence[PairEvidence]) -> list[Job[LinkAnswer]]:
        """The first jobs of `bridge`: of what they find depends what follows.

        Three texts follow for each pair that the model finds linked.
        """
        prompt = self.prompts.get("bridge", "link")
        return [
            link_job(sides, prompt, self.options)
            for sides in map(Sides.of, pairs)
            if not self._hopeless(sides.a.text, sides.b.text)
        ]

    # -- tasks --------------------------------------------------------------------------

    def paraphrase(self, chunks: Sequence[SourceChunk], style: str) -> list[Paraphrase]:
        """Say each chunk in other words: one draft for each chunk.

        Raises:
            ValueError: There is no such style.
            EngineError: The engine cannot go on.
        """
        prompt = self.prompts.get("paraphrase", style)
        results = iter(self._complete(self.paraphrase_jobs(chunks, style)))
        drafts: list[Paraphrase] = []
        for chunk in chunks:
            if why := self._hopeless(chunk.passage.text):
                origin = self._unasked(prompt.sha256)
                drafts.append(Paraphrase(chunk.passage.chunk_id, style, "", origin, (why,)))
            else:
                drafts.append(
                    read_paraphrase(chunk, prompt, self.model, next(results), self.options)
                )
        return drafts

    def ask(self, chunks: Sequence[SourceChunk], n: int) -> list[Question]:
        """Ask up to `n` questions about each chunk, with answers taken from it.

        Raises:
            ValueError: `n` is below 1.
            EngineError: The engine cannot go on.
        """
        if n < 1:
            raise ValueError(f"At least one question must be asked for, not {n}.")
        prompt = self.prompts.get("ask", "questions")
        results = iter(self._complete(self.question_jobs(chunks, n)))
        drafts: list[Question] = []
        for chunk in chunks:
            if why := self._hopeless(chunk.passage.text):
                origin = self._unasked(prompt.sha256)
                drafts.append(
                    Question(chunk.passage.chunk_id, "", "", origin=origin, problems=(why,))
                )
            else:
                drafts += read_questions(chunk, n, prompt, self.model, next(results), self.options)
        return drafts

    def bridge(self, pairs: Sequence[PairEvidence]) -> list[Draft]:
        """Write an exposition, a question with its answer and a dialogue for each pair.

        Two batches: whether and how the pairs are linked, then all texts of those that are.
        Of a pair without a link all three drafts come back with the reason.

        Raises:
            EngineError: The engine cannot go on.
        """
        prompt = self.prompts.get("bridge", "link")
        results = iter(self._complete(self.link_jobs(pairs)))
        found: list[tuple[Sides, Link | tuple[Origin, tuple[str, ...]]]] = []
        for sides in map(Sides.of, pairs):
            if why := self._hopeless(sides.a.text, sides.b.text):
                found.append((sides, (self._unasked(prompt.sha256), (why,))))
            else:
                found.append((sides, read_link(sides, prompt, self.model, next(results))))
        styles = self.prompts.styles("bridge")
        tasks = [
            Task(
                sides,
                link,
                kind,
                self.prompts.get("bridge", chosen_variant(styles, kind, sides.pair.pair_id)),
            )
            for sides, link in found
            if isinstance(link, Link)
            for kind in KINDS
        ]
        texts = self._complete([bridge_job(task, self.options) for task in tasks])
        written = iter(zip(tasks, texts, strict=True))
        drafts: list[Draft] = []
        for sides, link in found:
            for kind in KINDS:
                if isinstance(link, Link):
                    task, result = next(written)
                    drafts.append(
                        read_bridge(task, self.model, prompt.sha256, result, self.options)
                    )
                else:
                    origin, problems = link
                    pair_id = sides.pair.pair_id
                    drafts.append(
                        Draft(pair_id, kind, "none", "", origin=origin, problems=problems)
                    )
        return drafts

    def mirror(
        self, prompts: Sequence[tuple[str, str]], personas: Sequence[Persona]
    ) -> list[Reply]:
        """Answer each prompt (id, text) in the voice of each persona, prompt by prompt.

        Raises:
            EngineError: The engine cannot go on.
        """
        prompt = self.prompts.get("mirror", "reply")
        asked = [(each, persona) for each in prompts for persona in personas]
        can = [not self._hopeless(text) for (_, text), _ in asked]
        jobs = [
            mirror_job(text, persona, prompt, self.options)
            for ((_, text), persona), possible in zip(asked, can, strict=True)
            if possible
        ]
        results = iter(self._complete(jobs))
        replies: list[Reply] = []
        for ((prompt_id, text), persona), possible in zip(asked, can, strict=True):
            if possible:
                reply = read_reply(prompt_id, persona, prompt, self.model, next(results))
            else:
                why = self._hopeless(text).replace("passage", "prompt")
                origin = self._unasked(prompt.sha256)
                reply = Reply(prompt_id, persona.name, "", origin, (why,))
            replies.append(reply)
        return replies

    # -- helpers ------------------------------------------------------------------------

    def _complete(self, jobs: Sequence[Job[T]]) -> list[Structured[T]]:
        if not jobs:
            return []
        return complete_structured(self.engine, jobs, self.options.completion, self._on_progress)

    def _hopeless(self, *texts: str) -> str:
        """Why these passages are not put to a model; empty where they are."""
        if any(len(text) > self.options.max_passage_chars for text in texts):
            return TOO_LONG
        return "" if all(text.strip() for text in texts) else EMPTY

    def _unasked(self, prompt_sha256: str) -> Origin:
        return Origin("llm", self.model, prompt_sha256)
