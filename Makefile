# policyproof: `make` alone explains the targets.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.DEFAULT_GOAL := help
# Compiled once and kept: some machines switch this off for all, and every start is then slower by seconds.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help setup controls test lint bench report clean

help:  ## show this
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: $(READY)  ## make the virtual environment and install everything into it

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("policyproof needs Python 3.11 or newer, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[lab,scan,columnar,documents,objects,postgres,mysql,redis,zstd,browser,filters,charts,ledger,sign,timestamp,serve,transport]' --group dev
	sh tools/system-packages
	$(BIN)/python -c 'from checks.scanner.engine import Engine; Engine()'  # compiles the card scanner, once
	@touch $@

controls: $(READY)  ## start the lab and run every control on it
	$(BIN)/python -m pytest controls/ $(ARGS)
	@echo "open reports/out/lab/report.html"

test: lint  ## lint, types and all tests
	sh tools/in-memory $(BIN)/python -m pytest tests/ -n 2 --dist worksteal $(ARGS)

lint: $(READY)  ## ruff, mypy --strict, docstrings
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/interrogate --quiet

bench: $(READY)  ## ratios against peers in the same run; results in benchmarks/README.md
	$(BIN)/python -m benchmarks

report: $(READY)  ## render the last run of the lab again from the ledger
	$(BIN)/python -m policyproof report $(ARGS)

clean:  ## remove what make made
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis reports/out lab/.run
