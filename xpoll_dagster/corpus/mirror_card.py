"""The card of persona mirrors: written from their report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from xpoll_dagster.corpus.mix_card import hub_licence, size_category, table


def mirror_card(report: Mapping[str, Any]) -> str:
    """The README: what was asked, what was written, and plainly where nothing was."""
    files = [{"split": name, "path": f"data/{name}-*"} for name, n in report["splits"].items() if n]
    header: dict[str, Any] = {
        "pretty_name": "Persona mirrors",
        "task_categories": ["text-generation"],
        "size_categories": [size_category(report["accepted"])],
        **hub_licence(report["licence"]["names"]),
    }
    if files:
        header["configs"] = [{"config_name": "default", "data_files": files}]
    nothing = (
        "> **Nothing was written.** Answering in a voice needs a language model: set one up as "
        "the author and run again. Every prompt stands in `mirrors.parquet` with the reason.\n"
        if not report["accepted"]
        else ""
    )
    parts = [
        f"---\n{yaml.safe_dump(header, sort_keys=False, allow_unicode=True)}---\n",
        "# Persona mirrors\n",
        nothing,
        f"{report['prompts']:,} prompts, {len(report['personas'])} voices "
        f"({', '.join(report['personas'])}): {report['replies']:,} replies, {report['accepted']:,} "
        "accepted. All voices of a prompt stand in one split. The replies are by "
        f"{', '.join(report['models']) or 'nobody'}; the terms of that model hold for them beside "
        "the licences of the prompts.\n",
        table(["voice", "accepted"], list(report["accepted_by_persona"].items())),
        table(["category", "accepted"], list(report["accepted_by_category"].items())),
        "## Rejected\n",
        table(["reason", "replies"], list(report["rejected_by"].items())),
    ]
    return "\n".join(part for part in parts if part)
