"""What the rules author works from: two quotations, what they share, and the words for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from xpoll_dagster.writing import attribution
from xpoll_dagster.writing.fields import Field, epistemic_notes, field_of
from xpoll_dagster.writing.model import PairEvidence, Passage, Quote
from xpoll_dagster.writing.naming import (
    Concept,
    by_worth,
    is_generic,
    name_concept,
    other_names,
    printed_by_both,
    same_name,
)
from xpoll_dagster.writing.options import WritingOptions
from xpoll_dagster.writing.phrases import Phrases, capitalised, listed
from xpoll_dagster.writing.quotation import Quotation, clean_runs, quotations, quote_pair


@dataclass(frozen=True, slots=True)
class Side:
    """One passage with its chosen quotation."""

    passage: Passage
    quotation: Quotation
    field: Field
    names: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The quotation's words."""
        return self.quotation.text

    def quote(self, text: str | None = None) -> Quote:
        """The quotation, or a part of it, with its attribution."""
        return Quote(
            chunk_id=self.passage.chunk_id,
            text=self.text if text is None else text,
            title=attribution.plain_title(self.passage.title),
            locator=attribution.locator(self.passage),
        )


@dataclass(frozen=True, slots=True)
class Card:
    """The two sides and the concepts that both quotations print."""

    pair_id: str
    left: Side
    right: Side
    concepts: tuple[Concept, ...]

    @property
    def shown(self) -> str:
        """The shared concepts as a noun phrase."""
        return listed([concept.display for concept in self.concepts])


def make_card(pair: PairEvidence, options: WritingOptions) -> Card | str:
    """Choose the quotations of a pair; where that fails, say why in a few words."""
    runs = [clean_runs(side.text, options.quotation) for side in (pair.left, pair.right)]
    candidates = _shared_concepts(pair)
    found = [quotations(run, candidates, options.quotation) for run in runs]
    for side, quotable in zip((pair.left, pair.right), found, strict=True):
        if not quotable:
            return f"too few clean sentences in a row in {side.domain}"
    chosen = quote_pair(found[0], found[1], candidates)
    if chosen is None:
        return "no shared concept stands in quotable sentences of both passages"
    one, two, shared = chosen
    if not options.plain_words and not any(concept.bare for concept in shared):
        return "only a plain word is shared in quotable sentences, no name or noun"
    concepts = _distinct(shared, options.max_concepts)
    names_one, names_two = (
        other_names(one.text, shared, two.text),
        other_names(two.text, shared, one.text),
    )
    return Card(
        pair.pair_id,
        Side(pair.left, one, field_of(pair.left.domain), tuple(names_one)),
        Side(pair.right, two, field_of(pair.right.domain), tuple(names_two)),
        tuple(concepts),
    )


def _shared_concepts(pair: PairEvidence) -> list[Concept]:
    text = f"{pair.left.text}\n\n{pair.right.text}"
    mentions = (*pair.left.mentions, *pair.right.mentions)
    own = [{mention.concept for mention in side.mentions} for side in (pair.left, pair.right)]
    weights = dict(reversed(pair.concepts))
    # What both passages list as their own counts, even where the link rests on words alone.
    for concept in own[0] & own[1]:
        weights.setdefault(concept, min(weights.values(), default=1.0))
    known = all(own)
    named = []
    for name, weight in sorted(weights.items()):
        trust = 2 - (name in own[0]) - (name in own[1]) if known else 0
        # A run of words that is nobody's concept may be the end of one name and the start of
        # the next phrase.
        if not is_generic(name) and not (trust == 2 and " " in name):
            same = [mention for mention in mentions if mention.concept == name]
            named.append(replace(name_concept(name, weight, same, text), trust=trust))
    return [
        concept
        for concept in named
        if concept.stands_in(pair.left.text)
        and concept.stands_in(pair.right.text)
        and same_name(concept, pair.left.text, pair.right.text)
        and printed_by_both(concept, pair.left.text, pair.right.text)
    ]


def _distinct(concepts: list[Concept], limit: int) -> list[Concept]:
    """The best, without those that another one contains; plain words only if alone."""
    kept: list[Concept] = []
    for concept in sorted(concepts, key=by_worth):
        if any(
            other.stands_in(concept.display) or concept.stands_in(other.display) for other in kept
        ):
            continue
        if kept and (not concept.bare or concept.trust == 2 > kept[0].trust):
            continue
        kept.append(concept)
    return kept[:limit]


def slots_of(card: Card, one: Side, two: Side) -> dict[str, str]:
    """The slots that every template may use, for this order of the two sides."""
    slots = {"concepts": card.shown, "heading": capitalised(card.concepts[0].display)}
    for name, side in (("one", one), ("two", two)):
        place = attribution.locator(side.passage)
        slots |= {
            name: side.field.name,
            f"person_{name}": side.field.a_person,
            f"title_{name}": f"*{attribution.plain_title(side.passage.title)}*",
            f"source_{name}": attribution.source(side.passage),
            f"where_{name}": attribution.where(side.passage),
            f"place_{name}": place or "no page given",
        }
        if side.names:
            slots[f"near_{name}"] = listed(list(side.names))
    return slots


def epistemic_slots(
    phrases: Phrases, one: Side, two: Side, options: WritingOptions
) -> Mapping[str, str] | None:
    """A note on each field's way of knowing, if this row is to contrast them."""
    if phrases.share("epistemic") >= options.epistemic_share:
        return None
    notes = [epistemic_notes(side.passage.domain, options.epistemology_dir) for side in (one, two)]
    if not all(notes) or notes[0] == notes[1]:
        return None
    return {
        f"note_{name}": own[phrases.number(len(own))]
        for name, own in zip(("one", "two"), notes, strict=True)
    }
