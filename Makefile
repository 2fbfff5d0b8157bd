# make run    install what is needed, build the dataset from the books in data/books, say where it lies
# make test   install what is needed, run all tests
# make dev    open the Dagster UI on 127.0.0.1:3000
# All else is for people who work on xpoll.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
EXTRA ?= cpu
CONSTRAINTS := $(if $(filter gpu,$(EXTRA)),constraints-gpu.txt,constraints.txt)
INSTALLED := $(VENV)/.installed-$(EXTRA)
INSTALLED_DEV := $(VENV)/.installed-dev

.PHONY: run test test-fast test-vllm test-gpu dev build install system lint format types check benchmarks clean help

help:
	@grep -E '^# ' Makefile | sed 's/^# //'

run: install
	@$(BIN)/xpoll build

dev: install
	@$(BIN)/xpoll dev

test: $(INSTALLED_DEV)
	@sh scripts/system.sh tests
	@$(BIN)/python -m pytest -n auto --dist loadfile --hypothesis-profile thorough -m "not slow and not e2e"
	@$(BIN)/python -m pytest -n 2 --hypothesis-profile thorough --dist loadfile -m "slow or e2e"

test-fast: $(INSTALLED_DEV)
	@$(BIN)/python -m pytest -n auto --dist loadfile -m "not slow and not e2e"

# Real vLLM: on the CPU in an environment of its own, .venv-vllm; on a GPU where there is one.
test-vllm:
	@PYTHON="$(PYTHON)" sh scripts/test_vllm.sh

test-gpu:
	@sh scripts/test_gpu.sh

lint: $(INSTALLED_DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(INSTALLED_DEV)
	$(BIN)/pyright

format: $(INSTALLED_DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

check: lint types test

install: $(INSTALLED)

# tesseract reads scans, WordNet names people and places; both are optional, and
# scripts/system.sh says what is skipped without them.
system:
	@sh scripts/system.sh

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install python3 and python3-venv."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Say which with: make PYTHON=/path/to/python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Making a virtual environment failed: on Debian and Ubuntu, apt-get install python3-venv."; exit 1; }

$(INSTALLED): pyproject.toml $(CONSTRAINTS) scripts/system.sh | $(VENV)/bin/python
	@sh scripts/system.sh
	@echo "Installing xpoll and its libraries into $(VENV) (some minutes the first time) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) -e '.[$(EXTRA)]'
	@touch $@

$(INSTALLED_DEV): $(INSTALLED)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) -e '.[$(EXTRA),dev]'
	@touch $@

benchmarks: $(INSTALLED_DEV)
	$(BIN)/python -m benchmarks.books
	$(BIN)/python -m benchmarks.linking
	$(BIN)/python -m benchmarks.planted_pairs

clean:
	rm -rf data/artifacts data/.dagster
