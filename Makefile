# RefundDesk's commands. `make help` lists them. Only Python 3.11 or newer and make are needed; the rest is installed here.

SHELL := /bin/sh
.DEFAULT_GOAL := help

# The first of these that is new enough; PYTHON=... chooses another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$p && break; done)
BIN := .venv/bin
EMBEDDED := $(BIN)/python -m dev.embedded
WITH_SERVICES := $(EMBEDDED) test-services --
PACKAGES := $(wildcard analytics api benchmarks clients config core customer desk dev integrations invariants merchants \
	payment_channels reconciliation refunds samples simulators terminals tests) manage.py
# Fewer or more at once: make test WORKERS=4. Pass arguments to pytest: make test ARGS="tests/core -k money". One more than
# there are cores: half of a worker's time is waiting, for a lease, a time-out or a process of ours.
WORKERS ?= 3
ARGS ?=
# For tests that run by themselves for long: the limit of one in `test` would end them.
PATIENT := --timeout 7200

.PHONY: help
help: ## list every target
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- environment --------------------------------------------------------------------------------------------------

# $(call install,demo|dev): bring .venv to the locked versions, unless the stamp says that it has them.
define install
	@set -e; \
	if [ -z "$(PYTHON)" ]; then echo "Python 3.11 or newer is needed; name one with PYTHON=/path/to/python" >&2; exit 1; fi; \
	want="$$(cksum < requirements-$(1).txt)"; \
	$(BIN)/python -c '' 2>/dev/null || { rm -rf .venv; "$(PYTHON)" -m venv .venv; }; \
	if [ "$$(cat .venv/installed-$(1) 2>/dev/null)" != "$$want" ]; then \
		echo "installing requirements-$(1).txt into .venv"; \
		$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --require-hashes -r requirements-$(1).txt; \
		echo "$$want" > .venv/installed-$(1); \
	fi
endef

.PHONY: setup
setup: environment hooks ## install everything for developing, and git's hooks

# The developer's lock has all of the demo's, in the same versions.
.PHONY: environment
environment:
	$(call install,dev)
	@cksum < requirements-demo.txt > .venv/installed-demo

.PHONY: environment-demo
environment-demo:
	$(call install,demo)

.PHONY: hooks
hooks: environment
	@if [ -d .git ] && [ -z "$$CI" ]; then $(BIN)/pre-commit install >/dev/null && echo "git's pre-commit hook is installed"; fi

# --- running ------------------------------------------------------------------------------------------------------

.PHONY: demo
demo: environment-demo ## run everything on this machine; PORT=8000, DATABASE_URL and REDIS_URL are optional
	@# Nine processes read what the first of them has compiled, whatever the caller's habits.
	@PYTHONDONTWRITEBYTECODE= exec $(EMBEDDED) demo

.PHONY: status
status: environment-demo ## say what of the demo is running
	@$(EMBEDDED) status

.PHONY: reset-demo
reset-demo: environment-demo ## put the demo's data and secrets aside (var/ becomes var.old-...)
	@$(EMBEDDED) reset

.PHONY: simulators
simulators: environment-demo ## run only the payment channels' stand-ins and the mailbox
	@exec $(EMBEDDED) simulators

.PHONY: shell
shell: environment-demo ## a Django shell on the running demo
	@exec $(EMBEDDED) run -- $(BIN)/python manage.py shell

# --- quality ------------------------------------------------------------------------------------------------------

# 42,000 generated lines are made, not kept (docs/adr/0048).
.PHONY: client
client: environment ## generate the calls of clients/python from the API's document
	@$(BIN)/python -m dev.client

.PHONY: test
test: environment client ## every test, browser and faults included
	@$(BIN)/python -m dev.embedded.chromium
	@# Workers and the hundred processes that tests start read what the first of them has compiled, whatever the caller's habits.
	@PYTHONDONTWRITEBYTECODE= $(WITH_SERVICES) $(BIN)/pytest -n $(WORKERS) --dist worksteal $(ARGS)

# Every page that an owner meets, in both languages; not part of `test`, which walks the shorter way.
.PHONY: owner
owner: environment ## an owner's way from the invitation to the first refund, in browsers; about four minutes
	@$(BIN)/python -m dev.embedded.chromium
	@$(WITH_SERVICES) $(BIN)/pytest $(PATIENT) -q -m owner tests/journeys/test_owner.py $(ARGS)

.PHONY: faults
faults: environment client ## every test that kills processes or breaks connections, at every place, and every code of the channels
	@PYTHONDONTWRITEBYTECODE= $(WITH_SERVICES) $(BIN)/pytest -m "faults or long" -n $(WORKERS) --dist worksteal tests/faults tests/contracts \
		tests/integrations/test_sandbox_clock.py tests/refunds/payouts/test_shifts.py $(ARGS)

.PHONY: looks
looks: environment ## browser journeys again in the widths, lights and languages that `test` leaves out
	@$(BIN)/python -m dev.embedded.chromium
	@PYTHONDONTWRITEBYTECODE= $(WITH_SERVICES) $(BIN)/pytest -m looks -n $(WORKERS) --dist worksteal $(ARGS)

# Not part of `test`: it installs from PyPI and npm into var/peers. ARGS="wechatpayv3" chooses one.
.PHONY: peers
peers: environment-demo ## let other people's SDKs judge the stand-ins; needs openssl
	@$(BIN)/python -m tests.peers.run $(ARGS)

# Not part of `test` either, for the same reason.
.PHONY: other-clients
other-clients: environment client ## a TypeScript client by OpenAPI Generator: type-checked, and run against a server
	@$(WITH_SERVICES) $(BIN)/pytest $(PATIENT) -q tests/clients/others.py -k typescript $(ARGS)

.PHONY: java-client
java-client: environment ## the same for Java; needs a JDK of 17 or newer, and Debian's libhttpmime-java
	@$(WITH_SERVICES) $(BIN)/pytest $(PATIENT) -q tests/clients/others.py -k java $(ARGS)

# Not part of `test` either. ARGS="-k owner" chooses who calls; FUZZ_S bounds the seconds for each of nine.
export FUZZ_EXAMPLES ?= 10
export FUZZ_S ?= 600

.PHONY: fuzz
fuzz: environment ## Schemathesis with all checks over every operation, as every kind of caller: SEED=1 FUZZ_EXAMPLES=10 FUZZ_S=600
	@SEED=$(SEED) $(WITH_SERVICES) $(BIN)/pytest $(PATIENT) -q tests/api/fuzz.py $(ARGS)

.PHONY: check
check: environment client ## everything CI checks before it tests
	@# What one part has compiled the others read, and the tests after them.
	@PYTHONDONTWRITEBYTECODE= $(WITH_SERVICES) $(BIN)/python -m dev.checks $(ARGS)

.PHONY: fix
fix: environment ## put right what the tools can put right by themselves
	@$(BIN)/ruff check --fix --quiet $(PACKAGES) || true
	@$(BIN)/ruff format --quiet $(PACKAGES)
	@find templates -name '*.html' -exec $(BIN)/djade --target-version 5.2 {} + >/dev/null 2>&1 || true

.PHONY: messages
messages: environment ## add new texts to the Chinese catalogue and compile it
	@$(WITH_SERVICES) $(BIN)/python -m dev.translations update

.PHONY: states
states: environment ## write docs/states.md from refunds/states.py
	@$(WITH_SERVICES) $(BIN)/python manage.py states

.PHONY: rights
rights: environment ## write docs/rights.md from merchants/rights.py
	@$(WITH_SERVICES) $(BIN)/python manage.py rights

# The dice are the seed's. N refunds a run, RUNS seeds from SEED on.
SEED ?= 1
N ?= 300
RUNS ?= 1

.PHONY: chaos
chaos: environment ## break everything at once: SEED=1 N=300 RUNS=1; books agree with channels, verdicts with their facts
	@$(WITH_SERVICES) $(BIN)/python -m tests.chaos --seed $(SEED) --refunds $(N) --runs $(RUNS) $(ARGS)

# What nobody may get past, tried by dice: 1,000 sequences of up to 50 requests, from a seed.
SEQUENCES ?= 1000

.PHONY: adversary
adversary: environment ## try to get more paid out in a day than a policy's exposure says: SEED=1 SEQUENCES=1000
	@ADVERSARY_SEED=$(SEED) ADVERSARY_SEQUENCES=$(SEQUENCES) ADVERSARY_REQUESTS=50 \
		$(WITH_SERVICES) $(BIN)/pytest $(PATIENT) -q -n $(WORKERS) tests/refunds/rules/test_exposure.py -k adversary $(ARGS)

.PHONY: matrix
matrix: environment ## every address x roles x merchants x stores, with what the walk asks of it
	@MATRIX=1 $(WITH_SERVICES) $(BIN)/pytest $(PATIENT) -q -n $(WORKERS) --dist worksteal tests/walk/test_matrix.py $(ARGS)

DRAFTS ?= 200

.PHONY: trial-oracle
trial-oracle: environment ## compare trials with brute force: DRAFTS=200 random drafts on 2,000 requests each, from SEED=1
	@ORACLE_SEED=$(SEED) ORACLE_DRAFTS=$(DRAFTS) ORACLE_REQUESTS=2000 \
		$(WITH_SERVICES) $(BIN)/pytest $(PATIENT) -q -n $(WORKERS) tests/analytics/trials/test_replay.py -k brute_force $(ARGS)

# How often each goes wrong; the whole takes about 25 minutes on two cores.
KILLED ?= 40
FROZEN ?= 20
EMPTIED ?= 20
WORKERS_KILLED ?= 20

.PHONY: broker-faults
broker-faults: environment ## seconds until all is paid: KILLED=40 FROZEN=20 EMPTIED=20 WORKERS_KILLED=20 SEED=1
	@$(WITH_SERVICES) $(BIN)/python -m tests.chaos.broker_faults --seed $(SEED) --killed $(KILLED) --frozen $(FROZEN) \
		--emptied $(EMPTIED) --workers $(WORKERS_KILLED) $(ARGS)

FORGERIES ?= 1000

.PHONY: forgeries
forgeries: environment ## what a superuser of the database forges, and rewritings of the trail: FORGERIES=1000 SEED=1
	@FORGERIES=$(FORGERIES) REWRITINGS=$(FORGERIES) SEED=$(SEED) $(WITH_SERVICES) $(BIN)/pytest $(PATIENT) -q \
		tests/refunds/facts/test_vouching.py tests/clients/test_verify.py $(ARGS)

# Pairwise over leg, channel fault, failpoint, notice and what people do; eleven minutes on two busy cores.
.PHONY: leg-faults
leg-faults: environment ## legs of a plan in trouble, pairwise over what may go wrong: SEED=1
	@LEG_FAULTS_SEED=$(SEED) $(WITH_SERVICES) $(BIN)/pytest $(PATIENT) -q -n $(WORKERS) --dist worksteal tests/faults/test_leg_faults.py $(ARGS)

# Per seed 64 writers, 100,000 events and a transaction held open for 20 s; ninety seconds on two busy cores.
.PHONY: feed-faults
feed-faults: environment ## the event feed while many write, connections are killed and a transaction is held open: SEED=1 RUNS=1
	@FEED_SEED=$(SEED) FEED_RUNS=$(RUNS) FEED_WRITERS=64 FEED_EVENTS=100000 FEED_HOLD_S=20 FEED_KILLS=30 \
		FEED_PACE_S=0.15 $(WITH_SERVICES) $(BIN)/pytest $(PATIENT) -q -s tests/integrations/test_feed.py -k many_write $(ARGS)

# What agents are talked into, by dice: so many sequences of calls of tools, some at once; about a minute for a hundred.
AGENT_SEQUENCES ?= 300

.PHONY: agent-faults
agent-faults: environment client ## hostile sequences of an agent's tools under a mandate: SEED=1 AGENT_SEQUENCES=300
	@AGENT_SEED=$(SEED) AGENT_SEQUENCES=$(AGENT_SEQUENCES) $(WITH_SERVICES) $(BIN)/pytest $(PATIENT) -q tests/clients/test_agent.py $(ARGS)

CUSTOMERS ?= 200

.PHONY: not-arrived
not-arrived: environment ## customers who do not find their money: CUSTOMERS=200 SEED=1; four in five end without staff, no proof is wrong
	@CUSTOMERS=$(CUSTOMERS) SEED=$(SEED) $(WITH_SERVICES) $(BIN)/pytest $(PATIENT) -q -m long --log-cli-level=INFO \
		tests/customer/refund/test_not_arrived.py $(ARGS)

# So many random orders a property; about six minutes on two cores.
EXAMPLES ?= 10000

.PHONY: properties
properties: environment ## plan and worth on random orders: EXAMPLES=10000 SEED=1
	@EXAMPLES=$(EXAMPLES) $(WITH_SERVICES) $(BIN)/pytest $(PATIENT) -q -n $(WORKERS) --hypothesis-seed=$(SEED) \
		tests/refunds/rules/test_plan.py tests/refunds/rules/test_worth.py tests/refunds/rules/test_order_properties.py $(ARGS)

# A git revision to compare with; ROUNDS=3 says how often each takes its turn.
BASELINE ?=
export ROUNDS ?= 3

.PHONY: bench
bench: environment ## measure speed; ARGS="intake execution" chooses, BASELINE=<rev> compares with that revision, in turns
	@$(if $(BASELINE),$(BIN)/python -m benchmarks.baseline $(BASELINE) $(ARGS),$(EMBEDDED) test-services --durable -- $(BIN)/python -m benchmarks $(ARGS))
