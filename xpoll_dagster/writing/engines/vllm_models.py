"""The models that vLLM holds in this process: each loaded once, freed on demand."""

from __future__ import annotations

import gc
import importlib
import json
import logging
import os
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import connection
from pathlib import Path
from typing import Any

from xpoll_dagster.writing.engines.model import EngineError
from xpoll_dagster.writing.engines.vllm_errors import loading_error
from xpoll_dagster.writing.engines.vllm_lifeline import OWNER
from xpoll_dagster.writing.engines.vllm_options import VllmOptions

log = logging.getLogger(__name__)

# These decide how a chat is put to a loaded model, not which one is loaded.
_PER_CHAT = {"name", "chat_template", "chat_template_kwargs", "queued", "log_level"}
_LORA_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)  # those that vLLM has code for


@dataclass(slots=True)
class LoadedModel:
    """A model in memory. `lock` is held by whoever puts chats to it: one batch at a time."""

    llm: Any
    folder: tempfile.TemporaryDirectory[str]
    lock: threading.Lock = field(default_factory=threading.Lock)


_models: dict[tuple[int, str], LoadedModel] = {}
_loading = threading.Lock()


def _key(options: VllmOptions) -> tuple[int, str]:
    # A process forked from this one must not use its connections to vLLM's processes.
    loaded = options.model_dump(mode="json", exclude=_PER_CHAT)
    return os.getpid(), json.dumps(loaded, sort_keys=True, default=str)


def loaded_model(options: VllmOptions) -> LoadedModel:
    """The model of these options, loaded now unless this process holds it already.

    Threads that ask at once wait for one loading.

    Raises:
        EngineError: vLLM, a GPU, the model or the memory for it is missing.
    """
    with _loading:
        key = _key(options)
        if key not in _models:
            others = sum(pid == os.getpid() for pid, _ in _models)
            _models[key] = _load(options, others)
        return _models[key]


def release(options: VllmOptions | None = None) -> int:
    """Free the memory of the model of these options, or of all models of this process.

    Waits for a batch that is under way.

    Returns:
        How many models were freed: 0 where none was loaded.
    """
    with _loading:
        keys = [key for key in _models if key[0] == os.getpid()]
        if options is not None:
            keys = [key for key in keys if key == _key(options)]
        models = [_models.pop(key) for key in keys]
    for model in models:
        _shut_down(model)
    return len(models)


def forget(model: LoadedModel) -> None:
    """Drop a model whose processes died, so that the next call loads it anew."""
    with _loading:
        for key in [key for key, held in _models.items() if held is model]:
            del _models[key]
    _shut_down(model)


def _shut_down(model: LoadedModel) -> None:
    with model.lock:
        if model.llm is not None:
            model.llm.llm_engine.engine_core.shutdown()
            model.llm = None
            model.folder.cleanup()
    gc.collect()


def _load(options: VllmOptions, others: int) -> LoadedModel:
    llm_class = _vllm(options)
    folder = tempfile.TemporaryDirectory(prefix="xpoll-vllm-")
    errors = Path(folder.name, "errors.log")
    log.info("Loading %s into vLLM …", options.model)
    try:
        with _environment(_variables(options, Path(folder.name), errors)):
            llm = llm_class(**_arguments(options))
    except (Exception, SystemExit) as error:
        reported = errors.read_text(encoding="utf-8", errors="replace") if errors.exists() else ""
        folder.cleanup()
        raise loading_error(options, error, reported, others) from error
    _report_sudden_ends(llm)
    return LoadedModel(llm, folder)


def _report_sudden_ends(llm: Any) -> None:
    """Let a batch fail when vLLM's process is killed (for want of memory, say).

    The offline client of vLLM 0.32 then waits for outputs for ever: its own watch closes the
    connection and wakes nobody. Where vLLM runs in this process there is nothing to watch.
    """
    client = llm.llm_engine.engine_core
    manager = getattr(getattr(client, "resources", None), "engine_manager", None)
    processes = getattr(manager, "processes", None)
    outputs = getattr(client, "outputs_queue", None)
    if not processes or outputs is None:
        return
    sentinels = [process.sentinel for process in processes]
    ended = importlib.import_module("vllm.v1.engine.exceptions").EngineDeadError

    def watch() -> None:
        connection.wait(sentinels)
        outputs.put_nowait(ended())

    threading.Thread(target=watch, name="vllm-watch", daemon=True).start()


def _vllm(options: VllmOptions) -> Any:
    """The class `LLM` of vLLM, once it is sure that there is a device for it."""
    instead = "or set XPOLL_AUTHOR to openai (a server) or rules (no model)"
    try:
        with _environment({"VLLM_LOGGING_LEVEL": options.log_level}):
            vllm = importlib.import_module("vllm")
            llm_class = vllm.LLM
            platform = importlib.import_module("vllm.platforms").current_platform
    except ModuleNotFoundError as error:
        if error.name == "vllm":
            raise EngineError(
                f"vLLM is not installed: install xpoll with its extra `gpu`, {instead}."
            ) from error
        raise EngineError(
            f"vLLM is installed, but its module {error.name} is not: install it again, {instead}."
        ) from error
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        raise EngineError(
            f"vLLM is installed but cannot be started ({error}); {instead}."
        ) from error
    if not platform.device_type:
        raise EngineError(
            f"vLLM finds no GPU on this machine: start it where there is one, {instead}."
        )
    return llm_class


def _arguments(options: VllmOptions) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "model": options.model,
        "revision": options.revision,
        "tokenizer_revision": options.revision,
        "tensor_parallel_size": options.tensor_parallel_size,
        "quantization": options.quantization,
        "dtype": options.dtype,
        "max_model_len": options.max_model_len,
        "gpu_memory_utilization": options.gpu_memory_utilization,
        "seed": options.seed,
        "trust_remote_code": options.trust_remote_code,
        "worker_extension_cls": f"{_LIFELINE}.Lifeline",
        "enable_lora": options.lora is not None,
        # Where any white space may stand, a weak model fills its answer with it to the end.
        "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
    }
    if options.lora is not None and (rank := _rank(Path(options.lora))):
        arguments["max_lora_rank"] = rank
    return arguments | options.extra


_LIFELINE = "xpoll_dagster.writing.engines.vllm_lifeline"


def _rank(adapter: Path) -> int | None:
    """The rank to make room for: the adapter's, rounded up to one that vLLM knows."""
    try:
        held = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
        rank = int(held["r"])
    except FileNotFoundError:
        return None  # a name on the hub, or no adapter: vLLM will say
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise EngineError(
            f"{adapter}/adapter_config.json does not say the LoRA adapter's rank `r`: {error}."
        ) from error
    return next((known for known in _LORA_RANKS if known >= rank), rank)


def _variables(options: VllmOptions, folder: Path, errors: Path) -> dict[str, str]:
    """What vLLM and its processes read from the environment while they start."""
    handlers = {
        "console": {"class": "logging.StreamHandler", "formatter": "plain"},
        "errors": {
            "class": "logging.FileHandler",
            "filename": str(errors),
            "level": "ERROR",
            "formatter": "plain",
        },
    }
    logger = {"handlers": list(handlers), "level": options.log_level, "propagate": False}
    config = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"plain": {"format": "vLLM %(levelname)s %(message)s"}},
        "handlers": handlers,
        "loggers": {"vllm": logger},
    }
    path = folder / "logging.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    variables = {
        OWNER: str(os.getpid()),
        "VLLM_LOGGING_CONFIG_PATH": str(path),
        "VLLM_NO_USAGE_STATS": "1",
        # Forked processes would inherit the threads' locks of whatever runs here beside vLLM.
        "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
    }
    if Path(options.model).exists() and (options.lora is None or Path(options.lora).exists()):
        variables["HF_HUB_OFFLINE"] = "1"
    return variables


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
