"""A question that a rule proposes, and the sentence and book that rules look at."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from xpoll_dagster.writing.rules.language import words as w
from xpoll_dagster.writing.rules.language.clauses import Clause
from xpoll_dagster.writing.rules.language.lexicon import Lexicon
from xpoll_dagster.writing.rules.language.tagging import Token


@dataclass(slots=True)
class Candidate:
    """One proposed question. `answer` is a span of the sentence; `sentence` its ordinal."""

    template: str
    question: str
    answer: str
    sentence: int = 0
    chunk: int = 0
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Spelling:
    """How the batch spells its words inside sentences, and how many chunks hold each."""

    lower: Counter[str] = field(default_factory=Counter)
    capital: Counter[str] = field(default_factory=Counter)
    chunks: Counter[str] = field(default_factory=Counter)

    def is_name(self, word: str) -> bool:
        """Whether a capitalised word is mostly capitalised where it need not be."""
        lowered = word.lower()
        return self.capital[lowered] > self.lower[lowered]


@dataclass(frozen=True, slots=True)
class Context:
    """What rules know besides the clause: words, the batch's spelling, kinds of names."""

    lexicon: Lexicon
    spelling: Spelling
    n_chunks: int = 1
    kinds: Mapping[str, str] = field(default_factory=dict)
    """Kind of a name by its surface and by each of its words."""

    def is_person(self, tokens: list[Token]) -> bool:
        """Whether a phrase's head is a person or a people."""
        head = head_of(tokens)
        if head is None:
            return False
        if head.kind == "NAME" or head.text[0].isupper():
            return self.kinds.get(head.text, "") in {"PERSON", "NORP"}
        return self.lexicon.is_person(head.text)

    def is_thing(self, tokens: list[Token]) -> bool:
        """Whether a phrase's head is surely no person: "what" may ask for it."""
        head = head_of(tokens)
        if head is None:
            return False
        if head.kind == "NAME" or (head.text[0].isupper() and self.spelling.is_name(head.text)):
            known = self.kinds.get(head.text, "")
            return known in {"ORG", "LAW", "WORK_OF_ART", "EVENT", "LOC", "GPE"}
        topic = self.lexicon.topics.get(self.lexicon.noun_lemma(head.lower), "")
        return topic not in {"18", "14", "28", ""}

    def lowered(self, text: str) -> str:
        """A sentence's beginning as it reads inside a sentence."""
        first, _, _ = text.partition(" ")
        word = first.strip("“\"‘'(,")
        core = word.split("'")[0].split("’")[0].split("-")[0]
        if len(core) > 1 and core[1:] != core[1:].lower():
            return text
        if core == "I" or (len(core) == 1 and core != "A"):
            return text
        if core.lower() in _CLOSED and core not in _ARTICLE_WORDS:
            return text.replace(word[0], word[0].lower(), 1)
        second = text.split()[1] if " " in text else ""
        if second[:1].isupper() and core not in _ARTICLE_WORDS:
            return text
        if self.kinds.get(core, "TERM") != "TERM" and not self.spelling.lower[core.lower()]:
            return text
        if self.spelling.is_name(core) and core not in {"The", "A", "An"}:
            return text
        known = self.spelling.lower[core.lower()] or self.lexicon.knows(core.lower())
        if not known and core.lower() not in _ARTICLES:
            return text
        return text.replace(word[0], word[0].lower(), 1)


_CLOSED = w.PREPOSITIONS | w.SUBORDINATORS | w.DETERMINERS | w.ADVERBS
_ARTICLE_WORDS = frozenset({"The", "A", "An", "All", "Some", "Every", "Most", "Many", "Several"})
_ARTICLES = frozenset({"the", "a", "an", "all", "some", "each", "every", "most", "many", "several"})


def head_of(tokens: list[Token]) -> Token | None:
    """The head noun of a noun phrase: its last noun before the first preposition."""
    head = None
    for token in tokens:
        if token.kind in {"PREP", "TO", "SUB"} and head is not None:
            break
        if token.kind in {"N", "NS", "NAME", "VG"}:
            head = token
        elif token.kind in {"VDN", "VN", "CONJ", ","} and head is not None:
            break
    return head


def in_question(clause: Clause, context: Context, rest: str, *, subject: str = "") -> str:
    """Verbs and subject turned round for a question, with what is left of the rest.

    "was the lunar module jettisoned", "did Newton publish the Principia".
    """
    subject = subject or context.lowered(clause.text(*clause.subject))
    tokens, finite = clause.tokens, clause.finite
    token = tokens[finite]
    if clause.auxiliaries or clause.copular:
        first = token.text.lower()
        after = words_of(clause, finite + 1, clause.verb + 1) if clause.auxiliaries else ""
        return " ".join(part for part in (first, subject, after, rest) if part)
    lemma = context.lexicon.verb_lemma(token.lower) or token.lower
    if token.kind in {"VD", "VDN", "VN"} or token.lower == "had":
        do = "did"
    else:
        do = "do" if clause.plural else "does"
    if token.kind == "HAVE":
        lemma = "have"
    between = words_of(clause, finite + 1, clause.verb)
    rest = _LINKING.sub("", rest)
    return " ".join(part for part in (do, subject, between, lemma, rest) if part)


def words_of(clause: Clause, start: int, stop: int) -> str:
    """The verbs of a range without words that link a sentence to the one before."""
    return " ".join(_LINKING.sub("", clause.text(start, stop) + " ").split())


_LINKING = re.compile(
    r"^(?:thus|therefore|also|then|however|hence|consequently|accordingly|likewise|already|indeed|"
    r"similarly|again|, however,|, therefore,|subsequently) |"
    r"(?<= )(?:thus|therefore|also|then|however|hence|consequently|likewise|already|subsequently) "
)


_ASKED_ALIKE = (
    ("For what purpose", "Why", "For what purpose", "To what end"),
    ("In what year", "In which year", "In what year"),
    ("Which term completes the statement", "Which term completes this statement:",
     "What term is missing from the statement", "Which word or phrase completes the statement"),
    ("Which name completes the statement", "Which name is missing from the statement"),
    ("The name of which place completes the statement",
     "Which place is missing from the statement"),
)  # fmt: skip


def varied(question: str, answer: str) -> str:
    """The question with its opening words said in one of several ways, by hash."""
    for plain, *others in _ASKED_ALIKE:
        for before, after in ((plain, others), (plain[0].lower() + plain[1:], others)):
            if before in question:
                number = int.from_bytes(
                    hashlib.sha256((question + answer).encode()).digest()[:4], "big"
                )
                choices = [plain, *after]
                chosen = choices[number % len(choices)]
                chosen = chosen if before[0].isupper() else chosen[0].lower() + chosen[1:]
                return question.replace(before, chosen, 1)
    return question


def opened(clause: Clause, question: str) -> str:
    """A question after the clause's opening, if that says something by itself."""
    if clause.opening is None:
        return question
    text = clause.text(*clause.opening)
    tokens = clause.tokens[clause.opening[0] : clause.opening[1]]
    if re.search(
        r"\b(?:this|that|these|those|such|it|he|she|they|him|them|here)\b", text, re.IGNORECASE
    ):
        return question
    if tokens[0].lower in {"like", "unlike", "besides", "despite", "as"}:
        return question
    if len(tokens) > 10 or (tokens[0].kind == "ADV" and len(tokens) < 3):
        return question
    return f"{text}, {question}"
