.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# Tests start many processes: each would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test lint wheel docs mutants speed clean

help:  ## show this help
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## */  make \1\t/'

$(READY): setup.cfg constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || (echo "launchsim needs Python 3.11 or newer; name one with make PYTHON=python3.12" && exit 2)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[test]'
	@touch $(READY)

demo: $(READY)  ## simulate a launch season, replay real logs, write reports/demo/index.html
	$(BIN)/launchsim demo --out reports/demo

test: $(READY) lint  ## lint, types, import contracts, tests
	$(BIN)/pytest -n 2 --dist loadgroup

lint: $(READY)  ## ruff, mypy --strict, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

wheel: $(READY)  ## does an installed wheel run the demo?
	$(BIN)/pytest -m wheel

docs: $(READY)  ## write the reference from the code: docs/reference/
	$(BIN)/python -m benchmarks.suites.reference

mutants: $(READY)  ## do tests notice small errors? FILES="simulator/till.py ..." SAMPLE=20
	$(BIN)/python -m benchmarks.suites.mutants $(FILES) --sample $(or $(SAMPLE),20)

speed: $(READY)  ## every budget of speed beside a floor of the same minute; prints, never fails
	-$(BIN)/launchsim suite speed --small --out reports/suites

clean:  ## remove the virtual environment, caches and reports
	rm -rf $(VENV) reports build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
