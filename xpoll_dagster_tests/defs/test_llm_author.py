"""A language model as author, through the assets: who wrote what, the cache, a dead server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from typer.testing import CliRunner

from xpoll_dagster.cli import app
from xpoll_dagster.definitions import defs
from xpoll_dagster.defs.declaration import STEPS
from xpoll_dagster.defs.materialization import FORCE_TAG
from xpoll_dagster.defs.resources import Project
from xpoll_dagster.settings import get_settings
from xpoll_dagster_tests.writing.engines.fault_server import FaultServer

pytestmark = pytest.mark.slow

DEFINITIONS = defs()
BOOK = "history--towns"
TEXT = "\n\n".join(
    f"CHAPTER {n}\n\nThe council of Lübeck met in {1200 + n} to weigh the salt that came by river. "
    f"Each of the {n + 3} masters brought a tally stick, and the clerk wrote the sums into a "
    "ledger that was locked away in the church until the next spring, when the boats returned."
    for n in range(1, 7)
)


def _answer(body: dict[str, Any]) -> str:
    """A model that does as it is told, and invents a number in every paraphrase."""
    if body.get("response_format"):
        return json.dumps(
            {
                "questions": [
                    {
                        "answer": "a tally stick",
                        "question": "What did each master bring to the council of Lübeck?",
                        "difficulty": "easy",
                    }
                ]
            }
        )
    return "The council weighed 99 sacks of salt in Lübeck and kept its accounts in the church."


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    (tmp_path / "books" / "history").mkdir(parents=True)
    (tmp_path / "books" / "history" / "towns.txt").write_text(TEXT, encoding="utf-8")
    monkeypatch.setenv("XPOLL_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("XPOLL_AUTHOR", "openai")
    monkeypatch.setenv("XPOLL_OPENAI__MODEL", "tiny")
    monkeypatch.setenv("XPOLL_OPENAI__MAX_RETRIES", "1")
    monkeypatch.setenv("XPOLL_OPENAI__BACKOFF_S", "0.01")
    monkeypatch.setenv("XPOLL_OPENAI_API_KEY", "a-secret-key")
    monkeypatch.setenv("XPOLL_LLM__COMPLETION__PRICES__PROMPT_PER_MILLION", "2")
    get_settings.cache_clear()
    yield Project.of(get_settings())
    get_settings.cache_clear()


def _serve(monkeypatch: pytest.MonkeyPatch, server: FaultServer) -> Project:
    monkeypatch.setenv("XPOLL_OPENAI__BASE_URL", server.base_url)
    get_settings.cache_clear()
    return Project.of(get_settings())


def _run(job: str, *, force: bool = False) -> dg.ExecuteInProcessResult:
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("books", [BOOK])
        return DEFINITIONS.resolve_job_def(job).execute_in_process(
            instance=instance,
            partition_key=BOOK,
            tags={FORCE_TAG: str(force).lower()},
            raise_on_error=False,
        )


def test_rows_say_which_model_wrote_them_and_a_second_run_asks_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _run("books_job").success
    with FaultServer(answer=_answer, key="a-secret-key") as server:
        project = _serve(monkeypatch, server)
        estimate = CliRunner().invoke(app, ["estimate"])
        assert "questions" in estimate.output
        assert not server.calls
        result = _run("questions_job")
        assert result.success
        asked = len(server.calls)
        assert asked > 0
        found = project.store.read("questions", BOOK)
        texts = project.store.read("paraphrased_chunks", BOOK)
        assert set(found["author"]) == {"llm"}
        assert set(texts["model"]) == {"tiny"}
        assert found.filter("accepted").height >= 1
        # An invented number is caught, and said.
        assert not texts["accepted"].any()
        reasons = texts["rejected_by"].explode().drop_nulls().to_list()
        assert any("number" in reason for reason in reasons)
        numbers = project.store.get("questions", BOOK)
        assert numbers is not None
        assert numbers.numbers["n_requests"] > 0
        assert numbers.numbers["cost"] > 0
        before = found.select("id", "question", "accepted")
        assert _run("questions_job", force=True).success
        assert len(server.calls) == asked
        assert project.store.read("questions", BOOK).select(before.columns).equals(before)
    shown = CliRunner().invoke(app, ["cache"])
    assert "tiny" in shown.output
    assert "a-secret-key" not in shown.output + estimate.output


def test_an_edited_paragraph_costs_the_embedding_and_the_calls_of_its_chunk(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _run("books_job").success
    with FaultServer(answer=_answer, key="a-secret-key") as server:
        project = _serve(monkeypatch, server)
        assert _run("questions_job").success
        asked = len(server.calls)
        chunks = project.store.read("chunks", BOOK)
        (book,) = project.lineage.library.books.values()
        edited = TEXT.replace("met in 1204 to weigh the salt", "met in 1204 to tax the herring")
        assert edited != TEXT
        book.path.write_text(edited, encoding="utf-8")
        assert _run("books_job").success
        now = project.store.read("chunks", BOOK)
        assert now.height == chunks.height > 3
        assert now.join(chunks, on="chunk_id", how="anti").height == 1
        artifact = project.store.get("chunk_embeddings", BOOK)
        assert artifact is not None
        assert artifact.numbers["n_vectors"] == now.height
        assert artifact.numbers["n_embedded"] == 1
        assert _run("questions_job").success
        new = [json.dumps(call.body) for call in server.calls[asked:]]
        assert 0 < len(new) < asked / 2
        assert all("tax the herring" in body for body in new)


def test_a_server_that_is_down_fails_the_partition_with_a_sentence(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XPOLL_OPENAI__BASE_URL", "http://127.0.0.1:9/v1")
    get_settings.cache_clear()
    assert _run("books_job").success
    assert not _run("questions_job").success
    failure = Project.of(get_settings()).store.failure("questions", BOOK)
    assert failure is not None
    assert "127.0.0.1:9" in failure.message
    assert "Traceback" not in failure.message
    assert project.store.get("questions", BOOK) is None


@pytest.mark.usefixtures("project")
def test_another_model_makes_texts_stale_and_another_address_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    step = STEPS["questions"]
    before = step.version(get_settings())
    monkeypatch.setenv("XPOLL_OPENAI__BASE_URL", "http://127.0.0.1:8/v1")
    monkeypatch.setenv("XPOLL_OPENAI__CONCURRENCY", "3")
    get_settings.cache_clear()
    assert step.version(get_settings()) == before
    monkeypatch.setenv("XPOLL_OPENAI__MODEL", "another")
    get_settings.cache_clear()
    assert step.version(get_settings()) != before
