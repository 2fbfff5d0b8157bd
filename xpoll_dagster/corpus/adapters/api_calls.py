"""API-Bank's dialogues: a file each, a line for each turn or call."""

from __future__ import annotations

import json

import polars as pl

from xpoll_dagster.corpus.adapters.conversations import conversation_rows
from xpoll_dagster.corpus.adapters.model import (
    Adapter,
    AdapterOptions,
    Column,
    Kind,
    Normalised,
    Record,
    WrongTypeError,
)


def _combine(records: list[Record]) -> Record:
    turns = []
    for record in records:
        role = record.get("role")
        if isinstance(role, str) and role.lower() == "api":
            call = {"name": record.get("api_name"), "arguments": record.get("param_dict")}
            said = json.dumps(call, ensure_ascii=False)
            turns.append({"role": "assistant", "content": f"<tool_call>\n{said}\n</tool_call>"})
            result = json.dumps(record.get("result"), ensure_ascii=False)
            turns.append({"role": "tool", "content": result})
        elif isinstance(role, str) and isinstance(record.get("text"), str):
            turns.append({"role": role, "content": record["text"]})
        else:
            raise WrongTypeError("a turn of the dialogue has no speaker or no text")
    return {"turns": turns}


def _dialogues(frame: pl.DataFrame, options: AdapterOptions) -> Normalised:
    return conversation_rows(frame, options)


API_BANK = Adapter(
    name="api_bank",
    summary="API-Bank's dialogues: {role, text} and {role: API, api_name, param_dict, result}",
    columns=(Column("turns", Kind.TURNS, ("turns",), required=True),),
    adapt=_dialogues,
    category="tool_use",
    recognise=lambda record: (
        isinstance(record.get("role"), str)
        and ("api_name" in record or ("text" in record and "message_id" not in record))
    ),
    # All lines of a file are one dialogue: no line has this column.
    group=("dialogue_of_this_file",),
    combine=_combine,
)
