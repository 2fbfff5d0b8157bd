"""Other words for the same: connectives, abbreviations, units, words of a single sense."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from xpoll_dagster.writing.phrases import capitalised, load_templates
from xpoll_dagster.writing.rules.language.lexicon import Lexicon, plural
from xpoll_dagster.writing.rules.language.tagging import Token, tag

_QUOTED = re.compile(r"[“\"].*?[”\"]")
_NUMBERS = frozenset({"score", "dozen", "ton", "hundred", "thousand", "million", "second"})
_MIN_COMMON = 5
"""Times that a word must have been met in WordNet's tagged texts to be called common."""


@lru_cache(maxsize=1)
def _phrases() -> tuple[re.Pattern[str], Mapping[str, str]]:
    table = load_templates("rewording")["phrases"]
    ordered = sorted(table, key=lambda phrase: (-len(phrase), phrase))
    pattern = re.compile(
        rf"(?<![\w-])(?:{'|'.join(map(re.escape, ordered))})(?![\w-])", re.IGNORECASE
    )
    return pattern, table


def reworded(sentence: str, acronyms: Mapping[str, str]) -> str:
    """A sentence with its connectives, abbreviations and units said otherwise.

    Quoted words stay. An acronym is spelled out with itself in brackets, where the book
    says what it stands for and the sentence does not.
    """
    if _QUOTED.search(sentence):
        return sentence
    templates = load_templates("rewording")
    match = re.match(r"([A-Z][a-z ]+?), ", sentence)
    if match and match[1].lower() in templates["openings"]:
        sentence = capitalised(templates["openings"][match[1].lower()]) + sentence[match.end(1) :]
    pattern, table = _phrases()

    def put(match: re.Match[str]) -> str:
        found = match[0]
        words = table[found.lower()]
        return capitalised(words) if found[0].isupper() else words

    # "nearly 20" may be "almost 20"; a phrase at the very beginning keeps its capital.
    sentence = pattern.sub(put, sentence)
    for short, long in templates["abbreviations"].items():
        last = sentence.endswith(short)
        found = re.search(rf"(?<![\w.]){re.escape(short)}(?=\s|,|$|\))", sentence)
        if found:
            sentence = (
                sentence[: found.start()] + long + ("." if last else "") + sentence[found.end() :]
            )
    for short, long in templates["units"].items():
        sentence = re.sub(rf"(?<=\d ){re.escape(short)}(?![\w/²³])", long, sentence)
    for short, long in acronyms.items():
        if long.lower() in sentence.lower() or f"({short}" in sentence:
            continue
        found = re.search(rf"(?<![\w(./-]){re.escape(short)}(?![\w)/-])", sentence)
        if found and found.start() > 0:
            sentence = f"{sentence[: found.start()]}{long} ({short}){sentence[found.end() :]}"
    return sentence


def synonym_choices(sentence: str, lexicon: Lexicon) -> list[tuple[Token, str]]:
    """Words of the sentence with a synonym in the same form, left to right.

    Only words with one sense of their kind and hardly any other kind, whose synonym is
    common and most often means just that; never names, numbers, capitals or quoted words.
    """
    if not lexicon or _QUOTED.search(sentence):
        return []
    found: list[tuple[Token, str]] = []
    for token in tag(sentence, lexicon):
        # Adverbs are left out: "normally" is "usually" in one place and not in the next.
        kind = {"N": "n", "NS": "n", "ADJ": "a"}.get(token.kind, "")
        if token.kind in {"V", "VZ", "VD", "VN", "VDN"}:
            kind = "v"
        if not kind or not token.sure or not token.lower.isalpha() or token.text != token.lower:
            continue
        lemma = (
            token.lower
            if kind in {"a", "r"}
            else (
                lexicon.noun_lemma(token.lower) if kind == "n" else lexicon.verb_lemma(token.lower)
            )
        )
        counts = lexicon.counts.get(lemma, {})
        if lemma in _NUMBERS or not lemma or counts.get(kind, 0) < 0.8 * sum(counts.values()):
            continue
        for synonym in lexicon.single_sense_synonyms(lemma, kind):
            if not _is_common(lemma, synonym, kind, lexicon):
                continue
            form = _inflected(token, synonym, kind, lemma, lexicon)
            if form and form != token.lower:
                found.append((token, form))
                break
    return found


def _is_common(lemma: str, synonym: str, kind: str, lexicon: Lexicon) -> bool:
    if not synonym.isalpha() or synonym != synonym.lower() or len(synonym) < 4:
        return False
    if synonym[:4] == lemma[:4]:
        return False  # another spelling, or the same word with another ending
    senses = lexicon.senses.get(synonym, {}).get(kind, ())
    own = lexicon.senses[lemma][kind][0]
    counts = lexicon.counts.get(synonym, {})
    return (
        bool(senses)
        and senses[0] == own
        and len(senses) <= 2
        and counts.get(kind, 0) >= _MIN_COMMON
        and counts.get(kind, 0) >= 0.8 * sum(counts.values())
    )


def _inflected(token: Token, synonym: str, kind: str, lemma: str, lexicon: Lexicon) -> str:
    if kind == "n":
        if token.lower == lemma:
            return synonym
        irregular = {one: many for many, one in lexicon.plurals.items()}
        return irregular.get(synonym, plural(synonym))
    if kind == "v":
        if token.kind == "V" or token.lower == lemma:
            return synonym
        if token.kind == "VZ":
            return lexicon.verb_form(synonym, "third")
        if token.kind == "VDN" and lexicon.verb_form(synonym, "past") != lexicon.verb_form(
            synonym, "participle"
        ):
            return ""
        return lexicon.verb_form(synonym, "past" if token.kind == "VD" else "participle")
    return synonym if token.lower == lemma else ""


def with_synonyms(sentence: str, choices: list[tuple[Token, str]]) -> str:
    """The sentence with synonyms put in, articles mended ("an adjacent" to "a nearby")."""
    for token, form in sorted(choices, key=lambda choice: -choice[0].start):
        before = sentence[: token.start]
        article = re.search(r"\b([Aa])n? $", before)
        if article:
            an = "n" if form[0] in "aeiou" else ""
            before = f"{before[: article.start()]}{article[1]}{an} "
        sentence = before + form + sentence[token.end :]
    return sentence
