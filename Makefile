# Everything runs in a virtual environment of its own; `make demo` on a fresh machine needs Python >= 3.11, pip and make.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo test check fmt lock bench notebooks browser java clean

$(READY): pyproject.toml requirements.lock
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c requirements.lock -e ".[dev,postgres,web,spark,dask]"
	touch $@

demo: $(READY)
	$(BIN)/regulars demo

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# Chromium for the tests of the page; without it they are skipped, and say so.
browser:
	command -v chromium > /dev/null || { apt-get update -qq && \
		apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; }

# Java for the tests of Spark; without it they are skipped, and say so.
java:
	command -v java > /dev/null || { apt-get update -qq && \
		apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless; }

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(READY)
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --upgrade \
		--no-header --no-annotate --quiet -o requirements.lock

# A small log; benchmarks/README.md has the commands for large ones.
bench: $(READY)
	$(BIN)/python -m benchmarks.speed benchmarks/small --purchases 1000000 --growth 100000 1000000

notebooks: $(READY)
	$(BIN)/jupyter execute --inplace notebooks/*.ipynb

clean:
	rm -rf .venv regulars-demo dist
