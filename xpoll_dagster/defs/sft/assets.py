"""Texts of pairs and of single passages, the dataset made of them, and its probe prompts."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from xpoll_dagster.defs.authors import Writer, write_each
from xpoll_dagster.defs.declaration import declare
from xpoll_dagster.defs.linking import assets as linking  # declares what this package builds on
from xpoll_dagster.defs.materialization import Built, materialise
from xpoll_dagster.defs.metadata import (
    bar_chart,
    card,
    heat_map,
    sample_table,
    table_facts,
    written_by,
)
from xpoll_dagster.defs.resources import Project
from xpoll_dagster.defs.several_partitions import MANY_PARTITIONS_A_RUN, ManyResults
from xpoll_dagster.sft.assemble import assemble
from xpoll_dagster.sft.hub import HubError, push
from xpoll_dagster.sft.model import EmptyDatasetError, SftResult
from xpoll_dagster.sft.probes import probe_prompts as make_probes
from xpoll_dagster.sft.save import save_dataset
from xpoll_dagster.writing.pair_texts import load_passages, write_pair_texts

__all__ = [
    "hub_upload",
    "linking",
    "pair_texts",
    "probe_prompts",
    "sft_dataset",
]


def _describe_texts(path: Path) -> Mapping[str, Any]:
    texts = pl.read_parquet(path)
    rejected = texts.filter(~pl.col("accepted"))
    columns = ["id", "kind", "text", "instruction", "response"]
    return {
        **table_facts(texts, partition=True),
        "written_by": written_by(texts),
        "sample": sample_table(texts.filter("accepted").select(columns), 6),
        "rejected": sample_table(rejected.select("id", "kind", "rejected_by", "text"), 10),
    }


@dg.asset(
    **declare(
        "pair_texts",
        group="sft",
        code=1,
        inputs=["cross_domain_pairs", "chunks", "chunk_concepts"],
        options=lambda s: [s.writing, *s.authorship],
        partitioned_by="book",
        reads_library=True,
        kinds={"python", "parquet"},
        pool="gpu",
        backfill_policy=MANY_PARTITIONS_A_RUN,
    )
)
def pair_texts(context: dg.AssetExecutionContext, project: Project) -> ManyResults:
    """Expository text, question and answer, and dialogue of each pair, accepted or rejected.

    A partition holds the pairs whose first passage stands in its book.
    """

    def write(book: str, writer: Writer) -> tuple[pl.DataFrame, Mapping[str, Any]]:
        pairs = project.store.scan("cross_domain_pairs")
        own = pairs.filter(pl.col("left_book") == book).collect()
        ids = pl.concat([own["left_chunk"], own["right_chunk"].alias("left_chunk")]).unique()
        wanted = pl.col("chunk_id").is_in(ids.implode())
        chunks = project.read_books("chunks").filter(wanted).collect()
        concepts = project.read_books("chunk_concepts").filter(wanted).collect()
        books = project.book_infos()
        texts = write_pair_texts(
            own,
            chunks,
            books,
            writer.author,
            project.settings.writing_with_notes,
            concepts,
            writer.bridge_judge(load_passages(chunks, ids, books, concepts)),
        )
        return texts, {"n_pairs": own.height}

    yield from write_each(context, project, write, _describe_texts)


def _assemble(project: Project) -> SftResult:
    return assemble(
        project.read_all("pair_texts").collect(),
        project.store.read("cross_domain_pairs"),
        project.read_books("chunks").collect(),
        project.book_infos(),
        project.settings.sft_with_writing,
        project.read_books("chunk_concepts").collect(),
    )


@dg.asset(
    **declare(
        "sft_dataset",
        group="sft",
        code=1,
        inputs=["pair_texts", "cross_domain_pairs", "chunks", "chunk_concepts"],
        options=lambda s: [s.sft, s.writing],
        folder=True,
        kinds={"huggingface", "parquet"},
    )
)
def sft_dataset(context: dg.AssetExecutionContext, project: Project) -> dg.MaterializeResult:
    """The dataset: balanced, shuffled, split without leaks; Hugging Face, Parquet and card."""

    def build() -> Built:
        result = _assemble(project)
        if not result.rows:
            raise EmptyDatasetError(
                "No two passages of different domains could be linked and written about, so the "
                "dataset would be empty: add longer books, or books of another domain."
            )
        report = result.report
        return Built(
            lambda folder: save_dataset(result, folder),
            {
                "n_rows": report["rows"],
                "n_left_out": result.left_out.height,
                **{f"n_{split}": count for split, count in report["rows_by_split"].items()},
            },
        )

    def describe(path: Path) -> Mapping[str, Any]:
        report = json.loads((path / "report.json").read_text(encoding="utf-8"))
        rows = pl.read_parquet(sorted((path / "parquet").glob("*.parquet")))
        pairs = {
            (left, right): count
            for name, count in report["by_domain_pair"].items()
            for left, _, right in [name.partition(" + ")]
        }
        columns = ["id", "format", "domains", "text", "score"]
        return {
            **table_facts(rows, rows=report["rows"]),
            "report": dg.MetadataValue.json(report),
            "card": card(path),
            "sample": sample_table(rows.select(columns)),
            "formats": bar_chart(report["by_format"], "Rows per format"),
            "domains": heat_map(pairs, "Cross-domain rows per pair of domains"),
        }

    return materialise(context, project, build, describe)


@dg.asset(
    **declare(
        "probe_prompts",
        group="sft",
        code=1,
        inputs=["sft_dataset", "cross_domain_pairs", "chunks", "chunk_concepts"],
        options=lambda s: [s.sft],
        kinds={"python", "parquet"},
    )
)
def probe_prompts(context: dg.AssetExecutionContext, project: Project) -> dg.MaterializeResult:
    """Held-out prompts that ask for links between domains, with the passages to draw on."""

    def build() -> Built:
        probes = make_probes(
            project.store.read("cross_domain_pairs"),
            project.dataset_splits(),
            project.read_books("chunks").collect(),
            project.book_infos(),
            project.settings.sft_with_writing,
            project.read_books("chunk_concepts").collect(),
        )
        return Built(
            probes, {"n_probes": probes.height, "n_held_out_pairs": probes["pair_id"].n_unique()}
        )

    def describe(path: Path) -> Mapping[str, Any]:
        probes = pl.read_parquet(path)
        return {
            **table_facts(probes),
            "sample": sample_table(probes, 12),
        }

    return materialise(context, project, build, describe)


@dg.asset(
    **declare(
        "hub_upload",
        group="sft",
        code=1,
        inputs=["sft_dataset"],
        on_demand=True,
        kinds={"huggingface"},
    )
)
def hub_upload(project: Project) -> dg.MaterializeResult:
    """Push the dataset to the Hugging Face hub as a private repository; only on demand.

    Needs XPOLL_HUB_REPOSITORY and, from the environment, HF_TOKEN.
    """
    artifact = project.store.get("sft_dataset", suffix="")
    if artifact is None:
        raise dg.Failure("The dataset is not built yet: materialise sft_dataset first.")
    settings = project.settings
    try:
        address = push(
            artifact.path, settings.hub_repository, settings.hub_token.get_secret_value()
        )
    except HubError as error:
        raise dg.Failure(str(error), allow_retries=False) from None
    return dg.MaterializeResult(metadata={"address": dg.MetadataValue.url(address)})
