# On a new machine with Python 3.11 or later, git and make:
#   make demo   fit, check, plan and decide on the bundled runs; writes out/demo/
#   make test   lint, types, import contracts, the book, the tests, and the examples in the docs
#   make slow   the tests that take minutes
#   make book   the documentation as HTML, in out/book; runs its examples, and warnings are errors
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check slow book clean

demo: $(VENV)/.installed
	$(BIN)/jaxlaws demo -o out/demo

test: check book
	$(BIN)/python -m pytest -n 2 -rs -m "not slow"

slow: $(VENV)/.installed
	XLA_FLAGS=--xla_backend_optimization_level=3 $(BIN)/python -m pytest -m slow

book: $(VENV)/.installed
	$(BIN)/sphinx-build -W -q --keep-going -E docs out/book

check: $(VENV)/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright --level error
	$(BIN)/lint-imports

# uv installs in seconds, pip in a minute. If uv cannot be installed, pip is used.
$(VENV)/.installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "jaxlaws needs Python 3.11 or later: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	{ $(BIN)/python -m pip install --quiet uv \
	    && $(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[dev,browser,book]'; } \
	  || $(BIN)/python -m pip install --quiet --editable '.[dev,browser,book]'
	touch $@

clean:
	rm -rf $(VENV) .jax_cache out docs/generated
