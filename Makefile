# Targets for people and for continuous integration. Needs Python 3.11 or newer and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := indexer copilot tui tests benchmarks examples
# Two processes for each core would only fight: most tests start processes of their own.
JOBS ?= auto

.PHONY: demo run test check format lint types contracts example bench eval lock clean

demo: $(VENV)/ready ## the main job over the sample library: the interface, or plain text without a terminal
	@$(BIN)/quire demo

run: $(VENV)/ready ## the interface over your own library
	@$(BIN)/quire

test: $(VENV)/ready ## all tests
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

check: lint types contracts test ## what continuous integration runs

lint: $(VENV)/ready
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)

types: $(VENV)/ready
	$(BIN)/mypy

contracts: $(VENV)/ready
	$(BIN)/lint-imports

format: $(VENV)/ready ## format and fix what can be fixed
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

example: $(VENV)/ready ## write config.example.toml from the settings
	$(BIN)/python -c 'from indexer.config import example_toml; print(example_toml(), end="")' > config.example.toml

bench: $(VENV)/ready ## all benchmarks; results in benchmarks/results
	$(BIN)/python -m benchmarks

eval: $(VENV)/eval/ready ## how good answers, refusal, claims and summaries are, beside the last run (EVAL=--quick)
	$(BIN)/python -m benchmarks.evaluate $(EVAL)

# Not part of the program: LexRank and ROUGE, that summaries are compared with. Without them the rest runs.
$(VENV)/eval/ready: $(VENV)/ready benchmarks/requirements-eval.txt
	@mkdir -p $(VENV)/eval
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --require-hashes \
	  --upgrade --target $(VENV)/eval -r benchmarks/requirements-eval.txt && touch $@ || \
	  echo "sumy and rouge-score cannot be had here: summaries are not compared. The next 'make eval' tries again."

lock: ## write requirements.lock anew (needs uv)
	uv pip compile --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url \
	  $(addprefix --no-emit-package ,$(file < requirements.omit)) requirements.in -o requirements.lock
	uv pip compile --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url \
	  --universal --no-deps requirements-nodeps.in >> requirements.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info

# The lock holds every package with its hashes, so nothing is resolved and nothing else can come in.
$(VENV)/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Quire needs Python 3.11 or newer; set PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@# where PYTHONDONTWRITEBYTECODE is set, every command would compile the sources anew
	@$(BIN)/python -m compileall -q indexer copilot tui
	@touch $@
