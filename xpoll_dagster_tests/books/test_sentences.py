import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpoll_dagster.books.sentences import split_sentences


@pytest.mark.parametrize(
    "sentences",
    [
        ["See Fig. 3 and eq. 4. ", "It holds."],
        ["Mr. J. S. Mill met Dr. Whewell in St. Andrews. ", "They disagreed."],
        ["It is, e.g. in 3.5 cases, i.e. rarely, so. ", "Yes."],
        ["He asked, “Why?” and left. ", "“Nobody knows.” ", "She stayed."],
        ["Rome fell in 476 A.D. ", "The east went on."],
        ["The U.S. Army moved. ", "It won!"],
        ["It weighs 5 lb. ", "Then it fell (see p. 45). ", "Done."],
        ["Newton et al. (1900) said so; cf. vol. ii. ", "We agree."],
        ["Let y follow x. ", "Then x leads."],
        ["The law is\nF = ma.\n", "Here m is mass."],
        ["A heading\n\n", "Then a paragraph. ", "Another."],
        ["What? ", "Never! ", "Perhaps… ", "So be it."],
        ["1. The first item. ", "2. The second."],
        ["It costs 1.5 million. ", "2 were sold."],
    ],
)
def test_splits_where_a_reader_would(sentences: list[str]):
    assert split_sentences("".join(sentences)) == sentences


@given(st.text(alphabet='abcABC .!?\n"”)“(1ée…', max_size=200))
def test_joined_sentences_are_the_text(text: str):
    parts = split_sentences(text)
    assert "".join(parts) == text
    assert all(parts)


def test_no_text_has_no_sentences():
    assert split_sentences("") == []


def test_a_long_text_is_quick():
    text = "The quick brown fox. " * 20_000
    assert len(split_sentences(text)) == 20_000
