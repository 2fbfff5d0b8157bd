import csv
import json
import pickle
import shutil
import warnings
from ast import literal_eval
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from xpoll_dagster.books.embedding import load_embedder
from xpoll_dagster.retrieval.bundle import Bundle, write_index
from xpoll_dagster.retrieval.chunk_table import chunk_table
from xpoll_dagster.retrieval.errors import RetrievalError
from xpoll_dagster.retrieval.index import build_index
from xpoll_dagster.retrieval.stored import read_index
from xpoll_dagster.storage import hash_file
from xpoll_dagster_tests.retrieval.library import BOOKS, Built, chunks


def langchain_store(folder: Path) -> Any:
    community = pytest.importorskip("langchain_community.vectorstores")
    embeddings = pytest.importorskip("langchain_core.embeddings")

    class Ours(embeddings.Embeddings):
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return load_embedder().encode(texts).tolist()

        def embed_query(self, text: str) -> list[float]:
            return self.embed_documents([text])[0]

    return community.FAISS.load_local(
        str(folder / "faiss_index"), Ours(), allow_dangerous_deserialization=True
    )


def test_langchain_searches_the_index(built: Built):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        store = langchain_store(built.folder)
        found = store.similarity_search("When was the bell of Fenwick cast?", k=3)
    assert "bell of Fenwick" in found[0].page_content
    assert found[0].metadata["chunk_id"] == found[0].id
    everything = store.similarity_search("sheep", k=100)
    copies = [document for document in everything if document.metadata["is_paraphrase"]]
    assert len(everything) == built.noisy.index.rows.height
    assert len(copies) == 7
    assert all(document.metadata["style"] == "short" for document in copies)


def test_a_client_unpickles_documents_by_position(built: Built):
    documents_of = pytest.importorskip("langchain_core.documents")
    with (built.folder / "chunks.pkl").open("rb") as stream:
        documents = pickle.load(stream)
    questions = json.loads((built.folder / "questions.json").read_text("utf-8"))
    assert questions
    for question in questions:
        place = int(question["chunk_id"].removeprefix("chunk_"))
        document = documents[place]
        assert isinstance(document, documents_of.Document)
        assert document.metadata["chunk_id"] == question["chunk_id"]
        assert question["answer"] in document.page_content
        assert question["difficulty"] in {"easy", "medium", "hard"}
        assert {"question", "book", "page_start", "alternates", "measures"} <= set(question)
    whole = documents_of.Document(
        id=documents[0].id,
        page_content=documents[0].page_content,
        metadata=documents[0].metadata,
    )
    assert documents[0] == whole
    assert documents[0].model_copy(update={"id": "x"}).id == "x"
    assert pickle.loads(pickle.dumps(documents[0])) == documents[0]


def test_the_other_files_are_shaped_as_the_reference_has_them(built: Built):
    with (built.folder / "chunks.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["chunk_id", "content", "metadata"]
    assert [row["chunk_id"] for row in rows] == [str(n) for n in range(len(rows))]
    assert literal_eval(rows[3]["metadata"]) == json.loads(rows[3]["metadata"])
    lines = (built.folder / "questions.jsonl").read_text("utf-8").splitlines()
    for line in map(json.loads, lines):
        assert list(line) == ["id", "question", "answer", "supporting_paragraphs"]
        assert line["supporting_paragraphs"][0] in rows[int(line["id"])]["content"]


def test_rebuilding_the_index_leaves_the_questions_alone(built: Built, tmp_path: Path):
    folder = tmp_path / "bundle"
    shutil.copytree(built.folder, folder)
    before = hash_file(folder / "questions.json")
    shutil.rmtree(folder / "faiss_index")
    write_index(built.clean.index, folder / "faiss_index")
    assert hash_file(folder / "questions.json") == before
    bundle = Bundle.load(folder)
    assert not any(result.is_paraphrase for result in bundle.search("fleece of the sheep", 30))


@pytest.mark.slow
def test_the_same_input_gives_the_same_bytes(built: Built, tmp_path: Path):
    from xpoll_dagster_tests.retrieval.library import build

    build(tmp_path)
    for name in ("chunks.pkl", "chunks.csv", "questions.json", "faiss_index/index.pkl"):
        assert hash_file(tmp_path / name) == hash_file(built.folder / name), name


def test_a_loaded_bundle_searches_as_it_was_built(built: Built):
    bundle = Bundle.load(built.folder)
    query = "How many turns does the diamond knot take?"
    assert bundle.search(query, 4) == built.noisy.search(query, 4)
    assert bundle.questions.height == built.questions.height


class Other:
    model = "another-model@float32"
    sha256 = "0" * 64
    dimensions = 384
    max_tokens = 256


def test_another_embedder_is_refused(built: Built):
    with pytest.raises(RetrievalError, match="was built with all-MiniLM"):
        Bundle.load(built.folder, Other())  # type: ignore[arg-type]


def test_an_index_over_other_chunks_is_refused(built: Built):
    fewer = chunk_table(chunks().filter(pl.col("book") != "single--one"), BOOKS)
    with pytest.raises(RetrievalError, match="over other chunks"):
        read_index(built.folder / "faiss_index", fewer)


def test_questions_about_other_chunks_are_refused(built: Built, tmp_path: Path):
    folder = tmp_path / "bundle"
    shutil.copytree(built.folder, folder)
    questions = pl.read_parquet(folder / "questions.parquet")
    moved = questions.with_columns(stable_id=pl.lit("farming--hill-sheep-of-old"))
    moved.write_parquet(folder / "questions.parquet")
    with pytest.raises(RetrievalError, match="materialise questions_json again"):
        Bundle.load(folder)
    (folder / "questions.parquet").write_bytes(b"no table")
    with pytest.raises(RetrievalError, match="cannot be read as a table of questions"):
        Bundle.load(folder)


def test_a_damaged_bundle_is_named(built: Built, tmp_path: Path):
    folder = tmp_path / "bundle"
    shutil.copytree(built.folder, folder)
    (folder / "faiss_index" / "index.json").write_text("{")
    with pytest.raises(RetrievalError, match="materialise faiss_index again"):
        Bundle.load(folder)
    (folder / "chunks.parquet").write_bytes(b"no table")
    with pytest.raises(RetrievalError, match="materialise chunks_pkl again"):
        Bundle.load(folder)


def test_vectors_of_two_models_are_refused(built: Built):
    table = built.clean.index.table
    vectors = pl.DataFrame(
        {
            "chunk_id": table["stable_id"],
            "embedding": pl.Series(
                [[1.0] + [0.0] * 3] * table.height, dtype=pl.Array(pl.Float32, 4)
            ),
            "model": ["one@int8"] + ["two@int8"] * (table.height - 1),
            "model_sha256": ["a"] + ["b"] * (table.height - 1),
        }
    )
    with pytest.raises(RetrievalError, match="different models"):
        build_index(table, vectors)


def test_a_library_without_text_is_refused():
    with pytest.raises(RetrievalError, match="No chunk"):
        chunk_table(chunks().with_columns(text=pl.lit(" \n")), BOOKS)
