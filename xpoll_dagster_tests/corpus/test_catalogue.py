from __future__ import annotations

from pathlib import Path

import pytest

from xpoll_dagster.corpus.catalogue import load_catalogue
from xpoll_dagster.corpus.model import SourceError

SHIPPED = Path(__file__).parents[2] / "data" / "corpus" / "catalogue.yaml"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "catalogue.yaml"
    path.write_text(text)
    return path


def test_the_shipped_catalogue_is_usable_without_a_network():
    catalogue = load_catalogue(SHIPPED)
    enabled = catalogue.enabled()
    assert all(one.files or one.own for one in enabled)
    for one in enabled:
        if one.files:
            assert catalogue.local_files(one)
    caps = {name: catalogue.entry(name).cap for name in ("hh-rlhf", "ultrachat", "math-instruct")}
    assert caps == {"hh-rlhf": 150_000, "ultrachat": 200_000, "math-instruct": 100_000}
    assert [one.name for one in catalogue.evaluation()] == ["sample-mt-bench"]


def test_an_entry_of_a_known_schema_is_all_it_takes(tmp_path: Path):
    (tmp_path / "a.csv").write_text("question,answer\nq,a\n")
    (tmp_path / "b.csv").write_text("question,answer\nq,a\n")
    path = write(tmp_path, "- {name: new, files: ['*.csv'], licence: MIT}\n")
    catalogue = load_catalogue(path)
    assert [p.name for p in catalogue.local_files(catalogue.entry("new"))] == ["a.csv", "b.csv"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- {name: x, licence: MIT}", "say where it is"),
        ("- {name: x, licence: MIT, files: [a], path: b/c}", "say where it is"),
        ("- {name: x, licence: MIT, files: [a], adapter: nope}", "no adapter 'nope'"),
        ("- {name: x, licence: MIT, files: [a], category: nope}", "no category 'nope'"),
        ("- {name: x, licence: MIT, files: [a], tpyo: 1}", "tpyo"),
        ("- {name: ../x, licence: MIT, files: [a]}", "cannot name a source"),
        ("- {name: x, files: [a]}", "licence"),
        ("- {name: x, licence: M, files: [a]}\n- {name: x, licence: M, files: [b]}", "two entries"),
        ("x: [", "is not YAML"),
        ("just text", "no list of entries"),
    ],
)
def test_wrong_catalogues_are_told_in_a_sentence(tmp_path: Path, text: str, said: str):
    with pytest.raises(SourceError, match=r"catalogue\.yaml") as error:
        load_catalogue(write(tmp_path, text))
    assert said in str(error.value)


def test_missing_files_and_artifacts_are_told(tmp_path: Path):
    path = write(
        tmp_path,
        "- {name: x, licence: M, files: [nope.json]}\n- {name: y, licence: M, own: questions}\n",
    )
    catalogue = load_catalogue(path)
    with pytest.raises(SourceError, match="no file fits"):
        catalogue.local_files(catalogue.entry("x"))
    with pytest.raises(SourceError, match="not built yet"):
        catalogue.local_files(catalogue.entry("y"), tmp_path)
