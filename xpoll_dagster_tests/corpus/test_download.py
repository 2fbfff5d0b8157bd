from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from xpoll_dagster.corpus.catalogue import Entry
from xpoll_dagster.corpus.download import DownloadOptions, download, open_dataset
from xpoll_dagster.corpus.model import SourceError
from xpoll_dagster.corpus.reading import read_file
from xpoll_dagster_tests.corpus.adapted import write_lines

FAST = DownloadOptions(part_rows=10, wait_seconds=0)


@pytest.fixture
def entry(tmp_path: Path) -> Entry:
    hub = tmp_path / "hub"
    hub.mkdir()
    rows = [{"instruction": f"q{n}", "output": f"a{n}"} for n in range(35)]
    write_lines(hub / "train.jsonl", rows)
    return Entry(name="x", path=str(hub), licence="MIT")


def rows_in(files: list[Path]) -> list[str]:
    return [r["instruction"] for f in files for b in read_file(f) for r in b.records]


class Cut:
    """A stream that is cut off after some rows."""

    def __init__(self, stream: Any, after: int) -> None:
        self._stream = stream
        self._after = after

    def __iter__(self) -> Iterator[Any]:
        for number, row in enumerate(self._stream):
            if number == self._after:
                raise ConnectionError("connection reset by peer")
            yield row

    def state_dict(self) -> dict[str, Any]:
        return self._stream.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._stream.load_state_dict(state_dict)


def test_a_dataset_is_streamed_into_parts(tmp_path: Path, entry: Entry):
    done = download(entry, tmp_path / "work", options=FAST)
    assert rows_in(done.files) == [f"q{n}" for n in range(35)]
    assert (done.rows, len(done.files)) == (35, 4)
    assert len(done.revision) == 40
    again = download(
        entry, tmp_path / "work", options=FAST, open_stream=lambda *_: pytest.fail("read")
    )
    assert again == done


def test_a_cut_connection_is_taken_up_again(tmp_path: Path, entry: Entry):
    opened = []

    def opener(one: Entry, revision: str, token: str | None):
        opened.append(1)
        return Cut(open_dataset(one, revision, token), 15)

    done = download(entry, tmp_path / "work", options=FAST, open_stream=opener)
    assert rows_in(done.files) == [f"q{n}" for n in range(35)]
    assert len(opened) > 1


def test_it_gives_up_after_some_attempts_and_goes_on_at_the_next_run(tmp_path: Path, entry: Entry):
    def opener(one: Entry, revision: str, token: str | None):
        return Cut(open_dataset(one, revision, token), 9)

    def first(one: Entry, revision: str, token: str | None):
        state = tmp_path / "work" / "part-00000.jsonl.zst"
        return Cut(open_dataset(one, revision, token), 3 if state.exists() else 12)

    with pytest.raises(SourceError, match=r"10 rows, 5 times in a row .connection reset by peer"):
        download(entry, tmp_path / "work", options=FAST, open_stream=first)
    done = download(entry, tmp_path / "work", options=FAST, open_stream=open_dataset)
    assert rows_in(done.files) == [f"q{n}" for n in range(35)]


class GatedRepoError(Exception):
    pass


def test_a_gated_dataset_is_told_at_once_and_the_token_stays_unsaid(tmp_path: Path, entry: Entry):
    def opener(*_: Any):
        raise GatedRepoError("403")

    with pytest.raises(SourceError, match="gated: accept its terms") as error:
        download(entry, tmp_path / "w", token="hf_secret", options=FAST, open_stream=opener)
    assert "hf_secret" not in str(error.value)
    assert "hf_secret" not in (tmp_path / "w" / "download.json").read_text()


def test_a_split_that_is_not_there(tmp_path: Path, entry: Entry):
    other = entry.model_copy(update={"split": "nope"})
    with pytest.raises(SourceError, match="cannot be loaded"):
        download(other, tmp_path / "w", options=FAST)


def test_an_empty_stream_is_a_failure(tmp_path: Path, entry: Entry):
    class Empty(Cut):
        def __iter__(self) -> Iterator[Any]:
            yield from ()

    with pytest.raises(SourceError, match="0 rows"):
        download(
            entry,
            tmp_path / "w",
            options=FAST,
            open_stream=lambda *a: Empty(open_dataset(*a), 0),
        )
