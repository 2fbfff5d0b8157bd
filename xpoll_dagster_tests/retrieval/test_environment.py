import json
import os
from pathlib import Path
from typing import Any

import pytest

from xpoll_dagster.retrieval.bundle import Bundle
from xpoll_dagster.retrieval.dataset import grpo_rows
from xpoll_dagster.retrieval.environment import search_environment
from xpoll_dagster.retrieval.options import RetrievalOptions
from xpoll_dagster.retrieval.rewards import REWARDS, retrieval_reward
from xpoll_dagster.retrieval.tool import TOOL_SCHEMA
from xpoll_dagster_tests.retrieval.library import Built


@pytest.fixture(scope="module")
def bundle(built: Built):
    return Bundle.load(built.folder)


def test_an_episode_searches_and_is_rewarded(bundle: Bundle):
    environment: Any = search_environment(bundle)()
    row = bundle.questions.row(1, named=True)
    assert environment.reset(**row) is None
    found = json.loads(environment.search(row["question"]))["results"]
    assert row["chunk_id"] in {result["chunk_id"] for result in found}
    gold = [row["gold_chunk_ids"]]
    assert retrieval_reward([""], [[]], gold_chunk_ids=gold, environments=[environment]) == [1.0]
    environment.reset()
    assert retrieval_reward([""], [[]], gold_chunk_ids=gold, environments=[environment]) == [0.0]


def test_searches_are_limited_and_empty_queries_told(bundle: Bundle):
    environment = search_environment(bundle, RetrievalOptions(max_searches=2, results=3))()
    assert "error" in json.loads(environment.search("  "))
    assert len(json.loads(environment.search("wool"))["results"]) == 3
    environment.search("bells")
    assert "No searches are left" in environment.search("knots")
    other = search_environment(bundle)()
    assert "results" in json.loads(other.search("knots"))


def tiny_model() -> tuple[Any, Any]:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<pad>"]
    vocabulary = {token: n for n, token in enumerate([*special, *sorted(alphabet)])}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(special)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<pad>"
    )
    from trl.chat_template_utils import qwen3_chat_template

    fast.chat_template = qwen3_chat_template
    config = Qwen3Config(
        vocab_size=len(vocabulary),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        max_position_embeddings=8192,
        eos_token_id=2,
        pad_token_id=3,
        bos_token_id=0,
    )
    return Qwen3ForCausalLM(config), fast


def test_the_tool_is_described_to_the_model(bundle: Bundle):
    utils = pytest.importorskip("transformers.utils")
    schema = utils.get_json_schema(search_environment(bundle)().search)["function"]
    assert schema["name"] == TOOL_SCHEMA["function"]["name"]
    assert schema["parameters"]["required"] == ["query"]


@pytest.mark.slow
def test_trl_trains_three_steps(
    built: Built, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    trl = pytest.importorskip("trl")
    from datasets import Dataset

    monkeypatch.setitem(os.environ, "TRL_EXPERIMENTAL_SILENCE", "1")
    rows = grpo_rows(built.questions, built.clean.index.table)
    columns = ["prompt", "question", "answer", "answers", "chunk_id", "gold_chunk_ids"]
    model, tokenizer = tiny_model()
    seen: list[Any] = []

    def watched(prompts: Any, completions: Any, **more: Any):
        seen.append((completions, more["environments"], more["answers"]))
        return [0.0] * len(completions)

    trainer = trl.GRPOTrainer(
        model=model,
        processing_class=tokenizer,
        reward_funcs=[*REWARDS, watched],
        train_dataset=Dataset.from_list(rows.select(columns).to_dicts()),
        environment_factory=search_environment(bundle),
        args=trl.GRPOConfig(
            output_dir=str(tmp_path),
            max_steps=3,
            per_device_train_batch_size=2,
            num_generations=2,
            max_completion_length=16,
            reward_weights=[1.0, 0.3, 0.2, 1.0, 0.0],
            report_to=[],
            use_cpu=True,
            bf16=False,
            logging_steps=1,
            save_strategy="no",
        ),
    )
    trainer.train()
    assert trainer.state.global_step == 3
    assert any("rewards/retrieval_reward/mean" in entry for entry in trainer.state.log_history)
    assert seen
    for completions, environments, answers in seen:
        assert len(completions) == len(environments) == len(answers)
        assert all(isinstance(completion, list) for completion in completions)
