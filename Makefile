# The two commands of the README are `make demo` and `make test`; each installs what is missing.
SHELL := /bin/bash
JOBS ?= $(shell nproc)
SOURCES = $(shell git ls-files '*.h' '*.cc')
# What a change touches, against the main branch; ALL=1 is everything.
BASE ?= main
CHANGED = $(shell git diff --name-only --diff-filter=d $(BASE) -- '*.cc' 2>/dev/null)

# Scenarios of `make bench`; empty: all.
BENCH ?=

.PHONY: help demo test build litestream bench format format-check lint clean

help:
	@echo 'make demo          a cluster of three nodes on this machine, with failovers to watch (KEEP=1 leaves it running)'
	@echo 'make test          everything built with sanitizers, and all tests'
	@echo 'make bench         figures of a whole cluster and of its peers, in the optimised build; no test (BENCH="writer idle": these alone)'
	@echo 'make format        lays out the code; make format-check only looks'
	@echo 'make lint          clang-tidy on what differs from $(BASE); ALL=1: on everything'
	@echo 'make clean         removes build/'

demo:
	@scripts/setup.sh build demo
	cmake --preset release -DCLUSTER_TESTS=OFF
	cmake --build --preset release -j$(JOBS)
	scripts/demo.sh "$(KEEP)"

build:
	@scripts/setup.sh build test
	cmake --preset dev
	cmake --build --preset dev -j$(JOBS)

# Real Litestream, where it can be built: its tests are skipped otherwise.
litestream:
	@scripts/litestream.sh

test: build litestream
	@if [ "$$(id -u)" -eq 0 ]; then \
	    ctest --test-dir build/dev -j2 --output-on-failure --no-tests=error; \
	else \
	    echo 'Not root: the tests labelled system (real namespaces, addresses, kills) are left out.'; \
	    ctest --test-dir build/dev -j2 --output-on-failure --no-tests=error -LE system; \
	fi

bench:
	@scripts/setup.sh build demo test
	@scripts/litestream.sh
	cmake --preset release -DCLUSTER_TESTS=ON
	cmake --build --preset release -j$(JOBS) --target cluster_bench
	build/release/bin/cluster_bench $(if $(SECONDS_EACH),--seconds $(SECONDS_EACH)) $(BENCH)

format:
	@scripts/setup.sh format
	clang-format -i $(SOURCES)

format-check:
	@scripts/setup.sh format
	clang-format --dry-run --Werror $(SOURCES)

lint:
	@$(if $(ALL),,git rev-parse -q --verify '$(BASE)^{commit}' >/dev/null || \
	    { echo 'lint: there is no $(BASE) here to compare with; name another: BASE=origin/main, or ALL=1' >&2; exit 1; })
	@scripts/setup.sh build test lint
	cmake --preset dev
	@printf '%s\n' $(if $(ALL),$(filter %.cc,$(SOURCES)),$(CHANGED)) | \
	    xargs -r -n 1 -P $(JOBS) clang-tidy -p build/dev --quiet \
	        --extra-arg=-Wno-unknown-warning-option

clean:
	rm -rf build
