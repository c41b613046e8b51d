# Each target builds .venv by itself when needed: on a fresh machine with Python >= 3.11
# `make demo` and `make test` are the only set-up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# More than there are cores: many tests wait, for servers, locks and processes that are killed.
WORKERS ?= 3
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
FRAME := pyproject.toml constraints.txt memory/version.py

.PHONY: demo test lint explore pages bench clean
.DEFAULT_GOAL := test

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(FRAME) | $(BIN)/python
	$(INSTALL) -e ".[report]"
	touch $@

$(VENV)/.installed-test: $(FRAME) | $(BIN)/python
	$(INSTALL) -e ".[test]"
	touch $@ $(VENV)/.installed

$(VENV)/.installed-bench: $(FRAME) | $(BIN)/python
	$(INSTALL) -e ".[bench]"
	touch $@ $(VENV)/.installed-test $(VENV)/.installed

# Reports are tested in a real Chromium: one that is there, that TEST_CHROMIUM names, or Debian's.
$(VENV)/.browser: | $(BIN)/python
	@if [ -z "$$TEST_CHROMIUM" ] && ! command -v chromium >/dev/null; then \
	  as_root=; [ "$$(id -u)" = 0 ] || as_root=sudo; \
	  if command -v apt-get >/dev/null && { [ -z "$$as_root" ] || command -v sudo >/dev/null; }; then \
	    $$as_root apt-get update -qq && \
	    DEBIAN_FRONTEND=noninteractive $$as_root apt-get install -y -qq --no-install-recommends chromium; \
	  else \
	    echo "the tests need Chromium: install it, or let TEST_CHROMIUM say where one is" >&2; exit 1; \
	  fi; \
	fi
	touch $@

demo: $(VENV)/.installed  ## train a small tied Qwen2, edit it a few hundred times, say what was learned
	$(BIN)/palimpsest demo

lint: $(VENV)/.installed-test  ## ruff, mypy --strict, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint $(VENV)/.browser  ## lint, then every test, on SQLite, on a real PostgreSQL, and in a real Chromium
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

explore: $(VENV)/.installed-test  ## the property tests once more, on examples nobody has seen
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --hypothesis-profile=explore tests/property

pages: $(VENV)/.installed-test  ## the API pages, docs/api, drawn anew from the docstrings
	$(BIN)/python docs/draw_api.py

bench: $(VENV)/.installed-bench  ## the measurements behind our claims of speed and validity
	set -e; for script in benchmarks/[a-z]*.py; do echo "== $$script"; $(BIN)/python $$script; done

clean:
	rm -rf $(VENV)
