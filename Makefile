# `make build` : installe fragilite dans .venv et calcule l'indice du Maine-et-Loire.
# `make test`  : installe ce que demandent les tests et les exécute tous.
# `make check` : style et types.

VENV := .venv
BIN := $(VENV)/bin
# The first interpreter that really answers and is at least 3.11 (a pyenv shim may exist and fail).
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)

.PHONY: build test check clean

build: $(VENV)/.installed
	$(BIN)/fragilite build --dept 49

test: $(VENV)/.tested
	$(BIN)/python -m pytest

check: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 ou 3.13 est nécessaire : installez-le, ou indiquez-le par make PYTHON=/chemin/vers/python." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
