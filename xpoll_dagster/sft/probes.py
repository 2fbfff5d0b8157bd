"""Evaluation prompts from pairs that training never saw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from xpoll_dagster.sft.options import SftOptions
from xpoll_dagster.sft.splits import stable_order
from xpoll_dagster.storage import fingerprint
from xpoll_dagster.writing.evidence import Card, Side, make_card
from xpoll_dagster.writing.model import BookInfo
from xpoll_dagster.writing.naming import Concept
from xpoll_dagster.writing.pair_texts import iter_evidence, load_passages
from xpoll_dagster.writing.standalone import main_concepts

REFERENCE_STRUCT = pl.Struct(
    {
        "chunk_id": pl.String,
        "book": pl.String,
        "title": pl.String,
        "domain": pl.String,
        "page_start": pl.Int64,
        "page_end": pl.Int64,
        "passage": pl.String,  # the sentences that a good answer would draw on
    }
)

PROBES_SCHEMA = pl.Schema(
    {
        "id": pl.String,
        "pair_id": pl.String,
        "form": pl.String,  # analogy | shared | explain | knowing | question | connect
        "prompt": pl.String,
        "concepts": pl.List(pl.String),
        "domains": pl.List(pl.String),
        "chunk_ids": pl.List(pl.String),
        "references": pl.List(REFERENCE_STRUCT),
        "score": pl.Float64,
    }
)


def probe_prompts(
    pairs: pl.DataFrame,
    splits: Mapping[str, pl.DataFrame],
    chunks: pl.DataFrame,
    books: Mapping[str, BookInfo],
    options: SftOptions | None = None,
    concepts: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Write prompts for evaluating a tuned model on pairs whose passages it never saw.

    A pair is held out when neither of its chunks stands in a row of the train split.
    Analogies join a concept that only the one passage prints with one that only the
    other prints; the other forms ask about what both print.

    Args:
        pairs: Rows of `PAIRS_SCHEMA`, all of them.
        splits: The dataset's splits.
        chunks: Rows of `CHUNKS_SCHEMA`.
        books: What to say about each book.
        options: `probe_prompts` and `prompts_per_pair`.
        concepts: Rows of `CONCEPTS_SCHEMA`: the salient concepts of each passage.

    Returns:
        Rows of `PROBES_SCHEMA`: no prompt twice, pairs taken in turn, as many as asked for
        where the pairs suffice.
    """
    options = options or SftOptions()
    trained = splits["train"]["chunk_ids"].explode().drop_nulls().unique().implode()
    held = pairs.filter(
        ~pl.col("left_chunk").is_in(trained) & ~pl.col("right_chunk").is_in(trained)
    ).sort("score", "pair_id", descending=[True, False])
    wanted = pl.concat([held["left_chunk"], held["right_chunk"]]).unique()
    passages = load_passages(chunks, wanted, books, concepts)
    queues: list[list[dict[str, Any]]] = []
    for pair, score in zip(iter_evidence(held, passages), held["score"], strict=True):
        card = make_card(pair, options.writing)
        if isinstance(card, str):
            continue
        forms = list(_prompts(card))[: options.prompts_per_pair]
        queues.append([_row(card, *form, score) for form in forms])
    found: list[dict[str, Any]] = []
    seen: set[str] = set()
    for turn in range(options.prompts_per_pair):
        for queue in queues:
            if turn < len(queue) and len(found) < options.probe_prompts:
                row = queue[turn]
                if row["prompt"] not in seen:
                    seen.add(row["prompt"])
                    found.append(row)
    return pl.DataFrame(found, schema=PROBES_SCHEMA)


def _prompts(card: Card) -> Iterator[tuple[str, str, list[str]]]:
    """Form, prompt and concepts, the best kinds first."""
    one, two = card.left, card.right
    if stable_order(card.pair_id, 0) % 2:
        one, two = two, one
    left, right = _own(one, two), _own(two, one)
    # Like with like: a person with a person, a term with a term.
    analogies = [
        (rank + other, a, b)
        for rank, (a, sort) in enumerate(left.items())
        for other, (b, own) in enumerate(right.items())
        if sort == own
    ]
    analogies.sort()
    shared, fields = card.shown, (one.field.name, two.field.name)

    def analogy(found: tuple[int, str, str]) -> tuple[str, str, list[str]]:
        prompt = (
            f"Draw an analogy between {found[1]} in {fields[0]} and {found[2]} in {fields[1]}. Say "
            "what corresponds to what, and where the analogy breaks down."
        )
        return "analogy", prompt, list(found[1:])

    if analogies:
        yield analogy(analogies[0])
    yield (
        "shared",
        f"What place does one find for {shared} in {fields[0]}, and what place in {fields[1]}? "
        "Compare the two and say what they do not have in common.",
        [shared],
    )
    for asker, teller, own in ((one, two, right), (two, one, left)):
        if own:
            topic = next(iter(own))
            yield (
                "explain",
                f"Explain to {asker.field.a_person} what {teller.field.name} has to say about "
                f"{topic}, starting from {shared}, which {asker.field.name} mentions as well.",
                [shared, topic],
            )
    yield (
        "knowing",
        f"How would {one.field.a_person} and how would {two.field.a_person} find out whether a "
        f"statement about {shared} is true? Contrast the evidence that each would accept.",
        [shared],
    )
    yield from map(analogy, analogies[1:3])
    yield (
        "question",
        f"Think of a question about {shared} that neither {fields[0]} nor {fields[1]} can answer "
        "alone. Say what each would have to contribute.",
        [shared],
    )
    if left and right:
        start, end = list(left)[-1], list(right)[-1]
        yield (
            "connect",
            f"Lead a reader in a few sentences from {start} in {fields[0]} to {end} in "
            f"{fields[1]} by way of {shared}, claiming nothing that is not known.",
            [start, shared, end],
        )
    yield from map(analogy, analogies[3:])


def _own(side: Side, other: Side) -> dict[str, str]:
    """What one passage is about and the other does not print, with its sort, best first."""
    concepts: list[Concept] = main_concepts(side.passage, 12)
    own = {
        concept.display: concept.sort
        for concept in concepts
        if not concept.stands_in(other.passage.text)
        and concept.sort != "place"
        and not (concept.sort == "term" and concept.display.startswith("the "))
    }
    kept = [name for name in own if not any(name in longer for longer in own if longer != name)]
    # Terms and persons say more of a passage than other names.
    kept.sort(key=lambda name: ("term", "person", "name").index(own[name]))
    return {name: own[name] for name in kept[:6]} or dict.fromkeys(side.names, "name")


def _row(card: Card, form: str, prompt: str, concepts: list[str], score: float) -> dict[str, Any]:
    sides = (card.left, card.right)
    return {
        "id": fingerprint([card.pair_id, form, prompt]),
        "pair_id": card.pair_id,
        "form": form,
        "prompt": prompt,
        "concepts": concepts,
        "domains": [side.passage.domain for side in sides],
        "chunk_ids": [side.passage.chunk_id for side in sides],
        "references": [
            {
                "chunk_id": side.passage.chunk_id,
                "book": side.passage.book,
                "title": side.passage.title,
                "domain": side.passage.domain,
                "page_start": side.passage.page_start,
                "page_end": side.passage.page_end,
                "passage": side.text,
            }
            for side in sides
        ],
        "score": score,
    }
