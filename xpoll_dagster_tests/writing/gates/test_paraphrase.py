"""Every gate of a paraphrase can fail, and a good one passes all of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from xpoll_dagster.writing.gate_options import GateOptions, ParaphraseGateOptions
from xpoll_dagster.writing.gates.paraphrase import Background, Nearness, judge_paraphrase
from xpoll_dagster.writing.model import Origin, Paraphrase

SOURCE = (
    "In 1693 Edmond Halley drew up life tables from the registers of Breslau, which the pastor "
    "Caspar Neumann had sent to London. They showed how many of 1238 children that are born in a "
    "year reach each age, and offices priced their annuities by them for more than 80 years."
)
GOOD = (
    "Caspar Neumann, a pastor, sent the registers of Breslau to London. Edmond Halley used them "
    "in 1693 for his life tables: of 1,238 children born within a year, the tables tell the "
    "number alive at every age. For over 80 years annuities were sold at prices based on them."
)
DRAFT = Paraphrase("c", "medium", GOOD, Origin("llm", "model"))
BOOK = Background("Risk for Sale", frozenset({"life", "tables", "children"}))


def rejected(draft: Paraphrase, source: str = SOURCE, near: Nearness | None = None) -> set[str]:
    return set(judge_paraphrase(draft, source, GateOptions(), BOOK, near).rejected_by)


def text(new: str) -> Paraphrase:
    return replace(DRAFT, text=new)


def test_a_good_one_passes():
    assert rejected(DRAFT) == set()
    short = "Halley drew life tables in 1693 from registers of Breslau sent by Caspar Neumann; "
    short += "80 years long annuities rested on them."
    assert rejected(Paraphrase("c", "short", short, Origin("llm", "model"))) == set()


@pytest.mark.parametrize(
    ("draft", "gate"),
    [
        (text(f"Here is the paraphrase: {GOOD}"), "refuses, or talks about its task"),
        (text(GOOD[:-30]), "unfinished"),
        (replace(DRAFT, origin=Origin("llm", "m", finish_reason="length")), "unfinished"),
        (text(GOOD.replace("1693", "1694")), "a number or unit that the source lacks"),
        (text(GOOD.replace("Edmond", "Isaac Newton and Edmond")), "a name that the source lacks"),
        (text(GOOD.replace("1,238", "many")), "leaves out numbers"),
        (text(GOOD.replace("Breslau", "a town")), "leaves out names"),
        (text(SOURCE), "too close to the source's words"),
        (text(GOOD + " " + GOOD.replace("pastor", "priest") * 2), "repeats itself"),
        (text(f"{GOOD} {'It went on and on in many a town and many a village. ' * 8}"),
         "too short or too long for its style"),
        (text("Im Jahr 1693 hat Edmond Halley aus den Registern von Breslau, die Caspar Neumann "
              "nach London sandte, die Tafeln der 1238 Kinder und der 80 Jahre gemacht."),
         "another language than its source"),
    ],
)  # fmt: skip
def test_each_gate_can_fail(draft: Paraphrase, gate: str):
    assert gate in rejected(draft)


def test_sources():
    assert "source too short to paraphrase" in rejected(DRAFT, "The pump ran for an hour.")
    table = "Tank 1 29.0 326.8 Tank 2 29.2 327.2 Totals 58.2 654.0 Consumed Tank 1 7.1 71.8 " * 3
    assert "source is not prose" in rejected(DRAFT, table)


def test_nearness_is_judged_where_it_is_known():
    assert rejected(DRAFT, near=Nearness(0.8, 0.5, 1, 3)) == set()
    assert rejected(DRAFT, near=Nearness(0.4, 0.5, 1, 1)) == {"too far from the source's meaning"}
    assert rejected(DRAFT, near=Nearness(0.8, 0.5, 2, 2)) == {"does not find its own chunk"}
    assert rejected(DRAFT, near=Nearness(word_rank=2)) == {"does not find its own chunk"}


def test_rules_are_exempt_from_the_copy_gate_alone():
    verdict = judge_paraphrase(
        replace(DRAFT, text=SOURCE, origin=Origin()), SOURCE, GateOptions(), BOOK
    )
    assert verdict.rejected_by == ()
    assert verdict.copied == 1.0
    assert verdict.edit_distance == 0.0


def test_thresholds_are_options():
    strict = GateOptions(paraphrase=ParaphraseGateOptions(max_copied=0.0))
    assert judge_paraphrase(DRAFT, SOURCE, strict, BOOK).rejected_by == (
        "too close to the source's words",
    )
    own = replace(DRAFT, style="sonnet", text=GOOD.replace("Breslau", "a town"))
    assert rejected(own) == set()
