# What a developer does here. A fresh clone needs only Python 3.11 or newer and make: each target brings what it needs into .venv.

PYTHON ?= python3
PORT ?= 8000
CHROMIUM ?= /usr/bin/chromium
export CHROMIUM

BIN := .venv/bin
READY := .venv/ready
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable
.DEFAULT_GOAL := help
.PHONY: help run test check bench soak docs format clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

run: $(READY) ## start the server with demo data; PORT=8080 changes the port
	@echo "Orderloom: http://127.0.0.1:$(PORT)"
	@exec $(BIN)/orderloom serve --demo --port $(PORT)

# One process more than the two cores that there may be: some wait for browsers and servers.
test: $(READY) | $(CHROMIUM) ## run the tests
	@$(BIN)/python -m pytest -q -m "not soak" -n 3 --dist loadfile --no-loadscope-reorder

check: $(READY) ## style, types, import contracts, documentation, and the definitions of the reference application
	@echo "ruff";        $(BIN)/ruff check --quiet .
	@echo "ruff format"; $(BIN)/ruff format --quiet --check . || { echo "run: make format"; exit 1; }
	@echo "mypy";        $(BIN)/mypy --no-error-summary
	@echo "imports";     $(BIN)/lint-imports --no-logo >.venv/imports.log || { cat .venv/imports.log; exit 1; }
	@echo "docs";        $(BIN)/python -m pytest -q --no-header tests/test_docs.py tests/test_architecture.py
	@echo "definitions"; $(BIN)/orderloom check

bench: .venv/ready-bench ## measure; prints ratios to baselines of the same run
	@$(BIN)/python -m benchmarks

soak: $(READY) | $(CHROMIUM) ## every test, the long ones too, with many examples per property
	@HYPOTHESIS_PROFILE=soak $(BIN)/python -m pytest -q

docs: $(READY) ## write the generated pages of docs/
	@$(BIN)/python -m tools.codes > docs/codes.md

format: $(READY) ## bring the Python files into the common form
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format --quiet .

clean: ## remove what the targets made
	@rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis engine/web/static/vendor
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Made again when a dependency, a pin or a browser library changes.
$(READY): pyproject.toml constraints.txt hatch_build.py package-lock.json
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name it with PYTHON=")'
	@echo "Setting up .venv (a minute or two) ..."
	@$(PYTHON) -m venv .venv
	@$(INSTALL) '.[test,postgres]'
	@touch $@

.venv/ready-bench: $(READY)
	@$(INSTALL) '.[test,postgres,bench]'
	@touch $@

# The browser tests drive a real browser. The fonts are for Chinese text.
$(CHROMIUM):
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing Chromium for the browser tests ..."; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk >/dev/null; \
	else \
	  echo "The browser tests need Chromium: install it (apt-get install chromium), or name it with CHROMIUM=/path/to/chromium"; exit 1; \
	fi
