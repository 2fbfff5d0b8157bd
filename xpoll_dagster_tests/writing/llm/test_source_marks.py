"""The marks with which a model says what a sentence rests on."""

from __future__ import annotations

import pytest

from xpoll_dagster.writing.llm.source_marks import mentions_label, read_marks


@pytest.mark.parametrize(
    ("text", "plain", "sentences", "marked"),
    [
        ("It rained [A]. It snowed [B].", "It rained. It snowed.", 2, 2),
        ("It rained. [A] It then snowed a lot.", "It rained. It then snowed a lot.", 2, 1),
        ("It rained here today [A][B].", "It rained here today.", 1, 1),
        ("It rained here [A, B], and so on [A and B].", "It rained here, and so on.", 1, 1),
        ("It rained here [Passage A; Passage B]!", "It rained here!", 1, 1),
        ("Did it rain? It did so [A].", "Did it rain? It did so.", 1, 1),
        ("He said “it rained.” [A]", "He said “it rained.”", 1, 1),
        ("One line here [A].\n\nAnother line [B].", "One line here.\n\nAnother line.", 2, 2),
        ("The set [1] and a[i] and [Ada] stay.", "The set [1] and a[i] and [Ada] stay.", 1, 0),
        ("", "", 0, 0),
    ],
)
def test_marks_are_counted_and_taken_out(
    text: str, plain: str, sentences: int, marked: int
) -> None:
    found = read_marks(text)
    assert (found.text, found.n_sentences, found.n_marked) == (plain, sentences, marked)


def test_sides_and_labels() -> None:
    assert read_marks("Yes [A]. No [a and b].").sides == {"A", "B"}
    assert mentions_label("As passage A says.")
    assert not mentions_label("The passage a ship takes, book about it, plan A.")
