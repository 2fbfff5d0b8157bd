"""The card of a curriculum: written from its report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from xpoll_dagster.corpus.mix_card import hub_licence, size_category, table

_WHAT = {
    "compressed_bits": "bits a character after compression",
    "word_bits": "surprise of the words, bits a word",
    "distinct_words": "share of distinct words",
    "model_bits": "a language model's entropy, bits a token",
    "entropy": "**entropy as used** (ranked among outputs of like length)",
    "curriculum_rank": "place in the curriculum",
}


def curriculum_card(report: Mapping[str, Any]) -> str:
    """The README: how to load, what stands in each stage, and how far length decides."""
    configs: list[dict[str, Any]] = [
        {
            "config_name": "default",
            "data_files": [{"split": "train", "path": "data/*.parquet"}],
            "default": True,
        }
    ]
    configs += [
        {
            "config_name": f"stage_{stage}",
            "data_files": [{"split": "train", "path": f"stages/stage-{stage}-*"}],
        }
        for stage, rows in report["stages"].items()
        if rows
    ]
    header = {
        "pretty_name": "Curriculum",
        "size_categories": [size_category(report["rows"])],
        **hub_licence(report["licence"]["names"]),
        "configs": configs,
    }
    agreement = report["declared_and_measured"]
    parts = [
        f"---\n{yaml.safe_dump(header, sort_keys=False)}---\n",
        "# Curriculum\n",
        f"{report['rows']:,} rows. The default is shuffled; `load_dataset(folder, 'stage_1')` to "
        "`stage_3` give the stages in order of `curriculum_rank`. Most trainers shuffle what they "
        "load: to keep the order, turn that off. No order has been shown to win for every model "
        "and task.\n",
        table(["stage", "rows"], list(report["stages"].items())),
        "Stages by category; entropy is the mean of a rank from 0 to 1, measured:\n",
        table(
            ["category", "rows", "entropy", "mean rank", "stage 1", "stage 2", "stage 3"],
            [list(row.values()) for row in report["categories"]],
        ),
        "Declared order of the categories against their measured entropy (Spearman): "
        f"{'too few categories' if agreement is None else agreement}.\n",
        "## Correlation with the output's length (Spearman)\n",
        table(
            ["measure", "correlation"],
            [
                [_WHAT[name], "–" if value is None else value]
                for name, value in report["correlation_with_length"].items()
            ],
        ),
        "## Settings\n",
        f"```json\n{json.dumps(report['settings'], indent=1)}\n```\n",
    ]
    return "\n".join(parts)
