from __future__ import annotations

import gzip
import json
from pathlib import Path

import polars as pl
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from xpoll_dagster.corpus.model import SourceError
from xpoll_dagster.corpus.reading import ReadingOptions, read_file

SMALL = ReadingOptions(block_bytes=1024, row_bytes=4096, batch_rows=7)


def read(path: Path, options: ReadingOptions | None = None):
    records, flaws, end = [], [], 0
    for batch in read_file(path, options):
        records += zip(batch.positions, batch.records, strict=True)
        flaws += [(flaw.position, flaw.reason) for flaw in batch.flaws]
        end = batch.end
    assert sorted(p for p, _ in [*records, *flaws]) == list(range(end))
    return [record for _, record in records], flaws


def test_a_half_written_last_line_is_rejected_and_the_others_stand(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n{"a": 2}\n{"a": "bro')
    records, flaws = read(path)
    assert records == [{"a": 1}, {"a": 2}]
    assert flaws == [(2, "the row is half-written")]


def test_bad_lines_alone_are_flaws(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        b'\xef\xbb\xbf{"a": 1}\n\n{"a": "\x00"}\n\x00\x00\x00\n[1]\nnonsense\n{"a": "\xff"}\n'
        + b'{"a":' * 100_000
        + b"\n"
        + b'{"a": 9}\n'
    )
    records, flaws = read(path)
    assert records == [{"a": 1}, {"a": 9}]
    assert [reason for _, reason in flaws] == [
        "NUL bytes",
        "NUL bytes",
        "the row is a list, not an object with columns",
        "the row is not JSON",
        "broken Unicode: the row is not UTF-8",
        "the row is nested too deeply",
    ]


@pytest.mark.parametrize("kind", ["jsonl", "json"])
def test_a_huge_row_is_passed_over(tmp_path: Path, kind: str):
    path = tmp_path / f"a.{kind}"
    rows = [{"a": "x"}, {"a": "y" * 20_000 + '"}{[\\'}, {"a": "z"}]
    if kind == "json":
        path.write_text(json.dumps(rows))
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    records, flaws = read(path, SMALL)
    assert records == [{"a": "x"}, {"a": "z"}]
    ((position, reason),) = flaws
    assert position == 1
    assert reason.startswith("the row is too long (20,")


def test_a_truncated_array_keeps_its_whole_rows(tmp_path: Path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"a": n} for n in range(50)])[:-9])
    records, flaws = read(path, SMALL)
    assert records == [{"a": n} for n in range(49)]
    assert [reason for _, reason in flaws] == ["the row is half-written"]


def test_a_broken_row_of_an_array_costs_itself_alone(tmp_path: Path):
    path = tmp_path / "a.json"
    path.write_text('[{"a": 1}, {"a": nope}, {"a": 3}]')
    records, flaws = read(path)
    assert records == [{"a": 1}, {"a": 3}]
    assert flaws == [(1, "the row is not JSON")]


def test_rows_inside_an_object_are_found(tmp_path: Path):
    path = tmp_path / "a.json"
    rows = [{"title": "t" * n} for n in range(40)]
    path.write_text(
        json.dumps({"version": "2", "n": 3, "meta": {"x": [1]}, "data": rows}, indent=1)
    )
    assert read(path, SMALL)[0] == rows


def test_json_lines_may_be_called_json_and_arrays_jsonl(tmp_path: Path):
    rows = [{"a": n} for n in range(5)]
    one, other = tmp_path / "a.json", tmp_path / "b.jsonl"
    one.write_text("".join(json.dumps(row) + "\n" for row in rows))
    other.write_text(json.dumps(rows, indent=1))
    assert read(one)[0] == rows
    assert read(other)[0] == rows


def test_packed_files(tmp_path: Path):
    content = b"".join(b'{"a": %d}\n' % n for n in range(1000))
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(content))
    (tmp_path / "a.jsonl.zst").write_bytes(zstandard.ZstdCompressor().compress(content))
    for path in tmp_path.iterdir():
        assert len(read(path, SMALL)[0]) == 1000
        path.write_bytes(path.read_bytes()[:-20])
        if path.suffix == ".gz":
            with pytest.raises(SourceError, match="half-written"):
                read(path, SMALL)


def test_a_bomb_is_refused(tmp_path: Path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b" " * 3_000_000))
    with pytest.raises(SourceError, match="bomb"):
        read(path, ReadingOptions(expansion_from=1_000_000))


def test_csv_with_broken_quotes_loses_the_broken_lines_alone(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text(
        'question,answer\nq1,a1\nq2,"two\nlines, ""quoted"""\nq3 5" pipe,a3\nq4,a4\nq5,a5,extra\n'
        "q6,a6\n"
    )
    records, flaws = read(path)
    assert [record["question"] for record in records] == ["q1", "q2", "q4", "q6"]
    assert records[1]["answer"] == 'two\nlines, "quoted"'
    assert len(flaws) == 2


def test_a_parquet_file_that_is_none(tmp_path: Path):
    path = tmp_path / "a.parquet"
    pl.DataFrame({"a": [1]}).write_parquet(path)
    assert read(path)[0] == [{"a": 1}]
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(SourceError, match=r"no whole Parquet file"):
        read(path)


@given(
    rows=st.lists(
        st.dictionaries(st.text(max_size=3), st.text(max_size=30), max_size=3), max_size=30
    ),
    cut=st.integers(0, 400),
)
def test_every_line_of_a_cut_file_is_a_row_or_a_flaw(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]], cut: int
):
    path = tmp_path_factory.mktemp("lines") / "a.jsonl"
    lines = [json.dumps(row, ensure_ascii=False).encode() for row in rows]
    content = b"".join(line + b"\n" for line in lines)
    content = content[: max(0, len(content) - cut)]
    path.write_bytes(content)
    records, flaws = read(path, ReadingOptions(block_bytes=1024, row_bytes=256))
    whole = [line for line in content.split(b"\n") if line.strip()]
    assert len(records) + len(flaws) == len(whole)
    assert len(flaws) <= 1
