"""The card of a mix: written from its report, so that it cannot say otherwise."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from xpoll_dagster.corpus.model import CATEGORIES

_SPDX = {
    "mit": "mit", "apache-2.0": "apache-2.0", "cc-by-4.0": "cc-by-4.0", "cc-by-3.0": "cc-by-3.0",
    "cc-by-sa-4.0": "cc-by-sa-4.0", "cc-by-sa-3.0": "cc-by-sa-3.0", "cc0-1.0": "cc0-1.0",
    "cc-by-nc-4.0": "cc-by-nc-4.0", "cc-by-nc-sa-4.0": "cc-by-nc-sa-4.0",
    "odc-by": "odc-by", "agpl-3.0": "agpl-3.0", "gpl-3.0": "gpl-3.0",
}  # fmt: skip


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table; numbers are printed with separators."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines) + "\n"


def hub_licence(names: Sequence[str]) -> dict[str, Any]:
    """The `license` fields of a card's header, for the names of the licences that hold."""
    one = _SPDX.get(names[0].casefold()) if len(names) == 1 else None
    if one:
        return {"license": one}
    unknown = not names or all(name in {"", "unknown"} for name in names)
    return {"license": "unknown" if unknown else "other", "license_name": ", ".join(names)}


def size_category(rows: int) -> str:
    """The hub's name for a size."""
    for limit, name in (
        (1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"),
    ):  # fmt: skip
        if rows < limit:
            return name
    return "1M<n<10M"


def mix_card(report: Mapping[str, Any]) -> str:
    """The README of a mix: the hub's header, then what a person wants to know."""
    profile = report["profile"]
    header = {
        "pretty_name": profile["name"],
        "task_categories": ["text-generation"],
        "size_categories": [size_category(report["rows"])],
        **hub_licence(report["licence"]["names"]),
        "configs": [
            {"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*"}]}
        ],
    }
    parts = [
        f"---\n{yaml.safe_dump(header, sort_keys=False, allow_unicode=True)}---\n",
        f"# {profile['name']}\n",
        f"{profile['description']}\n" if profile["description"] else "",
        f"{report['rows']:,} rows drawn without replacement from a deduplicated corpus of "
        f"{report['corpus']['rows']:,}, seed {profile['seed']}, in shuffled order. `messages` is "
        "the conversation that trainers read; `instruction`, `input`, `output` and `system` are "
        "the Alpaca columns (of a longer conversation: its first exchange).\n",
        "```python\nfrom datasets import load_dataset\n\n"
        'rows = load_dataset("path/to/this/folder", split="train")\n```\n',
        "## Size\n",
        _size(report),
        "## Categories, before and after\n",
        _categories(report),
        "![Distribution of categories](distribution.png)\n",
        _exceptions(profile),
        "## Sources\n",
        _sources(report),
        "## Licence\n",
        _licence(report),
        "## Beside a random mix of the same size\n",
        _comparison(report),
        "## What was not drawn\n",
        table(["reason", "rows"], list(report["left_out"].items())),
        "## Settings\n",
        f"```json\n{json.dumps(profile, indent=1, ensure_ascii=False)}\n```\n",
    ]
    return "\n".join(part for part in parts if part)


def _size(report: Mapping[str, Any]) -> str:
    exact = report["feasible_with_exact_weights"]
    text = report["shortfall"] or (
        f"{report['asked']:,} rows were asked for and are here; nothing else holds the mix down."
    )
    short = "; ".join(f"{name} ({why})" for name, why in report["below_weight"].items())
    below = f"Below their weight, so that others have more: {short}. " if short else ""
    return (
        f"{text}\n\n{below}With the categories in the exact proportion of their weights "
        f"{exact:,} rows are feasible. No row is repeated to fill up.\n"
    )


def _categories(report: Mapping[str, Any]) -> str:
    before, after = report["before"]["category"], report["after"]["category"]
    random = report["comparison"]["random"]["categories"]
    wholes = [max(1, sum(counts.values())) for counts in (before, random, after)]
    rows = []
    for name in (*CATEGORIES, "other"):
        if name not in before and name not in report["categories"]:
            continue
        asked = report["categories"].get(name)
        rows.append(
            [
                name,
                before.get(name, 0),
                f"{before.get(name, 0) / wholes[0]:.1%}",
                f"{random.get(name, 0) / wholes[1]:.1%}",
                f"{asked['weight']:.1%}" if asked else "–",
                f"{asked['limit']:.0%}" if asked else "–",
                after.get(name, 0),
                f"{after.get(name, 0) / wholes[2]:.1%}",
            ]
        )
    head = ["category", "corpus", "share", "random mix", "weight", "limit", "mix", "share"]
    return table(head, rows)


def _exceptions(profile: Mapping[str, Any]) -> str:
    limit = f"No category may make up more than {profile['max_category_share']:.0%} of the mix."
    found = profile["category_share_exceptions"]
    if not found:
        return f"{limit}\n"
    said = ", ".join(f"{name} may make up {share:.0%}" for name, share in sorted(found.items()))
    return f"{limit} **The profile declares an exception: {said}.**\n"


def _sources(report: Mapping[str, Any]) -> str:
    rows = [
        [name, one["available"], "–" if one["cap"] is None else one["cap"], one["rows"]]
        for name, one in sorted(report["sources"].items(), key=lambda x: (-x[1]["rows"], x[0]))
    ]
    return table(["source", "rows that may be drawn", "cap", "in the mix"], rows)


def _licence(report: Mapping[str, Any]) -> str:
    strictest = report["licence"]
    names = ", ".join(strictest["names"])
    verdict = (
        "Every row is under a known licence that permits commercial use."
        if strictest["commercial"]
        else "Commercial use is not permitted, or not known to be; a mix with "
        "`licences: commercial` leaves those rows out."
    )
    counts = sorted(report["licences"].items(), key=lambda item: (-item[1], item[0]))
    return (
        f"The mix is under the strictest licence of its rows: **{names}** ({strictest['rows']:,} "
        f"rows). {verdict}\n\n"
        + table(["licence", "rows"], [[name or "unknown", count] for name, count in counts])
    )


def _comparison(report: Mapping[str, Any]) -> str:
    mix, random = report["comparison"]["mix"], report["comparison"]["random"]
    size = mix["texts"]["rows"]
    rows: list[list[Any]] = [
        [what, mix[key], random[key]]
        for what, key in (
            ("entropy of the categories, bits", "category_entropy_bits"),
            ("entropy of the sources, bits", "source_entropy_bits"),
            ("share of the largest source", "largest_source_share"),
        )
    ]
    rows += [
        [
            f"words of an output, {what}",
            *(one["texts"].get("output_words", {}).get(what, "–") for one in (mix, random)),
        ]
        for what in ("p10", "p50", "p90")
    ]
    for key, what in (
        ("distinct_1", "distinct words"),
        ("distinct_2", "distinct runs of two words"),
        ("distinct_3", "distinct runs of three words"),
        ("compression", "compression ratio (more = more alike)"),
    ):
        rows.append([what, *(one["texts"].get(key, "–") for one in (mix, random))])
    return (
        table(["measure", "this mix", "random mix"], rows)
        + f"\nTexts are measured on {size:,} rows of each. A random mix draws from the whole "
        "corpus, whatever the profile leaves out; at large sizes it is hard to beat, so train "
        "on it too before you believe in a mix.\n"
    )


def _cell(value: object) -> str:
    text = f"{value:,}" if isinstance(value, int) else " ".join(str(value).split())
    return text.replace("|", "\\|")
