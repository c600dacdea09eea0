# Everything a developer or a visitor needs, on a machine with Python 3.11+ and make. `make help` lists the verbs.

PYTHON ?= python3
PACK ?= pujiang
ARGS ?=
BENCH ?= full
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
UV_VERSION := 0.13.9
PO := $(shell find src -name '*.po' 2>/dev/null)
CODE := src tests $(wildcard benchmarks examples)

.DEFAULT_GOAL := help
.PHONY: help run gongshu install dev test lint format types imports clauses bench lock browsers check verifier clean distclean

help: ## List the verbs
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

SAMPLE = GONGSHU_SAMPLE=1 GONGSHU_PACK=$(PACK) GONGSHU_HOME=$${GONGSHU_HOME:-$(CURDIR)/var/$(PACK)}

run: install ## Start everything with the sample county: make run [PACK=zhangye] [DATABASE_URL=...]
	@$(SAMPLE) $(BIN)/gongshu run

gongshu: install ## Any command in the sample county: make gongshu ARGS="sample totp authority_reviewer"
	@$(SAMPLE) $(BIN)/gongshu $(ARGS)

install: $(VENV)/.installed $(VENV)/.messages ## Install the locked, hashed dependencies into .venv

dev: $(VENV)/.dev install ## The same, with what tests and checks need

test: dev browsers ## Run all tests: make test [ARGS="tests/kernel -k merkle"]
	@$(BIN)/python -m pytest $(ARGS)

lint: dev ## Style, types and layers
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/ruff format --check $(CODE)
	@$(MAKE) --no-print-directory types imports

format: dev ## Rewrite the code in the house style
	@$(BIN)/ruff check --fix $(CODE)
	@$(BIN)/ruff format $(CODE)

types: dev ## Check the types
	@GONGSHU_HOME=$(CURDIR)/var/types $(BIN)/mypy

imports: dev ## Check that no layer imports one above it
	@$(BIN)/lint-imports --no-cache

clauses: dev ## Write the matrix clause x code x test x screen to docs/clauses, and check it
	@$(BIN)/python -m gongshu.runner.cli clauses

bench: dev $(VENV)/.bench ## Measure against the peers, as ratios in one run: make bench [BENCH=smoke]
	@$(BIN)/python -m benchmarks --size $(BENCH) $(ARGS)

check: install ## Say whether this installation is safe and whole
	@$(BIN)/gongshu check

verifier: install ## Build dist/gongshu-verify.pyz, which proves receipts on any machine with Python 3.7+
	@$(BIN)/python -m gongshu.kernel.bundle dist/gongshu-verify.pyz

browsers: ## Install Chromium and Chinese fonts for the browser tests, where they are missing
	@sh .ci/packages browsers

lock: $(VENV)/lock ## Lock the dependencies again, with hashes
	@cd requirements && constraints=""; for name in base dev bench; do \
	  echo "locking $$name"; \
	  ../$(VENV)/lock/bin/uv pip compile --quiet --generate-hashes --python-version 3.11 --universal \
	    --custom-compile-command "make lock" $$constraints $$name.in -o $$name.txt || exit 1; \
	  constraints="$$constraints -c $$name.txt"; \
	done

clean: ## Remove what building and testing left behind
	@rm -rf build dist .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis test-results
	@find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## Remove also the environment and all sample data
	@rm -rf $(VENV) var

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed / 需要 Python 3.11 或更新版本：make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "the venv module is missing (Debian: apt-get install python3-venv) / 缺少 venv 模块" >&2; exit 1; }

# The platform itself is installed without network: its build backend is among the locked packages.
$(VENV)/.installed: requirements/base.txt pyproject.toml | $(BIN)/python
	@echo "Installing dependencies (once) / 正在安装依赖（仅第一次）..."
	@$(PIP) install --require-hashes -r requirements/base.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.installed
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/.bench: requirements/bench.txt $(VENV)/.dev
	@$(PIP) install --require-hashes -r requirements/bench.txt
	@touch $@

$(VENV)/.messages: $(PO) $(VENV)/.installed
	@$(BIN)/python -m gongshu.runner.messages
	@touch $@

$(VENV)/lock: | $(BIN)/python
	@$(PYTHON) -m venv $@
	@$@/bin/python -m pip --disable-pip-version-check --quiet install uv==$(UV_VERSION)
