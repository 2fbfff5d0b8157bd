import polars as pl
import pytest

from xpoll_dagster.retrieval.errors import RetrievalError
from xpoll_dagster.retrieval.options import RetrievalOptions, SplitOptions
from xpoll_dagster.retrieval.questions import BUNDLE_QUESTIONS_SCHEMA, measure_questions
from xpoll_dagster.retrieval.scores import retrieval_scores
from xpoll_dagster.retrieval.splits import assign_splits, chapters
from xpoll_dagster_tests.retrieval.library import Built, questions


def test_every_accepted_question_is_there_with_a_verdict(built: Built):
    asked = built.questions
    assert asked.schema == BUNDLE_QUESTIONS_SCHEMA
    assert asked.height == questions().filter(pl.col("accepted")).height
    assert asked.filter(pl.col("kept") == pl.col("left_out").is_not_null()).is_empty()
    gone = asked.filter(pl.col("number").is_null())
    assert gone["left_out"].to_list() == ["its chunk is not in the library"]


def test_a_copy_of_the_chunk_in_another_book_is_gold_too(built: Built):
    table = built.clean.index.table
    copy = table.filter(pl.col("duplicate_of").is_not_null())
    assert copy["book"].to_list() == ["sailing--knots"]
    row = built.questions.filter(pl.col("question").str.contains("Arvel")).row(0, named=True)
    assert row["alternates"] == copy["chunk_id"].to_list()
    assert row["gold_chunk_ids"] == [row["chunk_id"], *row["alternates"]]


def test_other_chunks_with_the_same_answer_are_no_alternates(built: Built):
    others = built.questions.filter(~pl.col("question").str.contains("Arvel"))
    assert others["alternates"].list.len().max() == 0


def test_difficulty_follows_the_rank(built: Built):
    kept = built.questions.filter(pl.col("kept")).unnest("difficulty_signals")
    easy = kept["fused_rank"] == 1
    assert ((kept["difficulty"] == "easy") == easy).all()
    assert kept["difficulty_guess"].unique().to_list() == ["medium"]
    assert kept["lexical_overlap"].is_between(0, 1).all()


def test_questions_are_not_measured_among_paraphrases(built: Built):
    with pytest.raises(RetrievalError, match="without paraphrases"):
        measure_questions(questions(), built.noisy)


def test_no_chapter_and_no_gold_chunk_stands_in_two_splits(built: Built):
    options = RetrievalOptions(splits=SplitOptions(validation=0.2, test=0.2))
    kept = measure_questions(questions(), built.clean, options).filter(pl.col("kept"))
    assert set(kept["split"]) == {"train", "validation", "test"}
    assert kept.group_by("chapter").agg(pl.col("split").n_unique())["split"].max() == 1
    gold = kept.explode("gold_chunk_ids").group_by("gold_chunk_ids")
    assert gold.agg(pl.col("split").n_unique())["split"].max() == 1


def test_a_template_has_its_share_of_what_the_splits_leave(built: Built):
    # Three of seventeen would be allowed, of the sixteen without the one between splits two.
    often = pl.col("chunk_id").str.contains("bell-founding-000[0-2]")
    asked = questions().with_columns(template=pl.when(often).then(pl.lit("often")).otherwise("id"))
    options = RetrievalOptions(
        splits=SplitOptions(validation=0.3, test=0.3), max_template_share=0.18
    )
    found = measure_questions(asked, built.clean, options)
    reasons = found["left_out"].drop_nulls()
    assert reasons.str.contains("different splits").sum() == 1
    assert reasons.str.contains("its template asks 18%").sum() == 1
    kept = found.filter("kept")
    assert (kept["template"] == "often").sum() == 2
    aside = found.filter(~pl.col("kept"))
    assert aside.select(pl.col("split", "difficulty").is_null().all()).row(0) == (True, True)
    assert kept.height + aside.height == asked["accepted"].sum()


def test_a_book_with_one_heading_is_divided_into_runs(built: Built):
    table = built.clean.index.table.head(1).drop("number", "section")
    many = (
        pl.concat([table] * 200)
        .with_row_index("number")
        .with_columns(
            pl.col("number").cast(pl.Int64),
            section=pl.lit(["All"], dtype=pl.List(pl.String)),
            book=pl.lit("b"),
        )
    )
    sizes = chapters(many, SplitOptions(run=40))["chapter"].value_counts().sort("chapter")
    assert sizes["chapter"].to_list() == [f"b › All › run {n}" for n in range(5)]
    assert sizes["count"].to_list() == [40] * 5


def test_chapters_are_named_by_book_and_headings():
    sections = [["One"], ["Two", "A"], ["Two", "B"], ["Two", "B"], []]
    table = pl.DataFrame(
        {"number": range(5), "book": ["b"] * 5, "section": sections},
        schema_overrides={"section": pl.List(pl.String)},
    )
    found = chapters(table, SplitOptions(largest_chapter=0.5))["chapter"].to_list()
    assert found == ["b › One", "b › Two › A", "b › Two › B", "b › Two › B", "b"]


def test_one_chapter_alone_is_trained_on():
    assert assign_splits({"only": 5}, SplitOptions(test=0.4)) == {"only": "train"}
    assert assign_splits({}, SplitOptions()) == {}


def test_scores_tell_originals_from_versions(built: Built):
    scores = retrieval_scores(built.clean, built.noisy, built.questions)
    assert scores["value"].is_between(0, 1).all()

    def value(
        counted: str, *, noise: bool, metric: str = "recall@1", task: str = "question"
    ) -> float:
        return scores.filter(
            (pl.col("task") == task)
            & (pl.col("mode") == "fused")
            & (pl.col("counted") == counted)
            & (pl.col("paraphrases_indexed") == noise)
            & (pl.col("metric") == metric)
        )["value"].item()

    assert value("any_version", noise=True) >= value("original", noise=True)
    assert value("original", noise=False) == value("any_version", noise=False)
    assert value("original", noise=False) >= value("original", noise=True)
    assert value("original", noise=False, metric="recall@5", task="paraphrase") == 1.0


def test_scores_of_nothing_are_empty(built: Built):
    none = built.questions.head(0)
    assert retrieval_scores(built.clean, None, none).is_empty()
