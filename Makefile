# One command per job; `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# One lock for set-up, so that two makes at once don't install into each other.
READY := $(VENV)/.ready

.PHONY: help setup system kubernetes-tools run demo-check test test-kubernetes check format docs screenshots manifests golden bench bench-quick bench-journal bench-polls bench-copies clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

setup: $(READY) ## Install everything into .venv: reconciler, a real Envoy, the tools

$(READY): pyproject.toml
	@echo "setting up $(VENV) (about a minute the first time)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one with PYTHON=..."; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[envoy,dev]'
	@touch $@

system: ## Install what the tests need of the system: git, an ssh server, wrk, Chromium, PostgreSQL
	@command -v git >/dev/null && command -v ssh >/dev/null && command -v wrk >/dev/null && command -v chromium >/dev/null && test -x /usr/sbin/sshd && { command -v initdb || ls /usr/lib/postgresql/*/bin/initdb; } >/dev/null 2>&1 || { \
	  echo "installing git, openssh, wrk, Chromium and PostgreSQL from Debian"; \
	  SUDO=$$(test $$(id -u) = 0 || echo sudo); \
	  $$SUDO apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$SUDO apt-get install -qq -y --no-install-recommends git openssh-client openssh-server wrk chromium fonts-dejavu-core postgresql >/dev/null; }

run: setup ## Show the main job: a scratch repository, a real Envoy, sample upstreams
	@$(BIN)/reconciler demo

demo-check: setup ## Let the demo check itself: commit a change, see it served and audited
	@$(BIN)/reconciler demo --check

kubernetes-tools: setup ## Build a real kube-apiserver, etcd and Helm, with Go; minutes, once per machine
	@$(BIN)/python -m tests.support.cluster.tools

test: setup system ## Run all tests, with real parts
	@$(BIN)/python -m tests.support.cluster.tools --if-possible
	@$(BIN)/pytest -n 2 --dist loadgroup

test-kubernetes: kubernetes-tools ## Run the tests with a real Kubernetes API server
	@$(BIN)/pytest -n 2 --dist loadgroup tests/kubernetes

check: setup ## What CI runs besides the tests: format, lint, types, architecture
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tests.support.chart --check

format: setup ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: setup ## Regenerate the reference pages that are made from the code
	@$(BIN)/python -m tests.support.reference
	@$(BIN)/python -m tests.support.crds

screenshots: setup system ## Take the pictures of the pages anew: a controller, an Envoy and Chromium
	@$(BIN)/python -m tests.support.screenshots

manifests: setup kubernetes-tools ## Regenerate deploy/: what is made from the chart and for it
	@$(BIN)/python -m tests.support.chart

golden: setup ## Regenerate tests/golden from its inputs, and prune what is stale
	@$(BIN)/python -m tests.support.golden
	@$(BIN)/python -m tests.support.exported

bench: setup system ## Measure all, up to MOST=100000 Mappings, and rewrite docs/performance.md: half an hour
	@$(BIN)/python -m tests.bench bench $(MOST)

bench-quick: setup system ## Measure 10,000 Mappings: minutes
	@$(BIN)/python -m tests.bench bench-quick

bench-copies: setup kubernetes-tools ## What a copy of 5000 changing Services costs: minutes
	@$(BIN)/python -m tests.bench.copies

bench-journal: setup system ## What questions cost a journal of a million changes: long, and gigabytes
	@$(BIN)/python -m tests.bench.journal

bench-polls: setup ## 10,000 polls of a repository: do descriptors, processes or memory grow?
	@$(BIN)/python -m tests.bench.polls

clean: ## Remove what set-up and tools left
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
