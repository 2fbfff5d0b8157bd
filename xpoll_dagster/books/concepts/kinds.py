"""What a name is: a person, a place, an organisation, from its words and its surroundings."""

from __future__ import annotations

from collections import Counter

from xpoll_dagster.books.concepts.normalise import singular
from xpoll_dagster.books.concepts.passages import Words
from xpoll_dagster.books.concepts.wordnet import WordNet
from xpoll_dagster.books.concepts.words import (
    EVENT_WORDS,
    JOINS,
    LAW_WORDS,
    ORGANISATION_WORDS,
    PERSON_CUES,
    PLACE_CUES,
    PLACE_WORDS,
    STATE_WORDS,
    TITLES,
)

_BY_WORD = (
    (EVENT_WORDS, "EVENT"),
    (ORGANISATION_WORDS, "ORG"),
    (LAW_WORDS, "LAW"),
    (PLACE_WORDS, "LOC"),
    (STATE_WORDS, "GPE"),
)


def vote(passage: Words, start: int, stop: int, wordnet: WordNet) -> Counter[str]:
    """Votes for kinds that one mention gives, by the words in it and around it."""
    votes: Counter[str] = Counter()
    words = passage.words[start:stop]
    lowered = [word.lower().strip(".") for word in words]
    given = words[0].split("-")[0] in wordnet.given_names
    telling_words = lowered[-1:] if len(words) == 1 or lowered[1] not in JOINS else lowered[:1]
    if len(words) > 2 and lowered[1] not in JOINS:
        telling_words = lowered  # University College London
    if not (given and len(words) == 2):  # Alonzo Church
        for telling, kind in _BY_WORD:
            if telling.intersection(telling_words):
                votes[kind] += 6
                break
    if lowered[0] in TITLES and len(words) > 1 and lowered[1] != "of":
        votes["PERSON"] += 6
    elif len(words) > 1 and (given or any(_is_initial(word) for word in words)):
        votes["PERSON"] += 3
    if len(words) == 1 and _is_people(words[0], wordnet):
        votes["NORP"] += 8
    before = passage.words[start - 1].lower() if start else ""
    after = passage.words[stop] if stop < len(passage.words) else ""
    if before == "the" and len(words) == 1:
        votes["LOC"] += 1  # "the Rhine"
    if before in PLACE_CUES:
        votes["GPE"] += 1
    if before == "by" or after in PERSON_CUES:
        votes["PERSON"] += 1
    return votes


def decide(name: str, votes: Counter[str], mentions: int, wordnet: WordNet) -> str:
    """The kind of a name that WordNet does not list, from the votes of all its mentions."""
    words = name.split()
    best = max(votes.values(), default=0)
    told = best >= 2 * mentions  # by the name's own words
    if told or (best >= 0.4 * mentions and not _is_common(words, wordnet)):
        likely = {kind for kind, count in votes.items() if count == best}
        if likely != {"LOC"}:  # an article alone makes no mountain
            return "PERSON" if "PERSON" in likely else min(likely - {"LOC"})
    if len(words) == 1:
        return "PERSON" if name in wordnet.given_names else "TERM"
    if any(word.isupper() and len(word) > 2 for word in words):
        return "ORG"  # ACM Conference
    if words[0] in wordnet.capitalised or _is_common(words, wordnet):
        return "TERM"
    return "PERSON" if len(words) <= 3 else "ORG"


def modern(word: str) -> str:
    """A name as WordNet spells it: Caesar for Cæsar, no capitals throughout."""
    word = word.replace("Æ", "Ae").replace("æ", "ae").replace("Œ", "Oe").replace("œ", "oe")
    return word.title() if word.isupper() and len(word) > 4 else word


def _is_common(words: list[str], wordnet: WordNet) -> bool:
    return all(
        singular(word.lower(), wordnet) in wordnet.common
        or word.lower() in wordnet.common
        or word in JOINS
        for word in words
    )


def _is_initial(word: str) -> bool:
    return len(word) == 2 and word[1] == "." and word[0].isupper()


def _is_people(word: str, wordnet: WordNet) -> bool:
    word = modern(word)
    if any(sense.kind in {"GPE", "LOC"} for sense in wordnet.instances.get(word, ())):
        return False  # "Mediterranean" is a sea before it is an adjective
    stem = word.removesuffix("s")
    return (
        word in wordnet.peoples
        or stem in wordnet.peoples
        or (stem.endswith(("ean", "ian")) and _is_followed(stem, wordnet))
    )


def _is_followed(word: str, wordnet: WordNet) -> bool:
    """Whether somebody or some place stands behind "Newtonian" or "Alexandrian"."""
    roots = (word[:-3], word[:-2], word[:-1], f"{word[:-3]}e", f"{word[:-3]}us")
    return any(root in wordnet.instances or root.lower() in wordnet.people for root in roots)
