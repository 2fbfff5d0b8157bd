"""A tiny Llama with random weights and a tokenizer trained on the sample books.

It writes gibberish, at the speed and through the code of any other Llama.
"""

from __future__ import annotations

import json
from pathlib import Path

SAMPLES = Path(__file__).parents[2] / "data" / "sample_sources"
MAX_MODEL_LEN = 4096  # prompts are longer in this small vocabulary than in real ones
VOCABULARY = 2048
HIDDEN = 64
LAYERS = 2

TEMPLATE = """\
{%- for turn in messages -%}
<|turn|>{{ turn.role }}
{{ turn.content }}<|end|>
{%- endfor -%}
{%- if greeting is defined -%}{{ greeting }}{%- endif -%}
{%- if add_generation_prompt -%}<|turn|>assistant
{% endif -%}
"""


def build(folder: Path) -> Path:
    """Write model and tokenizer into `folder`, the same ones every time."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    books = sorted(path for path in SAMPLES.rglob("*") if path.suffix in {".md", ".txt", ".yaml"})
    assert books, f"no sample books in {SAMPLES}"
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    special = ["<|pad|>", "<|begin|>", "<|end|>", "<|turn|>"]
    bpe.train(
        [str(path) for path in books],
        trainers.BpeTrainer(
            vocab_size=VOCABULARY,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token="<|begin|>", eos_token="<|end|>", pad_token="<|pad|>"
    )
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=HIDDEN,
        intermediate_size=2 * HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=MAX_MODEL_LEN,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    model = LlamaForCausalLM(config)
    torch.nn.Module.to(model, torch.bfloat16)
    model.save_pretrained(folder)
    return folder


def build_adapter(folder: Path, rank: int = 4) -> Path:
    """Write a LoRA adapter for the tiny model, strong enough to change every answer."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(1)
    weights = {}
    for layer in range(LAYERS):
        for part in ("q_proj", "v_proj"):
            name = f"base_model.model.model.layers.{layer}.self_attn.{part}"
            weights[f"{name}.lora_A.weight"] = torch.randn(rank, HIDDEN)
            weights[f"{name}.lora_B.weight"] = torch.randn(HIDDEN, rank)
    folder.mkdir(parents=True)
    save_file(weights, str(folder / "adapter_model.safetensors"))
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": rank,
        "lora_alpha": 4 * rank,
        "target_modules": ["q_proj", "v_proj"],
        "bias": "none",
        "base_model_name_or_path": "tiny",
    }
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return folder
