"""The dataset card: generated from the rows and the report, so that it cannot say otherwise."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import yaml

from xpoll_dagster.sft.model import SPLITS, SftResult

_LIMITS = """\
- Rows with `author: rules` are quotations in templates. Beyond the quotations they state which \
concepts both passages print and where, which names only one of them prints, and general notes on \
how a field establishes knowledge. They claim no cause, no influence and no analogy.
- That two passages share a concept is found by rules. Two things of the same name may pass for \
one, and a shared name need not be a telling link; the rows are candidates, unreviewed.
- The passages say what their books say. Old books hold old knowledge and old language.
- Quotations are verbatim after cleaning (undone hyphens, removed running heads). Passages that \
were recognised from scans can hold reading errors.
- Page numbers count the pages of the file, which printed page numbers may not follow. Formats \
without pages are cited by section.
- A dialogue's first speaker is the user, its second the assistant; the system message says who \
they are. Both quote; to train on quotations of both, include the user's turns in the loss.
- Questions are answered from books that the model does not see in the prompt. `chunk_ids` and \
`pages` lead to the passages for training with context.
"""


def dataset_card(result: SftResult) -> str:
    """The README of the dataset: YAML header for the hub, then what a person wants to know."""
    report = result.report
    rows = pl.concat(result.splits.values())
    header = yaml.safe_dump(_header(result, rows), sort_keys=False, allow_unicode=True)
    accounts = report["accounts"]
    parts = [
        f"---\n{header}---\n",
        "# Cross-pollinated textbook dataset\n",
        f"{report['rows']:,} rows ({report['words']:,} words) made from passages of textbooks of "
        "different domains that share concepts, with standalone passages beside them. Every row "
        "names its chunks, books and pages. Load it with `datasets.load_from_disk('hf')`, or read "
        "`parquet/`.\n",
        "## Rows\n",
        _table(
            ["split", "rows", "cross-domain", "standalone"],
            [
                [
                    split,
                    frame.height,
                    int(frame["cross_domain"].sum()),
                    int((~frame["cross_domain"]).sum()),
                ]
                for split, frame in ((name, result.splits[name]) for name in SPLITS)
            ],
        ),
        "No chunk stands in two splits, nor do chunks that share a long sentence.\n",
        _table(
            ["format", "cross-domain", "standalone"],
            [
                [
                    name,
                    report["by_format_and_kind"]["cross_domain"].get(name, 0),
                    report["by_format_and_kind"]["standalone"].get(name, 0),
                ]
                for name in report["by_format"]
            ],
        ),
        _table(
            ["domain", "rows that hold it"], [list(item) for item in report["by_domain"].items()]
        ),
        _table(
            ["pair of domains", "rows"], [list(item) for item in report["by_domain_pair"].items()]
        ),
        "## Sources and licences\n",
        _table(["book", "domain", "licence", "rows"], _sources(rows)),
        "A row is derived from the books it quotes; their licences hold for it. `unknown` means "
        "that the library does not say: find out before you pass such rows on.\n",
        "## What was left out\n",
        _account(accounts),
        "Settings that took effect:\n",
        "\n".join(_constraint(item) for item in report["constraints"]) + "\n",
        "## Repetition\n",
        _diversity(report["diversity"]),
        "## Columns\n",
        "`text` is the whole row as plain text; `messages` the same as a conversation; "
        "`instruction` and `response` are set where `format` is `qa`. `pages` has for each chunk "
        "the book, section and pages; `signals` and `score` are the evidence that linked the "
        "pair; `author` says who wrote.\n",
        "## What these rows can and cannot claim\n",
        _LIMITS,
        "## An example\n",
        _example(rows),
        "## Settings\n",
        f"```json\n{json.dumps(report['settings'], indent=1, sort_keys=True)}\n```\n",
    ]
    return "\n".join(parts)


def _header(result: SftResult, rows: pl.DataFrame) -> dict[str, Any]:
    licences = sorted(result.report["by_licence"])
    single = licences[0] if len(licences) == 1 else None
    known = {"cc-by-4.0", "cc-by-sa-4.0", "cc0-1.0", "mit", "apache-2.0", "cc-by-3.0"}
    header: dict[str, Any] = {
        "language": ["en"],
        "task_categories": ["text-generation", "question-answering"],
        "size_categories": [_size(rows.height)],
    }
    if single and single.lower() in known:
        header["license"] = single.lower()
    else:
        header |= {
            "license": "unknown" if "unknown" in licences or not licences else "other",
            "license_name": "licences of the source books",
            "source_licenses": licences,
        }
    header["configs"] = [
        {
            "config_name": "default",
            "data_files": [{"split": name, "path": f"parquet/{name}-*.parquet"} for name in SPLITS],
        }
    ]
    return header


def _size(rows: int) -> str:
    for limit, name in ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K")):
        if rows < limit:
            return name
    return "100K<n<1M" if rows < 1_000_000 else "n>1M"


def _cell(value: object) -> str:
    text = f"{value:,}" if isinstance(value, int) else " ".join(str(value).split())
    return text.replace("|", "\\|")


def _table(head: list[str], rows: list[list[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines) + "\n"


def _sources(rows: pl.DataFrame) -> list[list[Any]]:
    found = (
        rows.select("id", "pages", "domains")
        .explode("pages")
        .select("id", pl.col("pages").struct.unnest())
        .group_by("title", pl.col("book").str.split("--").list.first().alias("domain"), "licence")
        .agg(pl.col("id").n_unique().alias("rows"))
        .sort("rows", "title", descending=[True, False])
    )
    return [list(row) for row in found.iter_rows()]


def _account(accounts: dict[str, Any]) -> str:
    lines = []
    for name, what in (("cross_domain", "texts of pairs"), ("standalone", "single passages")):
        one = accounts[name]
        reasons = "; ".join(f"{reason}: {count:,}" for reason, count in one["left_out"].items())
        lines.append(
            f"- {one['available']:,} {what} were available, {one['kept']:,} are in"
            + (f". Left out: {reasons}." if reasons else ".")
        )
    return "\n".join(lines) + "\n"


def _constraint(item: dict[str, Any]) -> str:
    details = {
        key: value for key, value in item.items() if key not in {"constraint", "binds"} and value
    }
    state = "binds" if item["binds"] else "does not bind"
    return f"- `{item['constraint']}` {state}: `{json.dumps(details, sort_keys=True)}`"


def _diversity(found: dict[str, Any]) -> str:
    return (
        "Outside the quotations, the commonest run of six words stands in "
        f"{found['most_shared']:.1%} of the cross-domain rows (“{found['commonest']}”); on average "
        f"{found['mean_shared']:.0%} of a row's runs stand in some other row too.\n"
    )


def _example(rows: pl.DataFrame) -> str:
    cross = rows.filter(pl.col("cross_domain") & (pl.col("format") == "qa")).sort(
        "score", "id", descending=[True, False]
    )
    if cross.is_empty():
        return "There is no cross-domain question in this dataset.\n"
    row = cross.select("id", "format", "domains", "chunk_ids", "signals", "text").row(0, named=True)
    body = json.dumps(row, indent=1, ensure_ascii=False)
    return f"````json\n{body}\n````\n"
