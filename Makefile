# `make run` and `make test` do all the set-up on a fresh Debian machine with Python 3.11+, make and git. `make help` prints the
# headings and what stands behind two number signs.
PYTHON ?= python3
PORT ?= 3000
# One more than two cores, because some tests wait.
WORKERS ?= 3
# Of `cutline`, lines and branches, in the tests' own processes; the functions run in others.
COVERAGE ?= 95
BIN := .venv/bin
PARALLEL := -n $(WORKERS) --dist loadfile --no-loadscope-reorder
JAVASCRIPT := functions/site/static layers/cutline/python/cutline/review docs/examples tools/compare/workers tools/javascript
CODE := layers/cutline/python/cutline functions endpoint events localcloud devkit tools tests layers/model layers/runtime docs
export UV_PYTHON_DOWNLOADS := never
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# The layer's package, this folder's (localcloud, tools, tests), the container's modules and the networks' training.
export PYTHONPATH := $(CURDIR)/layers/cutline/python:$(CURDIR):$(CURDIR)/endpoint:$(CURDIR)/layers/model
export ORT_DISABLE_TELEMETRY := 1
# Modules are compiled once, and not by each of a hundred processes that tests start: it is most of their start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: emulate policy restore help run isnet test test-fast test-training lint lint-types lint-template lint-style lint-js format clients lock wheel
.PHONY: first-run clean doctor deploy smoke destroy endpoint-package sam-build audit bench bench-against bill compare
.PHONY: eval confidence load chaos soak trust fuzz fuzz-atheris

help:
	@sed -n -e 's/^# ---- /\n/p' -e 's/^\([a-z-]*\):[^#]*## /\1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r name words; do \
	  if [ -n "$$words" ]; then printf '  %-18s%s\n' "$$name" "$$words"; else echo "$$name"; fi; done

# ---- Use

run: .venv/ready ## the whole product on this machine; PORT=3000
	PORT=$(PORT) $(BIN)/python -m localcloud

isnet: .venv/ready ## fetches the IS-Net network
	$(BIN)/python layers/model/fetch_isnet.py

# ---- Develop

# Each worker has local clouds of its own; COVERAGE fails the run where `cutline` is covered less than it was.
test: .venv/ready ## style, types, template, all tests; WORKERS=3, TESTS="tests/e2e -k ..."
	$(MAKE) --no-print-directory -j $(WORKERS) lint clients
	$(BIN)/python -m pytest $(PARALLEL) --cov --cov-report= --cov-fail-under=$(if $(TESTS),0,$(COVERAGE)) $(TESTS)

test-fast: .venv/ready ## the tests that need no local cloud, in under a minute
	$(BIN)/python -m pytest $(PARALLEL) -m "not http and not slow" $(TESTS)

lint: lint-types lint-template lint-style lint-js ## style, types and template

lint-types: .venv/ready
	$(BIN)/mypy

lint-template: .venv/ready
	$(BIN)/cfn-lint template.yaml
	$(BIN)/python -m tools.lint_template

lint-style: .venv/ready
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/python -m tools.lint_words

# The playground's and the guides' JavaScript. Left out where there is no npm; ALL_TESTS=required, as in CI, turns its
# absence into a failure.
lint-js:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory build/eslint/ready && \
	  build/eslint/node_modules/.bin/eslint --config build/eslint/eslint.config.mjs $(JAVASCRIPT); \
	else echo "JavaScript is not linted: no npm (apt-get install npm)"; test "$(ALL_TESTS)" != required; fi

build/eslint/ready: tools/javascript/package-lock.json tools/javascript/package.json tools/javascript/eslint.config.mjs
	mkdir -p build/eslint
	cp $^ build/eslint
	cd build/eslint && npm ci --silent --no-audit --no-fund --ignore-scripts
	touch $@

format: .venv/ready ## rewrites the code in the repository's style
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

# npm's clients of these APIs, for tests/clients. Left out where there is no npm: their tests are then skipped.
clients:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory build/clients/ready; fi

build/clients/ready:
	npm install --silent --no-audit --no-fund --no-save --prefix build/clients remove.bg@1.3.0 axios@1.21.1 form-data@4.0.6
	touch $@

# Locks hold hashes and no addresses; uv.lock would hold the index's address.
lock: .venv/ready ## renews the four locks
	$(BIN)/python -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" --extra serve --extra heic --extra mcp --group dev pyproject.toml -o requirements.txt
	$(BIN)/python -m uv pip compile --quiet --python-version 3.13 --python-platform linux --generate-hashes \
	  --no-emit-index-url --custom-compile-command "make lock" \
	  layers/runtime/requirements.in -o layers/runtime/requirements.txt
	$(BIN)/python -m uv pip compile --quiet --python-version 3.13 --python-platform linux --generate-hashes --no-deps \
	  --no-emit-index-url --custom-compile-command "make lock" layers/heif/requirements.in -o layers/heif/requirements.txt
	$(BIN)/python -m uv pip compile --quiet --python-version 3.12 --python-platform x86_64-manylinux_2_35 \
	  --generate-hashes --no-emit-index-url --custom-compile-command "make lock" \
	  endpoint/requirements.in -o endpoint/requirements.txt

# What an earlier build left behind would get into it.
wheel: .venv/ready
	rm -rf build/lib build/bdist.* build/wheel
	$(BIN)/python -m uv build --quiet --wheel --out-dir build/wheel .

# From git clone to the first cut-out, timed.
first-run:
	$(PYTHON) tools/first_run.py

clean:
	rm -rf .venv .venv-training .localcloud build .pytest_cache .mypy_cache .ruff_cache

# Only here is PyTorch; without it these tests are skipped.
test-training: .venv-training/ready ## the tests of the networks' training
	.venv-training/bin/python -m pytest --noconftest tests/learn/test_tune.py

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

# ---- Operate

doctor: .venv/ready ## before a deploy: account, quotas, region, what was built; DOCTOR="--profile shop"
	$(BIN)/python -m cutline doctor $(DOCTOR)

deploy: .venv/ready ## builds and deploys the stack as samconfig.toml says; DEPLOY adds options of sam deploy
	$(BIN)/python -m tools.deploy $(DEPLOY)

smoke: .venv/ready ## after a deploy: calls everything; KEY=key, or a file of credentials, URL, SMOKE="--stack cutline"
	$(BIN)/python -m tools.smoke --key "$(KEY)" $(if $(URL),--url "$(URL)") $(SMOKE)

policy: .venv/ready ## the IAM policies of the person who deploys, as samconfig.toml says; POLICY="--partition aws-cn"
	$(BIN)/python -m tools.deployer_policy $(POLICY)

restore: .venv/ready ## accounts and meter of a point in time; RESTORE="--stack cutline --at 2026-11-24T10:00:00Z"
	$(BIN)/python -m tools.restore $(RESTORE)

destroy: .venv/ready ## deletes the stack; DESTROY="--stack cutline --data --yes"
	$(BIN)/python -m tools.destroy $(DESTROY)

endpoint-package: .venv/ready ## the GPU container's folder, and the commands that build it
	$(BIN)/python endpoint/package.py

# What a deployment ships, built and measured, without Docker. SAM (300 MB) gets an environment of its own; python3.13
# has to be on the PATH.
sam-build: .venv/ready build/sam/ready
	SAM_CLI_TELEMETRY=0 build/sam/bin/sam build --build-dir build/sam-build
	$(BIN)/python -m tools.trust.sizes build/sam-build/template.yaml

build/sam/ready:
	test -x build/sam/bin/python || $(PYTHON) -m venv build/sam
	build/sam/bin/python -m pip install --quiet "aws-sam-cli>=1.170,<2"
	touch $@

# Known vulnerabilities of what ships. Fails where it cannot tell, such as without a way to the advisories.
audit: build/audit/ready
	build/audit/bin/pip-audit --strict --disable-pip --require-hashes -r layers/runtime/requirements.txt
	build/audit/bin/pip-audit --strict --disable-pip --require-hashes -r layers/heif/requirements.txt
	build/audit/bin/pip-audit --strict --disable-pip --require-hashes -r endpoint/requirements.txt

build/audit/ready:
	test -x build/audit/bin/python || $(PYTHON) -m venv build/audit
	build/audit/bin/python -m pip install --quiet "pip-audit>=2.9"
	touch $@

# The transformed template in an emulator of others, in an environment of its own.
emulate: .venv/ready build/localstack/ready ## deploys into LocalStack on this machine, without Docker or an account
	$(BIN)/python -m tools.emulate

build/localstack/ready: tools/emulate/constraints.txt tools/emulate/overrides.txt
	test -x build/localstack/bin/python || $(PYTHON) -m venv build/localstack
	$(BIN)/python -m uv pip install --quiet --python build/localstack/bin/python --override tools/emulate/overrides.txt \
	  --constraint tools/emulate/constraints.txt "localstack-core[runtime]==4.3.0" service_identity
	touch $@

# ---- Measure

bench: .venv/ready ## milliseconds, memory, sizes and cost of every part
	$(BIN)/python -m tools.bench.bench
	$(BIN)/python -m tools.bench.networks
	$(BIN)/python -m tools.bench.edges
	$(BIN)/python -m tools.bench.sizes
	$(BIN)/python -m tools.bench.calls
	$(BIN)/python -m tools.bench.routes
	$(BIN)/python -m tools.bill

# CPU time, memory and bytes over COMMIT's, in turns: COMMIT=2db105b BENCH="--turns 3". "--no-cloud" leaves
# out whole calls and cold starts.
bench-against: .venv/ready
	$(BIN)/python -m tools.bench.bench --against $(COMMIT) $(BENCH)

bill: .venv/ready ## every AWS charge per 1,000 pictures; BILL="--rate 10 --result-mb 0.5 --sources"
	$(BIN)/python -m tools.bill $(BILL)

compare: .venv/ready ## speed and quality of other background removers; COMPARE="--quick --data FOLDER"
	$(BIN)/python -m tools.compare $(COMPARE)

# MATTE=candidate.onnx CSV=scores.csv keeps the scores of each picture; AGAINST=scores.csv compares with them, picture by picture.
eval: .venv/ready .venv-training/ready ## quality on DATA=folders with manifest.csv (layers/model/MODEL_CARD.md); EVAL="--isnet isnet.onnx"
	cd layers/model && ../../.venv-training/bin/python -m training.evaluate $(foreach one,$(abspath $(DATA)),--data "$(one)") \
	  --matte "$(or $(abspath $(MATTE)),matte.onnx)" --pipeline . $(if $(CSV),--csv "$(abspath $(CSV))") \
	  $(if $(AGAINST),--against "$(abspath $(AGAINST))",--costume costume.onnx) $(EVAL)
	$(if $(AGAINST),,cd layers/model && ../../$(BIN)/python -m training.evaluate_garments --data "$(abspath $(firstword $(DATA)))")
	$(if $(AGAINST),,cd layers/model && ../../$(BIN)/python -m training.evaluate_outlines --data "$(abspath $(firstword $(DATA)))")

confidence: .venv/ready ## fits the confidence to a network; DATA as for eval, MODEL=matte
	cd layers/model && ../../$(BIN)/python -m training.fit_confidence --data "$(abspath $(DATA))" $(if $(MODEL),--model $(MODEL))

load: .venv/ready ## a flood that others do not notice; LOAD="soak --minutes 10": all routes; LOAD=chaos: tasks amid faults; LOAD=books: usage amid faults
	$(BIN)/python -m tools.load $(or $(LOAD),flood)

# Modes of load, by their own names.
chaos soak: .venv/ready
	$(BIN)/python -m tools.load $@ $(LOAD)

trust: .venv/ready ## hostile files, all routes at once and faults in one table; TRUST="--minutes 1", of soak
	$(BIN)/python -m tools.trust.table $(TRUST)

# Hostile input for as long as you like: FUZZ="--minutes --seed --target".
fuzz: .venv/ready
	$(BIN)/python -m tools.trust.fuzz $(FUZZ)

# The decoder only, guided by coverage: SECONDS_LONG=60.
fuzz-atheris: .venv/ready build/atheris/ready
	build/atheris/bin/python -m tools.trust.atheris_decode \
	  -max_total_time=$(or $(SECONDS_LONG),60) -max_len=20000 -rss_limit_mb=4096 build/corpus

build/atheris/ready:
	test -x build/atheris/bin/python || $(PYTHON) -m venv build/atheris
	build/atheris/bin/python -m pip install --quiet "atheris>=3" numpy pillow psutil
	touch $@
