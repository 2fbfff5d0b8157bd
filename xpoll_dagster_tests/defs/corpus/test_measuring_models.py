"""A reward model and a language model that settings name are used by the assets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
import yaml

from xpoll_dagster.defs.corpus.assets import (
    curriculum,
    instruct_source,
    merged_corpus,
    preference_pairs,
    profile_mix,
)
from xpoll_dagster.defs.resources import Project
from xpoll_dagster.settings import get_settings
from xpoll_dagster_tests.corpus.tiny_models import save_tiny_model

pytestmark = pytest.mark.slow

PROFILE = "claude_behavior"  # partitions of profiles are read when the definitions load


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    corpus = tmp_path / "data" / "corpus"
    (corpus / "profiles").mkdir(parents=True)
    entry = {
        "name": "asked",
        "files": ["asked.jsonl"],
        "adapter": "alpaca",
        "category": "maths",
        "licence": "MIT",
        "enabled": True,
    }
    (corpus / "catalogue.yaml").write_text(yaml.safe_dump({"datasets": [entry]}))
    rows = [
        {"instruction": f"What is {n} and {n}?", "output": f"It is {2 * n + more} for all I know."}
        for n in range(10, 40)
        for more in (0, 1)
    ]
    (corpus / "asked.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    profile = {
        "weights": {"maths": 1.0},
        "category_share_exceptions": {"maths": 1.0},
        "max_total": 20,
    }
    (corpus / "profiles" / f"{PROFILE}.yaml").write_text(yaml.safe_dump(profile))
    monkeypatch.setenv("XPOLL_DATA_DIR", str(corpus.parent))
    return corpus.parent


def build(*steps: tuple[Any, str | None]) -> None:
    get_settings.cache_clear()
    try:
        project = Project.of(get_settings())
        with dg.DagsterInstance.ephemeral() as instance:
            instance.add_dynamic_partitions("instruct_sources", ["asked"])
            for asset, key in steps:
                done = dg.materialize(
                    [asset], instance=instance, resources={"project": project}, partition_key=key
                )
                assert done.success
    finally:
        get_settings.cache_clear()


def test_answers_to_one_prompt_are_ranked_where_a_reward_model_is_set(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = data_dir / "artifacts" / "preference_pairs"
    build((instruct_source, "asked"), (merged_corpus, None), (preference_pairs, None))
    assert json.loads((table / "report.json").read_text())["pairs"] == 0
    model = save_tiny_model(tmp_path / "reward", "classifier")
    monkeypatch.setenv("XPOLL_CORPUS__REWARD__MODEL", str(model))
    build((preference_pairs, None))
    report = json.loads((table / "report.json").read_text())
    assert report["pairs"] > 20
    assert report["rejected_sources"] == {"lower reward for the same prompt": report["pairs"]}


def test_entropy_is_a_models_where_one_is_set(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = data_dir / "artifacts" / "curriculum" / PROFILE / "curriculum.parquet"
    build(
        (instruct_source, "asked"),
        (merged_corpus, None),
        (profile_mix, PROFILE),
        (curriculum, PROFILE),
    )
    assert pl.read_parquet(placed)["model_bits"].null_count() == 20
    model = save_tiny_model(tmp_path / "language", "causal")
    monkeypatch.setenv("XPOLL_CORPUS__LANGUAGE_ENTROPY__MODEL", str(model))
    build((curriculum, PROFILE))
    bits = pl.read_parquet(placed)["model_bits"]
    assert bits.null_count() == 0
    assert bits.gt(0).all()
    report = json.loads((placed.parent / "report.json").read_text())
    assert report["measures"] == ["model_bits"]
