"""Every gate can fail, and a good row passes all of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from xpoll_dagster.writing.gate_options import GateOptions
from xpoll_dagster.writing.gates import judge, repeated_runs
from xpoll_dagster.writing.model import Draft, Message, Origin, Quote

ONE = "Halley drew up life tables for Breslau in 1693. They were printed in London soon after."
TWO = "A comet seen by Halley came back in 1758. Its return was held to be a triumph of theory."
PASSAGES = {"a": f"Before. {ONE} After.", "b": f"Before. {TWO} After."}
OPTIONS = GateOptions(min_words=20)
QUOTES = (Quote("a", ONE, "Risk", "p. 4"), Quote("b", TWO, "Sky", "pp. 7–8"))
INSTRUCTION = "What do economics and astronomy say of Halley?"
RESPONSE = f"*Risk*, p. 4, says: “{ONE}” Turning to astronomy, *Sky*, pp. 7–8: “{TWO}” So it is."
QA = Draft(
    "p",
    "qa",
    "comparison",
    f"{INSTRUCTION}\n\n{RESPONSE}",
    instruction=INSTRUCTION,
    response=RESPONSE,
    messages=(Message("user", INSTRUCTION), Message("assistant", RESPONSE)),
    quotes=QUOTES,
)
TURNS = (f"*Risk*, p. 4: “{ONE}”", f"*Sky*, pp. 7–8: “{TWO}”", "What is shared?", "Both name him.")
DIALOGUE = Draft(
    "p",
    "dialogue",
    "exchanged",
    "\n\n".join(f"{who}: {turn}" for who, turn in zip("ABAB", TURNS, strict=True)),
    messages=tuple(
        Message("assistant" if number % 2 else "user", turn) for number, turn in enumerate(TURNS)
    ),
    quotes=QUOTES,
    speakers=tuple("ABAB"),
)


def rejected(draft: Draft, options: GateOptions = OPTIONS) -> set[str]:
    return set(judge(draft, ["a", "b"], PASSAGES, options).rejected_by)


def with_response(old: str, new: str) -> Draft:
    response = RESPONSE.replace(old, new)
    return replace(QA, response=response, text=f"{INSTRUCTION}\n\n{response}")


def test_good_rows_pass():
    assert rejected(QA) == set()
    assert rejected(DIALOGUE) == set()


@pytest.mark.parametrize(
    ("draft", "gate"),
    [
        (with_response("1693", "1694"), "a quotation is not verbatim"),
        (with_response("p. 4", "p. 5"), "a quotation lacks its title or page"),
        (with_response("*Sky*", "*Sea*"), "a quotation lacks its title or page"),
        (with_response("So it is.", "So it"), "unfinished"),
        (with_response("So it is.", "So (it is."), "unbalanced brackets or quotation marks"),
        (with_response("So it is.", "So it is and so on it was. " * 9), "repeats itself"),
        (replace(QA, quotes=QUOTES[:1]), "not every passage is quoted"),
        (with_response("So it is.", "word, " * 99 + "end."), "too little is quoted"),
        (
            replace(QA, instruction="What does the passage above say of Halley?"),
            "question does not stand alone",
        ),
        (replace(QA, instruction=""), "question does not stand alone"),
        (replace(DIALOGUE, speakers=tuple("ABBA")), "speakers do not take turns"),
        (
            replace(DIALOGUE, speakers=tuple("AB"), messages=DIALOGUE.messages[:2]),
            "too few turns",
        ),
    ],
)
def test_each_gate_can_fail(draft: Draft, gate: str):
    assert gate in rejected(draft)


def test_length_gates():
    assert "too short" in rejected(QA, GateOptions(min_words=500))
    assert "too long" in rejected(QA, GateOptions(min_words=5, max_words=10))


def test_a_quote_of_the_wrong_chunk_is_not_verbatim():
    swapped = (replace(QUOTES[0], chunk_id="b"), replace(QUOTES[1], chunk_id="a"))
    assert "a quotation is not verbatim" in rejected(replace(QA, quotes=swapped))


def test_repeated_runs():
    assert repeated_runs("one two three four five six seven") == 0
    assert repeated_runs("a b c d e f " * 3) > 0.4


# -- rows that a model wrote, without quotations ------------------------------------------

LEFT = "Halley drew up life tables for Breslau in 1693, and annuities were priced by mortality."
RIGHT = "A comet seen by Halley came back in 1758, as gravitation and its elliptic orbit foretold."
ABOUT = "Risk for Sale . Sky . economics . astronomy . Halley"
MODEL = Origin("llm", "model")
ASKED = "How did Halley use records of the past in economics and in astronomy?"
ANSWERED = (
    "In economics, Halley took the mortality of Breslau and drew up life tables in 1693, by which "
    "annuities were priced. In astronomy, he took an earlier comet, and its elliptic orbit under "
    "gravitation foretold that it would come back in 1758. Both times, records of the past are "
    "turned into a rule for what is to come: the life tables foretell ages, the orbit a return."
)
BRIDGE = Draft(
    "p",
    "qa",
    "model",
    f"{ASKED}\n\n{ANSWERED}",
    instruction=ASKED,
    response=ANSWERED,
    messages=(Message("user", ASKED), Message("assistant", ANSWERED)),
    mapping="The life tables of Breslau correspond to the orbit of the comet.",
    origin=MODEL,
)


def refused(draft: Draft) -> set[str]:
    passages = {"a": LEFT, "b": RIGHT}
    return set(judge(draft, ["a", "b"], passages, OPTIONS, ABOUT).rejected_by)


def answered(response: str) -> Draft:
    return replace(BRIDGE, text=f"{ASKED}\n\n{response}", response=response)


def test_a_good_bridge_passes():
    assert refused(BRIDGE) == set()
    verdict = judge(BRIDGE, ["a", "b"], {"a": LEFT, "b": RIGHT}, OPTIONS, ABOUT)
    assert verdict.attributable == 1.0
    assert verdict.verbatim is None


@pytest.mark.parametrize(
    ("draft", "gate"),
    [
        (answered(ANSWERED + " In 1805 it came again."), "a sentence stands in neither passage"),
        (
            answered(ANSWERED + " So did the friend of Newton."),
            "a sentence stands in neither passage",
        ),
        (
            answered(ANSWERED + " Bakers knead fresh bread dough every quiet morning nearby."),
            "a sentence stands in neither passage",
        ),
        (
            answered("Halley drew up life tables for Breslau in 1693. " + "Annuities had prices. "),
            "one passage is enough for the answer",
        ),
        (answered("Halley drew up life tables for Breslau."), "does not use both passages"),
        (replace(BRIDGE, mapping=""), "states no mapping"),
        (replace(BRIDGE, mapping="They are alike."), "states no mapping"),
        (answered("Sure! Here is the answer: " + ANSWERED), "refuses, or talks about its task"),
        (replace(BRIDGE, origin=replace(MODEL, finish_reason="length")), "unfinished"),
        (
            replace(BRIDGE, quotes=(Quote("a", "Halley drew up tables", "Risk for Sale", ""),)),
            "a quotation is not verbatim",
        ),
    ],
)
def test_each_gate_of_a_bridge_can_fail(draft: Draft, gate: str):
    assert gate in refused(draft)
