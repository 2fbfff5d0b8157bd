"""Can the pipeline find what certainly belongs together? `python -m benchmarks.planted_pairs`.

Odd and even sentences of one passage are put into two different domains; each half must
find its own other half among all. For every half on the left side its best partner is taken;
precision is the share of right ones among the best 20 % of these by their score. "cosine" is
the plain cosine of the embeddings, "score" the fused score that selects pairs in production.
Weights were tuned on three books, so every other book is reported apart as held out.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from xpoll_dagster.books.chunking import chunk_book
from xpoll_dagster.books.cleaning import CleaningOptions
from xpoll_dagster.books.concepts import extract_concepts
from xpoll_dagster.books.embedding import load_embedder, load_token_counter
from xpoll_dagster.books.library import Library
from xpoll_dagster.books.model import CHUNKS_SCHEMA, CONCEPTS_SCHEMA, Book, BookError
from xpoll_dagster.books.options import ReadingOptions
from xpoll_dagster.books.reading import read_pages
from xpoll_dagster.books.sentences import split_sentences
from xpoll_dagster.compute.sandbox import Limits
from xpoll_dagster.linking.concepts import link_concepts
from xpoll_dagster.linking.fusion import fuse_links, gathered
from xpoll_dagster.linking.lexical import link_lexical
from xpoll_dagster.linking.options import LinkingOptions
from xpoll_dagster.linking.semantic import link_semantic

SAMPLES = Path(__file__).parent.parent / "data" / "books"
TUNED_ON = (
    "history-of-mathematics-ball",
    "introduction-to-mathematics-whitehead",
    "problems-of-philosophy-russell",
)
CUTS = (0.1, 0.2, 0.33, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Choice:
    """Each left half's best partner: whether it is the right one, its score, and which."""

    right: np.ndarray
    score: np.ndarray
    partner: np.ndarray

    def precision(self, share: float) -> float:
        """Share of right partners among the best `share` of all left halves."""
        count = max(1, int(len(self.right) * share))
        best = np.argsort(-self.score, kind="stable")[:count]
        return float(self.right[best].mean())

    def hub(self) -> int:
        """How often the most chosen partner is chosen."""
        return int(np.bincount(self.partner[self.partner >= 0]).max(initial=0))

    def never_chosen(self) -> float:
        """Share of right halves that nobody chooses."""
        return 1.0 - len(np.unique(self.partner[self.partner >= 0])) / len(self.right)


def read_chunks(book: Book) -> pl.DataFrame:
    """The chunks of a book, by the project's own reader."""
    pages = read_pages(book, ReadingOptions(), CleaningOptions(), Limits()).pages
    return chunk_book(pages, load_token_counter().count_tokens)


def plant(chunks: pl.DataFrame, least_words: int) -> pl.DataFrame:
    """Two rows per passage, its odd and its even sentences, in domains "left" and "right"."""
    rows = []
    for chunk in chunks.filter(pl.col("kind") == "prose").iter_rows(named=True):
        sentences = [sentence.strip() for sentence in split_sentences(chunk["passage"])]
        halves = [" ".join(sentences[0::2]), " ".join(sentences[1::2])]
        if min(len(half.split()) for half in halves) < least_words:
            continue
        for side, half in zip(("left", "right"), halves, strict=True):
            rows.append(
                chunk
                | {
                    "chunk_id": f"{side}:{chunk['chunk_id']}",
                    "book": f"{side}:{chunk['book']}",
                    "domain": side,
                    "passage": half,
                    "text": half,
                }
            )
    return pl.DataFrame(rows, schema=CHUNKS_SCHEMA).sort("domain", "book", "ordinal", "chunk_id")


def concepts_of(halves: pl.DataFrame) -> pl.DataFrame:
    """The concepts of the halves, each side of a book read as a book of its own."""
    books = halves.partition_by("book", maintain_order=True)
    return pl.concat([CONCEPTS_SCHEMA.to_frame(), *(extract_concepts(book) for book in books)])


def best_by_matrix(similarity: np.ndarray) -> Choice:
    """Each row's best column; the right one has the row's own number."""
    partner = similarity.argmax(axis=1)
    return Choice(partner == np.arange(len(partner)), similarity.max(axis=1), partner)


def best_by_links(links: pl.DataFrame, score: str, ids: list[str]) -> Choice:
    """Each left half's best link by a column; halves without a link have chosen wrongly."""
    number = {name: row for row, name in enumerate(ids)}
    best = (
        links.sort([score, "right_chunk"], descending=[True, False])
        .group_by("left_chunk", maintain_order=True)
        .first()
    )
    partner = np.full(len(ids), -1)
    value = np.full(len(ids), -np.inf)
    left = [number[name.split(":", 1)[1]] for name in best["left_chunk"]]
    partner[left] = [number[name.split(":", 1)[1]] for name in best["right_chunk"]]
    value[left] = best[score].to_numpy()
    return Choice(partner == np.arange(len(ids)), value, partner)


def measure(name: str, halves: pl.DataFrame, options: LinkingOptions) -> dict[str, float]:
    """Print the table of one set of books and give its main figures."""
    began = time.perf_counter()
    vectors = np.asarray(load_embedder().encode(halves["passage"].to_list()), np.float32)
    embedded = time.perf_counter()
    ids = [i.split(":", 1)[1] for i in halves.filter(domain="left")["chunk_id"]]
    left = (halves["domain"] == "left").to_numpy()
    concept = link_concepts(halves, concepts_of(halves), vectors, options)
    lexical = link_lexical(halves, options)
    semantic = link_semantic(halves, vectors, options)
    links = {"concept": concept, "lexical": lexical, "semantic": semantic}
    sides = halves.sort("domain", "book", "ordinal", "chunk_id")
    left_ids, right_ids = (sides.filter(domain=d)["chunk_id"] for d in ("left", "right"))
    fused = fuse_links(links, left_ids, right_ids, options.fusion)
    fused = gathered(fused, links, left_ids, right_ids)
    linked = time.perf_counter()
    choices = {
        "cosine": best_by_matrix(vectors[left] @ vectors[~left].T),
        "concepts": best_by_links(concept, "score", ids),
        "words": best_by_links(lexical, "score", ids),
        "words, margin": best_by_links(lexical, "margin", ids),
        "meaning, margin": best_by_links(semantic, "margin", ids),
        "score": best_by_links(fused, "score", ids),
    }
    own = fused["left_chunk"].str.split(":").list.slice(1) == fused["right_chunk"].str.split(
        ":"
    ).list.slice(1)
    print(
        f"\n{name}: {len(ids)} planted pairs, {embedded - began:.0f} s to embed, "
        f"{linked - embedded:.1f} s to link; own half among the candidates: "
        f"{own.sum() / len(ids):.3f}"
    )
    print(
        f"{'precision of the best':22}"
        + "".join(f"{int(100 * cut):5d} %" for cut in CUTS)
        + "   largest hub   never chosen"
    )
    for label, choice in choices.items():
        figures = "".join(f"{choice.precision(cut):7.3f}" for cut in CUTS)
        print(f"{label:22}{figures}   {choice.hub():11d}   {choice.never_chosen():12.3f}")
    cosine, score = choices["cosine"], choices["score"]
    return {
        "pairs": len(ids),
        "cosine_top20": round(cosine.precision(0.2), 4),
        "score_top20": round(score.precision(0.2), 4),
        "cosine_hub": cosine.hub(),
        "score_hub": score.hub(),
        "cosine_never_chosen": round(cosine.never_chosen(), 4),
        "score_never_chosen": round(score.never_chosen(), 4),
    }


def main() -> None:
    """Read the books, plant the pairs, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--library", type=Path, default=SAMPLES, help="a folder of books")
    parser.add_argument("--held-out", type=int, default=1500, help="most held-out passages")
    parser.add_argument("--skip", default="scan", help="pass over books with this in their name")
    arguments = parser.parse_args()
    options = LinkingOptions()
    groups: dict[str, list[pl.DataFrame]] = {"tuned": [], "held out": []}
    for key, book in Library.discover(arguments.library).books.items():
        if arguments.skip and arguments.skip in book.path.name:
            print(f"{key}: passed over (--skip {arguments.skip})")
            continue
        try:
            chunks = read_chunks(book)
        except BookError as error:
            print(f"{key}: left out, {error}")
            continue
        tuned = book.path.stem in TUNED_ON
        groups["tuned" if tuned else "held out"].append(plant(chunks, options.min_words))
        print(f"{key}: {chunks.height} chunks{', tuned on' if tuned else ''}")
    result: dict[str, float] = {}
    for name, parts in groups.items():
        if not parts:
            continue
        halves = pl.concat(parts)
        if name == "held out":
            halves = _sample(halves, arguments.held_out)
        halves = halves.sort("domain", "book", "ordinal", "chunk_id")
        figures = measure(name, halves, options)
        prefix = "" if not result else "held_out_"
        result |= {f"{prefix}{key}": value for key, value in figures.items()}
    print(json.dumps(result))


def _sample(halves: pl.DataFrame, most: int) -> pl.DataFrame:
    """A seeded sample of passages, both halves of each."""
    passage = pl.col("chunk_id").str.split_exact(":", 1).struct.field("field_1")
    chosen = halves.select(passage.alias("id")).unique().sort("id")
    chosen = chosen.sample(min(most, chosen.height), seed=0)["id"]
    return halves.filter(passage.is_in(chosen.implode()))


if __name__ == "__main__":
    main()
