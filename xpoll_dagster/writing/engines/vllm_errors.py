"""What vLLM's errors mean, each in a sentence that says what to do."""

from __future__ import annotations

import re

from xpoll_dagster.writing.engines.model import EngineError
from xpoll_dagster.writing.engines.vllm_options import VllmOptions

_MESSAGE = re.compile(r"^[A-Za-z_][\w.]*(?:Error|Exception|Exit)\b:? ?(.*)$", re.MULTILINE)
_ENDING = "Engine core initialization failed"  # vLLM's way to say: see elsewhere
_LONGEST = 400


def loading_error(
    options: VllmOptions, error: BaseException, reported: str, others: int
) -> EngineError:
    """Why a model cannot be loaded.

    Args:
        options: What was to be loaded.
        error: What vLLM raised here.
        reported: What its own processes logged as errors, with tracebacks.
        others: Models that this process holds already.
    """
    told = [text for text in _MESSAGE.findall(reported) if text and _ENDING not in text]
    said = str(error)
    if _ENDING in said or not said:
        # The first exception is the cause; those after it are its consequences.
        said = told[0] if told else said or type(error).__name__
    everything = f"{said}\n{reported}".lower()
    model = options.model
    for signs, sentence in _CAUSES:
        if any(sign in everything for sign in signs):
            beside = (
                f" This process holds {others} other model(s): release those." if others else ""
            )
            memory = beside if sentence is _NO_MEMORY or sentence is _NO_ROOM else ""
            return EngineError(
                f"{sentence.format(model=model, share=options.gpu_memory_utilization)}{memory} "
                f"vLLM says: {one_line(said)}"
            )
    return EngineError(f"vLLM cannot load the model {model}. It says: {one_line(said)}")


def one_line(text: str, longest: int = _LONGEST) -> str:
    """A message in one line, cut where it is very long."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[:longest]} …"


_NO_MEMORY = (
    "The GPU's memory is too small for the model {model}, or something else fills it: free it, "
    "lower gpu_memory_utilization ({share}) where other programs need their share, set "
    "quantization or a smaller model, or share it over GPUs with tensor_parallel_size."
)
_NO_ROOM = (
    "The model {model} fits, but leaves no memory for chats: lower max_model_len, raise "
    "gpu_memory_utilization ({share}), or set quantization."
)
_CAUSES: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("gated repo", "gatedrepoerror", "access to model", "awaiting a review"),
        "The model {model} is given only to those who accepted its licence: accept it on its page "
        "of the Hugging Face hub, then set the environment variable HF_TOKEN.",
    ),
    (
        (
            "couldn't connect",
            "connection error",
            "failed to resolve",
            "max retries exceeded",
            "name resolution",
            "offline mode is enabled",
            "localentrynotfounderror",
            "connecterror",
            "network is unreachable",
        ),
        "The model {model} is not on this machine, and the Hugging Face hub cannot be reached: "
        "copy the model into a folder and set that as the model.",
    ),
    (
        (
            "is not a valid model identifier",
            "repository not found",
            "repositorynotfounderror",
            "revisionnotfounderror",
            "is not a valid git identifier",
            "hfvalidationerror",
            "does not appear to have a file named config.json",
            "can't load the configuration",
            "invalid repository id",
            "no such file or directory",
        ),
        "There is no model {model}, neither as a folder nor on the Hugging Face hub (or its files "
        "are not whole): check the name and the revision.",
    ),
    (
        (
            "no available memory for the cache",
            "larger than the available kv cache memory",
            "estimated maximum model length",
            "kv cache is needed",
        ),
        _NO_ROOM,
    ),
    (
        ("out of memory", "outofmemoryerror", "less than desired gpu memory utilization"),
        _NO_MEMORY,
    ),
    (
        ("no cuda gpus", "found no nvidia driver", "failed to infer device type", "no nvidia"),
        "vLLM finds no GPU that it can use for the model {model}.",
    ),
)
