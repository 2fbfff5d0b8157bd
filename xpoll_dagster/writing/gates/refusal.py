"""Whether a model answered with talk about its task instead of the text asked for.

What is looked for is the voice, not a list of sentences seen: a writer who speaks as "I",
who asks somebody for a text, who says what "the text" is or lacks, or who announces what
comes. What the source itself says ("this passage", "please") is no evidence, so every
finding is checked against it.
"""

from __future__ import annotations

import re

# What a model calls the text it was given; the wider set only beside "provided" and the like.
_DOCUMENT = r"(?:text|passage|paragraph|excerpt|snippet|extract)s?"
_ANYTHING = (
    r"(?:text|passage|paragraph|excerpt|snippet|extract|sentence|statement|input|content|phrase|"
    r"prompt|wording|fragment|writing|material|information|context|document|section|values?)s?"
)
_REWRITE = r"(?:paraphras|rephras|reword|rewrit|re-writ)\w*"
_VERSION = (
    rf"(?:{_REWRITE}|version|summary|explanation|breakdown|retelling|rendition|rendering|overview|"
    r"simplification|translation|attempt|outline)s?"
)
_ABLE = (
    r"(?:see|find|have|provide|rewrite|paraphrase|rephrase|reword|summari[sz]e|assist|help|"
    r"fulfil+|comply|continue|understand|know|recogni[sz]e|access|identify|locate|determine|"
    r"generate|create|produce|make|give|offer|answer|proceed|complete|do|write|work|translate|"
    r"think|believe|notice|need|require|engage|discuss|share|verify|confirm|be|browse|open|read)"
)

_WRITER = (
    r"\bI(?:['’]m| am)\s+(?:so |very |really |truly |currently |still |just |only )?(?:sorry|"
    r"afraid|unable|not|ready|happy|glad|pleased|here|an? (?:\w+ )?(?:AI|model|assistant|"
    r"chatbot)|going|having|unsure|sure|curious|designed|programmed|trained|assuming)\b|"
    r"\bI (?:can|could|do|did|will|would|wo|might|must|should|may|ca)(?:n['’]t|not| not|['’]t)?"
    rf"(?: \w+)? {_ABLE}\b|"
    r"\bI['’](?:d|ll|ve) (?:be|need|like|love|do|try|have|been|provide|gladly|suggest|assume|"
    r"rewrite|rewritten|made|kept|rephrase|paraphrase|help|happily|tried)\b|"
    rf"\bI (?:have|had|ve) (?:no|not|simplified|summari[sz]ed|{_REWRITE})\b|"
    r"\bI (?:need|require|notice|noticed|assume|understand|apologi[sz]e|must decline|decline|"
    r"cannot|can['’]t|won['’]t|don['’]t|couldn['’]t)\b|"
    r"\bmy (?:apologies|training|guidelines|capabilit\w+|programming)\b|"
    r"\bas an? (?:\w+ )?(?:AI|artificial intelligence|language model|LLM)\b|"
    r"\bas an? (?:\w+ )?assistant, I\b|\b(?:AI|large) language model\b|"
    r"\b(?:sorry|apologies)\b[,.!]|"
    rf"^\W*(?:sorry|apologies|unfortunately|regrettably)\b[^.]{{0,80}}\b(?:{_DOCUMENT}|{_REWRITE}|"
    r"request)\b|"
    r"\b(?:unable|not able|impossible|not possible) to (?:\w+ )?(?:paraphrase|rephrase|reword|"
    r"rewrite|fulfil+|assist|comply)\b"
)
_ASKS = (
    r"\b(?:please|kindly)\s+(?:do\s+)?(?:provide|share|supply|send|paste|specify|clarify|give|let|"
    r"feel|tell|input|try again|upload)\b|"
    r"\b(?:could|can|would|will) you (?:please |kindly |perhaps |also )?(?:provide|share|supply|"
    r"send|paste|specify|clarify|give|tell|confirm|elaborate)\b|"
    r"\bif you (?:could|can|would|have|want|need|['’]d like|provide|share|give|let|meant|"
    rf"intended|wish)\b[^.]{{0,90}}\b(?:I|me|context|{_DOCUMENT}|{_REWRITE})\b|"
    r"\byou(?:['’]d| would)? (?:like|want|wish|need) (?:me|us) to\b|"
    r"\byou(?:['’]ve| have)? (?:just )?(?:provided|shared|pasted|requested|submitted|supplied)\b|"
    rf"\byour (?:request|message|prompt|query|{_DOCUMENT})\b|"
    r"\b(?:feel free to|let me know|don['’]t hesitate to|(?:happy|glad) to (?:help|assist)|"
    r"how (?:can|may) I (?:help|assist)|do my best to)\b"
)
_OF_THE_TEXT = (
    rf"\b(?:provided|given|supplied|submitted|pasted) (?:\w+ )?{_ANYTHING}\b|"
    rf"\b(?:the|this|that|any|no|of)(?: \w+)? (?:original|source|input|above|following|presented) "
    rf"{_DOCUMENT}\b|"
    rf"\b{_ANYTHING} (?:(?:is|was|are|were|has been|have been|you) )?(?:not )?(?:provided|supplied|"
    r"given to me|too short|too brief)\b|"
    rf"\b(?:{_DOCUMENT}|context|input) (?:is|was|are|were|seems?|appears?(?: to be)?) (?:not )?"
    r"(?:missing|incomplete|insufficient|unclear|empty|blank|truncated|cut off|included|"
    r"available)\b|"
    rf"\b(?:no|any|without|needs?|needed|more|enough|insufficient|additional|further|actual|complete|"
    rf"full) (?:\w+ )?(?:{_DOCUMENT}|context|information|content) (?:\w+ ){{0,3}}?(?:to (?:be )?)?"
    r"(?:rewrit\w+|paraphras\w+|rephras\w+|reword\w*|summari[sz]\w+|provided|given|supplied|"
    r"work with)\b|"
    r"\b(?:no|without|more|enough|insufficient|additional|further|lacks?|limited) context\b|"
    r"\btoo (?:short|brief|vague|limited|incomplete|ambiguous|fragmented|unclear) (?:to|for)"
    r" (?:be |provide |allow |a |any |me )?(?:\w+ ){0,2}(?:rewrit\w+|paraphras\w+|rephras\w+|"
    r"reword\w*|summar\w+|expan\w+|version|simplif\w+|elaborat\w+)\b|"
    r"\bnothing (?:here |else )?to (?:rewrite|paraphrase|rephrase|summari[sz]e|work)\b|"
    rf"\b(?:this|the|these) (?:short |single |brief |entire |whole )?{_DOCUMENT}"
    r" (?:\w+ly )?(?:is|are|was|were|appears?|seems?|looks?|refers?|describes?|discusses|provides?|"
    r"outlines?|explains?|states?|mentions?|presents?|lists?|talks?|contains?|does|doesn['’]t|"
    r"highlights?|details?|says?|consists?|lacks?|means?|suggests?|indicates?|introduces?|covers?|"
    r"summari[sz]es?|focuses|emphasi[sz]es?|shows?|gives?|reports?|notes?|defines?|concerns?|"
    r"tells?|reads?|can be|could be|may be|might be)\b|"
    rf"\b(?:in|from|of|by|with) (?:the|this) {_DOCUMENT}(?=[.,;:]|$)|"
    rf"\b(?:it|this) (?:appears|seems|looks)(?: to be|(?: like| as if| that))? "
    rf"(?:there(?: is|['’]s)? no|you|(?:the|this|your) (?:\w+ )?{_DOCUMENT}|an? (?:\w+ ){{0,2}}"
    r"(?:fragment|heading|title|"
    r"caption|label|list|table|code|identifier|reference|section|header|footnote|figure))\b|"
    r"\b(?:can|could)(?:no|n['’])t (?:be )?(?:paraphrased|rewritten|rephrased|reworded)\b"
)
_ANNOUNCES = (
    rf"\b(?:here['’]?s|here (?:is|are)|below (?:is|are)|following is)\s"
    rf"(?:\S+\s){{0,8}}?{_VERSION}\b"
    r"(?=[^.!?\n]{0,120}(?::|\n|\.?\s*$))|"
    rf"\bthis is (?:an?|the|my) (?:\w+ ){{0,3}}{_REWRITE}\b|"
    r"\A\W*(?:sure|certainly|of course|absolutely|okay|ok|alright|gladly|understood|no problem|"
    r"great|got it|with pleasure)\s?(?:[,!:]|\. |thing)|"
    rf"\A\W*(?:\w+ ){{0,3}}{_VERSION}(?: \w+){{0,3}}\s?\**\s?:|"
    r"\A\W*(?:output|answer|response|result|style|tone|note|title|task|text|original|short|medium|"
    r"long|formal|input)(?: \w+){0,2}\s?\**\s?:|"
    r"\b(?:paraphrased|rewritten|rephrased|reworded|simplified) (?:version|explanation)s?\b|"
    r"\b(?:paraphrased|rephrased|reworded) (?:text|passage|paragraph)s?\b|"
    r"\A[^.\n]{0,120}\bin (?:a|my|your|other|simpler|simple|plain|clear|different)"
    r"(?: \w+,?){0,4} (?:way|tone|style|manner|words|terms|language|format)\s?:|"
    r"\b(?:paraphras|rephras)(?:e|es|ed|ing)\b|"
    rf"\b(?:this|the above|my) {_VERSION} (?:maintains|preserves|keeps|retains|conveys|captures|"
    r"aims)\b"
)
_LEAKS = (
    r"<\|[a-z_]+\|>|\[/?INST\]|</?s>|<<SYS>>|^\s*#{1,4} ?(?:instruction|response|input|output|"
    r"task|paraphrase|context)\b|^\s*(?:human|user|assistant|system)\s*:|\A\s*\{\s*\"|"
    r"```(?:json|text)?\s*\{|\[(?:insert|your|placeholder|text|name of|topic)\b[^\]]*\]|"
    r"</?(?:think|thinking|reasoning|passage|text|document|source|output|answer)>"
)
_FLAGS = re.IGNORECASE | re.MULTILINE
_FAMILIES = tuple(
    (name, re.compile(pattern, _FLAGS))
    for name, pattern in (
        ("speaks as the writer", _WRITER),
        ("asks for something", _ASKS),
        ("speaks of the text", _OF_THE_TEXT),
        ("announces what comes", _ANNOUNCES),
        ("leaks the prompt", _LEAKS),
    )
)
_NOUN = re.compile(_ANYTHING, re.IGNORECASE)
# Case matters: "I" is a pronoun at the head of a clause, a numeral after Charles and Table.
_FIRST_PERSON = re.compile(
    r"(?:^|[.!?:;,]\s+|\b(?:that|and|but|as|if|when|while|because|what|so|then|which)\s+)"
    r"(?:I [a-z]|I['’](?:m|ll|d|ve)\b)|(?<!\w)I['’](?:m|ll|d|ve)\b"
)
_HEAD, _TAIL = 1000, 600


def meta_talk(text: str, source: str = "") -> str:
    """What kind of talk about the task a text holds, in a few words; empty where none.

    Args:
        text: The text that a model gave.
        source: What it was to write about. What stands there word for word is no evidence;
            a source that speaks as "I" lets the text do so, and one that speaks of texts or
            passages lets the text speak of them.
    """
    text = text.strip()
    # What a model says of its task stands at the beginning or at the end.
    looked_at = text if len(text) <= _HEAD + _TAIL else f"{text[:_HEAD]}\n\n{text[-_TAIL:]}"
    known = " ".join(source.lower().split())
    first_person = bool(_FIRST_PERSON.search(source))
    for name, pattern in _FAMILIES:
        if name == "speaks as the writer" and first_person:
            continue
        for match in pattern.finditer(looked_at):
            found = " ".join(match.group().lower().split()).strip(" .,:;!?*#")
            if found and found in known:
                continue
            if name == "speaks of the text":
                nouns = [noun.rstrip("s") for noun in _NOUN.findall(found)]
                if any(re.search(rf"\b{noun}", known) for noun in nouns):
                    continue
            return name
    if not first_person and _FIRST_PERSON.search(looked_at) and not re.search(r"[“\"]", text):
        return "speaks as the writer"
    return ""
