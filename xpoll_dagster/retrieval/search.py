"""Search: by words, by vectors, and by both; one call for one query or for a batch of them.

How texts are compared:

- `dense`: cosine of the query and the chunk's one vector, as any client of the FAISS index has it;
- `windows`: cosine of the query and the best of the chunk's windows of two sentences;
- `bm25`: words and pairs of words, in the chunk and the headings above it;
- `fused`: `bm25` and `windows` (or `dense`, where no windows are indexed), weighted and added;
- `rrf`: reciprocal rank fusion of the same two (Cormack, Clarke and Büttcher, SIGIR 2009).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, overload

import numpy as np

from xpoll_dagster.books.embedding import Embedder
from xpoll_dagster.retrieval.chunk_table import searched_text
from xpoll_dagster.retrieval.errors import RetrievalError
from xpoll_dagster.retrieval.index import ChunkIndex, check_model
from xpoll_dagster.retrieval.lexical import LexicalIndex
from xpoll_dagster.retrieval.options import SearchOptions
from xpoll_dagster.retrieval.vectors import BuiltIndex

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
        self._window_vectors = _stored(index.windows) if index.windows else None
        self._starts = _starts(index.window_rows, index.rows.height) if index.windows else None
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
        for start in range(0, len(queries), self.options.batch):
            batch = [
                str(query)[:MAX_QUERY] for query in queries[start : start + self.options.batch]
            ]
            found = self.scores(batch, mode)
            best = _best(found, k)
            rows.append(best)
            scores.append(np.take_along_axis(found, best, axis=1))
        if not rows:
            return np.zeros((0, k), dtype=np.int64), np.zeros((0, k), dtype=np.float32)
        return np.concatenate(rows), np.concatenate(scores)

    def scores(self, queries: Sequence[str], mode: Mode = "fused") -> np.ndarray:
        """The score of every row for every query, float32 [queries, rows]."""
        if mode not in MODES:
            raise RetrievalError(f"There is no mode {mode!r}: choose {', '.join(MODES)}.")
        if mode == "bm25":
            return self._lexical.scores(queries)
        vectors = self._embedder.encode(queries)
        if mode == "dense" or (mode == "windows" and self.index.windows is None):
            return self._by_chunk(vectors)
        windows = self.index.windows
        near = self._by_chunk(vectors) if windows is None else self._by_window(windows, vectors)
        if mode == "windows":
            return near
        words = self._lexical.scores(queries)
        if mode == "rrf":
            return _reciprocal(words, self.options) + _reciprocal(near, self.options)
        near *= self.options.cosine_weight
        near += words
        return near

    def _by_chunk(self, queries: np.ndarray) -> np.ndarray:
        if self._chunk_vectors is not None:
            return queries @ self._chunk_vectors.T
        return self._from_neighbours(self.index.chunks, queries, None)

    def _by_window(self, windows: BuiltIndex, queries: np.ndarray) -> np.ndarray:
        if self._window_vectors is not None and self._starts is not None:
            # With queries side by side the maximum runs over whole rows of memory: five times
            # as fast as over pieces of each query's own row.
            product = self._window_vectors @ queries.T
            return np.ascontiguousarray(np.maximum.reduceat(product, self._starts, axis=0).T)
        return self._from_neighbours(windows, queries, self.index.window_rows)

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
    return built.index.reconstruct_n(0, built.index.ntotal)


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
