"""Every knob of source tables and of the merge, with its meaning and its default."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from xpoll_dagster.corpus.shards import Compression


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class SourceOptions(_Frozen):
    """How the rows of a source lie on disk."""

    shard_rows: int = Field(default=50_000, ge=1)
    """Rows in a shard, at most."""
    shard_bytes: int = Field(default=128 << 20, ge=1 << 16)
    """Bytes of text in a shard, at most (a single larger row stands alone)."""
    compression: Compression = "lz4"
    """Of the shards, in the sources and in the merged corpus. `zstd` takes two thirds of the
    space of `lz4` and half as long again to write; `uncompressed` takes nearly twice the space
    and a quarter of the processor's time, which pays on a fast disk."""
    threads: int = Field(default=2, ge=1)
    """Shards written at the same time, each in memory until it is on disk."""


class NearDuplicateOptions(_Frozen):
    """Rows that say the same with a few words changed.

    MinHash over runs of `words` words finds candidates (Broder 1997; banding as in Leskovec,
    Rajaraman & Ullman, Mining of Massive Datasets, ch. 3); each is then compared word by word.
    Rows that differ in a number, an operator or a negation are never merged.
    """

    words: int = Field(default=2, ge=1, le=13)
    """Length of the runs of words in rows of `short_tokens` words or more. One word in twenty
    changed leaves a Jaccard overlap of .60 with runs of five, .82 with runs of two: only the
    short runs find such rows."""
    characters: int = Field(default=5, ge=2, le=32)
    """Length of the runs of characters in shorter rows."""
    short_tokens: int = Field(default=30, ge=1)
    """Rows with fewer words than this are compared by runs of characters."""
    min_tokens: int = Field(default=8, ge=1)
    """Rows with fewer words have exact duplicates only."""
    bands: int = Field(default=16, ge=1, le=64)
    """Bands of the signature: one that agrees makes two rows candidates."""
    band_size: int = Field(default=8, ge=1, le=32)
    """Hashes in a band."""
    similarity: float = Field(default=0.90, gt=0.0, le=1.0)
    """Least similarity of the whole rows: the share of words that stand in both in the same
    order (twice the longest common subsequence over the sum of the lengths)."""
    prompt_similarity: float = Field(default=0.80, gt=0.0, le=1.0)
    """Least similarity of instruction with input, likewise."""
    output_similarity: float = Field(default=0.80, gt=0.0, le=1.0)
    """Least similarity of the outputs, likewise."""
    max_tokens: int = Field(default=2_000, ge=100)
    """Words of a text that are compared; the rest must be equal."""
    rows_at_once: int = Field(default=200_000, ge=1_000)
    """Candidates whose texts are held in memory at a time."""


class DecontaminationOptions(_Frozen):
    """Rows that give away a test's question or answer.

    The rules are those of GPT-3 (runs of 13 words; Brown et al. 2020, appendix C) and of
    Tulu 3 (more than half of the test's runs of 8 words; Lambert et al. 2024).
    """

    long_run: int = Field(default=13, ge=2)
    """One run of so many words in common with a test removes a row."""
    short_run: int = Field(default=8, ge=2)
    """Length of the runs whose share is measured."""
    share: float = Field(default=0.5, gt=0.0, le=1.0)
    """A row that holds more than this share of a test's short runs is removed."""


class MergeOptions(_Frozen):
    """The merge of all sources into one corpus."""

    near_duplicates: bool = False
    """Whether rows with a few words changed are merged too; exact copies always are."""
    near: NearDuplicateOptions = NearDuplicateOptions()
    decontamination: DecontaminationOptions = DecontaminationOptions()
    jsonl: Literal["none", "plain", "zstd"] = "plain"
    """Whether `merged_global_corpus.jsonl` is written beside the Parquet shards."""
    threads: int = Field(default=2, ge=1)
    """Shards written at the same time."""
