# make run    build and run the default comparison (ARGS="--guest 256G --repetitions 10" for another)
# make test   what CI runs: formatting, every test, the benchmarks' own checks
# Each installs what it needs first.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

# What is linked, by pkg-config name:Debian package; and programs the tests use.
LIBRARIES := numa:libnuma-dev papi:libpapi-dev
PROGRAMS := git:git pkg-config:pkg-config valgrind:valgrind

.PHONY: run test deps build lint unit benchmarks benchmark-checks sanitize clean

run: build
	.build/release/hintbench run $(ARGS)

build: deps
	swift build -c release --product hintbench

test: deps lint unit benchmark-checks

lint:
	swift format lint --strict --recursive Sources Tests Benchmarks/Benchmarks Benchmarks/Sources Package.swift Benchmarks/Package.swift

unit: deps
	swift test

# The measured paths allocate nothing, and walk as fast as C: see Benchmarks/README.md.
benchmark-checks: deps
	swift build -c release --package-path Benchmarks --product NoAllocations
	Benchmarks/.build/release/NoAllocations

benchmarks: deps
	swift package --package-path Benchmarks benchmark

# Every test under the thread sanitizer, then under the address sanitizer, each built apart. Fewer seeds: both are slow.
sanitize: deps
	HINTBENCH_SANITIZER=thread HINTBENCH_SEEDS=$${HINTBENCH_SEEDS:-60} swift test --sanitize=thread --scratch-path .build-tsan
	HINTBENCH_SANITIZER=address ASAN_OPTIONS=detect_leaks=0 HINTBENCH_SEEDS=$${HINTBENCH_SEEDS:-60} swift test --sanitize=address --scratch-path .build-asan

# Installs what is missing, and nothing where nothing is.
deps:
	@missing=(); \
	for pair in $(PROGRAMS); do command -v "$${pair%%:*}" >/dev/null || missing+=("$${pair##*:}"); done; \
	for pair in $(LIBRARIES); do pkg-config --exists "$${pair%%:*}" 2>/dev/null || missing+=("$${pair##*:}"); done; \
	if [ "$${#missing[@]}" -gt 0 ]; then \
	  echo "installing $${missing[*]}"; \
	  as_root=(); if [ "$$(id -u)" -ne 0 ]; then as_root=(sudo); fi; \
	  export DEBIAN_FRONTEND=noninteractive; \
	  "$${as_root[@]}" apt-get update -qq; \
	  "$${as_root[@]}" apt-get install -y -qq "$${missing[@]}" >/dev/null; \
	fi

clean:
	rm -rf .build .build-tsan .build-asan Benchmarks/.build
