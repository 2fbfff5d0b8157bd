"""Texts about two linked passages: exposition, a question with its answer, a dialogue.

One request for each, not one for all three: a text that is cut or wrong is asked for again
alone, no text copies the one before it, and prose need not be written inside a JSON
string. That costs the passages' tokens four times (with the link's), which an engine with a
prefix cache computes once, since the prompts of a pair begin alike.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, get_args

from xpoll_dagster.writing.attribution import plain_title
from xpoll_dagster.writing.completion.structured import Job, Structured
from xpoll_dagster.writing.fields import field_of
from xpoll_dagster.writing.llm import checks
from xpoll_dagster.writing.llm.answers import BridgeQuestion, Conversation
from xpoll_dagster.writing.llm.linking_decision import Link, Sides
from xpoll_dagster.writing.llm.options import LLMOptions
from xpoll_dagster.writing.llm.outcome import origin_of, problems_of, value_of
from xpoll_dagster.writing.llm.prompts import Prompt, sampling_of
from xpoll_dagster.writing.llm.source_marks import mentions_label, read_marks
from xpoll_dagster.writing.model import Draft, Message, Quote, TextKind
from xpoll_dagster.writing.naming import name_concept

KINDS: tuple[TextKind, ...] = get_args(TextKind)

UNMARKED = "Too many sentences lack their source"
ONE_SIDED = "Only one of the two passages is used"
UNNAMED = "A book is not called by its title"
LABELLED = "The text speaks of passage A or B"
BAD_QUESTION = "The question is not fit to be put alone"
BAD_TURNS = "The conversation has not four or six turns"
REASONS = checks.REASONS | {UNMARKED, ONE_SIDED, UNNAMED, LABELLED, BAD_QUESTION, BAD_TURNS}
LEFT_TO_GATES = (checks.REASONS - {checks.LOST_ESCAPE}) | {UNMARKED}
FORMS: dict[TextKind, Any] = {"expository": None, "qa": BridgeQuestion, "dialogue": Conversation}

_TURNS = (4, 6, 8)
_MIN_QUOTED_WORDS = 4
_QUOTED = re.compile(r"“([^”]{15,400})”|\"([^\"\n]{15,400})\"")
_NAME_BEFORE = re.compile(r"^\W{0,2}[A-Z][\w -]{0,40}\W{0,2}:\W{0,2}\s")
_REQUESTS = (
    "Write a short text that connects {a} ({field_a}) with {b} ({field_b}), and name your sources.",
    "What do {a} in {field_a} and {b} in {field_b} have to do with each other? Name your sources.",
    "Relate {a} to {b}, drawing on a book of {field_a} and on one of {field_b}.",
    "Explain how {field_a} and {field_b} meet in {a} and {b}. Say which book says what.",
)


@dataclass(frozen=True, slots=True)
class Task:
    """One text to write: about which pair and link, of which kind, with which prompt."""

    sides: Sides
    link: Link
    kind: TextKind
    prompt: Prompt

    @property
    def titles(self) -> tuple[str, str]:
        """The books' titles as they stand in running text."""
        return plain_title(self.sides.a.title), plain_title(self.sides.b.title)


def variants(styles: list[str], kind: TextKind) -> list[str]:
    """The files that a kind has: `qa` and whatever begins with `qa-`."""
    return [style for style in styles if style == kind or style.startswith(f"{kind}-")]


def chosen_variant(styles: list[str], kind: TextKind, pair_id: str) -> str:
    """The file of a kind that a pair's id falls to, so that all are used about equally."""
    found = variants(styles, kind)
    place = int.from_bytes(hashlib.sha256(f"{pair_id}\x1f{kind}".encode()).digest()[:8], "big")
    return found[place % len(found)]


def bridge_job(task: Task, options: LLMOptions) -> Job[Any]:
    """The job of one text."""
    values = task.sides.values()
    messages = task.prompt.fill({**values, "link": task.link.note}, marked=values)
    body = partial(_body_fault, task=task, values=values, least=options.min_cited_share)
    check: dict[TextKind, Callable[[Any], str | None]] = {
        "expository": body,
        "qa": partial(_qa_fault, body=body),
        "dialogue": partial(_dialogue_fault, body=body),
    }
    sampling = sampling_of(task.prompt, options)
    return Job(messages, FORMS[task.kind], sampling, check[task.kind])


def _body_fault(
    text: str, task: Task, values: dict[str, dict[str, str]], least: float
) -> str | None:
    marked = read_marks(text)
    if missing := [side for side in "AB" if side not in marked.sides]:
        return f"{ONE_SIDED}: no sentence is marked [{missing[0]}]."
    if marked.marked_share < least:
        unmarked = marked.n_sentences - marked.n_marked
        return f"{UNMARKED}: {unmarked} of {marked.n_sentences} do not end with [A], [B] or [A][B]."
    if mentions_label(marked.text):
        return f"{LABELLED}: call the books by their titles."
    plain = _folded(marked.text)
    for title in task.titles:
        if _folded(title) not in plain:
            return f"{UNNAMED}: {title}."
    a, b = values["a"], values["b"]
    source = f"{a['text']}\n\n{b['text']}"
    about = " ".join((*task.titles, a["field"], b["field"], a["speaker"], b["speaker"]))
    return (
        checks.prose_fault(marked.text, source)
        or checks.invention_fault(marked.text, source, about)
        or checks.unsupported_fault(marked.text, a["text"], b["text"], about)
    )


def _qa_fault(answer: BridgeQuestion, body: Callable[[str], str | None]) -> str | None:
    question = answer.question.strip()
    if not question.endswith("?"):
        return f"{BAD_QUESTION}: it must end with a question mark."
    if read_marks(question).sides or mentions_label(question):
        return f"{BAD_QUESTION}: it must not speak of A, B or passages."
    return checks.escape_fault(question, answer.answer) or body(answer.answer)


def _dialogue_fault(answer: Conversation, body: Callable[[str], str | None]) -> str | None:
    turns = _turns(answer)
    if len(turns) not in _TURNS:
        return f"{BAD_TURNS}: it has {len(turns)}."
    return checks.escape_fault(*turns) or body("\n\n".join(turns))


def _turns(answer: Conversation) -> list[str]:
    """The turns without the names that a model may have set before them."""
    turns = [turn.strip() for turn in answer.turns if turn.strip()]
    if turns and all(_NAME_BEFORE.match(turn) for turn in turns):
        turns = [_NAME_BEFORE.sub("", turn, count=1).strip() for turn in turns]
    return turns


def _folded(text: str) -> str:
    return " ".join(re.sub(r"[*_’']", "", text).lower().split())


def read_bridge(
    task: Task, model: str, link_sha256: str, result: Structured[Any], options: LLMOptions
) -> Draft:
    """The draft that came of a job.

    Its prompt's hash is over the hashes of the two prompts that it comes from, the link's
    and its own.
    """
    digest = hashlib.sha256(f"{link_sha256}\x1f{task.prompt.sha256}".encode()).hexdigest()
    origin = origin_of(model, digest, result)
    pair_id, kind = task.sides.pair.pair_id, task.kind
    style = f"{task.prompt.style}-{task.link.answer.relation.replace(' ', '-')}"
    value = value_of(result, FORMS[kind], LEFT_TO_GATES, options.completion)
    if value is None:
        return Draft(
            pair_id,
            kind,
            style,
            "",
            mapping=task.link.mapping,
            origin=origin,
            problems=problems_of(result, REASONS),
        )
    instruction = response = ""
    speakers: tuple[str, ...] = ()
    if kind == "expository":
        text = read_marks(value).text
        messages = (Message("user", _request(task)), Message("assistant", text))
    elif kind == "qa":
        instruction = " ".join(value.question.split())
        response = read_marks(value.answer).text
        text = f"{instruction}\n\n{response}"
        messages = (Message("user", instruction), Message("assistant", response))
    else:
        turns = [read_marks(turn).text for turn in _turns(value)]
        speakers, messages = _conversation(task, turns)
        text = "\n\n".join(f"{who}: {turn}" for who, turn in zip(speakers, turns, strict=True))
    return Draft(
        pair_id,
        kind,
        style,
        text,
        instruction=instruction,
        response=response,
        messages=messages,
        quotes=_quotes(task, text),
        concepts=_concepts(task, text),
        speakers=speakers,
        mapping=task.link.mapping,
        origin=origin,
    )


def _request(task: Task) -> str:
    """What a user may have asked for to be given the exposition."""
    digest = hashlib.sha256(task.sides.pair.pair_id.encode()).digest()
    answer = task.link.answer
    a, b = (" ".join(name.split()).strip(" .,;:") for name in (answer.in_a, answer.in_b))
    request = _REQUESTS[digest[1] % len(_REQUESTS)].format(
        a=a,
        b=b,
        field_a=field_of(task.sides.a.domain).name,
        field_b=field_of(task.sides.b.domain).name,
    )
    return request[:1].upper() + request[1:]


def _conversation(task: Task, turns: list[str]) -> tuple[tuple[str, ...], tuple[Message, ...]]:
    """Speakers and messages: the first speaker is the user, the second the assistant."""
    fields = field_of(task.sides.a.domain), field_of(task.sides.b.domain)
    speakers = tuple(fields[number % 2].speaker for number in range(len(turns)))
    system = (
        f"A conversation between {fields[0].a_person} (the user) and {fields[1].a_person} (the "
        "assistant). Each draws on a book of their own field, names it, and claims no more than "
        "it says."
    )
    messages = (
        Message("system", system),
        *(
            Message("assistant" if number % 2 else "user", turn)
            for number, turn in enumerate(turns)
        ),
    )
    return speakers, messages


def _quotes(task: Task, text: str) -> tuple[Quote, ...]:
    """What the text sets in quotation marks and a passage prints word for word."""
    plain = " ".join(text.split())
    found: list[Quote] = []
    for match in _QUOTED.finditer(plain):
        span = (match[1] or match[2]).strip()
        for side, title in zip((task.sides.a, task.sides.b), task.titles, strict=True):
            if len(span.split()) >= _MIN_QUOTED_WORDS and span in " ".join(side.text.split()):
                found.append(Quote(side.chunk_id, span, title, ""))
                break
    return tuple(dict.fromkeys(found))


def _concepts(task: Task, text: str) -> tuple[str, ...]:
    """The pair's shared concepts that the text prints, as they read in running text."""
    pair = task.sides.pair
    both = f"{pair.left.text}\n\n{pair.right.text}"
    mentions = (*pair.left.mentions, *pair.right.mentions)
    named = (
        name_concept(name, weight, [m for m in mentions if m.concept == name], both)
        for name, weight in pair.concepts
    )
    return tuple(dict.fromkeys(each.display for each in named if each.stands_in(text)))
