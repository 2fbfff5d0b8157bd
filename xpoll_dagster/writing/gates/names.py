"""The names of a text.

A name is a run of words in capitals inside a sentence, an acronym, or a word that mixes
letters and digits ("S-IVB"). What counts is its words: inflections and possessives, capitals
or not, dotted or not, abbreviated ("Fla.") or spelt out make no difference.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from xpoll_dagster.writing.gates.word_lists import word_list

WORD = re.compile(
    r"(?:[A-Za-z]\.){2,}[A-Za-z]?|[^\W_]+(?:[’'][^\W\d_]+)*(?:[-/&][^\W_]+)*\.?", re.UNICODE
)
_BREAK = re.compile(r"[.!?:;]|\n|[“”\"*_#|•()\[\]]|--|—")
_SHOUTED = re.compile(r"^[A-Z]{2,}s?$")
PLAIN_WORDS = frozenset(
    word_list(
        "a an and are as at be been before after but by can could did do does each for from had "
        "has have he her here hers him his how i if in into is it its many may might most must "
        "near no nor not now of on one or our over shall she should since so some such than "
        "that the their them then there these they this those three through thus to two under "
        "until up was we were what when where which while who whose why will with within "
        "without would you your am pm also although because during both between however "
        "therefore according about above below another any all every few first second third "
        "later once only other same several still today yes your yours us me my mine let mr mrs "
        "ms dr sir st jr sr prof rev gen col capt lt ph d figure figures fig table tables "
        "section sections chapter chapters appendix reference references page pages equation "
        "part volume note step chart graph diagram"
    )
)
DOUBLE_HYPHEN = re.compile(r"(?<=\w)--(?=\w)")
_NUMERAL = re.compile(r"-[IVXl1|]+[A-Za-z]?$")
_LIKE_I = str.maketrans("l1|", "III")


@dataclass(frozen=True, slots=True)
class Name:
    """A run of words in capitals; `words` in lower case without possessives and dots."""

    words: tuple[str, ...]
    surface: str
    certain: bool
    """Whether it stands inside a sentence or is spelt as no common word is."""


@lru_cache(maxsize=65_536)
def bare(word: str) -> str:
    """A word in lower case without possessive, dots and a plural's "s" after capitals."""
    word = word.replace("’", "'").removesuffix("'s").removesuffix("'").replace(".", "")
    if "-" in word and _NUMERAL.search(word):
        word = word.translate(_LIKE_I)  # S-Il and S-I1 for S-II
    return word.casefold()


def stem(word: str) -> str:
    """A word without the endings by which names are inflected."""
    for ending in ("ians", "ian", "eans", "ean", "ans", "an", "ese", "ish", "ic", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending).rstrip("aeio")
    return word.rstrip("aeio") if len(word) > 4 else word


@lru_cache(maxsize=16_384)
def names(text: str) -> tuple[Name, ...]:
    """The names of a text in their order, headings and list heads left out."""
    found: list[Name] = []
    body = "\n".join(line for line in text.split("\n") if not _is_heading(line))
    body = DOUBLE_HYPHEN.sub("-", body)
    inside = {
        bare(match.group())
        for match in WORD.finditer(body)
        if match.group()[0].isupper() and not _opens(body, match.start())
    }
    run: list[tuple[str, bool]] = []
    end = 0
    for match in WORD.finditer(body):
        raw = match.group()
        word = raw if re.fullmatch(r"(?:[A-Za-z]\.){2,}[A-Za-z]?", raw) else raw.rstrip(".")
        gap = body[end : match.start()]
        if run and (gap.strip(" ") or (body[end - 1] == "." and len(run[-1][0]) > 3)):
            _add(found, run)
            run = []
        end = match.end()
        if not _is_name_word(word):
            _add(found, run)
            run = []
            continue
        opening = _opens(body, match.start())
        odd = is_odd(word)
        run.append((word, odd or not opening or (bare(word) in inside and len(word) > 2)))
    _add(found, run)
    return tuple(found)


def _add(found: list[Name], run: list[tuple[str, bool]]) -> None:
    telling = [place for place, (word, _) in enumerate(run) if bare(word) not in PLAIN_WORDS]
    run = run[telling[0] : telling[-1] + 1] if telling else []
    if not run:
        return
    # A word that opens the sentence is part of a name where more capitals follow.
    words = tuple(bare(word) for word, _ in run)
    certain = any(sure for _, sure in run)
    if len(run) > 1 and not run[0][1] and len(bare(run[0][0])) > 1:
        # "Commander Lovell": the first word may be any word; the rest is sure.
        words = words[1:]
        run = run[1:]
    if all(len(word) < 2 for word in words):
        return
    found.append(Name(words, " ".join(word for word, _ in run), certain))


def _is_heading(line: str) -> bool:
    line = line.strip()
    if line.startswith("#") or (line.startswith("**") and line.rstrip(":").endswith("**")):
        return True
    words = [word for word in line.split() if word[:1].isalpha()]
    capitals = sum(word[:1].isupper() for word in words)
    return (
        2 <= len(words) <= 14
        and not re.search(r"[.!?,;]$", line)
        and capitals > 0.6 * len(words)
        and not re.search(r"\d", line)
    )


def _is_name_word(word: str) -> bool:
    return (
        word[0].isupper()
        or bool(re.search(r"[a-z][A-Z]", word))
        or bool(re.fullmatch(r"(?:[A-Za-z]\.){2,}[A-Za-z]?", word))
    )


def is_odd(word: str) -> bool:
    """Whether a word's spelling alone makes it a name: an acronym, S-IVB, McKay."""
    letters = word.replace(".", "")
    return bool(
        (sum(character.isupper() for character in letters) >= 2 and letters.upper() != "A")
        or (re.search(r"[A-Z]", word) and re.search(r"\d", word))
    )


def _opens(text: str, at: int) -> bool:
    """Whether a word stands where any word would have a capital."""
    before = text[max(0, at - 6) : at]
    stripped = before.rstrip(" ")
    return not stripped or bool(_BREAK.match(stripped[-1:])) or stripped[-1:] in "‘'>-–"
