"""The curriculum: stages, ranks, measured entropy, and that it is not length."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from xpoll_dagster.corpus.curriculum import CurriculumOptions, curriculum
from xpoll_dagster.corpus.curriculum_measures import (
    WordFrequencies,
    correlation,
    measure_outputs,
    without_length,
)
from xpoll_dagster.corpus.language_entropy import LanguageEntropy, LanguageEntropyOptions
from xpoll_dagster.corpus.mix_options import MixOptions
from xpoll_dagster.corpus.mixing import mix
from xpoll_dagster.corpus.model import SourceError
from xpoll_dagster.corpus.profiles import Profile
from xpoll_dagster.storage import hash_tree
from xpoll_dagster_tests.corpus.small_corpus import build_corpus
from xpoll_dagster_tests.corpus.tiny_models import save_tiny_model

CATEGORIES = ("factual", "dialogue", "creative", "code", "analytical", "tool_use", "instruction")


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory):
    root = tmp_path_factory.mktemp("mix")
    profile = Profile(name="all", weights=dict.fromkeys(CATEGORIES, 1), max_total=400)
    mix(build_corpus(root), profile, root / "mix", MixOptions(shard_rows=90))
    return root / "mix"


def test_every_row_has_one_stage_and_one_rank(mixed: Path, tmp_path: Path):
    report = curriculum(mixed, tmp_path / "c", CurriculumOptions(shard_rows=70))
    rows = pl.read_parquet(mixed / "data" / "*.parquet")
    placed = pl.read_parquet(tmp_path / "c/curriculum.parquet")
    assert placed["_id"].to_list() == rows["_id"].to_list()
    assert sorted(placed["curriculum_rank"]) == list(range(1, 401))
    by_rank = placed.sort("curriculum_rank")
    assert by_rank["stage"].is_sorted()
    default = pl.read_parquet(tmp_path / "c/data/*.parquet")
    assert default["_id"].to_list() == rows["_id"].to_list()  # shuffled, as the mix is
    staged = [
        pl.read_parquet(sorted((tmp_path / "c/stages").glob(f"stage-{stage}-*.parquet")))
        for stage in (1, 2, 3)
    ]
    assert [frame.height for frame in staged] == list(report["stages"].values())
    assert pl.concat(staged)["_id"].to_list() == by_rank["_id"].to_list()
    assert staged[0].drop("stage", "curriculum_rank", "replayed").schema == rows.schema


def test_creative_first_analytical_next_facts_and_tools_last(mixed: Path, tmp_path: Path):
    curriculum(mixed, tmp_path / "c")
    placed = pl.read_parquet(tmp_path / "c/curriculum.parquet")
    mean = dict(placed.group_by("_category").agg(pl.col("curriculum_rank").mean()).iter_rows())
    assert mean["creative"] < mean["analytical"] < min(mean["factual"], mean["tool_use"])
    stages = {
        category: set(placed.filter(pl.col("_category") == category)["stage"])
        for category in CATEGORIES
    }
    assert 3 not in stages["creative"]
    assert 1 not in stages["factual"] | stages["tool_use"]


def test_replayed_rows_are_marked_and_leave_the_ranks_alone(mixed: Path, tmp_path: Path):
    curriculum(mixed, tmp_path / "c", CurriculumOptions(replay_share=0.2))
    second = pl.read_parquet(tmp_path / "c/stages/stage-2-*.parquet")
    own = second.filter(~pl.col("replayed"))
    assert (own["stage"] == 2).all()
    assert own["curriculum_rank"].is_sorted()
    replayed = second.filter("replayed")
    assert replayed.height == int(0.2 * own.height)
    assert (replayed["stage"] == 1).all()
    assert second["_id"].n_unique() == second.height
    third = pl.read_parquet(tmp_path / "c/stages/stage-3-*.parquet").filter("replayed")
    assert set(third["stage"]) == {1, 2}


def test_the_same_mix_gives_the_same_bytes(mixed: Path, tmp_path: Path):
    for name in ("a", "b"):
        curriculum(mixed, tmp_path / name)
    assert hash_tree(tmp_path / "a") == hash_tree(tmp_path / "b")


def varied_outputs(n: int = 1200):
    rng = random.Random(1)
    words = [f"w{number}" for number in range(4000)]
    outputs, surprising = [], []
    for _ in range(n):
        length, many = rng.randint(10, 300), rng.random() < 0.5
        pool = words if many else words[:40]
        outputs.append(" ".join(rng.choice(pool) for _ in range(length)))
        surprising.append(many)
    return pl.Series(outputs), np.array(surprising)


def test_entropy_tells_the_surprising_from_the_settled_and_not_the_long_from_the_short():
    outputs, surprising = varied_outputs()
    frequencies = WordFrequencies()
    frequencies.add(outputs)
    measured = measure_outputs(outputs, frequencies)
    lengths = measured["length"].to_numpy()
    for name in ("compressed_bits", "word_bits", "distinct_words"):
        freed = without_length(measured[name].to_numpy(), lengths)
        assert freed[surprising].mean() > freed[~surprising].mean() + 0.2, name
        assert abs(correlation(freed, lengths) or 0) < 0.15, name
    raw = correlation(measured["compressed_bits"].to_numpy(), lengths)
    assert raw is not None
    assert raw < -0.4  # which is why it is freed of length


def test_outputs_without_words_and_of_any_length():
    outputs = pl.Series(["", "…", "x" * 100_000, "one word"])
    frequencies = WordFrequencies()
    frequencies.add(outputs)
    measured = measure_outputs(outputs, frequencies)
    assert measured["length"].to_list() == [0, 1, 100_000, 8]
    assert measured.drop("length").select(pl.all().is_finite().all()).row(0) == (True,) * 3
    assert correlation(np.ones(5), np.arange(5)) is None


def test_a_models_entropy_takes_the_place_of_the_measures(mixed: Path, tmp_path: Path):
    def by_name(texts: Any):
        return [float(sum(map(ord, text)) % 97) for text in texts]

    report = curriculum(mixed, tmp_path / "c", entropy=by_name)
    assert report["measures"] == ["model_bits"]
    placed = pl.read_parquet(tmp_path / "c/curriculum.parquet")
    assert placed["model_bits"].null_count() == 0
    assert (correlation(placed["model_bits"].to_numpy(), placed["entropy"].to_numpy()) or 0) > 0.9


def test_no_mix(tmp_path: Path):
    with pytest.raises(SourceError, match="holds no mix"):
        curriculum(tmp_path, tmp_path / "c")


@pytest.mark.slow
def test_a_real_language_model_measures(tmp_path: Path):
    folder = save_tiny_model(tmp_path / "model", "causal")
    entropy = LanguageEntropy(LanguageEntropyOptions(model=str(folder), batch_size=2))
    texts = ["a short one", "a text that is rather longer than the other one", ""]
    together = entropy(texts)
    assert np.allclose(together, [entropy([text])[0] for text in texts], atol=1e-4)
    assert 0 < together[0] <= np.log2(260)
    assert together[2] == 0
    with pytest.raises(SourceError, match="cannot be loaded"):
        LanguageEntropy(LanguageEntropyOptions(model=str(tmp_path / "none")))(["a"])
