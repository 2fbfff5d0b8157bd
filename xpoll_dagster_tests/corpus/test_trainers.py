"""Whether trainers take the sets: TRL on a tiny random model, three steps each."""

import math
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from xpoll_dagster.corpus.curriculum import curriculum
from xpoll_dagster.corpus.mirrors import MirrorOptions, mirror_prompts, save_mirrors, write_mirrors
from xpoll_dagster.corpus.mixing import mix
from xpoll_dagster.corpus.preference_candidates import ranked_candidates
from xpoll_dagster.corpus.preference_options import PreferenceOptions
from xpoll_dagster.corpus.preferences import preference_pairs
from xpoll_dagster.corpus.profiles import Profile
from xpoll_dagster_tests.corpus.small_corpus import build_corpus
from xpoll_dagster_tests.corpus.test_mirrors import VOICES, ReplyingAuthor
from xpoll_dagster_tests.corpus.test_preferences import answers_corpus
from xpoll_dagster_tests.corpus.tiny_models import save_tiny_model

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # of the trainers' own libraries
]
trl = pytest.importorskip("trl", reason="TRL is not installed")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("trainers")
    corpus = build_corpus(folder)
    profile = Profile(
        name="all",
        weights={"factual": 1, "dialogue": 1, "creative": 1, "tool_use": 1},
        max_total=120,
    )
    mix(corpus, profile, folder / "mix")
    curriculum(folder / "mix", folder / "curriculum")
    save_tiny_model(folder / "model", "causal")
    return folder


def load(folder: Path, name: str | None = None):
    from datasets import load_dataset

    return load_dataset(str(folder), name, split="train", cache_dir=str(folder / ".cache"))


def settings(folder: Path):
    return {
        "output_dir": str(folder / "out"), "max_steps": 3, "per_device_train_batch_size": 2,
        "report_to": [], "use_cpu": True, "logging_steps": 1, "save_strategy": "no",
        "max_length": 256, "bf16": False, "disable_tqdm": True,
    }  # fmt: skip


def model(root: Path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = root / "model"
    return AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)


def losses(trainer: Any):
    trainer.train()
    found = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert len(found) == 3
    assert all(math.isfinite(loss) for loss in found)


def fine_tune(root: Path, rows: Any, tmp_path: Path):
    network, tokenizer = model(root)
    losses(
        trl.SFTTrainer(
            network, args=trl.SFTConfig(**settings(tmp_path)), train_dataset=rows,
            processing_class=tokenizer,
        )
    )  # fmt: skip


def test_a_mix_trains(root: Path, tmp_path: Path):
    rows = load(root / "mix")
    assert len(rows) == 120
    assert {"messages", "instruction", "input", "output", "system", "_id"} <= set(rows.column_names)
    fine_tune(root, rows, tmp_path)


def test_a_curriculum_trains_by_default_and_by_stage(root: Path, tmp_path: Path):
    assert len(load(root / "curriculum")) == 120
    stages = [load(root / "curriculum", f"stage_{stage}") for stage in (1, 2, 3)]
    assert sum(len(stage) for stage in stages) == 120
    fine_tune(root, stages[0], tmp_path)


def test_mirrors_train(root: Path, tmp_path: Path):
    drawn = mirror_prompts(root / "corpus", MirrorOptions(per_category=5, test_share=0))
    replies = ReplyingAuthor("This is the calm answer to it.", "And this one is the loud one.")
    save_mirrors(write_mirrors(drawn, replies, VOICES), VOICES, tmp_path / "mirrors")
    fine_tune(root, load(tmp_path / "mirrors"), tmp_path)


def test_preferences_train(root: Path, tmp_path: Path):
    candidates = ranked_candidates(
        answers_corpus(tmp_path),
        lambda pairs: [-float(len(answer)) for _, answer in pairs],
        PreferenceOptions(),
    )
    report = preference_pairs(candidates, tmp_path / "set", PreferenceOptions(test_share=0))
    assert report["pairs"] == 6
    rows = load(tmp_path / "set")
    assert pl.read_parquet(tmp_path / "set/data/*.parquet").height == len(rows)
    network, tokenizer = model(root)
    losses(
        trl.DPOTrainer(
            network, args=trl.DPOConfig(**settings(tmp_path)), train_dataset=rows,
            processing_class=tokenizer,
        )
    )  # fmt: skip
