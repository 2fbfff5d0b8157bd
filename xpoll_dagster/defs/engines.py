"""Engines that the settings name: in this process, or in the actors of a Ray cluster."""

from __future__ import annotations

import socket
from functools import partial

from xpoll_dagster.compute.protocol import Compute
from xpoll_dagster.settings import Settings
from xpoll_dagster.writing.completion.cache import CompletionCache
from xpoll_dagster.writing.completion.cached_engine import CachedEngine
from xpoll_dagster.writing.engines.distributed import DistributedEngine
from xpoll_dagster.writing.engines.loading import load_engine
from xpoll_dagster.writing.engines.model import Engine, EngineError
from xpoll_dagster.writing.engines.options import OpenAIOptions


def on_cluster(settings: Settings) -> bool:
    """Whether the author's chats are divided among the actors of a cluster.

    A vendor's batches are not: one file of requests is handed in, from here.
    """
    if settings.compute == "local" or settings.author == "rules":
        return False
    return settings.author == "vllm" or not settings.openai.use_batch_api


def author_engine(settings: Settings, compute: Compute | None = None) -> Engine:
    """The engine of the author; with a `compute`, one whose batches are divided there.

    Raises:
        ValueError: It is the rules author, which has none.
        EngineError: What the engine needs is missing.
    """
    if settings.author == "rules":
        raise ValueError("The rules author asks no model: set XPOLL_AUTHOR to vllm or openai.")
    here = load_engine(
        settings.author,
        settings.vllm if settings.author == "vllm" else settings.openai,
        api_key=settings.openai_api_key,
        state_dir=settings.artifacts_dir / ".cache" / "batches",
    )
    if compute is None:
        return here
    make = (
        partial(load_engine, "vllm", settings.vllm)
        if settings.author == "vllm"
        else partial(node_client, without_secrets(settings.openai), frozenset(secrets_of(settings)))
    )
    return DistributedEngine(make, compute, settings.ray.chats_per_batch, here)


def judge_engine(settings: Settings, cache: CompletionCache) -> Engine:
    """The engine of a judge that is not the author: the server of `judge_openai`."""
    key = settings.judge_api_key
    if not key.get_secret_value():
        key = settings.openai_api_key
    return CachedEngine(load_engine("openai", settings.judge_openai, api_key=key), cache)


def node_client(options: OpenAIOptions, needed: frozenset[str]) -> Engine:
    """The client of a server, with the secrets of this node's environment.

    Secrets do not travel: a cluster keeps what it was sent, unencrypted.

    Args:
        options: As set where the asset runs, without secrets.
        needed: Variables of the environment that hold a secret there, and so must here.

    Raises:
        EngineError: One of them is not set here.
    """
    own = Settings()
    if missing := sorted(needed.difference(secrets_of(own))):
        raise EngineError(
            f"{' and '.join(missing)} must be set in the environment of every Ray node, and is "
            f"not on {socket.gethostname()}: secrets do not travel."
        )
    secret = {name: getattr(own.openai, name) for name in _SECRET if _variable(name) in needed}
    return load_engine("openai", options.model_copy(update=secret), api_key=own.openai_api_key)


def without_secrets(options: OpenAIOptions) -> OpenAIOptions:
    """The options without passwords and headers."""
    plain = OpenAIOptions()
    return options.model_copy(update={name: getattr(plain, name) for name in _SECRET})


def secrets_of(settings: Settings) -> list[str]:
    """Variables of the environment that hold secrets of the author's server."""
    found = [_variable(name) for name in _SECRET if getattr(settings.openai, name)]
    return found + (["XPOLL_OPENAI_API_KEY"] if settings.openai_api_key.get_secret_value() else [])


_SECRET = ("basic_auth", "headers")


def _variable(option: str) -> str:
    return f"XPOLL_OPENAI__{option.upper()}"
