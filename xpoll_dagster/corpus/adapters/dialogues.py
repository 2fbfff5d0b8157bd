"""Adapters of conversations."""

from __future__ import annotations

import re
from typing import Any

import polars as pl

from xpoll_dagster.corpus.adapters.conversations import conversation_rows, transcript_turns
from xpoll_dagster.corpus.adapters.model import (
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

LISTS = (
    "messages",
    "conversations",
    "conversation",
    "dialog",
    "dialogue",
    "dialogs",
    "chat",
    "turns",
    "items",
)
SYSTEM = text("system", "system", "system_prompt", "system_message")
_SYSTEM_HINT = "You have access to these functions. Call one where it helps:\n"


def _is_list(record: Record, names: tuple[str, ...]) -> bool:
    for name in names:
        value = record.get(name)
        if isinstance(value, list) and value:
            return isinstance(value[0], dict | list | str)
        if isinstance(value, str) and value.lstrip().startswith("[{"):
            return True
    return False


def _tools(name: str = "tools") -> pl.Expr:
    tools = pl.col(name).fill_null("").str.strip_chars()
    there = ~tools.is_in(["", "[]", "{}", "null"])
    return pl.when(there).then(pl.lit(_SYSTEM_HINT) + tools)


def _messages(frame: pl.DataFrame, options: AdapterOptions) -> Normalised:
    first = pl.col("turns").list.first()
    # Many sets write the tools into their own first turn.
    told = (first.struct.field("role") == "system") & first.struct.field("content").str.contains(
        r"(?i)<tools>|functions?\b.*\{|tools?\b.*\{"
    )
    listed = pl.when(~told.fill_null(value=False)).then(_tools())
    system = pl.concat_str(pl.col("system"), listed, separator="\n\n", ignore_nulls=True)
    category = pl.when(_tools().is_not_null()).then(pl.lit("tool_use"))
    return conversation_rows(frame.with_columns(system=system, _category=category), options)


MESSAGES = Adapter(
    name="messages",
    summary="OpenAI chats, ShareGPT, OpenHermes, WildChat, Tulu, Capybara, LIMA, ToolBench, ESConv "
    "and the like: a list of turns, with or without tools",
    columns=(
        Column("turns", Kind.TURNS, LISTS, required=True),
        Column("tools", Kind.JSON, ("tools", "functions", "available_tools")),
        SYSTEM,
    ),
    adapt=_messages,
    recognise=lambda record: _is_list(record, LISTS),
)

SHAREGPT = Adapter(
    name="sharegpt",
    summary="ShareGPT, Vicuna, OpenHermes, ToolBench: {conversations: [{from, value}]}",
    columns=(
        Column("turns", Kind.TURNS, ("conversations", "items", "conversation"), required=True),
        Column("tools", Kind.JSON, ("tools", "functions")),
        SYSTEM,
    ),
    adapt=_messages,
    recognise=lambda record: _is_list(record, ("conversations",)),
)


def _expand_history(record: Record) -> list[Record]:
    before = record.get("history") or []
    if not isinstance(before, list):
        raise WrongTypeError(f"history is {kind_of(before)}, not a list")
    asked = [record.get(name) for name in ("instruction", "prompt", "query", "input")]
    said = "\n\n".join(one for one in asked if isinstance(one, str) and one.strip())
    answer = next((record[n] for n in ("output", "response") if record.get(n) is not None), "")
    last = [{"role": "user", "content": said}, {"role": "assistant", "content": answer}]
    return [{"turns": [*before, *last], "system": record.get("system")}]


def _ultrachat(frame: pl.DataFrame, options: AdapterOptions) -> Normalised:
    return conversation_rows(frame, options)


HISTORY = Adapter(
    name="alpaca_history",
    summary="Alpaca rows with what was said before: {instruction, input, output, history}",
    columns=(Column("turns", Kind.TURNS, ("turns",), required=True), text("system")),
    adapt=_ultrachat,
    recognise=lambda record: (
        isinstance(record.get("history"), list)
        and any(isinstance(record.get(name), str) for name in ("output", "response"))
    ),
    expand=_expand_history,
)

ULTRACHAT = Adapter(
    name="ultrachat",
    summary="UltraChat: {id, data: [question, answer, …]}; its 200k: {prompt, prompt_id, messages}",
    columns=(Column("turns", Kind.TURNS, ("messages", "data"), required=True),),
    adapt=_ultrachat,
    category="dialogue",
    recognise=lambda record: (
        _is_list(record, ("data",))
        or (
            "prompt_id" in record
            and _is_list(record, ("messages",))
            and not {"chosen", "category"} & set(record)
        )
    ),
)

_GLAIVE_MARK = r"(?:^|\n)\s*(USER|ASSISTANT|FUNCTION RESPONSE|SYSTEM):[ \t]*"
_GLAIVE_ROLES = {
    "USER": "user",
    "ASSISTANT": "assistant",
    "FUNCTION RESPONSE": "tool",
    "SYSTEM": "system",
}


def _glaive(frame: pl.DataFrame, options: AdapterOptions) -> Normalised:
    chat = pl.col("chat").str.replace_all("<|endoftext|>", "", literal=True)
    role = pl.element().struct.field("role").replace_strict(_GLAIVE_ROLES, default="")
    turns = transcript_turns(chat, _GLAIVE_MARK).list.eval(
        pl.struct(role=role, content=pl.element().struct.field("content").str.strip_chars())
    )
    system = pl.col("system").str.replace(r"^\s*SYSTEM:\s*", "")
    return conversation_rows(frame.with_columns(system=system, turns=turns), options)


GLAIVE = Adapter(
    name="glaive",
    summary="Glaive function calling: {system, chat}, or {sample}, with USER:, ASSISTANT: and "
    "FUNCTION RESPONSE: marks",
    columns=(text("chat", "chat", "sample", required=True), text("system")),
    adapt=_glaive,
    category="tool_use",
    recognise=lambda record: any(
        isinstance(record.get(name), str)
        and re.search(r"\bUSER:", record[name]) is not None
        and "ASSISTANT:" in record[name]
        for name in ("chat", "sample")
    ),
)


# -- utterances, a row each ----------------------------------------------------------------


def _combine_utterances(records: list[Record]) -> Record:
    turns: list[dict[str, Any]] = []
    for record in sorted(records, key=_utterance_index):
        said = record.get("utterance")
        if not isinstance(said, str):
            raise WrongTypeError(f"utterance is {kind_of(said)}, not a text")
        speaker = record.get("speaker_idx", record.get("speaker", ""))
        turns.append(
            {"role": f"speaker {speaker}", "content": said.replace("_comma_", ",").strip()}
        )
    first = records[0]
    return {"turns": turns, "feeling": first.get("context")}


def _utterance_index(record: Record) -> int:
    try:
        return int(record.get("utterance_idx") or 0)
    except (TypeError, ValueError):
        raise WrongTypeError("utterance_idx is no number") from None


EMPATHETIC = Adapter(
    name="empathetic_dialogues",
    summary="EmpatheticDialogues: a row for each utterance (conv_id, utterance_idx, utterance); "
    "who tells of the feeling asks, who listens answers",
    columns=(Column("turns", Kind.TURNS, ("turns",), required=True),),
    adapt=_ultrachat,
    category="psychology",
    recognise=lambda record: {"conv_id", "utterance_idx", "utterance"} <= set(record),
    group=("conv_id",),
    combine=_combine_utterances,
)
