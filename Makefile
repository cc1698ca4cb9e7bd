# make demo   the main job on the embedded sample, offline
# make test   the tests
# make check  lint, types, tests, docs; warnings are errors
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SIDE_BY_SIDE := --numprocesses auto --dist worksteal
READY := $(VENV)/.ready

.PHONY: demo test test-jax test-torch test-peers check lint types docs bench fuzz lock

demo: $(READY)
	@rm -rf demo && mkdir demo
	@$(BIN)/python -m raravis.demo demo

test: $(READY)
	$(BIN)/python -m pytest $(SIDE_BY_SIDE)

test-jax: $(READY)
	$(BIN)/python -m pip install --quiet --constraint requirements.lock --editable '.[jax]'
	KERAS_BACKEND=jax $(BIN)/python -m pytest $(SIDE_BY_SIDE) -m engine

# backbones, heads and networks on PyTorch (700 MB, and gigabytes with CUDA), so not among `make test`
test-torch: $(READY)
	$(BIN)/python -m pip install --quiet --constraint requirements.lock torch==2.13.0
	KERAS_BACKEND=torch $(BIN)/python -m pytest $(SIDE_BY_SIDE) -m engine tests/backbones tests/heads tests/models \
	    tests/learn/test_embed.py tests/verbs/test_zero_shot_verb.py

# scorers of novelty against PyTorch-OOD, which brings PyTorch with it: a gigabyte, so not among `make test`
test-peers: $(READY)
	$(BIN)/python -m pip install --quiet --constraint requirements.lock --editable '.[peers]'
	$(BIN)/python -m pytest tests/judge/test_novelty.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

check: lint types test docs

bench: $(READY)
	@for file in benchmarks/[a-z]*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

fuzz: $(READY)
	$(BIN)/python benchmarks/fuzz.py --inputs 100000 --keep fuzzed
	$(BIN)/python benchmarks/fuzz_api.py --requests 100000 --minutes 60

lock: $(READY)
	$(BIN)/python -m pip freeze --exclude-editable --exclude pip --exclude setuptools | sed '/ @ /d' > requirements.lock

$(READY): pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint requirements.lock --editable '.[dev]'
	@touch $(READY)
