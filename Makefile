# All the set-up there is: `make demo` and `make test`. Both need Python 3.11-3.14 and make, no Java, Docker or Kafka.

# Unset means: python3, else the newest of python3.11-3.14 that is there.
PYTHON ?=
export PYTHON

BIN = .venv/bin
READY = .venv/.ready
UV_COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-header --no-emit-index-url --no-emit-find-links $(UPGRADE)

.PHONY: help install demo test model mutants pages accept torture torture-short bench docs lint lock clean

help:
	@echo "make install  .venv with everything in it; then: source .venv/bin/activate"
	@echo "make demo     watch agents contend for a lead on a real Kafka"
	@echo "make test     lint, then all tests but the two below"
	@echo "make model    the protocols' models, and that none of their rules may be left out (two minutes of a core)"
	@echo "make mutants  break the bus on purpose and see what notices: half an hour; MUTANTS=300 SEED=1 MINUTES=20 for the drawn ones"
	@echo "make pages    every command and snippet of README and docs/, run on a real bus"
	@echo "make accept   the black-box runs: 10,000 messages against the wire contract, 10,000 claims of our client, 60 random contests"
	@echo "make torture  kill, freeze, cut off and double everything on a real Kafka: MINUTES=2 RATE=100 SEED=1 BROKERS=1"
	@echo "make torture-short  a minute of it, three in all; the times it takes to mend are told, not judged"
	@echo "make bench    cost, latency, throughput, side by side, restore, growth: a quarter of an hour; FULL=1 ONLY=cost,latency"
	@echo "make docs     docs/reference and the shown files, made from the code"
	@echo "make lint     ruff, mypy, import-linter"
	@echo "make lock     requirements/*.lock from pyproject.toml; UPGRADE=--upgrade takes newer versions"
	@echo "make clean    remove .venv and everything the tools left"

$(READY): requirements/dev.lock pyproject.toml .ci/prepare
	@sh .ci/prepare

install: $(READY)

demo: $(READY)
	@$(BIN)/agentbus demo

test: lint
	@$(BIN)/python -m pytest --ignore=tests/acceptance --ignore=tests/docs/test_pages.py

# What is safe by a rule must be lost without it: each is left out in turn.
model: $(READY)
	@$(BIN)/python -m tests.model.check

# Every fault of the list until something bites on it, then a sample of what a program makes of the core; docs/mutants.md.
mutants: $(READY)
	@$(BIN)/python -m tests.mutants.seeded --keep
	@$(BIN)/python -m tests.mutants.generated --keep --sample $(or $(MUTANTS),300) --seed $(or $(SEED),1) --minutes $(or $(MINUTES),20)
	@$(BIN)/python -m tests.mutants.page

# Every command and snippet of README and docs/, on a real bus.
pages: $(READY)
	@$(BIN)/python -m pytest -q tests/docs/test_pages.py

# Who checks must be right: the run's own oracle is tested first.
accept: $(READY)
	@$(BIN)/python -m pytest -q tests/acceptance
	@$(BIN)/python tests/acceptance/run.py
	@$(BIN)/python -m tests.client.run_faults
	@$(BIN)/python -m tests.contests.real --contests 60 --seed 1

torture: $(READY)
	@$(BIN)/python -m tests.faults.torture --minutes $(or $(MINUTES),2) --rate $(or $(RATE),100) --seed $(or $(SEED),1) \
		--brokers $(or $(BROKERS),1)

# The faults that cost least time; of this seed those come first that are over soonest, for a slow machine gets through few.
torture-short: $(READY)
	@$(BIN)/python -m tests.faults.torture --minutes $(or $(MINUTES),1) --rate $(or $(RATE),100) --seed $(or $(SEED),6598) \
		--only kill,owners,cut,broker,freeze,lost,late-end

# What the benchmarks compare with needs packages that nothing else does.
.venv/.bench: requirements/bench.lock $(READY)
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements/bench.lock
	@touch $@

bench: .venv/.bench
	@$(BIN)/python -m benchmarks.everything $(if $(FULL),--full --page) $(if $(ONLY),--only $(ONLY))

# The reference is committed, so that it can be read without running anything; a test says when it is out of date.
docs: $(READY)
	@$(BIN)/python -m docs.generate

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/mypy --no-error-summary docs
	@$(BIN)/lint-imports --no-logo

lock: $(READY)
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/tools.lock
	@$(UV_COMPILE) pyproject.toml -o requirements/runtime.lock
	@$(UV_COMPILE) pyproject.toml --extra dev --group build --group test --group lint \
		-c requirements/runtime.lock -o requirements/dev.lock
	@$(UV_COMPILE) --group bench -c requirements/dev.lock -o requirements/bench.lock
	@$(UV_COMPILE) --group lock -o requirements/tools.lock
	@echo "requirements/*.lock are up to date with pyproject.toml"

clean:
	rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
