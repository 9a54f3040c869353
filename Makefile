# `make run` and `make test` do all the set-up on a fresh Debian machine with Python 3.11+, make and git.
PYTHON ?= python3
PORT ?= 3000
BIN := .venv/bin
CODE := layers/cutline/python/cutline functions endpoint events localcloud tools tests layers/model docs
export UV_PYTHON_DOWNLOADS := never
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# The layer's package, this folder's (localcloud, tools, tests) and the container's modules.
export PYTHONPATH := $(CURDIR)/layers/cutline/python:$(CURDIR):$(CURDIR)/endpoint
export ORT_DISABLE_TELEMETRY := 1

.PHONY: run test first-run lint format bench bench-endpoint compare chaos trust load fuzz fuzz-atheris sam-build sbom audit eval
.PHONY: clients endpoint-package isnet lock clean

run: .venv/ready
	PORT=$(PORT) $(BIN)/python -m localcloud

test: .venv/ready lint
	$(BIN)/python -m pytest

# From git clone to the first cut-out, timed.
first-run:
	$(PYTHON) tools/first_run.py

lint: .venv/ready
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/cfn-lint template.yaml

format: .venv/ready
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

bench: .venv/ready
	$(BIN)/python -m tools.bench.bench
	$(BIN)/python -m tools.bench.networks
	$(BIN)/python -m tools.bench.edges
	$(BIN)/python -m tools.bench.sizes
	$(BIN)/python -m tools.bench.calls
	$(BIN)/python -m tools.bench.routes

# CHAOS takes --tasks, --seed, --concurrency and --calm.
chaos: .venv/ready
	$(BIN)/python -m tools.chaos $(CHAOS)

# npm's clients of these APIs, for tests/clients.
clients:
	npm install --no-audit --no-fund --no-save --prefix build/clients remove.bg@1.3.0 axios@1.21.1 form-data@4.0.6

# The numbers behind the promises in one table: hostile files, load, faults. TRUST takes --minutes, of load (1).
trust: .venv/ready
	$(BIN)/python -m tools.trust.table $(TRUST)

# All routes mixed, 1 to 32 callers. LOAD takes --minutes (10).
load: .venv/ready
	$(BIN)/python -m tools.trust.load $(LOAD)

# FUZZ takes --minutes, --seed and --target.
fuzz: .venv/ready
	$(BIN)/python -m tools.trust.fuzz $(FUZZ)

# The decoder alone, guided by coverage; SECONDS_LONG says how long.
fuzz-atheris: .venv/ready build/atheris/ready
	build/atheris/bin/python -m tools.trust.atheris_decode \
	  -max_total_time=$(or $(SECONDS_LONG),60) -max_len=20000 -rss_limit_mb=4096 build/corpus

build/atheris/ready:
	test -x build/atheris/bin/python || $(PYTHON) -m venv build/atheris
	build/atheris/bin/python -m pip install --quiet "atheris>=3" numpy pillow psutil
	touch $@

# What ships: every locked package with its hashes and licence, and the models.
sbom: .venv/ready
	$(BIN)/python -m tools.trust.shipped build/sbom.json

# Known vulnerabilities of what ships. Fails where it cannot tell, such as without a way to the advisories.
audit: build/audit/ready
	build/audit/bin/pip-audit --strict --disable-pip --require-hashes -r layers/runtime/requirements.txt
	build/audit/bin/pip-audit --strict --disable-pip --require-hashes -r endpoint/requirements.txt

build/audit/ready:
	test -x build/audit/bin/python || $(PYTHON) -m venv build/audit
	build/audit/bin/python -m pip install --quiet "pip-audit>=2.9"
	touch $@

# What a deployment ships, built without Docker and measured. SAM (300 MB) gets an environment of its own; the layers are
# built by python3.13, which has to be on the PATH.
sam-build: .venv/ready build/sam/ready
	SAM_CLI_TELEMETRY=0 build/sam/bin/sam build --build-dir build/sam-build
	$(BIN)/python -m tools.trust.sizes build/sam-build/template.yaml

build/sam/ready:
	test -x build/sam/bin/python || $(PYTHON) -m venv build/sam
	build/sam/bin/python -m pip install --quiet "aws-sam-cli>=1.170,<2"
	touch $@

# BENCH adds options, such as --model isnet --pictures 200.
bench-endpoint: .venv/ready
	$(BIN)/python -m tools.bench.endpoint $(BENCH)

# Installs other background removers under build/compare. COMPARE adds options, such as --quick or --data FOLDER.
compare: .venv/ready
	$(BIN)/python -m tools.compare $(COMPARE)

# DATA is a folder with manifest.csv (layers/model/MODEL_CARD.md); EVAL adds options, such as --isnet isnet.onnx.
eval: .venv-training/ready
	cd layers/model && ../../.venv-training/bin/python -m training.evaluate --data "$(abspath $(DATA))" \
	  --matte matte.onnx --costume costume.onnx $(EVAL)

# The GPU endpoint's container, short of Docker: the folder that it is built from, and the commands that build it.
endpoint-package: .venv/ready
	$(BIN)/python endpoint/package.py

isnet: .venv/ready
	$(BIN)/python layers/model/fetch_isnet.py

# A stock Debian refuses a bare pip install, so everything lives in a virtual environment, uv included.
.venv/ready: requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet "uv>=0.9"
	$(BIN)/python -m uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.txt
	touch $@

# PyTorch is far too large for the environment that runs and tests; only training and evaluation need it.
.venv-training/ready: layers/model/training/requirements.in
	test -x .venv-training/bin/python || $(PYTHON) -m venv .venv-training
	.venv-training/bin/python -m pip install --quiet -r $<
	touch $@

# Locks hold hashes and no addresses; uv.lock would hold the index's address.
lock: .venv/ready
	$(BIN)/python -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" --group dev pyproject.toml -o requirements.txt
	$(BIN)/python -m uv pip compile --quiet --python-version 3.13 --python-platform linux --generate-hashes \
	  --no-emit-index-url --custom-compile-command "make lock" \
	  layers/runtime/requirements.in -o layers/runtime/requirements.txt
	$(BIN)/python -m uv pip compile --quiet --python-version 3.12 --python-platform x86_64-manylinux_2_35 \
	  --generate-hashes --no-emit-index-url --custom-compile-command "make lock" \
	  endpoint/requirements.in -o endpoint/requirements.txt

clean:
	rm -rf .venv .venv-training .localcloud build .pytest_cache .mypy_cache .ruff_cache
