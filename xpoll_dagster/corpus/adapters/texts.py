"""Adapters of stories and of running text."""

from __future__ import annotations

import re

import polars as pl

from xpoll_dagster.corpus.adapters.conversations import conversation_rows, transcript_turns
from xpoll_dagster.corpus.adapters.model import UNIT, Adapter, AdapterOptions, Normalised, text
from xpoll_dagster.corpus.adapters.rows import finish_rows

# -- writing prompts -------------------------------------------------------------------------

_PREFIX = (
    r"^\s*(?:\[\s*[A-Za-z]{2}\s*\]|"
    r"\b(?:WP|EU|CW|TT|IP|PM|SP|RF|MP|PI|OT|CC)\b\s*[:\]\)-])\s*[:-]?\s*"
)


def _written(said: pl.Expr) -> pl.Expr:
    """Text that was cut into tokens for an older model, as it was before."""
    return (
        said.str.replace_all("<newline>", "\n", literal=True)
        .str.replace_all(r"``\s?", '"')
        .str.replace_all(r"\s?''", '"')
        .str.replace_all(r"[ \t]+([,.!?;:%)\]])", "$1")
        .str.replace_all(r"([(\[])[ \t]+", "$1")
        .str.replace_all(r"[ \t]+(n't|'(?:s|S|re|ve|ll|d|m))\b", "$1")
        .str.replace_all(r"[ \t]*\n[ \t]*", "\n")
        .str.replace_all(r"\n{3,}", "\n\n")
        .str.replace_all(r"[ \t]{2,}", " ")
        .str.strip_chars()
    )


def _stories(frame: pl.DataFrame, options: AdapterOptions) -> Normalised:
    prompt = _written(pl.col("instruction").str.replace(_PREFIX, ""))
    asked = pl.when(prompt != "").then(pl.lit("Write a story on this prompt: ") + prompt)
    return finish_rows(
        frame.with_columns(instruction=asked, output=_written(pl.col("output"))), options
    )


WRITING_PROMPTS = Adapter(
    name="writing_prompts",
    summary="WritingPrompts: {prompt, story}; marks such as [WP] and the spaces of tokens removed",
    columns=(
        text("instruction", "prompt", "wp_source", "source", "title", required=True),
        text("output", "story", "wp_target", "target", "text", required=True),
    ),
    adapt=_stories,
    category="creative",
    recognise=lambda record: (
        ("story" in record and "prompt" in record)
        or (
            isinstance(record.get("target"), str)
            and re.match(_PREFIX, str(record.get("source"))) is not None
        )
    ),
)

# -- running text ----------------------------------------------------------------------------

_CHATML = r"<\|im_start\|>\s*(\w+)\s*\n"
_LLAMA = r"(?:<s>)?\s*\[INST\]"
_HASHES = r"\s*#{2,3}[ \t]*(Human|Assistant|User|Instruction|Input|Response|System):[ \t]*"
_ROLES = {"human": "user", "instruction": "user", "input": "user", "response": "assistant"}
_OPENING = 400


def _texts(frame: pl.DataFrame, options: AdapterOptions) -> Normalised:
    said = pl.col("text").fill_null("")
    chatml = said.str.contains(_CHATML)
    llama = said.str.contains("[INST]", literal=True) & said.str.contains("[/INST]", literal=True)
    hashes = said.str.contains(_HASHES) & said.str.contains(r"#{2,3}\s*(Assistant|Response):")
    named = said.str.contains(r"^\s*Human:") & said.str.contains(r"\n\s*Assistant:")
    marked = frame.with_columns(
        _form=pl.when(chatml)
        .then(1)
        .when(llama)
        .then(2)
        .when(hashes)
        .then(3)
        .when(named)
        .then(4)
        .otherwise(0)
    )
    forms = {
        1: (said.str.replace_all(r"<\|im_end\|>", ""), _CHATML),
        2: (_llama(said), r"\x1c(user|assistant|system)\x1c"),
        3: (said, _HASHES),
        4: (said, r"(?:^|\n)\s*(Human|Assistant):[ \t]?"),
    }
    done = []
    for form, (source, pattern) in forms.items():
        part = marked.filter(pl.col("_form") == form)
        if part.height:
            role = pl.element().struct.field("role").str.to_lowercase().replace(_ROLES)
            turns = transcript_turns(source, pattern).list.eval(
                pl.struct(role=role, content=pl.element().struct.field("content"))
            )
            done.append(conversation_rows(part.select(UNIT, turns=turns), options))
    plain = marked.filter(pl.col("_form") == 0)
    if plain.height or not done:
        done.append(_continuations(plain, options))
    notes: dict[str, int] = {}
    return Normalised(
        pl.concat([part.rows for part in done]).sort(UNIT),
        pl.concat([part.rejected for part in done]),
        done[0].preferences,
        notes,
    )


def _llama(said: pl.Expr) -> pl.Expr:
    return (
        said.str.replace_all("\x1c", " ", literal=True)
        .str.replace_all(r"</?s>", "")
        .str.replace_all(r"(?s)\[INST\]\s*<<SYS>>(.*?)<</SYS>>", "\x1csystem\x1c$1\x1cuser\x1c")
        .str.replace_all("[INST]", "\x1cuser\x1c", literal=True)
        .str.replace_all("[/INST]", "\x1cassistant\x1c", literal=True)
    )


def _continuations(frame: pl.DataFrame, options: AdapterOptions) -> Normalised:
    """The opening as input, what follows as output: to go on with a text is the one task that
    running text sets by itself.
    """
    said = pl.col("text").fill_null("").str.strip_chars()
    # The first paragraph where it is short, else the first sentences of it.
    opening = pl.coalesce(
        said.str.extract(rf"(?s)^(.{{20,{_OPENING}}}?)\n\s*\n", 1),
        said.str.extract(rf"(?s)^(.{{20,{_OPENING}}}[.!?][\"”’)]?)\s", 1),
        said.str.extract(rf"(?s)^(.{{20,{_OPENING}}})\s", 1),
        pl.lit(""),
    )
    rows = frame.with_columns(opening=opening).with_columns(
        input=pl.col("opening"),
        instruction=pl.when(said != "").then(pl.lit("Continue this text.")),
        output=pl.when(pl.col("opening") != "").then(
            said.str.strip_prefix(pl.col("opening")).str.strip_chars()
        ),
    )
    return finish_rows(rows, options)


TEXT = Adapter(
    name="text",
    summary="One column of text: chats in the marks of ChatML, Llama or Guanaco become "
    "conversations, running text is to be continued",
    columns=(text("text", "text", "content", "document", required=True),),
    adapt=_texts,
    recognise=lambda record: (
        isinstance(record.get("text"), str) and len(set(record) - {"id", "meta", "source"}) <= 4
    ),
)
