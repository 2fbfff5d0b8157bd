"""The card of a set of preference pairs: written from its report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from xpoll_dagster.corpus.mix_card import hub_licence, size_category, table


def preference_card(report: Mapping[str, Any]) -> str:
    """The README: the hub's header, then what a person wants to know before training."""
    files = [
        {"split": name, "path": f"data/{name}-*"}
        for name, count in report["splits"].items()
        if count
    ]
    header: dict[str, Any] = {
        "pretty_name": "Preference pairs",
        "task_categories": ["text-generation"],
        "tags": ["preference", "dpo"],
        "size_categories": [size_category(report["pairs"])],
        **hub_licence(report["licence"]["names"]),
    }
    if files:
        header["configs"] = [{"config_name": "default", "data_files": files}]
    measures = report["measures"]
    shares = report["rejected_source_shares"]
    parts = [
        f"---\n{yaml.safe_dump(header, sort_keys=False, allow_unicode=True)}---\n",
        "# Preference pairs\n",
        f"{report['pairs']:,} pairs of {report['prompts']:,} prompts, of {report['candidates']:,} "
        "candidates. `prompt`, `chosen` and `rejected` are lists of messages, as TRL's "
        "`DPOTrainer` reads them; all pairs of a prompt stand in one split.\n",
        "".join(f"> **{warning}**\n>\n" for warning in report["warnings"]),
        "## Where the rejected answers come from\n",
        table(
            ["source of the rejected answer", "pairs", "share"],
            [[name, n, f"{shares[name]:.1%}"] for name, n in report["rejected_sources"].items()],
        ),
        "Answers rejected by rules, or true of other passages, are weak supervision: what counts "
        "most in such training is that the chosen answer is good.\n",
        "## What gives a pair away\n",
        table(
            ["measure", "value"],
            [
                ["pairs measured", measures["pairs"]],
                ["AUC by length alone", _figure(measures["length_auc"])],
                [
                    "share of pairs whose chosen answer is longer",
                    _figure(measures["chosen_longer"]),
                ],
                ["AUC by words alone (five-fold by prompt)", _figure(measures["words_auc"])],
            ],
        ),
        "## Left out\n",
        table(["reason", "candidates"], list(report["left_out"].items())),
        "## Categories, sources and licences\n",
        table(
            ["category", "pairs"], [[name or "none", n] for name, n in report["categories"].items()]
        ),
        table(["source", "pairs"], list(report["sources"].items())),
        table(
            ["licence", "pairs"], [[name or "unknown", n] for name, n in report["licences"].items()]
        ),
        "The strictest of them holds for the set: "
        f"**{', '.join(report['licence']['names']) or '–'}**.\n",
        "## Settings\n",
        f"```json\n{json.dumps(report['settings'], indent=1)}\n```\n",
    ]
    return "\n".join(part for part in parts if part)


def _figure(value: float | None) -> str:
    return "too few pairs" if value is None else f"{value:.3f}"
