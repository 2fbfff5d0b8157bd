"""Table schemas of the links between chunks of different domains."""

from __future__ import annotations

import polars as pl

CONCEPT_STRUCT = pl.Struct({"concept": pl.String, "weight": pl.Float64})

# One schema for the three ways of aligning, so that fusion treats them alike.
# `left_chunk` belongs to the domain that sorts first; `score` is the signal's own
# scale (higher is better) and `rank` its quantile (1.0 = best) among this signal's
# links of the same pair of domains.
LINKS_SCHEMA = pl.Schema(
    {
        "left_chunk": pl.String,
        "right_chunk": pl.String,
        "left_domain": pl.String,
        "right_domain": pl.String,
        "score": pl.Float64,
        "rank": pl.Float64,
        "concepts": pl.List(CONCEPT_STRUCT),  # shared concepts or terms; empty for semantic
        "cosine": pl.Float64,  # of the vectors; null for concept and lexical links
        "margin": pl.Float64,  # ratio margin of the signal's own similarity; null for concept links
    }
)

PAIRS_SCHEMA = pl.Schema(
    {
        "pair_id": pl.String,
        "left_chunk": pl.String,
        "right_chunk": pl.String,
        "left_book": pl.String,
        "right_book": pl.String,
        "left_domain": pl.String,
        "right_domain": pl.String,
        "concepts": pl.List(CONCEPT_STRUCT),  # shared concepts, or words where none is shared
        "concept_score": pl.Float64,
        "lexical_score": pl.Float64,
        "cosine": pl.Float64,  # of the vectors, centred on the mean of both domains
        "margin": pl.Float64,  # semantic ratio margin
        "margin_rank": pl.Float64,
        "score": pl.Float64,
        "signals": pl.List(pl.String),  # of: concept, lexical, semantic
        "explanation": pl.String,
    }
)

CANDIDATES_SCHEMA = pl.Schema(
    {
        "left_chunk": pl.String,
        "right_chunk": pl.String,
        "left_domain": pl.String,
        "right_domain": pl.String,
        "concepts": pl.List(CONCEPT_STRUCT),
        "words": pl.List(CONCEPT_STRUCT),
        "concept_score": pl.Float64,
        "lexical_score": pl.Float64,
        "cosine": pl.Float64,
        "margin": pl.Float64,
        "margin_rank": pl.Float64,
        "score": pl.Float64,
        "signals": pl.List(pl.String),
        "obstacle": pl.String,  # why it is refused whatever its score; null for most
    }
)

REFUSED_SCHEMA = pl.Schema(
    {
        "left_chunk": pl.String,
        "right_chunk": pl.String,
        "left_domain": pl.String,
        "right_domain": pl.String,
        "score": pl.Float64,
        "signals": pl.List(pl.String),
        "reason": pl.String,
    }
)
