"""The main job as a user runs it: the command line, on sample books and a broken one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
SAMPLES = CHECKOUT / "data" / "books"
XPOLL = [sys.executable, "-m", "xpoll_dagster.cli"]

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(900)]


def _environment(data: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    return {**kept, "XPOLL_DATA_DIR": str(data), "COLUMNS": "200"}


def _xpoll(data: Path, *arguments: str, timeout: float = 840) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*XPOLL, *arguments],
        env=_environment(data),
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )


def _fingerprints(data: Path) -> dict[str, str]:
    return {
        file.name: json.loads(file.read_text())["content_hash"]
        for file in sorted((data / "artifacts" / ".manifests").glob("*.json"))
        if not file.name.endswith(".failed.json")
    }


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("library")
    for domain in ("astronomy", "biology", "history"):
        shutil.copytree(SAMPLES / domain, folder / "books" / domain)
    broken = folder / "books" / "history" / "torn.pdf"
    broken.write_bytes(b"%PDF")
    return folder


@pytest.fixture(scope="module")
def built(data: Path) -> subprocess.CompletedProcess[str]:
    return _xpoll(data, "build")


def test_a_broken_book_fails_alone_and_is_named(
    built: subprocess.CompletedProcess[str], data: Path
) -> None:
    assert built.returncode == 3, built.stdout + built.stderr
    assert "history--torn" in built.stdout
    assert "Traceback" not in built.stdout
    complete = {path.stem for path in (data / "artifacts" / "chunk_concepts").glob("*.parquet")}
    assert complete == {
        "astronomy--measuring-the-heavens",
        "biology--heredity-and-populations",
        "history--ships-books-and-states",
    }


def test_the_dataset_loads_and_is_cross_domain(
    built: subprocess.CompletedProcess[str], data: Path
) -> None:
    import datasets

    assert "Dataset:" in built.stdout
    loaded = datasets.load_from_disk(str(data / "artifacts" / "sft_dataset" / "hf"))
    assert isinstance(loaded, datasets.DatasetDict)
    rows = loaded["train"].to_list()
    assert {"text", "messages", "instruction", "response"} <= set(rows[0])
    cross = [row for row in rows if row["cross_domain"]]
    assert len(cross) >= 20
    assert all(len(set(row["domains"])) == 2 for row in cross)
    assert {row["format"] for row in cross} == {"expository", "qa", "dialogue"}


def test_why_names_the_books_and_pages_of_a_row(
    built: subprocess.CompletedProcess[str], data: Path
) -> None:
    assert built.returncode == 3
    shards = sorted((data / "artifacts" / "sft_dataset" / "parquet").glob("train-*.parquet"))
    rows = pl.read_parquet(shards)
    for cross in (True, False):
        row = rows.filter(pl.col("cross_domain") == cross).row(0, named=True)
        said = _xpoll(data, "why", row["id"])
        assert said.returncode == 0, said.stdout + said.stderr
        assert "split train" in said.stdout
        for book in row["books"]:
            assert book in said.stdout
    unknown = _xpoll(data, "why", "no-such-row")
    assert unknown.returncode == 1
    assert "No row and no text has the id no-such-row." in unknown.stdout


def test_status_says_what_failed_and_why(
    built: subprocess.CompletedProcess[str], data: Path
) -> None:
    assert built.returncode == 3
    said = _xpoll(data, "status")
    assert said.returncode == 0
    assert "torn" in said.stdout
    assert "failed" in said.stdout
    assert "current" in said.stdout


def test_books_that_have_nothing_in_common_give_a_sentence_and_no_dataset(tmp_path: Path) -> None:
    for domain, topic in (("cookery", "The soup simmers"), ("geology", "The basalt cools")):
        (tmp_path / "books" / domain).mkdir(parents=True)
        lines = [f"{topic} slowly for {number} hours, and then it rests." for number in range(60)]
        (tmp_path / "books" / domain / "notes.txt").write_text(" ".join(lines), encoding="utf-8")
    said = _xpoll(tmp_path, "build")
    assert said.returncode == 3, said.stdout + said.stderr
    assert "so the dataset would be empty" in said.stdout
    assert "Traceback" not in said.stdout
    assert not (tmp_path / "artifacts" / "sft_dataset").exists()


def test_an_unknown_book_is_refused_with_the_list_of_known_ones(data: Path) -> None:
    said = _xpoll(data, "build", "--books", "no-such-book")
    assert said.returncode == 1
    assert "There is no book 'no-such-book'" in said.stdout


def test_a_killed_build_is_taken_up_again_and_ends_like_an_undisturbed_one(
    built: subprocess.CompletedProcess[str], data: Path, tmp_path: Path
) -> None:
    assert built.returncode == 3
    again = tmp_path / "again"
    shutil.copytree(data / "books", again / "books")
    (again / "books" / "history" / "torn.pdf").unlink()
    process = subprocess.Popen(
        [*XPOLL, "build"],
        env=_environment(again),
        cwd=CHECKOUT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    first = again / "artifacts" / ".manifests" / "chunks@astronomy--measuring-the-heavens.json"
    deadline = time.monotonic() + 120
    while not first.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert first.exists()
    kept = first.stat().st_mtime
    finished = _xpoll(again, "build")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert first.stat().st_mtime == kept
    assert _fingerprints(again) == _fingerprints(data)


def test_only_what_a_change_touches_is_built_again(
    built: subprocess.CompletedProcess[str], data: Path
) -> None:
    assert built.returncode == 3
    (data / "books" / "history" / "torn.pdf").unlink()
    before = _fingerprints(data)
    unchanged = _xpoll(data, "build")
    assert unchanged.returncode == 0, unchanged.stdout + unchanged.stderr
    assert "Reading" not in unchanged.stdout
    assert _fingerprints(data) == before
    chapter = next((data / "books" / "astronomy" / "measuring-the-heavens").glob("01-*.md"))
    text = chapter.read_text(encoding="utf-8")
    chapter.write_text(f"{text}\n\nThe constellation Lyra holds the bright star Vega.\n", "utf-8")
    changed = _xpoll(data, "build")
    assert changed.returncode == 0, changed.stdout + changed.stderr
    assert "Reading astronomy--measuring-the-heavens" in changed.stdout
    assert "Reading history--ships-books-and-states" not in changed.stdout
    after = _fingerprints(data)
    touched = {name for name in after if after[name] != before[name]}
    assert "chunks@astronomy--measuring-the-heavens.json" in touched
    assert "chunks@history--ships-books-and-states.json" not in touched


# Last: the tests above compare the artifacts of one product.
@pytest.mark.timeout(1500)
def test_the_other_products_are_built_and_fit_together(
    built: subprocess.CompletedProcess[str], data: Path
) -> None:
    assert built.returncode == 3
    said = _xpoll(data, "build", "all", timeout=1400)
    assert said.returncode in {0, 3}, said.stdout + said.stderr
    assert "Traceback" not in said.stdout
    # The torn book is all that may fail.
    failed = said.stdout.partition("Failed:")[2].partition("Dataset:")[0].strip().splitlines()
    assert {line.split(":")[0].strip() for line in failed} <= {"history--torn"}
    artifacts = data / "artifacts"
    for name in ("chunks.pkl", "questions.json", "questions.jsonl", "faiss_index/index.faiss"):
        assert (artifacts / "retrieval" / name).stat().st_size > 0, name
    questions = json.loads((artifacts / "retrieval" / "questions.json").read_text("utf-8"))
    assert len(questions) >= 50
    assert "<html" in (artifacts / "report" / "index.html").read_text("utf-8")[:500]
    manifest = artifacts / "merged_corpus" / "merged_corpus_manifest.json"
    sources = {one["name"] for one in json.loads(manifest.read_text("utf-8"))["sources"]}
    assert {"cross-pollinated", "book-questions", "sample-alpaca"} <= sources
    assert (artifacts / "profile_mix" / "claude_behavior" / "README.md").exists()
    assert (artifacts / "curriculum" / "claude_behavior" / "report.json").exists()

    found = _xpoll(data, "search", questions[0]["question"], "-k", "3")
    assert found.returncode == 0
    assert questions[0]["chunk_id"] in found.stdout
    assert _xpoll(data, "corpus", "verify").returncode == 0
    row = pl.read_parquet(artifacts / "merged_corpus" / "rows" / "*.parquet")["_id"][0]
    explained = _xpoll(data, "corpus", "explain", row)
    assert "is in the corpus" in explained.stdout
    drawn = _xpoll(
        data, "mix", "--profile", "code_debugging", "--output", str(data / "m"), "--max-total", "40"
    )
    assert drawn.returncode == 0, drawn.stdout

    before = _fingerprints(data)
    again = _xpoll(data, "build", "all")
    assert again.returncode == said.returncode
    assert "Building" not in again.stdout
    assert _fingerprints(data) == before
