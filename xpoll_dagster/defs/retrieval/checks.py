"""What must hold of the retrieval-RL dataset before anybody trains on it."""

import json

import dagster as dg
import polars as pl

from xpoll_dagster.defs.books.checks import verdict
from xpoll_dagster.defs.partitions import books_partitions
from xpoll_dagster.defs.resources import Project
from xpoll_dagster.retrieval.bundle import QUESTION_FILES
from xpoll_dagster.storage import hash_file


@dg.asset_check(asset="retrieval", blocking=True)
def questions_are_as_they_were(project: Project) -> dg.AssetCheckResult:
    """The bundle's questions are the built ones, byte for byte, whatever index lies beside."""
    built, bundle = (
        project.store.content(name, suffix="") for name in ("questions_json", "retrieval")
    )
    return verdict(
        [
            f"{name} differs from the one that was built"
            for name in QUESTION_FILES
            if hash_file(built / name) != hash_file(bundle / name)
        ]
    )


@dg.asset_check(asset="retrieval", blocking=True)
def numbering_agrees(project: Project) -> dg.AssetCheckResult:
    """Position 17 of the chunks is chunk_17, and every question names a chunk that is there."""
    bundle = project.store.content("retrieval", suffix="")
    table = pl.read_parquet(bundle / "chunks.parquet")
    wrong = table.with_row_index("place").filter(
        pl.col("chunk_id") != pl.format("chunk_{}", pl.col("place"))
    )
    known = set(table["chunk_id"])
    questions = json.loads((bundle / "questions.json").read_text(encoding="utf-8"))
    lost = [q for q in questions if not {q["chunk_id"], *q["gold_chunk_ids"]} <= known]
    breaks = [f"{wrong.height} chunks have another place than their number"] * bool(wrong.height)
    breaks += [f"{len(lost)} questions name a chunk that is not there"] * bool(lost)
    return verdict(breaks)


@dg.asset_check(asset="grpo_dataset", blocking=True)
def no_gold_chunk_in_two_splits(project: Project) -> dg.AssetCheckResult:
    """What is searched for in training is not searched for in testing."""
    rows = pl.concat(
        pl.read_parquet(file)
        for file in sorted((project.store.content("grpo_dataset", suffix="") / "trl").glob("*"))
    )
    shared = (
        rows.select("split", pl.col("gold_chunk_ids").alias("chunk"))
        .explode("chunk")
        .group_by("chunk")
        .agg(pl.col("split").n_unique())
        .filter(pl.col("split") > 1)
    )
    return verdict([f"{shared.height} chunks are gold in two splits"] * bool(shared.height))


@dg.asset_check(asset="questions", partitions_def=books_partitions)
def most_prose_chunks_have_a_question(
    context: dg.AssetCheckExecutionContext, project: Project
) -> dg.AssetCheckResult:
    """At least half of the chunks that were asked about have an accepted question."""
    breaks = []
    for key in context.partition_keys:
        artifact = project.store.get("questions", key)
        said = artifact.numbers if artifact else {}
        asked, found = said.get("n_chunks_asked", 0), said.get("n_chunks_with_question", 0)
        if asked and found < asked / 2:
            breaks.append(f"{key}: {found} of {asked} chunks have an accepted question")
    return verdict(breaks, dg.AssetCheckSeverity.WARN)
