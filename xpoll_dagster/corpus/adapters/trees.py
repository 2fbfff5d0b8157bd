"""Adapters of OpenAssistant's message trees, nested or as flat messages: the best path."""

from __future__ import annotations

from typing import Any

import polars as pl

from xpoll_dagster.corpus.adapters.conversations import conversation_rows
from xpoll_dagster.corpus.adapters.model import (
    UNIT,
    Adapter,
    AdapterOptions,
    Column,
    Kind,
    Normalised,
    Record,
    WrongTypeError,
    text,
)
from xpoll_dagster.corpus.reading.batches import kind_of

_UNFIT = {"aborted_low_grade", "halted_by_moderator", "low_grade"}
_DEPTH = 200


def _node(value: Any) -> Record:
    if not isinstance(value, dict):
        raise WrongTypeError(f"a message of the tree is {kind_of(value)}, not an object")
    return value


def _replies(node: Record) -> list[Record]:
    """The replies that may be used, the best first: by rank, then by readers, then as given."""
    replies = node.get("replies") or []
    if not isinstance(replies, list):
        raise WrongTypeError(f"replies is {kind_of(replies)}, not a list")
    usable = [
        reply
        for reply in map(_node, replies)
        if not reply.get("deleted")
        and reply.get("review_result") is not False
        and isinstance(reply.get("text"), str)
        and reply["text"].strip()
    ]
    return sorted(usable, key=_standing)


def _standing(reply: Record) -> tuple[float, float]:
    rank = reply.get("rank")
    emojis = reply.get("emojis")
    liked = 0.0
    if isinstance(emojis, dict):
        up, down = emojis.get("+1", 0), emojis.get("-1", 0)
        if isinstance(up, int | float) and isinstance(down, int | float):
            liked = float(up - down)
    ranked = float(rank) if isinstance(rank, int | float) else float("inf")
    return ranked, -liked


def _expand_tree(record: Record) -> list[Record]:
    if record.get("tree_state") in _UNFIT:
        raise WrongTypeError(f"the tree was given up ({record['tree_state']})")
    root = node = _node(record.get("prompt"))
    if root.get("deleted"):
        raise WrongTypeError("the prompt was deleted by its author")
    turns = []
    for _ in range(_DEPTH):
        turns.append({"role": node.get("role"), "content": node.get("text")})
        replies = _replies(node)
        if not replies:
            break
        node = replies[0]
    answers = _replies(root)
    ranked = len(answers) > 1 and all(isinstance(answer.get("rank"), int) for answer in answers)
    return [
        {
            "turns": turns,
            "language": root.get("lang"),
            "better": answers[0]["text"] if ranked else None,
            "worse": answers[-1]["text"] if ranked else None,
        }
    ]


def _trees(frame: pl.DataFrame, options: AdapterOptions) -> Normalised:
    question = pl.col("turns").list.first()
    preferences = frame.select(
        UNIT,
        prompt=pl.concat_list(
            pl.struct(
                role=pl.lit("user"), content=question.struct.field("content").str.strip_chars()
            )
        ),
        chosen="better",
        rejected="worse",
    ).drop_nulls()
    if options.languages:
        wanted = pl.col("language").is_null() | pl.col("language").is_in(options.languages)
        other = frame.filter(~wanted)
        done = conversation_rows(frame.filter(wanted), options, preferences=preferences)
        said = other.select(UNIT, reason=pl.format("language {} is not wanted", "language"))
        return Normalised(done.rows, pl.concat([done.rejected, said]), done.preferences, done.notes)
    return conversation_rows(frame, options, preferences=preferences)


_COLUMNS = (
    Column("turns", Kind.TURNS, ("turns",), required=True),
    text("language"),
    text("better"),
    text("worse"),
)

TREE = Adapter(
    name="oasst_tree",
    summary="OpenAssistant trees: {message_tree_id, tree_state, prompt: {text, role, replies}}",
    columns=_COLUMNS,
    adapt=_trees,
    recognise=lambda record: (
        isinstance(record.get("prompt"), dict)
        and ("replies" in record["prompt"] or "message_tree_id" in record)
    ),
    expand=_expand_tree,
)


def _combine_messages(records: list[Record]) -> Record:
    nodes = {record.get("message_id"): {**record, "replies": []} for record in records}
    roots = []
    for node in nodes.values():
        parent = nodes.get(node.get("parent_id"))
        if parent is not None and parent is not node:
            parent["replies"].append(node)
        elif node.get("parent_id") is None:
            roots.append(node)
    if len(roots) != 1:
        raise WrongTypeError("the messages of the tree have no common beginning")
    return _expand_tree({"prompt": roots[0], "tree_state": records[0].get("tree_state")})[0]


MESSAGE_TABLE = Adapter(
    name="oasst_messages",
    summary="OpenAssistant on the hub: a row for each message (message_id, parent_id, text, role)",
    columns=_COLUMNS,
    adapt=_trees,
    recognise=lambda record: {"message_id", "parent_id", "text", "role"} <= set(record),
    group=("message_tree_id",),
    combine=_combine_messages,
)
