from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpoll_dagster.report.inlining import inline_json, printable


@pytest.mark.slow
@given(st.recursive(st.text() | st.integers() | st.none(), st.lists))
def test_inlined_json_says_the_same_and_ends_nothing(value: object) -> None:
    text = inline_json(value)
    assert json.loads(text) == value
    assert not set("<>&\u2028\u2029") & set(text)


def test_what_json_cannot_say_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        inline_json(float("nan"))


def test_printable_keeps_every_script_and_drops_what_rearranges() -> None:
    assert printable("a\x00b\u202ec\u2066d\tשלום 🚢\n") == "abcd\tשלום 🚢\n"
