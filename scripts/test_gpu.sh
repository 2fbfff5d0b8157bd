#!/bin/sh
# The tests with real vLLM on this machine's GPU, in .venv with the extra `gpu`: `make test-gpu`.
# Where there is no GPU it says so, and that is no failure.
set -eu
cd "$(dirname "$0")/.."

if ! command -v nvidia-smi >/dev/null 2>&1 || ! nvidia-smi -L 2>/dev/null | grep -q '^GPU '; then
    echo "make test-gpu: no GPU here (nvidia-smi lists none), so nothing was tested. On the CPU: make test-vllm."
    exit 0
fi

nvidia-smi -L
${MAKE:-make} EXTRA=gpu .venv/.installed-gpu
python=.venv/bin/python
"$python" -m pip install --quiet --disable-pip-version-check -c constraints-gpu.txt -e '.[gpu,dev]'
if ! "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
    echo "make test-gpu: nvidia-smi lists a GPU, but torch in .venv cannot use it: was .venv made for the CPU? Remove it and run again."
    exit 1
fi
exec "$python" -m pytest -m vllm xpoll_dagster_tests/vllm "$@"
