"""Every knob of linking, with its meaning and its default.

Nothing here reads the environment, and no other module of this package holds a
threshold of its own.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

Share = Field(ge=0.0, le=1.0)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ConceptOptions(_Frozen):
    """Links by shared concepts (names, key terms, defined terms)."""

    max_share: float = Field(default=0.02, gt=0.0, le=1.0)
    """A concept in more than this share of a book's passages says nothing there."""
    min_allowed: int = Field(default=3, ge=1)
    """A concept in at most this many passages of a book is never too common."""
    min_shared: int = Field(default=2, ge=1)
    """So many shared concepts make a link; one rare concept of several words is enough."""
    rare_share: float = Field(default=0.005, ge=0.0, le=1.0)
    """A concept is rare in a book where at most this share of the passages has it (or
    `min_allowed` passages)."""
    homonym_quantile: float = Field(default=0.90, ge=0.0, le=1.0)
    """The two passages must be closer than this quantile of random pairs of passages."""
    per_chunk: int = Field(default=10, ge=1)
    """Links kept for each passage and each other domain."""


class LexicalOptions(_Frozen):
    """Links by shared words: TF-IDF over single words and pairs of words."""

    max_share: float = Field(default=0.1, gt=0.0, le=1.0)
    """Words in more than this share of a book's passages are not compared there."""
    min_allowed: int = Field(default=3, ge=1)
    """A word in at most this many passages of a book is never too common."""
    idf_power: float = Field(default=1.5, gt=0.0)
    """Exponent of the inverse document frequency: above 1, rare words count more."""
    features: int = Field(default=80, ge=5)
    """The heaviest words and pairs of words of a passage that are compared."""
    floor: float = Field(default=0.04, gt=0.0, lt=1.0)
    """Similarities below this are taken for none."""
    min_shared: int = Field(default=2, ge=1)
    """So many different words must be shared."""
    per_chunk: int = Field(default=10, ge=1)
    """Links kept for each passage and each other domain."""
    neighbours: int = Field(default=4, ge=1)
    """Neighbours that set a passage's own level for the ratio margin."""
    denominator_floor: float = Field(default=0.05, gt=0.0)
    """The margin's denominator is never smaller: a tiny one would inflate the ratio."""


class SemanticOptions(_Frozen):
    """Links by sentence embeddings: cosine corrected for hubs by the ratio margin."""

    candidates: int = Field(default=12, ge=1)
    """Nearest passages of each book of the other domain looked at, in both directions."""
    neighbours: int = Field(default=4, ge=1)
    """Neighbours that set a passage's own level for the ratio margin."""
    per_chunk: int = Field(default=10, ge=1)
    """Links kept for each passage and each other domain, by margin."""
    centre: bool = False
    """Subtract each book's mean vector before searching. The margin corrects for hubs by
    itself and does so better without; an embedder whose cosines all lie near 1 needs it. The
    guard against chance always centres."""
    denominator_floor: float = Field(default=0.1, gt=0.0)
    """The margin's denominator is never smaller: a tiny one would inflate the ratio."""


class FusionOptions(_Frozen):
    """Weights of the fused score; see `fusion` for how they were found."""

    margin: float = Field(default=1.0, ge=0.0)
    """Weight of the semantic ratio margin."""
    lexical: float = Field(default=0.15, ge=0.0)
    """Weight of the lexical ratio margin."""
    concept: float = Field(default=0.01, ge=0.0)
    """Weight of the shared concepts (square root of their score, divided by 10)."""
    temperature: float = Field(default=0.07, gt=0.0)
    """Evidence of this size makes a candidate e times as likely to be chosen as another."""


class SelectionOptions(_Frozen):
    """Which of the linked passages become pairs."""

    min_signals: int = Field(default=2, ge=1, le=3)
    """Independent signals that must support a pair."""
    signal_quantile: float = Field(default=0.5, ge=0.0, le=1.0)
    """A signal supports a pair when its rank within the pair of domains is at least this."""
    min_closeness: float = 5.0
    """The cosine must lie so many deviations above that of random pairs of passages."""
    independent_words: int = Field(default=2, ge=0)
    """Shared words outside all shared concepts that make lexical support independent."""
    score_quantile: float = Field(default=0.3, ge=0.0, le=1.0)
    """Of the supported candidates, this share with the lowest score is refused."""
    per_chunk: int = Field(default=3, ge=1)
    """Pairs a passage may take part in."""
    max_pairs: int | None = Field(default=None, ge=1)
    """Pairs in all; unset, no bound but the others."""
    max_share: float = Field(default=0.3, gt=0.0, le=1.0)
    """No pair of domains gets more than this share of all pairs (where others can fill in)."""
    min_per_domains: int = Field(default=5, ge=0)
    """The best supported pairs of each pair of domains, heard whatever the others score."""
    duplicate_cosine: float = Field(default=0.95, gt=0.0, le=1.0)
    """Passages closer than this say the same thing in the same words."""
    duplicate_overlap: float = Field(default=0.3, gt=0.0, le=1.0)
    """Share of common five-word runs (Jaccard) from which two passages are duplicates."""


class LinkingOptions(_Frozen):
    """All options of linking."""

    min_words: int = Field(default=40, ge=1)
    """Shorter passages are not linked."""
    kinds: tuple[str, ...] = ("prose",)
    """Kinds of chunks that are linked."""
    random_pairs: int = Field(default=10_000, ge=100)
    """Random pairs of passages that say what chance looks like."""
    seed: int = 0
    """Of the pairs drawn by chance; another seed draws others."""
    concept: ConceptOptions = ConceptOptions()
    lexical: LexicalOptions = LexicalOptions()
    semantic: SemanticOptions = SemanticOptions()
    fusion: FusionOptions = FusionOptions()
    selection: SelectionOptions = SelectionOptions()
