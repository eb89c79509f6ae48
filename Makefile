# Everything that a person or CI does here. `make` alone lists it.

SHELL := /bin/sh
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
PY := $(VENV)/bin/python
UV := $(VENV)/bin/uv
# Stamps: a second `make run` compares a few file times, and installs nothing.
RUNTIME := $(VENV)/.runtime-installed
DEVELOPMENT := $(VENV)/.development-installed
BENCH := .venv-bench/.installed
NODE := node_modules/.installed

.DEFAULT_GOAL := help
.PHONY: help run serve bench bench-quick bench-environment test e2e check format lock services coverage sbom image clean distclean

help: ## list these commands
	@sed -n 's/^\([a-z0-9-]*\):.*## /  make \1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf '%-18s %s\n' "$$name" "$$text"; done

run: $(RUNTIME) ## set up, migrate, offer demo people, and serve on http://localhost:8000
	@exec $(PY) manage.py quickstart

serve: $(RUNTIME) ## the production server, as deployments start it (needs its settings)
	@exec $(PY) manage.py serve

test: $(DEVELOPMENT) $(NODE) ## every test: on SQLite, in Chromium, on PostgreSQL and Redis, in Node
	@exec $(PY) scripts/run_tests.py

e2e: $(DEVELOPMENT) ## only the tests in Chromium
	@exec $(PY) scripts/run_tests.py browser

check: $(DEVELOPMENT) $(NODE) ## every check that isn't a test: format, lint, types, layers, migrations, docs
	@exec $(PY) scripts/run_checks.py

format: $(DEVELOPMENT) ## format the code, and mend what can be mended by machine
	@$(VENV)/bin/ruff check --fix-only --quiet .
	@$(VENV)/bin/ruff format .

services: $(DEVELOPMENT) ## a shell with a throw-away PostgreSQL and Redis
	@exec $(PY) -m pneumatic.testing.services -- $${SHELL:-sh}

coverage: $(DEVELOPMENT) ## which lines no test runs, as HTML in htmlcov/
	@$(PY) -m pytest -q -m 'not e2e' -n 2 --cov --cov-report=html --cov-report=term:skip-covered

lock: $(DEVELOPMENT) ## write the lock files anew from requirements*.in (UPGRADE=--upgrade for newer)
	@for name in requirements requirements-dev requirements-bench requirements-uv; do \
		$(UV) pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-header --no-annotate \
			$(UPGRADE) $$name.in --output-file $$name.txt || exit 1; done
	@$(PY) scripts/check_locks.py

bench: $(RUNTIME) $(BENCH) ## measure everything beside others, in about 25 minutes (ONLY=fanout,sends for some)
	@exec $(PY) -m bench all $(if $(ONLY),--only $(ONLY))

bench-quick: $(RUNTIME) ## the same in two minutes: too short to be quoted, long enough to see what broke
	@exec $(PY) -m bench quick $(if $(ONLY),--only $(ONLY))

bench-environment: $(BENCH) ## what servers that we are compared with need, apart from ours

sbom: $(DEVELOPMENT) ## the bill of materials of what runs (CycloneDX) in var/sbom.cdx.json
	@$(PY) -m scripts.write_sbom var/sbom.cdx.json

image: ## build the container image
	docker build --tag pneumatic-chat .

clean: ## remove what tools left behind; data in var/ stays
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage htmlcov staticfiles var/test var/artefacts
	find . -name __pycache__ -not -path './.venv*' -not -path './node_modules/*' -prune -exec rm -rf {} +

distclean: clean ## as clean, and the environments too
	rm -rf $(VENV) .venv-bench node_modules

$(RUNTIME): requirements.txt requirements-uv.txt
	@scripts/install.sh "$(PYTHON)" $(VENV) requirements.txt
	@touch $@

$(DEVELOPMENT): requirements-dev.txt $(RUNTIME)
	@scripts/install.sh "$(PYTHON)" $(VENV) requirements-dev.txt
	@touch $@

$(BENCH): requirements-bench.txt requirements-uv.txt
	@scripts/install.sh "$(PYTHON)" .venv-bench requirements-bench.txt
	@touch $@

# Never an error here: run_tests.py and run_checks.py say what couldn't be had and what that means.
$(NODE): package-lock.json
	@if command -v npm >/dev/null 2>&1; then \
		echo 'Installing the tools for JavaScript …'; npm ci --no-audit --no-fund --loglevel=error && touch $@ || true; fi
