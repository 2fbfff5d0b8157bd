"""Engines by name; each is imported only when it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, SecretStr

from xpoll_dagster.writing.engines.model import Engine

EngineKind = Literal["vllm", "openai"]

_Options = TypeVar("_Options", bound=BaseModel)


def _as(wanted: type[_Options], options: BaseModel | None) -> _Options:
    if options is None:
        return wanted()
    if not isinstance(options, wanted):
        raise ValueError(f"This engine takes {wanted.__name__}, not {type(options).__name__}.")
    return options


def load_engine(
    kind: EngineKind,
    options: BaseModel | None = None,
    *,
    api_key: SecretStr | None = None,
    state_dir: Path | None = None,
) -> Engine:
    """Make an engine; nothing is loaded or asked before its first batch.

    Args:
        kind: "openai" for a server, "vllm" for a model in this process.
        options: `OpenAIOptions` or `VllmOptions`; the defaults of its kind if None.
        api_key: Key of the server ("openai").
        state_dir: Where the server's batches are remembered ("openai" with `use_batch_api`).

    Raises:
        ValueError: There is no such engine, or the options are another engine's.
        EngineError: What the engine needs is missing.
    """
    if kind == "openai":
        from xpoll_dagster.writing.engines.openai import OpenAIEngine
        from xpoll_dagster.writing.engines.options import OpenAIOptions

        return OpenAIEngine(_as(OpenAIOptions, options), api_key=api_key, state_dir=state_dir)
    if kind == "vllm":
        from xpoll_dagster.writing.engines.vllm import VllmEngine
        from xpoll_dagster.writing.engines.vllm_options import VllmOptions

        return VllmEngine(_as(VllmOptions, options))
    raise ValueError(f"There is no engine {kind!r}: choose vllm or openai.")
