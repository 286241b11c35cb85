# make run    build and run the default comparison (ARGS="--guest 256G --repetitions 10" for another)
# make test   what CI runs: formatting, every test, real guests in QEMU, the benchmarks' own checks
# Each installs what it needs first.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

# What is linked (libxml2 by the tests alone), by pkg-config name:Debian package; and programs that hintbench starts.
LIBRARIES := numa:libnuma-dev papi:libpapi-dev sqlite3:libsqlite3-dev libxml-2.0:libxml2-dev
PROGRAMS := git:git pkg-config:pkg-config valgrind:valgrind gnuplot:gnuplot-nox setpriv:util-linux
# What the tests use besides: a browser, which looks at reports.
TEST_PROGRAMS := chromium:chromium
# What test-guest needs besides: programs, and files.
GUEST_PROGRAMS := qemu-system-x86_64:qemu-system-x86 cpio:cpio make:make gcc:gcc
GUEST_FILES := /usr/include/perfmon/pfmlib.h:libpfm4-dev
# What prove needs besides.
PROOF_PROGRAMS := python3:python3

AS_ROOT := $(if $(filter 0,$(shell id -u)),,sudo)

.PHONY: run test deps test-deps guest-deps proof-deps build static lint unit test-guest benchmarks benchmark-checks \
  benchmark-thresholds benchmark-thresholds-update prove sanitize clean

run: build
	.build/release/hintbench run $(ARGS)

# More jobs than CPUs: modules that many wait for (GuestMemory, Hinting, Bench) mustn't wait for those that nothing waits for.
jobs := -j $$(($$(nproc) + 2))

# Debug information takes a tenth of the compiler's time; names of functions, which profilers show, stay without it.
build: deps
	swift build -c release --product hintbench -debug-info-format none $(jobs)

test: deps lint unit test-guest benchmark-checks

lint:
	swift format lint --strict --recursive Sources Tests Benchmarks/Benchmarks Benchmarks/Sources Package.swift Benchmarks/Package.swift

unit: test-deps .build-python/bin/otava
	swift build --build-tests $(jobs)
	HINTBENCH_OTAVA=$(CURDIR)/.build-python/bin/otava swift test --skip-build 2>&1 | tee .build/unit.log || \
	  { echo "what failed:"; grep -e '✘' .build/unit.log; exit 1; }

# Apache Otava, which finds change points in what `history export --otava` writes. pip needs what Debian keeps apart.
.build-python/bin/otava:
	@if ! python3 -c 'import ensurepip' 2>/dev/null; then \
	  echo "installing python3-venv"; \
	  $(AS_ROOT) apt-get update -qq; \
	  $(AS_ROOT) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >/dev/null; \
	fi
	@echo "fetching Apache Otava"; \
	rm -rf .build-python; \
	python3 -m venv .build-python; \
	.build-python/bin/pip install --quiet --disable-pip-version-check apache-otava==0.8.0

# Boots Debian's kernel with 2 and 4 NUMA nodes in QEMU and runs hintbench there; fails where it can't.
test-guest: guest-deps static .build-guest/vmlinuz .build-guest/busybox .build-guest/kernels/ready
	HINTBENCH_REQUIRE_GUEST=1 HINTBENCH_KERNELS=$(CURDIR)/.build-guest/kernels HINTBENCH_GUEST_KERNEL=$(CURDIR)/.build-guest/vmlinuz \
	  HINTBENCH_GUEST_BUSYBOX=$(CURDIR)/.build-guest/busybox \
	  HINTBENCH_STATIC_BINARY=$(CURDIR)/.build-static/release/hintbench swift test --filter LinuxGuestTests

# One file that needs nothing around it, for a guest that has nothing. libpapi.a leaves libpfm to whoever links it; lld
# because it doesn't care for the order of the two, and doesn't warn of dlopen and getaddrinfo in them.
static: guest-deps
	$(static_build) --product hintbench

static_build := swift build -c release $(jobs) -debug-info-format none --scratch-path .build-static --static-swift-stdlib \
  -Xswiftc -static-executable -Xswiftc -use-ld=lld -Xlinker -s -Xlinker -lpfm

.build-guest/vmlinuz:
	$(call unpack,$$(apt-cache depends linux-image-amd64 | awk '$$1 == "Depends:" { print $$2; exit }'),./boot/vmlinuz-*)

.build-guest/busybox:
	$(call unpack,busybox-static,./*bin/busybox)

# Debian's kernel for virtual machines, and the probe built against its headers.
.build-guest/kernels/ready: $(wildcard Sources/KernelProbe/*) | static
	$(AS_ROOT) apt-get update -qq
	.build-static/release/hintbench kernel build --qemu --work $(@D)
	touch $@

# The target is a file of a Debian package, which is not installed: the package, and the file's path in it.
define unpack
	@echo "fetching $@"; \
	mkdir -p $(@D); cd $(@D); \
	$(AS_ROOT) apt-get update -qq; \
	package=$(1); \
	apt-get download -qq -o APT::Sandbox::User=root "$$package"; \
	dpkg-deb --fsys-tarfile "$$package"_*.deb | tar -x --to-stdout --wildcards '$(2)' >$(@F).new; \
	rm "$$package"_*.deb; \
	test -s $(@F).new; \
	chmod +x $(@F).new; \
	mv $(@F).new $(@F)
endef

# Checks that the measured paths don't allocate, and that the check itself detects an allocation: see Benchmarks/README.md.
# Built like hintbench for the guests, whose modules it takes. Its malloc() comes before that of the same name in libc.a.
benchmark-checks: guest-deps
	$(static_build) --product NoAllocations -Xlinker --allow-multiple-definition
	.build-static/release/NoAllocations
	.build-static/release/NoAllocations --self-test

# Instructions, kicks, holds and allocator calls of every benchmark against Benchmarks/Thresholds; ARGS="--target ZoneLock" for one.
benchmark-thresholds: deps
	Benchmarks/thresholds.sh check $(ARGS)

benchmark-thresholds-update: deps
	Benchmarks/thresholds.sh update $(ARGS)

benchmarks: deps
	swift package --package-path Benchmarks benchmark

# Checks that `run --against` detects an injected slowdown and reports none if there is none. PROOF="--comparisons 100" for
# all of it; the result goes to .build-proof, where the slowed build stays for the next time. It resumes if interrupted;
# remove .build-proof/result to start over.
prove: proof-deps
	Scripts/prove-comparisons --work .build-proof $(PROOF) .build-proof/result

# Every test under the thread sanitizer, then under the address sanitizer, each built apart. Fewer seeds: both are slow.
sanitize: test-deps
	HINTBENCH_SANITIZER=thread HINTBENCH_SEEDS=$${HINTBENCH_SEEDS:-60} swift test --sanitize=thread --scratch-path .build-tsan
	HINTBENCH_SANITIZER=address ASAN_OPTIONS=detect_leaks=0 HINTBENCH_SEEDS=$${HINTBENCH_SEEDS:-60} swift test --sanitize=address --scratch-path .build-asan

deps:
	$(call install,$(PROGRAMS),$(LIBRARIES),)

test-deps: deps
	$(call install,$(TEST_PROGRAMS),,)

proof-deps: deps
	$(call install,$(PROOF_PROGRAMS),,)

guest-deps: deps
	$(call install,$(GUEST_PROGRAMS),,$(GUEST_FILES))

# Installs what is missing of programs, libraries and files, and nothing where nothing is.
define install
	@missing=(); \
	for pair in $(1); do command -v "$${pair%%:*}" >/dev/null || missing+=("$${pair##*:}"); done; \
	for pair in $(2); do pkg-config --exists "$${pair%%:*}" 2>/dev/null || missing+=("$${pair##*:}"); done; \
	for pair in $(3); do test -e "$${pair%%:*}" || missing+=("$${pair##*:}"); done; \
	if [ "$${#missing[@]}" -gt 0 ]; then \
	  echo "installing $${missing[*]}"; \
	  $(AS_ROOT) apt-get update -qq; \
	  $(AS_ROOT) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$${missing[@]}" >/dev/null; \
	fi
endef

clean:
	rm -rf .build .build-times .build-tsan .build-asan .build-static .build-guest .build-proof .build-python \
	  Benchmarks/.build Benchmarks/.benchmarkBaselines
