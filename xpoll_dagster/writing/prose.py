"""Which sentences are clean, complete prose that can be quoted, and what speaks against others.

A sentence is only judged here, never mended: a quotation must be verbatim.
"""

from __future__ import annotations

import re
from functools import lru_cache

_LETTER = r"A-Za-zÀ-ÖØ-öø-ÿĀ-ž"
_WORDLIKE = re.compile(
    rf"^[(\[“\"‘'*_]*(?:[{_LETTER}]+(?:['’.\-–][{_LETTER}]+)*[’']?|[£$€]?\d[\d,.:/–\-]*"
    rf"(?:st|nd|rd|th|s)?%?|[—–-]|[&])[*_]*[.,;:!?)\]”\"’'*_…—–]*$"
)
_CLOSED = re.compile(r"[.!?…][)\]”\"’'*_]*$")
_OPENS = re.compile(r"^[(“\"‘'*_]*[A-ZÀ-ÖØ-ÞĀ-Ž]")
_ABBREVIATED = re.compile(
    r"(?:^|[\s(])(?:[A-Z]|Mr|Mrs|Dr|St|Prof|Rev|Sir|Fig|Figs|No|Nos|Vol|pp?|cf|vs|viz|ca|Eq|Eqs|"
    r"Sec|Ch|Art|Gen|Capt|Col|Lt|Jr|Sr|ed|eds|approx|Ex|Th|Prop|Ibid|ibid|op|i\.e|e\.g)\.$"
)
_NOTE_MARK = re.compile(
    r"\[\^?\w{0,6}\d+\]|\[\d+(?:[,–-]\d+)*\]|[¹²³⁰⁴-⁹†‡§¶]|[a-z]{2,}[.,;:]?[\"”’)]?\d{1,3}(?=\s|$)"
)
_MATHS = re.compile(r"[=+<>^_\\{}|~∑∫∏√≤≥≠≈×÷∞∂∈∀∃→⇒±·∘∪∩⊂�□■●•▪◦]|\$")
_POINTER = re.compile(
    r"\b(?:fig(?:ure|s|\.)|tables?\s+\d|equations?|eqn?s?\.|exercises?|problem\s+\d|theorem\s+\d|"
    r"lemma\s+\d|proposition\s+\d|section\s+\d|chapters?|appendix|footnote|page\s+\d|pp?\.\s?\d|"
    r"see also|as follows|shown (?:above|below|here)|the (?:above|following|preceding|diagram|"
    r"accompanying|next section|last section)|plate [ivxlc\d])\b",
    re.IGNORECASE,
)
_TASK = re.compile(
    r"^(?:Show that|Prove|Find|Compute|Calculate|Verify|Determine|Explain|Describe|Discuss|"
    r"Compare|Consider|Suppose|Let|Write|Draw|State|Use|Give|Estimate|Solve|Define|List|Name|"
    r"Worked example|Exercise|Problem|Example|Solution|Answer|Hint|"
    r"Definition \(|Theorem|Lemma|Proof)"
    r"\b"
)
_FOREIGN = re.compile(r"https?://|www\.|\S@\S+\.\w|<[a-zA-Z/]|�|[\x00-\x08\x0b-\x1f]")
_CAPITALS = re.compile(r"(?:\b[A-Z]{3,}\b[\s,.]*){3,}")
_LISTED = re.compile(r"^\s*(?:[•▪●◦*+-]\s|\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{2,5})[.)]\s)")
_LEANING = re.compile(
    r"^[“\"‘'(]*(?:he|she|it|they|this|these|that|those|such|his|her|its|their|them|him|but|and|or|"
    r"nor|so|yet|then|thus|hence|therefore|however|moreover|furthermore|besides|nevertheless|"
    r"nonetheless|accordingly|consequently|similarly|likewise|conversely|otherwise|instead|still|"
    r"also|again|both|either|neither|another|others?|here|there(?!\s+(?:is|are|was|were)\b)|"
    r"the (?:latter|former|other|others|same|second|third|result|results|reason|rest|two|"
    r"first|last|whole)|in (?:this|that|these|such|both|each|all|the same|the latter|the former|"
    r"other words|particular|fact|contrast|addition)|for (?:this|that|these|instance|example)|"
    r"on the (?:other|contrary|same)|at (?:this|that|the same|first|last)|as a result|of these|"
    r"from (?:this|these|that|such)|by (?:this|these|that|contrast)|to (?:this|these|do|use)|"
    r"with (?:this|these|that)|after (?:this|that)|one of (?:these|them)|some of (?:these|them)|"
    r"all (?:this|these|of)|each|indeed|finally|next|secondly|thirdly|now|soon|later|afterwards|"
    r"meanwhile|nor|what|which|who|we|our|you|your|i|my|me|let us|twice|half)\b",
    re.IGNORECASE,
)
_RUN_IN_HEADING = re.compile(
    r"^(?:[A-Z][\w’'-]*\s+(?:(?:of|and|the|a|an|in|on|for|to|by|from|with)\s+){0,2}){5,}"
)
_STRAY_MARK = re.compile(r"[.?!][!?,;:](?=\s|$)|[,;:]{2,}")
_POINTING_BACK = re.compile(
    r"\s(?:he|she|they|his|her|their|him|them|thereupon|therefore|thus|however|this|these|such)\b"
)
_BROKEN_SPACING = re.compile(
    r"\s[,.;:!?)](?=\s|$)|\(\s|[a-z][.,;:][A-Za-z]{2,}|\s-\s?[a-z]|[a-z]-\s[a-z]"
)
_MIXED_CASE = re.compile(r"\b(?!Mc|Mac|De|Di|La|Le|Van|O['’])[A-Za-z]*[a-z][A-Z][a-z]")
_LETTER_DIGIT = re.compile(
    r"\b(?=[a-z]*\d)(?!\d+(?:st|nd|rd|th|s|d|m|km|kg)\b)[a-z]*\d[a-z\d]*[a-z]+\b"
)
_PAIRS = {"(": ")", "[": "]", "“": "”"}


def is_balanced(text: str) -> bool:
    """Whether brackets and double quotation marks that open also close, in order."""
    stack: list[str] = []
    for character in text:
        if character in _PAIRS:
            stack.append(_PAIRS[character])
        elif character in _PAIRS.values() and (not stack or stack.pop() != character):
            return False
    return not stack and text.count('"') % 2 == 0


def ends_sentence(text: str) -> bool:
    """Whether a text ends as a sentence does, not in an abbreviation or in mid-air."""
    text = text.rstrip()
    return bool(_CLOSED.search(text)) and not _ABBREVIATED.search(text)


def leans_on_context(sentence: str) -> bool:
    """Whether a sentence opens with words that point back (he, this, however, about 1665 he)."""
    if _LEANING.match(sentence):
        return True
    pointing = _POINTING_BACK.search(sentence)
    return pointing is not None and not re.search(r"\s[A-Z]", sentence[: pointing.start()])


@lru_cache(maxsize=65_536)
def fault(sentence: str, max_words: int = 70) -> str:
    """What keeps a sentence from being quoted, in a few words; empty where nothing does.

    Args:
        sentence: One sentence with white space folded.
        max_words: More words than this are taken for a splitting error.
    """
    words = sentence.split()
    if len(words) < 4:
        return "too short"
    if len(words) > max_words:
        return "too long"
    if not _OPENS.match(sentence) or _LISTED.match(sentence):
        return "does not begin as a sentence"
    if not ends_sentence(sentence):
        return "does not end as a sentence"
    if _FOREIGN.search(sentence):
        return "holds an address, markup or unreadable characters"
    if _NOTE_MARK.search(sentence):
        return "holds a note mark"
    if len(_MATHS.findall(sentence)) >= 2:
        return "is mostly formula"
    if _POINTER.search(sentence):
        return "points to a figure, table or place in the book"
    if _TASK.match(sentence):
        return "is an exercise, an example or a proof"
    if _CAPITALS.search(sentence) or _RUN_IN_HEADING.match(sentence):
        return "holds a heading"
    if not is_balanced(sentence):
        return "has unbalanced brackets or quotation marks"
    if _STRAY_MARK.search(sentence):
        return "holds stray marks"
    if _BROKEN_SPACING.search(sentence) or _MIXED_CASE.search(sentence):
        return "has broken spacing"
    if _LETTER_DIGIT.search(sentence):
        return "mixes letters and digits"
    bare = [word.strip("()[]“”\"‘’'.,;:!?*_—–") for word in words]
    single = sum(len(word) == 1 and word not in "aAIO&" and not word.isdigit() for word in bare)
    digits = sum(word.isdigit() for word in bare)
    if single > max(1, 0.06 * len(words)) or digits > max(3, 0.2 * len(words)):
        return "is mostly symbols or figures"
    if sum(bool(_WORDLIKE.match(word)) for word in words) < 0.9 * len(words):
        return "holds characters that are no words"
    letters = [word for word in bare if word.isalpha()]
    if any(len(word) > 28 for word in letters) or any(
        word.islower() and len(word) > 3 and not re.search(r"[aeiouyà-ÿ]", word) for word in letters
    ):
        return "holds misread words"
    if not letters or not 2.8 <= sum(map(len, letters)) / len(letters) <= 8.5:
        return "holds misread words"
    return ""
