"""Paraphrases, questions and replies by a scripted model."""

from __future__ import annotations

import pytest

from xpoll_dagster.writing.completion import CompletionOptions, Progress
from xpoll_dagster.writing.engines.model import ChatRequest, Completion
from xpoll_dagster.writing.llm import LLMAuthor, LLMOptions
from xpoll_dagster.writing.model import Author, Persona, SourceChunk
from xpoll_dagster_tests.writing.llm.scripted import MILL, PUMP, ScriptedEngine, asked, chunk

GOOD = (
    "Near Dudley, Newcomen's steam pump emptied a coal mine from 1712 onwards, although every "
    "stroke lost most of its heat."
)
TWO = LLMOptions(completion=CompletionOptions(rounds=2))


def is_author(author: Author) -> Author:
    return author


def test_paraphrases_come_in_order_in_one_batch() -> None:
    other = (
        "Rivers drove the corn mills of Europe for a thousand years, save in dry summers, and "
        "ponds kept water."
    )
    engine = ScriptedEngine(lambda r: GOOD if "Newcomen" in asked(r) else other)
    author = is_author(LLMAuthor(engine))
    drafts = author.paraphrase([chunk(), chunk(MILL), chunk(chunk_id="again")], "short")
    assert [draft.chunk_id for draft in drafts] == ["physics-1", "history-1", "again"]
    assert [draft.text for draft in drafts] == [GOOD, other, GOOD]
    assert all(draft.problems == () and draft.origin.author == "llm" for draft in drafts)
    assert {draft.origin.model for draft in drafts} == {"scripted"}
    assert len(drafts[0].origin.prompt_sha256) == 64
    assert [len(batch) for batch in engine.batches] == [3]


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        ("Here is a paraphrase of the passage:\n\n" + GOOD, "talks about the task"),
        (GOOD.removesuffix(" its heat.") + " its", "complete sentence"),
        (GOOD.replace("1712", "1912"), "numbers that the passage lacks: 1912"),
        (GOOD.replace("Newcomen", "Thomas Savery"), "names that the passage lacks"),
        ("Steam pumps wasted heat.", "length asked for"),
    ],
)
def test_wrong_paraphrases_are_asked_for_again_with_the_reason(first: str, reason: str) -> None:
    engine = ScriptedEngine(lambda r: GOOD if len(r.messages) > 2 else first)
    drafts = LLMAuthor(engine, TWO).paraphrase([chunk()], "short")
    assert drafts[0].text == GOOD
    assert drafts[0].problems == ()
    assert reason in engine.batches[1][0].messages[-1].content
    assert engine.batches[1][0].messages[-2].content == first


def test_numbers_must_be_kept_where_the_style_says_so() -> None:
    without = (
        "Newcomen's steam pump drained a coal mine close to Dudley. Steam entered a cylinder,"
        " a jet of water chilled it, and the air above pushed down the piston. Then the beam "
        "raised water from the mine. Most heat was lost at every stroke, since the cylinder "
        "needed warming anew."
    )
    engine = ScriptedEngine(lambda _: without)
    draft = LLMAuthor(engine, TWO).paraphrase([chunk()], "medium")[0]
    # Asked for again in vain, it is the gates' to judge.
    assert (draft.text, draft.origin.raw, draft.problems) == (without, without, ())
    assert "1712" in engine.batches[1][0].messages[-1].content
    kept = ScriptedEngine(lambda _: without.replace("drained", "in 1712 drained"))
    assert LLMAuthor(kept).paraphrase([chunk()], "medium")[0].problems == ()


def test_what_fails_keeps_its_reason_and_raw_answer() -> None:
    answers = {
        "cut": Completion("The steam pump of", "length", 9, 512),
        "withheld": Completion("", "refused"),
        "failed": Completion("", "error", error="The prompt is longer than the model takes."),
        "rubbish": Completion("I'm sorry, but I cannot paraphrase this."),
    }
    engine = ScriptedEngine(lambda r: next(a for name, a in answers.items() if name in asked(r)))
    chunks = [chunk(text=f"{PUMP.text} It was {name}.") for name in answers]
    drafts = LLMAuthor(engine, TWO).paraphrase(chunks, "short")
    assert [draft.problems for draft in drafts] == [
        ("cut at the most tokens",),
        ("withheld by the server's filter",),
        ("the request failed",),
        (),
    ]
    assert [draft.text for draft in drafts[:3]] == [""] * 3
    assert drafts[3].text == drafts[3].origin.raw
    assert drafts[0].origin.raw == "The steam pump of"
    assert drafts[0].origin.finish_reason == "length"
    assert "longer than the model takes" in drafts[2].origin.raw
    assert drafts[3].origin.raw.startswith("I'm sorry")


def test_unknown_style_and_empty_batches() -> None:
    engine = ScriptedEngine(lambda _: GOOD)
    author = LLMAuthor(engine)
    with pytest.raises(ValueError, match="no style 'epic'"):
        author.paraphrase([chunk()], "epic")
    assert author.paraphrase([], "short") == author.ask([], 2) == author.bridge([]) == []
    assert author.mirror([], [Persona("p", "You are kind.")]) == []
    assert engine.batches == []
    assert author.paraphrase([chunk(text=" \n ")], "short")[0].problems == ("the passage is empty",)


def question(answer: str, text: str, difficulty: str = "easy") -> dict[str, str]:
    return {"answer": answer, "question": text, "difficulty": difficulty}


def test_questions_are_drafts_of_their_chunk() -> None:
    def answer(request: ChatRequest) -> dict:
        if "Newcomen" not in asked(request):
            return {"questions": []}
        found = [
            question("1712", "In which year was the pump of Newcomen built?"),
            question("a coal mine", "What did the pump of Newcomen drain?", "Medium"),
            question("Dudley", "Near which town did it stand?", "hard"),
        ]
        return {"questions": found}

    engine = ScriptedEngine(answer)
    drafts = LLMAuthor(engine).ask([chunk(MILL), chunk()], 2)
    assert [(d.chunk_id, d.answer, d.difficulty_guess) for d in drafts] == [
        ("history-1", "", ""),
        ("physics-1", "1712", "easy"),
        ("physics-1", "a coal mine", "medium"),
    ]
    assert drafts[0].problems == ("the model finds nothing to ask about",)
    assert drafts[1].template == ""
    schema = engine.batches[0][0].json_schema
    assert schema is not None
    assert list(schema["$defs"]["AnsweredQuestion"]["properties"]) == [
        "answer",
        "question",
        "difficulty",
    ]


def test_answers_from_the_context_alone_are_asked_for_again() -> None:
    wrong = {"questions": [question("Thomas Savery", "Who patented a pump before Newcomen?")]}
    right = {"questions": [question("a jet of water", "What cooled the steam in the cylinder?")]}
    engine = ScriptedEngine(lambda r: right if len(r.messages) > 2 else wrong)
    source = SourceChunk(PUMP, before="Thomas Savery had patented a pump before.")
    drafts = LLMAuthor(engine).ask([source], 1)
    assert [draft.answer for draft in drafts] == ["a jet of water"]
    assert "Thomas Savery" in engine.batches[1][0].messages[-1].content
    hopeless = ScriptedEngine(lambda _: wrong)
    draft = LLMAuthor(hopeless, TWO).ask([source], 1)[0]
    assert (draft.answer, draft.problems) == ("Thomas Savery", ())
    assert "Savery" in draft.origin.raw
    lost = {"questions": [question("a\fb", "What?")]}
    draft = LLMAuthor(ScriptedEngine(lambda _: lost), TWO).ask([source], 1)[0]
    assert draft.problems == ("A backslash of a formula was lost",)


def test_one_good_question_is_enough_and_rubbish_is_none() -> None:
    mixed = {
        "questions": [
            question("1712", "When was it built?"),
            question("in 1999", "When was it not?"),
        ]
    }
    drafts = LLMAuthor(ScriptedEngine(lambda _: mixed)).ask([chunk()], 2)
    assert [draft.answer for draft in drafts] == ["1712", "in 1999"]
    draft = LLMAuthor(ScriptedEngine(lambda _: "no json"), TWO).ask([chunk()], 2)[0]
    assert draft.problems == ("the answer has not the form asked for",)
    with pytest.raises(ValueError, match="At least one question"):
        LLMAuthor(ScriptedEngine(lambda _: "")).ask([chunk()], 0)


def test_lost_backslashes_are_noticed() -> None:
    text = r"The ratio is \frac{a}{b} for every triangle of the plane."
    lost = (
        '{"questions": [{"answer": "\\frac{a}{b}", "question": "What is the ratio?", '
        '"difficulty": "easy"}]}'
    )
    right = lost.replace("\\f", "\\\\f")
    engine = ScriptedEngine(lambda r: right if len(r.messages) > 2 else lost)
    draft = LLMAuthor(engine).ask([chunk(text=text)], 1)[0]
    assert draft.answer == r"\frac{a}{b}"
    assert "backslash" in engine.batches[1][0].messages[-1].content


def test_mirror_answers_each_prompt_in_each_voice() -> None:
    engine = ScriptedEngine(lambda r: f"{r.messages[0].content[:14]} says: {asked(r)} is known.")
    voices = [Persona("stoic", "You are a stoic."), Persona("bard", "You are a bard..")]
    prompts = [("1", "What is {{ virtue }}?"), ("2", "Name a colour."), ("3", " ")]
    replies = LLMAuthor(engine).mirror(prompts, voices)
    assert [(r.prompt_id, r.persona) for r in replies] == [
        (prompt, voice) for prompt in "123" for voice in ("stoic", "bard")
    ]
    assert engine.batches[0][0].messages[0].content.startswith("You are a stoic.")
    assert engine.batches[0][0].messages[1].content == "What is {{ virtue }}?"
    assert replies[1].text == "You are a bard says: What is {{ virtue }}? is known."
    assert replies[5].problems == ("the prompt is empty",)


def test_progress_is_told() -> None:
    told: list[Progress] = []
    LLMAuthor(ScriptedEngine(lambda _: GOOD), on_progress=told.append).paraphrase(
        [chunk()], "short"
    )
    assert told[-1].done == 1
