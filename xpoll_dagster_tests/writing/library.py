"""A small fabricated library: four books of four domains, with pairs that share concepts."""

from __future__ import annotations

import hashlib
from itertools import combinations

import polars as pl

from xpoll_dagster.books.model import CHUNKS_SCHEMA, CONCEPTS_SCHEMA
from xpoll_dagster.linking.model import PAIRS_SCHEMA
from xpoll_dagster.writing.model import BookInfo

BOOKS = {
    "astronomy--sky": BookInfo("The Measured Sky", "astronomy", ("A. Writer",), "CC-BY-4.0"),
    "history--ports": BookInfo(
        "Ports and Paper: A History", "history", ("B. Writer",), None, paged=False
    ),
    "economics--risk": BookInfo("Risk for Sale", "economics", ("C. Writer",), "CC-BY-4.0"),
    "falconry--birds": BookInfo("Birds of the Fist", "falconry", (), "CC0-1.0"),
}

# Book, first page, shared concepts with their kind, text. The concepts are what pairs share.
_PASSAGES: list[tuple[str, int, dict[str, str], str]] = [
    (
        "astronomy--sky",
        12,
        {"Edmond Halley": "PERSON", "life tables": "DEFINED"},
        "Edmond Halley is remembered for the comet that bears his name, which he expected to "
        "return in 1758. The same astronomer worked on life tables, because the pastor Caspar"
        " Neumann had sent figures from Breslau. A good observer in those years was a good "
        "computer as well, and long columns of figures were the daily work of an observatory.",
    ),
    (
        "economics--risk",
        40,
        {"Edmond Halley": "PERSON", "life tables": "DEFINED"},
        "An insurer who sells annuities must know how long buyers live. In 1693 Edmond Halley"
        " printed life tables that showed how many of a thousand children reach each age. "
        "Offices in London came to price their contracts by such figures, although the "
        "government went on selling annuities at one price to buyers of every age for many "
        "years.",
    ),
    (
        "history--ports",
        3,
        {"the Royal Society": "ORG", "letters": "TERM"},
        "Scholars of the seventeenth century wrote letters to each other across borders and "
        "wars. Henry Oldenburg, who served the Royal Society as secretary, received letters "
        "in several languages and printed the best of them. A journal was at first little "
        "more than such a correspondence made public, and it carried news faster than any "
        "book could.",
    ),
    (
        "astronomy--sky",
        30,
        {"the Royal Society": "ORG", "letters": "TERM"},
        "Reports of a comet reached London by letters from Danzig, Rome and Paris. At a "
        "meeting of the Royal Society the observations were compared, and the places did not "
        "agree. Better instruments with telescopic sights removed the greater part of the "
        "difference within one generation, and catalogues of stars became reliable enough for"
        " navigation.",
    ),
    (
        "falconry--birds",
        7,
        {"Frederick II": "PERSON", "observation": "TERM"},
        "The emperor Frederick II wrote the most famous treatise on hunting with birds. His "
        "rule was that observation comes before authority, and he corrected Aristotle where a"
        " bird in the hand did otherwise than the page. Falconers still admire the chapters "
        "on hoods, jesses and lures, which describe every movement of hand and bird with "
        "patience.",
    ),
    (
        "history--ports",
        9,
        {"Frederick II": "PERSON", "observation": "TERM"},
        "In Sicily the emperor Frederick II ruled over Latin, Greek and Arab subjects and "
        "kept scholars of all three at court. Questions about nature were settled there by "
        "observation as often as by books. Merchants from Pisa and Genoa carried copies of "
        "treatises along with grain and silk, so that a port was a place of learning as well.",
    ),
    (
        "economics--risk",
        55,
        {"Amsterdam": "GPE", "insurance": "TERM"},
        "A market for insurance needs many ships and much news. In Amsterdam the chamber that"
        " registered policies opened in 1598, and premiums moved with every report of war or "
        "storm. Brokers knew the captains, the hulls and the seasons, and the price of a "
        "policy to the Levant was printed beside the price of pepper.",
    ),
    (
        "history--ports",
        15,
        {"Amsterdam": "GPE", "insurance": "TERM"},
        "Grain from the Baltic made Amsterdam rich before spices did. Shipowners divided a "
        "vessel into small shares, and the purchase of insurance spread the danger further. "
        "Widows, bakers and schoolmasters held a sixteenth or a thirty-second of a ship, and "
        "the loss of one hull ruined nobody who had spread savings over several of them.",
    ),
    (
        "falconry--birds",
        21,
        {"Lapland": "LOC", "bells": "TERM"},
        "Birds taken in Lapland were prized because the plumage is pale and the wings are "
        "long. A trapper sold them with hoods and bells, and the bells had to ring in two "
        "tones. Two bells of different pitch can be heard farther than two of the same, a "
        "fact that every old handbook repeats without giving any reason for it.",
    ),
    (
        "astronomy--sky",
        64,
        {"Lapland": "LOC", "bells": "TERM"},
        "An expedition to Lapland measured an arc of the meridian in 1736 along a frozen "
        "river. The party of Maupertuis marked stations with bells and fires, for fog hid the"
        " signals during half of the summer. The result showed that the Earth is flattened at"
        " the poles, as theory had required, though the size of the flattening was too large.",
    ),
    (
        "economics--risk",
        71,
        {"the auction": "TERM", "reserve prices": "TERM"},
        "Sellers use the auction when nobody knows what a thing is worth. The reserve price "
        "guards against a thin room, and reserve prices are often kept secret. Buyers in such"
        " a room learn from each other, and a bid is also a piece of news about what other "
        "people believe.",
    ),
    (
        "falconry--birds",
        33,
        {"the auction": "TERM", "reserve prices": "TERM"},
        "At Valkenswaard the catch of the season was sold by the auction held in November. "
        "Courts sent agents with reserve prices in their pockets, and the best birds went to "
        "whoever had sent the most patient man. A village of trappers lived on this trade for"
        " two centuries, until the heath was ploughed and the courts lost interest.",
    ),
]


def make_library(copies: int = 1) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Chunks, pairs and concepts; `copies` repeats the library with years moved on.

    Every passage is paired with its partner, and in later copies also with the partner of
    the copy before, so that copies hang together in one component.
    """
    chunks, concepts = [], []
    ids: dict[tuple[int, int], str] = {}
    for copy in range(copies):
        for number, (book, page, named, text) in enumerate(_PASSAGES):
            words = text.split(" ")
            if copy:  # another text, still clean prose: every third long word is marked
                words = [
                    f"{word[:-1]}ly{word[-1]}" if word[-1] == "," and len(word) > 5 else word
                    for word in words
                ]
                extra = f" Observers of the year {1600 + copy} agreed with all of this."
                text_here = " ".join(words) + extra
                text_here = ". ".join(
                    f"{sentence} in {1600 + copy}" for sentence in text_here[:-1].split(". ")
                )
                text_here += "."
            else:
                text_here = text
            chunk_id = f"{book}#{hashlib.sha256(text_here.encode()).hexdigest()[:12]}"
            ids[copy, number] = chunk_id
            chunks.append(
                {
                    "chunk_id": chunk_id,
                    "book": book,
                    "domain": BOOKS[book].domain,
                    "ordinal": copy * 100 + number,
                    "section": ["Part One", f"Chapter {copy + 1}"],
                    "page_start": page + copy,
                    "page_end": page + copy + number % 2,
                    "text": text_here + "\n\n",
                    "passage": text_here,
                    "kind": "prose",
                    "context": "",
                    "n_tokens": len(text_here) // 4,
                }
            )
            concepts.extend(
                {
                    "chunk_id": chunk_id,
                    "concept": _normal(surface),
                    "surface": surface.removeprefix("the "),
                    "kind": kind,
                    "count": 1,
                }
                for surface, kind in named.items()
            )
    pairs = []
    for copy in range(copies):
        for one, two in combinations(range(len(_PASSAGES)), 2):
            shared = _PASSAGES[one][2].keys() & _PASSAGES[two][2].keys()
            pairs.extend(
                _pair(ids[copy, one], ids[other, two], one, two, shared)
                for other in range(max(0, copy - 1), copy + 1)
                if shared
            )
    return (
        pl.DataFrame(chunks, schema=CHUNKS_SCHEMA),
        pl.DataFrame(pairs, schema=PAIRS_SCHEMA),
        pl.DataFrame(concepts, schema=CONCEPTS_SCHEMA),
    )


def _normal(surface: str) -> str:
    return surface.removeprefix("the ").lower().removesuffix("s")


def _pair(one_id: str, two_id: str, one: int, two: int, shared: set[str]) -> dict:
    sides = sorted([(_PASSAGES[one][0], one_id), (_PASSAGES[two][0], two_id)])
    (left_book, left), (right_book, right) = sides
    pair_id = hashlib.sha256(f"{left}{right}".encode()).hexdigest()[:16]
    return {
        "pair_id": pair_id,
        "left_chunk": left,
        "right_chunk": right,
        "left_book": left_book,
        "right_book": right_book,
        "left_domain": BOOKS[left_book].domain,
        "right_domain": BOOKS[right_book].domain,
        "concepts": [{"concept": _normal(name), "weight": 2.0} for name in sorted(shared)],
        "concept_score": 2.0,
        "lexical_score": 0.2,
        "cosine": 0.3,
        "margin": 1.2,
        "margin_rank": 0.9,
        "score": int(pair_id[:4], 16) / 65536,
        "signals": ["concept", "lexical"],
        "explanation": "They share concepts.",
    }
