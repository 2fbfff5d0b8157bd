"""Search: by words, by vectors, and by both; one call for one query or for a batch of them.

How texts are compared:

- `dense`: cosine of the query and the chunk's one vector, as any client of the FAISS index has it;
- `windows`: cosine of the query and the best of the chunk's windows of two sentences;
- `bm25`: words and pairs of words, in the chunk and the headings above it;
- `fused`: pairs of words, printed words, the chunk's vector, and the window that holds most of
  the query and means most like it, weighted and added (`FusionWeights`);
- `rrf`: reciprocal rank fusion of `bm25` and `windows` (Cormack, Clarke and Büttcher, SIGIR 2009).

Where no windows are indexed, every chunk is one window.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal, overload

import numpy as np

from xpoll_dagster.books.embedding import Embedder
from xpoll_dagster.retrieval.chunk_table import searched_text
from xpoll_dagster.retrieval.coverage import WindowTerms
from xpoll_dagster.retrieval.errors import RetrievalError
from xpoll_dagster.retrieval.index import ChunkIndex, check_model
from xpoll_dagster.retrieval.lexical import LexicalIndex
from xpoll_dagster.retrieval.options import SearchOptions
from xpoll_dagster.retrieval.vectors import BuiltIndex, stored_vectors

Mode = Literal["fused", "dense", "windows", "bm25", "rrf"]
MODES: tuple[Mode, ...] = ("dense", "windows", "bm25", "rrf", "fused")

MAX_QUERY = 2000
"""Characters of a query that are looked at."""
_NOTHING = -1.0  # the cosine of what a trained index did not find


@dataclass(frozen=True, slots=True)
class Result:
    """One found text. `chunk_id` and `stable_id` are the original's, for a paraphrase too."""

    chunk_id: str
    stable_id: str
    document_id: str
    text: str
    score: float
    is_paraphrase: bool
    citation: str
    book: str


class Searcher:
    """Searches an index. Made once, it answers from memory and keeps no state."""

    def __init__(
        self, index: ChunkIndex, embedder: Embedder, options: SearchOptions | None = None
    ) -> None:
        """Raises `RetrievalError` where the embedder is not the one that built the index."""
        check_model(embedder, index.model, index.model_sha256)
        self.index = index
        self.options = options or SearchOptions()
        self._embedder = embedder
        sections = index.rows.select("number").join(
            index.table.select("number", "section"),
            on="number",
            how="left",
            maintain_order="left",
        )["section"]
        self._lexical = LexicalIndex(
            [
                searched_text(section, text)
                for section, text in zip(sections.to_list(), index.rows["text"], strict=True)
            ],
            self.options,
        )
        self._chunk_vectors = _stored(index.chunks)
        windows = index.window_table if index.windows else index.rows.select("row", "text")
        self._windows = index.windows or index.chunks
        self._window_vectors = _stored(self._windows) if index.windows else self._chunk_vectors
        self._owners = windows["row"].to_numpy()
        self._starts = _starts(self._owners, index.rows.height)
        self._window_terms = WindowTerms(windows["text"].to_list(), self._lexical.weight)
        self._citations = index.table["citation"].to_list()
        self._stable = index.table["stable_id"].to_list()
        self._books = index.table["book"].to_list()

    @property
    def lexical(self) -> LexicalIndex:
        """The words of the index, for measures that need their weights."""
        return self._lexical

    @overload
    def search(  # pyright: ignore[reportOverlappingOverload] - a string is one query
        self, query: str, k: int = 5, mode: Mode = "fused"
    ) -> list[Result]: ...
    @overload
    def search(
        self, query: Sequence[str], k: int = 5, mode: Mode = "fused"
    ) -> list[list[Result]]: ...

    def search(
        self, query: str | Sequence[str], k: int = 5, mode: Mode = "fused"
    ) -> list[Result] | list[list[Result]]:
        """The best texts for a query, or for each of a list of queries.

        Args:
            query: One query, or several, which together are quicker.
            k: Results wanted; fewer come back from a smaller index.
            mode: How texts are compared.

        Raises:
            RetrievalError: `k` is below 1, or there is no such mode.
        """
        if isinstance(query, str):
            return self.search([query], k, mode)[0]
        rows, scores = self.rank(query, k, mode)
        table = self.index.rows
        wanted = np.unique(rows)
        found = {row["row"]: row for row in table[wanted.tolist()].iter_rows(named=True)}
        return [
            [self._result(found[row], score) for row, score in zip(*pair, strict=True)]
            for pair in zip(rows.tolist(), scores.tolist(), strict=True)
        ]

    def _result(self, row: dict[str, Any], score: float) -> Result:
        number = row["number"]
        return Result(
            chunk_id=row["chunk_id"],
            stable_id=self._stable[number],
            document_id=row["document_id"],
            text=row["text"],
            score=score,
            is_paraphrase=row["is_paraphrase"],
            citation=self._citations[number],
            book=self._books[number],
        )

    def rank(
        self, queries: Sequence[str], k: int, mode: Mode = "fused"
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the index, best first, and their scores: int64 and float32, [queries, k]."""
        if k < 1:
            raise RetrievalError(f"At least one result must be wanted, not {k}.")
        k = min(k, self.index.rows.height)
        rows, scores = [], []
        asked = [str(query)[:MAX_QUERY] for query in queries]
        # All at once: the encoder shares them out over the cores.
        vectors = self._embedder.encode(asked) if asked and mode != "bm25" else None

        def answer(start: int) -> tuple[np.ndarray, np.ndarray]:
            batch = slice(start, start + self.options.batch)
            found = self.scores(asked[batch], mode, None if vectors is None else vectors[batch])
            best = _best(found, k)
            return best, np.take_along_axis(found, best, axis=1)

        # numpy leaves the other cores idle in all but products of matrices.
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for best, found in pool.map(answer, range(0, len(asked), self.options.batch)):
                rows.append(best)
                scores.append(found)
        if not rows:
            return np.zeros((0, k), dtype=np.int64), np.zeros((0, k), dtype=np.float32)
        return np.concatenate(rows), np.concatenate(scores)

    def scores(
        self, queries: Sequence[str], mode: Mode = "fused", vectors: np.ndarray | None = None
    ) -> np.ndarray:
        """The score of every row for every query, float32 [queries, rows].

        `vectors` are the queries' own, where they are known already.
        """
        if mode not in MODES:
            raise RetrievalError(f"There is no mode {mode!r}: choose {', '.join(MODES)}.")
        if mode == "bm25":
            return self._lexical.scores(queries)
        if vectors is None:
            vectors = self._embedder.encode(queries)
        if mode == "dense":
            return self._by_chunk(vectors)
        if mode == "windows":
            return self._by_window(vectors)
        if mode == "rrf":
            words = self._lexical.scores(queries)
            near = self._by_window(vectors)
            return _reciprocal(words, self.options) + _reciprocal(near, self.options)
        weights = self.options.fusion
        fused = self._lexical.scores(queries, 0.0, weights.pairs, weights.printed)
        fused += weights.together * self._together(queries, vectors)
        fused += weights.chunk * self._by_chunk(vectors)
        return fused

    def features(self, queries: Sequence[str]) -> np.ndarray:
        """What fused search adds up, in the order of `FusionWeights`: [queries, rows, 4]."""
        vectors = self._embedder.encode(queries)
        words = [self._lexical.scores(queries, 0.0, *one) for one in ((1.0, 0.0), (0.0, 1.0))]
        return np.stack(
            [*words, self._together(queries, vectors), self._by_chunk(vectors)], axis=-1
        )

    def _together(self, queries: Sequence[str], vectors: np.ndarray) -> np.ndarray:
        """The best window of each row by the query's words and meaning, [queries, rows]."""
        from scipy.linalg.blas import get_blas_funcs

        held = self._window_terms.covered(queries)
        weight = self.options.fusion.cosine_in_together
        if self._window_vectors is None:  # a trained index does not tell every window's cosine
            near = self._by_window(vectors)
            return np.maximum.reduceat(held, self._starts, axis=0).T + weight * near
        (sgemm,) = get_blas_funcs(("gemm",), (held,))
        # One call multiplies and adds in place. BLAS counts by columns, hence all transposed.
        both = sgemm(
            weight, vectors, self._window_vectors.T, beta=1.0, c=held.T, overwrite_c=True
        ).T
        return np.maximum.reduceat(both, self._starts, axis=0).T

    def _by_chunk(self, queries: np.ndarray) -> np.ndarray:
        if self._chunk_vectors is not None:
            return queries @ self._chunk_vectors.T
        return self._from_neighbours(self.index.chunks, queries, None)

    def _by_window(self, queries: np.ndarray) -> np.ndarray:
        if self._window_vectors is not None:
            # With queries side by side the maximum runs over whole rows of memory: five times
            # as fast as over pieces of each query's own row.
            product = self._window_vectors @ queries.T
            return np.ascontiguousarray(np.maximum.reduceat(product, self._starts, axis=0).T)
        return self._from_neighbours(self._windows, queries, self._owners)

    def _from_neighbours(
        self, built: BuiltIndex, queries: np.ndarray, owners: np.ndarray | None
    ) -> np.ndarray:
        """Cosines of what a trained index finds; the rest stands as low as the last found."""
        wanted = min(self.options.candidates, int(built.index.ntotal))
        cosines, places = built.index.search(np.ascontiguousarray(queries), wanted)
        cosines = np.where(places < 0, _NOTHING, cosines)
        floor = cosines.min(axis=1, keepdims=True)
        found = np.repeat(floor, self.index.rows.height, axis=1).astype(np.float32)
        rows = np.where(places < 0, 0, places)
        if owners is not None:
            rows = owners[rows]
        number = np.broadcast_to(np.arange(len(queries))[:, None], rows.shape)
        np.maximum.at(found, (number, rows), np.maximum(cosines, floor).astype(np.float32))
        return found


def _stored(built: BuiltIndex) -> np.ndarray | None:
    """The vectors of an exact index, which numpy multiplies faster than FAISS searches."""
    if built.kind != "flat":
        return None
    return stored_vectors(built, built.index.ntotal)


def _starts(owners: np.ndarray, rows: int) -> np.ndarray:
    starts = np.flatnonzero(np.r_[True, owners[1:] != owners[:-1]])
    if len(starts) != rows:
        raise RetrievalError(
            "The windows of the index are not those of its rows: rebuild the index."
        )
    return starts


def _best(scores: np.ndarray, k: int) -> np.ndarray:
    """Columns of the k highest, best first; of equal ones the first column."""
    if k < scores.shape[1]:
        some = np.sort(np.argpartition(-scores, k - 1, axis=1)[:, :k], axis=1)
    else:
        some = np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    order = np.argsort(-np.take_along_axis(scores, some, axis=1), axis=1, kind="stable")
    return np.take_along_axis(some, order, axis=1).astype(np.int64)


def _reciprocal(scores: np.ndarray, options: SearchOptions) -> np.ndarray:
    ranks = np.empty_like(scores)
    order = np.argsort(-scores, axis=1, kind="stable")
    places = np.broadcast_to(np.arange(1, scores.shape[1] + 1, dtype=np.float32), scores.shape)
    np.put_along_axis(ranks, order, places, axis=1)
    return 1.0 / (options.rank_constant + ranks)
