"""Texts of a single passage: the passage itself, what a book says of a concept, a reading."""

from __future__ import annotations

from xpoll_dagster.writing import attribution
from xpoll_dagster.writing.fields import field_of
from xpoll_dagster.writing.model import Draft, Message, Origin, Passage, Quote, TextKind
from xpoll_dagster.writing.naming import NAME_KINDS, Concept, is_generic, name_concept
from xpoll_dagster.writing.options import QuotationOptions, WritingOptions
from xpoll_dagster.writing.phrases import Phrases, load_templates, templates_hash
from xpoll_dagster.writing.quotation import Quotation, clean_runs, quotations


def write_standalone(passage: Passage, kind: TextKind, options: WritingOptions) -> Draft:
    """Write one text of one passage; a draft with `problems` where it cannot be done.

    Questions and dialogues need a concept that the passage names; the answer is the
    passage's own sentences. Expository text is the longest clean run of the passage.
    """
    key = f"{options.seed}\x1f{passage.chunk_id}\x1f{kind}\x1fstandalone"
    longer = options.quotation.model_copy(
        update={"max_words": 2 * options.quotation.max_words}
        if kind == "expository"
        else {"max_words": options.quotation.max_words}
    )
    concepts = [] if kind == "expository" else main_concepts(passage)
    if kind != "expository" and not concepts:
        return _failed(passage, kind, "no concept that a question could name")
    found = _pick(passage, concepts, longer, longest=kind == "expository")
    if found is None:
        return _failed(passage, kind, "too few clean sentences in a row")
    quotation, concept = found
    field = field_of(passage.domain)
    source = attribution.source(passage)
    phrases = Phrases(
        key,
        {
            "source": source,
            "title": f"*{attribution.plain_title(passage.title)}*",
            "field": field.name,
            "person": field.a_person,
            "concepts": concept.display if concept else "",
        },
    )
    templates = load_templates("standalone")
    locator, title = attribution.locator(passage), attribution.plain_title(passage.title)

    def quote(text: str) -> Quote:
        return Quote(passage.chunk_id, text, title, locator)

    if kind == "expository":
        text = f"{phrases.write(templates['heading'])}\n\n{quotation.text}"
        messages = (
            Message("user", phrases.write([f"Quote a passage on {{field}} from {source}."])),
            Message("assistant", quotation.text),
        )
        return _draft(passage, kind, "passage", text, (quote(quotation.text),), messages)
    question = phrases.write(templates["question"])
    lead = phrases.write(templates["answer"])
    halves = quotation.halves()
    if halves is not None and concept is not None and not concept.stands_in(halves[0]):
        halves = None  # the first answer must speak of what was asked
    names = (concept.display,) if concept else ()
    if kind == "qa" or halves is None:
        answer = f"{lead} “{quotation.text}”"
        messages = (Message("user", question), Message("assistant", answer))
        return _draft(
            passage,
            "qa",
            "question",
            f"{question}\n\n{answer}",
            (quote(quotation.text),),
            messages,
            instruction=question,
            response=answer,
            concepts=names,
        )
    more = phrases.write(templates["more"])
    turns = [question, f"{lead} “{halves[0]}”", more, f"“{halves[1]}”"]
    speakers = ("Student", field.speaker, "Student", field.speaker)
    text = "\n\n".join(f"{who}: {turn}" for who, turn in zip(speakers, turns, strict=True))
    messages = tuple(
        Message("assistant" if number % 2 else "user", turn) for number, turn in enumerate(turns)
    )
    return _draft(
        passage,
        kind,
        "reading",
        text,
        (quote(halves[0]), quote(halves[1])),
        messages,
        speakers=speakers,
        concepts=names,
    )


def main_concepts(passage: Passage, limit: int = 4) -> list[Concept]:
    """What a passage is about, by its own concepts: names and long terms first.

    Only concepts that read as a name or a noun are given; the most frequent come first.
    """
    counts: dict[str, int] = {}
    for mention in passage.mentions:
        if not is_generic(mention.concept):
            weight = mention.count * (3 if " " in mention.concept else 1)
            weight *= 2 if mention.kind in NAME_KINDS or mention.kind == "DEFINED" else 1
            counts[mention.concept] = counts.get(mention.concept, 0) + weight
    ordered = sorted(counts, key=lambda name: (-counts[name], name))[: 3 * limit]
    named = [
        name_concept(
            name,
            float(counts[name]),
            [mention for mention in passage.mentions if mention.concept == name],
            passage.text,
        )
        for name in ordered
    ]
    return [concept for concept in named if concept.bare and concept.stands_in(passage.text)][
        :limit
    ]


def _pick(
    passage: Passage, concepts: list[Concept], options: QuotationOptions, *, longest: bool
) -> tuple[Quotation, Concept | None] | None:
    found = quotations(clean_runs(passage.text, options), concepts, options)
    if longest:
        found = sorted(found, key=lambda q: (-sum(s.n_words for s in q.sentences), -q.score))
        return (found[0], None) if found else None
    for concept in concepts:
        for quotation in found:
            if concept.stands_in(quotation.text):
                return quotation, concept
    return None


def _failed(passage: Passage, kind: TextKind, problem: str) -> Draft:
    return Draft(passage.chunk_id, kind, "none", "", problems=(problem,))


def _draft(
    passage: Passage,
    kind: TextKind,
    style: str,
    text: str,
    quotes: tuple[Quote, ...],
    messages: tuple[Message, ...],
    instruction: str = "",
    response: str = "",
    speakers: tuple[str, ...] = (),
    concepts: tuple[str, ...] = (),
) -> Draft:
    return Draft(
        passage.chunk_id,
        kind,
        style,
        text,
        instruction=instruction,
        response=response,
        messages=messages,
        quotes=quotes,
        concepts=concepts,
        speakers=speakers,
        origin=Origin(prompt_sha256=templates_hash("standalone", "fields")),
    )
