# Two commands are all one needs: `make emulate` runs the system, `make test` proves it.
# Settings: PYTHON (3.11 or newer), PIP_* as pip reads them, TORCH_ANY=1 to accept a GPU build.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: emulate test install page image screenshots bench artifacts deploy-local clean help

help: ## this text
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

emulate: install page ## set up what is missing, build, and run the whole system until Ctrl-C
	@exec $(BIN)/nst up $(ARGS)

install: $(VENV)/.installed ## set up the virtual environment only

image: install ## build the worker's image with the Docker engine (see docs/operations.md)
	$(BIN)/nst image $(ARGS)

page: | $(BIN)/python ## build the web page, if its sources have changed
	@$(BIN)/python scripts/page.py

screenshots: install page ## pictures of every screen of the page, into build/screenshots
	$(PIP) install --constraint constraints.txt -e '.[emulator,worker,test]'
	$(BIN)/python -m tests.browser.screenshots --out build/screenshots $(ARGS)

test: $(VENV)/.tox ## set up tox and run every check and test
	$(BIN)/python scripts/check_torch.py $(BIN)/python
	$(BIN)/tox run-parallel --parallel 3 --parallel-live $(TOX_ARGS)

bench: install page ## measure, and write docs/performance.md's tables
	$(PIP) install --constraint constraints.txt -e '.[emulator,worker,test]'
	$(BIN)/python -m benchmarks $(ARGS)

artifacts: install ## build the functions' zips into build/zips
	@$(BIN)/python -m handlers.build --out build/zips

deploy-local: install ## terraform apply on an emulator, the run flow through it, destroy; timed
	@$(BIN)/python -m benchmarks.deploy --print

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Setting up (once; PyTorch is the large part) ..."
	$(BIN)/python scripts/check_torch.py $(BIN)/python
	$(PIP) install --constraint constraints.txt -e '.[emulator,worker,docker]'
	@touch $@

$(VENV)/.tox: constraints.txt | $(VENV)/bin/python
	$(PIP) install tox==4.67.15
	@touch $@

clean: ## remove environments and build results
	rm -rf $(VENV) .tox build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -rf web/dist web/node_modules web/.lock web/.again
