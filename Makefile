# Everything runs in $(VENV), which scripts/install makes from requirements.txt when it is missing
# or stale. Variables: PYTHON=… (the interpreter to make it with), VENV=… (another one beside it),
# ARGS=… (handed to the command behind demo, up, test, cov and lock; `make test ARGS=-n0` runs the
# tests one after the other in one process).
VENV = .venv
ARGS =
bin = $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help install demo up test test-fast history chaos cov check fmt lock wheel clean

help: ## show this table
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

install: ## make or update .venv: pinned packages, test tools, the project itself
	@scripts/install "$(VENV)"

demo: install ## carry example price lists into a catalogue, on servers of its own
	@"$(bin)/marketbel" demo $(ARGS)

up: install ## start PostgreSQL and Valkey, migrate, keep them until Ctrl-C
	@"$(bin)/marketbel" up $(ARGS)

# The tests start hundreds of processes: none shall have to compile the project anew.
pytest = env -u PYTHONDONTWRITEBYTECODE "$(bin)/python" -m pytest
# Each process has servers of its own, and takes the next test when it is done with the one before.
at_once = -n logical --maxprocesses 4 --maxschedchunk 1

test: install ## run all tests, a process for each core (they start PostgreSQL and Valkey)
	$(pytest) $(at_once) $(ARGS)

test-fast: install ## run the unit tests, without servers: a minute or two
	$(pytest) $(at_once) tests/unit $(ARGS)

history: install ## let forty actors do 100,000 operations on the same jobs, and check the history
	MARKETBEL_HISTORY_OPERATIONS=100000 $(pytest) tests/system/test_job_history.py $(ARGS)

chaos: install ## kill workers and Valkey under 500 jobs, take ml-analyze away, replace workers: 11 minutes
	"$(bin)/python" -m tests.system.chaos $(ARGS)

cov: install ## run all tests and hold branch coverage to its floors
	$(pytest) $(at_once) --cov=src --cov-branch --cov-report=term:skip-covered \
		--cov-report=json:build/coverage.json $(ARGS)
	"$(bin)/python" scripts/coverage_floors.py build/coverage.json src=85 src/marketbel_core=95

check: install ## run the gates: lint, format, import contracts, types, docs, deployment files
	"$(bin)/ruff" check
	"$(bin)/ruff" format --check
	"$(bin)/lint-imports"
	"$(bin)/mypy"
	"$(bin)/python" docs/build.py --check
	"$(bin)/python" scripts/lint_deployment.py

fmt: install ## format the code and apply safe lint fixes
	"$(bin)/ruff" check --fix-only
	"$(bin)/ruff" format

# Keeps the versions that are pinned; ARGS=--upgrade moves them. The guard keeps package hosts out.
# The image installs the second file and builds with the third: the same versions, fewer packages.
lock_with = "$(bin)/uv" pip compile --quiet --system-certs --universal --python-version 3.12 \
	--generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links \
	--custom-compile-command 'make lock'
worker_extras = cli http index worker postgres redis sheets excel pdf
lock: install ## pin the dependencies of pyproject.toml in requirements*.txt
	$(lock_with) --extra all --group dev $(ARGS) --output-file requirements.txt pyproject.toml
	$(lock_with) $(worker_extras:%=--extra %) --constraints requirements.txt \
		--output-file requirements-worker.txt pyproject.toml
	echo hatchling | $(lock_with) --constraints requirements.txt \
		--output-file requirements-build.txt -
	@! grep -nE '://|^-|@' requirements.txt requirements-worker.txt requirements-build.txt

wheel: install ## build the wheel into dist/
	"$(bin)/python" -m build --wheel --no-isolation --outdir dist

clean: ## remove what was built and cached (.venv stays)
	rm -rf build dist site .coverage .coverage.* .hypothesis \
		.mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find src tests migrations docs examples benchmarks scripts -name __pycache__ -prune \
		-exec rm -rf {} +
