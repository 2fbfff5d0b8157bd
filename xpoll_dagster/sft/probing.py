"""Evaluating a tuned model: probes put to it and to a baseline, answers measured and judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import polars as pl

from xpoll_dagster.sft.probing_measures import Measures, Probe, measure
from xpoll_dagster.sft.probing_options import ProbingOptions
from xpoll_dagster.writing.attribution import plain_title
from xpoll_dagster.writing.completion.parsing import without_thoughts
from xpoll_dagster.writing.completion.progress import ProgressMeter
from xpoll_dagster.writing.engines.model import ChatRequest, Completion, Engine
from xpoll_dagster.writing.fields import field_of
from xpoll_dagster.writing.llm.answers import BridgeMarks
from xpoll_dagster.writing.llm.data import harmless
from xpoll_dagster.writing.llm.judge import BRIDGE_MARKS, Case, judge_cases, verdicts_schema
from xpoll_dagster.writing.llm.options import JudgeOptions
from xpoll_dagster.writing.model import Message

_VERDICTS = verdicts_schema(BRIDGE_MARKS)

PROBE_RESULTS_SCHEMA = pl.Schema(
    {
        "id": pl.String,  # of the probe and the contender
        "probe_id": pl.String,
        "pair_id": pl.String,
        "form": pl.String,
        "contender": pl.String,  # tuned, baseline, …
        "model": pl.String,
        "prompt": pl.String,
        "answer": pl.String,
        "finish_reason": pl.String,
        "error": pl.String,  # null where there was none
        "prompt_tokens": pl.Int64,
        "completion_tokens": pl.Int64,
        "n_words": pl.Int64,
        "refusal": pl.Boolean,
        "finished": pl.Boolean,
        "left_terms": pl.Int64,
        "right_terms": pl.Int64,
        "both_domains": pl.Boolean,
        "n_facts": pl.Int64,
        "facts_attributable": pl.Float64,
        "mapping_stated": pl.Boolean,
        "score": pl.Float64,
        **{name: kind for name, kind in _VERDICTS.items() if name != "id"},
    }
)


def evaluate_probes(
    probes: pl.DataFrame,
    engines: Mapping[str, Engine],
    judge: Engine | None = None,
    passages: Mapping[str, str] | None = None,
    options: ProbingOptions | None = None,
    meter: ProgressMeter | None = None,
) -> pl.DataFrame:
    """Put probes to every model and score the answers against the passages.

    Args:
        probes: Rows of `PROBES_SCHEMA`.
        engines: The contenders by name: tuned, baseline and what else is to be compared.
            Each is asked all probes in one batch, all in the same words.
        judge: What marks the answers; it sees the passages and the prompt, not whose
            answer it is. None leaves the judge's columns null.
        passages: Whole passages by chunk, to score against; the references' sentences alone
            where they are not given.
        options: Sampling, thresholds and the judge's prompts.
        meter: Counts requests and tokens, the judge's too.

    Returns:
        Rows of `PROBE_RESULTS_SCHEMA`: one for each probe and contender, contenders in turn.
        A request that failed is a row with its `error`, an empty answer and a score of 0.

    Raises:
        ValueError: There is no contender, or a probe has not two references.
        EngineError: An engine as a whole cannot go on.
    """
    options = options or ProbingOptions()
    if not engines:
        raise ValueError("No model was given to put the probes to.")
    rows = probes.to_dicts()
    asked = [_probe(row, passages or {}) for row in rows]
    system = (Message("system", options.system),) if options.system.strip() else ()
    requests = [
        ChatRequest((*system, Message("user", row["prompt"])), options.sampling) for row in rows
    ]
    found: list[dict[str, Any]] = []
    meter = meter or ProgressMeter()
    for contender, engine in engines.items():
        meter.begin(len(requests))
        completions = (
            engine.complete(requests, lambda _, completion: meter.add(completion))
            if requests
            else []
        )
        found += [
            _row(contender, engine.model, row, completion, _measured(probe, completion, options))
            for row, probe, completion in zip(rows, asked, completions, strict=True)
        ]
    results = pl.DataFrame(found, schema=_without_verdicts(), orient="row")
    if judge is None:
        nothing = (pl.lit(None, kind).alias(n) for n, kind in _VERDICTS.items() if n != "id")
        return results.with_columns(nothing).select(PROBE_RESULTS_SCHEMA.names())
    verdicts = _judged(judge, results, rows, asked, options, meter)
    return results.join(verdicts, on="id", how="left", maintain_order="left").select(
        PROBE_RESULTS_SCHEMA.names()
    )


def _without_verdicts() -> dict[str, Any]:
    return {
        name: kind
        for name, kind in PROBE_RESULTS_SCHEMA.items()
        if name == "id" or name not in _VERDICTS
    }


def _probe(row: Mapping[str, Any], passages: Mapping[str, str]) -> Probe:
    references = row["references"] or []
    if len(references) != 2:
        raise ValueError(f"The probe {row['id']} has {len(references)} references, not two.")
    left, right = (
        passages.get(reference["chunk_id"]) or reference["passage"] or ""
        for reference in references
    )
    return Probe(row["prompt"], left, right)


def _answer(completion: Completion) -> str:
    return without_thoughts(completion.text.encode("utf-8", "replace").decode("utf-8"))


def _measured(probe: Probe, completion: Completion, options: ProbingOptions) -> Measures:
    return measure(probe, _answer(completion), completion.finish_reason, options.min_side_terms)


def _row(
    contender: str,
    model: str,
    row: Mapping[str, Any],
    completion: Completion,
    measures: Measures,
) -> dict[str, Any]:
    return {
        "id": f"{row['id']}:{contender}",
        "probe_id": row["id"],
        "pair_id": row["pair_id"],
        "form": row["form"],
        "contender": contender,
        "model": model,
        "prompt": row["prompt"],
        "answer": _answer(completion),
        "finish_reason": completion.finish_reason,
        "error": completion.error or None,
        "prompt_tokens": completion.prompt_tokens,
        "completion_tokens": completion.completion_tokens,
        **asdict(measures),
    }


def _judged(
    judge: Engine,
    results: pl.DataFrame,
    rows: Sequence[Mapping[str, Any]],
    probes: Sequence[Probe],
    options: ProbingOptions,
    meter: ProgressMeter,
) -> pl.DataFrame:
    sides = {row["id"]: _sides(row, probe) for row, probe in zip(rows, probes, strict=True)}
    limit = options.judge.max_passage_chars
    cases = []
    for row_id, probe_id, prompt, answer in results.select(
        "id", "probe_id", "prompt", "answer"
    ).iter_rows():
        values = {
            **sides[probe_id],
            "prompt": harmless(prompt).strip(),
            "answer": harmless(answer).strip(),
        }
        problem = "" if values["answer"] else "there is no answer"
        if len(values["answer"]) > limit:
            problem = "the answer is too long for a prompt"
        cases.append(Case(row_id, values, problem))

    def accepts(marks: Sequence[int], wanted: JudgeOptions) -> bool:
        mean = sum(marks) / len(marks)
        return mean >= wanted.min_bridge_mean and min(marks) >= wanted.min_bridge_mark

    return judge_cases(
        judge, cases, "probe", BridgeMarks, BRIDGE_MARKS, accepts, options.judge, meter
    )


def _sides(row: Mapping[str, Any], probe: Probe) -> dict[str, dict[str, str]]:
    left, right = row["references"]
    return {
        name: {
            "title": harmless(plain_title(reference["title"] or "")),
            "field": field_of(reference["domain"] or "").name,
            "text": harmless(text).strip(),
        }
        for name, reference, text in (("a", left, probe.left), ("b", right, probe.right))
    }
