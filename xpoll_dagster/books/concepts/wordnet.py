"""WordNet 3.0 read straight from its files: names with their kinds, nouns, word counts.

The format is documented in the manual page wndb(5WN). Read once per process, some 15 MB.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from xpoll_dagster.books.concepts.words import TITLES

# Lexicographer files (lexnames(5WN)) and what their named instances are.
_KINDS = {
    "04": "EVENT",  # noun.act: battles, wars
    "05": "PERSON",  # noun.animal: horses of fame, animals of fable
    "06": "ORG",  # noun.artifact: universities; see _ARTIFACTS
    "09": "ORG",  # noun.cognition: space programmes
    "10": "WORK_OF_ART",  # noun.communication: books, Bible, prayers
    "11": "EVENT",
    "14": "ORG",  # noun.group
    "15": "GPE",  # noun.location; see _NATURAL
    "17": "LOC",  # noun.object: rivers, mountains, stars
    "18": "PERSON",
    "21": "LAW",
    "26": "EVENT",
    "28": "EVENT",  # noun.time: periods
}
_ORGANISATIONS = {"university", "agency", "stock_exchange", "college"}
_LAWS = {"amendment", "treaty", "convention", "peace", "royal_charter", "written_record"}
_NATURAL = {
    "geographical_area", "island", "archipelago", "desert", "volcano", "peninsula", "region",
    "hill", "cape", "sign_of_the_zodiac", "Aegean_island", "street", "district",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class NamedInstance:
    """One named thing: all its names, the canonical one first, in WordNet's spelling."""

    kind: str
    names: tuple[str, ...]

    @property
    def canonical(self) -> str:
        """The name under which books meet: a full name without title for people."""
        return self.names[0]


@dataclass(slots=True)
class WordNet:
    """What concepts need of WordNet; everything empty where it is not installed."""

    instances: dict[str, list[NamedInstance]] = field(default_factory=dict)
    """By name as spelt, most frequent sense first."""
    nouns: set[str] = field(default_factory=set)
    """Lower-case lemmas, words divided by spaces."""
    adjectives: set[str] = field(default_factory=set)
    inflected: set[str] = field(default_factory=set)
    """Irregular verb forms and comparisons that are nouns by accident, such as "came"."""
    verbs: set[str] = field(default_factory=set)
    common: set[str] = field(default_factory=set)
    """Words of any kind that are spelt without a capital; the lemmas above include names."""
    peoples: set[str] = field(default_factory=set)
    """Capitalised words for members of peoples, creeds and schools, and their adjectives."""
    capitalised: set[str] = field(default_factory=set)
    """Common nouns that are spelt with a capital, such as Renaissance."""
    plurals: dict[str, str] = field(default_factory=dict)
    """Irregular plurals and their singulars."""
    counts: dict[str, int] = field(default_factory=dict)
    """How often a lemma was met in the tagged texts: its commonness in general English."""
    noun_counts: dict[str, int] = field(default_factory=dict)
    """The same, as a noun only."""
    given_names: set[str] = field(default_factory=set)
    """First words of people's names of several words."""
    bearers: dict[str, int] = field(default_factory=dict)
    """How many people bear a given name, by the name in lower case."""
    people: dict[str, list[NamedInstance]] = field(default_factory=dict)
    """People by the casefolded last word of their names."""

    def __bool__(self) -> bool:
        return bool(self.nouns)


@dataclass(slots=True)
class _Synset:
    file: str
    words: list[str]
    instance_of: list[str]


def load_wordnet(folder: Path) -> WordNet:
    """WordNet from a folder, cached; empty, with a warning, where it is not there."""
    if not (folder / "data.noun").is_file():
        warnings.warn(
            f"WordNet is not installed in {folder} (Debian and Ubuntu: apt install wordnet-base): "
            "names are found by capital letters alone and terms are less well chosen.",
            stacklevel=2,
        )
        return WordNet()
    return _read(folder)


@lru_cache(maxsize=2)
def _read(folder: Path) -> WordNet:
    wordnet = WordNet()
    synsets = _read_synsets(folder / "data.noun")
    wordnet.nouns = _lemmas(folder / "index.noun")
    wordnet.adjectives = _lemmas(folder / "index.adj")
    wordnet.verbs = _lemmas(folder / "index.verb")
    wordnet.counts, wordnet.noun_counts = _counts(folder / "cntlist.rev")
    wordnet.plurals = dict(
        line.split()[:2] for line in _lines(folder / "noun.exc") if len(line.split()) > 1
    )
    irregular = {
        line.split()[0] for name in ("verb", "adj") for line in _lines(folder / f"{name}.exc")
    }
    wordnet.inflected = {word for word in irregular if not wordnet.noun_counts.get(word)}
    heads = {offset: synset.words[0] for offset, synset in synsets.items()}
    by_offset: dict[str, NamedInstance] = {}
    for offset, synset in synsets.items():
        if synset.instance_of:
            by_offset[offset] = _instance(
                synset, {heads.get(one, "") for one in synset.instance_of}
            )
            continue
        for word in synset.words:
            if word[:1].isupper() and "_" not in word:
                (wordnet.peoples if synset.file == "18" else wordnet.capitalised).add(word)
    spelt_lower = {word for synset in synsets.values() for word in synset.words if word.islower()}
    wordnet.peoples = {word for word in wordnet.peoples if word.lower() not in spelt_lower}
    wordnet.common = spelt_lower | wordnet.verbs
    for line in _lines(folder / "data.adj"):
        for word in _words(line):
            if word.islower():
                wordnet.common.add(word)
            elif word[:1].isupper() and "_" not in word:
                wordnet.peoples.add(word)
    _index_instances(wordnet, folder, by_offset)
    return wordnet


def _index_instances(wordnet: WordNet, folder: Path, by_offset: dict[str, NamedInstance]) -> None:
    # index.noun orders a lemma's senses by frequency; it is in lower case, so the spelling
    # comes from the synset.
    instances: dict[str, list[NamedInstance]] = defaultdict(list)
    for line in _lines(folder / "index.noun"):
        parts = line.split()
        lemma = parts[0]
        for offset in parts[-int(parts[2]) :]:
            found = by_offset.get(offset)
            if found is not None:
                for name in found.names:
                    if name.lower().replace(" ", "_") == lemma:
                        instances[name].append(found)
    wordnet.instances = dict(instances)
    people: dict[str, list[NamedInstance]] = defaultdict(list)
    for found in by_offset.values():
        if found.kind == "PERSON":
            for last in {name.split()[-1].casefold() for name in found.names}:
                people[last].append(found)
            wordnet.given_names.update(
                name.split()[0] for name in found.names if " " in name and len(name.split()[0]) > 2
            )
    wordnet.given_names -= {title.capitalize() for title in TITLES}
    wordnet.people = dict(people)
    bearers: dict[str, int] = defaultdict(int)
    for found in by_offset.values():
        if found.kind == "PERSON":
            for first in {name.split()[0].lower() for name in found.names if " " in name}:
                bearers[first] += 1
    wordnet.bearers = dict(bearers)


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", errors="replace") as stream:
        return [line for line in stream if not line.startswith(" ")]


def _words(line: str) -> list[str]:
    parts = line.split(" ", 200)
    count = int(parts[3], 16)
    # Adjectives may carry their place in a phrase: "galore(ip)".
    return [parts[4 + 2 * number].split("(")[0] for number in range(count)]


def _read_synsets(path: Path) -> dict[str, _Synset]:
    synsets = {}
    for line in _lines(path):
        parts = line.split(" | ", 1)[0].split()
        words = _words(line)
        at = 5 + 2 * len(words)
        pointers = zip(parts[at::4], parts[at + 1 :: 4], strict=False)
        instance_of = [offset for symbol, offset in pointers if symbol == "@i"]
        synsets[parts[0]] = _Synset(parts[1], words, instance_of)
    return synsets


def _instance(synset: _Synset, classes: set[str]) -> NamedInstance:
    kind = _KINDS.get(synset.file, "ORG")
    if synset.file == "06" and not classes & _ORGANISATIONS:
        kind = "LOC"
    elif (synset.file == "10" and classes & _LAWS) or "treaty" in classes:
        kind = "LAW"
    elif synset.file == "15" and classes & _NATURAL:
        kind = "LOC"
    names = [word.replace("_", " ") for word in synset.words]
    if kind == "PERSON":
        # "Newton, Isaac Newton, Sir Isaac Newton": the shortest full form of the first name.
        last = names[0].split()[-1]
        full = [
            name
            for name in names
            if name.split()[-1] == last
            and " " in name
            and name[0].isupper()  # not "von Bismarck"
            and name.split()[0].strip(".").casefold() not in TITLES | {"first", "second", "third"}
            and "." not in name
        ]
        if full:
            best = min(full, key=lambda name: (len(name.split()), names.index(name)))
            names.remove(best)
            names.insert(0, best)
    return NamedInstance(kind, tuple(names))


def _lemmas(path: Path) -> set[str]:
    return {line.split(" ", 1)[0].replace("_", " ") for line in _lines(path)}


def _counts(path: Path) -> tuple[dict[str, int], dict[str, int]]:
    counts: dict[str, int] = defaultdict(int)
    nouns: dict[str, int] = defaultdict(int)
    for line in _lines(path):
        key, _, count = line.partition(" ")[0], "", line.split()[-1]
        lemma, _, sense = key.partition("%")
        lemma = lemma.replace("_", " ")
        counts[lemma] += int(count)
        if sense.startswith("1"):
            nouns[lemma] += int(count)
    return dict(counts), dict(nouns)
