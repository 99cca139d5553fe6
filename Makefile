# What a developer and an operator type. `make` alone lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DEFAULT_GOAL := help
PYTHON_OF_CHECKOUT := .venv/bin/python
# A caller's own Python settings must not change what runs here.
unexport PYTHONPATH PYTHONHOME PYTHONSAFEPATH PYTHONWARNINGS VIRTUAL_ENV
export PYTHONNOUSERSITE := 1
PACKAGES = $(wildcard libs/boss_kit/boss_kit libs/boss_cli/boss_cli services/*/boss_* deploy/boss_* deploy/setup/*.py tests/bench/boss_bench)
PROTO_RELEASE := protos/released.binpb
# Images, because buf compares folders module by module, and a recorded file is one module.
PROTO_IMAGE := .venv/bin/buf build --path protos/boss -o

.PHONY: help setup protos check lint types api fmt test faults bench demo demo-distributed up down released constraints clean

help: ## List the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: ## Make .venv and the generated code, if they are out of date (PYTHON=... names the interpreter)
	@bash deploy/setup/setup.sh

protos: setup ## Generate libs/boss_protos anew
	@$(PYTHON_OF_CHECKOUT) deploy/setup/protos.py --force

check: lint types api ## Style, types, protos (each also alone: make lint, make types, make api)

lint: setup
	.venv/bin/ruff check
	.venv/bin/ruff format --check

types: setup
	.venv/bin/mypy $(PACKAGES)

api: setup
	.venv/bin/buf lint
	@if [ -e $(PROTO_RELEASE) ]; then $(PROTO_IMAGE) - | .venv/bin/buf breaking - --against $(PROTO_RELEASE) --exclude-imports; \
	else echo "no $(PROTO_RELEASE) yet, so nothing can break: make released"; fi

fmt: setup ## Format the code and mend what the linter can
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

test: check ## Every check and every test (ARGS="-k name" chooses)
	$(PYTHON_OF_CHECKOUT) -m pytest $(ARGS)

faults: setup ## All of the fault and fuzz tests, of which `make test` runs a seeded tenth
	BOSS_FAULTS=all $(PYTHON_OF_CHECKOUT) -m pytest tests/faults services/agreements/tests/test_lives_on_the_database.py \
		services/agreements/tests/test_hostile_input.py $(ARGS)

bench: setup ## Measure against the raw limit of this machine (ARGS="--only events")
	$(PYTHON_OF_CHECKOUT) -m boss_bench $(ARGS)

demo: setup ## Import a club, play 90 days of billing in one process (ARGS="--csv FILE --days 30 --seed 7")
	@$(PYTHON_OF_CHECKOUT) -m boss_demo $(ARGS)

demo-distributed: setup ## The demo against every service as its own processes
	@$(PYTHON_OF_CHECKOUT) -m boss_stack demo $(ARGS)

up: setup ## Start every service as its own processes, with RabbitMQ and PostgreSQL
	@$(PYTHON_OF_CHECKOUT) -m boss_stack up $(ARGS)

down: setup ## Stop what `make up` started
	@$(PYTHON_OF_CHECKOUT) -m boss_stack down $(ARGS)

released: setup ## Record the protos as released: from now on `make check` refuses breaking changes against them
	$(PROTO_IMAGE) $(PROTO_RELEASE)

constraints: ## Pin requirements.in anew, with hashes (needs uv; ARGS="--upgrade" moves to newer versions)
	env -u UV_FIND_LINKS uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	  --custom-compile-command 'make constraints' $(ARGS) requirements.in -o constraints.txt

clean: ## Remove the environment, generated code and caches
	@case "$$(readlink .venv)" in /var/lib/boss/*/venv) rm -rf "$$(dirname "$$(readlink .venv)")" ;; esac
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis libs/boss_protos/{boss,buf,.generated}
	find . -name __pycache__ -prune -exec rm -rf {} +
