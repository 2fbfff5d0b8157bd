from __future__ import annotations

import hashlib
from collections.abc import Mapping

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from xpoll_dagster.corpus.keys import row_ids, row_keys
from xpoll_dagster.corpus.normal_form import normal_form
from xpoll_dagster_tests.corpus.sources import frame


def keys_of(*rows: Mapping[str, object]) -> list[tuple[int, int, int]]:
    keys = row_keys(frame([{**row, "_license": "MIT"} for row in rows]))
    return list(keys.select("key_a", "key_b", "key_c").iter_rows())


def test_the_key_is_the_sha1_of_the_normalised_fields() -> None:
    found = keys_of({"instruction": "Say  it\n", "input": "caf\u00e9", "output": "It."})[0]
    text = "\x1f".join(["Say it", "caf\u00e9", "It.", "", ""])
    digest = hashlib.sha1(text.encode()).digest()
    sizes = ((0, 8), (8, 16), (16, 20))
    assert found == tuple(int.from_bytes(digest[a:b], "big") for a, b in sizes)


def test_lengths_tell_fields_apart_that_hold_the_separator() -> None:
    found = keys_of({"instruction": "a\x1fb", "input": "c", "output": "d"})[0]
    text = "\x1f".join(["a\x1fb", "c", "d", "", "", "3", "1", "1", "0", "0"])
    digest = hashlib.sha1(text.encode()).digest()
    assert found[0] == int.from_bytes(digest[:8], "big")


TEXT = st.text(alphabet="ab\x1f ,0123456789", max_size=4)


@given(TEXT, TEXT, TEXT, TEXT)
def test_fields_never_run_together(a: str, b: str, c: str, d: str) -> None:
    one, two = keys_of({"instruction": a, "output": b}, {"instruction": c, "output": d})
    forms = normal_form(pl.Series([a, b, c, d])).to_list()
    assert (one == two) == (forms[:2] == forms[2:])


def test_case_numbers_and_fields_tell_rows_apart() -> None:
    rows = [
        {"instruction": "a b", "output": "c"},
        {"instruction": "A b", "output": "c"},
        {"instruction": "a", "output": "b c"},
        {"instruction": "a", "input": "b", "output": "c"},
        {"instruction": "a b", "output": "c", "system": "s"},
        {"instruction": "2 + 2", "output": "c"},
        {"instruction": "3 + 3", "output": "c"},
    ]
    assert len(set(keys_of(*rows))) == len(rows)


def turns(*texts: str) -> list[dict[str, str]]:
    roles = ("user", "assistant")
    return [{"role": roles[n % 2], "content": text} for n, text in enumerate(texts)]


def test_a_conversation_of_one_exchange_is_the_plain_row() -> None:
    row = {"instruction": "Hi", "output": "Hello"}
    plain, chat, long, other = keys_of(
        row,
        {**row, "messages": turns("Hi", "Hello")},
        {**row, "messages": turns("Hi", "Hello", "Bye", "Goodbye")},
        {**row, "messages": turns("Hi", "Hello", "Bye", "Farewell")},
    )
    assert plain == chat
    assert len({plain, long, other}) == 3


def test_ids_name_source_content_and_occurrence() -> None:
    keys = row_keys(frame([{"instruction": "a", "output": "b", "_license": "MIT"}] * 2))
    content = keys["content"].to_numpy()
    ids = row_ids("books", content, pl.Series([1, 2]).to_numpy())
    assert ids[0] == f"books:{content[0]:016x}"
    assert ids[1] == f"{ids[0]}:2"
