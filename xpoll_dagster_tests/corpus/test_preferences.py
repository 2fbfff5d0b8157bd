"""Preference pairs: where they come from, which are kept, and what gives them away."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from xpoll_dagster.corpus.grounded_preferences import OTHER_CHUNK, OTHER_PAIR, grounded_candidates
from xpoll_dagster.corpus.merge import merge_sources
from xpoll_dagster.corpus.merge_options import MergeOptions
from xpoll_dagster.corpus.model import PREFERENCES_SCHEMA, SourceError
from xpoll_dagster.corpus.preference_candidates import (
    CANDIDATES_SCHEMA,
    natural_candidates,
    ranked_candidates,
)
from xpoll_dagster.corpus.preference_measures import pair_measures
from xpoll_dagster.corpus.preference_options import PreferenceOptions
from xpoll_dagster.corpus.preferences import (
    EMPTY,
    IDENTICAL,
    LENGTH,
    MANY,
    REPEATED,
    REVERSED,
    preference_pairs,
)
from xpoll_dagster.corpus.reward_model import RewardModel, RewardModelOptions
from xpoll_dagster.corpus.source_writer import SourceWriter
from xpoll_dagster.storage import hash_tree
from xpoll_dagster.writing.model import PAIR_TEXTS_SCHEMA
from xpoll_dagster.writing.questions import QUESTIONS_SCHEMA
from xpoll_dagster_tests.corpus.sources import SMALL, frame, write_source
from xpoll_dagster_tests.corpus.tiny_models import save_tiny_model


def candidate(prompt: str, chosen: str, rejected: str, **more: Any):
    return {
        "prompt": [{"role": "user", "content": prompt}],
        "chosen": chosen,
        "rejected": rejected,
        "_category": "factual",
        "_source": "made",
        "_license": "MIT",
        "_id": f"made:{prompt}:{chosen}",
        "rejected_source": "made worse",
        "margin": None,
        **more,
    }


def candidates(*rows: Any):
    return pl.DataFrame(list(rows), schema=CANDIDATES_SCHEMA, orient="row")


def pairs_of(folder: Path):
    return pl.read_parquet(sorted((folder / "data").glob("*.parquet")))


def test_what_cannot_be_used_is_left_out_with_the_reason(tmp_path: Path):
    report = preference_pairs(
        [
            candidates(
                candidate("a", "the right one", "the wrong one"),
                candidate("b", "the same  one", "the same one"),
                candidate("c", "short", "a much longer answer than that"),
                candidate("d", "", "something"),
                candidate("e", "left or right", "right or left"),
            ),
            candidates(
                candidate("a", "the right one", "the wrong one"),
                candidate("e", "right or left", "left or right"),
            ),
        ],
        tmp_path / "set",
    )
    left_out = pl.read_parquet(tmp_path / "set/left_out.parquet")
    assert report["left_out"] == {REVERSED: 2, EMPTY: 1, IDENTICAL: 1, LENGTH: 1, REPEATED: 1}
    assert report["candidates"] == 7 == report["pairs"] + left_out.height
    assert report["pairs"] == 1
    row = pairs_of(tmp_path / "set").row(0, named=True)
    assert row["prompt"] == [{"role": "user", "content": "a"}]
    assert row["chosen"] == [{"role": "assistant", "content": "the right one"}]
    assert row["rejected"] == [{"role": "assistant", "content": "the wrong one"}]
    assert row["rejected_source"] == "made worse"
    assert any("made worse" in warning for warning in report["warnings"])


@pytest.mark.slow
def test_a_category_has_its_number_drawn_by_hash(tmp_path: Path):
    rows = [candidate(str(n), f"good {n % 7}", f"evil {n % 5}") for n in range(40)]
    options = PreferenceOptions(max_per_category=10, test_share=0)
    for name, ordered in (("a", rows), ("b", rows[::-1])):
        report = preference_pairs([candidates(*ordered)], tmp_path / name, options)
        assert report["pairs"] == 10
        assert report["left_out"] == {MANY: 30}
    assert hash_tree(tmp_path / "a" / "data") == hash_tree(tmp_path / "b" / "data")


def test_pairs_of_one_prompt_stand_in_one_split(tmp_path: Path):
    rows = [candidate(f"prompt {n // 3}", f"good {n:03}", f"evil {n:03}") for n in range(150)]
    report = preference_pairs(
        [candidates(*rows)], tmp_path / "s", PreferenceOptions(test_share=0.3)
    )
    train, test = (
        set(pl.read_parquet(tmp_path / f"s/data/{name}-*.parquet")["prompt"].list.eval(
            pl.element().struct.field("content")).list.first())
        for name in ("train", "test")
    )  # fmt: skip
    assert train.isdisjoint(test)
    assert len(train | test) == 50
    assert report["splits"]["test"] == 3 * len(test) > 0


def test_no_candidates_and_wrong_ones(tmp_path: Path):
    report = preference_pairs([], tmp_path / "none")
    assert report["pairs"] == 0
    assert "There is no pair." in (tmp_path / "none/README.md").read_text()
    with pytest.raises(SourceError, match="columns"):
        preference_pairs([pl.DataFrame({"a": [1]})], tmp_path / "wrong")
    assert not (tmp_path / "wrong").exists()


def test_natural_pairs_come_from_their_sources_but_not_those_that_give_a_test_away(tmp_path: Path):
    folder = tmp_path / "judged"
    folder.mkdir()
    test_words = " ".join(f"word{n}" for n in range(20))
    rows = frame(
        [
            {"instruction": "Say something.", "output": "Something fine."},
            {"instruction": test_words, "output": "The answer of the test."},
        ]
    )
    with SourceWriter(folder, "judged", licence="MIT", options=SMALL) as writer:
        writer.write(rows)
        writer.finish(read=2)
    ids = pl.read_parquet(sorted(folder.glob("rows-*.parquet")))["_id"].to_list()
    given = [
        candidate(rows["instruction"][n], rows["output"][n], "Something poor.") | {"_id": ids[n]}
        for n in (0, 1)
    ]
    pl.DataFrame(
        [{name: one[name] for name in PREFERENCES_SCHEMA} for one in given],
        schema=PREFERENCES_SCHEMA, orient="row",
    ).write_parquet(folder / "preferences-00000.parquet")  # fmt: skip
    report = (folder / "report.json").read_text()
    (folder / "report.json").write_text(
        report.replace('"beside": {}', '"beside": {"preferences": 2}')
    )
    from xpoll_dagster.corpus.decontamination import TESTS_SCHEMA

    tests = pl.DataFrame(
        [dict.fromkeys(TESTS_SCHEMA, "t") | {"text": test_words}], schema=TESTS_SCHEMA, orient="row"
    )
    merge_sources([folder], tmp_path / "corpus", MergeOptions(jsonl="none"), tests=tests)
    found = pl.concat(natural_candidates([folder], tmp_path / "corpus"))
    assert found["_id"].to_list() == [ids[0]]
    assert found["rejected_source"].to_list() == ["worse answer in judged"]
    assert pl.concat(natural_candidates([folder])).height == 2


def answers_corpus(root: Path):
    rows = [
        {"instruction": f"Count to {n}.", "output": f"{'x' * size}{size}", "_category": "maths"}
        for n in range(6)
        for size in (50, 55, 60, 200)
    ]
    rows.append({"instruction": "Asked once.", "output": "Answered once."})
    source = write_source(root, "answers", rows)
    merge_sources([source], root / "corpus", MergeOptions(near_duplicates=False, jsonl="none"))
    return root / "corpus"


def test_several_answers_to_a_prompt_are_ranked(tmp_path: Path):
    corpus = answers_corpus(tmp_path)
    asked = []

    def shorter_is_better(pairs: Any):
        asked.extend(pairs)
        return [-float(len(answer)) for _, answer in pairs]

    found = pl.concat(ranked_candidates(corpus, shorter_is_better, PreferenceOptions()))
    assert found.schema == CANDIDATES_SCHEMA
    assert found.height == 6
    assert set(found["chosen"].str.slice(-2)) == {"50"}
    # The worst whose length fits, not the worst of all.
    assert set(found["rejected"].str.slice(-2)) == {"60"}
    assert (found["margin"] > 0).all()
    assert len(asked) == 24
    few = PreferenceOptions(max_per_category=2)
    assert pl.concat(ranked_candidates(corpus, shorter_is_better, few)).height == 2


@pytest.mark.slow
def test_a_real_classifier_ranks(tmp_path: Path):
    corpus = answers_corpus(tmp_path)
    model = save_tiny_model(tmp_path / "model", "classifier")
    reward = RewardModel(RewardModelOptions(model=str(model), batch_size=5))
    alone = [reward([pair])[0] for pair in (("a", "b"), ("Count.", "one two three"))]
    together = reward([("a", "b"), ("Count.", "one two three")])
    assert np.allclose(alone, together, atol=1e-5)  # padding changes nothing
    found = pl.concat(ranked_candidates(corpus, reward, PreferenceOptions()))
    assert found.height == 6
    assert (found["margin"] > 0).all()
    two = save_tiny_model(tmp_path / "two", "classifier", labels=2)
    with pytest.raises(SourceError, match="2 outputs"):
        RewardModel(RewardModelOptions(model=str(two)))([("a", "b")])
    with pytest.raises(SourceError, match="cannot be loaded"):
        RewardModel(RewardModelOptions(model=str(tmp_path / "none")))([("a", "b")])


CHUNKS = pl.DataFrame(
    {
        "chunk_id": ["a-1", "a-2", "b-1", "b-2"],
        "book": ["a", "a", "b", "b"],
        "passage": [
            "Kepler published his laws in 1609.",
            "Newton published the Principia in 1687.",
            "The trade in tulips fell in 1637.",
            "The South Sea company failed in 1720.",
        ],
    }
)


def question(number: int, chunk: str, text: str, answer: str, **more: Any):
    row = dict.fromkeys(QUESTIONS_SCHEMA)
    return row | {
        "id": f"q{number}", "chunk_id": chunk, "book": chunk[0], "question": text,
        "answer": answer, "template": "date", "accepted": True, "rejected_by": [], **more,
    }  # fmt: skip


def test_wrong_chunk_answers_to_questions():
    questions = pl.DataFrame(
        [
            question(1, "a-1", "When did Kepler publish his laws?", "1609"),
            question(2, "a-2", "When did Newton publish the Principia?", "1687"),
            question(3, "a-2", "Who published?", "Sir Isaac", accepted=False),
        ],
        schema=QUESTIONS_SCHEMA, orient="row",
    )  # fmt: skip
    found = pl.concat(grounded_candidates(CHUNKS, questions=questions, licences={"a": "MIT"}))
    assert found.select("chosen", "rejected").rows() == [("1609", "1687"), ("1687", "1609")]
    assert set(found["rejected_source"]) == {OTHER_CHUNK}
    assert set(found["_license"]) == {"MIT"}
    prompt = found["prompt"][0][0]["content"]
    assert "Kepler published his laws in 1609." in prompt
    assert prompt.endswith("When did Kepler publish his laws?")


def test_a_right_answer_is_never_the_rejected_one():
    questions = pl.DataFrame(
        [
            question(1, "a-1", "When did Kepler publish?", "1609"),
            question(2, "a-2", "When were the laws published?", "In 1609"),
        ],
        schema=QUESTIONS_SCHEMA, orient="row",
    )  # fmt: skip
    found = pl.concat(grounded_candidates(CHUNKS, questions=questions))
    assert "In 1609" not in found.filter(pl.col("chosen") == "1609")["rejected"].to_list()


def written(number: int, left: str, right: str, response: str, **more: Any):
    row = dict.fromkeys(PAIR_TEXTS_SCHEMA)
    return row | {
        "id": f"t{number}", "pair_id": f"{left}{right}", "left_chunk": left, "right_chunk": right,
        "kind": "qa", "instruction": "What do both say of years?", "response": response,
        "concepts": ["Years"], "accepted": True, "rejected_by": [], **more,
    }  # fmt: skip


def test_texts_that_the_gates_rejected_and_texts_of_other_passages():
    texts = pl.DataFrame(
        [
            written(1, "a-1", "b-1", "Laws in 1609, tulips in 1637."),
            written(2, "a-2", "b-2", "Principia in 1687, bubble in 1720."),
            written(3, "a-1", "b-1", "Laws in 1610, tulips in 1638.", accepted=False,
                    rejected_by=["a sentence stands in neither passage"]),
        ],
        schema=PAIR_TEXTS_SCHEMA, orient="row",
    )  # fmt: skip
    found = pl.concat(
        grounded_candidates(CHUNKS, texts, licences={"a": "MIT", "b": "CC-BY-NC-4.0"})
    )
    assert found.height == 3
    own = found.filter(pl.col("rejected_source").str.starts_with("own answer, rejected"))
    assert own["rejected"].to_list() == ["Laws in 1610, tulips in 1638."]
    assert found.filter(pl.col("rejected_source") == OTHER_PAIR).height == 2
    assert set(found["_license"]) == {"CC-BY-NC-4.0"}
    assert set(found["_category"]) == {"cross_domain"}


def test_what_gives_pairs_away():
    rng = np.random.default_rng(0)
    words = ["oak", "elm", "ash", "fir", "yew"]
    fair = pl.DataFrame(
        {
            name: [" ".join(rng.choice(words, 8)) for _ in range(200)]
            for name in ("chosen", "rejected")
        }
    )
    prompts = np.arange(200)
    found = pair_measures(fair, prompts)
    assert 0.4 < found["length_auc"] < 0.6
    assert 0.35 < found["words_auc"] < 0.65
    marked = fair.with_columns(rejected=pl.lit("well, ") + pl.col("rejected"))
    assert pair_measures(marked, prompts)["words_auc"] > 0.95
    longer = fair.with_columns(chosen=pl.col("chosen") + " " + pl.col("chosen"))
    found = pair_measures(longer, prompts)
    assert found["length_auc"] > 0.95
    assert found["chosen_longer"] == 1.0
    assert pair_measures(fair.head(3), prompts[:3])["words_auc"] is None
