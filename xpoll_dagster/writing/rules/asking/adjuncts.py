"""When, where, how, why and how long: an adjunct of the clause is taken out and asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from xpoll_dagster.books.concepts.words import word_set
from xpoll_dagster.writing.rules.asking.candidate import (
    Candidate,
    Context,
    in_question,
    opened,
)
from xpoll_dagster.writing.rules.asking.screening import content_words, is_specific
from xpoll_dagster.writing.rules.language import expressions as x
from xpoll_dagster.writing.rules.language.clauses import Clause
from xpoll_dagster.writing.rules.language.purposes import is_purpose

_TIMES: tuple[tuple[str, re.Pattern[str], str], ...] = (
    ("year", x.YEAR, "In what year"),
    ("date", x.DATE, "When"),
    ("clock", x.CLOCK, "At what time"),
    ("period", x.PERIOD, "When"),
    ("relative time", x.RELATIVE_TIME, "When"),
    ("duration", x.DURATION, "For how long"),
)
_MANNER = re.compile(
    r"(?:^|\s)(by (?:(?:first|slowly|simply|merely|carefully|using|means of|the use of|way of)\s)?"
    r"(?:(?:means of|the use of|way of) )?[a-z]+(?:ing\s|.*)[^,;]*)$"
)
_USING = re.compile(r"(?:^|\s)(using\s[^,;]+|with the aid of\s[^,;]+|with the help of\s[^,;]+)$")
_OPENING_TIME = re.compile(
    r"(?:when|during|after|before|until|following|upon|prior to|at about|at approximately|"
    r"shortly after|immediately after|soon after|just before|in the \w+ century|"
    r"by the (?:end|beginning|middle) of|at the (?:end|beginning|time|close) of|"
    r"towards? the (?:end|close|middle) of|in the (?:reign|time|days|year|years) of)\b",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"(?:^|\s)((?:in|at|near|from|to|into) (?:the )?"
    r"((?:[A-Z][\w’'.-]+)(?:(?: of| and| de)? [A-Z][\w’'.-]+)*(?:, [A-Z][a-z]+)?))(?=$|\s|,)"
)


_OFTEN = re.compile(
    r"(?:^|\s)(every (?:\w+ )?[\w.]+ (?:seconds?|minutes?|hours?|days?|weeks?|months?|years?)|"
    r"every (?:day|week|month|year|hour|minute|second)|(?:once|twice|\w+ times) (?:a|per|every) "
    r"(?:day|week|month|year|hour|minute|second))$"
)
_SPAN_OF_TIME = re.compile(r"\b(?:second|minute|hour|day|week|month|year|decade|centur)\w*$")
_BY_DOING = re.compile(r"\bby (?:\w+ly )?\w+ing\b")


def ask_adjuncts(clause: Clause, context: Context) -> Iterator[Candidate]:
    """Questions for the clause's adjuncts: times, places, manner, cause, purpose."""
    if clause.negated:
        return
    if not is_specific(clause.text(*clause.subject), context):
        return
    rest = clause.text(*clause.rest).strip(" ,")
    if clause.copular and rest.startswith("to "):
        return
    yield from _times(clause, context, rest)
    yield from _place(clause, context, rest)
    yield from _situated(clause, context, rest)
    if clause.whole or _ends_cleanly(clause):
        yield from _tail(clause, context, rest, "event time", x.EVENT_TIME, "When")
        if clause.passive or not clause.copular:
            yield from _tail(clause, context, rest, "manner", _MANNER, "How", check=_is_manner)
            yield from _tail(clause, context, rest, "means", _USING, "How")
        yield from _tail(clause, context, rest, "cause", x.CAUSE, "Why")
        if clause.passive or (not clause.copular and len(rest.split()) > 4):
            yield from _tail(
                clause, context, rest, "purpose", x.PURPOSE, "For what purpose", check=_is_purpose
            )
        yield from _tail(clause, context, rest, "frequency", _OFTEN, "How often", fewest=2)
    yield from _opening(clause, context, rest)


def _ends_cleanly(clause: Clause) -> bool:
    stop = clause.rest[1]
    if stop >= len(clause.tokens) - 1 or clause.tokens[stop].text in {";", "."}:
        return True
    return clause.tokens[stop].text == "," and clause.tokens[stop + 1].lower in _NEXT_CLAUSE


_NEXT_CLAUSE = frozenset({"which", "who", "while", "whereas", "but", "where", "and", "so"})


def _turned(clause: Clause, context: Context, word: str, rest: str) -> str:
    rest = re.sub(r"\s+", " ", rest).strip(" ,")
    question = in_question(clause, context, rest)
    return f"{word} {question}?"


def _times(clause: Clause, context: Context, rest: str) -> Iterator[Candidate]:
    for template, pattern, word in _TIMES:
        match = pattern.search(rest)
        if match is None or len(pattern.findall(rest)) > 1:
            continue
        left = f"{rest[: match.start()].rstrip(' ,')} {rest[match.end() :].lstrip(' ,')}".strip()
        if clause.copular:
            continue
        if re.search(
            r"\b(?:of|and|or|in|at|from|to|between|than|since)$", rest[: match.start()].strip()
        ):
            continue
        if template == "year" and clause.tokens[clause.finite].lower in {"has", "have"}:
            continue
        answer = match[1]
        if template in {"relative time", "period"}:
            answer = answer.strip()
        asked = word
        if template == "date" and "," in answer and match[0][:2].lower() == "on":
            asked = "On what date"
        yield Candidate(
            template, _turned(clause, context, _opened_word(clause, asked), left), answer
        )
        return


def _opened_word(clause: Clause, word: str) -> str:
    return opened(clause, word[0].lower() + word[1:]) if clause.opening else word


def _place(clause: Clause, context: Context, rest: str) -> Iterator[Candidate]:
    for match in _PLACE.finditer(rest):
        words = match[2].replace(",", "").split()
        kind = context.kinds.get(match[2], "") or context.kinds.get(words[-1], "")
        if kind not in {"GPE", "LOC"} or match[1].split()[0] in {"to", "from", "into"}:
            continue
        left = f"{rest[: match.start()].rstrip(' ,')} {rest[match.end() :].lstrip(' ,')}".strip()
        before = rest[: match.start()].split()
        # "the king of men in Florence" hangs on the noun; a verb beside it is safe.
        if clause.copular or re.search(r"\b(?:and|or|of|between)$", rest[: match.start()]):
            continue
        if before and rest[match.end() :].strip():
            continue
        if len(before) > 3 and not clause.passive:
            continue
        yield Candidate(
            "place", _turned(clause, context, _opened_word(clause, "where"), left).strip(), match[1]
        )
        return


def _situated(clause: Clause, context: Context, rest: str) -> Iterator[Candidate]:
    if not clause.passive or clause.tokens[clause.verb].lower not in _SITUATED:
        return
    if not (clause.whole or _ends_cleanly(clause)):
        return
    match = re.match(
        r"((?:in|on|at|inside|near|above|below|under|beneath|between|behind|within|aboard|along|"
        r"around|outside|adjacent to|next to) (?:the|an?|each|both|[A-Z]|[a-z]+ )[^,;]+)$",
        rest,
    )
    if match is None or not 2 < len(match[1].split()) < 16:
        return
    if re.search(r"\b(?:order|way|manner|case|place|time|use|service|attempt|\d+)\b", match[1]):
        return
    question = _turned(clause, context, _opened_word(clause, "where"), "")
    yield Candidate("position", question, match[1])


_SITUATED = word_set(
    """
    located mounted installed placed stowed stored situated kept positioned housed buried
    built held erected carried deployed hung launched fixed inserted secured
    """
)


def _tail(
    clause: Clause,
    context: Context,
    rest: str,
    template: str,
    pattern: re.Pattern[str],
    word: str,
    check: Callable[[Clause, Context, str], bool] | None = None,
    fewest: int = 3,
) -> Iterator[Candidate]:
    matches = list(pattern.finditer(rest))
    if not matches:
        return
    match = matches[-1]
    answer = match[1].strip()
    left = rest[: match.start(1)].strip(" ,")
    if re.search(
        r"\b(?:and|or|of|not|than|only|even|just|immediately|shortly|in|at|is|was)$", left
    ):
        return
    if word == "When" and re.search(
        r"\b(?:from|since|until|between) (?:the |about )?[A-Z\d]", left
    ):
        return
    # "A few hours after the storm" is one adjunct, and so is "by turning the wheel using a rod".
    if (word == "When" and _SPAN_OF_TIME.search(left)) or (
        template == "means" and _BY_DOING.search(left)
    ):
        return
    if check is not None and not check(clause, context, answer):
        return
    if clause.copular and len(content_words(left)) < 1:
        return
    if not fewest <= len(answer.split()) <= 24:
        return
    yield Candidate(template, _turned(clause, context, _opened_word(clause, word), left), answer)


def _is_purpose(clause: Clause, context: Context, answer: str) -> bool:
    return is_purpose(clause, context.lexicon, answer)


def _is_manner(_clause: Clause, context: Context, answer: str) -> bool:
    second = answer.split()[1].lower()
    if second in {"means", "way", "using", "the"}:
        return second != "the" or answer.startswith("by the use of")
    if second in {"first", "slowly", "simply", "merely", "carefully"}:
        second = answer.split()[2].lower()
    return second.endswith("ing") and bool(context.lexicon.verb_lemma(second)) and second not in {
        "being", "having", "during", "engineering", "building", "meaning", "string",
    }  # fmt: skip


def _opening(clause: Clause, context: Context, rest: str) -> Iterator[Candidate]:
    if clause.opening is None:
        return
    text = clause.text(*clause.opening)
    if not (clause.whole or _ends_cleanly(clause)) or len(text.split()) > 18:
        return
    if not rest and not clause.passive:
        return
    for template, pattern, word in _TIMES:
        match = pattern.fullmatch(text)
        if match is not None:
            yield Candidate(template, _turned(clause, context, word, rest), match[1])
            return
    if text.lower().startswith("by ") and _is_manner(clause, context, text) and not clause.copular:
        yield Candidate("manner", _turned(clause, context, "How", rest), text)
    elif _OPENING_TIME.match(text) and len(text.split()) > 2:
        yield Candidate("event time", _turned(clause, context, "When", rest), text)
    elif re.match(
        r"(?:because|since|as a result of|owing to|due to|on account of)\b", text, re.IGNORECASE
    ):
        if re.match(r"since\b", text, re.IGNORECASE) and not re.search(
            r"\b(?:is|are|was|were|had|has)\b", text
        ):
            return
        yield Candidate("cause", _turned(clause, context, "Why", rest), text)
    elif re.match(r"(?:in order to|to)\b", text, re.IGNORECASE) and len(text.split()) > 2:
        yield Candidate("purpose", _turned(clause, context, "For what purpose", rest), text)
