"""The tiny model, and vLLM running it: in this process and behind a server."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from xpoll_dagster.writing.engines.vllm import VllmEngine
from xpoll_dagster.writing.engines.vllm_options import VllmOptions
from xpoll_dagster_tests.vllm import serve, tiny_model

GUIDED = {"backend": "xgrammar", "disable_any_whitespace": True}
SMALL = {"enforce_eager": True, "kv_cache_memory_bytes": 64 << 20, "max_num_seqs": 32}


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("vllm", reason="vLLM is not installed here: make test-vllm")
    return tiny_model.build(tmp_path_factory.mktemp("models") / "tiny-llama")


@pytest.fixture(scope="session")
def options(model_folder: Path) -> VllmOptions:
    return VllmOptions(model=str(model_folder), max_model_len=tiny_model.MAX_MODEL_LEN, extra=SMALL)


@pytest.fixture(scope="session")
def engine(options: VllmOptions) -> Iterator[VllmEngine]:
    engine = VllmEngine(options)
    yield engine
    engine.release()


@pytest.fixture(scope="session")
def base_url(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`vllm serve` with the tiny model, named `tiny-llama`, on a free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log"
    command = [
        *(sys.executable, "-m", serve.__name__),
        *("serve", str(model_folder), "--host", "127.0.0.1", "--port", str(port)),
        *("--served-model-name", "tiny-llama", "--max-model-len", "1024", "--enforce-eager"),
        *("--kv-cache-memory-bytes", str(64 << 20), "--max-num-seqs", "32"),
        *("--structured-outputs-config", json.dumps(GUIDED)),
    ]
    environment = os.environ | {"VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1"}
    with log.open("wb") as out:
        server = subprocess.Popen(command, stdout=out, stderr=out, env=environment)
    try:
        deadline = time.monotonic() + 280
        while True:
            assert server.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < deadline, log.read_text()[-3000:]
            with socket.socket() as client:
                client.settimeout(1)
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(30)
