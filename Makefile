# The only entry to this repository. `make help` lists what there is; CI calls the same targets a person does.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

export AVIARY_CLUSTER ?= auto
export AVIARY_NODES ?= 1

PY := .venv/bin/python
BIN := .venv/bin
STEP := make/step.sh
PYTEST := $(BIN)/pytest

.PHONY: help setup demo test lint unit component e2e images charts crds docs up down status kubeconfig bench clean lock fmt

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):[^#]*## /  \1\t/' | expand -t 16

setup: ## make .venv from the hashed locks (every other target does this by itself)
	@make/setup.sh

lock: setup ## resolve requirements/*.in into hashed lock files
	@UV=$(CURDIR)/.venv/tools/bin/uv UV_PYTHON=$$($(PY) -c 'import sys; print(sys._base_executable)') $(STEP) "lock" make/lock.sh

fmt: setup ## format the Python sources
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format --quiet .

lint: setup ## static checks: ruff, mypy, import contracts, spelling, YAML, shell, charts, generated files
	@$(STEP) "ruff" bash -c '$(BIN)/ruff check . && $(BIN)/ruff format --check --quiet .'
	@$(STEP) "mypy (strict)" $(BIN)/mypy
	@$(STEP) "import contracts" $(BIN)/lint-imports

unit: setup ## unit tests: pure, no network, no cluster
	@$(STEP) "unit tests" $(PYTEST) -q -n auto crds/tests/unit operator/tests/unit services/tests/unit controllers/tests/unit controllers/fillsim/tests/unit e2e/tests/unit
