# The two commands of the README are `make demo` and `make test`; each installs what is missing.
SHELL := /bin/bash
JOBS ?= $(shell nproc)
SOURCES = $(shell git ls-files '*.h' '*.cc')
# `make lint` checks what changed since this commit or branch; ALL=1: everything.
BASE ?= main
# `make lint` starts no file after so many seconds; empty: no limit.
LINT_SECONDS ?=

# Scenarios of `make bench`; empty: all.
BENCH ?=
# Fuzzers of `make fuzz`; empty: all.
FUZZ ?=
# Labels of tests that `make test` and `make tsan` leave out, in addition to those that need root.
EXCEPT ?=
LEFT_OUT = $(strip $(EXCEPT) $(if $(filter 0,$(shell id -u)),,system))
empty :=
CTEST = ctest -j2 --output-on-failure --no-tests=error $(if $(LEFT_OUT),-LE '^($(subst $(empty) ,|,$(LEFT_OUT)))$$')
# The ThreadSanitizer of g++ 12 cannot handle newer kernels' larger address randomization, so randomization is switched off.
STILL = $(shell setarch -R true 2>/dev/null && echo setarch -R)

.PHONY: help demo test test-release check build tools tsan tsan-system clang bench soak fuzz models nightly docs format format-check \
    lint install clean

help:
	@echo 'make demo          a cluster of three nodes on this machine, with failovers to watch (KEEP=1 leaves it running)'
	@echo 'make test          everything built with sanitizers, and all tests'
	@echo "make check         one test program, built and run: T=config_test ARGS='--gtest_filter=…'"
	@echo 'make test-release  the same tests in the optimised build, without sanitizers'
	@echo 'make tsan          the tests that need no whole cluster, with ThreadSanitizer; make tsan-system: the others'
	@echo 'make clang         the programs built by clang, which knows what each mutex guards (ALL=1: the tests, too)'
	@echo 'make bench         figures of a whole cluster and of its peers, in the optimised build; no test (BENCH="writer idle": these alone)'
	@echo 'make soak          a cluster under a small load for SECONDS=600; fails where a process takes more and more'
	@echo 'make fuzz          each fuzzer for SECONDS_EACH=10, with clang; fails where one finds something (FUZZ="ltx wal": these alone; SEED=1: the same inputs each time)'
	@echo 'make models        checks the models of docs/protocol, about 4 minutes and 3 GB (MODELS=full: larger bounds, 12 GB)'
	@echo 'make nightly       what takes too long for each change'
	@echo 'make docs          writes the tables of docs/configuration.md from config/keys.cc'
	@echo 'make format        lays out the code; make format-check only looks'
	@echo 'make lint          clang-tidy on what differs from $(BASE); ALL=1: on everything'
	@echo 'make install       the programs, units, manual pages and an example of the configuration, below DESTDIR and PREFIX'
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

# Real Litestream, the command of NATS and Alloy's parser where they can be built; otherwise tests with
# them are skipped.
tools:
	@scripts/litestream.sh
	@scripts/natscli.sh
	@scripts/alloy.sh

test: build tools
	@[ "$$(id -u)" -eq 0 ] || \
	    echo 'Not root: the tests labelled system (real namespaces, addresses, kills) are left out.'
	@$(CTEST) --test-dir build/dev

check:
	@[ -n '$(T)' ] || { echo "check: which test program? make check T=config_test ARGS='--gtest_filter=…'" >&2; exit 2; }
	@scripts/setup.sh build test
	@[ -e build/dev/build.ninja ] || cmake --preset dev
	@cmake --build --preset dev -j$(JOBS) --target $(T)
	build/dev/bin/$(T) $(ARGS)

# What the optimiser finds in undefined behaviour; needs root for the system tests, as `make test`.
test-release: tools
	@scripts/setup.sh build test
	cmake --preset release -DCLUSTER_TESTS=ON
	cmake --build --preset release -j$(JOBS)
	@$(CTEST) --test-dir build/release

tsan:
	@scripts/setup.sh build test
	cmake --preset tsan
	cmake --build --preset tsan -j$(JOBS) --target unit_tests contract_tests adapters_tests
	@$(STILL) $(CTEST) --test-dir build/tsan -L '^(unit|contract|adapters)$$'

# Without the warden's tests: it has one thread, and they count its memory and its wake-ups.
tsan-system: tools
	@scripts/setup.sh build test
	cmake --preset tsan
	cmake --build --preset tsan -j$(JOBS) --target system_tests
	@$(STILL) $(CTEST) --test-dir build/tsan -L '^system$$' -E '^Warden'

clang:
	@scripts/setup.sh build test clang
	cmake --preset clang
	cmake --build --preset clang -j$(JOBS) --target $(if $(ALL),all,convex-cluster-manager convex-cluster-warden)

bench:
	@scripts/setup.sh build demo test
	@scripts/litestream.sh
	cmake --preset release -DCLUSTER_TESTS=ON
	cmake --build --preset release -j$(JOBS) --target cluster_bench
	build/release/bin/cluster_bench $(if $(SECONDS_EACH),--seconds $(SECONDS_EACH)) $(BENCH)

# No sanitizers: they keep what was freed.
soak:
	@scripts/setup.sh build demo test
	cmake --preset release -DCLUSTER_TESTS=ON
	cmake --build --preset release -j$(JOBS) --target cluster_soak
	build/release/bin/cluster_soak --seconds $(or $(SECONDS),600)

fuzz:
	@scripts/setup.sh build fuzz
	cmake --preset fuzz
	cmake --build --preset fuzz -j$(JOBS)
	@FUZZ_SEED=$(SEED) tests/fuzz/run.sh $(or $(SECONDS_EACH),10) $(FUZZ)

models:
	@scripts/setup.sh build models
	docs/protocol/check $(MODELS)

# Each step in a make of its own, so that a failure is reported at the end and does not stop the others.
# Planned, a line: the packages, installed on Debian and other distributions.
nightly:
	@failed=; \
	run() { echo "== make $$*"; $(MAKE) "$$@" || failed="$$failed '$$*'"; }; \
	run test; \
	SIM_SEEDS=1..300 run check T=sim_test; \
	run test-release; \
	run clang ALL=1; \
	run tsan; \
	run tsan-system; \
	run fuzz SECONDS_EACH=900; \
	run models MODELS=full; \
	run soak; \
	run lint ALL=1; \
	[ -z "$$failed" ] || { echo "nightly: failed:$$failed" >&2; exit 1; }

docs:
	@scripts/setup.sh build test
	cmake --preset dev
	cmake --build --preset dev -j$(JOBS) --target docs_test
	DOCS_REWRITE=1 build/dev/bin/docs_test --gtest_filter='ConfigurationDocument.*'

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
	@# The files changed last come first.
	@{ $(if $(ALL),printf '%s\n' $(filter %.cc,$(SOURCES)), \
	    git diff --name-only HEAD -- '*.cc'; git log --format= --name-only '$(BASE)..HEAD' -- '*.cc'); } | \
	    awk '!seen[$$0]++' | xargs -r ls -d 2>/dev/null | scripts/lint.sh $(JOBS) $(LINT_SECONDS)

# What is to be installed. BIN: a directory of programs that are built; by default they are built here.
BIN ?= build/release/bin
PREFIX ?= /usr
DESTDIR ?=
INSTALLED = $(DESTDIR)$(PREFIX)

ifeq ($(BIN),build/release/bin)
.PHONY: build/release/bin/convex-cluster-manager
endif
$(BIN)/convex-cluster-manager:
	@scripts/setup.sh build
	cmake --preset release -DCLUSTER_TESTS=OFF
	cmake --build --preset release -j$(JOBS) --target convex-cluster-manager convex-cluster-warden

# Starts and enables nothing. The units name the programs by PREFIX.
install: $(BIN)/convex-cluster-manager
	install -D -m 755 -t $(INSTALLED)/bin $(BIN)/convex-cluster-manager
	install -D -m 755 -t $(INSTALLED)/libexec/convex-cluster-manager $(BIN)/convex-cluster-warden
	install -d $(INSTALLED)/lib/systemd/system
	for unit in systemd/*.service; do \
	    sed 's|/usr/bin/convex-cluster-manager|$(PREFIX)/bin/convex-cluster-manager|' $$unit | \
	        install -m 644 /dev/stdin $(INSTALLED)/lib/systemd/system/$${unit##*/} || exit 1; \
	done
	install -D -m 644 -t $(INSTALLED)/share/man/man8 docs/man/convex-cluster-manager.8
	install -D -m 644 -t $(INSTALLED)/share/man/man5 docs/man/cluster.json.5
	install -D -m 644 -t $(INSTALLED)/share/doc/convex-cluster-manager systemd/cluster.json.example $(wildcard docs/*.md)
	install -D -m 644 -t $(INSTALLED)/share/doc/convex-cluster-manager/unprivileged systemd/unprivileged/*

clean:
	rm -rf build
