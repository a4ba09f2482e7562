# All commands do their own set-up in a local virtual environment.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: fuzz quickstart soak test

quickstart: .venv/installed
	$(BIN)/python -m ubernet_jax.prepare synthetic
	$(BIN)/python -m ubernet_jax.train --config configs/quickstart.py --workdir runs/quickstart
	$(BIN)/python -m ubernet_jax.evaluate --checkpoint runs/quickstart
	$(BIN)/python -m ubernet_jax.predict --checkpoint runs/quickstart docs/scene.png --out runs/quickstart/predictions

test: .venv/installed
	$(BIN)/python -m pytest -n 2

# The long forms: docs/faults.md.
soak: .venv/installed
	$(BIN)/python -m pytest -s -m soak

fuzz: .venv/installed
	FUZZ_CASES=200000 $(BIN)/python -m pytest -n auto -rP tests/fuzz

.venv/installed: setup.cfg
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[imagenet,test]'
	touch $@
