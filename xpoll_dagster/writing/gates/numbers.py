"""The numbers of a text, in one form however they are written: "132", "l32", "one hundred and
thirty-two", "4-3/4" and "4.75", "142:54:41" and "142 hours, 54 minutes and 41 seconds".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from xpoll_dagster.writing.gates.units import unit_after
from xpoll_dagster.writing.gates.word_lists import word_list

_UNITS = word_list(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
_TENS = word_list("_ ten twenty thirty forty fifty sixty seventy eighty ninety")
_ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7,
    "eighth": 8, "ninth": 9, "tenth": 10, "eleventh": 11, "twelfth": 12, "thirteenth": 13,
    "fourteenth": 14, "fifteenth": 15, "sixteenth": 16, "seventeenth": 17, "eighteenth": 18,
    "nineteenth": 19, "twentieth": 20, "thirtieth": 30, "fortieth": 40, "fiftieth": 50,
    "hundredth": 100, "thousandth": 1000,
}  # fmt: skip
_SCALES = {"hundred": 100.0, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_MULTIPLES = {"half": 0.5, "twice": 2.0, "double": 2.0, "twofold": 2.0, "thrice": 3.0,
              "triple": 3.0, "dozen": 12.0, "couple": 2.0, "pair": 2.0, "both": 2.0,
              "decade": 10.0, "decades": 10.0, "century": 100.0, "once": 1.0, "single": 1.0,
              "quarter": 0.25}  # fmt: skip
_WORDS = {word: float(value) for value, word in enumerate(_UNITS)}
_WORDS |= {word: 10.0 * value for value, word in enumerate(_TENS) if value}
_FRACTIONS = {"½": "1/2", "¼": "1/4", "¾": "3/4", "⅓": "1/3", "⅔": "2/3", "⅛": "1/8", "⅜": "3/8",
              "⅝": "5/8", "⅞": "7/8"}  # fmt: skip

# A printed digit that recognition took for a letter: l32, 3Oo, 0.l6.
_LIKE = "lIioOS|"
_DIGIT = rf"[\d{_LIKE}]"
_TOKEN = re.compile(
    r"(?P<clock>(?<![\w.])\d{1,4}\s?:\s?\d{2}(?:\s?:\s?\d{2})?(?:\s?\.\s?\d+)?(?![\w]|:\d))|"
    r"(?P<mixed>(?<![\w./-])\d{1,4}[ -]\d{1,2}/\d{1,3}(?![\w/]))|"
    r"(?P<fraction>(?<![\w./])\d{1,3}/\d{1,4}(?![\w/]))|"
    r"(?P<number>(?<![\w.])\d{1,3}(?:,\d{3})+(?:\.\d+)?|(?<!\w)\.\d+|\d+(?:\.\d+)?)"
    r"(?P<ordinal>(?:st|nd|rd|th)\b)?|"
    r"(?P<ell>(?<![\w'’.-])ll?(?![\w'’]))|"
    rf"(?P<word>\b(?:{'|'.join([*_WORDS, *_SCALES, *_ORDINALS, *_MULTIPLES])})\b)",
    re.IGNORECASE,
)
_RUN = re.compile(
    rf"(?<![A-Za-z'’])(?=[{_LIKE}.,:/]{{0,24}}\d)[\d{_LIKE}](?:[\d{_LIKE}.,:/]*[\d{_LIKE}])?"
)
_MIXED_ELL = re.compile(r"(?<!\w)[lI](?=-\d/\d)")
_GAP = re.compile(r"^[\s,]*(?:and\s+)?[\s-]*$|^-$", re.IGNORECASE)
# "figure 5.6-1", "(section 14.1.8)", "references 2 and 3": places in the book, which a
# paraphrase may leave out.
_PLACE = (
    r"(?-i:\d+(?:[.\-–]\s?\d+)*[a-z]?(?![\w-])|\d*[.-]?[IVXLCivxlc]+(?:-[IVXLivxl\d]+)?(?![\w-])|"
    r"[A-H](?:[-.]?\d+)?(?![\w-]))"
)
_REFERENCE = re.compile(
    r"\b(?:fig(?:ure|s|\.)?s?|tables?|sections?|sec\.|§|chapters?|ch\.|references?|refs?\.?|"
    r"appendi(?:x|ces)|pages?|pp?\.|eqs?\.|equations?|plates?|notes?|footnotes?|volume|vol\.|"
    rf"theorem|lemma|proposition|example|exercise|problem)\s*{_PLACE}"
    rf"(?:\s*(?:,|and|to|through|or|&)\s*{_PLACE})*"
    r"|\[\d+(?:[,–-]\s?\d+)*\]|(?<![\d.])\d+(?:\.\d+){2,}(?![\d.]\d)",
    re.IGNORECASE,
)
_LIST_MARKER = re.compile(r"(?m)^\s*(?:[-*•]\s+|\*\*)?\(?\d{1,2}[.)](?=\s|\*)|\(\d{1,2}\)(?=\s)")
_LATEX = re.compile(r"\\(?:[a-zA-Z]+|[,;:! ])|[{}$~]")


@dataclass(frozen=True, slots=True)
class Number:
    """One number of a text.

    `values` is its value, or the values of its parts (hours, minutes and seconds of a time);
    `others` are further readings of the same print, each a tuple that says as much.
    `unit` is the unit behind it in its canonical form, "" where there is none. `required`
    is False for what a paraphrase may leave out or put otherwise: a number in words up to
    ten, a place in the book, a letter that may be a digit.
    """

    values: tuple[str, ...]
    others: tuple[tuple[str, ...], ...] = ()
    unit: str = ""
    required: bool = True
    digits: bool = True
    start: int = 0

    @property
    def readings(self) -> tuple[tuple[str, ...], ...]:
        """Every reading, the plain one first."""
        return (self.values, *self.others)


def plain(value: float) -> str:
    """A value as text, so that 98.0 is 98 and 0.10 is 0.1."""
    return f"{value:.10f}".rstrip("0").rstrip(".") or "0"


def without_markup(text: str) -> str:
    """A text with formula commands, list numbers and Unicode fractions made plain."""
    if "\\" in text or "$" in text:
        text = _LATEX.sub(" ", text)
        text = re.sub(r"(?<=\d)\s*\^\s*", " ", text)
    for sign, fraction in _FRACTIONS.items():
        if sign in text:
            text = re.sub(rf"(?<=\d)\s?{sign}", f"-{fraction}", text).replace(sign, fraction)
    text = text.translate(str.maketrans({"–": "-", "—": "-", "−": "-", "\u00a0": " ", "’": "'"}))
    return _LIST_MARKER.sub(" ", text)


def as_digits(text: str) -> str:
    """Digits where recognition read letters between them: "l32" is "132", "Apri1" stays."""

    def mend(match: re.Match[str]) -> str:
        found = match.group()
        after = text[match.end() : match.end() + 1]
        if not any(character in _LIKE for character in found):
            return found
        # "5O" may be fifty, "10 lb" is not touched, "2I" before a letter is a word.
        if after.isalpha():
            head = found.rstrip(_LIKE)
            if not head or head[-1:].isdigit():
                found, tail = head, found[len(head) :]
            else:
                return found
        else:
            tail = ""
        return found.translate(str.maketrans("lIi|oOS", "1111005")) + tail

    return _RUN.sub(mend, _MIXED_ELL.sub("1", text))


@lru_cache(maxsize=8192)
def numbers(text: str) -> tuple[Number, ...]:
    """The numbers of a text in their order."""
    text = as_digits(without_markup(text))
    references = [match.span() for match in _REFERENCE.finditer(text)]
    found: list[Number] = []
    matches = list(_TOKEN.finditer(text))
    at = 0
    while at < len(matches):
        match = matches[at]
        kind = match.lastgroup if match.lastgroup != "ordinal" else "number"
        inside = any(start <= match.start() < end for start, end in references)
        if kind == "word":
            at, number = _spoken(text, matches, at)
            found.append(number)
            continue
        at += 1
        raw = re.sub(r"\s", "", match.group(kind or 0))
        unit = unit_after(text, match.end())
        if kind == "ell":
            found.append(
                Number(
                    (str(1 if len(raw) == 1 else 11),),
                    (),
                    unit,
                    required=False,
                    digits=False,
                    start=match.start(),
                )
            )
        elif kind == "clock":
            found.append(_clock(raw, match.start()))
        elif kind == "mixed":
            found.append(_mixed(match.group(), unit, match.start(), required=not inside))
        elif kind == "fraction":
            above, below = raw.split("/")
            share = (plain(int(above) / int(below)),) if int(below) else ()
            found.append(
                Number(
                    (above, below),
                    (share,) if share else (),
                    unit,
                    required=not inside,
                    start=match.start(),
                )
            )
        else:
            number = _printed(text, match, raw, unit, required=not inside)
            found.append(number)
    return tuple(_joined_thousands(text, found))


def _printed(text: str, match: re.Match[str], raw: str, unit: str, *, required: bool) -> Number:
    value = float(raw.replace(",", ""))
    others: list[tuple[str, ...]] = []
    behind = text[match.end() : match.end() + 12].lower()
    scale = re.match(r"[\s-]*(hundred|thousand|million|billion|trillion)\b", behind)
    if scale:
        others.append((plain(value * _SCALES[scale.group(1)]),))
    if unit == "percent":
        others.append((plain(value / 100),))
    if "," in raw:  # a list without spaces
        others.append(tuple(plain(float(part)) for part in raw.split(",")))
    # A number glued to letters ("S4B", "AS-201") is a part of a name: kept with the name.
    before = text[max(0, match.start() - 2) : match.start()]
    glued = bool(re.search(r"[A-Za-z]-?$", before)) and match.group("ordinal") is None
    return Number(
        (plain(value),), tuple(others), unit, required=required and not glued, start=match.start()
    )


def _clock(raw: str, start: int) -> Number:
    parts = [plain(float(part)) for part in raw.split(":")]
    others = []
    while len(parts) > 1 and parts[-1] == "0":  # 2:13:00 is 2:13
        parts = parts[:-1]
    whole = [part.split(".")[0] for part in parts]
    if whole != parts:
        others.append(tuple(whole))
    if 13 <= float(parts[0]) <= 23:
        others.append((plain(float(parts[0]) - 12), *parts[1:]))
    return Number(tuple(parts), tuple(others), start=start)


def _mixed(raw: str, unit: str, start: int, *, required: bool) -> Number:
    whole, above, below = (int(part) for part in re.findall(r"\d+", raw)[:3])
    share = above / below if below else 0.0
    others: list[tuple[str, ...]] = [(plain(whole + share),)]
    if unit in {"hour", "minute", "degree"}:
        others.append((plain(whole), plain(60 * share)))
    if unit == "foot":
        others.append((plain(whole), plain(12 * share)))
    return Number(
        (plain(whole), plain(above), plain(below)),
        tuple(others),
        unit,
        required=required,
        start=start,
    )


def _spoken(text: str, matches: list[re.Match[str]], at: int) -> tuple[int, Number]:
    """A number in words from `at` on, and where to go on."""
    first = matches[at]
    total = current = 0.0
    used = 0
    ordinal = False
    end = first.start()
    while at + used < len(matches):
        match = matches[at + used]
        word = (match.group("word") or "").lower()
        if not word or (used and not _GAP.match(text[end : match.start()])):
            break
        if word in _WORDS:
            # "twenty five" is one number, "five two" and "nineteen sixty" are more.
            room = 100 if current % 100 == 0 else 10 if current % 10 == 0 else 0
            if (current and _WORDS[word] >= room) or (current and current % 100 == 10):
                break
            current += _WORDS[word]
        elif word in _SCALES and used:
            if word == "hundred":
                current *= 100
            else:
                total, current = total + current * _SCALES[word], 0.0
        elif word in _ORDINALS and used and current and current % 10 == 0:
            current += _ORDINALS[word]
            ordinal = True
        elif not used:
            current = _SCALES.get(word) or _MULTIPLES.get(word) or float(_ORDINALS.get(word, 0))
            ordinal = word in _ORDINALS
            used, end = 1, match.end()
            break
        else:
            break
        used, end = used + 1, match.end()
        if ordinal:
            break
    used = max(used, 1)
    value = total + current
    unit = "" if ordinal else unit_after(text, end)
    loose = value <= 10 or first.group().lower() in _MULTIPLES or first.group().lower() in _SCALES
    others: list[tuple[str, ...]] = []
    if value in (0.5, 0.25):
        others.append((plain(100 * value),))
    return at + used, Number(
        (plain(value),),
        tuple(others),
        unit,
        required=not loose and not ordinal,
        digits=False,
        start=first.start(),
    )


def _joined_thousands(text: str, found: list[Number]) -> list[Number]:
    """Numbers set with a space for the thousands ("25 573.1") get that reading too."""
    joined = list(found)
    for place in range(len(found) - 1):
        one, two = found[place], found[place + 1]
        if not (one.digits and two.digits and len(one.values) == len(two.values) == 1):
            continue
        match = re.match(r"\d{1,3}\s(\d{3}(?:\.\d+)?)(?!\d)", text[one.start :])
        if match and two.start == one.start + match.start(1):
            value = (plain(float(re.sub(r"\s", "", match.group()))),)
            for at, number in ((place, one), (place + 1, two)):
                others = (*joined[at].others, value)
                joined[at] = Number(
                    number.values, others, number.unit, required=number.required, start=number.start
                )
    return joined
