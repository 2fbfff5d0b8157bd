"""The gates of a paraphrase: complete, true to its source, and said in other words."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from xpoll_dagster.writing.gate_options import GateOptions, StyleLimits
from xpoll_dagster.writing.gates.closeness import copied_share, edit_distance
from xpoll_dagster.writing.gates.facts import compare_facts
from xpoll_dagster.writing.gates.known_names import known
from xpoll_dagster.writing.gates.language import reads_as_prose
from xpoll_dagster.writing.gates.text import measure_text
from xpoll_dagster.writing.model import Paraphrase

SHORT_SOURCE = "source too short to paraphrase"
NOT_PROSE = "source is not prose"


@dataclass(frozen=True, slots=True)
class Background:
    """What is known around a source: its title and headings, and how its book writes.

    `common` are words that the book prints in lower case (in capitals they make no name),
    `expansions` the long forms of its acronyms.
    """

    about: str = ""
    common: Collection[str] = frozenset()
    expansions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Nearness:
    """Where a paraphrase or question finds its chunk among the book's; null is not judged.

    `similarity` is the cosine with its own chunk, `floor` the one it must exceed, `rank`
    the better of `dense_rank` and `word_rank`.
    """

    similarity: float | None = None
    floor: float | None = None
    dense_rank: int | None = None
    word_rank: int | None = None

    @property
    def rank(self) -> int | None:
        """The better rank, where any is known."""
        ranks = [rank for rank in (self.dense_rank, self.word_rank) if rank is not None]
        return min(ranks, default=None)


@dataclass(frozen=True, slots=True)
class ParaphraseVerdict:
    """What a paraphrase measures, and the names of the gates that it fails."""

    source_words: int
    source_is_prose: bool
    length_ratio: float
    meta_talk: str
    broken_off: str
    same_language: bool | None
    repetition: float
    new_numbers: tuple[str, ...]
    new_names: tuple[str, ...]
    numbers_kept: float | None
    names_kept: float | None
    copied: float
    edit_distance: float
    similarity: float | None
    dense_rank: int | None
    word_rank: int | None
    rank: int | None
    rejected_by: tuple[str, ...]


def judge_paraphrase(
    draft: Paraphrase,
    source: str,
    options: GateOptions,
    background: Background | None = None,
    nearness: Nearness | None = None,
) -> ParaphraseVerdict:
    """Measure one paraphrase.

    Args:
        draft: A written paraphrase (one without `problems`).
        source: The prose it is of.
        options: The thresholds.
        background: What may be said besides, and how the book writes.
        nearness: Where it finds its chunk; gates without it are not judged.

    Returns:
        All measures, and `rejected_by` with the name of every gate that failed.
    """
    background = background or Background()
    nearness = nearness or Nearness()
    limits = options.paraphrase.styles.get(draft.style, options.paraphrase.other_style)
    rules = draft.origin.author == "rules"
    source_words = len(source.split())
    prose = reads_as_prose(source)
    text = measure_text(draft.text, source, draft.origin.finish_reason, options.text)
    facts = compare_facts(
        draft.text,
        source,
        known(source, background.about, background.common, background.expansions),
        background.about,
        background.common,
    )
    ratio = len(draft.text.split()) / source_words if source_words else 0.0
    copied = copied_share(draft.text, source)
    edited = edit_distance(draft.text, source)
    far = rules or (
        copied <= options.paraphrase.max_copied and edited >= options.paraphrase.min_edit_distance
    )
    failures = {
        SHORT_SOURCE: source_words < options.paraphrase.min_source_words,
        NOT_PROSE: not prose,
        "a number or unit that the source lacks": bool(facts.new_numbers),
        "a name that the source lacks": bool(facts.new_names),
        "leaves out numbers": _below(facts.numbers_kept, limits.min_numbers_kept),
        # A source with one name and five numbers is half kept without the name.
        "leaves out names": _below(facts.names_kept, limits.min_names_kept)
        and _below(facts.facts_kept, limits.min_names_kept),
        "too close to the source's words": not far,
        "too short or too long for its style": not _fits(
            ratio, limits, options.paraphrase.length_slack / source_words if source_words else 0.0
        ),
        "too far from the source's meaning": nearness.similarity is not None
        and nearness.floor is not None
        and nearness.similarity <= nearness.floor,
        "does not find its own chunk": nearness.rank is not None
        and nearness.rank > options.paraphrase.max_rank,
    }
    return ParaphraseVerdict(
        source_words=source_words,
        source_is_prose=prose,
        length_ratio=ratio,
        meta_talk=text.meta_talk,
        broken_off=text.broken_off,
        same_language=text.same_language,
        repetition=text.repetition,
        new_numbers=facts.new_numbers,
        new_names=facts.new_names,
        numbers_kept=facts.numbers_kept,
        names_kept=facts.names_kept,
        copied=copied,
        edit_distance=edited,
        similarity=nearness.similarity,
        dense_rank=nearness.dense_rank,
        word_rank=nearness.word_rank,
        rank=nearness.rank,
        rejected_by=(*text.rejected_by, *(name for name, failed in failures.items() if failed)),
    )


def _below(share: float | None, least: float) -> bool:
    return share is not None and share < least


def _fits(ratio: float, limits: StyleLimits, slack: float) -> bool:
    return limits.min_length_ratio <= ratio <= limits.max_length_ratio + slack
