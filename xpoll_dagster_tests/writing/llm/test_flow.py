"""From a scripted model's answers through the gates and a judge to the table of texts."""

from __future__ import annotations

from functools import partial

import polars as pl

from xpoll_dagster.books.model import CHUNKS_SCHEMA
from xpoll_dagster.writing.completion import CompletionOptions
from xpoll_dagster.writing.engines.model import ChatRequest
from xpoll_dagster.writing.llm import LLMAuthor, LLMOptions, judge_bridges
from xpoll_dagster.writing.model import BookInfo
from xpoll_dagster.writing.pair_texts import load_passages, write_pair_texts
from xpoll_dagster_tests.writing.llm.scripted import MILL, NO_LINK, PUMP, ScriptedEngine, asked
from xpoll_dagster_tests.writing.llm.test_bridging import answers, kind_of

PASSAGES = (PUMP, MILL)
CHUNKS = pl.DataFrame(
    [
        {
            "chunk_id": passage.chunk_id,
            "book": passage.book,
            "domain": passage.domain,
            "ordinal": 0,
            "section": list(passage.section),
            "page_start": passage.page_start,
            "page_end": passage.page_end,
            "text": passage.text,
            "passage": passage.text,
            "kind": "prose",
            "context": "",
            "n_tokens": 80,
        }
        for passage in PASSAGES
    ],
    schema=CHUNKS_SCHEMA,
)
BOOKS = {passage.book: BookInfo(passage.title, passage.domain) for passage in PASSAGES}
PAIRS = pl.DataFrame(
    {
        "pair_id": ["linked", "not linked"],
        "left_chunk": [PUMP.chunk_id, PUMP.chunk_id],
        "right_chunk": [MILL.chunk_id, MILL.chunk_id],
        "concepts": [[{"concept": "water", "weight": 1.0}], []],
        "signals": [["lexical"], ["semantic"]],
        "score": [0.9, 0.1],
        "explanation": ["Both speak of water.", ""],
    }
)


def model(request: ChatRequest) -> object:
    if kind_of(request) == "link" and "similar words" in asked(request):
        return NO_LINK
    return answers(request)


def test_good_texts_pass_the_gates_and_the_judge() -> None:
    options = LLMOptions(completion=CompletionOptions(rounds=1))
    author = LLMAuthor(ScriptedEngine(model), options)
    table = write_pair_texts(PAIRS, CHUNKS, BOOKS, author)
    assert table["kind"].to_list() == ["expository", "qa", "dialogue"] * 2
    linked = table.filter(pair_id="linked")
    assert linked["rejected_by"].to_list() == [[], [], []]
    assert set(linked["author"]) == {"llm"}
    refused = table.filter(pair_id="not linked")
    assert set(refused["rejected_by"].explode()) == {"the model sees no meaningful link"}
    passages = load_passages(CHUNKS, CHUNKS["chunk_id"], BOOKS)

    def verdict(request: ChatRequest) -> dict:
        mark = 2 if "conversation" in asked(request) or "Physicist" in asked(request) else 4
        return {"reason": "Thin.", "relevance": mark, "faithfulness": 4, "integration": 4}

    judged = write_pair_texts(
        PAIRS,
        CHUNKS,
        BOOKS,
        author,
        judge=partial(judge_bridges, ScriptedEngine(verdict), passages=passages),
    ).filter(pair_id="linked")
    assert judged["accepted"].to_list() == [True, True, False]
    assert judged["judge_score"].to_list()[0] == 4
    assert judged["judge_verdict"].to_list()[0] == (
        "relevance 4, faithfulness 4, integration 4: Thin."
    )
