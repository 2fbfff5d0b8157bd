"""Chats completed by vLLM in this process: no server, the GPU's batches kept full."""

from __future__ import annotations

import hashlib
import importlib
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from xpoll_dagster.writing.engines.model import (
    ChatRequest,
    Completion,
    EngineError,
    OnCompletion,
)
from xpoll_dagster.writing.engines.vllm_errors import one_line
from xpoll_dagster.writing.engines.vllm_models import forget, loaded_model, release
from xpoll_dagster.writing.engines.vllm_options import ONLY_SPEED, VllmOptions
from xpoll_dagster.writing.engines.vllm_text import valid_strings, without_thought
from xpoll_dagster.writing.engines.weights import weights_fingerprint

log = logging.getLogger(__name__)

_PER_STEP = 256  # chats handed over between two looks at what has finished
_TRIES = 3


class VllmEngine:
    """vLLM's offline engine behind the interface of all engines.

    The model is loaded at the first batch, once per process for all engines of the same
    options, and stays until `release`. Answers are reported one by one as they finish. A
    schema is held to word by word (guided decoding); one that vLLM's grammars cannot express
    becomes "any JSON object". What the request does not say (top_k, penalties) is taken from
    the model's own generation settings, as `vllm serve` does.

    `identity` tells a folder by what it holds, not by its place; GPUs and memory don't count.

    Raises:
        EngineError: The chat template, or the folder of the model or adapter, cannot be read.
    """

    def __init__(self, options: VllmOptions | None = None) -> None:
        self.options = options or VllmOptions()
        self.model = self.options.row_name
        self._template = _read(self.options.chat_template)
        self.identity: Mapping[str, Any] = _identity(self.options, self._template)

    def complete(
        self, requests: Sequence[ChatRequest], on_completion: OnCompletion | None = None
    ) -> list[Completion]:
        """Complete a batch; `result[i]` answers `requests[i]`.

        Threads take turns. What `on_completion` raises ends the batch and is passed on.

        Raises:
            EngineError: No vLLM, GPU, model or memory; or vLLM ended in mid batch.
        """
        if not requests:
            return []
        loaded = loaded_model(self.options)
        batch = _Batch(self.options, self._template, requests, on_completion)
        try:
            with loaded.lock:
                if loaded.llm is None:
                    raise EngineError("The model was released while a batch waited: run again.")
                return batch.run(loaded.llm)
        except _EngineEndedError as ended:
            forget(loaded)
            raise EngineError(
                f"vLLM ended in mid batch, after {batch.n_done} of {len(requests)} completions "
                f"({ended}). Run again: what had finished is not lost."
            ) from ended.__cause__

    def release(self) -> bool:
        """Free the model's memory, after the batch under way; the next batch loads it again."""
        return release(self.options) > 0


class _EngineEndedError(Exception):
    """vLLM's processes are gone."""


class _Batch:
    """One call of `complete`: hands chats over, collects what finishes."""

    def __init__(
        self,
        options: VllmOptions,
        template: str | None,
        requests: Sequence[ChatRequest],
        on_completion: OnCompletion | None,
    ) -> None:
        self._options = options
        self._template = template
        self._requests = requests
        self._on_completion = on_completion
        self._results: list[Completion | None] = [None] * len(requests)
        self._running: dict[str, tuple[int, str]] = {}  # number → place, and vLLM's own id
        self._tries: Counter[int] = Counter()
        self._any_json: set[int] = set()  # places whose schema vLLM refused
        self._lora: Any = None
        self._defaults: Mapping[str, Any] = {}
        self.n_done = 0

    def run(self, llm: Any) -> list[Completion]:
        """Complete all; the caller holds the model's lock."""
        if self._options.lora is not None:
            lora = importlib.import_module("vllm.lora.request")
            self._lora = lora.LoRARequest("adapter", 1, self._options.lora)
        self._defaults = llm.model_config.get_diff_sampling_param()
        waiting = iter(range(len(self._requests)))
        try:
            while self._hand_over(llm, waiting):
                for output in self._step(llm):
                    # What an earlier batch left behind, broken off, is nobody's.
                    place, _ = self._running.pop(output.request_id, (None, ""))
                    if place is not None:
                        self._finished(llm, place, output)
        finally:
            if self._running:
                self._break_off(llm)
        return [result for result in self._results if result is not None]

    def _hand_over(self, llm: Any, waiting: Iterator[int]) -> bool:
        """Give vLLM more chats; whether any is under way."""
        room = self._options.queued - len(self._running)
        # Between two looks at what finished only so many, but never none while none runs.
        for place in islice(waiting, max(0, min(room, _PER_STEP))):
            self._add(llm, place)
        while not self._running:
            place = next(waiting, None)
            if place is None:
                return False
            self._add(llm, place)
        return True

    def _add(self, llm: Any, place: int) -> None:
        request = self._requests[place]
        self._tries[place] += 1
        try:
            self._enqueue(llm, place, request)
        except _refusals() as error:
            if request.json_schema is not None and place not in self._any_json:
                # Either the schema is more than vLLM's grammars can say, or this fails again.
                self._any_json.add(place)
                self._add(llm, place)
                return
            self._report(place, Completion("", "error", error=_refused(error)))

    def _enqueue(self, llm: Any, place: int, request: ChatRequest) -> None:
        sampling = importlib.import_module("vllm.sampling_params")
        guided = None
        if request.json_schema is not None and place in self._any_json:
            guided = sampling.StructuredOutputsParams(json_object=True)
        elif request.json_schema is not None:
            guided = sampling.StructuredOutputsParams(json=dict(request.json_schema))
        asked = {**self._defaults, **request.sampling.model_dump()}
        [number] = llm.enqueue_chat(
            [{"role": turn.role, "content": turn.content} for turn in request.messages],
            sampling.SamplingParams.from_optional(**asked, structured_outputs=guided),
            use_tqdm=False,
            lora_request=self._lora,
            chat_template=self._template,
            chat_template_kwargs=dict(self._options.chat_template_kwargs),
        )
        # vLLM adds random characters to the number, and gives outputs under the bare one.
        self._running[number.partition("-")[0]] = (place, number)

    def _step(self, llm: Any) -> list[Any]:
        try:
            return [output for output in llm.llm_engine.step() if output.finished]
        except _failures() as error:
            self._running.clear()
            raise _EngineEndedError(one_line(str(error) or type(error).__name__)) from error

    def _finished(self, llm: Any, place: int, output: Any) -> None:
        [answer] = output.outputs
        request = self._requests[place]
        if answer.finish_reason not in {"stop", "length", "repetition"}:
            if request.json_schema is not None and place not in self._any_json:
                self._any_json.add(place)
                self._add(llm, place)
            elif self._tries[place] < _TRIES:
                self._add(llm, place)
            else:
                raise EngineError(
                    f"vLLM dropped one of {len(self._requests)} requests {_TRIES} times "
                    f"({answer.finish_reason}); its log says why. Run again: what had finished "
                    "is not lost."
                )
            return
        n_prompt, n_answer = len(output.prompt_token_ids or ()), len(answer.token_ids)
        if answer.finish_reason == "length" and n_answer < request.sampling.max_tokens:
            self._report(
                place,
                Completion(
                    "",
                    "error",
                    n_prompt,
                    n_answer,
                    f"The prompt of {n_prompt} tokens leaves {n_answer} of the model's "
                    f"{llm.model_config.max_model_len} for an answer of up to "
                    f"{request.sampling.max_tokens}, and it did not end within them: raise "
                    "max_model_len.",
                ),
            )
            return
        guided = request.json_schema is not None
        text = valid_strings(answer.text) if guided else without_thought(answer.text)
        reason = "stop" if answer.finish_reason == "stop" else "length"
        self._report(place, Completion(text, reason, n_prompt, n_answer))

    def _report(self, place: int, completion: Completion) -> None:
        self._results[place] = completion
        self.n_done += 1
        if self._on_completion is not None:
            self._on_completion(place, completion)

    def _break_off(self, llm: Any) -> None:
        numbers = [number for _, number in self._running.values()]
        self._running.clear()
        try:
            llm.llm_engine.abort_request(numbers, internal=True)
        except _failures() as error:  # something else is being raised: that matters more
            log.warning("vLLM could not be told to stop: %s", error)


def _read(template: Path | None) -> str | None:
    if template is None:
        return None
    try:
        return template.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EngineError(f"The chat template {template} cannot be read: {error}.") from error


def _identity(options: VllmOptions, template: str | None) -> dict[str, Any]:
    hashed = None if template is None else hashlib.sha256(template.encode()).hexdigest()
    extra = {name: it for name, it in sorted(options.extra.items()) if name not in ONLY_SPEED}
    return {
        "engine": "vllm",
        "model": _content(options.model),
        "revision": options.revision,
        "lora": None if options.lora is None else _content(options.lora),
        "quantization": options.quantization,
        "dtype": options.dtype,
        "seed": options.seed,
        "chat_template": hashed,
        "chat_template_kwargs": dict(options.chat_template_kwargs),
        "extra": {name: str(value) for name, value in extra.items()},
    }


def _content(model: str) -> str:
    """A name on the hub as it is, a folder by its content."""
    path = Path(model)
    if not path.exists():
        return model
    try:
        return f"sha256:{weights_fingerprint(path)}"
    except (OSError, ValueError) as error:
        raise EngineError(f"The model in {model} cannot be read: {error}") from error


def _refusals() -> tuple[type[Exception], ...]:
    """What vLLM raises for a chat that it will not take, all else being well."""
    exceptions = importlib.import_module("vllm.exceptions")
    jinja2 = importlib.import_module("jinja2")
    return (ValueError, TypeError, exceptions.VLLMValidationError, jinja2.TemplateError)


def _failures() -> tuple[type[Exception], ...]:
    """What vLLM raises when it cannot go on."""
    ended = importlib.import_module("vllm.v1.engine.exceptions").EngineDeadError
    return (ended, RuntimeError, OSError)


def _refused(error: Exception) -> str:
    text = one_line(str(error))
    if "maximum" in text and ("length" in text or "longer" in text):
        return f"The prompt is longer than the model takes: raise max_model_len. vLLM says: {text}"
    return f"vLLM does not take this chat: {text}"
