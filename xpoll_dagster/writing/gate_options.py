"""The thresholds of the gates: what a written row must measure to be accepted."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class TextGateOptions(BaseModel):
    """What any text must measure, whatever it is for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_repetition: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="Share of a text's runs of words that repeat an earlier run of it.",
    )
    language: bool = Field(
        default=True, description="Whether a text must be in the language of its source."
    )


class StyleLimits(BaseModel):
    """What a paraphrase of one style must keep, and how long it may be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_length_ratio: float = Field(
        default=0.4, ge=0, description="Words of the paraphrase for each word of the source."
    )
    max_length_ratio: float = Field(default=1.7, gt=0, description="The same, at most.")
    min_numbers_kept: float = Field(
        default=1.0, ge=0, le=1, description="Share of the source's numbers that it keeps."
    )
    min_names_kept: float = Field(
        default=1.0, ge=0, le=1, description="Share of the source's names that it keeps."
    )


def _styles() -> dict[str, StyleLimits]:
    return {
        "short": StyleLimits(
            min_length_ratio=0.1, max_length_ratio=1.0, min_numbers_kept=0.5, min_names_kept=0.5
        ),
        "medium": StyleLimits(),
        "long": StyleLimits(min_length_ratio=0.7, max_length_ratio=2.2),
    }


class ParaphraseGateOptions(BaseModel):
    """What a paraphrase must measure."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_source_words: int = Field(
        default=30,
        ge=1,
        description="Words of prose that a source needs: shorter ones are not paraphrased, "
        "for too many paraphrases of them no longer tell which source they are of.",
    )
    styles: dict[str, StyleLimits] = Field(
        default_factory=_styles, description="Limits by the name of the style."
    )
    other_style: StyleLimits = Field(
        default=StyleLimits(min_length_ratio=0.1, max_length_ratio=2.2, min_names_kept=0.5),
        description="Limits of a style that `styles` does not name.",
    )
    length_slack: int = Field(
        default=20,
        ge=0,
        description="Words by which a paraphrase may exceed its style's longest: plain words "
        "for a dense sentence take more room in a short source.",
    )
    max_copied: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Share of the paraphrase's runs of four words that stand in the source. "
        "The rules author is measured, but not rejected by it.",
    )
    min_edit_distance: float = Field(
        default=0.3,
        ge=0,
        le=1,
        description="Character edits from source to paraphrase by the length of the longer. "
        "The rules author is measured, but not rejected by it.",
    )
    similarity_quantile: float = Field(
        default=0.95,
        ge=0,
        le=1,
        description="A paraphrase must be closer to its own chunk than this share of random "
        "pairs of the book's chunks are to each other.",
    )
    max_rank: int = Field(
        default=1,
        ge=1,
        description="Rank of its own chunk among the book's chunks when the paraphrase is "
        "searched, dense and by words; the better of the two counts.",
    )


class QuestionGateOptions(BaseModel):
    """What a question and its answer must measure."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_words: int = Field(default=4, ge=1, description="Words of a question at least.")
    max_words: int = Field(default=60, ge=4, description="Words of a question at most.")
    max_answer_words: int = Field(
        default=40, ge=1, description="Words of an answer at most: longer ones explain."
    )
    max_copied_run: int = Field(
        default=8,
        ge=2,
        description="A question that copies a run of so many words of its passage is rejected "
        "where the run is also `max_copied_share` of it.",
    )
    max_copied_share: float = Field(
        default=0.85,
        ge=0,
        le=1,
        description="Share of a question's words that may be such a run: a technical question "
        "names its thing as the passage does, which is no copy.",
    )
    max_duplicate_similarity: float = Field(
        default=0.95,
        ge=0,
        le=1,
        description="Cosine above which two questions of a book with the same answer are "
        "taken for one.",
    )
    max_duplicate_words: float = Field(
        default=0.8,
        ge=0,
        le=1,
        description="Jaccard similarity of the words above which two questions of a book are "
        "taken for one; numbers must agree.",
    )
    min_entailment: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Probability that the passage entails question and answer, asked only "
        "where the answer is no span of it and an entailment model is given.",
    )
    max_rank: int = Field(
        default=50,
        ge=1,
        description="Rank of the chunk among the book's when the question is searched, dense "
        "and by words; the better of the two counts.",
    )
    common_answer_chunks: int = Field(
        default=3,
        ge=1,
        description="An answer that stands in more chunks of the book than this is common.",
    )
    common_answer_max_rank: int = Field(
        default=20, ge=1, description="Rank that the question of a common answer must reach."
    )
    min_source_words: int = Field(
        default=15, ge=1, description="Words of prose that a chunk needs to be asked about."
    )
    per_chunk: int = Field(default=2, ge=1, description="Questions asked about each chunk.")


class BridgeGateOptions(BaseModel):
    """What a text that a model wrote of two passages must measure."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_attributable: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="Share of the sentences whose numbers and names stand in the passages and "
        "whose words are enough of theirs.",
    )
    min_sentence_support: float = Field(
        default=0.25,
        ge=0,
        le=1,
        description="Share of a sentence's content words that stand in the passages or in "
        "what the row says of the books; sentences of fewer than six content words are free.",
    )
    min_side_terms: int = Field(
        default=3,
        ge=1,
        description="Content words that stand in one passage and not in the other which the "
        "text must take from each side.",
    )
    min_side_terms_of_answer: int = Field(
        default=2, ge=1, description="The same of a question with its answer."
    )


class GateOptions(BaseModel):
    """What a row must measure to be accepted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_words: int = Field(default=60, ge=1, description="A cross-domain row's fewest words.")
    min_words_standalone: int = Field(default=35, ge=1, description="A standalone row's.")
    max_words: int = Field(default=700, ge=1, description="Words of any row at most.")
    min_quoted_share: float = Field(
        default=0.4,
        ge=0,
        le=1,
        description="Share of the words that the books must supply where a row is made of "
        "quotations (the rules author's rows).",
    )
    max_repetition: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Share of the runs of six words outside the quotations that repeat an "
        "earlier run of the same row.",
    )
    min_turns: int = Field(default=4, ge=2, description="Turns of a cross-domain dialogue.")
    min_judge_score: float = Field(
        default=3.5,
        ge=0,
        description="Score that a row must reach where a judge is asked; the reference scale "
        "is 1 to 5 (MDCure).",
    )
    text: TextGateOptions = TextGateOptions()
    paraphrase: ParaphraseGateOptions = ParaphraseGateOptions()
    question: QuestionGateOptions = QuestionGateOptions()
    bridge: BridgeGateOptions = BridgeGateOptions()
