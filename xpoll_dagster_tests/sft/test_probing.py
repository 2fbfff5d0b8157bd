"""Probes put to scripted models: what is measured, judged and compared."""

from __future__ import annotations

from dataclasses import asdict

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpoll_dagster.sft.probes import PROBES_SCHEMA
from xpoll_dagster.sft.probing import PROBE_RESULTS_SCHEMA, evaluate_probes
from xpoll_dagster.sft.probing_comparison import COMPARISON_SCHEMA, compare
from xpoll_dagster.sft.probing_measures import Probe, measure
from xpoll_dagster.sft.probing_options import ProbingOptions
from xpoll_dagster.writing.engines.model import ChatRequest, Completion
from xpoll_dagster_tests.writing.llm.scripted import MILL, PUMP, ScriptedEngine, asked

PROMPT = "Draw an analogy between steam in physics and rivers in history."
PROBE = Probe(PROMPT, PUMP.text, MILL.text)
GOOD = (
    "In a pump of Newcomen's kind the air presses a piston down into the cylinder, and a beam"
    " lifts the water. In a mill the wheel turns the stones through gears. The piston "
    "corresponds to the wheel, because each takes up the push and hands it on."
)
ONE_SIDED = (
    "Steam is let into a cylinder and cooled, so that the piston is pressed down. The cylinder is "
    "then warmed again, which wastes heat, as James Watt saw in 1765."
)
REFUSAL = "I'm sorry, but I cannot answer that without more context."


def probes(n: int = 4) -> pl.DataFrame:
    rows = [
        {
            "id": f"probe{number}",
            "pair_id": f"pair{number // 2}",
            "form": ("analogy", "shared")[number % 2],
            "prompt": f"{PROMPT} ({number})",
            "concepts": ["steam", "rivers"],
            "domains": ["physics", "history"],
            "chunk_ids": [PUMP.chunk_id, MILL.chunk_id],
            "references": [
                {
                    "chunk_id": passage.chunk_id,
                    "book": passage.book,
                    "title": passage.title,
                    "domain": passage.domain,
                    "page_start": 1,
                    "page_end": 1,
                    "passage": passage.text,
                }
                for passage in (PUMP, MILL)
            ],
            "score": 0.5,
        }
        for number in range(n)
    ]
    return pl.DataFrame(rows, schema=PROBES_SCHEMA)


def test_a_good_answer_measures_well() -> None:
    found = measure(PROBE, GOOD, "stop", 2)
    assert found.both_domains
    assert found.mapping_stated
    assert found.finished
    assert not found.refusal
    assert found.facts_attributable == 1
    assert found.score == 1


def test_a_one_sided_answer_with_inventions_measures_badly() -> None:
    found = measure(PROBE, ONE_SIDED, "stop", 2)
    assert not found.both_domains
    assert found.left_terms >= 3
    assert found.right_terms == 0
    assert not found.mapping_stated
    assert (found.n_facts, found.facts_attributable) == (2, 0)
    assert found.score == 0


@pytest.mark.parametrize(
    ("answer", "reason"), [(REFUSAL, "stop"), ("", "stop"), (GOOD, "refused"), ("  \n", "error")]
)
def test_refusals_and_silence_score_nothing(answer: str, reason: str) -> None:
    found = measure(PROBE, answer, reason, 2)
    assert found.refusal
    assert found.score == 0


def test_echoing_the_prompt_uses_neither_field() -> None:
    found = measure(PROBE, PROMPT.replace("Draw", "Let us draw"), "stop", 1)
    assert (found.left_terms, found.right_terms, found.n_facts) == (0, 0, 0)
    assert found.facts_attributable is None


def test_a_regret_late_in_an_answer_is_no_refusal() -> None:
    assert not measure(PROBE, f"{GOOD} I cannot say more of it.", "stop", 2).refusal
    cut = measure(PROBE, GOOD[:-20], "length", 2)
    assert not cut.finished


@given(st.text(max_size=300))
def test_any_answer_can_be_measured(answer: str) -> None:
    found = measure(PROBE, answer, "stop", 2)
    assert 0 <= found.score <= 1
    assert found.n_facts >= 0
    assert asdict(found)["n_words"] == len(answer.split())


def test_every_contender_answers_every_probe() -> None:
    tuned = ScriptedEngine(lambda _: GOOD)
    baseline = ScriptedEngine(
        lambda r: Completion("", "error", error="Too long.") if "(3)" in asked(r) else ONE_SIDED
    )
    results = evaluate_probes(probes(), {"tuned": tuned, "baseline": baseline})
    assert results.schema == PROBE_RESULTS_SCHEMA
    assert results.height == 8
    assert results["id"].n_unique() == 8
    assert results["contender"].to_list() == ["tuned"] * 4 + ["baseline"] * 4
    assert tuned.batches == baseline.batches
    assert [m.role for m in tuned.batches[0][0].messages] == ["user"]
    failed = results.filter(pl.col("error").is_not_null())
    assert failed["probe_id"].to_list() == ["probe3"]
    assert failed["score"].to_list() == [0]
    assert results["judge_score"].null_count() == 8


def test_thinking_is_no_part_of_the_answer_and_whole_passages_can_be_given() -> None:
    engine = ScriptedEngine(lambda _: f"<think>Danube 1850</think>{GOOD}")
    results = evaluate_probes(
        probes(1), {"tuned": engine}, passages={MILL.chunk_id: "Nothing of the kind stands here."}
    )
    assert results["answer"].to_list() == [GOOD]
    assert results["right_terms"].to_list() == [0]


def test_the_judge_sees_passages_and_answer_but_not_whose() -> None:
    def verdict(request: ChatRequest) -> dict:
        content = asked(request)
        assert "Newcomen" in content
        assert "tuned" not in content
        mark = 5 if "hands it on" in content else 2
        return {"reason": "r", "relevance": mark, "faithfulness": 4, "integration": mark}

    judge = ScriptedEngine(verdict)
    engines = {
        "tuned": ScriptedEngine(lambda _: GOOD),
        "baseline": ScriptedEngine(lambda r: "" if "(0)" in asked(r) else ONE_SIDED),
    }
    results = evaluate_probes(probes(), engines, judge)
    assert results["judge_integration"].to_list() == [5, 5, 5, 5, None, 2, 2, 2]
    assert results["judge_accepted"].to_list() == [True] * 4 + [None] + [False] * 3
    assert results["judge_problem"].to_list()[4] == "there is no answer"
    assert len(judge.batches[0]) == 7


def test_comparison_side_by_side() -> None:
    engines = {
        "tuned": ScriptedEngine(lambda r: REFUSAL if "(5)" in asked(r) else GOOD),
        "baseline": ScriptedEngine(lambda r: GOOD if "(0)" in asked(r) else ONE_SIDED),
    }
    results = evaluate_probes(probes(8), engines)
    table = compare(results, ProbingOptions(bootstrap=500))
    assert table.schema == COMPARISON_SCHEMA
    assert set(table["form"]) == {"all", "analogy", "shared"}
    everything = {row["measure"]: row for row in table.filter(form="all").to_dicts()}
    assert "judge_score" not in everything
    score = everything["score"]
    assert (score["n"], score["n_pairs"]) == (8, 4)
    assert score["tuned"] == pytest.approx(7 / 8)
    assert score["baseline"] == pytest.approx(1 / 8)
    assert score["difference"] == pytest.approx(6 / 8)
    assert (score["wins"], score["ties"], score["losses"]) == (6, 2, 0)
    assert score["win_rate"] == pytest.approx(7 / 8)
    assert score["difference_low"] <= score["difference"] <= score["difference_high"]
    assert everything["refusal"]["losses"] == 1
    assert everything["n_words"]["win_rate"] is None
    assert compare(results, ProbingOptions(bootstrap=500)).equals(table)
    mirrored = compare(results, ProbingOptions(bootstrap=500), "baseline", "tuned")
    assert mirrored.filter(form="all", measure="score")["win_rate"].to_list() == [
        pytest.approx(1 / 8)
    ]


def test_one_pair_gives_no_interval_and_missing_contenders_are_named() -> None:
    engine = ScriptedEngine(lambda _: GOOD)
    results = evaluate_probes(probes(2), {"tuned": engine, "baseline": engine})
    table = compare(results)
    assert table["difference_low"].null_count() == table.height
    assert table.filter(form="all", measure="score")["win_rate"].to_list() == [0.5]
    with pytest.raises(ValueError, match="no results of 'base'"):
        compare(results, baseline="base")
    with pytest.raises(ValueError, match="No model was given"):
        evaluate_probes(probes(1), {})
    empty = evaluate_probes(probes(0), {"tuned": engine}, engine)
    assert empty.schema == PROBE_RESULTS_SCHEMA
    assert empty.is_empty()
