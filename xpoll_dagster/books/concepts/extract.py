"""All concepts of one book: names, key terms and defined terms, one row per chunk and concept."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from xpoll_dagster.books.concepts.acronyms import find_acronyms
from xpoll_dagster.books.concepts.definitions import find_defined
from xpoll_dagster.books.concepts.kinds import decide, modern, vote
from xpoll_dagster.books.concepts.names import Mention, find_mentions, learn_spelling
from xpoll_dagster.books.concepts.normalise import fold, is_roman, normalise_name, normalise_term
from xpoll_dagster.books.concepts.options import ExtractionOptions
from xpoll_dagster.books.concepts.passages import Words, read_passages
from xpoll_dagster.books.concepts.people import COMMON_GIVEN_NAME, resolve_people
from xpoll_dagster.books.concepts.terms import Candidate, TermFinder, choose_terms
from xpoll_dagster.books.concepts.wordnet import NamedInstance, WordNet, load_wordnet
from xpoll_dagster.books.concepts.words import GENERIC
from xpoll_dagster.books.model import CONCEPTS_SCHEMA


@dataclass(slots=True)
class _Found:
    """One concept in one chunk."""

    kind: str
    count: int = 0
    surfaces: Counter[str] = field(default_factory=Counter)

    def add(self, surface: str, count: int = 1) -> None:
        self.count += count
        self.surfaces[surface] += count


@dataclass(slots=True)
class _Name:
    """A name of the book, by its spelling without article, possessive and title."""

    surfaces: Counter[str] = field(default_factory=Counter)
    votes: Counter[str] = field(default_factory=Counter)


def extract_concepts(
    chunks: pl.DataFrame, book_language: str = "en", options: ExtractionOptions | None = None
) -> pl.DataFrame:
    """The concepts of one book's chunks.

    Args:
        chunks: one book's rows of `CHUNKS_SCHEMA`; `chunk_id` and `passage` are read. Headings,
            notes, tables and code are not part of the passage and give no concepts.
        book_language: ISO 639-1. Other languages than English get key terms and capitalised
            sequences only, without WordNet.
        options: where to look, how many terms.

    Returns:
        A frame of `CONCEPTS_SCHEMA`, one row per chunk and concept, in the order of the chunks.
        `surface` is the form that is most frequent in the chunk, `count` its mentions there.
        The same book gives the same rows, whatever other books say.
    """
    options = options or ExtractionOptions()
    english = book_language.split("-", maxsplit=1)[0].lower() == "en"
    wordnet = load_wordnet(options.wordnet_folder) if english else WordNet()
    ids = chunks["chunk_id"].to_list()
    texts = [text or "" for text in chunks["passage"].to_list()]
    book = list(read_passages(texts, book_language, options))
    spelling = learn_spelling(book)
    mentions = [find_mentions(words, spelling, wordnet) for words in book]
    acronyms = find_acronyms(texts)

    rows: list[dict[str, _Found]] = [{} for _ in book]
    concepts = _name_concepts(book, mentions, acronyms, wordnet)
    for row, found in zip(rows, mentions, strict=True):
        for mention in found:
            concept, kind = concepts[mention.surface]
            if concept:
                row.setdefault(concept, _Found(kind)).add(mention.surface)
    _add_terms(rows, book, mentions, texts, wordnet, options, english=english)

    return pl.DataFrame(
        [
            (chunk_id, concept, _most_frequent(found.surfaces), found.kind, found.count)
            for chunk_id, row in zip(ids, rows, strict=True)
            for concept, found in sorted(row.items())
        ],
        schema=CONCEPTS_SCHEMA,
        orient="row",
    )


def _most_frequent(surfaces: Counter[str]) -> str:
    return min(surfaces, key=lambda surface: (-surfaces[surface], surface))


def _name_concepts(
    book: Sequence[Words],
    mentions: Sequence[Sequence[Mention]],
    acronyms: dict[str, str],
    wordnet: WordNet,
) -> dict[str, tuple[str, str]]:
    """Concept and kind by surface; the concept is empty where the name means nothing."""
    names: dict[str, _Name] = defaultdict(_Name)
    plain: dict[str, str] = {}
    for words, found in zip(book, mentions, strict=True):
        for mention in found:
            surface = mention.surface
            if surface not in plain:
                plain[surface] = normalise_name(acronyms.get(surface, surface))
            name = names[plain[surface]]
            name.surfaces[surface] += 1
            if mention.kind is not None:
                name.votes[mention.kind] += 10
            else:
                name.votes.update(vote(words, mention.start, mention.stop, wordnet))

    kinds: dict[str, str] = {}
    canonical: dict[str, str] = {}
    people: dict[str, int] = {}
    for key, name in names.items():
        spelt = _bare(_most_frequent(name.surfaces), key)
        known = _known(spelt, name.votes, name.surfaces.total(), wordnet)
        kinds[key] = (
            known.kind
            if known is not None
            else decide(spelt, name.votes, name.surfaces.total(), wordnet)
        )
        canonical[key] = key
        if kinds[key] == "PERSON":
            people[key] = name.surfaces.total()
        elif known is not None:
            # Victoria Falls are known as Victoria too, but there is a queen of that name.
            rivals = wordnet.instances.get(known.canonical, ())
            own = any(sense.kind == "PERSON" for sense in rivals) and spelt != known.canonical
            canonical[key] = key if own else normalise_name(known.canonical)
        elif kinds[key] in {"NORP", "TERM"}:
            canonical[key] = normalise_term(key, wordnet)
    # A surname that the book uses alone may look like anything; beside a full name it is one.
    last_words = {key.split()[-1] for key in people if len(key.split()) > 1}
    for key, name in names.items():
        doubtful = kinds[key] in {"TERM", "GPE", "ORG"} and canonical[key] == key
        if doubtful and key in last_words and not wordnet.instances.get(key.title()):
            people[key] = name.surfaces.total()
            kinds[key] = "PERSON"
    canonical.update(resolve_people(people, wordnet))
    result = {}
    for surface, key in plain.items():
        concept = canonical[key]
        result[surface] = (concept if _is_concept(concept) else "", kinds[key])
    return result


def _bare(surface: str, key: str) -> str:
    """The surface without what normalising took off its front, in its own spelling."""
    return surface[-len(key) :] if fold(surface).endswith(key) else surface


def _known(name: str, votes: Counter[str], mentions: int, wordnet: WordNet) -> NamedInstance | None:
    """What WordNet knows by a name: its most frequent sense, or that of the votes' kind."""
    name = " ".join(modern(word) for word in name.split())
    senses = wordnet.instances.get(name) or wordnet.instances.get(f"the {name}") or ()
    if not senses or (votes and votes.most_common(1)[0][0] == "NORP"):
        return None
    places = max(votes["GPE"], votes["LOC"])
    if wordnet.bearers.get(name.lower(), 0) >= COMMON_GIVEN_NAME and places < 0.3 * mentions:
        return None  # "James" is no river
    if len({sense.kind for sense in senses}) == 1:
        return senses[0]
    wanted = {votes["PERSON"]: {"PERSON"}, places: {"GPE", "LOC"}}
    if abs(votes["PERSON"] - places) > 0.3 * mentions:
        for sense in senses:
            if sense.kind in wanted[max(wanted)]:
                return sense
    # Saturn is a planet before he is a god; Copernicus, who has a full name, is no crater.
    if senses[0].kind != "PERSON" or " " in senses[0].canonical:
        return senses[0]
    return next((sense for sense in senses if sense.kind == "LOC"), senses[0])


def _is_concept(name: str) -> bool:
    letters = [letter for letter in name if letter.isalpha()]
    return len(letters) > 2 and name not in GENERIC and not is_roman(name)


def _add_terms(
    rows: list[dict[str, _Found]],
    book: Sequence[Words],
    mentions: Sequence[Sequence[Mention]],
    texts: Sequence[str],
    wordnet: WordNet,
    options: ExtractionOptions,
    *,
    english: bool,
) -> None:
    finder = TermFinder(wordnet, english=english)
    candidates: list[dict[str, Candidate]] = []
    for words, found in zip(book, mentions, strict=True):
        # "DNA" is a word, "ABC" a triangle.
        lowered = [
            word.lower() if not word.isupper() or word.lower() in wordnet.nouns else ""
            for word in words.words
        ]
        for mention in found:
            # Names divide: no term reaches over one.
            lowered[mention.start : mention.stop] = [""] * (mention.stop - mention.start)
        candidates.append(finder.find(lowered))
    defined: list[dict[str, str]] = [
        dict(find_defined(text, wordnet, options.max_defined_words)) if english else {}
        for text in texts
    ]
    all_defined = {term for chunk in defined for term in chunk}
    sizes = [len(words.words) for words in book]
    chosen = choose_terms(candidates, sizes, all_defined, wordnet, options)
    for row, chunk, terms, definitions in zip(rows, candidates, chosen, defined, strict=True):
        for term in terms:
            if term not in row and term not in definitions:
                row[term] = _Found("TERM", chunk[term].count, chunk[term].surfaces)
        for term, surface in definitions.items():
            if term in row:
                continue  # a name already
            candidate = chunk.get(term)
            row[term] = (
                _Found("DEFINED", candidate.count, candidate.surfaces)
                if candidate is not None
                else _Found("DEFINED", 1, Counter([surface]))
            )
