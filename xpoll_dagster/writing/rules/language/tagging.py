"""Kinds of words in a sentence, guessed from WordNet, endings and the words beside them.

No statistical model: a word that could be several things gets the likeliest in its place,
and what depends on a guess that may well be wrong is left alone by whoever uses the tags.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from xpoll_dagster.books.concepts.words import word_set
from xpoll_dagster.writing.rules.language import words as w
from xpoll_dagster.writing.rules.language.lexicon import Lexicon

_TOKEN = re.compile(
    r"\d+(?:[.,:]\d+)*(?:st|nd|rd|th|s)?%?|(?:[A-Za-z]\.){2,}|[A-Z]\.(?=\s[A-Z])|"
    r"(?:Mr|Mrs|Dr|St|Prof|Rev|Jr|Sr|Capt|Col|Gen|Lt)\.|"
    r"[^\W\d_]+(?:[-'’][^\W_]+)*|°\s?[FCR]\b|\S"
)
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*%?")
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th|s)")


_TAKES_TO = word_set(
    """
    prior subsequent due relative according parallel similar next equal adjacent close
    attached related owing perpendicular proportional corresponding compared addition respect
    regard contrast opposite
    """
)


@dataclass(slots=True)
class Token:
    """A word or mark, where it stands in the sentence, and its guessed kind.

    Kinds: DET PRON PREP SUB CONJ MODAL BE HAVE DO NEG NUM NAME N NS (plural) V (base) VZ (third
    person) VD (past tense) VN (participle) VDN (one of the two) VG (-ing) ADJ ADV TO, and the
    mark itself for punctuation. `sure` is False where another kind is nearly as likely.
    """

    text: str
    start: int
    end: int
    kind: str = ""
    lemma: str = ""
    sure: bool = True

    @property
    def lower(self) -> str:
        """The word in lower case."""
        return self.text.lower()


def tokenize(sentence: str) -> list[Token]:
    """Words and marks of a sentence, with their offsets."""
    return [Token(m[0], m.start(), m.end()) for m in _TOKEN.finditer(sentence)]


def tag(sentence: str, lexicon: Lexicon) -> list[Token]:
    """Tokens of a sentence with their kinds."""
    tokens = tokenize(sentence)
    for at, token in enumerate(tokens):
        before = tokens[at - 1] if at else None
        after = tokens[at + 1] if at + 1 < len(tokens) else None
        if not _closed(token, before, after, at):
            _open(token, before, after, at, lexicon)
        if token.kind == "TO" and after is not None:
            verb = lexicon.weight(after.lower, "v")
            noun = lexicon.weight(lexicon.noun_lemma(after.lower), "n")
            led = before is not None and before.lower in _TAKES_TO
            if noun > 3 * verb or (led and noun >= verb):
                token.kind = "PREP"
    return tokens


def _closed(token: Token, before: Token | None, after: Token | None, at: int) -> bool:
    lower = token.lower
    kind = ""
    if not lower[0].isalnum() and lower[0] != "°":
        kind = token.text
    elif _NUMBER.fullmatch(lower) or (lower in w.NUMBER_WORDS and lower != "one"):
        kind = "NUM"
    elif _ORDINAL.fullmatch(lower) or lower == "°":
        kind = "ADJ"
    elif lower in w.BE:
        kind = "BE"
    elif lower in w.HAVE:
        kind = "HAVE"
    elif lower in w.DO:
        kind = "DO"
    elif lower in w.MODALS and not (token.text in {"May", "Will"} and at):
        kind = "MODAL"
    elif lower in {"not", "never", "cannot"}:
        kind = "NEG"
    elif lower == "to":
        onward = after is not None and (
            after.lower in w.DETERMINERS | w.PRONOUNS or not after.text[0].islower()
        )
        kind = "PREP" if onward else "TO"
    elif token.text in {"A", "I"} and before is not None and before.kind in {"N", "NAME"}:
        kind = "NAME"  # battery A, Francis I
    elif lower in w.COORDINATORS:
        kind = "CONJ"
    elif lower in {"that", "this", "these", "those"}:
        noun_ahead = after is not None and after.text[0].isalnum() and after.lower not in w.BE
        opening = before is None or before.kind in {"PREP", "VD", "VZ", "TO", ","}
        kind = "DET" if noun_ahead and (lower != "that" or opening) else "SUB"
        if lower != "that" and kind == "SUB":
            kind = "PRON"
    elif lower == "one":
        kind = "NUM" if after is not None and after.lower not in w.PREPOSITIONS else "PRON"
    elif lower in {"after", "before", "since", "until", "as", "than", "so", "once"}:
        kind = "SUB" if lower in {"as", "than", "so", "once"} else "PREP"
    elif lower in w.SUBORDINATORS:
        kind = "SUB"
    elif lower in w.PREPOSITIONS:
        kind = "PREP"
        if before is not None and before.kind == "DET" and lower in {"following", "past", "above"}:
            kind = "ADJ"
    elif lower in w.DETERMINERS:
        kind = "DET"
    elif lower in w.PRONOUNS:
        kind = "PRON"
    elif lower in w.ADVERBS:
        kind = "ADV"
    token.kind = kind
    token.lemma = lower
    return bool(kind)


def _open(
    token: Token, before: Token | None, after: Token | None, at: int, lexicon: Lexicon
) -> None:
    lower = token.lower.replace("’", "'")
    if lower.endswith(("'s", "s'")):
        token.kind, token.lemma = "POSS", lower
        return
    capital = token.text[0].isupper()
    if capital and (at > 0 and before is not None and before.text not in '“"‘('):
        token.kind, token.lemma = "NAME", lower
        return
    if capital and at == 0 and after is not None and after.text[:1].isupper():
        token.kind, token.lemma = "NAME", lower  # Mary Anning, Lunar Module
        return
    counts = dict(lexicon.counts.get(lower, {}))
    verb = lexicon.verb_lemma(lower)
    noun = lexicon.noun_lemma(lower)
    verb_weight = lexicon.weight(verb, "v") if verb else 0
    noun_weight = lexicon.weight(noun, "n") if noun else 0
    adjective = counts.get("a", 0)
    adverb = counts.get("r", 0)
    previous = before.kind if before is not None else ""
    token.lemma = verb or noun or lower
    if lower.endswith("ly") and not noun_weight:
        token.kind = "ADJ" if adjective > adverb else "ADV"
        return
    if capital and not (verb_weight or noun_weight or adjective or adverb):
        token.kind = "NAME"
        return
    is_past = verb and verb != lower and (lower.endswith("ed") or lower in lexicon.irregular)
    if is_past and not lower.endswith("ing"):
        _past(token, lower, verb, previous, adjective, noun_weight, lexicon)
        return
    if lower.endswith("ing") and verb and verb != lower:
        after_det = previous in {"DET", "ADJ", "POSS", "NUM"}
        token.kind = "N" if after_det or noun_weight > verb_weight else "VG"
        token.sure = previous in {"BE", "PREP", ",", "DET", "SUB"}
        return
    nominal = previous in {"DET", "ADJ", "POSS", "NUM", "PREP", "N", "NAME"}
    if lower == verb and verb_weight:
        if previous in {"TO", "MODAL"} or (
            previous in {"ADV", "NEG"} and noun_weight < verb_weight
        ):
            token.kind = "V"
        elif previous in {"DET", "POSS", "PREP", "ADJ", "NUM"} and (noun_weight or adjective):
            token.kind = "ADJ" if adjective > noun_weight else "N"
        elif previous in {"NS", "PRON"} and verb_weight > 2 * (noun_weight + adjective):
            token.kind = "V"
            token.sure = noun_weight + adjective < 0.1 * verb_weight
        elif noun_weight or adjective:
            token.kind = "ADJ" if adjective > noun_weight else "N"
            token.sure = nominal or verb_weight < 2 * max(noun_weight, adjective)
        else:
            token.kind = "V"
        return
    if verb and lower.endswith("s") and verb_weight:
        if previous in {"DET", "ADJ", "POSS", "NUM", "PREP"} and noun_weight:
            token.kind, token.sure = "NS", True
        elif verb_weight > 3 * noun_weight:
            token.kind, token.sure = "VZ", verb_weight > 10 * noun_weight
        else:
            token.kind, token.sure = "NS", verb_weight < noun_weight / 3
        if token.kind == "NS":
            token.lemma = noun or lower
        return
    if adverb > max(adjective, noun_weight):
        token.kind = "ADV"
    elif adjective > noun_weight:
        token.kind = "ADJ"
    elif noun_weight:
        token.kind = "NS" if noun != lower or _looks_plural(lower) else "N"
        token.lemma = noun
    elif adjective:
        token.kind = "ADJ"
    else:
        token.kind = "NS" if _looks_plural(lower) else "N"
        token.sure = False


def _looks_plural(lower: str) -> bool:
    return lower.endswith("s") and not lower.endswith(("ss", "us", "is", "ics"))


def _past(
    token: Token,
    lower: str,
    verb: str,
    previous: str,
    adjective: int,
    noun_weight: int,
    lexicon: Lexicon,
) -> None:
    verb_weight = lexicon.weight(verb, "v")
    if lower in {"left", "felt", "saw", "found", "ground", "bound", "lay", "fell", "thought"}:
        token.sure = previous not in {"DET", "ADJ", "POSS"}
        if not token.sure:
            token.kind = "N" if noun_weight > adjective else "ADJ"
            return
    elif max(adjective, noun_weight) > 3 * verb_weight:
        token.kind = "ADJ" if adjective >= noun_weight else "N"
        return
    if previous in {"DET", "ADJ", "POSS", "NUM"}:
        token.kind = "ADJ"
        return
    past = lexicon.verb_form(verb, "past")
    participle = lexicon.verb_form(verb, "participle")
    if past == participle or lower not in {past, participle}:
        token.kind = "VDN"
    else:
        token.kind = "VD" if lower == past else "VN"
    if previous in {"BE", "HAVE"}:
        token.kind = "VN"
