"""The rules author: deterministic, without a model, and modest in what it claims."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from itertools import groupby

from xpoll_dagster.books.embedding import Embedder
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
from xpoll_dagster.writing.options import WritingOptions
from xpoll_dagster.writing.phrases import template_file
from xpoll_dagster.writing.rules.asking.asker import ask_batch
from xpoll_dagster.writing.rules.bridging import PairWriter
from xpoll_dagster.writing.rules.language.lexicon import Lexicon, load_lexicon
from xpoll_dagster.writing.rules.options import RulesOptions
from xpoll_dagster.writing.rules.paraphrasing.paraphraser import Paraphraser

NO_VOICE = "rules cannot answer in a voice"
NO_WORDNET = "WordNet is not installed, so that the rules know no verbs"


class RulesAuthor:
    """Writes by rules.

    Pairs are quoted in templates, paraphrases select, reorder and reword the source's own
    sentences, questions turn plain sentences round; persona replies are not written at all.

    Args:
        options: How pairs become text.
        embedder: Ranks sentences and checks synonyms in paraphrases. Without one ranking is
            by tf-idf and synonyms are left out.
        rules: Where words are looked up, and thresholds.
    """

    model = "rules"

    def __init__(
        self,
        options: WritingOptions | None = None,
        embedder: Embedder | None = None,
        rules: RulesOptions | None = None,
    ) -> None:
        self.options = options or WritingOptions()
        self.rules = rules or RulesOptions()
        self._embedder = embedder
        self._pairs = PairWriter(self.options)
        self._paraphraser: Paraphraser | None = None

    @property
    def lexicon(self) -> Lexicon:
        """WordNet's words, read once per process; empty where it is not installed."""
        return load_lexicon(self.rules.wordnet_folder)

    def paraphrase(self, chunks: Sequence[SourceChunk], style: str) -> list[Paraphrase]:
        """Say each chunk in other words: `short`, `medium` or `long`; one draft for each.

        A batch should hold whole books: acronyms and definitions come from their other
        chunks, capitals are told from names by how the book spells a word.

        Raises:
            ValueError: There is no such style.
        """
        if self._paraphraser is None:  # kept, for it remembers what the styles have in common
            self._paraphraser = Paraphraser(
                self.lexicon,
                self._embedder,
                Origin(prompt_sha256=rules_hash("paraphrasing")),
                self.rules.min_synonym_cosine,
            )
        return self._paraphraser.paraphrase(chunks, style)

    def ask(self, chunks: Sequence[SourceChunk], n: int) -> list[Question]:
        """Ask up to `n` questions about each chunk; every answer is a span of its passage.

        The batch is searched with each question, so it should hold whole books. A chunk
        about which nothing can be asked gives one draft with `problems`.
        """
        origin = Origin(prompt_sha256=rules_hash("asking"))
        problem = "" if self.lexicon else NO_WORDNET
        questions: list[Question] = []
        for _, group in groupby(chunks, key=lambda chunk: chunk.passage.book):
            questions += ask_batch(
                list(group),
                n,
                self.lexicon,
                origin,
                self.options.gates,
                self.rules.max_question_rank,
                problem,
            )
        return questions

    def bridge(self, pairs: Sequence[PairEvidence]) -> list[Draft]:
        """Write three texts for each pair, in order; unwritable ones have `problems`."""
        return self._pairs.bridge(pairs)

    def mirror(
        self, prompts: Sequence[tuple[str, str]], personas: Sequence[Persona]
    ) -> list[Reply]:
        """Give every reply back unwritten: rules cannot answer in a voice."""
        return [
            Reply(prompt_id, persona.name, "", problems=(NO_VOICE,))
            for prompt_id, _ in prompts
            for persona in personas
        ]


@lru_cache(maxsize=4)
def rules_hash(task: str) -> str:
    """SHA-256 over the rules of a task: their code, the grammar's, and the word tables."""
    package = files("xpoll_dagster.writing.rules")
    digest = hashlib.sha256(template_file("rewording").encode())
    for folder in (task, "language"):
        for file in sorted((package / folder).iterdir(), key=lambda one: one.name):
            if file.name.endswith(".py"):
                digest.update(f"{folder}/{file.name}\x1f{file.read_text('utf-8')}\x1e".encode())
    return digest.hexdigest()
