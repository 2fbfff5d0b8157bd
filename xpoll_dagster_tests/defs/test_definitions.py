"""The asset graph as it is resolved: an accidental change of it fails here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from xpoll_dagster.definitions import defs
from xpoll_dagster.defs.declaration import STEPS

CHECKOUT = Path(__file__).resolve().parents[2]

GRAPH = {
    "book_pages": ("books", True, set()),
    "chunks": ("books", True, {"book_pages"}),
    "chunk_embeddings": ("books", True, {"chunks"}),
    "chunk_concepts": ("books", True, {"chunks"}),
    "concept_links": ("linking", False, {"chunks", "chunk_embeddings", "chunk_concepts"}),
    "lexical_links": ("linking", False, {"chunks", "chunk_embeddings"}),
    "semantic_links": ("linking", False, {"chunks", "chunk_embeddings"}),
    "cross_domain_pairs": (
        "linking",
        False,
        {"chunks", "chunk_embeddings", "concept_links", "lexical_links", "semantic_links"},
    ),
    "pair_texts": ("sft", True, {"cross_domain_pairs", "chunks", "chunk_concepts"}),
    "sft_dataset": (
        "sft",
        False,
        {"pair_texts", "cross_domain_pairs", "chunks", "chunk_concepts"},
    ),
    "probe_prompts": (
        "sft",
        False,
        {"sft_dataset", "cross_domain_pairs", "chunks", "chunk_concepts"},
    ),
    "hub_upload": ("sft", False, {"sft_dataset"}),
    "probe_results": ("sft", False, {"probe_prompts"}),
    "report": (
        "report",
        False,
        {
            "book_pages",
            "chunks",
            "chunk_embeddings",
            "chunk_concepts",
            "cross_domain_pairs",
            "pair_texts",
            "sft_dataset",
            "paraphrased_chunks",
            "questions",
            "retrieval",
            "retrieval_scores",
            "merged_corpus",
            "profile_mix",
        },
    ),
    "instruct_source": ("corpus", True, {"sft_dataset", "questions"}),
    "merged_corpus": ("corpus", False, {"instruct_source"}),
    "preference_pairs": ("corpus", False, {"instruct_source", "merged_corpus"}),
    "persona_mirrors": ("corpus", False, {"merged_corpus"}),
    "profile_mix": ("corpus", True, {"merged_corpus"}),
    "curriculum": ("corpus", True, {"profile_mix"}),
    "paraphrased_chunks": (
        "retrieval",
        True,
        {"chunks", "chunk_embeddings", "chunk_concepts"},
    ),
    "questions": ("retrieval", True, {"chunks", "chunk_embeddings", "chunk_concepts"}),
    "chunks_pkl": ("retrieval", False, {"chunks"}),
    "questions_json": ("retrieval", False, {"chunks_pkl", "chunk_embeddings", "questions"}),
    "faiss_index": ("retrieval", False, {"chunks_pkl", "chunk_embeddings", "paraphrased_chunks"}),
    "retrieval": ("retrieval", False, {"chunks_pkl", "questions_json", "faiss_index"}),
    "retrieval_scores": ("retrieval", False, {"retrieval"}),
    "grpo_dataset": ("retrieval", False, {"retrieval", "retrieval_scores"}),
}

BLOCKING_CHECKS = {
    "chunks": {"chunks_give_the_text_back", "chunk_ids_are_unique"},
    "chunk_embeddings": {"every_chunk_has_its_vector"},
    "cross_domain_pairs": {"pairs_cross_domains", "pairs_have_their_evidence"},
    "merged_corpus": {"rows_conserve", "every_removed_row_has_its_winner"},
    "retrieval": {"questions_are_as_they_were", "numbering_agrees"},
    "grpo_dataset": {"no_gold_chunk_in_two_splits"},
    "sft_dataset": {"no_chunk_in_two_splits", "provenance_resolves", "rows_are_unique"},
}


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return defs()


def test_definitions_load(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)


def test_the_graph_is_the_designed_one(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    found = {
        key.to_user_string(): (
            node.group_name,
            node.partitions_def is not None,
            {parent.to_user_string() for parent in node.parent_keys},
        )
        for key in graph.get_all_asset_keys()
        for node in [graph.get(key)]
    }
    assert found == GRAPH


def test_every_asset_says_what_it_is(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description, key
        assert node.owners == ["team:xpoll"], key
        assert node.kinds, key
        assert node.code_version, key


def test_steps_and_assets_agree(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for name, step in STEPS.items():
        parents = {key.to_user_string() for key in graph.get(dg.AssetKey(name)).parent_keys}
        assert {*step.inputs, *step.optional, *step.after} == parents


def test_what_would_poison_what_follows_blocks(definitions: dg.Definitions) -> None:
    blocking: dict[str, set[str]] = {}
    for check in definitions.resolve_asset_graph().asset_check_keys:
        spec = definitions.resolve_asset_graph().get_check_spec(check)
        if spec.blocking:
            blocking.setdefault(check.asset_key.to_user_string(), set()).add(check.name)
    assert blocking == BLOCKING_CHECKS


def test_checks_of_a_book_are_partitioned_like_it(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for check in graph.asset_check_keys:
        asset = graph.get(check.asset_key)
        assert (graph.get(check).partitions_def is None) == (asset.partitions_def is None), check


def test_loading_definitions_imports_no_heavy_library() -> None:
    script = (
        "import sys; from xpoll_dagster.definitions import defs; defs()\n"
        "heavy = {'torch', 'spacy', 'faiss', 'sklearn', 'scipy', 'datasets', 'pymupdf',"
        " 'matplotlib', 'transformers', 'sentence_transformers', 'vllm', 'ray'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=CHECKOUT
    )
    assert done.stdout.strip() == "[]"


def test_the_workspace_file_names_this_code_location() -> None:
    text = (CHECKOUT / "workspace.yaml").read_text(encoding="utf-8")
    assert "xpoll_dagster.definitions" in text
