"""The language of a text by its function words and its script, for texts of a sentence or more.

Function words tell languages apart even in text full of technical terms, numbers and
names, where character profiles go wrong.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_FUNCTION_WORDS = {
    "en": "the of and to in is was that for it with as on be by at this are from or which an had "
    "not but were has have been their they he his its when into than after there these during "
    "through while where would can could will may also who what how more most between about",
    "de": "der die das und ist von zu den mit sich des auf für nicht ein eine als auch dem im es "
    "an werden aus er hat dass sie nach wird bei einer um am sind noch wie einem über einen so "
    "zum war haben nur oder aber vor zur bis mehr durch wurde sein wenn",
    "fr": "le la les de des et est un une du en que qui dans pour pas au sur ne se ce il par plus "
    "avec sont aux son cette ou mais nous ont été sa ses leur comme elle était ces fait être",
    "es": "el la los las de y en que un una es por con no para se del al lo como más su sus pero "
    "este esta fue son entre cuando muy sin sobre también hasta hay donde han era desde está",
    "it": "il lo la gli le di e che un una è per con non si del della dei delle nel nella alla al "
    "da sono come più anche ma questo questa era dal dalla essere ha fu tra dopo suo sua",
    "pt": "o os as de e que um uma é em para com não se do da dos das no na nos nas ao por mais "
    "como mas foi sua seu são ou quando muito também pelo pela até isso ela entre era depois",
    "nl": "de het een en van in is dat op te zijn met voor niet aan er om ook als dan maar bij "
    "nog uit door over ze zich tot je naar kan die deze wordt werd heeft hebben geen meer",
}
_WORD = re.compile(r"[^\W\d_]+")
_MIN_WORDS = 8
_MIN_SHARE = 0.12
_PROSE_SHARE = 0.18
_SETS = {name: frozenset(words.split()) for name, words in _FUNCTION_WORDS.items()}


@lru_cache(maxsize=4096)
def _script(character: str) -> str:
    return unicodedata.name(character, "UNKNOWN").split(" ", 1)[0]


@lru_cache(maxsize=16_384)
def language_of(text: str) -> str | None:
    """The code of a text's language, its script's name for other scripts, None where unsure.

    A text of fewer than eight words, or with too few function words of any language known
    here (a table, a list of names), gives None. For other scripts the name is Unicode's in
    lower case, such as "cyrillic" or "cjk".
    """
    letters = [character for character in text[:2000] if character.isalpha()]
    if len(letters) >= 12:
        foreign = [letter for letter in letters[:400] if ord(letter) > 0x24F]
        if len(foreign) > 0.5 * min(len(letters), 400):
            names = [_script(letter) for letter in foreign]
            return max(set(names), key=names.count).lower()
    words = _WORD.findall(text[:6000].lower())
    if len(words) < _MIN_WORDS:
        return None
    shares = _shares(words)
    best = max(shares, key=lambda name: (shares[name], name))
    return best if shares[best] >= _MIN_SHARE else None


def _shares(words: list[str]) -> dict[str, float]:
    return {
        name: sum(word in function for word in words) / len(words)
        for name, function in _SETS.items()
    }


@lru_cache(maxsize=16_384)
def reads_as_prose(text: str) -> bool:
    """Whether a text is made of sentences, not a table, a list of names or a formula.

    Sentences hold function words, and most of their words are in small letters; text in
    other scripts than Latin is taken for prose. Fewer than eight words are too few to say.
    """
    pieces = text.split()
    words = _WORD.findall(text.lower())
    if len(words) < _MIN_WORDS:
        return len(pieces) < 2 * _MIN_WORDS
    language = language_of(text)
    if language not in {*_SETS, None}:
        return True
    small = sum(piece[:1].islower() for piece in pieces) / len(pieces)
    return max(_shares(words).values()) >= _PROSE_SHARE and small >= 0.5


def same_language(text: str, source: str) -> bool | None:
    """Whether a text is in the language of its source; None where either is not known.

    A source that is no prose (a table, a list of names) has no language to compare with.
    """
    if not reads_as_prose(source):
        return None
    one, other = language_of(text), language_of(source)
    if one is None or other is None:
        return None
    return one == other
