# Everything a person does with this repository. `make` alone lists it.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

CLI := node dist/src/cli/main.js
TEST := node --import tsx --test --test-concurrency=2
SOURCES := $(shell find src pipelines -name '*.ts') esbuild.config.ts
# Node.js 20 does not expand patterns itself.
FAST_TESTS := $(shell find test -name '*.test.ts' ! -name '*.slow.test.ts')
SLOW_TESTS := $(shell find test -name '*.slow.test.ts')

.PHONY: help setup build demo export simulate test test-slow test-python test-spark lint typecheck bench bench-queries clean

help: ## List the targets (default)
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1|\2/p' Makefile | column -t -s '|'

setup: node_modules/.package-lock.json ## Install the exact dependencies of package-lock.json

node_modules/.package-lock.json: package-lock.json
	npm ci --no-audit --no-fund
	@touch $@

build: dist/.built ## Bundle the program into dist/

dist/.built: $(SOURCES) tsconfig.json tsconfig.build.json node_modules/.package-lock.json
	@rm -rf dist
	npx tsc -p tsconfig.build.json
	node --import tsx esbuild.config.ts
	@chmod +x dist/src/cli/main.js
	@touch $@

demo: build ## Export generated jobs to output/ and query them; needs no account
	@node --import tsx test/demo/demo.ts

export: build ## Export real jobs; pass flags as ARGS="--status ERROR"
	@$(CLI) export $(ARGS)

simulate: setup ## Serve generated jobs the way the API does; flags as ARGS="--jobs 100000 --fault 503=0.05"
	@node --import tsx test/simulator/main.ts $(ARGS)

test: build ## Run the tests
	$(TEST) $(FAST_TESTS)

test-slow: build ## Run the tests that take longer: large exports, crashes, soak
	@if [ -z "$(SLOW_TESTS)" ]; then echo 'no slow tests yet'; else $(TEST) $(SLOW_TESTS); fi

test-python: build ## Read the files back with pandas, pyarrow and polars, in a .venv of its own
	@test/python/run

test-spark: build ## Read the files with Spark, in a virtual environment of its own; needs Java 17
	@test/python/run spark

lint: setup ## Check style and formatting
	npx biome check --error-on-warnings

typecheck: setup ## Check types, tests included
	npx tsc -p tsconfig.json

bench: build ## Measure exports against the bare download, and peak memory
	@node --import tsx test/bench/bench.ts $(ARGS)

bench-queries: setup ## Query a Parquet file of 1,000,000 jobs beside DuckDB's own of the same rows
	@node --import tsx test/bench/queries.ts 1000000 0
	@node --import tsx test/bench/queries.ts 1000000 1000 5

clean: ## Remove what was built and installed; output/ stays
	rm -rf dist node_modules .venv .venv-spark
