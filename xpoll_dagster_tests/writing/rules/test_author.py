"""The rules author as an author: the whole protocol, honest about what it cannot do."""

from __future__ import annotations

from xpoll_dagster.writing.model import Author, Persona
from xpoll_dagster.writing.rules import RulesAuthor
from xpoll_dagster.writing.rules.author import NO_VOICE, rules_hash


def test_every_reply_comes_back_unwritten():
    personas = [Persona("stoic", "calm"), Persona("cynic", "dry")]
    replies = RulesAuthor().mirror([("1", "Why?"), ("2", "How?")], personas)
    assert [(one.prompt_id, one.persona) for one in replies] == [
        ("1", "stoic"), ("1", "cynic"), ("2", "stoic"), ("2", "cynic"),
    ]  # fmt: skip
    assert all(one.problems == (NO_VOICE,) and not one.text for one in replies)


def test_it_is_an_author_with_a_hash_for_each_task():
    author: Author = RulesAuthor()
    assert author.model == "rules"
    assert rules_hash("asking") != rules_hash("paraphrasing")
