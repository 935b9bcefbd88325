# Everything a person does with this repository. `make` alone lists it.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

CLI := node dist/src/cli/main.js
BUILD := $(shell date -u +%Y%m%dT%H%M%SZ)
# Threads run what is built: test/support/built-threads.ts.
TEST := node --import tsx --import ./test/support/built-threads.ts --test --test-concurrency=2
# The newest version that the program is tested with: an npm package is its binary.
NODE24 := node-$(shell node -p '`$${process.platform}-$${process.arch}`')@24.21.0
SOURCES := $(shell find src pipelines -name '*.ts') esbuild.config.ts
# Node.js 20 does not expand patterns itself.
FAST_TESTS := $(shell find test -name '*.test.ts' ! -name '*.slow.test.ts')
SLOW_TESTS := $(shell find test -name '*.slow.test.ts')

.PHONY: help setup build demo export simulate nightly schedule test test-node24 test-slow test-python test-spark test-browser picture lint typecheck bench bench-queries bench-nights clean

help: ## List the targets (default)
	@sed -nE 's/^([a-z0-9-]+):.*## (.*)/  make \1|\2/p' Makefile | column -t -s '|'

setup: node_modules/.package-lock.json ## Install the exact dependencies of package-lock.json

node_modules/.package-lock.json: package-lock.json
	@npm ci --no-audit --no-fund --loglevel=error > /dev/null
	@touch $@

build: dist/.built ## Bundle the program into dist/

# Each build lies in a folder of its own, and what stays in its place only points there: a run goes on with the build it
# began with, and a build that fails changes nothing. Builds of a week ago go.
dist/.built: $(SOURCES) tsconfig.json tsconfig.build.json node_modules/.package-lock.json
	@rm -rf dist.new
	npx tsc -p tsconfig.build.json --outDir dist.new
	node --import tsx esbuild.config.ts dist.new
	@mkdir -p dist/builds dist/src/cli && mv dist.new dist/builds/$(BUILD)
	@printf '#!/usr/bin/env node\nimport "../../builds/%s/src/cli/main.js";\n' $(BUILD) > dist/main.new
	@printf 'export * from "../builds/%s/src/index.js";\n' $(BUILD) | tee dist/types.new > dist/index.new
	@chmod +x dist/main.new && mv dist/main.new dist/src/cli/main.js
	@mv dist/index.new dist/src/index.js && mv dist/types.new dist/src/index.d.ts
	@cp dist/builds/$(BUILD)/{pipeline.schema.json,THIRD-PARTY-LICENSES.txt} dist/
	@find dist/builds -mindepth 1 -maxdepth 1 -mtime +7 ! -name $(BUILD) -exec rm -rf {} +
	@touch $@

demo: build ## Export generated jobs to output/ and query them; needs no account
	@node --import tsx test/demo/demo.ts

export: build ## Export real jobs; pass flags as ARGS="--status ERROR"
	@$(CLI) export $(ARGS)

simulate: setup ## Serve generated jobs the way the API does; flags as ARGS="--jobs 100000 --fault 503=0.05"
	@node --import tsx test/simulator/main.ts $(ARGS)

nightly: build ## Export as a nightly run does: only what changed, patient, silent unless it fails, 30 snapshots kept
	@$(CLI) export --incremental --report --keep 30 --keep-trying 3h --quiet $(ARGS)

# Cron ends a command at a bare %, and systemd takes it for one of its own words.
schedule: ## Print a crontab line and systemd units for this checkout; nothing is installed
	@escaped() { printf '%s' "$$1" | sed -e "s/%/$$2/g" -e 's/[&|\]/\\&/g'; }; \
	for kind in cron:'\\%' ini:%%; do \
	  echo '/^```'"$${kind%%:*}"'$$/,/^```$$/ {'; \
	  echo "s|/opt/pasqal-jobs-export|$$(escaped '$(CURDIR)' "$${kind#*:}")|g"; \
	  echo "s|/usr/bin/node|$$(escaped "$$(node -p process.execPath)" "$${kind#*:}")|g"; \
	  echo '}'; \
	done | sed -f /dev/stdin <(sed -n '/^cron:/,/^## /p' README.md | sed '$$d')

test: build ## Run the tests
	$(TEST) $(FAST_TESTS)

test-node24: build ## Run the tests with Node.js 24, in a folder of its own
	@[ -d .node24/node_modules ] || npm install --prefix .node24 --no-save --no-audit --no-fund $(NODE24)
	PATH="$$(echo "$(CURDIR)"/.node24/node_modules/node-*/bin):$$PATH" $(TEST) $(FAST_TESTS)

test-slow: build ## Run the tests that take longer: large exports, crashes, soak
	@if [ -z "$(SLOW_TESTS)" ]; then echo 'no slow tests yet'; else $(TEST) $(SLOW_TESTS); fi

test-python: build ## Read the files back with pandas, pyarrow and polars, in a .venv of its own
	@test/python/run

test-spark: build ## Read the files with Spark, in a virtual environment of its own; needs Java 17
	@test/python/run spark

test-browser: setup ## Look at report pages in a headless Chromium; skips where there is none
	@test/browser/run --test test/browser/pages.ts

picture: setup ## Make the picture of the report in README.md from generated jobs; needs Chromium
	@test/browser/run test/browser/picture.ts

lint: setup ## Check style and formatting
	npx biome check --error-on-warnings

typecheck: setup ## Check types, tests included
	npx tsc -p tsconfig.json

bench: build ## Measure exports against the bare download, and peak memory
	@node --import tsx test/bench/bench.ts $(ARGS)

bench-queries: setup ## Query a Parquet file of 1,000,000 jobs beside DuckDB's own of the same rows
	@node --import tsx test/bench/queries.ts 1000000 0
	@echo
	@node --import tsx test/bench/queries.ts 1000000 1000 5

bench-nights: build ## Export a night that goes on from the last snapshot beside one that reads everything
	@node --import tsx test/bench/nights.ts $(ARGS)

clean: ## Remove what was built and installed; output/ stays
	rm -rf dist dist.new node_modules .node24 .venv .venv-spark
