"""What keeps a sentence from being asked about, and a question from being asked."""

from __future__ import annotations

import re

from xpoll_dagster.books.concepts.words import word_set
from xpoll_dagster.writing.prose import fault, is_balanced
from xpoll_dagster.writing.rules.asking.candidate import Candidate, Context
from xpoll_dagster.writing.rules.language import words as w

GAP = "____"
"""What stands for the word left out."""
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_MISREAD = re.compile(
    r"\b[lIO]\d|\d[lIoO]\b|\d[lIoO]\d|\b[oO]\.\d|\b\d+[.,]?[lo]\d*\b|[^\x00-\x7f]{3}|\bl\b|\d "
    r"\d(?!\d\d(?!\d))|"
    r"[\\^$_{}|~=<>]|[©®™¢¥§¶†‡•■□�]|\.{2,}|[a-z][A-Z]|https?:|www\.|\S@\S|\s[,.;:?]|[-–—]\s|"
    r"\s[-–—]"
)
_POINTING = re.compile(
    r"\b(?:this|these|those|such|he|she|it|they|we|us|him|them|former|latter|above|aforesaid|"
    r"I|you|your|our|my|me|here|there|thereof|therein|thereby|foregoing|same(?! (?:\w+ )?(?:as|"
    r"time)\b)|other|others|"
    r"the following|the preceding|the previous|the next|first two|another|below|now|today|"
    r"similar(?! to)|similarly|likewise|said|mentioned|so(?! (?:as|that)\b)|instead|else|hence|"
    r"last-named|first-named|above-named|both|either|neither|respectively|respective|thus|"
    r"therefore|however|one)\b",
    re.IGNORECASE,
)
_POINTING_ANSWER = re.compile(
    r"\b(?:this|these|those|such|he|she|it|they|we|him|them|us|you|your|our|former|latter|"
    r"that [A-Z]\w+|do so|did so|above|aforesaid|I|my|me|here|thereof|foregoing|the following|"
    r"the preceding|below)\b"
)
_REFERENCE = re.compile(
    r"\b(?:fig(?:ure|s|\.)|tables?|equations?|eqs?\.|sections?|chapters?|appendix|volumes?|pages?|"
    r"exercises?|examples?|problems?\s\d|footnotes?|reference|references|paragraphs?|listing|"
    r"procedure shown|the (?:reader|author|student|text|book|present work|diagram|formula|"
    r"cases|case(?=$|\s(?:is|was|of))|result|results|question|problem|point|matter|way|thing|"
    r"fact|situation|process|"
    r"following|above|example|answer|reason|idea|latter|former|rest|remainder|other|others|"
    r"same|proof|theorem|expression))\b",
    re.IGNORECASE,
)
_EMPTY_SUBJECT = re.compile(
    r"^(?:(?:the|a|an)\s+)?(?:\w+\s+)?(?:thing|fact|case|result|point|question|problem|answer|"
    r"reason|way|idea|example|method|process|matter|work|book|effect|anomaly|discussion|"
    r"analysis|tests?|testing|results|findings|reports?|data|value|values|number|one|ones|most|"
    r"some|all|many|man|men|people|part|parts|others?|others|author|writer|reader|system|procedure|"
    r"former|latter)$",
    re.IGNORECASE,
)
_HANGING = re.compile(
    r"\b(?:so that|that|than|as|the|an?|and|or|if|until|while|when|of|by|during|at|in|on|to|for|"
    r"from|with|into|its|their|his|about|after|before|which|but|be|then)\?$"
)
_LATER = re.compile(r"\b(?:later|earlier|thereafter|afterwards?)$")
_ANCHORED = re.compile(r"\b(?:after|following|before|since|from|prior to)\b", re.IGNORECASE)
_TWO_SUBJECTS = re.compile(r"^Which (?:\w+ ){1,2}\w+ed and (?:the|an?|its|their)\b")
_CUT_ANSWER = re.compile(
    r"\b(?:that|which|who|of|the|an?|and|or|to|in|is|was|are|were|as|than|by|with|for|non-\w+)$"
)
_NAMES_SOMEBODY = frozenset({"who did", "relative", "agent", "gap"})
_SAYS_LITTLE = word_set(
    """
    final general first second third new old problem solution method way case initial resulting
    same certain system systems procedure process version type complete main particular
    """
)
_TWO_VERBS = re.compile(
    r"\b(?:does|did)\b(?!.*\b(?:that|which|who|when|what|where|wherever|how|because|while|after|"
    r"before|until|if|than|as)\b).*\b(?:is|are|was|were)\b|\bwhat are an?\b",
    re.IGNORECASE,
)
_MAY_HANG = frozenset({"relation", "composition", "use", "naming", "meaning", "gap"})
_SHORT_QUESTIONS = frozenset({"definition", "meaning", "who is", "apposition", "acronym", "naming"})
_TIME_ANSWERS = frozenset({"event time", "relative time", "duration", "period"})
_NOUN_ANSWERS = frozenset(
    {"object", "what did", "what was", "which", "relation", "cause of", "identity", "agent"}
)
FUNCTION_WORDS = (
    w.DETERMINERS | w.PRONOUNS | w.PREPOSITIONS | w.SUBORDINATORS | w.COORDINATORS | w.BE | w.HAVE
    | w.DO | w.MODALS | w.NEGATIONS | w.ADVERBS
)  # fmt: skip


def content_words(text: str) -> list[str]:
    """The words of a text, in lower case, that are neither grammar nor single letters."""
    return [
        word
        for word in (found.lower() for found in re.findall(r"[^\W_]+(?:[-'’.][^\W_]+)*", text))
        if word not in FUNCTION_WORDS and (len(word) > 1 or word.isdigit())
    ]


def sentence_fault(sentence: str) -> str:
    """Why nothing is asked about a sentence; empty where something may be."""
    words = sentence.split()
    if not 6 <= len(words) <= 45:
        return "too short or too long"
    if not sentence[0].isupper() or not sentence.rstrip().endswith((".", ";")):
        return "is no whole sentence"
    if not is_balanced(sentence) or sentence.count('"') % 2:
        return "has unbalanced brackets or quotation marks"
    if re.search(r"[“”\"]", sentence):
        return "quotes somebody"
    if re.search(
        r"\b(?:if|unless|suppose|suppose that|let us|assume|would have)\b", sentence, re.IGNORECASE
    ):
        return "is conditional"
    if sum(len(word) < 3 and not word.isalnum() for word in words) > 0.2 * len(words):
        return "is a table's debris"
    return ""


def question_fault(candidate: Candidate, context: Context) -> str:
    """Why a proposed question is not asked; empty where it may be."""
    question, answer = candidate.question, candidate.answer
    n_words, n_answer = len(question.split()), len(answer.split())
    short = candidate.template in _SHORT_QUESTIONS
    if not (4 if short else 5) <= n_words <= 32 and candidate.template != "gap":
        return "question too short or too long"
    if not 1 <= n_answer <= 25:
        return "answer too short or too long"
    body = re.sub(r"^(?:In|At|On|For|To|By|How|What|Which|Who|When|Where|Why)\b", "", question)
    # "until the pressure was so low that it …" points to what the question itself names.
    body = re.sub(r"(?<=\w{4} )(that|when|until|because|before|after|as|while) it\b", r"\1", body)
    if _POINTING.search(body) or _POINTING_ANSWER.search(answer):
        return "points outside itself"
    if _REFERENCE.search(body) or re.search(
        r"\b(?:fig(?:ure|s|\.)|table|equation|section|chapter|appendix)\b", answer, re.IGNORECASE
    ):
        return "points to a place in the book"
    for text in (question.replace(GAP, "it"), answer):
        if _MISREAD.search(text) or not is_balanced(text):
            return "holds misread words or symbols"
        if any(is_suspicious(word, context) for word in _WORD.findall(text)):
            return "holds unknown words"
    reading = fault(question.replace(GAP, "something"))
    if reading and reading != "too short":
        return reading
    if fault(f"The true answer is {answer.rstrip('.')}.") not in {
        "",
        "is mostly symbols or figures",
    }:
        return "answer is damaged"
    if re.search(r"\b(?:his|her)\b", question) and candidate.template not in _NAMES_SOMEBODY:
        return "points outside itself"
    if _TWO_VERBS.search(question) or re.search(r"\. [a-z]\b", question):
        return "is no sentence"
    if re.search(r", (?:right|too|also)\?$", question):
        return "is cut short"
    if _CUT_ANSWER.search(answer) or re.search(r"\bin \d+\.\d", answer):
        return "answer is cut short"
    if _LATER.search(answer) and not _ANCHORED.search(question):
        return "points outside itself"
    if re.match(r"(?:[^?]*, )?when\b", question, re.IGNORECASE) and answer.startswith("until "):
        return "asks when and answers how long"
    if _TWO_SUBJECTS.match(question):
        return "is no sentence"
    if _HANGING.search(question) and candidate.template not in _MAY_HANG:
        return "is cut short"
    if re.search(r"\b(?:not|never|nor|cannot)\b", question):
        return "is negated"
    if re.search(r", (?:The|A|An|It|He|They|But|And)\b", question.removeprefix("In ")):
        return "runs two sentences together"
    if re.search(r", (?:the|an?|its|their) (?:(?!\b(?:and|or)\b)[^,])*\?$", question[20:]):
        return "is cut short"
    if candidate.template in _TIME_ANSWERS and (
        re.search(r"\band \w+ed\b|.\b(?:because|owing to|due to)\b", answer)
        or re.match(r"(?:when|while) \w+(?:ed|ing|en)\b", answer, re.IGNORECASE)
    ):
        return "answer runs on"
    if candidate.template in _NOUN_ANSWERS and not _says_enough(answer):
        return "answer says too little"
    if _contains(question, answer):
        return "gives the answer away"
    if len(set(content_words(question))) < (1 if short else 3):
        return "too vague"
    return ""


def _says_enough(answer: str) -> bool:
    if re.match(
        r"(?:its|their|his|her|no|every|any|each|one|that|considerable|great|much|more|some|"
        r"little|further|many|several|most|certain|various|an? (?:great|new|good|large|"
        r"certain|number|considerable|similar|further|few|little))\b",
        answer,
        re.IGNORECASE,
    ):
        return False
    words = [word for word in content_words(answer) if word not in _SAYS_LITTLE]
    return len(words) > 1 or bool(re.search(r"\b[A-Z][a-z]+", answer[1:])) or len(answer) > 14


def is_specific(subject: str, context: Context) -> bool:
    """Whether a subject says what it means without the text around it."""
    if _POINTING.search(subject) or _EMPTY_SUBJECT.match(subject):
        return False
    if re.search(r"\b(?:his|her|its|their|our|my|your)\b", subject, re.IGNORECASE):
        return False
    words = content_words(subject)
    if re.match(
        r"(?:\d|two|three|four|five|six|seven|eight|nine|ten|several)\b", subject, re.IGNORECASE
    ):
        return False
    if subject.lower().startswith("the ") and len(words) < 2:
        # What a tenth of the chunks speak of is known wherever the book is.
        known = bool(words) and context.spelling.chunks[words[0]] > max(3, 0.1 * context.n_chunks)
        return known or bool(re.match(r"[Tt]he [A-Z]", subject))
    return bool(words)


def is_suspicious(word: str, context: Context) -> bool:
    """Whether a word looks misread: in no dictionary, and hardly ever in the book."""
    word = re.sub(r"['’]s?$", "", word)
    if len(word) < 3 or not context.lexicon:
        return False
    lower = word.lower()
    if word[0].isupper():
        return False
    if lower in FUNCTION_WORDS or context.lexicon.knows(lower) or "'" in word or "’" in word:
        return False
    stem = re.sub(
        r"^(?:re|un|pre|post|non|de|inter|sub|over|under|co|anti|multi|mis|out)(?=\w{4})", "", lower
    )
    stem = re.sub(r"(?:ized|izes|izing|ization)$", "ize", stem)
    if stem != lower and context.lexicon.knows(stem):
        return False
    return context.spelling.chunks[lower] < 3


def _contains(question: str, answer: str) -> bool:
    asked = " ".join(re.findall(r"\w+", question.lower()))
    words = re.findall(r"\w+", answer.lower())
    if f" {' '.join(words)} " in f" {asked} ":
        return True
    content = set(content_words(answer))
    return bool(content) and content <= set(content_words(question))
