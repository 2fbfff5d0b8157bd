"""Sources of the catalogue as one run of several partitions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from xpoll_dagster.corpus.source_tables import Source
from xpoll_dagster.defs.corpus.assets import instruct_source
from xpoll_dagster.defs.resources import Project
from xpoll_dagster.settings import get_settings

NAMES = ["broken", "first", "second", "third"]


def test_a_run_of_several_builds_all_that_can_be_and_says_what_cannot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = tmp_path / "data" / "corpus"
    (corpus / "profiles").mkdir(parents=True)
    entries = [
        {"name": name, "files": [f"{name}.jsonl"], "adapter": "alpaca", "licence": "MIT"}
        for name in NAMES
    ]
    (corpus / "catalogue.yaml").write_text(
        yaml.safe_dump({"datasets": [{**entry, "enabled": True} for entry in entries]})
    )
    for name in NAMES[1:]:
        rows = [{"instruction": f"What is {n}?", "output": "A number."} for n in range(20)]
        (corpus / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (corpus / "broken.jsonl").write_text(json.dumps({"odd": 1}))
    monkeypatch.setenv("XPOLL_DATA_DIR", str(corpus.parent))
    asset: Any = instruct_source
    get_settings.cache_clear()
    try:
        with dg.DagsterInstance.ephemeral() as instance:
            instance.add_dynamic_partitions("instruct_sources", NAMES)
            done = dg.materialize(
                [asset],
                instance=instance,
                resources={"project": Project.of(get_settings())},
                tags={
                    "dagster/asset_partition_range_start": NAMES[0],
                    "dagster/asset_partition_range_end": NAMES[-1],
                },
                raise_on_error=False,
            )
            built = instance.get_materialized_partitions(dg.AssetKey("instruct_source"))
    finally:
        get_settings.cache_clear()

    assert not done.success
    [failure] = done.get_step_failure_events()
    told = failure.step_failure_data.user_failure_data
    assert told is not None
    assert "1 of 4 partitions failed" in (told.description or "")
    assert "broken.jsonl has not the schema of alpaca" in (told.description or "")
    assert built == set(NAMES[1:])
    reports = [
        Source.open(corpus.parent / "artifacts" / "instruct_source" / name).report
        for name in NAMES[1:]
    ]
    assert [report.rows for report in reports] == [20, 20, 20]
    assert not list((corpus.parent / "artifacts" / ".cache").rglob("*.parquet"))
