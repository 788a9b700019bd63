# Every target is a thin name for a script under scripts/, or for one command of the project's .venv.

VENV := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup dev up test lint format lock docker-test clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

setup: ## Install what is missing: PostgreSQL with PostGIS, Python packages into .venv
	@scripts/setup.sh

dev: ## The same, with what the tests and checks need
	@scripts/setup.sh --dev

up: setup ## Serve the catalogue at http://127.0.0.1:8080/ (options: make up ARGS="--offline --port 8090")
	@exec $(VENV)/kakehashi up $(ARGS)

test: dev ## Run all tests (a part of them: make test ARGS="tests/unit -k geometry")
	@$(VENV)/python -m pytest -n auto --dist loadfile $(ARGS)

lint: dev ## Check style, types and which part imports which
	@scripts/lint.sh

format: dev ## Rewrite the code in the house style
	@$(VENV)/ruff check --fix-only --quiet . && $(VENV)/ruff format .

lock: ## Bring requirements*.lock in step with pyproject.toml (newest of all: make lock ARGS=--upgrade)
	@scripts/lock.sh $(ARGS)

docker-test: ## Build and try the containers with an engine of their own (Debian or Ubuntu, root)
	@tests/docker/try.sh

clean: ## Remove .venv, caches and build results; the data directory stays
	@scripts/clean.sh
