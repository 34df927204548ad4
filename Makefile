# One command per need, the same here, in the README and in .ci/run. `make help` lists them.
# Needs: Python 3.11 or later, make and a package index. Everything else is made from uv.lock, with hashes.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

export UV_PYTHON_DOWNLOADS := never
export SAM_CLI_TELEMETRY := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# The system's certificates where there are any: a company's own authority is among them, and only there.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem),)
export UV_SYSTEM_CERTS ?= 1
endif
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME

UV := .venv-uv/bin/uv
BIN := .venv/bin
SAM := .venv-sam/bin/sam
SYNC = $(UV) sync --quiet --frozen --python .venv-uv/bin/python
STAMP := .made
WORKERS ?= 2
# Folders of the tests that are judged on the local AWS: one after the other, since they race against the clock.
RACES := tests/race tests/fidelity tests/e2e
STACK ?= orderbridge

##@ The bridge on this machine

.PHONY: run
run: environments ## Start everything, fire the sample alerts, print the table, stay up until Ctrl-C
	@exec $(BIN)/python -m sandbox.run $(ARGS)

.PHONY: demo
demo: environments ## The same, but end after the table; exit code 0 only if the verdict is clean
	@exec $(BIN)/python -m sandbox.run --demo $(ARGS)

##@ Checks

.PHONY: test
test: lint types ## Lint, types, and the unit, contract, simulation and race tests
	$(MAKE) --no-print-directory pytest

.PHONY: lint
lint: .venv/$(STAMP) ## Lint with ruff
	$(BIN)/ruff check .

.PHONY: types
types: .venv/$(STAMP) ## Check types with mypy, strict
	$(BIN)/mypy

.PHONY: pytest
pytest: .venv/$(STAMP) .venv-local-aws/$(STAMP) ## The tests of `make test` alone
	$(BIN)/pytest -n $(WORKERS) $(addprefix --ignore ,tests/template tests/openapi $(RACES)) $(ARGS)
	$(BIN)/pytest $(RACES) $(ARGS)

.PHONY: contract
contract: .venv/$(STAMP) ## The published APIs: generated requests, and a trading day at each kind of account
	$(BIN)/pytest -n $(WORKERS) --dist worksteal tests/openapi $(ARGS)

.PHONY: race-long
race-long: .venv/$(STAMP) .venv-local-aws/$(STAMP) ## The race tests at length: more rounds, and deaths by the machine's own clock
	RACE_LONG=1 RACE_ROUNDS=200 $(BIN)/pytest tests/race tests/panel/test_crashes.py tests/scenario/test_crashes.py $(ARGS)

.PHONY: simulate
simulate: .venv/$(STAMP) ## The whole bridge in virtual time under faults: SEEDS=1..200, SHAPE=full, JOBS=2, BUG=name, ARGS=--shrink
	$(BIN)/python -m tests.simulation --seeds $(or $(SEEDS),1..20) $(if $(SHAPE),--shape $(SHAPE)) --jobs $(or $(JOBS),1) \
		$(if $(BUG),--bug $(BUG)) $(ARGS)

.PHONY: simulate-ci
simulate-ci: .venv/$(STAMP) ## The simulation's share of every change: a bounded number of seeds, and every planted bug
	$(BIN)/python -m tests.simulation --seeds 1..8 --jobs $(WORKERS)
	$(BIN)/python -m tests.simulation --bugs --jobs $(WORKERS)

.PHONY: mutants
mutants: .venv-mutation/$(STAMP) ## Mutation testing: ROOM=strategy or execution, SAMPLE=300 for a part, SEED=1
	.venv-mutation/bin/python -m tests.mutation $(or $(ROOM),strategy) --sample $(or $(SAMPLE),0) --seed $(or $(SEED),1) $(ARGS)

.PHONY: fuzz
fuzz: .venv-fuzz/$(STAMP) ## Fuzz what alerts are read by, guided by coverage: BODIES=100000, TARGET=reader or endpoint, SEED=1
	.venv-fuzz/bin/python -m tests.fuzz $(or $(TARGET),reader) --bodies $(or $(BODIES),100000) --seed $(or $(SEED),1) $(ARGS)

.PHONY: check-template
check-template: environments ## Validate, lint and test the template and a plain `sam build`
	$(SAM) validate --lint --template template.yaml --region us-east-1
	.venv-sam/bin/cfn-lint --append-rules cfn_lint_serverless.rules --template template.yaml
	$(BIN)/pytest tests/template $(ARGS)

##@ AWS

.PHONY: build
build: export ORDERBRIDGE_BUILD_PYTHON := $(CURDIR)/.venv-uv/bin/python
build: export ORDERBRIDGE_BUILD_UV := $(CURDIR)/.venv-uv/bin/uv
build: environments ## Build for Lambda (arm64, Python 3.13), as a plain `sam build` does
	$(SAM) build $(ARGS)

.PHONY: deploy
deploy: build ## Deploy to your AWS account; the first time: make deploy ARGS=--guided
	$(SAM) deploy --stack-name $(STACK) $(ARGS)

##@ Measuring

.PHONY: bench
bench: environments ## Measure what the README claims, beside a naive design and a floor
	$(BIN)/python -m benchmarks $(ARGS)

.PHONY: burst
burst: .venv/$(STAMP) .venv-local-aws/$(STAMP) ## Fire 1,000 alerts over 200 symbols and 10 accounts at one bar close, and fewer before
	$(BIN)/python -m benchmarks.burst $(ARGS)

.PHONY: load
load: environments ## Let ten browsers poll one account for two minutes while alerts fire
	$(BIN)/python -m benchmarks.load $(ARGS)

.PHONY: costs
costs: .venv/$(STAMP) ## Compute what running it costs, from what it uses and AWS's list prices
	$(BIN)/python -m benchmarks.costs $(ARGS)

##@ Environments

.PHONY: environments
environments: .venv/$(STAMP) .venv-local-aws/$(STAMP) .venv-sam/$(STAMP) ## Make the three virtual environments from uv.lock

# uv itself: pip takes the one file whose hash is named in uv.txt.
.venv-uv/$(STAMP): sandbox/bootstrap/uv.txt
	@python=$$(sandbox/bootstrap/find-python) && echo "Making environments with $$python" && "$$python" -m venv --clear .venv-uv
	@.venv-uv/bin/python -m pip install --quiet --require-hashes --only-binary :all: -r sandbox/bootstrap/uv.txt
	@touch $@

# The project, the `orderbridge` command and the tools that check it.
.venv/$(STAMP): pyproject.toml uv.lock .venv-uv/$(STAMP)
	@UV_PROJECT_ENVIRONMENT=.venv $(SYNC)
	@touch $@

# MiniStack and what its Lambda workers see; it pins its own botocore.
.venv-local-aws/$(STAMP): pyproject.toml uv.lock .venv-uv/$(STAMP)
	@UV_PROJECT_ENVIRONMENT=.venv-local-aws $(SYNC) --only-group local-aws --no-install-project
	@touch $@

# The SAM CLI and cfn-lint; they pin much of what the project needs newer.
.venv-sam/$(STAMP): pyproject.toml uv.lock .venv-uv/$(STAMP)
	@UV_PROJECT_ENVIRONMENT=.venv-sam $(SYNC) --only-group sam --no-install-project
	@touch $@

# mutmut beside all that the tests need.
.venv-mutation/$(STAMP): pyproject.toml uv.lock .venv-uv/$(STAMP)
	@UV_PROJECT_ENVIRONMENT=.venv-mutation $(SYNC) --no-default-groups --group mutation
	@touch $@

# atheris (libFuzzer for Python, on Linux) beside all that the tests need.
.venv-fuzz/$(STAMP): pyproject.toml uv.lock .venv-uv/$(STAMP)
	@UV_PROJECT_ENVIRONMENT=.venv-fuzz $(SYNC) --no-default-groups --group fuzz
	@touch $@

.PHONY: lock
lock: .venv-uv/$(STAMP) ## Lock again after a change in pyproject.toml, and export the layer's requirements
	$(UV) lock
	$(UV) export --quiet --frozen --no-default-groups --no-emit-project --no-annotate --no-header \
		--format requirements-txt --output-file layers/orderbridge/requirements.txt

.PHONY: clean
clean: ## Remove what was built and run, and the environments
	rm -rf .aws-sam .venv .venv-local-aws .venv-sam .venv-mutation .venv-fuzz .venv-uv sandbox/run
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help
help: ## Say what each command does
	@awk 'BEGIN {FS = ":.*## "} /^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
