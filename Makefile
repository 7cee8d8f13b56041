# One command each; a target makes what it needs and does nothing when nothing changed.
PYTHON ?= python3
PY = .venv/bin/python
PIP = $(PY) -m pip install --quiet --no-compile --disable-pip-version-check -c constraints.txt
COMPILE = $(PY) -m compileall -qq -j 0 -x '/tests/' .venv/lib || true  # with all cores, where pip takes one; nobody imports tests

.PHONY: demo test check bench docs package faults fetch-servers servers clean

SERVERS = postgresql mariadb-server slurm-wlm munge chromium
APT = DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=1 -o Acquire::http::Timeout=20

.venv/bin/python:
	$(PYTHON) -m venv .venv
	$(PIP) --upgrade "pip>=25" || true  # finds and installs everything in half the time of Python 3.11's own

.venv/core: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) -e .
	$(COMPILE)
	touch $@

.venv/dev: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) -e ".[dev]"
	$(COMPILE)
	touch .venv/core $@

demo: .venv/core          ## make a synthetic recording, measure it, print the path of report.html
	.venv/bin/mystax demo build/demo --no-browser

test: .venv/dev           ## all tests but the slow ones
	$(PY) tools/web.py test
	$(PY) -m pytest

fetch-servers:            ## fetch the packages of `make servers`, which then needs no network
	dpkg -s $(SERVERS) >/dev/null 2>&1 || { $(APT) --error-on=any update && \
	$(APT) install -y --no-install-recommends --download-only $(SERVERS) >/dev/null; }

servers: fetch-servers    ## the real servers and the browser of some tests, from Debian's packages (needs root)
	dpkg -s $(SERVERS) >/dev/null 2>&1 || $(APT) install -y --no-install-recommends $(SERVERS) >/dev/null

faults: .venv/dev         ## the long forms of the fault and attack tests
	$(PY) -m pytest tests/faults tests/attacks -m "slow or not slow"

check: .venv/dev          ## format, lint, types, layers, names, spelling, changelog
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PY) tools/check_names.py
	.venv/bin/codespell src docs tools benchmarks README.md
	$(PY) tools/changelog.py
	$(PY) tools/house.py
	$(PY) tools/web_types.py --check
	$(PY) tools/web.py check

bench: .venv/dev          ## interleaved ratios against the peer and the floor
	$(PY) -m benchmarks.run --set quick

docs: .venv/dev           ## the documentation site
	$(PY) tools/docs.py
	.venv/bin/mkdocs build --strict

package: .venv/dev        ## wheel and sdist, checked in a bare environment
	$(PY) tools/package.py

clean:
	rm -rf build dist site
