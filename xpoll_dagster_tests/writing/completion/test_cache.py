"""Completions are kept, found again where they may stand for a request, and never lost."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpoll_dagster.writing.completion import (
    CacheError,
    CacheOptions,
    CompletionCache,
    Entry,
    RequestKeys,
)
from xpoll_dagster.writing.completion.keys import serves, tokens_needed
from xpoll_dagster.writing.engines.model import ChatRequest, Completion, Sampling
from xpoll_dagster.writing.model import Message
from xpoll_dagster_tests.writing.completion.engines import chat

KEY = bytes(range(32))


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[CompletionCache]:
    with CompletionCache(tmp_path / ".cache" / "completions.sqlite") as opened:
        yield opened


def entry(key: bytes, completion: Completion, max_tokens: int = 512, model: str = "m") -> Entry:
    return Entry(key, max_tokens, model, completion)


def numbered(count: int, text: str = "x", start: int = 0) -> list[Entry]:
    return [
        entry(number.to_bytes(32, "big"), Completion(f"{text} {number}", completion_tokens=3))
        for number in range(start, start + count)
    ]


# -- what is kept ------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "one", "Ünï ∫ 🙂 \0 \ud800", "long " * 5000])
def test_a_completion_comes_back_as_it_was(cache: CompletionCache, text: str) -> None:
    kept = Completion(text, prompt_tokens=11, completion_tokens=22)
    assert cache.store([entry(KEY, kept)]) == 1
    cache.close()  # and it is read from the file
    assert cache.find([(KEY, 512)]) == [
        Completion(text, prompt_tokens=11, completion_tokens=22, cached=True)
    ]


def test_errors_are_not_kept_and_refusals_are(cache: CompletionCache) -> None:
    refused = Completion("", "refused")
    failed = Completion("", "error", error="The prompt is too long.")
    assert cache.store([entry(b"a" * 32, failed), entry(b"b" * 32, refused)]) == 1
    assert cache.find([(b"a" * 32, 512), (b"b" * 32, 1)]) == [
        None,
        Completion("", "refused", cached=True),
    ]


# -- the rule of max_tokens --------------------------------------------------------------

arrivals = st.lists(
    st.tuples(
        st.integers(1, 12),  # max_tokens it was asked under
        st.integers(0, 15),  # tokens it would take to finish; 0: not counted
    ),
    max_size=6,
)


def made(max_tokens: int, whole: int) -> Completion:
    if whole > max_tokens:
        return Completion("cut", "length", completion_tokens=max_tokens)
    return Completion("done", "stop", completion_tokens=whole)


@given(arrivals, st.integers(1, 14))
def test_an_answer_serves_exactly_where_it_could_have_been_given(
    history: list[tuple[int, int]], asked: int
) -> None:
    """Against all that was ever sent for: none that would serve is forgotten, none invented."""
    arrived: list[tuple[Completion, int]] = []
    with CompletionCache(Path(":memory:")) as cache:
        for max_tokens, whole in history:
            if cache.find([(KEY, max_tokens)]) == [None]:
                completion = made(max_tokens, whole)
                cache.store([entry(KEY, completion, max_tokens)])
                arrived.append((completion, max_tokens))
        (found,) = cache.find([(KEY, asked)])
    finished = any(
        asked >= (one.completion_tokens or under)
        for one, under in arrived
        if one.finish_reason == "stop"
    )
    cut = any(asked <= under for one, under in arrived if one.finish_reason == "length")
    expected = "stop" if finished else "length" if cut else None
    assert (None if found is None else found.finish_reason) == expected


@given(arrivals)
def test_whatever_arrives_beside_it_no_request_is_sent_again(
    history: list[tuple[int, int]],
) -> None:
    """Two runs may both have sent the same, and store what the other's answer has overtaken."""
    with CompletionCache(Path(":memory:")) as cache:
        for max_tokens, whole in history:
            cache.store([entry(KEY, made(max_tokens, whole), max_tokens)])
        found = cache.find([(KEY, max_tokens) for max_tokens, _ in history])
    for (max_tokens, whole), answer in zip(history, found, strict=True):
        assert answer is not None
        if made(max_tokens, whole).finish_reason == "stop":
            assert answer.finish_reason == "stop"


@given(st.integers(1, 5000), st.integers(0, 6000), st.integers(1, 10_000))
def test_the_rule_itself(made_under: int, tokens: int, asked: int) -> None:
    needs = tokens_needed(Completion("x", completion_tokens=tokens), made_under)
    assert serves(finished=True, needs=needs, made_under=made_under, asked=made_under)
    if asked >= made_under:
        assert serves(finished=True, needs=needs, made_under=made_under, asked=asked)
    if 0 < asked < min(tokens, made_under):
        assert not serves(finished=True, needs=needs, made_under=made_under, asked=asked)
    assert serves(finished=False, needs=0, made_under=made_under, asked=asked) == (
        asked <= made_under
    )


def test_an_answer_that_served_is_not_replaced(cache: CompletionCache) -> None:
    cache.store([entry(KEY, Completion("first", completion_tokens=3))])
    cache.store([entry(KEY, Completion("second", completion_tokens=2))])
    (found,) = cache.find([(KEY, 512)])
    assert found is not None
    assert found.text == "first"


# -- keys --------------------------------------------------------------------------------


def key(request: ChatRequest, **identity: object) -> bytes:
    return RequestKeys(identity or {"model": "m"}).key(request)


def test_a_key_holds_all_that_changes_an_answer_and_no_more() -> None:
    base = chat("a", temperature=0.3, seed=1)
    schema = {"properties": {"a": {}, "b": {}}}
    turned = {"properties": {"b": {}, "a": {}}}
    different = [
        base,
        chat("b", temperature=0.3, seed=1),
        chat("a", temperature=0.4, seed=1),
        chat("a", temperature=0.3, seed=2),
        chat("a", temperature=0.3, seed=1, top_p=0.5),
        ChatRequest((Message("system", "a"),), base.sampling),
        ChatRequest((Message("user", "a"), Message("user", "")), base.sampling),
        ChatRequest(base.messages, base.sampling, schema),
        ChatRequest(base.messages, base.sampling, turned),  # guided decoding follows the order
    ]
    keys = [key(request) for request in different]
    assert len(set(keys)) == len(keys)
    assert key(base) == key(chat("a", temperature=0.3, seed=1, max_tokens=9))
    assert key(base) != key(base, model="n")
    assert key(base, model="m", revision=1) == key(base, revision=1, model="m")
    assert key(chat("a", temperature=0, seed=1)) == key(chat("a", temperature=0, top_p=0.2))


@given(st.lists(st.text(alphabet="ab 10\n", max_size=6), min_size=1, max_size=4))
def test_no_text_passes_for_another_message(contents: list[str]) -> None:
    sampling = Sampling()
    several = ChatRequest(tuple(Message("user", text) for text in contents), sampling)
    joined = ChatRequest((Message("user", "".join(contents)),), sampling)
    assert (key(several) == key(joined)) == (several == joined)


def test_an_identity_that_is_no_json_is_refused() -> None:
    with pytest.raises(TypeError, match="no plain JSON"):
        RequestKeys({"model": object()})


# -- sharing -----------------------------------------------------------------------------

WRITER = """
import sys
from pathlib import Path
from xpoll_dagster.writing.completion import CompletionCache, Entry
from xpoll_dagster.writing.engines.model import Completion
path, name, start, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
cache = CompletionCache(path)
for n in range(start, start + count):
    key = n.to_bytes(32, "big")
    cache.find([(key, 9)])
    cache.store([Entry(key, 9, name, Completion(f"{name} {n}", completion_tokens=1))])
"""


@pytest.mark.slow
def test_processes_share_one_file_from_its_first_moment(tmp_path: Path) -> None:
    path = tmp_path / "shared.sqlite"
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), name, str(start), "150"])
        for name, start in (("a", 0), ("b", 100), ("c", 0))
    ]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    with CompletionCache(path) as cache:
        found = cache.find([(n.to_bytes(32, "big"), 9) for n in range(250)])
        stats = cache.stats()
    assert None not in found
    assert stats.entries == 250
    assert stats.hits + stats.misses == 3 * 150 + 250  # no count is lost either
    assert len({one.text.split()[1] for one in found if one is not None}) == 250


def test_threads_share_one_cache(cache: CompletionCache) -> None:
    def work(start: int) -> None:
        for one in numbered(50, start=start):
            cache.store([one])
            assert cache.find([(one.key, 512)])[0] is not None

    threads = [threading.Thread(target=work, args=(50 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.stats().entries == 200


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_writes_by_a_connection_of_its_own(tmp_path: Path) -> None:
    script = f"""
import os
from pathlib import Path
from xpoll_dagster.writing.completion import CompletionCache, Entry
from xpoll_dagster.writing.engines.model import Completion
cache = CompletionCache(Path({str(tmp_path / "f.sqlite")!r}))
cache.store([Entry(b"a" * 32, 9, "m", Completion("parent"))])
with cache.connected() as connection:
    inherited = connection
if os.fork() == 0:
    cache.store([Entry(b"b" * 32, 9, "m", Completion("child"))])
    with cache.connected() as connection:
        own = connection is not inherited
    inherited.execute("SELECT 1")  # open still: closing it here would release the parent's locks
    os._exit(0 if own else 1)
assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
assert None not in cache.find([(b"a" * 32, 9), (b"b" * 32, 9)])
"""
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=60).returncode == 0


# -- what goes wrong ---------------------------------------------------------------------


def test_a_file_that_is_something_else_is_left_alone(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("Not a database, but somebody's notes.")
    with pytest.raises(CacheError, match=r"notes\.txt is not a cache of completions"):
        CompletionCache(text)
    assert text.read_text() == "Not a database, but somebody's notes."
    other = tmp_path / "other.sqlite"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE people (name)")
    connection.commit()
    connection.close()
    before = other.read_bytes()
    with pytest.raises(CacheError, match="some other file"):
        CompletionCache(other)
    assert other.read_bytes() == before


def test_a_newer_layout_is_told(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    CompletionCache(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(CacheError, match="its layout is 99"):
        CompletionCache(path)


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with CompletionCache(path) as cache:
        cache.store(numbered(2000))
        assert cache.damage() == ()
    content = bytearray(path.read_bytes())
    content[8192:-4096] = b"\x5a" * (len(content) - 8192 - 4096)
    path.write_bytes(bytes(content))
    with pytest.raises(CacheError, match=r"is damaged.*move it away"):
        CompletionCache(path).find([(one.key, 512) for one in numbered(2000)])


@pytest.mark.parametrize("damage", ["zeroblob(40)", "substr(text, 1, length(text) - 6)"])
def test_a_damaged_text_is_told_rather_than_given_back(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "c.sqlite"
    with CompletionCache(path) as cache:
        cache.store([entry(KEY, Completion("a text " * 50))])
    connection = sqlite3.connect(path)
    connection.execute(f"UPDATE completions SET text = {damage}")
    connection.commit()
    connection.close()
    with CompletionCache(path) as cache, pytest.raises(CacheError, match="is damaged"):
        cache.find([(KEY, 512)])


def test_a_path_through_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheError, match="check that its folder is one"):
        CompletionCache(tmp_path / "file" / "c.sqlite")
    with pytest.raises(CacheError, match="cannot be opened for writing"):
        CompletionCache(tmp_path)


def test_a_folder_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    script = f"""
import os
from pathlib import Path
from xpoll_dagster.writing.completion import CacheError, CompletionCache
if os.getuid() == 0:
    os.setuid(65534)
for name in ("new.sqlite", "old.sqlite"):
    try:
        CompletionCache(Path({str(tmp_path / "closed")!r}) / name)
    except CacheError as error:
        assert "cannot be opened for writing" in str(error), error
    else:
        raise SystemExit(f"{{name}} was opened")
"""
    closed = tmp_path / "closed"
    CompletionCache(closed / "old.sqlite").close()
    for folder in (tmp_path, *list(tmp_path.parents)[:-2]):
        if folder.owner() == closed.owner() and folder != Path("/tmp"):
            folder.chmod(0o755)
    (closed / "old.sqlite").chmod(0o444)
    closed.chmod(0o555)
    try:
        run = subprocess.run([sys.executable, "-c", script], check=False, timeout=60)
    finally:
        closed.chmod(0o755)
    assert run.returncode == 0


def test_a_lock_that_never_ends_is_told(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with CompletionCache(path, CacheOptions(busy_seconds=0.2)) as cache:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(CacheError, match="Another process has kept"):
            cache.store(numbered(1))
        other.execute("ROLLBACK")
        other.close()
        assert cache.store(numbered(1)) == 1


# -- size --------------------------------------------------------------------------------


def test_stats_count_by_model_and_over_the_life_of_the_file(cache: CompletionCache) -> None:
    assert cache.stats().hit_rate is None
    first = entry(b"a" * 32, Completion("x" * 100, prompt_tokens=5, completion_tokens=2))
    cache.store([first, entry(b"b" * 32, Completion("y"), model="n")])
    cache.find([(b"a" * 32, 512), (b"a" * 32, 512), (b"c" * 32, 512)])
    cache.find([(b"a" * 32, 512)], count=False)
    stats = cache.stats()
    assert (stats.entries, stats.hits, stats.misses) == (2, 2, 1)
    assert stats.hit_rate == pytest.approx(2 / 3)
    assert [(share.model, share.entries, share.hits) for share in stats.models] == [
        ("m", 1, 2),
        ("n", 1, 0),
    ]
    assert stats.models[0].prompt_tokens == 5
    assert stats.file_bytes > 0
    cache.prune(model="m")
    assert cache.stats().hits == 2


def test_pruning_by_age_counts_from_the_last_use(cache: CompletionCache) -> None:
    cache.store(numbered(3))
    with cache.connected() as connection:
        connection.execute("UPDATE completions SET created = ?", (time.time() - 10 * 86400,))
    cache.find([(numbered(1)[0].key, 512)])
    assert cache.prune(older_than_days=5).entries == 2
    assert cache.stats().entries == 1
    assert cache.find([(numbered(1)[0].key, 512)])[0] is not None


def test_pruning_by_size_takes_the_least_recently_used(cache: CompletionCache) -> None:
    texts = [os.urandom(700).hex() for _ in range(2000)]
    cache.store([entry(n.to_bytes(32, "big"), Completion(text)) for n, text in enumerate(texts)])
    used = [(n.to_bytes(32, "big"), 512) for n in range(100)]
    cache.find(used)
    before = cache.stats().file_bytes
    pruned = cache.prune(max_bytes=500_000)
    after = cache.stats()
    assert after.file_bytes <= 500_000
    assert pruned.file_bytes == before - after.file_bytes
    assert pruned.entries == 2000 - after.entries
    assert 400 < after.entries < 600  # not more than it takes
    assert None not in cache.find(used)
    assert cache.damage() == ()


def test_pruning_needs_a_reason_and_combines_them(cache: CompletionCache) -> None:
    with pytest.raises(ValueError, match="Say what to prune"):
        cache.prune()
    cut = Completion("cut", "length", completion_tokens=512)
    cache.store(
        [
            entry(b"a" * 32, cut),
            entry(b"b" * 32, cut, model="n"),
            entry(b"c" * 32, Completion("whole"), model="n"),
        ]
    )
    assert cache.prune(model="n", finish_reason="length").entries == 1
    assert cache.stats().entries == 2
