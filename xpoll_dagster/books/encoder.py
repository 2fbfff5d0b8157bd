"""A BERT encoder for CPUs: whole-number matrix products, no padding, one text stream per core.

The arithmetic of the packaged embedder, written for its shape (some 200 tokens a text, 384
wide), where the plain route spends its time in float32 products, padding and waiting for
the slower core. Any model that is not of this family goes through sentence-transformers.

What makes it fast, in the order of what each brings:

- Linear layers multiply 8-bit whole numbers (one scale per output channel for weights, one
  per token for activations, found while encoding): 3.5-5 times float32 on CPUs with VNNI or
  AMX. Sums are exact, so results do not depend on threads or batches there.
- Texts are laid end to end instead of padded; attention runs text by text.
- Every core works on texts of its own, so no layer waits for the slowest core.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    import torch

Arithmetic = Literal["float32", "int8"]

TOKENS_AT_ONCE = 640
"""Tokens laid end to end: enough to fill the matrix products, few enough for the caches."""

_GELU_MINIMUM = 0.17
"""GELU never falls below -0.17, so its outputs are quantised from there upwards."""


def multiplies_int8_fast() -> bool:
    """Whether this CPU has 8-bit dot products (VNNI or AMX) and torch can use them rightly.

    Without VNNI the same products saturate at 16 bits, hence the trial against exact sums.
    """
    import torch

    if not (torch.cpu._is_vnni_supported() or torch.cpu._is_amx_tile_supported()):  # noqa: SLF001
        return False
    generator = torch.Generator().manual_seed(0)
    weight = torch.randint(-127, 128, (32, 64), generator=generator, dtype=torch.int8)
    weight[:, 0] = 127  # so that every scale is 1
    values = torch.randint(0, 256, (16, 64), generator=generator, dtype=torch.uint8)
    exact = (values.long() - 128) @ weight.long().T
    try:
        found = _EightBitLinear(weight.float(), torch.zeros(32)).multiply(values, 128)
    except (RuntimeError, AttributeError):
        return False
    return torch.allclose(found, exact.float(), rtol=1e-5)


class _EightBitLinear:
    """A linear layer with 8-bit weights, scaled per output channel."""

    def __init__(
        self, weight: torch.Tensor, bias: torch.Tensor, spread: torch.Tensor | None = None
    ) -> None:
        import torch

        self.shrink: torch.Tensor | None = None
        if spread is not None:
            # A few input channels are far larger than the rest and would eat up the token's
            # scale: half of the spread (by exponent) moves from the inputs into the weights.
            balance = (spread / weight.abs().amax(0).clamp_min(1e-6)).clamp_min(1e-6).sqrt()
            weight = weight * balance
            self.shrink = 1.0 / balance
        self.scale = weight.abs().amax(1).clamp_min(1e-12) / 127
        rounded = (weight / self.scale[:, None]).round().clamp(-127, 127)
        self.row_sums = (rounded * self.scale[:, None]).sum(1)
        self.weight = torch.ops.onednn.qlinear_prepack(rounded.to(torch.int8), None)
        self.zero = torch.zeros(len(bias), dtype=torch.int64)
        self.bias = bias

    def multiply(self, values: torch.Tensor, zero_point: int) -> torch.Tensor:
        """(values - zero_point) times the weights, without the bias and the token's scale."""
        import torch

        return torch.ops.onednn.qlinear_pointwise(
            values, 1.0, zero_point, self.weight, self.scale, self.zero,
            None, 1.0, 0, torch.float32, "none", [], "",
        )  # fmt: skip

    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        """The layer on float32 inputs, quantised per token."""
        import torch

        if self.shrink is not None:
            inputs = inputs * self.shrink
        largest = inputs.abs().amax(-1, keepdim=True).clamp_min_(1e-12)
        values = (inputs * (127.0 / largest)).add_(128.5).to(torch.uint8)
        return torch.addcmul(self.bias, self.multiply(values, 128), largest / 127.0)

    def after_gelu(self, inputs: torch.Tensor) -> torch.Tensor:
        """The layer on outputs of GELU, which lie above -0.17; overwrites the inputs."""
        import torch

        largest = inputs.amax(-1, keepdim=True).add_(_GELU_MINIMUM).clamp_min_(1e-12)
        values = inputs.add_(_GELU_MINIMUM).mul_(254.0 / largest).add_(0.5).to(torch.uint8)
        bias = self.bias - _GELU_MINIMUM * self.row_sums
        return torch.addcmul(bias, self.multiply(values, 0), largest / 254.0)


class _PlainLinear:
    """The same layer in float32."""

    def __init__(
        self, weight: torch.Tensor, bias: torch.Tensor, spread: torch.Tensor | None = None
    ) -> None:
        del spread  # matters to rounding alone
        self.weight, self.bias = weight, bias

    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        from torch.nn.functional import linear

        return linear(inputs, self.weight, self.bias)

    after_gelu = __call__


def _spread(gain: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    """How large each channel of a layer norm's output may become, from its weights alone."""
    return shift.abs() + 4.0 * gain.abs()


class PackedEncoder:
    """BERT with mean pooling, from a folder in the sentence-transformers layout.

    Args:
        folder: holds `config.json` and `model.safetensors`.
        arithmetic: of the linear layers; everything else is float32.
    """

    def __init__(self, folder: Path, arithmetic: Arithmetic) -> None:
        import torch
        from safetensors.torch import load_file

        config = json.loads((folder / "config.json").read_text("utf-8"))
        weights = load_file(str(folder / "model.safetensors"))
        self.width: int = config["hidden_size"]
        self._heads: int = config["num_attention_heads"]
        self._epsilon: float = config["layer_norm_eps"]
        linear = _EightBitLinear if arithmetic == "int8" else _PlainLinear

        def norm(name: str) -> tuple[torch.Tensor, torch.Tensor]:
            return weights[f"{name}.weight"], weights[f"{name}.bias"]

        def layer(name: str, after: str | None = None) -> _EightBitLinear | _PlainLinear:
            spread = None if after is None else _spread(*norm(after))
            return linear(weights[f"{name}.weight"], weights[f"{name}.bias"], spread)

        self._words = weights["embeddings.word_embeddings.weight"]
        self._positions = (
            weights["embeddings.position_embeddings.weight"]
            + weights["embeddings.token_type_embeddings.weight"][0]
        )
        self._first_norm = norm("embeddings.LayerNorm")
        self._layers = []
        before = "embeddings.LayerNorm"
        shrink = (self.width // self._heads) ** -0.5
        for number in range(config["num_hidden_layers"]):
            at = f"encoder.layer.{number}"
            parts = [f"{at}.attention.self.{part}" for part in ("query", "key", "value")]
            factors = (shrink, 1.0, 1.0)  # the logits' division by √width, done once for all
            joined = linear(
                torch.cat(
                    [weights[f"{p}.weight"] * f for p, f in zip(parts, factors, strict=True)]
                ),
                torch.cat([weights[f"{p}.bias"] * f for p, f in zip(parts, factors, strict=True)]),
                _spread(*norm(before)),
            )
            before = f"{at}.output.LayerNorm"
            self._layers.append(
                (
                    joined,
                    layer(f"{at}.attention.output.dense"),
                    norm(f"{at}.attention.output.LayerNorm"),
                    layer(f"{at}.intermediate.dense", after=f"{at}.attention.output.LayerNorm"),
                    layer(f"{at}.output.dense"),
                    norm(f"{at}.output.LayerNorm"),
                )
            )

    def encode(self, texts: Sequence[Sequence[int]]) -> np.ndarray:
        """Mean-pooled vectors of texts given as token numbers; float32 [texts, width]."""
        import torch

        vectors = np.zeros((len(texts), self.width), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda row: -len(texts[row]))
        groups: list[list[int]] = []
        room = 0
        for row in order:
            if len(texts[row]) > room:
                groups.append([])
                room = max(TOKENS_AT_ONCE, len(texts[row]))
            groups[-1].append(row)
            room -= len(texts[row])

        def work(group: list[int]) -> None:
            vectors[group] = self._encode_group([texts[row] for row in group])

        threads = torch.get_num_threads()
        try:
            with ThreadPoolExecutor(
                threads, initializer=torch.set_num_threads, initargs=(1,)
            ) as pool:
                for _ in pool.map(work, groups):
                    pass
        finally:
            torch.set_num_threads(threads)
        return vectors

    def _encode_group(self, texts: list[Sequence[int]]) -> np.ndarray:
        import torch
        from torch.nn.functional import gelu

        with torch.inference_mode():
            lengths = [len(text) for text in texts]
            tokens = torch.tensor([token for text in texts for token in text])
            places = torch.cat([torch.arange(length) for length in lengths])
            hidden = self._norm(self._words[tokens] + self._positions[places], self._first_norm)
            for joined, output, norm, inner, outer, last_norm in self._layers:
                attended = self._attend(joined(hidden), lengths)
                hidden = self._norm(output(attended).add_(hidden), norm)
                outwards = outer.after_gelu(gelu(inner(hidden)))
                hidden = self._norm(outwards.add_(hidden), last_norm)
            return torch.stack([part.mean(0) for part in hidden.split(lengths)]).numpy()

    def _attend(self, joined: torch.Tensor, lengths: list[int]) -> torch.Tensor:
        import torch

        attended = torch.empty(joined.shape[0], self.width)
        start = 0
        for length in lengths:
            part = joined[start : start + length].view(length, 3, self._heads, -1)
            query, key, value = part.permute(1, 2, 0, 3).unbind(0)  # [heads, length, width]
            weight = torch.bmm(query, key.transpose(1, 2))
            # Softmax by hand: its division moves behind the product, where rows are shorter.
            weight.sub_(weight.amax(-1, keepdim=True)).exp_()
            mixed = torch.bmm(weight, value).div_(weight.sum(-1, keepdim=True))
            attended[start : start + length].view(length, self._heads, -1).copy_(
                mixed.transpose(0, 1)
            )
            start += length
        return attended

    def _norm(self, hidden: torch.Tensor, norm: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        from torch.nn.functional import layer_norm

        return layer_norm(hidden, (self.width,), *norm, self._epsilon)
