import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpoll_dagster.books.cleaning.hyphens import Hyphenation

TEXT = (
    "The well-known author wrote about mathematics and about the well-known problem of the "
    "mathematician who invented a self-evident proof. The inventor saw the evidence of the proof "
    "and thought it evident. A self-made man may have a well-stocked library of mathematical "
    "books; the library of this man was stocked with problems, and many a problem was proved."
)


def test_the_form_the_book_uses_more_often_wins():
    hyphens = Hyphenation.of([TEXT])
    assert hyphens.seam("the well-", "known author") == "the well-"
    assert hyphens.seam("the mathe-", "matics of") == "the mathe"
    assert hyphens.seam("it is self-", "evident that") == "it is self-"


def test_relatives_of_a_word_speak_for_joining():
    assert Hyphenation.of([TEXT]).seam("he will in-", "vent it") == "he will in"


def test_prefixes_the_book_hyphenates_keep_their_hyphen():
    assert Hyphenation.of([TEXT]).seam("a self-", "proved case") == "a self-"


def test_names_dashes_numbers_and_suspended_hyphens():
    hyphens = Hyphenation.of([TEXT, "It came two times and three times; threefold."])
    assert hyphens.seam("the Anglo-", "Saxon kings") == "the Anglo-"
    assert hyphens.seam("a proof—", "so he said") == "a proof—"
    assert hyphens.seam("a proof", "—so he said") == "a proof"
    assert hyphens.seam("pages 298–", "300") == "pages 298–"
    assert hyphens.seam("a two-", "or threefold") == "a two- "
    assert hyphens.seam("soft\u00ad", "ware") == "soft"
    assert hyphens.seam("plain", "words") == "plain "


def test_two_hundred_planted_breaks():
    words = TEXT.replace(";", "").replace(".", "").replace(",", "").split()
    rng = random.Random(7)
    right = 0
    for _ in range(200):
        place = rng.choice([n for n, word in enumerate(words) if len(word) >= 6])
        word = words[place]
        cut = word.index("-") if "-" in word else rng.randint(2, len(word) - 3)
        rest = word[cut + 1 :] if "-" in word else word[cut:]
        lines = [
            " ".join([*words[:place], word[:cut] + "-"]),
            " ".join([rest, *words[place + 1 :]]),
        ]
        # The book as a whole has the word elsewhere.
        right += Hyphenation.of([*lines, TEXT]).join(lines).split() == words
    assert right >= 190


@given(st.lists(st.sampled_from(TEXT.split()), min_size=1, max_size=40), st.integers(5, 30))
def test_lines_without_hyphens_at_their_ends_come_back(words: list[str], width: int):
    lines, row = [], ""
    for word in words:
        row = f"{row} {word}".strip()
        if len(row) >= width:
            lines.append(row)
            row = ""
    lines += [row] if row else []
    assert Hyphenation.of(lines).join(lines) == " ".join(words)


@given(st.lists(st.text(max_size=12), max_size=6))
def test_any_lines_can_be_joined_and_lose_nothing_but_hyphens(lines: list[str]):
    joined = Hyphenation.of(lines).join(lines)
    folded = joined.replace(" ", "").replace("-", "")
    marks = str.maketrans(dict.fromkeys("-\u2010¬\u00ad "))
    assert folded.translate(marks) == "".join(lines).translate(marks)


@pytest.mark.timeout(60)
def test_a_word_of_a_million_letters_takes_no_time() -> None:
    """Tried from every one of its letters it took hours."""
    word = "a" * 1_000_000
    hyphenation = Hyphenation.of([word, "well-", "known"])
    assert hyphenation.join([word, "and it was", "well"]) == f"{word} and it was well"
