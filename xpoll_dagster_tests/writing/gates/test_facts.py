"""Numbers, units, dates and names in whatever form they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpoll_dagster.writing.gates.facts import Facts, compare_facts
from xpoll_dagster.writing.gates.known_names import known
from xpoll_dagster.writing.gates.numbers import numbers


def facts(text: str, source: str, about: str = "", common: frozenset[str] = frozenset()) -> Facts:
    return compare_facts(text, source, known(source, about, common), about, common)


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("It ran for 132 seconds.", "It ran for one hundred and thirty-two seconds."),
        ("It ran for twenty-five days.", "It ran for 25 days."),
        ("About 1,400 people came.", "1400 people came."),
        ("It was 98 feet long.", "It was 98.0 ft long."),
        ("It rose by 223 feet per second.", "It rose by 223 ft/sec."),
        ("It ended after 142 hours, 54 minutes and 41 seconds.", "It ended at 142:54:41."),
        ("It left at 2:13 p.m.", "It left at 2:13:00 p.m."),
        ("It left 4.75 hours before.", "It left 4-3/4 hours before."),
        ("It was 16.5 feet long.", "It was 16 1/2 feet long."),
        ("It was 16.5 feet long.", "It was 16½ feet long."),
        ("It left 4 hours and 45 minutes before.", "It left 4-3/4 hours before."),
        ("It came on November 7, 1963.", "It came on Nov.7, 1963."),
        ("It was the 13th voyage.", "It was the thirteenth voyage."),
        ("Half of them stayed.", "50 percent of them stayed."),
        ("Tank 1 held 118 pounds.", "Tank l held ll8 lb."),
        ("The two tanks leaked.", "Both tanks leaked."),
        ("It was at 25573.1 feet per second.", "It was at 25 573.1 ft/sec."),
    ],
)
def test_the_same_number_written_otherwise(text: str, source: str):
    found = facts(text, source)
    assert found.new_numbers == ()
    assert found.new_names == ()
    assert found.numbers_kept in {None, 1.0}


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("It ran for 133 seconds.", "It ran for 132 seconds."),
        ("It weighed 58 kilograms.", "It weighed 58 pounds."),
        ("It took 0.01 degrees.", "It took 0.001 degrees."),
        ("It left at 2:54:41.", "It left at 142:54:41."),
        ("It took two hours.", "It took a while."),
        ("It happened in 1694.", "It happened in 1693."),
        ("It held 0.9 pounds.", "It held 0.6 pounds and 0.3 pounds."),
    ],
)
def test_a_new_number_or_unit_is_found(text: str, source: str):
    assert facts(text, source).new_numbers


def test_a_decade_is_not_new():
    assert facts("It began in the 1690s.", "It began in 1693.").new_numbers == ()
    assert facts("It began in the 1680s.", "It began in 1693.").new_numbers == ("1680",)


def test_numbers_kept_is_a_share_without_places_in_the_book():
    source = "In 1693 he sold 40 annuities (table 3-II, section 14.1.8 and reference 2)."
    assert facts("In 1693 he sold 40 annuities.", source).numbers_kept == 1.0
    assert facts("In 1693 he sold annuities.", source).numbers_kept == 0.5
    assert facts("He sold annuities.", "He sold annuities.").numbers_kept is None


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("The Earth and the Moon turn.", "Both bodies turn."),
        ("In Florida it was launched at 9 Greenwich Mean Time.", "Fla.; it left at 9 G.m.t."),
        ("They met the CSM.", "They met the command and service module."),
        ("Halley's comet returned.", "The comet of Halley returned."),
        ("The Prussian army came.", "The army of Prussia came."),
        ("So the Trajectory Office said.", "The Trafectory Office said so."),
        ("It passed the S-IVB.", "It passed the spacecraft/S-IvB."),
        ("However, the valve stuck. Then the engineer came.", "A valve stuck; an engineer came."),
        ("**The Great Pump**\n\nThe pump ran.", "A pump ran."),
    ],
)
def test_names_that_the_source_knows(text: str, source: str):
    assert facts(text, source).new_names == ()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("The comet was seen by Newton.", "Newton"),
        ("The work was done at NASA.", "NASA"),
        ("It was seen in March.", "March"),
        ("It fell into the Pacific Ocean.", "Pacific Ocean"),
        ("The programme of James Watt ran.", "James Watt"),
    ],
)
def test_a_new_name_is_found(text: str, name: str):
    assert name in facts(text, "A comet was seen and fell into the sea.").new_names


def test_the_title_may_be_named_and_common_words_are_no_names():
    source = "The command module was lost."
    assert facts("In the end, Apollo 13 lost its command module.", source).new_names
    found = facts("So far Apollo 13 lost its Command Module.", source, "Apollo 13 Report")
    assert found.new_names == ()
    assert found.new_numbers == ()
    text = "So the Service Module was lost."
    assert facts(text, source, common=frozenset({"service"})).new_names == ()


def test_names_kept():
    source = "In Breslau the pastor Caspar Neumann wrote to Edmond Halley of London."
    assert facts("Neumann of Breslau wrote to Halley in London.", source).names_kept == 1.0
    assert facts("A pastor wrote to Halley.", source).names_kept == 0.25


@given(st.integers(0, 10**7), st.sampled_from(["", "hours", "ft", "percent", "°F"]))
def test_a_number_is_itself(number: int, unit: str):
    text = f"There were {number} {unit} of it."
    assert facts(text, text).new_numbers == ()
    assert facts(text, text).numbers_kept == 1.0
    assert facts(f"There were {number:,} {unit} of it.", text).new_numbers == ()


@given(st.text(max_size=200) | st.text("0123456789/-:.,lO½ SI%", max_size=40))
def test_any_text_has_numbers_and_names(text: str):
    numbers(text)
    assert facts(text, text).new_numbers == ()
