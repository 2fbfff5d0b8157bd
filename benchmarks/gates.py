"""The gates on paraphrases and questions that a real model wrote (`python -m benchmarks.gates`).

Reads the published files of a project of this kind (ReZero's schema): `chunks.csv` (chunk_id,
content), `paragraphs_noise.csv` (chunk_id, original_paragraph, paraphrased_text; three styles
in a row for each paragraph) and `questions.jsonl` (id, question, answer). Every row is
judged as the tables' rows are, each paragraph as a chunk of its own.

What must be rejected is counted by two rules that know nothing of the gates: a text that
ends without terminal punctuation is unfinished, and one with a phrase that only somebody
speaks who has nothing to write about is a refusal. What must be accepted takes a person:
`--labels` names a CSV with `table` (paraphrases | questions), `sha256` (of the text, see
`identity`) and `label` (good | refusal | unfinished | invented | other). Labels are of
data without a licence and are not part of the project.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
from scipy.stats import binomtest

from xpoll_dagster.books.concepts.acronyms import find_acronyms
from xpoll_dagster.books.embedding import load_embedder
from xpoll_dagster.writing.gate_options import GateOptions
from xpoll_dagster.writing.gates.answers import Passages
from xpoll_dagster.writing.gates.duplicates import find_duplicates
from xpoll_dagster.writing.gates.nearness import BookIndex
from xpoll_dagster.writing.gates.paraphrase import Background, Nearness, judge_paraphrase
from xpoll_dagster.writing.gates.question import DUPLICATE, judge_question
from xpoll_dagster.writing.model import Origin, Paraphrase, Question
from xpoll_dagster.writing.sources import common_words

STYLES = ("short", "medium", "long")
# Independent of the gates and kept simple, so that both cannot be wrong in the same way.
REFUSAL = re.compile(
    r"please provide|don't see any|no text provided|text (?:is )?(?:not )?provided|too short to be|"
    r"I'm sorry|I cannot|I can't|unable to (?:rewrite|paraphrase)|happy to (?:help|assist)|"
    r"would like me to|you'd like me to|couldn't find any|could you provide|you provided",
    re.IGNORECASE,
)
TERMINAL = re.compile(r"[.!?][*_\"”'’)\]]*\s*$")


def identity(*texts: str) -> str:
    """The hash under which a label is kept: SHA-256 of the texts, unit separators between."""
    return hashlib.sha256("\x1f".join(texts).encode()).hexdigest()


def read_paraphrases(data: Path) -> pl.DataFrame:
    """The paraphrases with their style, which the files tell by place alone."""
    table = pl.read_csv(data / "paragraphs_noise.csv").with_row_index("row")
    run = pl.struct("chunk_id", "original_paragraph").rle_id()
    return table.with_columns(place=pl.int_range(pl.len()).over(run)).with_columns(
        style=pl.col("place").mod(len(STYLES)).replace_strict(dict(enumerate(STYLES)))
    )


def judge_paraphrases(
    table: pl.DataFrame, chunks: pl.DataFrame, title: str, options: GateOptions, *, embed: bool
) -> pl.DataFrame:
    """Verdicts of all paraphrases, with what the independent rules say."""
    texts = chunks["content"].to_list()
    background = Background(title, common_words(texts), find_acronyms(texts))
    paragraphs = table["original_paragraph"].unique(maintain_order=True).to_list()
    near: list[Nearness] = [Nearness()] * table.height
    if embed:
        embedder = load_embedder()
        index = BookIndex(paragraphs, embedder.encode(paragraphs))
        numbers = {text: number for number, text in enumerate(paragraphs)}
        written = table["paraphrased_text"].to_list()
        near = index.nearness(
            written,
            [numbers[text] for text in table["original_paragraph"]],
            embedder.encode(written),
            index.floor(options.paraphrase.similarity_quantile),
        )
    rows: list[dict[str, Any]] = []
    for row, found in zip(table.iter_rows(named=True), near, strict=True):
        text, source = row["paraphrased_text"] or "", row["original_paragraph"]
        draft = Paraphrase(str(row["row"]), row["style"], text, Origin("llm", "unknown"))
        verdict = judge_paraphrase(draft, source, options, background, found)
        rows.append(
            {
                "row": row["row"],
                "chunk_id": row["chunk_id"],
                "style": row["style"],
                "sha256": identity(source, text),
                "refusal": bool(REFUSAL.search(text)) and not REFUSAL.search(source),
                "unfinished": not TERMINAL.search(text),
                "prose": verdict.source_is_prose
                and verdict.source_words >= options.paraphrase.min_source_words,
                "rank": verdict.rank,
                "meta_talk": verdict.meta_talk,
                "broken_off": verdict.broken_off,
                "new": [*verdict.new_numbers, *verdict.new_names],
                "rejected_by": list(verdict.rejected_by),
            }
        )
    return pl.DataFrame(rows)


def judge_questions(
    data: Path, chunks: pl.DataFrame, options: GateOptions, *, embed: bool
) -> pl.DataFrame:
    """Verdicts of all questions."""
    read = [json.loads(line) for line in (data / "questions.jsonl").read_text().splitlines()]
    places = {str(chunk): place for place, chunk in enumerate(chunks["chunk_id"])}
    read = [item for item in read if str(item["id"]) in places]
    texts = chunks["content"].to_list()
    passages = Passages(texts)
    own = [places[str(item["id"])] for item in read]
    questions = [item["question"] for item in read]
    near: list[Nearness] = [Nearness()] * len(read)
    vectors = None
    if embed:
        embedder = load_embedder()
        vectors = embedder.encode(questions)
        near = BookIndex(texts, embedder.encode(texts)).nearness(questions, own, vectors)
    rows: list[dict[str, Any]] = []
    for item, place, found in zip(read, own, near, strict=True):
        draft = Question(str(item["id"]), item["question"], item["answer"], origin=Origin("llm"))
        verdict = judge_question(
            draft,
            texts[place],
            options,
            is_span=passages.holds(place, draft.answer),
            answer_chunks=len(passages.having(draft.answer)),
            nearness=found,
        )
        rows.append(
            {
                "chunk_id": item["id"],
                "question": draft.question,
                "answer": draft.answer,
                "sha256": identity(draft.question, draft.answer),
                "rank": verdict.rank,
                "leans_on": verdict.leans_on,
                "rejected_by": list(verdict.rejected_by),
            }
        )
    good = [place for place, row in enumerate(rows) if not row["rejected_by"]]
    repeats = find_duplicates(
        [rows[place]["question"] for place in good],
        [rows[place]["answer"] for place in good],
        [0.0] * len(good),
        options.question,
        vectors[good] if vectors is not None else None,
    )
    for place, other in zip(good, repeats, strict=True):
        if other is not None:
            rows[place]["rejected_by"] = [DUPLICATE]
    return pl.DataFrame(rows)


def share(hits: int, of: int) -> str:
    """A share with its 95 % interval (Wilson)."""
    if not of:
        return "none to judge"
    low, high = binomtest(hits, of).proportion_ci(method="wilson")
    return f"{hits}/{of} = {hits / of:.1%} ({low:.1%} to {high:.1%})"


def report(name: str, table: pl.DataFrame, labels: pl.DataFrame | None) -> None:
    """Print what was rejected and by what, and how that agrees with rules and labels."""
    rejected = pl.col("rejected_by").list.len() > 0
    print(f"\n{name}: {table.filter(~rejected).height} of {table.height} accepted")
    if "style" in table.columns:
        prose = table.filter("prose")
        print(f"  of prose sources: {prose.filter(~rejected).height} of {prose.height}")
        for style in STYLES:
            own = prose.filter(pl.col("style") == style)
            print(f"  {style}: {share(own.filter(~rejected).height, own.height)}")
        for scope, rows in (("all sources", table), ("prose sources", prose)):
            for kind, gates in (
                ("refusal", ("refuses, or talks about its task",)),
                ("unfinished", ("unfinished",)),
            ):
                own = rows.filter(kind)
                caught = own.filter(rejected).height
                named = own.filter(
                    pl.any_horizontal(pl.col("rejected_by").list.contains(gate) for gate in gates)
                ).height
                print(f"  {kind} by rule, {scope}: rejected {share(caught, own.height)}")
                print(f"    by the gate of that name: {share(named, own.height)}")
    if "rank" in table.columns and table["rank"].null_count() < table.height:
        known = table.filter(pl.col("rank").is_not_null() & ~rejected)
        first = known.filter(pl.col("rank") == 1).height
        print(f"  accepted ones that find their own chunk first: {share(first, known.height)}")
    counts = Counter(gate for gates in table["rejected_by"] for gate in gates)
    for gate, count in counts.most_common():
        alone = table.filter(pl.col("rejected_by") == [gate]).height
        print(f"  {count:5d}  {gate} ({alone} by it alone)")
    if labels is None:
        return
    labelled = table.join(labels, on="sha256", how="inner")
    print(f"  labelled by hand: {labelled.height}")
    for (label,), own in labelled.group_by("label", maintain_order=True):
        print(f"    {label}: rejected {share(own.filter(rejected).height, own.height)}")
    wrong = labelled.filter(rejected & (pl.col("label") == "good"))
    for row in wrong.iter_rows(named=True):
        print(f"    good and rejected: {row.get('row', row['chunk_id'])} {row['rejected_by']}")
    accepted = labelled.filter(~rejected)
    good = accepted.filter(pl.col("label") == "good").height
    print(f"    accepted ones that are good: {share(good, accepted.height)}")


def main() -> None:
    """Judge the rows and print the report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--labels", type=Path, help="CSV of table, sha256, label")
    parser.add_argument("--out", type=Path, help="folder for the verdicts as Parquet")
    parser.add_argument("--title", default="", help="title of the book that the rows are of")
    parser.add_argument("--embed", action="store_true", help="judge ranks and meaning too")
    given = parser.parse_args()
    if not (given.data / "paragraphs_noise.csv").is_file():
        raise SystemExit(f"There is no paragraphs_noise.csv in {given.data}.")
    options = GateOptions()
    chunks = pl.read_csv(given.data / "chunks.csv")
    labels = pl.read_csv(given.labels) if given.labels else None
    started = time.process_time()
    paraphrases = judge_paraphrases(
        read_paraphrases(given.data), chunks, given.title, options, embed=given.embed
    )
    questions = judge_questions(given.data, chunks, options, embed=given.embed)
    spent = time.process_time() - started
    for name, table in (("paraphrases", paraphrases), ("questions", questions)):
        own = labels.filter(pl.col("table") == name) if labels is not None else None
        report(name, table, own.drop("table") if own is not None else None)
        if given.out:
            given.out.mkdir(parents=True, exist_ok=True)
            table.write_parquet(given.out / f"{name}.parquet")
    rows = paraphrases.height + questions.height
    print(f"\n{rows} rows in {spent:.1f} s of processor time, {1e3 * spent / rows:.2f} ms a row")


if __name__ == "__main__":
    main()
