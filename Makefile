# Two commands do everything on a fresh machine with Python 3.11 or newer, git and make:
#   make demo   the main job: fit, check, plan and decide on the bundled runs; writes out/demo/
#   make test   lint, types, import walls, and the tests with their examples
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check slow clean

demo: $(VENV)/.installed
	$(BIN)/jaxlaws demo -o out/demo

test: check
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

slow: $(VENV)/.installed
	$(BIN)/python -m pytest -m slow

check: $(VENV)/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright --level error
	$(BIN)/lint-imports

# uv takes seconds where pip takes a minute; pip alone does as well.
$(VENV)/.installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "jaxlaws needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	{ $(BIN)/python -m pip install --quiet uv \
	    && $(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[dev]'; } \
	  || $(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) out
