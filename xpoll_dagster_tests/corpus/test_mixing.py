"""A mix: its limits, its draw, its files and its card."""

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xpoll_dagster.corpus.mix_measures import text_measures
from xpoll_dagster.corpus.mix_options import MixOptions
from xpoll_dagster.corpus.mixing import mix
from xpoll_dagster.corpus.model import ROWS_SCHEMA, SourceError
from xpoll_dagster.corpus.profiles import Profile, ProfileSources
from xpoll_dagster.corpus.ranks import buckets, hash_ranks, lowest
from xpoll_dagster.storage import hash_tree
from xpoll_dagster_tests.corpus.small_corpus import SOURCES, build_corpus

PROFILE = Profile(
    name="mine",
    weights={
        "factual": 0.2, "dialogue": 0.2, "creative": 0.2, "code": 0.2, "instruction": 0.1,
        "tool_use": 0.1,
    },
    sources=ProfileSources(caps={"talks": 30}),
    max_total=300,
    seed=5,
)  # fmt: skip


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory):
    return build_corpus(tmp_path_factory.mktemp("corpus"))


def rows_of(folder: Path):
    return pl.read_parquet(sorted((folder / "data").glob("*.parquet")))


@pytest.mark.slow
def test_rows_are_drawn_once_and_within_the_limits(corpus: Path, tmp_path: Path):
    report = mix(corpus, PROFILE, tmp_path / "mix", MixOptions(shard_rows=100))
    rows = rows_of(tmp_path / "mix")
    assert rows.schema == ROWS_SCHEMA
    assert rows.height == report["rows"] == 300
    assert rows["_id"].n_unique() == 300
    counts = dict(rows["_category"].value_counts().iter_rows())
    assert max(counts.values()) <= 0.45 * 300
    assert counts["tool_use"] == 20  # all there are; the others share what is missing
    assert rows.filter(pl.col("_source") == "talks").height == counts["dialogue"] == 30
    whole = pl.read_parquet(corpus / "rows" / "*.parquet")
    assert rows.join(whole, on=["_id", "output", "instruction"]).height == 300
    assert report["below_weight"].keys() == {"dialogue", "tool_use"}
    assert sum(shard["rows"] for shard in report["shards"]) == 300
    assert sum(report["left_out"].values()) + 300 == report["corpus"]["rows"]


@pytest.mark.slow
def test_the_same_inputs_give_the_same_bytes_however_the_corpus_is_cut(
    corpus: Path, tmp_path: Path
):
    other = build_corpus(tmp_path / "again", shard_rows=17)
    for name, folder in (("a", corpus), ("b", corpus), ("c", other)):
        mix(folder, PROFILE, tmp_path / name)
    assert hash_tree(tmp_path / "a") == hash_tree(tmp_path / "b")
    assert rows_of(tmp_path / "a").equals(rows_of(tmp_path / "c"))
    assert (tmp_path / "a/distribution.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_another_seed_draws_other_rows(corpus: Path, tmp_path: Path):
    mix(corpus, PROFILE, tmp_path / "a")
    mix(corpus, PROFILE, tmp_path / "b", MixOptions(seed=6))
    one, other = (set(rows_of(tmp_path / name)["_id"]) for name in ("a", "b"))
    assert one != other


@pytest.mark.slow
def test_added_rows_displace_only_what_they_outrank(corpus: Path, tmp_path: Path):
    richer = build_corpus(tmp_path / "richer", extra={"orders": 60})
    mix(corpus, PROFILE, tmp_path / "a")
    mix(richer, PROFILE, tmp_path / "b")
    before, after = (rows_of(tmp_path / name).select("_id", "_category") for name in ("a", "b"))
    others = pl.col("_category") != "instruction"
    assert set(before.filter(others)["_id"]) == set(after.filter(others)["_id"])
    new = set(after["_id"]) - set(before["_id"])
    whole = set(pl.read_parquet(corpus / "rows" / "*.parquet", columns=["_id"])["_id"])
    assert new.isdisjoint(whole)


@pytest.mark.slow
def test_the_order_is_shuffled_over_shards(corpus: Path, tmp_path: Path):
    mix(corpus, PROFILE, tmp_path / "mix", MixOptions(shard_rows=60))
    shards = [pl.read_parquet(p) for p in sorted((tmp_path / "mix/data").glob("*.parquet"))]
    assert len(shards) == 5
    assert all(shard["_category"].n_unique() >= 5 for shard in shards)


def test_messages_hold_the_system_prompt_the_input_and_the_whole_conversation(
    corpus: Path, tmp_path: Path
):
    mix(corpus, PROFILE, tmp_path / "mix")
    for row in rows_of(tmp_path / "mix").iter_rows(named=True):
        turns = row["messages"]
        system = [turn["content"] for turn in turns if turn["role"] == "system"]
        assert system == ([row["system"]] if row["system"] else [])
        talk = [turn["content"] for turn in turns if turn["role"] != "system"]
        if row["_category"] == "dialogue":
            assert len(talk) == 4
        else:
            asked = row["instruction"] + (f"\n\n{row['input']}" if row["input"] else "")
            assert talk == [asked, row["output"]]


def test_a_short_mix_says_what_binds_and_repeats_nothing(corpus: Path, tmp_path: Path):
    report = mix(corpus, PROFILE, tmp_path / "mix", MixOptions(max_total=5000))
    rows = rows_of(tmp_path / "mix")
    assert rows["_id"].n_unique() == rows.height == report["rows"] < 5000
    assert "5,000 rows were asked for" in report["shortfall"]
    assert {one["kind"] for one in report["binding"]} >= {"supply", "source_cap"}
    card = (tmp_path / "mix/README.md").read_text()
    assert report["shortfall"] in card
    assert "talks is capped at 30" in card
    with pytest.raises(SourceError, match="feasible"):
        mix(corpus, PROFILE, tmp_path / "mix", MixOptions(max_total=5000, fail_if_short=True))
    assert rows_of(tmp_path / "mix").height == report["rows"]  # the old one stands


def test_weights_that_stand(corpus: Path, tmp_path: Path):
    kept = PROFILE.model_copy(update={"fill": "weights"})
    report = mix(corpus, kept, tmp_path / "mix")
    assert report["rows"] == report["feasible_with_exact_weights"] == 150  # of 30 talks at .2
    assert {name: one["rows"] for name, one in report["categories"].items()} == {
        "factual": 30, "dialogue": 30, "creative": 30, "code": 30, "instruction": 15,
        "tool_use": 15,
    }  # fmt: skip


@pytest.mark.slow
def test_the_licence_is_the_strictest_and_commercial_mixes_leave_it_out(
    corpus: Path, tmp_path: Path
):
    report = mix(corpus, PROFILE, tmp_path / "any")
    assert report["licence"]["names"] == ["CC-BY-NC-4.0"]
    assert not report["licence"]["commercial"]
    assert "license: cc-by-nc-4.0" in (tmp_path / "any/README.md").read_text()
    report = mix(corpus, PROFILE, tmp_path / "free", MixOptions(commercial_only=True))
    assert report["licence"]["names"] == ["CC-BY-SA-4.0"]
    assert report["licence"]["commercial"]
    assert "programs" not in rows_of(tmp_path / "free")["_source"].to_list()
    assert report["left_out"]["the licence is not permitted"] == SOURCES["programs"][1]


def test_a_declared_exception_stands_on_the_card(corpus: Path, tmp_path: Path):
    profile = Profile(
        name="programs",
        weights={"code": 0.7, "instruction": 0.2, "dialogue": 0.1},
        category_share_exceptions={"code": 0.75},
        max_total=120,
    )
    report = mix(corpus, profile, tmp_path / "mix")
    assert report["categories"]["code"]["share"] == pytest.approx(0.7, abs=0.01)
    assert "code may make up 75%" in (tmp_path / "mix/README.md").read_text()


def test_a_profile_that_nothing_fits(corpus: Path, tmp_path: Path):
    profile = PROFILE.model_copy(update={"sources": ProfileSources(include=("nowhere*",))})
    with pytest.raises(SourceError, match="the profile leaves the source out: 970"):
        mix(corpus, profile, tmp_path / "mix")
    only_two = PROFILE.model_copy(update={"sources": ProfileSources(include=("talks", "stories"))})
    with pytest.raises(SourceError, match="together may make up 90% of a mix"):
        mix(corpus, only_two, tmp_path / "mix")
    assert not (tmp_path / "mix").exists()
    assert not list(tmp_path.glob(".writing-*"))


def test_no_corpus_and_a_broken_one(corpus: Path, tmp_path: Path):
    with pytest.raises(SourceError, match="merge the sources first"):
        mix(tmp_path, PROFILE, tmp_path / "mix")
    broken = tmp_path / "broken"
    shutil.copytree(corpus, broken)
    next((broken / "rows").glob("stories*")).write_bytes(b"no parquet")
    with pytest.raises(SourceError, match="merge the sources anew"):
        mix(broken, PROFILE, tmp_path / "mix")


def test_the_comparison_with_a_random_mix(corpus: Path, tmp_path: Path):
    report = mix(corpus, PROFILE, tmp_path / "mix")
    found = json.loads((tmp_path / "mix/report.json").read_text())["comparison"]
    assert found == report["comparison"]
    assert sum(found["random"]["categories"].values()) == 300
    assert found["mix"]["category_entropy_bits"] > 0
    assert found["mix"]["texts"]["rows"] == found["random"]["texts"]["rows"] == 300
    share = found["random"]["categories"]["instruction"] / 300
    assert abs(share - 300 / 970) < 0.1  # as in the corpus


@settings(max_examples=50)
@given(
    st.lists(st.text(max_size=12), unique=True, min_size=1, max_size=60),
    st.integers(0, 60),
    st.integers(0, 5),
)
def test_the_lowest_ranks(ids: list[str], count: int, seed: int):
    ranks = hash_ranks(pl.Series(ids), seed, "mix")
    chosen = {one for one, taken in zip(ids, lowest(ranks, count), strict=True) if taken}
    assert len(chosen) == min(count, len(ids))
    # Nested: a larger draw holds the smaller one. Independent of order and of what else is there.
    larger = lowest(ranks, count + 1)
    assert chosen <= {one for one, taken in zip(ids, larger, strict=True) if taken}
    turned = hash_ranks(pl.Series(ids[::-1]), seed, "mix")
    assert chosen == {
        one for one, taken in zip(ids[::-1], lowest(turned, count), strict=True) if taken
    }
    fewer = ids[: len(ids) // 2 + 1]
    kept = lowest(hash_ranks(pl.Series(fewer), seed, "mix"), count)
    assert chosen & set(fewer) <= {one for one, taken in zip(fewer, kept, strict=True) if taken}


def test_equal_ranks_are_not_drawn_twice():
    assert lowest(np.array([3, 1, 1, 1], np.uint64), 2).tolist() == [False, True, True, False]


def test_buckets_are_ordered_stretches():
    ranks = np.sort(hash_ranks(pl.Series([str(n) for n in range(1000)]), 0, "x"))
    found = buckets(ranks, 4)
    assert (np.diff(found) >= 0).all()
    assert set(found.tolist()) == {0, 1, 2, 3}
    assert buckets(np.array([2**64 - 1], np.uint64), 7).tolist() == [6]


def test_diversity_is_counted_within_rows():
    rows = pl.DataFrame({"instruction": ["", ""], "output": ["a b A b", "b  c"]})
    found = text_measures(rows)
    assert found["distinct_1"] == 0.5  # a b c of six words
    assert found["distinct_2"] == 0.75  # ab ba bc of ab ba ab bc
    assert found["distinct_3"] == 1.0  # aba bab
    assert found["output_words"]["p90"] == 4
    assert text_measures(rows.clear()) == {"rows": 0}
    assert text_measures(rows.with_columns(output=pl.lit("")))["distinct_1"] == 0.0
