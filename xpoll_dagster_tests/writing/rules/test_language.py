"""The small grammar: kinds of words, inflection, the parts of a plain clause."""

from __future__ import annotations

import pytest

from xpoll_dagster.writing.rules.language.clauses import Clause, parse
from xpoll_dagster.writing.rules.language.lexicon import Lexicon, load_lexicon
from xpoll_dagster.writing.rules.options import RulesOptions
from xpoll_dagster_tests.writing.rules.chunks import NOWHERE, needs_wordnet

pytestmark = needs_wordnet


@pytest.fixture(scope="module")
def lexicon():
    return load_lexicon(RulesOptions().wordnet_folder)


def parts(clause: Clause | None) -> tuple[str, str, str, str] | None:
    if clause is None:
        return None
    opening = clause.text(*clause.opening) if clause.opening else ""
    verbs = clause.text(clause.finite, clause.verb + 1)
    return opening, clause.text(*clause.subject), verbs, clause.text(*clause.rest)


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("The lunar module was jettisoned 1 hour before entry.",
         ("", "The lunar module", "was jettisoned", "1 hour before entry")),
        ("In 1687 Newton published the Principia.",
         ("In 1687", "Newton", "published", "the Principia")),
        ("During the abort phase, the crew used juice bags to transfer water.",
         ("During the abort phase", "the crew", "used", "juice bags to transfer water")),
        ("The charge developed on an aircraft is caused by the engine current.",
         ("", "The charge developed on an aircraft", "is caused", "by the engine current")),
        ("The tank failed and the pressure dropped to zero.",
         ("", "The tank", "failed", "")),
        ("The old distinction maintained in war between soldiers and others disappeared.", None),
        ("If the valve is closed, the pressure rises quickly.", None),
        ("What a night it was for the keeper.", None),
        ("The keeper, who was old, slept in the tower.", None),
    ],
)  # fmt: skip
def test_plain_clauses_are_found_and_others_left(
    sentence: str, expected: tuple[str, str, str, str] | None, lexicon: Lexicon
):
    assert parts(parse(sentence, lexicon)) == expected


@pytest.mark.parametrize(
    ("lemma", "past", "participle", "third", "gerund"),
    [
        ("write", "wrote", "written", "writes", "writing"),
        ("begin", "began", "begun", "begins", "beginning"),
        ("occur", "occurred", "occurred", "occurs", "occurring"),
        ("carry", "carried", "carried", "carries", "carrying"),
        ("see", "saw", "seen", "sees", "seeing"),
        ("hit", "hit", "hit", "hits", "hitting"),
    ],
)
def test_verbs_are_inflected(
    lemma: str, past: str, participle: str, third: str, gerund: str, lexicon: Lexicon
):
    forms = ("past", "participle", "third", "gerund")
    assert [lexicon.verb_form(lemma, form) for form in forms] == [past, participle, third, gerund]
    for form in (past, participle, third):
        assert lexicon.verb_lemma(form) == lemma


def test_without_wordnet_auxiliaries_are_known_and_main_verbs_are_not():
    empty = load_lexicon(NOWHERE.wordnet_folder)
    assert not empty
    assert parse("The keeper published the lists of the ships.", empty) is None
    assert parse("The lists were kept in the tower by the bay.", empty) is not None
