"""BM25 over terms, pairs of terms and words as they are printed, for whole batches of queries.

bm25s scores every posting once, when it indexes; a batch of queries is then one product of
sparse matrices instead of a loop over queries.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from xpoll_dagster.retrieval.options import SearchOptions
from xpoll_dagster.retrieval.terms import printed_words, split_terms, word_pairs

_PRINTED = "="
"""Before a printed word in the vocabulary, where the same letters may be a term."""


class LexicalIndex:
    """The words of texts, ready to be asked."""

    def __init__(self, texts: Sequence[str], options: SearchOptions) -> None:
        import bm25s
        from scipy.sparse import csc_array

        self._options = options
        self.size = len(texts)
        documents = []
        for text in texts:
            terms = split_terms(text)
            documents.append([*terms, *word_pairs(terms), *_marked(text)])
        self._vocabulary: dict[str, int] = {}
        weights: Any = csc_array((len(texts), 1), dtype=np.float32)
        if any(documents):
            model = bm25s.BM25(k1=options.saturation, b=options.length_weight, method="lucene")
            model.index(documents, show_progress=False)
            self._vocabulary = {
                term: int(place) for term, place in model.vocab_dict.items() if term
            }
            found = model.scores
            terms_in_all = len(found["indptr"]) - 1
            weights = csc_array(
                (found["data"], found["indices"], found["indptr"]),
                shape=(len(texts), terms_in_all),
            )
        # By term, so that a query's rows are its postings.
        self._by_term = weights.T.tocsr()
        self._frequency = np.diff(self._by_term.indptr)

    def scores(
        self,
        queries: Sequence[str],
        term_weight: float = 1.0,
        pair_weight: float | None = None,
        printed_weight: float = 0.0,
    ) -> np.ndarray:
        """BM25 of every text for every query, float32 [queries, texts].

        Args:
            queries: Texts of any length.
            term_weight: Weight of single terms.
            pair_weight: Weight of pairs of terms; None for the options' own.
            printed_weight: Weight of words as they are printed, endings and all.
        """
        if pair_weight is None:
            pair_weight = self._options.pair_weight
        from scipy.sparse import csr_array

        rows, columns, values = [], [], []
        for row, query in enumerate(queries):
            terms = split_terms(query)
            for weight, names in (
                (term_weight, terms),
                (pair_weight, word_pairs(terms)),
                (printed_weight, _marked(query)),
            ):
                if weight == 0:
                    continue
                for term, count in Counter(names).items():
                    place = self._vocabulary.get(term)
                    if place is not None:
                        rows.append(row)
                        columns.append(place)
                        values.append(weight * count)
        asked = csr_array(
            (np.asarray(values, dtype=np.float32), (rows, columns)),
            shape=(len(queries), self._by_term.shape[0]),
        )
        return (asked @ self._by_term).toarray().astype(np.float32, copy=False)

    def weight(self, term: str) -> float:
        """How telling a single term is: ln(1 + (N - n + 0.5) / (n + 0.5)), as BM25 has it.

        A term of none of the texts weighs as one that stands in none of them.
        """
        place = self._vocabulary.get(term)
        among = 0 if place is None else int(self._frequency[place])
        return float(np.log1p((self.size - among + 0.5) / (among + 0.5)))


def _marked(text: str) -> list[str]:
    return [f"{_PRINTED}{word}" for word in printed_words(text)]
