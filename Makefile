# `make build` : installe fragilite dans .venv et calcule l'indice du Maine-et-Loire.
# `make test`  : installe ce que demandent les tests et les exécute tous.
# `make check` : style et types.
# `make programs` : navigateur, tableur et QGIS des tests qui regardent les fichiers (Debian, Ubuntu).

VENV := .venv
BIN := $(VENV)/bin
# The first interpreter that really answers and is at least 3.11 (a pyenv shim may exist and fail).
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)

.PHONY: build test check programs clean

build: $(VENV)/.installed
	$(BIN)/fragilite build --dept 49

# One process a core; the tests of a file stay together: they share what they built.
test: $(VENV)/.tested
	$(BIN)/python -m pytest -n auto --dist loadfile

check: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# What opens the files as their readers do; nothing is asked of a machine that has them already.
PROGRAMS := chromium libreoffice-calc libreoffice-writer poppler-utils python3-qgis qgis
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo -n)

programs:
	@dpkg -s $(PROGRAMS) >/dev/null 2>&1 || { $(SUDO) apt-get update -qq && \
	DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $(PROGRAMS) >/dev/null; }

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
