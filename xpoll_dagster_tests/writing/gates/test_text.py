"""Refusals, broken ends, loops and foreign languages, and the honest texts that look like them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpoll_dagster.writing.gate_options import GateOptions
from xpoll_dagster.writing.gates.ending import broken_off
from xpoll_dagster.writing.gates.language import language_of, reads_as_prose, same_language
from xpoll_dagster.writing.gates.paraphrase import judge_paraphrase
from xpoll_dagster.writing.gates.refusal import meta_talk
from xpoll_dagster.writing.gates.repetition import repeated_runs, repetition
from xpoll_dagster.writing.model import Origin, Paraphrase

SOURCE = (
    "The pump delivered forty litres in the first hour, but its valve stuck when the river fell, "
    "and the engineer of the mill had to open it by hand until the evening."
)


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't assist with that request.",
        "I’m afraid I can’t help with this.",
        "It looks like you haven't provided any text for me to work with.",
        "As an AI language model, I cannot rewrite copyrighted material.",
        "Sure! Here is the paraphrase: The pump ran.",
        "Certainly, here's a more concise version:\n\nThe pump ran.",
        "Of course. The pump ran dry.",
        "The given paragraph discusses a pump.",
        "There is insufficient information to paraphrase.",
        "The provided input is only a heading and cannot be rephrased.",
        "I would need more context in order to rewrite this passage.",
        "No text was provided for rewriting.",
        "The text you've provided seems to be incomplete.",
        "Paraphrased text: The pump ran.",
        "**Rewritten Version:**\n\nThe pump ran.",
        "This appears to be a table of contents.",
        "Without additional context, it is difficult to say.",
        "Please let me know if you'd like a longer version.",
        "This fragment does not contain enough content to rewrite.",
        "My apologies, but the passage is missing.",
        "The pump ran. Would you like me to make it shorter? Let me know!",
        "[Insert the paraphrase here]",
        "### Response: The pump ran.",
        '{"paraphrase": "The pump ran."}',
        "<think>The user wants a paraphrase.</think> The pump ran.",
        "This passage describes how a pump ran for an hour before its valve stuck.",
    ],
)
def test_talk_about_the_task_is_found(text: str):
    assert meta_talk(text, SOURCE)


@pytest.mark.parametrize(
    "text",
    [
        "Henry I was crowned in 1100, and Charles I saw a war.",
        "The material is a ceramic that was given a coat of paint.",
        "The valve was closed in a safe manner.",
        "More information about the valve can be found in section 4.",
        "Unfortunately, most of the records were lost.",
        "He worked as an assistant to the engineer.",
        "The equation can be rewritten as a product of two sums.",
        "Here are the three forces that act: weight, friction and drag. They cancel.",
        "Mission description: the rocket flew.",
        "Without more fuel, the crew could not go on. No further news came from the ship.",
        "Great was the surprise when the river fell.",
    ],
)
def test_honest_text_is_left_alone(text: str):
    assert meta_talk(text, SOURCE) == ""


def test_what_the_source_says_is_no_evidence():
    letter = "I am sorry to say that the passage was blocked, and I cannot send the text you want."
    assert meta_talk("I am sorry: the passage was blocked.", letter) == ""
    assert meta_talk("The passage is narrow.", "A narrow passage leads to the harbour.") == ""


@pytest.mark.parametrize(
    ("text", "finish_reason"),
    [
        ("The pump ran for an hour.", "length"),
        ("The pump ran for an", ""),
        ("", ""),
        ("The pump ran, and", ""),
        ("The pump had parts:\n\n1. A valve.\n2.", ""),
        ("The pump had parts:\n\n- A valve.\n- **Rod", ""),
        ("The pump ran.\n\n**Conclusion:**", ""),
        ("The pump ran.\n\n## The Valve", ""),
        ("The pump ran (as shown.", ""),
        ("He said: “It runs.", ""),
        ("The pump ran as shown in Fig.", ""),
        ("The pump ran...", ""),
        ("The pump is **very loud.", ""),
        ("| a | b |\n| --- | --- |\n| 1 | 2 |\n| 3 |", ""),
        ("It was opened by the engineer of the.", ""),
    ],
)
def test_unfinished_text_is_found(text: str, finish_reason: str):
    assert broken_off(text, finish_reason)


@pytest.mark.parametrize(
    "text",
    [
        "The pump ran for an hour.",
        "The list stands in Appendix E.",
        "It stopped at 2:13 p.m.",
        "It ran at 5.2 litres (see table 3).",
        "“It runs,” he said.",
        'A bar of 5" was bent. He said "stop."',
        "It has parts:\n\n1) A valve.\n2) A rod.",
        "**The pump ran.**",
        "What was it made of?",
    ],
)
def test_finished_text_is_left_alone(text: str):
    assert broken_off(text) == ""


def test_loops_are_measured():
    assert repetition("the pump ran " * 20) > 0.5
    assert repetition("stop stop stop stop stop stop stop") > 0.5
    assert repetition(SOURCE) == 0
    assert repeated_runs("a b c d e f " * 3) > 0.4


@given(st.text(max_size=300))
def test_any_text_can_be_measured(text: str):
    assert 0 <= repetition(text) <= 1
    assert isinstance(broken_off(text), str)
    assert isinstance(meta_talk(text, text), str)
    language_of(text)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("piece", ["|", ".", "l", "I ", "- ", "*", "(", "1:", "1/", "A.", "the "])
def test_hostile_text_costs_no_more_than_its_length(piece: str):
    draft = Paraphrase("c", "medium", piece * (40_000 // len(piece)) + "x", Origin("llm", "m"))
    judge_paraphrase(draft, SOURCE, GateOptions())
    judge_paraphrase(replace(draft, text=SOURCE), draft.text, GateOptions())


def test_languages():
    german = (
        "Die Pumpe lief eine Stunde, aber das Ventil klemmte, als der Fluss fiel und es kalt war."
    )
    french = (
        "La pompe a marché une heure, mais la soupape est restée fermée quand le fleuve est bas."
    )
    technical = (
        "The VHF/AM PGNCS downlink yields 12.5 dB SNR at 2.4 GHz, and the S-IVB LOX is vented."
    )
    assert language_of(german) == "de"
    assert language_of(french) == "fr"
    assert language_of(technical) == "en"
    assert language_of("Насос работал один час, но клапан заклинило") == "cyrillic"
    assert same_language(german, SOURCE) is False
    assert same_language(SOURCE, german) is False
    assert same_language(technical, SOURCE) is True
    assert same_language("A valve.", SOURCE) is None


def test_tables_are_no_prose():
    table = "Tank 1 29.0 326.8 Tank 2 29.2 327.2 Totals 58.2 654.0 Consumed Tank 1 7.1 71.8 Left 4"
    assert reads_as_prose(SOURCE)
    assert not reads_as_prose(table)
    assert same_language(SOURCE, table) is None
