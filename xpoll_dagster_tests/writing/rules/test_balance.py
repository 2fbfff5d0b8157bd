"""Shares of templates."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from xpoll_dagster.writing.model import Question
from xpoll_dagster.writing.rules.asking.balance import balance_templates

QUESTIONS = st.lists(
    st.builds(
        Question,
        st.sampled_from("abcdefghij"),
        st.just("Who?"),
        st.just("x"),
        st.sampled_from(["", *"123456789"]),
        st.floats(0, 1),
    ),
    max_size=80,
)


@given(QUESTIONS)
def test_no_template_gives_more_than_its_share_and_nothing_is_lost(questions: list[Question]):
    kept, dropped = balance_templates(questions, 0.2)
    assert sorted(map(id, kept + dropped)) == sorted(map(id, questions))
    counted = Counter(one.template for one in kept if one.template)
    total = sum(counted.values())
    if len({one.template for one in questions if one.template}) >= 5:
        assert all(count <= max(1, 0.2 * total) for count in counted.values())
    else:
        assert not dropped


def test_a_chunks_only_question_goes_last_and_the_worst_first():
    def ask(chunk: str, template: str, score: float) -> Question:
        return Question(chunk, "Who?", "x", template, score)

    others = [ask(f"o{n}", str(n % 9), 0.9) for n in range(45)]
    only = ask("alone", "year", 0.1)
    several = [ask("many", "year", 0.5 + n / 100) for n in range(20)]
    kept, dropped = balance_templates([*others, only, *several])
    assert only in kept
    assert dropped
    assert max(one.score for one in dropped) < min(
        one.score for one in kept if one.chunk_id == "many"
    )


def test_unwritten_and_model_questions_are_left_alone():
    unwritten = Question("a", "", "", "gap", problems=("no",))
    model = Question("a", "Who?", "x")
    assert balance_templates([unwritten, model] * 9) == ([unwritten, model] * 9, [])
