"""Where texts find their chunks among the chunks of a book: by vectors and by words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from xpoll_dagster.writing.gates.paraphrase import Nearness

_BLOCK = 1024
_PAIRS = 20_000
_K1, _B = 1.2, 0.75
_TIE = 1e-6


class BookIndex:
    """The chunks of one book, searched exhaustively in blocks.

    Words are weighed by BM25 (k1 1.2, b .75). A chunk's rank is one more than the number
    of chunks that score higher, so that chunks with the same text share their rank.
    """

    def __init__(self, texts: Sequence[str], vectors: np.ndarray | None = None) -> None:
        """Index a book.

        Args:
            texts: The chunks' prose.
            vectors: Their embeddings, float32 of shape [chunks, dimensions], L2-normalised;
                a row of zeros where a chunk has none. Without them only words are searched.
        """
        from scipy import sparse
        from sklearn.feature_extraction.text import CountVectorizer

        self._vectors = vectors
        word = r"(?u)\b\w[\w'’-]*\b"
        self._counter = CountVectorizer(token_pattern=word, dtype=np.int64)
        self._words: Any = None
        if any(text.strip() for text in texts):
            try:
                counts: Any = sparse.csr_matrix(
                    self._counter.fit_transform(texts), dtype=np.float32
                )
            except ValueError:  # no chunk holds a word
                return
            lengths = np.asarray(counts.sum(axis=1)).ravel()
            norm = _K1 * (1 - _B + _B * lengths / max(float(lengths.mean()), 1.0))
            rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
            frequency = np.bincount(counts.indices, minlength=counts.shape[1])
            idf = np.log1p((counts.shape[0] - frequency + 0.5) / (frequency + 0.5))
            counts.data = (
                idf[counts.indices] * counts.data * (_K1 + 1) / (counts.data + norm[rows])
            ).astype(np.float32)
            self._words = counts.T.tocsr()

    def floor(self, quantile: float, seed: int = 0) -> float | None:
        """The cosine that a share of random pairs of the book's chunks stay below.

        Null for a book of fewer than three chunks with vectors.
        """
        if self._vectors is None:
            return None
        known = np.flatnonzero(np.any(self._vectors != 0, axis=1))
        if known.size < 3:
            return None
        rng = np.random.default_rng(seed)
        one = rng.choice(known, _PAIRS)
        other = rng.choice(known, _PAIRS)
        differ = one != other
        cosines = np.einsum(
            "ij,ij->i", self._vectors[one[differ]], self._vectors[other[differ]], optimize=True
        )
        return float(np.quantile(cosines, quantile))

    def nearness(
        self,
        texts: Sequence[str],
        chunks: Sequence[int],
        vectors: np.ndarray | None = None,
        floor: float | None = None,
    ) -> list[Nearness]:
        """Search every text and say where it finds its own chunk.

        Args:
            texts: The texts.
            chunks: For each the number of its chunk.
            vectors: Their embeddings by the same model, if the index has any.
            floor: The cosine to record as the one to exceed.
        """
        own = np.asarray(chunks, dtype=np.int64)
        words = self._word_ranks(texts, own)
        if vectors is None or self._vectors is None:
            return [Nearness(word_rank=rank) for rank in words]
        found: list[Nearness] = []
        for start in range(0, len(texts), _BLOCK):
            block = slice(start, start + _BLOCK)
            scores = vectors[block] @ self._vectors.T
            mine = scores[np.arange(scores.shape[0]), own[block]]
            ranks = 1 + (scores > mine[:, None] + _TIE).sum(axis=1)
            for offset, (score, rank) in enumerate(zip(mine, ranks, strict=True)):
                known = bool(np.any(self._vectors[own[start + offset]]))
                found.append(
                    Nearness(
                        float(score) if known else None,
                        floor,
                        int(rank) if known else None,
                        words[start + offset],
                    )
                )
        return found

    def _word_ranks(self, texts: Sequence[str], own: np.ndarray) -> list[int | None]:
        if self._words is None:
            return [None] * len(texts)
        ranks: list[int | None] = []
        for start in range(0, len(texts), _BLOCK):
            queries: Any = self._counter.transform(texts[start : start + _BLOCK])
            queries.data[:] = 1
            scores = np.asarray((queries @ self._words).todense())
            mine = scores[np.arange(scores.shape[0]), own[start : start + _BLOCK]]
            above = 1 + (scores > mine[:, None] + _TIE).sum(axis=1)
            ranks.extend(int(rank) for rank in above)
        return ranks
