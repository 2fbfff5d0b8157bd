"""Which engine an author gets, and what of it travels to a cluster."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from typing import Any

import polars as pl
import pytest

from xpoll_dagster.compute.local import LocalCompute
from xpoll_dagster.compute.protocol import Factory
from xpoll_dagster.defs.engines import author_engine, node_client, on_cluster
from xpoll_dagster.settings import Settings
from xpoll_dagster.writing.engines.distributed import DistributedEngine
from xpoll_dagster.writing.engines.model import ChatRequest, EngineError
from xpoll_dagster.writing.model import Message
from xpoll_dagster_tests.writing.engines.fault_server import FaultServer

SECRETS = {
    "XPOLL_OPENAI_API_KEY": "the-key",
    "XPOLL_OPENAI__HEADERS": '{"x-gate": "the-header"}',
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    with FaultServer(key="the-key") as running:
        monkeypatch.setenv("XPOLL_AUTHOR", "openai")
        monkeypatch.setenv("XPOLL_COMPUTE", "ray")
        monkeypatch.setenv("XPOLL_OPENAI__MODEL", "tiny")
        monkeypatch.setenv("XPOLL_OPENAI__BASE_URL", running.base_url)
        for name, value in SECRETS.items():
            monkeypatch.setenv(name, value)
        yield running


class Remembering(LocalCompute):
    """Keeps what would travel."""

    def map_batches(
        self, frames: Iterable[pl.DataFrame], factory: Factory, **options: Any
    ) -> Iterator[tuple[int, pl.DataFrame]]:
        self.sent = pickle.dumps(factory)
        yield from super().map_batches(frames, pickle.loads(self.sent), **options)


def test_secrets_do_not_travel_and_are_those_of_the_node(server: FaultServer) -> None:
    compute = Remembering()
    engine = author_engine(Settings(), compute)
    assert isinstance(engine, DistributedEngine)
    [answer] = engine.complete([ChatRequest((Message("user", "hello"),))])
    assert answer.text == "HELLO"
    assert server.calls[0].headers["x-gate"] == "the-header"
    assert server.base_url.encode() in compute.sent
    assert b"the-key" not in compute.sent
    assert b"the-header" not in compute.sent
    assert engine.identity == author_engine(Settings()).identity


def test_a_node_without_the_secrets_says_which(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings()
    for name in SECRETS:
        monkeypatch.delenv(name)
    with pytest.raises(EngineError, match="XPOLL_OPENAI_API_KEY and XPOLL_OPENAI__HEADERS must be"):
        node_client(settings.openai, frozenset(SECRETS))
    assert not server.calls


@pytest.mark.parametrize(
    ("author", "more", "there"),
    [
        ("rules", {}, False),
        ("vllm", {}, True),
        ("openai", {}, True),
        ("openai", {"use_batch_api": True}, False),
    ],
)
def test_what_leaves_this_process(
    author: str, more: dict[str, object], there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XPOLL_COMPUTE", "ray")
    monkeypatch.setenv("XPOLL_AUTHOR", author)
    settings = Settings()
    settings = settings.model_copy(update={"openai": settings.openai.model_copy(update=more)})
    assert on_cluster(settings) is there
    assert not on_cluster(settings.model_copy(update={"compute": "local"}))
