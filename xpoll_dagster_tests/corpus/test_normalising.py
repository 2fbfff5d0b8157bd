from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from xpoll_dagster.corpus import normalising
from xpoll_dagster.corpus.adapters.adapting import Adapted
from xpoll_dagster.corpus.catalogue import Entry, load_catalogue
from xpoll_dagster.corpus.evaluation import evaluation_texts
from xpoll_dagster.corpus.journal import Piece
from xpoll_dagster.corpus.normalising import (
    NormalisingOptions,
    NormalisingReport,
    Progress,
    normalise_source,
)
from xpoll_dagster.corpus.reading import ReadingOptions
from xpoll_dagster.corpus.source_tables import Source
from xpoll_dagster.corpus.verification import language_share, verify_source
from xpoll_dagster_tests.corpus.adapted import write_lines

ROOT = Path(__file__).parents[2]
CATALOGUE = ROOT / "data" / "corpus" / "catalogue.yaml"
LIBRARY = Path(os.environ.get("XPOLL_TEST_LIBRARY", ROOT.parent / "shared" / "data"))
SMALL = NormalisingOptions(reading=ReadingOptions(block_bytes=1024, batch_rows=10), journal_bytes=0)


def entry(**fields: object) -> Entry:
    return Entry.model_validate({"name": "x", "files": ["*"], "licence": "MIT", **fields})


def rows_of(folder: Path) -> pl.DataFrame:
    return pl.concat(list(Source.open(folder).batches()))


def alpaca(count: int, start: int = 0) -> list[dict[str, str]]:
    return [
        {"instruction": f"Question {n}?", "output": f"Answer {n}."}
        for n in range(start, start + count)
    ]


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[Path]:
    """New empty folders, as many as are asked for."""

    def make() -> Iterator[Path]:
        for number in range(100):
            folder = tmp_path / f"source-{number}"
            folder.mkdir()
            yield folder

    return make()


def conserved(report: NormalisingReport) -> bool:
    return report.read == report.rows + sum(report.rejected.values()) + report.capped


SAMPLES = [e for e in load_catalogue(CATALOGUE) if e.files and e.enabled]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda e: e.name)
def test_the_samples_normalise_and_verify(sample: Entry, folders: Iterator[Path]):
    folder = next(folders)
    files = load_catalogue(CATALOGUE).local_files(sample)
    report = normalise_source(sample, folder, files)
    assert conserved(report)
    assert report.rejected == {}
    assert verify_source(folder, sample) == []


def real_files() -> list[Path]:
    folder = LIBRARY / "instruct"
    return (
        sorted(p for p in folder.glob("*") if p.name != "SOURCES.json") if folder.is_dir() else []
    )


@pytest.mark.slow
@pytest.mark.skipif(not real_files(), reason=f"no real datasets in {LIBRARY / 'instruct'}")
def test_real_datasets_conserve_their_counts(folders: Iterator[Path]):
    import json

    known = json.loads((LIBRARY / "instruct" / "SOURCES.json").read_text())
    records = {one["file"]: one["records"] for one in known}
    for file in real_files():
        folder = next(folders)
        report = normalise_source(entry(evaluation="mt-bench" in file.name), folder, [file])
        assert conserved(report), file.name
        assert report.read == records[file.name], file.name
        assert report.rows >= 0.99 * report.read, file.name
        assert verify_source(folder, entry(evaluation="mt-bench" in file.name)) == []


def test_a_cap_keeps_the_same_rows_in_any_order(tmp_path: Path, folders: Iterator[Path]):
    rows = alpaca(100)
    rows += rows[:20]
    one = write_lines(tmp_path / "a.jsonl", rows[:70])
    other = write_lines(tmp_path / "b.jsonl", rows[70:])
    kept = []
    for files, work in (([one, other], None), ([other, one], tmp_path / "work")):
        folder = next(folders)
        report = normalise_source(entry(cap=40), folder, files, work=work, options=SMALL)
        assert (report.read, report.rows, report.capped) == (120, 40, 80)
        assert conserved(report)
        assert verify_source(folder, entry(cap=40)) == []
        kept.append(sorted(rows_of(folder)["instruction"]))
    assert kept[0] == kept[1]


def test_a_killed_run_goes_on_and_gives_the_same_bytes(
    tmp_path: Path, folders: Iterator[Path], monkeypatch: pytest.MonkeyPatch
):
    files = [write_lines(tmp_path / f"{n}.jsonl", alpaca(60, 100 * n)) for n in range(3)]
    whole = next(folders)
    normalise_source(entry(), whole, files, options=SMALL)

    made = []
    original = normalising._piece

    def dies(adapted: Adapted, name: str) -> Piece:
        if len(made) == 5:
            raise KeyboardInterrupt
        made.append(1)
        return original(adapted, name)

    monkeypatch.setattr(normalising, "_piece", dies)
    work = tmp_path / "work"
    with pytest.raises(KeyboardInterrupt):
        normalise_source(entry(), next(folders), files, work=work, options=SMALL)
    again = []
    monkeypatch.setattr(normalising, "_piece", lambda a, n: again.append(1) or original(a, n))
    folder = next(folders)
    report = normalise_source(entry(), folder, files, work=work, options=SMALL)
    assert report.rows == 180
    assert len(made) + len(again) == 12  # the other pieces came from the journal
    assert not (work / "journal").exists()
    for path in whole.iterdir():
        assert path.read_bytes() == (folder / path.name).read_bytes(), path.name


def test_a_changed_file_is_not_taken_from_the_journal(tmp_path: Path, folders: Iterator[Path]):
    file = write_lines(tmp_path / "a.jsonl", alpaca(30))
    work = tmp_path / "work"
    stops = []

    def stop(progress: Progress):
        stops.append(progress)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        normalise_source(entry(), next(folders), [file], work=work, options=SMALL, on_progress=stop)
    write_lines(file, alpaca(5))
    report = normalise_source(entry(), next(folders), [file], work=work, options=SMALL)
    assert report.rows == 5


def test_preferences_bear_the_id_of_their_row(tmp_path: Path, folders: Iterator[Path]):
    rows = [{"prompt": f"Q{n}?", "chosen": f"good {n}", "rejected": f"bad {n}"} for n in range(20)]
    folder = next(folders)
    report = normalise_source(entry(), folder, [write_lines(tmp_path / "a.jsonl", rows)])
    pairs = pl.read_parquet(sorted(folder.glob("preferences-*.parquet")))
    both = pairs.join(rows_of(folder), on="_id")
    assert report.preferences == both.height == 20
    assert (both["chosen"] == both["output"]).all()


def test_verification_tells_what_is_wrong(tmp_path: Path, folders: Iterator[Path]):
    rows = [*alpaca(3), *({"instruction": "x", "output": ""} for _ in range(7))]
    file = write_lines(tmp_path / "a.jsonl", rows)
    folder = next(folders)
    normalise_source(entry(), folder, [file])
    breaks = verify_source(folder, entry(expected_rows=[9, 10]))
    assert any("3 rows where 9 to 10" in one for one in breaks)
    assert any("7 of 10 rows were rejected" in one for one in breaks)
    empty = next(folders)
    normalise_source(entry(), empty, [write_lines(tmp_path / "b.jsonl", rows[3:])])
    assert any("0 rows" in one for one in verify_source(empty, entry()))
    assert verify_source(tmp_path, entry()) != []


def test_language_is_told_roughly():
    english = (
        "the cat sat on the mat and it was not what you would have seen in a house like this one"
    )
    german = (
        "die Katze saß auf der Matte und das war nicht das was man sich im Haus mit Hund so denkt"
    )
    assert language_share(pl.Series([english] * 30), "en") == 1.0
    assert language_share(pl.Series([german] * 30), "en") == 0.0
    assert language_share(pl.Series(["x = y"] * 30), "en") is None


def test_test_sets_become_texts_to_look_for(folders: Iterator[Path]):
    catalogue = load_catalogue(CATALOGUE)
    bench = catalogue.entry("sample-mt-bench")
    folder = next(folders)
    normalise_source(bench, folder, catalogue.local_files(bench))
    texts = evaluation_texts([Source.open(folder)])
    assert texts["test_set"].unique().to_list() == ["sample-mt-bench"]
    assert texts["test"].n_unique() == 4
    assert any("farewell speech" in text for text in texts["text"])
