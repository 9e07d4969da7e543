# The only entry to this repository. `make help` lists what there is; CI calls the same targets a person does.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

export AVIARY_CLUSTER ?= auto
export AVIARY_NODES ?= 1

PY := .venv/bin/python
BIN := .venv/bin
STEP := make/step.sh
PYTEST := $(BIN)/pytest -q
CLUSTER := $(PY) -m aviary_cluster

UNIT_TESTS := crds/tests/unit operator/tests/unit services/tests/unit controllers/tests/unit \
  controllers/fillsim/tests/unit e2e/tests/unit images/tests/unit docs/tests/unit manifests/tests/unit
COMPONENT_TESTS := crds/tests/component operator/tests/component services/tests/component charts/tests \
  manifests/tests/component
# these start clusters and time them, or build images: one after another
SERIAL_TESTS := images/tests/component e2e/tests/component

.PHONY: help setup demo test lint unit component bot-tests e2e images charts crds docs up down status kubeconfig \
  bench clean lock fmt

help: ## list the targets
	@echo "Aviary: make TARGET, with AVIARY_CLUSTER=auto|local|kind|existing and AVIARY_NODES=1..3"
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):[^#]*## /  \1\t/' | expand -t 16

setup: ## make .venv from the hashed locks (every other target does this by itself)
	@make/setup.sh

demo: setup ## a real cluster, the charts, sample bots on paper: ends with a live board
	@$(PY) -m aviary_e2e demo

test: ## everything that CI checks: lint, unit, component, bot-tests, e2e
	@$(STEP) "make test" $(MAKE) lint unit component bot-tests e2e

lint: setup ## static checks: ruff, mypy, import contracts, spelling, YAML, shell, charts, generated files
	@$(STEP) "ruff" bash -c '$(BIN)/ruff check --quiet . && $(BIN)/ruff format --check --quiet .'
	@$(STEP) "mypy (strict)" $(BIN)/mypy --no-error-summary crds operator services controllers e2e charts images docs \
	  manifests/argocd manifests/tests
	@$(STEP) "import contracts" $(BIN)/lint-imports --no-cache
	@$(STEP) "spelling" $(BIN)/codespell
	@$(STEP) "YAML" $(BIN)/yamllint --strict .
	@$(STEP) "shell scripts" make/shellcheck.sh
	@$(STEP) "generated files are up to date" $(MAKE) check-generated
	@$(STEP) "helm lint" charts/lint.sh

check-generated: setup
	@$(PY) -m aviary_crds generate --check
	@$(PY) -m aviary_crds docs --check
	@$(PY) -m aviary_bot.metrics_reference --check
	@charts/sync-crds.sh --check
	@manifests/embed-strategy.sh --check
	@$(PY) manifests/argocd/config_map.py --check
	@$(PY) -m aviary_crds validate $(filter-out manifests/argocd/ manifests/tests/,$(wildcard manifests/*/))

unit: setup ## unit tests: pure, no network, no cluster
	@$(STEP) "unit tests" $(PYTEST) -n auto $(UNIT_TESTS)

component: setup ## component tests: real API server, real sockets, the built images
	@$(STEP) "cluster binaries" $(CLUSTER) binaries
	@$(STEP) "images" images/build.sh all
	@$(STEP) "component tests" $(PYTEST) -n 2 --dist loadfile $(COMPONENT_TESTS)
	@$(STEP) "component tests of images and clusters" $(PYTEST) $(SERIAL_TESTS)

bot-tests: setup ## the bot's component tests, inside the bot image (Hummingbot lives there)
	@$(STEP) "bot component tests" images/run-bot-tests.sh -q

e2e: setup ## the scenarios on a real cluster (starts one if there is none and takes down what it started)
	@$(STEP) "scenarios" $(PY) -m aviary_e2e scenarios

images: setup ## build the images bot, operator and services
	@$(STEP) "images" images/build.sh all

charts: setup ## lint and package the charts into build/charts
	@$(STEP) "charts" charts/package.sh build/charts

crds: setup ## generate the CRDs, their JSON schemas and the charts' copies
	@$(STEP) "CRDs" bash -c '$(PY) -m aviary_crds generate && charts/sync-crds.sh'

docs: setup ## generate docs/reference
	@$(STEP) "reference" bash -c '$(PY) -m aviary_crds docs && $(PY) -m aviary_bot.metrics_reference'

up: setup ## start a cluster, or find the one that runs
	@$(CLUSTER) up

down: setup ## stop the cluster and leave nothing of it behind
	@$(CLUSTER) down

status: setup ## what runs: provider, nodes, versions
	@$(CLUSTER) status

kubeconfig: setup
kubeconfig: ## print the path of the running cluster's kubeconfig (use make -s)
	@$(CLUSTER) kubeconfig

bench: setup ## measure what the product promises and print a table (BENCH="idle gates": these only)
	@$(PY) -m aviary_e2e bench $(BENCH)

lock: setup ## resolve requirements/*.in into hashed lock files
	@UV=$(CURDIR)/.venv/tools/bin/uv UV_PYTHON=$$($(PY) -c 'import sys; print(sys._base_executable)') $(STEP) "lock" make/lock.sh

fmt: setup ## format the Python sources
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format --quiet .

clean: ## remove everything that was built or cached: .venv, build/, the user's cache folder of aviary
	@if [ -x $(PY) ]; then $(CLUSTER) clean; fi
	@rm -rf build .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
