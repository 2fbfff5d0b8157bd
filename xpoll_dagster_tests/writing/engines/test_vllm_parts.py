"""What of the vLLM engine works without vLLM: options, error sentences, text, fingerprints."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from xpoll_dagster.writing.engines.model import ChatRequest, EngineError
from xpoll_dagster.writing.engines.vllm import VllmEngine
from xpoll_dagster.writing.engines.vllm_errors import loading_error
from xpoll_dagster.writing.engines.vllm_lifeline import OWNER, ancestors
from xpoll_dagster.writing.engines.vllm_options import VllmOptions
from xpoll_dagster.writing.engines.vllm_text import valid_strings, without_thought
from xpoll_dagster.writing.engines.weights import weights_fingerprint
from xpoll_dagster.writing.model import Message


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Plain.", "Plain."),
        ("<think>hm</think>\n\nAnswer.", "Answer."),
        ("\n<think>\nhm\n</think>Answer.", "Answer."),
        ("hm, the template opened it</think> Answer.", "Answer."),
        ("<think>never closed", ""),
        ("Of <think> tags: a text about them.", "Of <think> tags: a text about them."),
    ],
)
def test_thinking_is_taken_off(text: str, answer: str) -> None:
    assert without_thought(text) == answer


@given(st.dictionaries(st.text(), st.text(alphabet=st.characters(max_codepoint=127))))
def test_bare_control_characters_become_valid_json(value: dict[str, str]) -> None:
    def bare(text: str) -> str:
        return text.replace("\\", "\\\\").replace('"', '\\"')

    held = ",".join(f'"{bare(key)}":"{bare(text)}"' for key, text in value.items())
    assert json.loads(valid_strings("{\n" + held + "}")) == value


def test_a_cut_answer_is_left_as_it_is() -> None:
    assert valid_strings('{"a":"b\x00c') == '{"a":"b\x00c'


@pytest.mark.parametrize("extra", [{"model": "x"}, {"hf_token": "secret-token"}])
def test_extra_holds_neither_options_nor_secrets(extra: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as raised:
        VllmOptions(extra=extra)
    assert "secret-token" not in str(raised.value)


def test_rows_never_name_a_path(tmp_path: Path) -> None:
    folder = tmp_path / "my-model"
    folder.mkdir()
    assert VllmOptions(model=str(folder)).row_name == "my-model"
    assert VllmOptions(model="org/name").row_name == "org/name"
    assert VllmOptions(model="org/name", lora=str(folder)).row_name == "org/name+my-model"
    assert VllmOptions(model=str(folder), name="mine").row_name == "mine"


def test_identity_follows_content_and_not_place_or_speed(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
        (folder / "config.json").write_text("{}")
        (folder / "model.safetensors").write_bytes(bytes(3_000_000))

    def identity(folder: Path, **options: object) -> str:
        made = VllmOptions.model_validate({"model": str(folder), **options})
        return json.dumps(VllmEngine(made).identity, sort_keys=True)

    assert identity(one) == identity(two)
    speed = {"extra": {"max_num_seqs": 3}, "tensor_parallel_size": 2, "max_model_len": 99}
    assert identity(one) == identity(one, **speed)
    for other in ({"seed": 1}, {"quantization": "fp8"}, {"extra": {"kv_cache_dtype": "fp8"}}):
        assert identity(one) != identity(one, **other)
    trained = bytearray(3_000_000)
    trained[:3_000_000:1000] = b"\x01" * 3000
    (two / "model.safetensors").write_bytes(trained)
    assert identity(one) != identity(two)


def test_a_fingerprint_skips_what_decides_nothing(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    before = weights_fingerprint(tmp_path)
    (tmp_path / "README.md").write_text("words")
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "lock").write_text("")
    assert weights_fingerprint(tmp_path) == before
    (tmp_path / "generation_config.json").write_text("{}")
    assert weights_fingerprint(tmp_path) != before


ENGINE = "Engine core initialization failed. See root cause above. Failed core proc(s): {}"


@pytest.mark.parametrize(
    ("said", "reported", "expected"),
    [
        ("You are trying to access a gated repo.", "", "accepted its licence"),
        ("x is not a local folder and is not a valid model identifier", "", "There is no model"),
        ("We couldn't connect to 'https://huggingface.co'", "", "hub cannot be reached"),
        (
            ENGINE,
            "vLLM ERROR EngineCore failed to start.\nTraceback …\ntorch.OutOfMemoryError: CUDA "
            "out of memory. Tried to allocate 2 GiB.\nRuntimeError: " + ENGINE,
            "memory is too small.* CUDA out of memory. Tried",
        ),
        (
            ENGINE,
            "ValueError: Free memory on device (2/24 GiB) on startup is less than desired GPU "
            "memory utilization (0.9, 21 GiB).",
            "gpu_memory_utilization .*2/24 GiB",
        ),
        (ENGINE, "ValueError: No available memory for the cache blocks.", "lower max_model_len"),
        (ENGINE, "KeyError: 'weight'\n", "cannot load the model m. It says: 'weight'"),
        ("", "", "It says: RuntimeError"),
    ],
)
def test_why_a_model_cannot_be_loaded(said: str, reported: str, expected: str) -> None:

    error = loading_error(VllmOptions(model="m"), RuntimeError(said), reported, 0)
    assert re.search(expected, str(error), re.DOTALL), error
    assert "\n" not in str(error)


def test_a_missing_template_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"none\.jinja cannot be read"):
        VllmEngine(VllmOptions(chat_template=tmp_path / "none.jinja"))


def test_where_vllm_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(EngineError, match=r"vLLM .*XPOLL_AUTHOR"):
        VllmEngine().complete([ChatRequest((Message("user", "Hi"),))])
    assert VllmEngine().complete([]) == []


@pytest.mark.slow
def test_a_process_ends_with_the_one_that_owns_it() -> None:
    """The owner starts a process which starts another; both end when the owner is killed."""
    lifeline = "import xpoll_dagster.writing.engines.vllm_lifeline, time; time.sleep(60)"
    middle = (
        "import subprocess, sys; "
        f"child = subprocess.Popen([sys.executable, '-c', {lifeline!r}]); "
        "print(child.pid, flush=True); child.wait()"
    )
    owner = (
        "import os, subprocess, sys; "
        f"os.environ[{OWNER!r}] = str(os.getpid()); "
        f"subprocess.run([sys.executable, '-c', {middle!r}])"
    )
    process = subprocess.Popen([sys.executable, "-c", owner], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    worker = int(process.stdout.readline())
    between, above, *_ = ancestors(worker)
    assert above == process.pid
    time.sleep(2)  # until the module is imported
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 20
    while any(_runs(pid) for pid in (worker, between)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _runs(worker)
    assert not _runs(between)


def _runs(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
