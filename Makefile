# The habits of this project. `make help` lists them.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DATA ?=
SPLIT ?=
SAMPLE_FLAGS := --weights auto
FLAGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test lint type tests test-fast coverage docs format bench ship lock clean

help:  ## list what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "CancerNet needs Python 3.11 or newer: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[all,dev]'
	@touch $@

run: $(VENV)/.installed  ## install, then train and report on the synthetic sample, or on DATA=DIR (FLAGS="...")
	$(BIN)/cancernet run $(if $(DATA),--data $(DATA),$(SAMPLE_FLAGS)) $(FLAGS)

test: lint type tests  ## install, then lint, types and all tests

lint: $(VENV)/.installed  ## style and likely mistakes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

type: $(VENV)/.installed  ## types
	$(BIN)/mypy

tests: $(VENV)/.installed  ## all tests
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-fast: $(VENV)/.installed  ## tests that take under two minutes together
	$(BIN)/python -m pytest -n 2 --dist loadfile -m 'not slow'

coverage: $(VENV)/.installed  ## all tests, and the share of lines and branches they reach; not gated, and slower
	$(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report=term --cov-report=html:site-coverage

docs: $(VENV)/.installed  ## build the documentation into site/
	$(BIN)/mkdocs build --strict

format: $(VENV)/.installed  ## lay the code out
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.installed  ## measure every figure of docs/performance.md on the synthetic sample, or on DATA=DIR (SPLIT=CSV FLAGS="...")
	PYTHONPATH=benchmarks $(BIN)/python -m speed $(if $(DATA),--data $(DATA)) $(if $(SPLIT),--split-file $(SPLIT)) $(FLAGS)

SHIPPED := src/cancernet/models/cancernet
MEASURED := results/cancernet
ship: $(VENV)/.installed  ## train, measure and audit the model that ships (DATA=DIR SPLIT=CSV), and put it into the package
	$(BIN)/cancernet train --recipe cancernet --data $(DATA) --split-file $(SPLIT)
	$(BIN)/cancernet evaluate --model models/cancernet --data $(DATA) --out $(MEASURED)
	$(BIN)/cancernet audit --model models/cancernet --data $(DATA) --out $(MEASURED)/audit
	$(BIN)/cancernet card --model models/cancernet --metrics $(MEASURED)/metrics.json \
		--audit $(MEASURED)/audit/audit.json --out docs/model_card.md
	mkdir -p $(SHIPPED)
	cp models/cancernet/manifest.json models/cancernet/model.onnx models/cancernet/weights.safetensors \
		models/cancernet/examples.safetensors models/cancernet/examples.json models/cancernet/history.csv \
		models/cancernet/held_out.safetensors $(SHIPPED)/
	cp docs/model_card.md $(SHIPPED)/CARD.md

lock: $(VENV)/.installed  ## write the installed versions to constraints.txt
	$(BIN)/python -m pip freeze --exclude-editable --exclude cancernet > constraints.txt

clean:  ## remove the environment and caches; models and results stay
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage* site site-coverage
