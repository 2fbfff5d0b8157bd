"""Persona mirrors: voices, draws, gates and splits."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from xpoll_dagster.corpus.mirrors import (
    MIRRORS_SCHEMA,
    MirrorOptions,
    mirror_prompts,
    save_mirrors,
    write_mirrors,
)
from xpoll_dagster.corpus.model import SourceError
from xpoll_dagster.corpus.personas import load_personas
from xpoll_dagster.corpus.reply_gates import SAME, VOICE
from xpoll_dagster.writing.engines.model import Completion
from xpoll_dagster.writing.gates.text import REFUSAL, REPETITION, UNFINISHED
from xpoll_dagster.writing.llm.author import LLMAuthor
from xpoll_dagster.writing.model import Origin, Persona, Reply
from xpoll_dagster.writing.rules import RulesAuthor
from xpoll_dagster_tests.corpus.small_corpus import build_corpus

SHIPPED = Path(__file__).parents[2] / "data" / "corpus" / "personas"
VOICES = [Persona("calm", "You are calm."), Persona("loud", "You are loud.")]


class ScriptedEngine:
    """Completes chats by a function of the system prompt and the question."""

    model = "scripted"
    identity = {"model": "scripted"}  # noqa: RUF012 - a protocol's property

    def __init__(self, say: Any):
        self.say = say

    def complete(self, requests: Any, on_completion: Any = None):
        done = []
        for number, request in enumerate(requests):
            texts = {message.role: message.content for message in request.messages}
            done.append(Completion(self.say(texts.get("system", ""), texts["user"])))
            if on_completion is not None:
                on_completion(number, done[-1])
        return done


class ReplyingAuthor:
    """Gives scripted replies to one prompt after the other."""

    model = "scripted"

    def __init__(self, *texts: Any, finish: str = "stop"):
        self.texts, self.finish = texts, finish

    def paraphrase(self, chunks: Any, style: str) -> Any:
        raise NotImplementedError

    def ask(self, chunks: Any, n: int) -> Any:
        raise NotImplementedError

    def bridge(self, pairs: Any) -> Any:
        raise NotImplementedError

    def mirror(self, prompts: Any, personas: Any) -> Any:
        origin = Origin("llm", "scripted", "0" * 64, self.finish)
        return [
            Reply(prompt_id, persona.name, text, origin)
            for prompt_id, _ in prompts
            for persona, text in zip(personas, self.texts, strict=True)
        ]


def prompts(
    category: str = "instruction", text: str = "How do I boil an egg so that the yolk stays soft?"
):
    return pl.DataFrame(
        {
            "prompt_id": ["s:1"], "prompt": [text], "split": ["train"], "_category": [category],
            "_source": ["s"], "_license": ["MIT"],
        }
    )  # fmt: skip


def verdicts(*texts: Any, category: str = "instruction", finish: str = "stop"):
    table = write_mirrors(prompts(category), ReplyingAuthor(*texts, finish=finish), VOICES)
    return [row["rejected_by"] for row in table.iter_rows(named=True)]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory):
    return build_corpus(tmp_path_factory.mktemp("corpus"))


def test_the_shipped_voices():
    personas = load_personas(SHIPPED)
    assert {"claude", "chatgpt", "shadow"} <= {persona.name for persona in personas}
    shadow = next(persona for persona in personas if persona.name == "shadow")
    assert "leaves unsaid" in shadow.description
    assert all(len(persona.description) > 200 for persona in personas)


@pytest.mark.parametrize("text", ["[", "title: only", "description: ''", "description: a\nx: 1"])
def test_a_wrong_persona_is_told(tmp_path: Path, text: str):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(SourceError, match=r"mine\.yaml"):
        load_personas(tmp_path)


@pytest.mark.slow
def test_prompts_are_drawn_by_category_and_stay_when_rows_are_added(corpus: Path, tmp_path: Path):
    options = MirrorOptions(per_category=10, test_share=0.3)
    drawn = mirror_prompts(corpus, options)
    counts = dict(drawn["_category"].value_counts().iter_rows())
    assert set(counts.values()) == {10}
    assert "dialogue" not in counts  # every row of it goes on after the first exchange
    assert set(drawn["split"]) == {"train", "test"}
    richer = build_corpus(tmp_path, extra={"orders": 100})
    again = mirror_prompts(richer, options)
    others = pl.col("_category") != "instruction"
    assert drawn.filter(others).equals(again.filter(others))
    both = drawn.join(again, on="prompt_id")
    assert (both["split"] == both["split_right"]).all()


def test_all_voices_of_a_prompt_stand_in_one_split_by_a_real_author(corpus: Path, tmp_path: Path):
    def say(system: str, user: str):
        voice = "Calmly put" if "calm" in system else "LOUDLY PUT"
        return f"{voice}, the answer to that is number {len(user)}, and it will not change."

    author = LLMAuthor(ScriptedEngine(say))
    drawn = mirror_prompts(corpus, MirrorOptions(per_category=8, test_share=0.3))
    table = write_mirrors(drawn, author, VOICES, MirrorOptions(batch=7))
    assert table.schema == MIRRORS_SCHEMA
    assert table.height == 2 * drawn.height
    assert (table.group_by("prompt_id").agg(pl.col("split").n_unique())["split"] == 1).all()
    assert (table.group_by("prompt_id").agg(pl.col("persona").n_unique())["persona"] == 2).all()
    report = save_mirrors(table, VOICES, tmp_path / "mirrors")
    assert report["accepted"] == table["accepted"].sum() > 0
    train = pl.read_parquet(tmp_path / "mirrors/data/train-*.parquet")
    test = pl.read_parquet(tmp_path / "mirrors/data/test-*.parquet")
    assert set(train["prompt_id"]).isdisjoint(test["prompt_id"])
    assert train.height + test.height == report["accepted"]
    turns = train.filter(pl.col("persona") == "calm")["messages"][0]
    assert [turn["role"] for turn in turns] == ["system", "user", "assistant"]
    assert turns[0]["content"] == "You are calm."


def test_the_rules_author_writes_nothing_and_the_card_says_so(tmp_path: Path):
    table = write_mirrors(prompts(), RulesAuthor(), VOICES)
    assert table.height == 2
    assert not table["accepted"].any()
    assert all(reasons for reasons in table["rejected_by"].to_list())
    report = save_mirrors(table, VOICES, tmp_path / "mirrors")
    assert report["accepted"] == 0
    assert report["replies"] == 2
    assert "Nothing was written" in (tmp_path / "mirrors/README.md").read_text()
    assert json.loads((tmp_path / "mirrors/report.json").read_text()) == report
    assert not list((tmp_path / "mirrors/data").iterdir())


def test_a_reply_may_speak_as_a_person_does():
    assert verdicts(
        "I would lower it into boiling water and take it out after six minutes.",
        "Sure! Six minutes does it, and let me know if you like it firmer. I can't eat them hard.",
    ) == [[], []]


def test_what_is_no_reply_is_rejected_with_the_reason():
    assert verdicts(
        "I'm sorry, but I cannot help with that.", "As an AI language model, I do not boil eggs."
    ) == [[REFUSAL], [REFUSAL]]
    assert verdicts(
        "In this voice I would say that six minutes are right.", "Six minutes.<|end|> user: thanks"
    ) == [[VOICE], [VOICE]]
    assert (
        verdicts("Six minutes and then", "Boil it for six", finish="length") == [[UNFINISHED]] * 2
    )
    loop = "Boil the egg for six minutes in water. " * 20
    assert REPETITION in verdicts(loop, "Six minutes.")[0]
    assert verdicts("Six minutes.", "six  minutes.") == [[], [SAME]]
    assert verdicts("", "Six minutes.")[0] == ["the author gave no reply"]


def test_what_ought_to_be_refused_may_be_refused():
    refusal = "I'm sorry, but I can't help with that."
    assert verdicts(refusal, "No. I won't help with this one.", category="red_team") == [[], []]


def test_an_author_that_loses_replies_is_caught():
    class Losing(ReplyingAuthor):
        def mirror(self, prompts: Any, personas: Any):
            return super().mirror(prompts, personas)[:-1]

    with pytest.raises(ValueError, match="other replies"):
        write_mirrors(prompts(), Losing("One.", "Two."), VOICES)
