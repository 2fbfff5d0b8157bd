"""What WordNet says of single words: kinds and how common each is, inflection, synonyms.

Read from the files of wndb(5WN) and senseidx(5WN) once per process. Without them the
lexicon is empty and false: closed classes of words are still known, verbs are not.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from xpoll_dagster.books.concepts.words import word_set

_FILES = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}
_SENSE_KINDS = {"1": "n", "2": "v", "3": "a", "5": "a", "4": "r"}
_VOWELS = "aeiou"
_COMMON_IRREGULAR = {
    # Past tense and participle of common verbs whose forms wndb's exception list gives unordered.
    "be": ("was", "been"), "have": ("had", "had"), "do": ("did", "done"), "go": ("went", "gone"),
    "come": ("came", "come"), "become": ("became", "become"), "run": ("ran", "run"),
    "overcome": ("overcame", "overcome"), "show": ("showed", "shown"), "bear": ("bore", "borne"),
    "lie": ("lay", "lain"), "get": ("got", "got"), "fall": ("fell", "fallen"),
    "prove": ("proved", "proved"), "lead": ("led", "led"), "hold": ("held", "held"),
    "find": ("found", "found"), "leave": ("left", "left"), "strike": ("struck", "struck"),
}  # fmt: skip
_UNCHANGED = word_set(
    """
    cut put set let hit shut cost spread split burst cast hurt quit rid
    """
)


@dataclass(slots=True)
class Lexicon:
    """Words by kind: `n`oun, `v`erb, `a`djective, adve`r`b. Lower-case lemmas."""

    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    """By lemma and kind: 1 + how often it was met in the tagged texts."""
    irregular: dict[str, str] = field(default_factory=dict)
    """Lemma by irregular form of a verb."""
    plurals: dict[str, str] = field(default_factory=dict)
    past: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Irregular past tense and participle by lemma."""
    senses: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    """Kind and offsets of the synsets by lemma."""
    topics: dict[str, str] = field(default_factory=dict)
    """Lexicographer file (lexnames(5WN)) of a noun's commonest sense: "18" is a person."""
    synsets: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    """Words, as spelt, of the synsets that a word of one sense has."""

    def __bool__(self) -> bool:
        return bool(self.counts)

    def weight(self, lemma: str, kind: str) -> int:
        """How common a lemma is as this kind of word; 0 where it is none."""
        return self.counts.get(lemma, {}).get(kind, 0)

    def verb_lemma(self, form: str) -> str:
        """The verb that a lower-case form belongs to; empty where there is none."""
        if form in self.irregular and self.weight(self.irregular[form], "v"):
            return self.irregular[form]
        best, most = "", 0
        for lemma in _verb_stems(form):
            weight = self.weight(lemma, "v")
            if weight > most:
                best, most = lemma, weight
        return best

    def noun_lemma(self, form: str) -> str:
        """The singular of a lower-case noun; empty where WordNet knows none."""
        if form in self.plurals:
            return self.plurals[form]
        if self.weight(form, "n"):
            return form
        for ending, put in (("ies", "y"), ("es", ""), ("s", "")):
            if form.endswith(ending) and self.weight(form[: -len(ending)] + put, "n"):
                return form[: -len(ending)] + put
        return ""

    def verb_form(self, lemma: str, form: str) -> str:
        """A verb inflected: form `past`, `participle`, `third` (person) or `gerund`."""
        if form == "third":
            if lemma in {"be", "have", "do", "go"}:
                return {"be": "is", "have": "has", "do": "does", "go": "goes"}[lemma]
            return plural(lemma)
        if form == "gerund":
            if lemma.endswith("ie"):
                return lemma[:-2] + "ying"
            if lemma.endswith("e") and not lemma.endswith(("ee", "oe", "ye")) and lemma != "be":
                return lemma[:-1] + "ing"
            return self._doubled(lemma) + "ing"
        known = _COMMON_IRREGULAR.get(lemma) or self.past.get(lemma)
        if known:
            return known[0 if form == "past" else 1]
        if lemma in _UNCHANGED:
            return lemma
        if lemma.endswith("e"):
            return lemma + "d"
        if lemma.endswith("y") and lemma[-2:-1] not in _VOWELS:
            return lemma[:-1] + "ied"
        return self._doubled(lemma) + "ed"

    def _doubled(self, lemma: str) -> str:
        short = re.fullmatch(r"[^aeiou]*[aeiou][bdgklmnprt]", lemma)
        twice = lemma + lemma[-1]
        listed = lemma in {self.irregular.get(twice + "ed"), self.irregular.get(twice + "ing")}
        return lemma + lemma[-1] if short or listed else lemma

    def is_person(self, noun: str) -> bool:
        """Whether a noun, in either number, mostly means a person."""
        return self.topics.get(self.noun_lemma(noun.lower()), "") == "18"

    def knows(self, word: str) -> bool:
        """Whether a lower-case word, in any of its forms, is in WordNet."""
        if word in self.counts or self.verb_lemma(word) or self.noun_lemma(word):
            return True
        stem = re.sub(r"(?:er|est|r|st|ly)$", "", word)
        return stem in self.counts or (len(stem) > 3 and stem[:-1] in self.counts)

    def single_sense_synonyms(self, lemma: str, kind: str) -> tuple[str, ...]:
        """The other words of a lemma's only sense of this kind; none where it has several."""
        offsets = self.senses.get(lemma, {}).get(kind, ())
        if len(offsets) != 1:
            return ()
        return tuple(
            word for word in self.synsets.get((kind, offsets[0]), ()) if word.lower() != lemma
        )


def plural(noun: str) -> str:
    """The regular plural of a noun, which is also a verb's third person."""
    if noun.endswith("y") and noun[-2:-1] not in _VOWELS:
        return noun[:-1] + "ies"
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return noun + "es"
    return noun + "s"


def _verb_stems(form: str) -> Iterator[str]:
    yield form
    for ending, puts in (
        ("ies", ("y",)),
        ("es", ("", "e")),
        ("s", ("",)),
        ("ied", ("y",)),
        ("ed", ("", "e")),
        ("ying", ("ie", "y")),
        ("ing", ("", "e")),
    ):
        if form.endswith(ending) and len(form) > len(ending) + 1:
            stem = form[: -len(ending)]
            for put in puts:
                yield stem + put
            if ending in {"ed", "ing"} and len(stem) > 2 and stem[-1] == stem[-2]:
                yield stem[:-1]


@lru_cache(maxsize=2)
def load_lexicon(folder: Path) -> Lexicon:
    """The lexicon of a WordNet folder; an empty one where WordNet is not there."""
    lexicon = Lexicon()
    if not (folder / "index.verb").is_file():
        return lexicon
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    senses: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
    single: dict[str, set[str]] = {}
    for kind, name in _FILES.items():
        single[kind] = set()
        for line in _lines(folder / f"index.{name}"):
            parts = line.split()
            lemma = parts[0]
            if "_" in lemma:
                continue
            counts[lemma][kind] = 1
            offsets = tuple(parts[-int(parts[2]) :])
            senses[lemma][kind] = offsets
            if len(offsets) == 1:
                single[kind].add(offsets[0])
        topics: dict[str, str] = {}
        for line in _lines(folder / f"data.{name}"):
            offset = line[:8]
            topics[offset] = line[9:11]
            if offset in single[kind]:
                parts = line.split(" ", 60)
                words = parts[4 : 4 + 2 * int(parts[3], 16) : 2]
                lexicon.synsets[kind, offset] = tuple(word.split("(")[0] for word in words)
        if kind == "n":
            lexicon.topics = {
                lemma: topics.get(found["n"][0], "") for lemma, found in senses.items()
            }
    for line in _lines(folder / "cntlist.rev"):
        key, _, count = line.split()
        lemma, _, sense = key.partition("%")
        kind = _SENSE_KINDS.get(sense[:1], "")
        if kind in counts.get(lemma, {}):
            counts[lemma][kind] += int(count)
    forms: dict[str, list[str]] = defaultdict(list)
    for line in _lines(folder / "verb.exc"):
        form, lemma = line.split()[:2]
        lexicon.irregular[form] = lemma
        if not form.endswith(("ing", "ies")) and not form.endswith("s"):
            forms[lemma].append(form)
    lexicon.plurals = dict(line.split()[:2] for line in _lines(folder / "noun.exc"))
    lexicon.counts, lexicon.senses = dict(counts), dict(senses)
    for lemma, found in forms.items():
        lexicon.past[lemma] = (max(found, key=_participle_rank), min(found, key=_participle_rank))
    return lexicon


def _participle_rank(form: str) -> tuple[int, str]:
    # written before wrote, sung before sang
    if form.endswith(("en", "wn", "ne", "rn", "un", "in")):
        return (0, form)
    return (1 if "u" in form else 2, form)


def _lines(path: Path) -> Iterator[str]:
    if path.is_file():
        with path.open(encoding="utf-8", errors="replace") as stream:
            yield from (line for line in stream if not line.startswith(" "))
