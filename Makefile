# The verbs of this repository: `make help` lists them. Needs python3 >= 3.11 with venv, and nothing else.

BASE_PYTHON ?= python3
VENV := .venv
PYTHON := $(VENV)/bin/python
# What the functions are called with, on one machine as in tests.
RUN := PYTHONPATH=layers/core/python:. PYTHONDONTWRITEBYTECODE=1 $(PYTHON)
LAMBDA := .build/lambda
# Of a machine without python3.13, the layers are not compiled; `sam build` stops there.
export COMPILER ?= $(shell python3.13 -c "" 2>/dev/null && echo python3.13 || echo none)
HOST_BUILD := .build/host
PARTS := DepsLayer CoreLayer Api Stream Invoke Admin UsageLogger Meter Ingest Exporter ReleaseCheck
HOST_PARTS := $(PARTS:%=$(HOST_BUILD)/%.stamp)

# The tests start interpreters: each would compile what it imports, if none may keep it.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install run test thorough check lint types unit e2e build bench sim mutants guard smokemutants compat browser smoke fuzz openapi dist lock clean

help: ## List the verbs
	@sed -n 's/^\([a-z0-9]*\):.*## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | while IFS='|' read -r verb text; do printf '  make %-12s %s\n' "$$verb" "$$text"; done

# ------------------------------------------------------------------------------------------------------- installing

define need_python
	@$(BASE_PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "vectorgate needs Python 3.11 or later: $(BASE_PYTHON) is $$($(BASE_PYTHON) --version 2>&1). Set BASE_PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || $(BASE_PYTHON) -m venv --clear $(VENV) || \
	  { echo "$(BASE_PYTHON) cannot make a virtual environment: apt-get install python3-venv" >&2; rm -rf $(VENV); exit 1; }
endef

PIP := $(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary=:all:
# uv checks the same hashes and takes ten seconds where pip takes a minute; where it cannot reach the index (it does not
# read pip's configuration), pip does it.
UV := $(VENV)/bin/uv pip install --quiet --python $(PYTHON) --require-hashes --only-binary :all:

# wordllama has no wheel for Python 3.14. Only its data files are read, which are the same in the wheel for 3.13.
DATA = --no-deps --python-version 3.13 -r requirements/wordllama.txt --target "$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
define need_embeddings
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 14))' || exit 0; $(UV) $(DATA) || $(PIP) $(DATA)
endef

# A stamp is newer than the lock files that it was installed from; an interrupted install leaves none.
$(VENV)/%.stamp: requirements/%.txt requirements/uv.txt requirements/wordllama.txt
	$(need_python)
	@echo "Installing $< into $(VENV), once"
	@$(PIP) -r requirements/uv.txt
	@$(UV) -r $< || $(PIP) -r $<
	$(need_embeddings)
	@touch $@

install: $(VENV)/dev.stamp ## Install everything for development into .venv (hash-pinned)

# --------------------------------------------------------------------------------------------------------- running

# dev.txt contains local.txt: who develops needs no second installation.
run: $(if $(wildcard $(VENV)/dev.stamp),$(VENV)/dev.stamp,$(VENV)/local.stamp) ## Serve on this machine; ARGS=--help lists the settings (HOST, PORT, OPENAI_API_KEY, ...)
	@exec env PYTHONPATH=layers/core/python:. $(PYTHON) -m local $(ARGS)

# --------------------------------------------------------------------------------------------------------- testing

# tests/conftest.py shares the files out among the workers: four, for those that wait for a server leave a core idle. Lint
# and types run while one process collects the tests, which takes one core. pytest ends last, and so does its closing line.
test: install ## Lint, types, template, every test, and the package's branch coverage
	@$(MAKE) --no-print-directory -j 2 build $(HOST_PARTS)
	@$(MAKE) --no-print-directory -j 2 tests check

.PHONY: tests
tests: install
	@env -u MAKEFLAGS $(PYTHON) -m tests.helpers.forked_workers 4 -q -p tests.helpers.branch_coverage tests

thorough: build $(HOST_PARTS) ## What make test leaves out: every engine for every admin call, 10,000 stores, every pair of crashes, a hundred examples a property
	@$(PYTHON) -m pytest -q -n 2 --dist loadscope -m "exhaustive or hypothesis" --hypothesis-profile exhaustive tests

check: install
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory types

lint: install ## Style, format, imports between packages, openapi.json and the deployment template
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check --quiet . || { echo "run: $(PYTHON) -m ruff format ." >&2; exit 1; }
	@said=$$(PYTHONPATH=layers/core/python:. $(VENV)/bin/lint-imports --no-cache --no-logo 2>&1) || { echo "$$said" >&2; exit 1; }
	@$(RUN) -m tools.openapi --check
	@$(VENV)/bin/cfn-lint template.yaml alarms.yaml front.yaml network.yaml

types: install ## mypy, strict
	@$(PYTHON) -m mypy

unit: install ## The tests that need no socket
	@$(PYTHON) -m pytest -q tests/unit

e2e: build $(HOST_PARTS) ## template.yaml deployed on an emulated AWS
	@$(PYTHON) -m pytest -q tests/e2e

bench: install $(HOST_BUILD)/DepsLayer.stamp $(HOST_BUILD)/CoreLayer.stamp ## The gateway's own milliseconds, calls to AWS, cold start
	@$(RUN) -m tests.benchmarks

sim: install ## Every pair of crashes of a create, then operations with crash points, by the million
	@$(PYTHON) -m pytest -q -n 2 -m exhaustive tests/simulation
	@$(RUN) -m tests.simulation

guard: install ## The templates by AWS Control Tower's rules (cfn-guard, from npm), and with CHECKOV=/path/to/checkov by its checks
	@cd tests/guard && npm ci --ignore-scripts --silent --legacy-peer-deps
	@$(RUN) -m tests.guard
	@test -z "$(CHECKOV)" || $(RUN) -m tests.guard.checkov "$(CHECKOV)"

smokemutants: build $(HOST_PARTS) ## Planted faults of the deployed stack: does make smoke notice? Ten minutes
	@$(RUN) -m tests.e2e.smoke_mutants

mutants: install ## Planted faults of the ledger: does a test notice? Three quarters of an hour
	@$(RUN) -m tests.simulation.mutants

compat: install ## Real clients that are large: LiteLLM's SDK, frameworks with file_search (in a venv of their own), npm's
	@cd tests/compat/node && npm ci --ignore-scripts --silent
	@test -d .cache/compat || $(BASE_PYTHON) -m venv .cache/compat
	@$(VENV)/bin/uv pip install --quiet --python .cache/compat/bin/python --require-hashes --only-binary :all: -r requirements/compat.txt
	@VECTORGATE_COMPAT_PYTHON="$(CURDIR)/.cache/compat/bin/python" $(PYTHON) -m pytest -q tests/compat

# Beside .venv, for playwright brings a driver of 130 MB; CHROMIUM names another browser, PICTURES a folder for screenshots.
browser: install ## The dashboard in Chromium (apt-get install chromium; CHROMIUM=/path/to/it)
	@$(VENV)/bin/uv pip install --quiet --python $(PYTHON) --target .cache/browser --require-hashes --only-binary :all: -r requirements/browser.txt
	@PYTHONPATH=.cache/browser $(PYTHON) -m pytest -q tests/browser

smoke: install ## Try a deployed stack with your AWS credentials, and clean up: STACK=name, ARGS="--region ..."
	@$(RUN) -m tools.smoke $(STACK) $(ARGS)

INPUTS ?= 20000
fuzz: install ## Hostile inputs of every handler (INPUTS=1000000 PROCESSES=2 SEED=0), then schemathesis on openapi.json
	@$(RUN) -m tests.fuzz INPUTS=$(INPUTS) PROCESSES=$(or $(PROCESSES),1) SEED=$(or $(SEED),0)
	@test -d .cache/fuzz || $(BASE_PYTHON) -m venv .cache/fuzz
	@$(VENV)/bin/uv pip install --quiet --python .cache/fuzz/bin/python --require-hashes --only-binary :all: -r requirements/fuzz.txt
	@$(RUN) -m tests.fuzz.schema $(CURDIR)/.cache/fuzz/bin/schemathesis $(or $(EXAMPLES),5)

# -------------------------------------------------------------------------------------------------------- building

# The same Makefiles that `sam build` runs. A stamp for each part: our code is rebuilt in a second, its dependencies seldom.
# Always into a new folder, so that nothing stays that is gone from the source.
define part
$(LAMBDA)/$(2).stamp $(HOST_BUILD)/$(2).stamp: $(3) $(1)/Makefile | install
	@rm -rf $$(@D)/$(2) && mkdir -p $$(@D)/$(2)
	@$$(MAKE) --no-print-directory --silent -C $(1) build-$(2) ARTIFACTS_DIR="$(CURDIR)/$$(@D)/$(2)" PYTHON="$(CURDIR)/$(PYTHON)" $$(FLAGS)
	@touch $$@
endef
$(eval $(call part,layers/deps,DepsLayer,layers/deps/requirements.txt layers/deps/botocore_data.py))
$(eval $(call part,layers/core,CoreLayer,layers/core/stream-runtime $(shell find layers/core/python -type f -not -name '*.pyc')))
$(eval $(call part,functions,Api,functions/api/app.py))
$(eval $(call part,functions,Stream,functions/stream/app.py))
$(eval $(call part,functions,Invoke,functions/invoke/app.py))
$(eval $(call part,functions,Admin,functions/admin/app.py))
$(eval $(call part,functions,UsageLogger,functions/usage_logger/app.py))
$(eval $(call part,functions,Meter,functions/meter/app.py))
$(eval $(call part,functions,Ingest,functions/ingest/app.py))
$(eval $(call part,functions,Exporter,functions/exporter/app.py))
$(eval $(call part,functions,ReleaseCheck,functions/release_check/app.py))

build: $(PARTS:%=$(LAMBDA)/%.stamp) ## What is deployed, as Lambda gets it (python3.13, arm64), and its size
	@du -sm $(PARTS:%=$(LAMBDA)/%) | awk '{ mb += $$1; print } END { printf "%d MB unzipped; Lambda takes 250\n", mb; exit mb > 200 }'

# The backend's hash is checked as well; the archives of the layers are the same for the same input.
dist: build ## What a release consists of, in dist/: wheel, source archive and the Lambda layers
	@test "$(COMPILER) $(origin COMPILER)" != "none file" || \
	  { echo "python3.13 compiles the layers of a release; COMPILER=none leaves that out, and functions start later" >&2; exit 1; }
	@version=v$$($(RUN) -c 'import vectorgate; print(vectorgate.__version__)'); test "$${TAG:-$$version}" = "$$version" || \
	  { echo "TAG is $$TAG, but vectorgate/__init__.py says $$version" >&2; exit 1; }
	@rm -rf dist && mkdir dist
	@$(VENV)/bin/uv build --quiet --python $(PYTHON) --out-dir dist --build-constraints requirements/setuptools-80.10.txt --require-hashes .
	@for layer in DepsLayer CoreLayer; do $(PYTHON) -c 'import shutil, sys; shutil.make_archive(*sys.argv[1:])' dist/$$layer zip $(LAMBDA)/$$layer; done
	@rm -f dist/.gitignore && find layers/core -name '*.egg-info' -exec rm -rf {} + && ls dist

# Without uv's cache, whose files are linked into the virtual environment and could have been changed there.
$(LAMBDA)/%.stamp: FLAGS = UV="$(CURDIR)/$(VENV)/bin/uv pip install --no-cache --python $(CURDIR)/$(PYTHON) --python-platform aarch64-manylinux2014 --python-version 3.13"

# The same for this machine and its Python, for the emulated AWS to run.
$(HOST_BUILD)/%.stamp: FLAGS = PLATFORM= COMPILER="$(CURDIR)/$(PYTHON)" UV="$(CURDIR)/$(VENV)/bin/uv pip install --python $(CURDIR)/$(PYTHON)"

# --------------------------------------------------------------------------------------------------------- keeping

openapi: install ## Write openapi.json from the operation tables
	@$(RUN) -m tools.openapi

LOCK := $(VENV)/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --quiet
lock: install ## Pin what the .in files ask for; a pin that still fits stays
	$(LOCK) requirements/uv.in -o requirements/uv.txt
	$(LOCK) requirements/dev.in -o requirements/dev.txt
	$(LOCK) -c requirements/dev.txt requirements/local.in -o requirements/local.txt
	$(LOCK) -c requirements/dev.txt --no-deps requirements/wordllama.in -o requirements/wordllama.txt
	$(LOCK) -c requirements/dev.txt layers/deps/requirements.in -o layers/deps/requirements.txt
	$(LOCK) requirements/compat.in -o requirements/compat.txt
	$(LOCK) -c requirements/dev.txt requirements/browser.in -o requirements/browser.txt
	$(LOCK) --override requirements/litellm-overrides.in requirements/litellm.in -o requirements/litellm.txt
	$(LOCK) -c requirements/dev.txt requirements/fuzz.in -o requirements/fuzz.txt

clean: ## Remove what was built and cached; .venv and the data in .vectorgate stay
	rm -rf .build .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -exec rm -rf {} +
