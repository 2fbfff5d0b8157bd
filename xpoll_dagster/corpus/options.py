"""Every knob of the training corpus, put together from those of its parts."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from xpoll_dagster.corpus.curriculum import CurriculumOptions
from xpoll_dagster.corpus.download import DownloadOptions
from xpoll_dagster.corpus.language_entropy import LanguageEntropyOptions
from xpoll_dagster.corpus.merge_options import MergeOptions
from xpoll_dagster.corpus.mirrors import MirrorOptions
from xpoll_dagster.corpus.mix_options import MixOptions
from xpoll_dagster.corpus.normalising import NormalisingOptions
from xpoll_dagster.corpus.preference_options import PreferenceOptions
from xpoll_dagster.corpus.reward_model import RewardModelOptions
from xpoll_dagster.corpus.verification import VerificationOptions


class CorpusOptions(BaseModel):
    """From a catalogue of datasets to mixes, preference pairs, mirrors and curricula."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    download: DownloadOptions = Field(
        default=DownloadOptions(), description="How datasets are fetched from the hub."
    )
    normalising: NormalisingOptions = Field(
        default=NormalisingOptions(), description="Files of any schema to rows of one."
    )
    verification: VerificationOptions = Field(
        default=VerificationOptions(), description="What a source must keep to."
    )
    merge: MergeOptions = Field(default=MergeOptions(), description="All sources to one corpus.")
    mix: MixOptions = Field(default=MixOptions(), description="What comes before a profile.")
    preferences: PreferenceOptions = Field(
        default=PreferenceOptions(), description="Which preference pairs are kept."
    )
    reward: RewardModelOptions = Field(
        default=RewardModelOptions(),
        description="The model that ranks several answers to one prompt as preference pairs.",
    )
    mirrors: MirrorOptions = Field(
        default=MirrorOptions(), description="Prompts answered in several voices."
    )
    curriculum: CurriculumOptions = Field(
        default=CurriculumOptions(), description="Rank and stage of a mix's rows."
    )
    language_entropy: LanguageEntropyOptions = Field(
        default=LanguageEntropyOptions(),
        description="The model that measures how surprising an output is, for curricula.",
    )
