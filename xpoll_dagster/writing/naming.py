"""Concepts as they read in running text: Edmond Halley, the Moon, life tables, longitude.

A normalised concept says nothing of capitals, articles and number, so they are taken from
the passages themselves. Where these do not show that a term can stand as a bare noun, it
is named as a word, in quotation marks, which is always true and always grammatical.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from xpoll_dagster.writing.model import Mention

NAME_KINDS = frozenset(
    {"PERSON", "ORG", "GPE", "LOC", "FAC", "EVENT", "WORK_OF_ART", "LAW", "PRODUCT", "NAME"}
)
_WORD_ONLY_KINDS = frozenset({"NORP", "LANGUAGE"})
_ADJECTIVE = re.compile(
    r"(?:ish|ese|Latin|[^m]ian|ean|ic|ench|reek|utch|erman|oman|rench|Arab|Swiss|can)s?$"
)
_NOUN_BEFORE = r"(?:of|in|by|for|with|from|between|about|on|through|into|without|and)"
_BOUNDARY = (
    r"(?=[.,;:)!?]|\s+(?:of|in|is|was|are|were|by|to|and|or|for|with|from|at|on|as|that|which|"
    r"has|had|have|may|can|could|would|must|when|where|than|between|among|if|but|because)\b|$)"
)
_WITH_ARTICLE = frozenset(
    """
    Moon Sun Earth Hague Netherlands Bible Pope Renaissance Enlightenment Reformation Crown Senate
    Levant Atlantic Pacific Mediterranean Baltic Rhine Nile Thames Danube Alps Zodiac Equator
    """.split()  # noqa: SIM905 - read as a paragraph
)
_INSTITUTION = re.compile(
    r"\b(?:Society|Academy|Observatory|Company|Court|Board|Exchange|Office|Museum|Institution|"
    r"Republic|Empire|Treaty|Act|Bank|War|Revolution|Union|Commission|Bills|Tables|Almanac)\b"
)
_COUNTED = r"(?:an?|each|every|one|another)"
_GENERIC = frozenset(
    """
    able above according account act age answer appear author away based beginning book books
    bring called came case cases cause century certain chapter class come common complete course
    day days different early easily effect end equal example exact fact false find first follow
    following form found general give given good great greater group half hand happen hold
    however idea important instance kind know known large last later law lead least left length
    less letter level life line long made make man many mark matter mean means men method modern
    name named nature need new number numbers object old one order part particular parts pass
    people person place point power present problem produce proof property put question quite
    reader reason result right round rule say second see sense set show shown simple single
    small sort start state step student subject taken term terms thing things think third
    thought three time times true turn two understand use used using value various view want way
    ways whole woman word words work world write written wrong january february march april june
    july august september october november december monday tuesday wednesday thursday friday
    saturday sunday year years young
    """.split()  # noqa: SIM905 - read as a paragraph
)
# Telling in a longer name (the Royal Society), empty alone.
_EMPTY_ALONE = frozenset(
    """
    royal essay natural king queen lord sir society north south east west college university
    city church country states government academy theory history science
    """.split()  # noqa: SIM905 - read as a paragraph
)


@dataclass(frozen=True, slots=True)
class Concept:
    """A shared concept: its normalised form, weight, pattern, and name in running text.

    `bare` is False where `display` had to name it as a word; `sort` is person, place, name
    or term, as far as the passages and the concepts' kinds tell. `trust` orders concepts
    before their weight: 0 where both passages list it among their own concepts, 1 where one
    does, 2 where it is only a word or a run of words that both print.
    """

    concept: str
    weight: float
    pattern: re.Pattern[str]
    display: str
    bare: bool
    sort: str = "term"
    trust: int = 0

    def stands_in(self, text: str) -> bool:
        """Whether a text prints the concept, in whatever form."""
        return self.pattern.search(text) is not None


def concept_pattern(concept: str, surfaces: set[str], *, surname: bool = False) -> re.Pattern[str]:
    """A pattern for a concept in print: its surfaces, and its words in singular or plural.

    With `surname` a person's last name counts too, for a passage names its people in full
    once.
    """
    words = [word for word in re.split(r"[\s\-_]+", concept) if word]
    plain = r"[\s\-]+".join(
        [re.escape(word) for word in words[:-1]] + [_number_free(words[-1])] if words else []
    )
    forms = {plain} if plain else set()
    forms |= {
        r"\s+".join(map(re.escape, surface.split())) for surface in surfaces if surface.strip()
    }
    if surname and len(words) > 1 and len(words[-1]) > 3 and words[-1].isalpha():
        forms.add(f"(?-i:{re.escape(words[-1].capitalize())})")
    ordered = sorted(forms, key=lambda form: (-len(form), form))
    return re.compile(rf"(?<![\w-])(?:{'|'.join(ordered) or '(?!)'})(?![\w-])", re.IGNORECASE)


def _number_free(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return re.escape(word[:-3]) + "(?:y|ies)"
    if word.endswith("y") and len(word) > 3 and word[-2] not in "aeiou":
        return re.escape(word[:-1]) + "(?:y|ies)"
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        return re.escape(word[:-1]) + "s?"
    return re.escape(word) + "(?:s|es)?"


def is_generic(concept: str) -> bool:
    """Whether a concept is too plain a word to show a link between two passages."""
    words = concept.split()
    letters = sum(character.isalpha() for character in concept)
    alone = len(words) == 1 and words[0] in _EMPTY_ALONE
    return letters < 3 or alone or all(word in _GENERIC for word in words)


def name_concept(concept: str, weight: float, mentions: list[Mention], text: str) -> Concept:
    """How a concept is called in running text.

    Args:
        concept: The normalised form.
        weight: Its weight in the link.
        mentions: This concept in the two passages, if known.
        text: Both passages, which show capitals, articles and number.
    """
    surfaces = {" ".join(mention.surface.split()) for mention in mentions}
    kinds = {mention.kind for mention in mentions}
    pattern = concept_pattern(concept, surfaces, surname="PERSON" in kinds)
    found = list(pattern.finditer(text))
    inner = [match for match in found if _is_inside_sentence(text, match.start())]
    capital = [match for match in inner if match[0][:1].isupper()]
    is_name = bool(inner) and len(capital) == len(inner)
    if not found:
        return Concept(concept, weight, pattern, f"the term “{concept}”", bare=False)
    if not inner:
        is_name = bool(kinds & (NAME_KINDS | _WORD_ONLY_KINDS))
    if is_name:
        display, bare = _name(text, found, kinds)
    else:
        display, bare = _term(text, found, concept)
    sort = "name" if is_name else "term"
    for kind, name in (("PERSON", "person"), ("GPE", "place"), ("LOC", "place")):
        sort = name if kind in kinds else sort
    return Concept(concept, weight, pattern, display, bare=bare, sort=sort)


def by_worth(concept: Concept) -> tuple[bool, int, bool, float, str]:
    """Sort key: names and nouns, then what both passages list, then no places, then weight."""
    place = concept.sort == "place"
    return (not concept.bare, concept.trust, place, -concept.weight, concept.concept)


def printed_by_both(concept: Concept, left: str, right: str) -> bool:
    """Whether both passages print a word of the name that a text would use for a concept.

    Extraction gives several names to one concept (Gregory VII is Hildebrand). A text that
    says "both mention Hildebrand" is false where one of them prints Gregory alone, the more
    so as that may be another Gregory.
    """
    left_words, right_words = (
        {
            _folded(word)
            for match in concept.pattern.finditer(text)
            for word in re.findall(r"\w+", match[0])
        }
        for text in (left, right)
    )
    shown = {_folded(word) for word in re.findall(r"\w+", concept.display)}
    return bool(shown & left_words & right_words)


def _folded(word: str) -> str:
    folded = word.casefold()
    return re.sub(r"(?:es|s)$", "", re.sub(r"ies$", "y", folded))


def same_name(concept: Concept, left: str, right: str) -> bool:
    """Whether two passages may mean the same by a name of one word.

    False where the name is always a part of longer names that have nothing else in
    common, as King is in "Gregory King" and "King's College".
    """
    if " " in concept.concept:
        return True
    longer = []
    for text in (left, right):
        neighbours: set[str] = set()
        for match in concept.pattern.finditer(text):
            before = re.search(r"([A-Z][\w.]*)\s$", text[: match.start()][-30:])
            after = re.match(r"(?:['’]s)?\s([A-Z]\w+)", text[match.end() :][:30])
            found = {part[1] for part in (before, after) if part}
            if not match[0][:1].isupper() or not found:
                return True
            neighbours |= found
        longer.append(neighbours)
    return bool(longer[0] & longer[1])


def _is_inside_sentence(text: str, start: int) -> bool:
    before = text[:start].rstrip(" \n“\"‘'(*_")
    return bool(before) and before[-1] not in ".!?:\n" and "\n\n" not in text[len(before) : start]


def _name(text: str, found: list[re.Match[str]], kinds: set[str]) -> tuple[str, bool]:
    forms = {re.sub(r"['’]s?$", "", " ".join(match[0].split())) for match in found}
    capital = [form for form in forms if form[:1].isupper()] or sorted(forms)
    form = max(capital, key=lambda form: (len(form.split()), len(form), form))
    form = re.sub(r"^(?:the|a|an)\s+", "", form, flags=re.IGNORECASE)
    if form.isupper() and len(form) > 5:
        form = form.title()
    if kinds & _WORD_ONLY_KINDS or (" " not in form and _ADJECTIVE.search(form)):
        return f"the word “{form}”", False
    with_article = [
        match
        for match in found
        if re.search(r"\b[Tt]he\s+[*_“]?$", text[max(0, match.start() - 8) : match.start()])
        or match[0].lower().startswith("the ")
    ]
    if 2 * len(with_article) >= len(found) and "PERSON" not in kinds:
        # "the Latin phrase" shows an adjective, "the Royal Society" a name.
        as_noun = any(re.match(_BOUNDARY, text[match.end() :]) for match in with_article)
        if " " not in form and form not in _WITH_ARTICLE and not as_noun:
            return f"the word “{form}”", False
        return f"the {form}", True
    return form, True


def _term(text: str, found: list[re.Match[str]], concept: str) -> tuple[str, bool]:
    forms = [" ".join(match[0].split()) for match in found] or [concept]
    # An acronym or a name inside a term keeps its capitals.
    forms = [form if form[1:2].isupper() else form[:1].lower() + form[1:] for form in forms]
    singular = min(forms, key=lambda form: (len(form), form))
    escaped = re.escape(singular).replace(r"\ ", r"[\s\-]+")
    plural = _plural(singular)
    if plural in forms and re.search(rf"\b{re.escape(plural)}\b{_BOUNDARY}", text, re.IGNORECASE):
        return plural, True
    if re.search(rf"\b{_NOUN_BEFORE}\s+{escaped}{_BOUNDARY}", text, re.IGNORECASE):
        return singular, True
    if re.search(rf"\b{_COUNTED}\s+(?:\w+\s+)?{escaped}{_BOUNDARY}", text, re.IGNORECASE):
        return plural, True
    if re.search(rf"\bthe\s+{escaped}{_BOUNDARY}", text, re.IGNORECASE):
        return f"the {singular}", True
    return f"the {'term' if ' ' in singular else 'word'} “{singular}”", False


def _plural(noun: str) -> str:
    if noun.endswith("s") and not noun.endswith(("ss", "us")):
        return noun
    if noun.endswith("y") and noun[-2:-1] not in tuple("aeiou"):
        return noun[:-1] + "ies"
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return noun + "es"
    if noun.endswith("man"):
        return noun[:-2] + "en"
    return noun + "s"


_CAPITALISED = re.compile(
    r"(?<=[a-z,;] )(the )?"
    r"((?:[A-Z][a-zà-ÿ]+|[A-Z]\.)(?:(?: (?:of|de|von|van|du))? [A-Z][a-zà-ÿ]+)*)"
)
_NO_NAMES = frozenset(
    """
    January February March April May June July August September October November December
    Monday Tuesday Wednesday Thursday Friday Saturday Sunday Mr Mrs Sir Dr King Queen Lord
    God Earth Sun Moon Act Chapter
    """.split()  # noqa: SIM905 - read as a paragraph
)


def other_names(quote: str, shared: list[Concept], other_quote: str, limit: int = 2) -> list[str]:
    """Names inside a quotation that are neither shared nor in the other quotation."""
    names: list[str] = []
    for match in _CAPITALISED.finditer(quote):
        article, name = match[1] or "", match[2]
        single = " " not in name
        if (
            name in _NO_NAMES
            or (single and (_ADJECTIVE.search(name) or len(name) < 4 or article))
            or name in " ".join(names)
            or any(word in other_quote for word in name.split() if len(word) > 3)
            or any(concept.stands_in(name) for concept in shared)
            or quote[match.end() : match.end() + 1] in ("-", "’", "'")
            or re.search(r"(?:['’]s?|\b(?:Mr|Dr|St|Sir)\.?) $", quote[: match.start()])
            or re.search(r"\b(?:College|University|Parliament|Lord|King|Queen)\b", name)
        ):
            continue
        if not article and _INSTITUTION.search(name):
            article = "the "
        names.append(article + name)
    return names[:limit]
