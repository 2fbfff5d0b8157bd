"""The index: originals and accepted paraphrases, each row knowing which it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from xpoll_dagster.books.embedding import Embedder
from xpoll_dagster.books.model import embeddings_schema
from xpoll_dagster.retrieval.chunk_table import table_fingerprint
from xpoll_dagster.retrieval.errors import RetrievalError
from xpoll_dagster.retrieval.options import IndexOptions
from xpoll_dagster.retrieval.vectors import BuiltIndex, build_vector_index, stored_vectors
from xpoll_dagster.retrieval.windows import split_all

ROWS_SCHEMA = pl.Schema(
    {
        "row": pl.Int64,  # of the FAISS index
        "document_id": pl.String,  # chunk_17, and chunk_17/<paraphrase's id> for a paraphrase
        "chunk_id": pl.String,  # of the original, for a paraphrase too
        "number": pl.Int64,  # of the original
        "is_paraphrase": pl.Boolean,
        "paraphrase_id": pl.String,  # null for an original
        "style": pl.String,  # null for an original
        "text": pl.String,
    }
)

WINDOWS_SCHEMA = pl.Schema(
    {
        "row": pl.Int64,  # that the window belongs to, rising
        "text": pl.String,
    }
)

Progress = Callable[[int, int], None]
"""Called with the number of texts embedded and the number of all."""

_PORTION = 2048


@dataclass(frozen=True)
class ChunkIndex:
    """An index over chunks and paraphrases, in memory.

    Attributes:
        table: `CHUNK_TABLE_SCHEMA`: the originals.
        rows: `ROWS_SCHEMA`: what each row of `chunks` is.
        chunks: One vector for each row, originals first, in order of their numbers.
        windows: One vector for each window of two sentences, or None.
        window_table: `WINDOWS_SCHEMA`: what each vector of `windows` is; empty without them.
        model: The embedder's name with its precision.
        model_sha256: Of the embedder's weights.
        left_out: Accepted paraphrases that could not be used, by reason.
    """

    table: pl.DataFrame
    rows: pl.DataFrame
    chunks: BuiltIndex
    windows: BuiltIndex | None
    window_table: pl.DataFrame
    model: str
    model_sha256: str
    left_out: dict[str, int]

    @property
    def window_rows(self) -> np.ndarray:
        """The row that each window belongs to, rising, int64 [windows]."""
        return self.window_table["row"].to_numpy()

    def originals(self, options: IndexOptions | None = None) -> ChunkIndex:
        """The index of the originals alone, from the same vectors: nothing is embedded again."""
        options = options or IndexOptions()
        count = self.table.height
        windows = self.window_table.filter(pl.col("row") < count)
        return replace(
            self,
            rows=self.rows.head(count),
            chunks=build_vector_index(stored_vectors(self.chunks, count), options),
            windows=build_vector_index(stored_vectors(self.windows, windows.height), options)
            if self.windows
            else None,
            window_table=windows,
            left_out={},
        )

    def report(self) -> dict[str, Any]:
        """What `index.json` says: counts, kinds and recall, model, fingerprint of the chunks."""
        return {
            "chunks": self.table.height,
            "paraphrases": int(self.rows["is_paraphrase"].sum()),
            "left_out": self.left_out,
            "kind": self.chunks.kind,
            "recall_against_flat": self.chunks.recall,
            "built_on": self.chunks.device,
            "windows": self.window_table.height,
            "windows_kind": self.windows.kind if self.windows else None,
            "windows_recall_against_flat": self.windows.recall if self.windows else None,
            "dimensions": int(self.chunks.index.d),
            "model": self.model,
            "model_sha256": self.model_sha256,
            "chunks_fingerprint": table_fingerprint(self.table),
        }


def embed_paraphrases(
    paraphrases: pl.DataFrame, embedder: Embedder, progress: Progress | None = None
) -> pl.DataFrame:
    """One vector for each accepted paraphrase, embedded as chunks are.

    Args:
        paraphrases: `id`, `text` and `accepted` at least.
        embedder: The one that embedded the chunks.
        progress: Called after every portion.

    Returns:
        A frame of `embeddings_schema` whose `chunk_id` is the paraphrase's `id`.
    """
    rows = paraphrases.filter(pl.col("accepted"))
    vectors = embed_texts(rows["text"].str.strip_chars().to_list(), embedder, progress)
    schema = embeddings_schema(embedder.dimensions)
    return pl.DataFrame(
        {
            "chunk_id": rows["id"],
            "embedding": pl.Series("embedding", vectors, dtype=schema["embedding"]),
            "model": pl.Series([embedder.model] * rows.height, dtype=pl.String),
            "model_sha256": pl.Series([embedder.sha256] * rows.height, dtype=pl.String),
        },
        schema=schema,
    )


def embed_texts(
    texts: Sequence[str], embedder: Embedder, progress: Progress | None = None
) -> np.ndarray:
    """Vectors of texts, float32 [texts, dimensions]; long and short are kept apart for speed."""
    vectors = np.zeros((len(texts), embedder.dimensions), dtype=np.float32)
    order = np.argsort([len(text) for text in texts], kind="stable")[::-1]
    for start in range(0, len(texts), _PORTION):
        places = order[start : start + _PORTION]
        vectors[places] = embedder.encode([texts[int(place)] for place in places])
        if progress is not None:
            progress(min(start + _PORTION, len(texts)), len(texts))
    return vectors


def build_index(
    table: pl.DataFrame,
    embeddings: pl.DataFrame,
    paraphrases: pl.DataFrame | None = None,
    paraphrase_embeddings: pl.DataFrame | None = None,
    options: IndexOptions | None = None,
    embedder: Embedder | None = None,
    progress: Progress | None = None,
) -> ChunkIndex:
    """Index the chunks of a library and their accepted paraphrases.

    Args:
        table: From `chunk_table`.
        embeddings: `chunk_embeddings` of all its books; `chunk_id` is the stable id.
        paraphrases: `id`, `chunk_id` (stable), `style`, `text`, `accepted`; None for originals
            alone.
        paraphrase_embeddings: From `embed_paraphrases`.
        options: Which index, and whether windows are indexed too.
        embedder: The one that made the embeddings; embeds the windows, and not needed
            without them.
        progress: Of embedding the windows.

    Raises:
        RetrievalError: A chunk has no vector, or vectors come from more than one model.
    """
    options = options or IndexOptions()
    rows, left_out = _rows(table, paraphrases)
    given = [embeddings] if paraphrase_embeddings is None else [embeddings, paraphrase_embeddings]
    model, sha256 = _one_model(given)
    names = rows.select(
        pl.coalesce(
            "paraphrase_id",
            pl.col("number").replace_strict(
                table["number"], table["stable_id"], return_dtype=pl.String
            ),
        ).alias("chunk_id")
    )
    joined = names.join(
        pl.concat([frame.select("chunk_id", "embedding") for frame in given]).unique(
            "chunk_id", keep="first", maintain_order=True
        ),
        on="chunk_id",
        how="left",
        maintain_order="left",
    )
    missing = joined.filter(pl.col("embedding").is_null())
    if missing.height:
        raise RetrievalError(
            f"{missing.height} of {rows.height} chunks and paraphrases have no vector (the first "
            f"is {missing['chunk_id'][0]}): materialise chunk_embeddings of their books again."
        )
    vectors = joined["embedding"].to_numpy()
    windows, window_table = None, pl.DataFrame(schema=WINDOWS_SCHEMA)
    if options.windows:
        if embedder is None:
            raise RetrievalError("Windows are to be indexed, and no embedder was given for them.")
        check_model(embedder, model, sha256)
        texts, places = split_all(rows["text"].to_list(), options.window_words)
        windows = build_vector_index(embed_texts(texts, embedder, progress), options)
        window_table = pl.DataFrame({"row": places, "text": texts}, schema=WINDOWS_SCHEMA)
    return ChunkIndex(
        table=table,
        rows=rows,
        chunks=build_vector_index(vectors, options),
        windows=windows,
        window_table=window_table,
        model=model,
        model_sha256=sha256,
        left_out=left_out,
    )


def _rows(
    table: pl.DataFrame, paraphrases: pl.DataFrame | None
) -> tuple[pl.DataFrame, dict[str, int]]:
    originals = table.select(
        document_id="chunk_id",
        chunk_id="chunk_id",
        number="number",
        is_paraphrase=pl.lit(value=False),
        paraphrase_id=pl.lit(None, dtype=pl.String),
        style=pl.lit(None, dtype=pl.String),
        text="text",
    )
    left_out: dict[str, int] = {}
    parts = [originals]
    if paraphrases is not None:
        accepted = paraphrases.filter(pl.col("accepted")).with_columns(
            pl.col("text").str.strip_chars()
        )
        usable = (
            accepted.filter(pl.col("text") != "")
            .unique("id", keep="first", maintain_order=True)
            .rename({"chunk_id": "stable_id"})
            .select("id", "stable_id", "style", "text")
            .join(table.select("stable_id", "chunk_id", "number"), on="stable_id")
            .sort("number", "style", "id")
        )
        empty = accepted.filter(pl.col("text") == "").height
        repeated = accepted.height - empty - accepted.filter(pl.col("text") != "")["id"].n_unique()
        left_out = {
            "no text": empty,
            "the same id again": repeated,
            "its chunk is not in the library": accepted.height - empty - repeated - usable.height,
        }
        parts.append(
            usable.select(
                document_id=pl.format("{}/{}", "chunk_id", "id"),
                chunk_id="chunk_id",
                number="number",
                is_paraphrase=pl.lit(value=True),
                paraphrase_id="id",
                style="style",
                text="text",
            )
        )
    rows = pl.concat(parts).with_row_index("row").cast(ROWS_SCHEMA)
    return rows.select(ROWS_SCHEMA.names()), {why: n for why, n in left_out.items() if n}


def _one_model(frames: Sequence[pl.DataFrame]) -> tuple[str, str]:
    found = pl.concat([frame.select("model", "model_sha256") for frame in frames]).unique()
    if found.height == 0:
        raise RetrievalError("There are no vectors: materialise chunk_embeddings first.")
    names = sorted(set(found["model"]))
    # One model in two precisions gives vectors that compare; two models do not.
    if found["model_sha256"].n_unique() > 1 or len({_bare(name) for name in names}) > 1:
        raise RetrievalError(
            f"The vectors come from different models ({', '.join(names)}): materialise "
            "chunk_embeddings of all books with one of them."
        )
    return names[0], found["model_sha256"][0]


def _bare(model: str) -> str:
    return model.rsplit("@", 1)[0]


def check_model(embedder: Embedder, model: str, sha256: str) -> None:
    """Refuse an embedder other than the one that made an index.

    Precision may differ (`all-MiniLM-L6-v2@int8` was measured to agree with float32 to a cosine
    of 0.99 and more); the model and its weights may not.

    Raises:
        RetrievalError: It is another model.
    """
    if _bare(embedder.model) != _bare(model) or embedder.sha256 != sha256:
        raise RetrievalError(
            f"The index was built with {model} (weights {sha256[:12]}…) and the embedder is "
            f"{embedder.model} (weights {embedder.sha256[:12]}…): choose the embedder that built "
            "it, or rebuild chunk_embeddings and the index."
        )
