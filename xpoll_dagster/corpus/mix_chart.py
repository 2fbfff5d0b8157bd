"""The chart of a mix: the distribution of categories before and after."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from xpoll_dagster.corpus.model import CATEGORIES


def distribution_chart(report: Mapping[str, Any]) -> bytes:
    """A PNG: share of each category in the corpus, in a random mix, and in the mix.

    Marks show the profile's weights and the limits of a category's share. Equal reports give
    equal bytes.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    series = {
        "corpus": report["before"]["category"],
        "random mix": report["comparison"]["random"]["categories"],
        "mix": report["after"]["category"],
    }
    names = [
        name
        for name in (*CATEGORIES, "other")
        if any(name in counts for counts in series.values()) or name in report["categories"]
    ]
    places = list(range(len(names)))
    figure = Figure(figsize=(9, 1.2 + 0.55 * len(names)), layout="constrained")
    axes = figure.add_subplot()
    colours = ("#b8c4ce", "#7f98ad", "#1f5f8b")
    for number, (label, counts) in enumerate(series.items()):
        whole = max(1, sum(counts.values()))
        axes.barh(
            [place + (number - 1) * 0.26 for place in places],
            [100 * counts.get(name, 0) / whole for name in names],
            height=0.24,
            color=colours[number],
            label=f"{label} ({sum(counts.values()):,} rows)",
        )
    asked = report["categories"]
    for key, label, mark, colour in (
        ("weight", "weight in the profile", "D", "#d97706"),
        ("limit", "limit", "|", "#b91c1c"),
    ):
        shown = [
            (100 * asked[name][key], places[i]) for i, name in enumerate(names) if name in asked
        ]
        axes.scatter(
            [x for x, _ in shown],
            [y + 0.26 for _, y in shown],
            marker=mark,
            color=colour,
            s=22 if mark == "D" else 90,
            zorder=3,
            label=label,
        )
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.set_xlabel("share of the rows, %")
    axes.set_title(f"{report['profile']['name']}: distribution of categories")
    axes.legend(fontsize="small")
    axes.spines[["top", "right"]].set_visible(False)
    FigureCanvasAgg(figure)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=110, metadata={"Software": None})
    return out.getvalue()
