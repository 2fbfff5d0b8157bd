"""The first main clause of a sentence: opening, subject, verbs, complement, and its adjuncts.

Only sentences of one plain shape are understood: an optional opening up to a comma, a subject
before the first finite verb, the verbs, and the rest up to where another clause begins.
Anything that may be read in two ways gives no clause at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from xpoll_dagster.writing.rules.language import words as w
from xpoll_dagster.writing.rules.language.lexicon import Lexicon
from xpoll_dagster.writing.rules.language.tagging import Token, tag

_NOMINAL = frozenset({"N", "NS", "NAME", "NUM", "ADJ", "VG", "POSS", "DET", "ADV", "VDN", "VN"})
_OPENING_DROPPED = re.compile(
    r"(?:for example|for instance|in fact|in general|of course|in addition|in other words|"
    r"however|therefore|thus|hence|moreover|furthermore|consequently|accordingly|also|then|"
    r"similarly|likewise|finally|indeed|nevertheless|first|second|third|next|again|now|"
    r"as a result|on the other hand|in particular|in contrast|by contrast|conversely|"
    r"lastly|by far|in short|in part|for now|at first|at last|in practice|in principle|like \w+|"
    r"as usual|"
    r"interestingly|unfortunately|fortunately|obviously|clearly|naturally)$",
    re.IGNORECASE,
)
_BARE_OPENING = re.compile(
    r"(?:(?:In|About|Before|After|Since|By) (?:the year |about )?(?:1\d{3}|20\d\d|\d{2,4} "
    r"(?:B\.C\.|A\.D\.))"
    r"(?: B\.C\.| A\.D\.)?|In the (?:\w+ )?(?:\w+th|first|second|third) centur(?:y|ies)(?: "
    r"B\.C\.)?|"
    r"(?:On|In) (?:\d{1,2} )?(?:January|February|March|April|May|June|July|August|September|"
    r"October|November|December)(?: \d{1,2})?(?:,? \d{4})?|"
    r"At (?:approximately |about )?\d+(?::\d\d)+|"
    r"At (?:approximately |about )?\d+(?:-\d/\d)? hours(?: \d+ minutes)?)$"
)
_TAKES_NOUN = frozenset({"V", "PREP", "CONJ", "VG", "VDN", "VN", "DET"})
_TIMING = frozenset(
    {"about", "approximately", "shortly", "immediately", "soon", "early", "late", "just"}
)
_WEAKENING = frozenset({"only", "rarely", "seldom", "barely", "almost", "nearly", "hardly", "even"})
_CLAUSE_WORDS = frozenset(
    {"while", "whereas", "although", "though", "which", "who", "whom", "whose", "where", "but",
     "so", "if", "unless", "except", "yet"}
)  # fmt: skip


@dataclass(slots=True)
class Clause:
    """Parts of a main clause as token ranges (start, stop) of `tokens`.

    `opening` is a phrase or clause before the subject, without its comma; `auxiliaries` the
    verbs before the last; `verb` the last one's index; `rest` what follows, up to the next
    clause. `whole` says that nothing was cut off behind it.
    """

    sentence: str
    tokens: list[Token]
    opening: tuple[int, int] | None
    subject: tuple[int, int]
    auxiliaries: tuple[int, ...]
    verb: int
    rest: tuple[int, int]
    whole: bool
    plural: bool
    negated: bool = False

    def text(self, start: int, stop: int) -> str:
        """The words of a token range as the sentence prints them."""
        if stop <= start:
            return ""
        return self.sentence[self.tokens[start].start : self.tokens[stop - 1].end]

    @property
    def finite(self) -> int:
        """Index of the finite verb."""
        return self.auxiliaries[0] if self.auxiliaries else self.verb

    @property
    def passive(self) -> bool:
        """Whether the clause is in the passive."""
        return bool(
            self.auxiliaries
            and self.tokens[self.auxiliaries[-1]].kind == "BE"
            and self.tokens[self.verb].kind in {"VN", "VDN"}
        )

    @property
    def copular(self) -> bool:
        """Whether the last verb is a form of "be"."""
        return self.tokens[self.verb].kind == "BE"


_MAYBE_FINITE = frozenset({"BE", "HAVE", "MODAL", "VD", "VZ", "VDN", "DO"})


def may_be_clause(text: str, lexicon: Lexicon) -> bool:
    """Whether a piece of a sentence has a word that could be its finite verb."""
    return any(token.kind in _MAYBE_FINITE for token in tag(text, lexicon))


def parse(sentence: str, lexicon: Lexicon) -> Clause | None:
    """The first main clause of a sentence; None where it is not plain enough.

    Args:
        sentence: One sentence, white space folded, without parentheses.
        lexicon: An empty one knows auxiliaries only.
    """
    tokens = tag(sentence, lexicon)
    if len(tokens) < 5 or tokens[-1].text not in {".", "!", ";"}:
        return None
    found = _opening(tokens)
    if found is None:
        return None
    opening, start = found
    finite = _finite(tokens, start, lexicon)
    if finite is None or not _is_subject(tokens, start, finite):
        return None
    auxiliaries, verb, negated = _verbs(tokens, finite)
    if verb is None:
        return None
    subject_stop = finite
    while tokens[subject_stop - 1].kind == "ADV":
        subject_stop -= 1
        negated = negated or tokens[subject_stop].lower in _WEAKENING
    active = not auxiliaries and tokens[verb].kind in {"VD", "VDN", "VZ", "V"}
    stop, whole = _end(tokens, verb + 1, active=active)
    plural = _is_plural(tokens, start, finite)
    agreement = tokens[finite].lower
    if agreement in {"is", "was", "has", "does"}:
        plural = False
    elif agreement in {"are", "were", "have", "do"} or tokens[finite].kind == "V":
        plural = True
    return Clause(
        sentence=sentence,
        tokens=tokens,
        opening=opening,
        subject=(start, subject_stop),
        auxiliaries=auxiliaries,
        verb=verb,
        rest=(verb + 1, stop),
        whole=whole,
        plural=plural,
        negated=negated,
    )


def _opening(tokens: list[Token]) -> tuple[tuple[int, int] | None, int] | None:
    first = tokens[0]
    bare = _bare_opening(tokens)
    if bare is not None:
        return (0, bare), bare
    if first.lower in {"if", "unless", "let", "suppose", "although", "though", "while", "whereas",
                       "whether", "what", "how", "why", "who", "which", "that", "there", "here",
                       "and", "but", "or", "nor", "so", "yet"}:  # fmt: skip
        return None
    leads = first.kind in {"PREP", "SUB", "ADV", "TO", "VG", "VDN", "VN"}
    commas = [at for at, token in enumerate(tokens[:24]) if token.text == ","]
    if not leads:
        return None, 0
    if not commas:
        # "On April 11 the vehicle was launched" has no comma to go by.
        return None
    stop = commas[0]
    text = " ".join(token.text for token in tokens[:stop])
    if _OPENING_DROPPED.fullmatch(text):
        return None, stop + 1
    if first.kind not in {"PREP", "SUB", "ADV", "TO"} or first.lower in {
        "as",
        "than",
        "so",
        "once",
    }:
        return None
    if first.kind == "ADV" and stop > 2 and first.lower not in _TIMING:
        return None
    # A date has a comma of its own: "On April 11, 1970, the vehicle …".
    if len(commas) > 1 and commas[1] - stop == 2 and tokens[stop + 1].kind == "NUM":
        stop = commas[1]
    return (0, stop), stop + 1


def _bare_opening(tokens: list[Token]) -> int | None:
    """Where a date before the subject ends that no comma divides from it: "In 1687 Newton …"."""
    if tokens[0].kind != "PREP":
        return None
    for stop in range(min(9, len(tokens) - 3), 1, -1):
        ahead = tokens[stop]
        if re.fullmatch(r"(?:[A-Z]\.)+", ahead.text):
            return None
        if ahead.kind in {"NAME", "DET"} or ahead.lower == "the":
            text = ""
            for token, after in zip(tokens[:stop], [*tokens[1:stop], None], strict=True):
                text += token.text + (" " if after is not None and after.start > token.end else "")
            if _BARE_OPENING.fullmatch(text):
                return stop
    return None


def _finite(tokens: list[Token], start: int, lexicon: Lexicon) -> int | None:
    candidate: int | None = None
    for at in range(start, len(tokens)):
        kind = tokens[at].kind
        if kind in {"BE", "MODAL", "DO"} or (kind == "HAVE" and tokens[at].lower != "having"):
            if tokens[at].lower in {"be", "been", "being"}:
                return None
            if candidate is not None and not _is_reduced(tokens, candidate, at):
                return candidate
            return at
        if kind in {",", ";", ":", "(", ")", "SUB", "—", "–", "“", '"'} and candidate is not None:
            break
        if kind in {"VD", "VZ", "VDN"} or (
            kind == "V" and at > start and tokens[at - 1].kind not in {"TO", "MODAL", "ADV"}
        ):
            if candidate is None:
                candidate = at
            elif kind in {"VD", "VZ"} or not _is_complement(tokens, at):
                return None if _ambiguous(tokens, candidate, at) else candidate
        if kind == "CONJ" and candidate is not None:
            break
    if candidate is None:
        return None
    token = tokens[candidate]
    if not token.sure:
        return None
    following = tokens[candidate + 1] if candidate + 1 < len(tokens) else None
    if token.kind == "VDN" and following is not None:
        # "The distinction maintained in war disappeared": the first verb is no finite one.
        if following.lower in {"by", "as"}:
            return None
        if following.kind in {"PREP", "TO"} and _verb_follows(tokens, candidate + 1):
            return None
    return candidate if lexicon else None


def _verb_follows(tokens: list[Token], start: int) -> bool:
    for at in range(start, len(tokens)):
        token = tokens[at]
        if token.kind in {",", ";", "SUB", ":", "—"}:
            return False
        if token.kind in {"VD", "VZ", "BE", "HAVE", "MODAL"}:
            return True
        if token.kind == "VDN" and tokens[at - 1].kind in {"N", "NS", "NAME", "ADV", "PRON"}:
            return True
    return False


def _is_reduced(tokens: list[Token], candidate: int, at: int) -> bool:
    """Whether an earlier participle belongs to the subject: "the charge developed on it is"."""
    between = tokens[candidate + 1 : at]
    return tokens[candidate].kind == "VDN" and all(
        token.kind not in {",", "SUB", "CONJ", ";", ":", "PRON"} for token in between
    )


def _is_complement(tokens: list[Token], at: int) -> bool:
    return tokens[at - 1].kind in {"DET", "ADJ", "PREP", "NUM", "POSS", "CONJ", ",", "ADV"}


def _ambiguous(tokens: list[Token], candidate: int, at: int) -> bool:
    return tokens[candidate].kind == "VDN" and all(
        token.kind not in {"CONJ", ",", "SUB"} for token in tokens[candidate:at]
    )


def _is_subject(tokens: list[Token], start: int, stop: int) -> bool:
    if stop <= start or stop - start > 22:
        return False
    part = tokens[start:stop]
    while part and part[-1].kind == "ADV":
        part = part[:-1]
    if not part or part[-1].kind not in {"N", "NS", "NAME", "NUM", "VG"}:
        return False
    if part[0].kind in {"PREP", "TO", "SUB", "CONJ", "V", "VZ"}:
        return False
    if part[0].kind in {"VDN", "VN"} or part[0].lower in {"no", "neither", "either", "each"}:
        return False
    for before, token in zip([None, *part], part, strict=False):
        # "The first time a version is uploaded" holds two noun phrases side by side.
        if token.kind == "DET" and before is not None and before.kind not in _TAKES_NOUN:
            return False
        # "Long centuries Buddhism flourished": an adverbial before the subject.
        if token.kind == "NAME" and before is not None and before.kind == "NS":
            return False
        if token.kind == "TO" or (token.kind == "V" and before is not None and before.kind == "TO"):
            continue
        if token.kind in {",", ";", ":", "—", "–", "SUB", "PRON", "NEG", "V", "VZ", "VD",
                          "(", ")", "“", "”", '"', "=", "MODAL"}:  # fmt: skip
            return False
        if token.kind not in _NOMINAL | {"PREP", "CONJ", "-", "/", "&", "'", "’"}:
            return False
    heads = [token for token in part if token.kind in {"N", "NS", "NAME", "VG", "NUM"}]
    return bool(heads)


def _verbs(tokens: list[Token], finite: int) -> tuple[tuple[int, ...], int | None, bool]:
    at, found, negated = finite, [finite], False
    if tokens[finite].kind not in {"BE", "HAVE", "MODAL", "DO"}:
        return (), finite, False
    look = finite + 1
    while look < len(tokens):
        token = tokens[look]
        if token.kind == "NEG" or token.lower == "no":
            negated = True
        elif token.kind == "ADV" and token.lower not in {"about", "more", "less", "most"}:
            pass
        elif token.kind in {"BE", "HAVE"} and tokens[at].kind != "BE":
            found.append(look)
            at = look
        elif (
            (token.kind in {"VN", "VDN"} and tokens[at].kind in {"BE", "HAVE"})
            or (token.kind in {"V", "N"} and tokens[at].kind in {"MODAL", "DO"})
            or (token.kind == "VG" and tokens[at].kind == "BE")
        ):
            found.append(look)
            at = look
            break
        else:
            break
        look += 1
    if tokens[at].kind == "MODAL" or (tokens[at].kind == "DO" and len(found) == 1):
        return (), None, negated
    return tuple(found[:-1]), found[-1], negated


def _end(tokens: list[Token], start: int, *, active: bool) -> tuple[int, bool]:
    """Where the clause ends: before ", and it …", "; …", ", which …" or the full stop."""
    for at in range(start, len(tokens)):
        token = tokens[at]
        if token.kind in {";", ":", "—", "–", "?", "!"} or (token.text == "." and at >= start):
            return at, at >= len(tokens) - 1
        if token.text == ",":
            ahead = tokens[at + 1] if at + 1 < len(tokens) else None
            if ahead is None:
                return at, False
            listed = any(t.text == "," for t in tokens[start:at])
            if ahead.lower in _CLAUSE_WORDS or ahead.kind in {"VG", "SUB", "PRON"}:
                return at, False
            if ahead.kind == "CONJ" and (not listed or _holds_verb(tokens, at + 2)):
                return at, False
            if (ahead.kind == "DET" or ahead.text[0].isupper()) and _holds_verb(tokens, at + 1):
                return at, False
            if ahead.kind in {"PREP", "ADV", "VDN", "VN", "TO", "V", "VD", "BE", "MODAL", "HAVE"}:
                return at, False
        if token.kind == "CONJ" and at + 1 < len(tokens):
            if tokens[at + 1].kind in {"VD", "VZ", "BE", "HAVE", "MODAL", "PRON", "SUB"}:
                return at, False
            if active and tokens[at + 1].kind in {"VDN", "V"}:
                return at, False
            if (
                active
                and tokens[at + 1].kind == "ADV"
                and tokens[at + 2].kind in {"VDN", "VD", "VZ"}
            ):
                return at, False
            if _begins_clause(tokens, at + 1):
                return at, False
    return len(tokens), True


def _holds_verb(tokens: list[Token], start: int) -> bool:
    for token in tokens[start:]:
        if token.text in {",", ";", "."}:
            return False
        if token.kind in _MAYBE_FINITE:
            return True
    return False


def _begins_clause(tokens: list[Token], start: int) -> bool:
    """Whether "and the tank …" goes on with a verb of its own."""
    led = start < len(tokens) and tokens[start].kind in {"DET", "NAME"}
    for before, token in zip(tokens[start:], tokens[start + 1 : start + 12], strict=False):
        if led and token.kind == "VDN" and before.kind in {"N", "NS", "NAME"}:
            return True
        if token.kind in {"BE", "HAVE", "MODAL", "VD", "VZ", "DO"}:
            return True
        if token.text in {",", ";", "."} or token.kind == "SUB":
            return False
    return False


def _is_plural(tokens: list[Token], start: int, stop: int) -> bool:
    part = tokens[start:stop]
    for at, token in enumerate(part):
        if token.kind == "PREP":
            part = part[:at]
            break
    if any(token.kind == "CONJ" and token.lower == "and" for token in part):
        return True
    heads = [token for token in part if token.kind in {"N", "NS", "NAME"}]
    return bool(heads) and heads[-1].kind == "NS"


def is_determined(token: Token) -> bool:
    """Whether a token is an article or points like one."""
    return token.kind == "DET" or token.lower in w.DETERMINERS
