"""Sentences: where one ends and the next begins.

A few regular expressions and a list of abbreviations. The libraries were weighed: pysbd
rewrites the text and takes milliseconds a paragraph, spaCy's sentencizer ends a sentence
at every "Fig." and "e.g.", and a parser's sentences need a statistical model; none gives
the text back character for character, which chunking needs.
"""

from __future__ import annotations

import re

# A run of end marks with what closes around it, and the white space that follows.
_END = re.compile(r"([.!?…]+|。|！|？)([\"'”’»)\]]*)(?:[⁰¹²³⁴-⁹*†‡]{0,3})(\s+)")
_LAST_WORD = re.compile(r"([^\W_][^\W_.]*(?:\.[^\W_]+)*)$")
_PARAGRAPH = re.compile(r"\n\s*\n\s*")
_OPENERS = "\"'“‘«([—–-*_¿¡"
_ITEM_AHEAD = re.compile(r"(?:[•◦▪*–—-]|\(?(?:\d{1,3}|[a-z])[.)])\s")

# Abbreviations that never end a sentence: a name or a number follows.
_TITLES = frozenset(
    """
    mr mrs ms dr prof st messrs mme mlle rev hon gen col capt lt maj sgt gov pres sen
    rep sir fr fig figs eq eqs sec sect chap chaps ch vol vols pp art arts nos cf viz
    vs ibid loc op ed eds trans ser bk bks prop props th thm def ex exs tab pl app ref
    refs circ ca mt ft approx dept univ
    """.split()  # noqa: SIM905 - read as a paragraph
)
# Abbreviations that may end one: only a capital that is no name's tells.
_MAY_END = frozenset(
    """
    etc al seq seqq inc ltd co corp jr sr esq a.m p.m a.d b.c a.c u.s u.k u.s.a d.c
    ph.d m.d b.a m.a no p ff f n e.g i.e q.e.d q.v s.v f.r.s sc.d lb lbs oz in min hr
    cu sq deg jan feb mar apr jun jul aug sep sept oct nov dec
    """.split()  # noqa: SIM905 - read as a paragraph
)
_NEVER_WITH_LOWER_OR_DIGIT = frozenset({"no", "p", "f", "n", "e.g", "i.e", "q.v", "s.v", "in"})
# Words that begin sentences far more often than names.
_STARTERS = frozenset(
    """
    The A An This That These Those It He She They We I You In On At As But And For If
    When While After Before Since Then There Here His Her Its Their Our Such To From By
    With Of One Some Many Most All No Not So Thus Hence However Moreover What Why How
    Who Which Let Now Suppose Consider
    """.split()  # noqa: SIM905 - read as a paragraph
)


def _is_initial(word: str, before: str) -> bool:
    """Whether a single capital is a name's initial, and not a symbol at a sentence's end."""
    if len(word) != 1 or not word.isupper():
        return False
    previous = before.rstrip().rsplit(None, 1)
    return word != "I" or not previous or previous[-1][:1].isupper() or previous[-1].endswith(".")


def _ends(text: str, match: re.Match[str], start: int) -> bool:
    """Whether an end mark with white space behind it ends a sentence."""
    marks, closers = match[1], match[2]
    rest = text[match.end() : match.end() + 40]
    if not rest:
        return True
    following = rest.lstrip(_OPENERS)[:1] or rest[:1]
    if "\n" in match[3] and _ITEM_AHEAD.match(rest):
        return True
    if following.islower() or following == ".":
        # "He asked, “Why?” and left." goes on; so does everything in lower case.
        return False
    if marks != ".":
        return not (marks.startswith("..") and following.islower())
    if closers and closers[0] in '"”’»':
        return True
    before = text[max(start, match.start() - 40) : match.start()]
    found = _LAST_WORD.search(before)
    if found is None:
        return True
    word = found[1]
    lower = word.lower()
    preceding = before[: found.start()]
    if lower in _TITLES:
        # "in the eq." ends nothing, "of the ed." hardly ever; "art." at an end is a word
        return lower in {"art", "ex", "trans", "op", "fig", "def", "prop"} and (
            word.islower() and rest.split(None, 1)[0] in _STARTERS
        )
    if lower in _MAY_END:
        if following.isdigit() or lower in _NEVER_WITH_LOWER_OR_DIGIT:
            return (
                lower in {"no", "in", "p", "f", "n"} and word == lower and not following.isdigit()
            )
        if lower in {"lb", "lbs", "oz", "min", "hr", "deg", "cu", "sq", "etc", "seq", "seqq"}:
            return True
        return rest.split(None, 1)[0].strip(_OPENERS + ",;") in _STARTERS
    if _is_initial(word, preceding):
        first = rest.split(None, 1)[0].strip(_OPENERS)
        return first.rstrip(",") in _STARTERS
    if "." in word and len(word) <= 8 and all(len(part) <= 2 for part in word.split(".")):
        return rest.split(None, 1)[0].strip(_OPENERS + ",;") in _STARTERS
    # "1. The first …": an item's number belongs to what follows it.
    return not (
        len(word) <= 3
        and (word.isdigit() or (len(word) == 1 and word.islower()))
        and not preceding.strip(_OPENERS + " ")
        and match.start() - len(before) <= start
    )


def sentence_ends(text: str) -> list[int]:
    """Offsets at which the sentences of a text end, white space behind them included.

    The last offset is the text's length; empty for an empty text.
    """
    ends: list[int] = []
    start = 0
    breaks = [match.end() for match in _PARAGRAPH.finditer(text)]
    candidates = list(_END.finditer(text))
    place = 0
    for stop in [*breaks, len(text)]:
        while place < len(candidates) and candidates[place].end() <= stop:
            match = candidates[place]
            place += 1
            if match.end() < stop and _ends(text, match, start):
                ends.append(match.end())
                start = match.end()
        while place < len(candidates) and candidates[place].start() < stop:
            place += 1
        if stop > start:
            ends.append(stop)
            start = stop
    return ends


def split_sentences(text: str) -> list[str]:
    """Split a text into sentences.

    Args:
        text: Running text; a blank line always ends a sentence, a line break alone never.

    Returns:
        The sentences, each with the white space that follows it: joined with nothing in
        between they give the text back.

    >>> split_sentences("See Fig. 3. It shows J. S. Mill, e.g. in 3.5 cases.")
    ['See Fig. 3. ', 'It shows J. S. Mill, e.g. in 3.5 cases.']
    """
    ends = sentence_ends(text)
    return [text[start:stop] for start, stop in zip([0, *ends], ends, strict=False)]
