"""The training corpus's part of the page: before and after merging, and each profile's mix."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from xpoll_dagster.corpus.manifest import read_manifest
from xpoll_dagster.corpus.model import CATEGORIES, SourceError
from xpoll_dagster.report.inlining import printable
from xpoll_dagster.report.limits import single_line
from xpoll_dagster.report.options import ReportOptions
from xpoll_dagster.report.sources import ReportError, ReportSources

_MAX_REPORT_BYTES = 64 << 20


class _Counts(BaseModel):
    category: dict[str, int]


class _Licence(BaseModel):
    names: list[str]
    commercial: bool


class _Profile(BaseModel):
    description: str = ""


class _MixReport(BaseModel):
    """What of a mix's `report.json` is shown."""

    asked: int
    rows: int
    shortfall: str | None = None
    licence: _Licence
    profile: _Profile
    before: _Counts
    after: _Counts


def corpus_part(sources: ReportSources, options: ReportOptions) -> dict[str, Any] | None:
    """Sources with what was read, kept, removed and rejected; None where nothing is merged."""
    if sources.merged_corpus is None:
        return None
    try:
        manifest = read_manifest(sources.merged_corpus)
    except SourceError as error:
        raise ReportError(str(error)) from error
    rules = sorted(manifest.removed)
    rows = [
        {
            "name": single_line(source.name, 80),
            "licence": single_line(source.licence, 60),
            "read": source.read,
            "kept": source.kept,
            "removed": [source.removed.get(rule, 0) for rule in rules],
            "rejected": sum(source.rejected.values()),
        }
        for source in sorted(manifest.sources, key=lambda source: (-source.read, source.name))
    ]
    return {
        "read": manifest.read,
        "rows": manifest.rows,
        "rules": rules,
        "removed": [manifest.removed[rule] for rule in rules],
        "rejected": manifest.rejected,
        "sources": rows[: options.max_table_rows],
        "sources_not_shown": max(0, len(rows) - options.max_table_rows),
        "categories": manifest.categories,
        "licences": sorted(manifest.licences.items(), key=lambda item: (-item[1], item[0])),
    }


def mixes_part(mixes: Mapping[str, Path]) -> dict[str, Any] | None:
    """Rows of each category in the corpus and in each mix; None where there is no mix."""
    if not mixes:
        return None
    reports = {name: _read(name, folder) for name, folder in sorted(mixes.items())}
    before = next(iter(reports.values())).before.category
    counted = {name: report.after.category for name, report in reports.items()}
    present = {category for counts in [before, *counted.values()] for category in counts}
    order = [name for name in CATEGORIES if name in present]
    order += sorted(present - set(order))
    totals = {name: max(1, sum(counts.values())) for name, counts in counted.items()}
    return {
        "names": [single_line(name, 64) for name in reports],
        "categories": [
            {
                "name": single_line(category, 40),
                "before": before.get(category, 0),
                "before_share": before.get(category, 0) / max(1, sum(before.values())),
                "after": [
                    {
                        "rows": counted[name].get(category, 0),
                        "share": counted[name].get(category, 0) / totals[name],
                    }
                    for name in reports
                ],
            }
            for category in order
        ],
        "mixes": [
            {
                "name": single_line(name, 64),
                "description": printable(report.profile.description)[:300],
                "asked": report.asked,
                "rows": report.rows,
                "shortfall": printable(report.shortfall or "")[:600],
                "licence": single_line(", ".join(report.licence.names), 120),
                "commercial": report.licence.commercial,
            }
            for name, report in reports.items()
        ],
    }


def _read(name: str, folder: Path) -> _MixReport:
    file = folder / "report.json"
    try:
        if file.stat().st_size > _MAX_REPORT_BYTES:
            raise ReportError(f"The report of the mix {name} is too large to be one.")
        return _MixReport.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ReportError(
            f"The report of the mix {name} cannot be read: materialise profile_mix again."
        ) from error
