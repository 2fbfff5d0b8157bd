"""Whether a question can be understood by someone who sees no book.

Such a question points at no text, page or figure, opens with no pronoun that stands for
something unsaid, and names something to ask about.
"""

from __future__ import annotations

import re

from xpoll_dagster.writing.gates.word_lists import word_list

_ALWAYS = (
    r"(?:text|passage|paragraph|excerpt|extract|snippet|chapter|subsection|footnote|illustration)s?"
)
_OFTEN = (
    r"(?:section|document|report|article|paper|book|table|figure|diagram|chart|graph|appendix|"
    r"page|author|writer|narrator|speaker|study|equation|exercise|statement|sentence|list|memo|"
    r"note|handbook|manual)s?"
)
_NAMED = r"(?!\s+(?:titled|entitled|called|named|known as|of\b|on [A-Z“\"]|by [A-Z]|“|\"))"
_POINTS = re.compile(
    rf"\b(?:the|this|that|these|those|your|above|given|provided|following|preceding) "
    rf"(?:\w+ ){{0,1}}?{_ALWAYS}\b(?! of time)|"
    rf"\b(?:the|this|that|these|those) (?:(?:above|given|provided|following|preceding|previous|"
    rf"same|attached|accompanying|current|present|first|second|last|next) )?{_OFTEN}\b{_NAMED}|"
    rf"\b(?:this|that|these) {_OFTEN}\b|"
    r"\b(?:in|from|by|per|on|to|of) (?:the|this) (?:given |provided |above )?(?:source|context|"
    r"material|content)\b(?! of)|"
    r"\b(?:given|provided|supplied|above) (?:source|context|information|material|content|data)\b|"
    r"\b(?:according to|as (?:stated|described|mentioned|discussed|shown|given|noted|defined)"
    r"(?: \w+)? (?:in|by|above|below|here)|based on) (?:the|this) "
    r"(?:\w+ )?(?:text|passage|author|section|context|information|document|report|source|above|"
    r"table|figure|excerpt|description|data provided)|"
    r"\b(?:mentioned|described|listed|shown|discussed|given|stated|depicted|presented|outlined|"
    r"noted|illustrated|cited|referred to|referenced|indicated|displayed|quoted)"
    r" (?:above|below|here|earlier|previously|in (?:the|this) (?:\w+ )?(?:text|passage|table|"
    r"figure|section|report|document|list|chapter|book|excerpt|paragraph))\b|"
    r"\btable of contents\b|\bpage number\b",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    r"\b(?:[Ff]ig(?:ure|s|\.)?s?|[Tt]ables?|[Ss]ections?|[Cc]hapters?|[Pp]ages?|pp?\.|[Aa]ppendix|"
    r"[Ee]quations?|[Ee]qs?\.|[Pp]aragraphs?|[Ee]xercises?|[Rr]eferences?|[Pp]lates?)\s*"
    r"(?:\d|[IVXLC]+\b|[A-H]\b(?!\s[a-z]))"
)
_PRONOUN = r"(?:he|she|they|him|them|his|hers|her|their|theirs|its|it)"
_OPENING = re.compile(
    r"^\W*(?:he|she|it|they|this|that|these|those|his|her|its|their|here|there)\b", re.IGNORECASE
)
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_FUNCTION = frozenset(
    word_list(
        "who whom whose what when where why how which did does do was were is are has have had "
        "can could would will should may might must be been being in at on to by for of from "
        "with about during after before under until since into the a an and or not much many "
        "long far often old kind type sort way year day time date as than if whether also "
        "according so term completes word"
    )
)
_EXPLETIVE = re.compile(
    r"\bit (?:\w+ ){0,2}?(?:take|takes|took|taken|that|possible|impossible|important|necessary|"
    r"difficult|easy|hard|useful|known|believed|said|thought|expected|required|safe|true|called|"
    r"mean|means|better|common|likely|unlikely|best|essential|advisable|customary|be|been)\b|"
    r"\bit (?:is|was) \w+ (?:to|that|for)\b",
    re.IGNORECASE,
)
_DEMONSTRATIVE = re.compile(
    r"\b(?:this|these|those(?! (?:who|which|that|of|in|with|from|on|at|whose|made|used|for|found))|"
    r"such (?:a|an)|said|aforementioned|aforesaid)\s+\w+|"
    r"\bthe (?:former|latter|aforementioned|aforesaid|said|same (?:one|ones))\b",
    re.IGNORECASE,
)
_GENERIC = frozenset(
    word_list(
        "purpose result results experiment experiments process method methods main idea point "
        "topic subject title name author value values amount number reason cause effect issue "
        "problem thing things case example event events person people place location object "
        "item items system device answer question feature features characteristic outcome "
        "conclusion finding findings step steps stage phase role function difference following "
        "first second last third next entry total change information detail details data figure "
        "happen happened happens occurred occur used use made make given mentioned described "
        "discussed found important significance significant theme argument view opinion measure "
        "measurement unit approach technique procedure test situation condition status summary "
        "overview"
    )
)
_ABOUT_PLACES = re.compile(
    r"^\W*(?:in |at |on |see )?(?:the )?(?:section|appendix|figure|fig\.?|table|chapter|page|"
    r"reference|paragraph|volume)s?\b(?: \w+)?[\s\d.\-–A-Zivx]*\W*$",
    re.IGNORECASE,
)


def leaning(question: str, answer: str = "") -> str:
    """What a question leans on outside itself, in a few words; empty where it stands alone.

    Args:
        question: The question.
        answer: Its answer: one that is a place in a book makes the question one about it.
    """
    if _POINTS.search(question):
        return "points at a text or figure"
    if _NUMBERED.search(question):
        return "points at a numbered place"
    if answer and _ABOUT_PLACES.match(answer):
        return "asks for a place in the book"
    if _OPENING.match(question):
        return "opens with a pronoun"
    words = [word.lower() for word in _WORD.findall(question)]
    for place, word in enumerate(words[:8]):
        if re.fullmatch(_PRONOUN, word) and all(before in _FUNCTION for before in words[:place]):
            if word == "it" and _EXPLETIVE.search(question):
                break
            return "a pronoun stands for something unsaid"
    found = _DEMONSTRATIVE.search(question)
    # What an earlier sentence or clause of the question names, it may point back to.
    if found and not re.search(r"[.:;,“\"]", question[: found.start()]):
        return "points at something unsaid"
    content = [word for word in words if word not in _FUNCTION]
    if not any(word not in _GENERIC for word in content):
        return "names nothing to ask about"
    return ""
