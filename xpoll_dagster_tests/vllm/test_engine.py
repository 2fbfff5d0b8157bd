"""Chats through vLLM in this process."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from xpoll_dagster.writing.engines.model import ChatRequest, Completion, EngineError, Sampling
from xpoll_dagster.writing.engines.vllm import VllmEngine
from xpoll_dagster.writing.engines.vllm_models import loaded_model
from xpoll_dagster.writing.engines.vllm_options import VllmOptions
from xpoll_dagster.writing.model import Message
from xpoll_dagster_tests.vllm.killed_run import SCHEMA
from xpoll_dagster_tests.vllm.tiny_model import MAX_MODEL_LEN, build_adapter

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(600)]


def chat(
    text: str, *, max_tokens: int = 16, temperature: float = 0.0, schema: Any = None, seed: int = 1
) -> ChatRequest:
    sampling = Sampling(max_tokens=max_tokens, temperature=temperature, seed=seed)
    messages = (Message("system", "You answer in a word."), Message("user", text))
    return ChatRequest(messages, sampling, schema)


def test_every_guided_answer_follows_its_schema(engine: VllmEngine) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    requests = [
        chat(f"Say {place}", max_tokens=120, temperature=place % 3 / 2, schema=SCHEMA)
        for place in range(48)
    ]
    completions = engine.complete(requests)
    assert [completion.finish_reason for completion in completions] == ["stop"] * 48
    for completion in completions:
        jsonschema.validate(json.loads(completion.text), SCHEMA)
        assert completion.prompt_tokens > 10
        assert 5 < completion.completion_tokens <= 120
        assert not completion.cached


def test_answers_keep_their_places_whatever_finishes_first(engine: VllmEngine) -> None:
    requests = [chat(f"Count to {place}", max_tokens=1 + place * 7 % 40) for place in range(40)]
    arrived: list[tuple[int, Completion]] = []
    completions = engine.complete(requests, lambda place, it: arrived.append((place, it)))
    assert sorted(place for place, _ in arrived) == list(range(40))
    assert all(completions[place] is completion for place, completion in arrived)
    for request, completion in zip(requests, completions, strict=True):
        assert completion.completion_tokens == request.sampling.max_tokens
        assert completion.finish_reason == "length"
    # A greedy answer is the beginning of a longer one to the same chat.
    alone = engine.complete([chat("Count to 9", max_tokens=60)])[0]
    assert alone.text.startswith(completions[9].text.rstrip("\ufffd"))


def test_an_answer_is_handed_over_when_it_is_there(engine: VllmEngine) -> None:
    """The longest answer must still be running when the short ones arrive."""
    requests = [chat("Go on", max_tokens=400), *(chat(f"{n}", max_tokens=2) for n in range(8))]
    arrived: list[int] = []
    running: list[int] = []

    def on_completion(place: int, _: Completion) -> None:
        arrived.append(place)
        llm = loaded_model(engine.options).llm
        running.append(llm.llm_engine.get_num_unfinished_requests())

    engine.complete(requests, on_completion)
    assert arrived[-1] == 0
    assert running[0] >= 1
    assert running[-1] == 0


def test_more_chats_than_vllm_holds_at_once(options: VllmOptions, engine: VllmEngine) -> None:
    engine.complete([chat("Warm up")])
    narrow = VllmEngine(options.model_copy(update={"queued": 3}))
    most = 0
    llm = loaded_model(options).llm

    def on_completion(_place: int, _: Completion) -> None:
        nonlocal most
        most = max(most, llm.llm_engine.get_num_unfinished_requests())

    completions = narrow.complete([chat(f"{n}", max_tokens=4) for n in range(20)], on_completion)
    assert [completion.completion_tokens for completion in completions] == [4] * 20
    assert most <= 3


def test_what_cannot_be_completed_is_said_of_that_request_alone(engine: VllmEngine) -> None:
    few, many = engine.complete([chat("word " * 10), chat("word " * 110)])
    a_word = (many.prompt_tokens - few.prompt_tokens) / 100
    room = MAX_MODEL_LEN - 20 - few.prompt_tokens
    requests = [
        chat("Before"),
        chat("word " * 6000),
        chat("word " * int(room / a_word), max_tokens=4000),
        chat("A lone surrogate: \ud800"),
        chat("After"),
    ]
    arrived: list[int] = []
    completions = engine.complete(requests, lambda place, _: arrived.append(place))
    reasons = [completion.finish_reason for completion in completions]
    assert reasons == ["length", "error", "error", "error", "length"]
    assert "longer than the model takes: raise max_model_len" in completions[1].error
    assert "raise max_model_len" in completions[2].error
    assert "4096" in completions[2].error
    assert all(not completions[place].text for place in (1, 2, 3))
    assert sorted(arrived) == [0, 1, 2, 3, 4]


def test_a_guided_answer_cut_at_its_limit_says_so(engine: VllmEngine) -> None:
    [completion] = engine.complete([chat("Say", max_tokens=6, schema=SCHEMA)])
    assert completion.finish_reason == "length"
    with pytest.raises(json.JSONDecodeError):
        json.loads(completion.text)


def test_a_schema_beyond_vllms_grammars_still_gives_json(engine: VllmEngine) -> None:
    item = {"type": "integer", "multipleOf": 7}
    schema = {"type": "object", "properties": {"n": item}, "required": ["n"]}
    completions = engine.complete(
        [chat(f"{n}", max_tokens=200, temperature=1, seed=n, schema=schema) for n in range(8)]
    )
    assert {completion.finish_reason for completion in completions} <= {"stop", "length"}
    assert all(completion.text.startswith("{") for completion in completions)


def test_a_seed_repeats_a_draw(engine: VllmEngine) -> None:
    def draw(seed: int) -> str:
        return engine.complete([chat("Draw", temperature=1, seed=seed)])[0].text

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)


def test_a_model_is_loaded_once_for_all_who_ask(options: VllmOptions, engine: VllmEngine) -> None:
    psutil = pytest.importorskip("psutil")
    engine.complete([chat("Warm up")])
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    texts: dict[int, list[str]] = {}

    def partition(number: int) -> None:
        mine = VllmEngine(VllmOptions.model_validate(options.model_dump()))
        texts[number] = [it.text for it in mine.complete([chat(f"{n}") for n in range(6)])]

    threads = [threading.Thread(target=partition, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(texts) == 4
    assert texts[0] == texts[1] == texts[2] == texts[3]
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before


def test_a_batch_broken_off_leaves_nothing_behind(engine: VllmEngine) -> None:
    def disk_full(_place: int, _: Completion) -> None:
        raise OSError("no space left")

    requests = [chat(f"{n}", max_tokens=5 + 10 * n) for n in range(10)]
    with pytest.raises(OSError, match="no space left"):
        engine.complete(requests, disk_full)
    assert loaded_model(engine.options).llm.llm_engine.get_num_unfinished_requests() == 0
    arrived: list[int] = []
    again = engine.complete(requests, lambda place, _: arrived.append(place))
    assert sorted(arrived) == list(range(10))
    for request, completion in zip(requests, again, strict=True):
        assert completion.finish_reason == "stop" or (
            completion.completion_tokens == request.sampling.max_tokens
        )


def test_chat_template_and_its_variables_are_passed_on(
    options: VllmOptions, engine: VllmEngine, tmp_path: Path
) -> None:
    template = tmp_path / "template.jinja"
    template.write_text("{{ messages[-1].content }}{{ prefix | default('') }}")
    request = chat("one two three")
    [plain] = engine.complete([request])
    own = options.model_copy(update={"chat_template": template})
    [bare] = VllmEngine(own).complete([request])
    assert bare.prompt_tokens < plain.prompt_tokens
    update = {"chat_template_kwargs": {"prefix": " four five six seven"}}
    [longer] = VllmEngine(own.model_copy(update=update)).complete([request])
    assert longer.prompt_tokens > bare.prompt_tokens
    greeted = options.model_copy(update={"chat_template_kwargs": {"greeting": "hello"}})
    [greeting] = VllmEngine(greeted).complete([request])
    assert greeting.prompt_tokens > plain.prompt_tokens
    identities = [
        json.dumps(VllmEngine(it).identity, sort_keys=True)
        for it in (options, own, own.model_copy(update=update), greeted)
    ]
    assert len(set(identities)) == 4


def test_a_template_that_refuses_a_chat(
    options: VllmOptions, engine: VllmEngine, tmp_path: Path
) -> None:
    template = tmp_path / "template.jinja"
    template.write_text("{{ raise_exception('System role not supported') }}")
    refusing = VllmEngine(options.model_copy(update={"chat_template": template}))
    [completion] = refusing.complete([chat("Hello")])
    assert completion.finish_reason == "error"
    assert "System role not supported" in completion.error


def test_a_missing_model_is_named(options: VllmOptions, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    engine = VllmEngine(options.model_copy(update={"model": str(tmp_path / "empty")}))
    with pytest.raises(EngineError, match=r"There is no model .*empty"):
        engine.complete([chat("Hello")])


def test_an_adapter_changes_answers_and_a_dead_vllm_is_reported(
    options: VllmOptions, engine: VllmEngine, tmp_path: Path
) -> None:
    psutil = pytest.importorskip("psutil")
    requests = [chat(f"Say {n}") for n in range(6)]
    plain = engine.complete(requests)
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    adapter = build_adapter(tmp_path / "polite")
    update = {"lora": str(adapter)}
    adapted = VllmEngine(options.model_copy(update=update))
    assert adapted.model == "tiny-llama+polite"
    assert adapted.identity != engine.identity
    texts = [completion.text for completion in adapted.complete(requests)]
    assert all(text != it.text for text, it in zip(texts, plain, strict=True))

    own = [it for it in psutil.Process().children(recursive=True) if it.pid not in before]
    [core] = [it for it in own if "EngineCore" in " ".join(it.cmdline())]
    arrived: list[int] = []

    def kill(place: int, _: Completion) -> None:
        arrived.append(place)
        if len(arrived) == 1:
            os.kill(core.pid, 9)

    with pytest.raises(EngineError, match=r"vLLM ended in mid batch, after .* not lost"):
        adapted.complete([chat(f"{n}", max_tokens=2 + 90 * n) for n in range(10)], kill)
    assert 1 <= len(arrived) < 10
    assert adapted.release() is False  # forgotten, so that the next batch loads it again
    assert [it.text for it in engine.complete(requests)] == [it.text for it in plain]
