"""Evaluation prompts from held-out pairs, with the passages a good answer would draw on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

import polars as pl

from xpoll_dagster.sft.options import SftOptions
from xpoll_dagster.sft.splits import TEST, VALIDATION
from xpoll_dagster.writing.model import BookInfo

PROBES_SCHEMA = pl.Schema(
    {
        "id": pl.String,
        "prompt": pl.String,
        "form": pl.String,
        "concept_left": pl.String,
        "concept_right": pl.String,
        "shared_concepts": pl.List(pl.String),
        "domains": pl.List(pl.String),
        "titles": pl.List(pl.String),
        "reference_chunk_ids": pl.List(pl.String),
        "reference_passages": pl.List(pl.String),
        "pages": pl.List(pl.List(pl.Int64)),
        "pair_id": pl.String,
        "split": pl.String,
    }
)

# What is asked: each form is another task, not another wording.
_FORMS: dict[str, str] = {
    "analogy": "Draw an analogy between {left} in {left_domain} and {right} in {right_domain}. "
    "Say which part of the one answers to which part of the other, and where the analogy ends.",
    "shared concept": "How does {shared} appear in {left_domain} and in {right_domain}? Give one "
    "example from each field and say what they have in common.",
    "transfer": "A student of {left_domain} has understood {left}. Use it to explain {right}, as "
    "{right_domain} knows it.",
    "contrast": "Compare how {left_domain} comes to know about {left} with how {right_domain} "
    "comes to know about {right}.",
}


def probe_prompts(
    splits: Mapping[str, pl.DataFrame],
    pairs: pl.DataFrame,
    chunks: pl.DataFrame,
    concepts: pl.DataFrame,
    books: Mapping[str, BookInfo],
    options: SftOptions,
) -> pl.DataFrame:
    """Make prompts from the pairs of the test split, then of validation; `PROBES_SCHEMA`.

    The concepts of a prompt are the most telling of each passage that the other lacks (its
    rarest concept in the library that it names most), so that an answer has to make the way
    from one to the other. Every pair gives one prompt of each form that it has concepts for,
    all pairs the first form before any the second, until `max_probes`.
    """
    held_out = pl.concat(
        [
            splits[split]
            .filter("cross_domain")
            .select("pair_id")
            .unique(maintain_order=True)
            .with_columns(split=pl.lit(split))
            for split in (TEST, VALIDATION)
            if split in splits
        ]
        or [pl.DataFrame(schema={"pair_id": pl.String, "split": pl.String})]
    ).join(pairs, on="pair_id", how="inner", maintain_order="left")
    needed = set(held_out["left_chunk"]) | set(held_out["right_chunk"])
    passages = {
        row["chunk_id"]: row
        for row in chunks.filter(pl.col("chunk_id").is_in(list(needed))).iter_rows(named=True)
    }
    salient = _salient(concepts, needed)
    by_form: dict[str, list[dict[str, object]]] = {form: [] for form in _FORMS}
    for pair in held_out.iter_rows(named=True):
        for probe in _probes(pair, passages, salient, books):
            by_form[str(probe["form"])].append(probe)
    depth = max((len(probes) for probes in by_form.values()), default=0)
    found = [probe for probes in by_form.values() for probe in probes]
    order = {id(probe): (i // max(1, depth), i) for i, probe in enumerate(found)}
    chosen, seen = [], set()
    for probe in sorted(found, key=lambda probe: order[id(probe)]):
        if probe["prompt"] not in seen:
            seen.add(probe["prompt"])
            chosen.append(probe)
    return pl.DataFrame(chosen[: options.max_probes], schema=PROBES_SCHEMA)


def _salient(concepts: pl.DataFrame, needed: set[str]) -> dict[str, list[tuple[str, str]]]:
    """Each chunk's concepts as (normalised, as printed), the most telling first."""
    spread = concepts.group_by("concept").agg(pl.col("chunk_id").n_unique().alias("_spread"))
    ranked = (
        concepts.filter(pl.col("chunk_id").is_in(list(needed)))
        .join(spread, on="concept")
        .with_columns(
            # Named more often here and found in fewer chunks: tf-idf without a corpus size.
            _weight=pl.col("count")
            / (1 + pl.col("_spread")).log()
            * pl.when(pl.col("concept").str.contains(" ")).then(1.5).otherwise(1.0)
        )
        .sort("_weight", "concept", descending=[True, False])
        .group_by("chunk_id", maintain_order=True)
        .agg(pl.struct("concept", "surface").alias("found"))
    )
    return {
        chunk: [(each["concept"], each["surface"]) for each in found]
        for chunk, found in ranked.iter_rows()
    }


def _probes(
    pair: Mapping[str, object],
    passages: Mapping[str, Mapping[str, object]],
    salient: Mapping[str, list[tuple[str, str]]],
    books: Mapping[str, BookInfo],
) -> Iterator[dict[str, object]]:
    left_id, right_id = str(pair["left_chunk"]), str(pair["right_chunk"])
    left_own = salient.get(left_id, [])
    right_own = salient.get(right_id, [])
    shared_names = {name for name, _ in left_own} & {name for name, _ in right_own}
    left = next((printed for name, printed in left_own if name not in shared_names), "")
    right = next((printed for name, printed in right_own if name not in shared_names), "")
    shared = [printed for name, printed in left_own if name in shared_names]
    left_passage, right_passage = passages[left_id], passages[right_id]
    for form, template in _FORMS.items():
        if form == "shared concept" and not shared:
            continue
        if form != "shared concept" and not (left and right):
            continue
        prompt = template.format(
            left=left,
            right=right,
            shared=shared[0] if shared else "",
            left_domain=pair["left_domain"],
            right_domain=pair["right_domain"],
        )
        yield {
            "id": "probe-" + hashlib.sha256(prompt.encode()).hexdigest()[:12],
            "prompt": prompt,
            "form": form,
            "concept_left": left,
            "concept_right": right,
            "shared_concepts": shared,
            "domains": [pair["left_domain"], pair["right_domain"]],
            "titles": [books[str(side["book"])].title for side in (left_passage, right_passage)],
            "reference_chunk_ids": [left_id, right_id],
            "reference_passages": [left_passage["passage"], right_passage["passage"]],
            "pages": [
                [side["page_start"], side["page_end"]] for side in (left_passage, right_passage)
            ],
            "pair_id": pair["pair_id"],
            "split": pair["split"],
        }
