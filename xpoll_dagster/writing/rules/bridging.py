"""Texts of pairs: verbatim quotations in templates, and nothing that they do not show."""

from __future__ import annotations

from collections.abc import Sequence

from xpoll_dagster.writing.evidence import Card, Side, epistemic_slots, make_card, slots_of
from xpoll_dagster.writing.model import Draft, Message, Origin, PairEvidence, Quote, TextKind
from xpoll_dagster.writing.options import WritingOptions
from xpoll_dagster.writing.phrases import Phrases, capitalised, load_templates, templates_hash

KINDS: tuple[TextKind, ...] = ("expository", "qa", "dialogue")
_SHARED_FILES = ("quoting", "fields", "epistemology")


class PairWriter:
    """Writes exposition, a question and a dialogue for each pair.

    What a text states beyond its quotations is which concepts both print and where, which
    names only one prints, and the editable notes on how a field comes to know.
    """

    def __init__(self, options: WritingOptions) -> None:
        self.options = options

    def bridge(self, pairs: Sequence[PairEvidence]) -> list[Draft]:
        """Write three texts for each pair, in order; unwritable ones have `problems`."""
        drafts: list[Draft] = []
        for pair in pairs:
            card = make_card(pair, self.options)
            for kind in KINDS:
                if isinstance(card, str):
                    drafts.append(Draft(pair.pair_id, kind, "none", "", problems=(card,)))
                else:
                    drafts.append(self._write(card, kind))
        return drafts

    def _write(self, card: Card, kind: TextKind) -> Draft:
        key = f"{self.options.seed}\x1f{card.pair_id}\x1f{kind}"
        order = Phrases(key, {})
        one, two = (
            (card.left, card.right) if order.share("order") < 0.5 else (card.right, card.left)
        )
        phrases = Phrases(key, slots_of(card, one, two))
        write = {"expository": self._expository, "qa": self._qa, "dialogue": self._dialogue}[kind]
        return write(card, one, two, phrases)

    # -- parts shared by the kinds ----------------------------------------------------

    def _lead(self, phrases: Phrases, part: str, side: Side, name: str, *, block: bool) -> str:
        lead = phrases.write(
            load_templates("quoting")[part],
            source=phrases.slots[f"source_{name}"],
            field=side.field.name,
        )
        return f"{lead}\n\n> {side.text}" if block else f"{lead} “{side.text}”"

    def _also(self, phrases: Phrases, one: Side, two: Side) -> str:
        if not (one.names and two.names) or phrases.share("also") < 0.4:
            return ""
        return phrases.write(load_templates("quoting")["also"])

    def _epistemic(self, phrases: Phrases, one: Side, two: Side) -> str:
        notes = epistemic_slots(phrases, one, two, self.options)
        if notes is None:
            return ""
        return phrases.write(load_templates("quoting")["epistemic"], **notes)

    def _draft(
        self,
        card: Card,
        kind: TextKind,
        style: str,
        text: str,
        quotes: tuple[Quote, ...],
        messages: tuple[Message, ...] = (),
        instruction: str = "",
        response: str = "",
        speakers: tuple[str, ...] = (),
    ) -> Draft:
        return Draft(
            card.pair_id,
            kind,
            style,
            text,
            instruction=instruction,
            response=response,
            messages=messages,
            quotes=quotes,
            concepts=tuple(concept.display for concept in card.concepts),
            speakers=speakers,
            origin=Origin(prompt_sha256=templates_hash(kind, *_SHARED_FILES)),
        )

    # -- the kinds --------------------------------------------------------------------

    def _expository(self, card: Card, one: Side, two: Side, phrases: Phrases) -> Draft:
        templates = load_templates("expository")
        block = phrases.share("block") < 0.5 or _has_quotes(one.text) or _has_quotes(two.text)
        opening = phrases.write(templates["opening"])
        first = self._lead(phrases, "lead", one, "one", block=block)
        second = self._lead(phrases, "switch", two, "two", block=block)
        bridge = _joined(phrases.write(templates["bridge"]), self._also(phrases, one, two))
        epistemic = self._epistemic(phrases, one, two)
        closing = phrases.write(templates["closing"])
        style = ("essay", "bridge-first", "notes")[phrases.number(3, salt="style")]
        if style == "essay":
            parts = [opening, first, second, bridge, epistemic, closing]
        elif style == "bridge-first":
            parts = [_joined(opening, bridge), first, second, epistemic, closing]
        else:
            title = f"**{phrases.slots['heading']}: {one.field.name} and {two.field.name}**"
            points = [f"- {point}" for point in (bridge, epistemic, closing) if point]
            parts = [title, first, second, "\n".join(points)]
        style += "-epistemic" if epistemic else ""
        text = "\n\n".join(part for part in parts if part)
        # As a conversation: the topic asked for, the text given.
        messages = (
            Message("user", phrases.write(_TOPIC_REQUESTS)),
            Message("assistant", text),
        )
        return self._draft(card, "expository", style, text, (one.quote(), two.quote()), messages)

    def _qa(self, card: Card, one: Side, two: Side, phrases: Phrases) -> Draft:
        templates = load_templates("qa")
        epistemic = self._epistemic(phrases, one, two)
        instruction = phrases.write(templates["instruction"])
        if epistemic:
            instruction = _joined(instruction, phrases.write(templates["epistemic_instruction"]))
        block = phrases.share("block") < 0.5 or _has_quotes(one.text) or _has_quotes(two.text)
        opening = phrases.write(templates["opening"])
        lead = self._lead(phrases, "lead", one, "one", block=block)
        parts = [
            *((opening, lead) if block else (_joined(opening, lead),)),
            self._lead(phrases, "switch", two, "two", block=block),
            _joined(phrases.write(templates["comparison"]), self._also(phrases, one, two)),
            epistemic,
            phrases.write(templates["closing"]),
        ]
        response = "\n\n".join(part for part in parts if part)
        return self._draft(
            card,
            "qa",
            "comparison-epistemic" if epistemic else "comparison",
            f"{instruction}\n\n{response}",
            (one.quote(), two.quote()),
            (Message("user", instruction), Message("assistant", response)),
            instruction,
            response,
        )

    def _dialogue(self, card: Card, one: Side, two: Side, phrases: Phrases) -> Draft:
        templates = load_templates("dialogue")
        halves = two.quotation.halves()
        # The first answer must speak of what was asked.
        if halves is not None and not card.concepts[0].stands_in(halves[0]):
            halves = None
        epistemic = self._epistemic(phrases, one, two)
        close = _joined(phrases.write(templates["closing"]), epistemic)

        def say(part: str, text: str, name: str) -> str:
            lead = phrases.write(templates[part], source=phrases.slots[f"source_{name}"])
            return f"{lead} “{text}”"

        if halves is not None and phrases.number(2, salt="plan") == 0:
            style = "asked"
            turns = [
                phrases.write(templates["opening"]),
                say("answer", halves[0], "two"),
                phrases.write(templates["more"]),
                say("continued", halves[1], "two"),
                say("return", one.text, "one"),
                close,
            ]
            quotes = (two.quote(halves[0]), two.quote(halves[1]), one.quote())
        else:
            style = "exchanged"
            turns = [
                _joined(say("first", one.text, "one"), phrases.write(templates["ask_back"])),
                say("answer", two.text, "two"),
                phrases.write(templates["compare"]),
                close,
            ]
            quotes = (one.quote(), two.quote())
        speakers = tuple((one, two)[number % 2].field.speaker for number in range(len(turns)))
        text = "\n\n".join(f"{who}: {turn}" for who, turn in zip(speakers, turns, strict=True))
        # The first speaker is the user, the second the assistant; who they are is said first.
        system = (
            f"A conversation between {one.field.a_person} (the user) and {two.field.a_person} "
            "(the assistant). Each quotes a book of their own field, with its page, and claims "
            "no more than the quotations show."
        )
        messages = (
            Message("system", system),
            *(
                Message("assistant" if number % 2 else "user", turn)
                for number, turn in enumerate(turns)
            ),
        )
        style += "-epistemic" if epistemic else ""
        return self._draft(card, "dialogue", style, text, quotes, messages, speakers=speakers)


_TOPIC_REQUESTS = [
    "[Write|Compose] a [short text|short essay] on {concepts} in {one} and {two}, with sources.",
    "[Connect|Relate] {one} and {two} by way of {concepts}, quoting a book of each.",
    "[Set|Put] {title_one} and {title_two} side by side on {concepts}.",
    "[Where|How] do {one} and {two} meet in {concepts}? [Quote|Cite] your sources.",
    "[Prepare|Draft] a reading note on {concepts} from {one} and from {two}.",
    "[Introduce|Show] a reader of {one} to {two} through {concepts}, with quotations.",
]


def _joined(*parts: str) -> str:
    return " ".join(capitalised(part) for part in parts if part)


def _has_quotes(text: str) -> bool:
    return any(mark in text for mark in '“”"')
