# Everything a user or a developer runs. `make help` lists it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# Real data sets for tests and benchmarks, where they are: tests that need them skip without.
CODELM_DATA ?= $(abspath $(wildcard ../shared/data))
export CODELM_DATA

.DEFAULT_GOAL := help
.PHONY: help demo system-packages test test-slow test-long lint format typecheck bench docs clean

help: ## List these targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

demo: $(VENV)/.demo ## Run the whole loop on this machine: corpus -> Codex -> Codex-S -> samples -> pass@k -> report
	$(BIN)/codelm reproduce --scale laptop

system-packages: ## Install the Debian packages that some tests need, as root: runsc, bubblewrap, g++, node
	apt-get update -qq
	apt-get install -qq -y --no-install-recommends runsc bubblewrap g++ libssl-dev libboost-dev \
		$(if $(shell command -v node),,nodejs)

test: $(VENV)/.dev ## Run the tests
	$(BIN)/python -m pytest -m "not slow and not long and not gpu"

test-slow: $(VENV)/.dev ## Run the tests that take long
	$(BIN)/python -m pytest -m "slow and not long and not gpu"

test-long: $(VENV)/.dev ## Run the tests that take many minutes: every solution of every problem set
	$(BIN)/python -m pytest -m "long and not gpu"

lint: $(VENV)/.dev ## Check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.dev ## Format the code and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

typecheck: $(VENV)/.dev ## Check types (mypy, strict)
	$(BIN)/mypy

bench: $(VENV)/.dev ## Run the benchmarks (minutes); they print what benchmarks/RESULTS.md keeps
	for bench in corpus tokenizer judge sandbox training; do $(BIN)/python benchmarks/bench_$$bench.py || exit 1; done
	@echo 'benchmarks/bench_sampling.py needs a checkpoint: run it on runs/laptop/codex-s-0.8M after make demo'

docs: $(VENV)/.dev ## Write what docs/ says of the commands and of the forgeries
	$(BIN)/python docs/write_commands.py
	$(BIN)/python docs/write_judges.py

clean: ## Remove the environment and what tools left behind (runs/ stays)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP_INSTALL) --editable '.[demo]'
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP_INSTALL) --editable '.[dev]'
	touch $@
