# The whole project through one door, for GNU make. `make help` lists the targets.

CARGO   ?= cargo
PYTHON  ?= python3
# The long runs: seconds of each storm, how many races, calls at random distances whose objects and
# buffers are counted, calls to children that are killed, seconds of the fuzzers of C calls together and of each hostile
# one; and how many run side by side.
SOAK_STORM ?= 600
SOAK_RACES ?= 10000000
SOAK_MILLION ?= 1000000
SOAK_KILLS ?= 10000
SOAK_FUZZ ?= 3600
SOAK_HOSTILE ?= 600
SOAK_JOBS ?= 2
# Seconds that the fuzz targets share.
FUZZ_SECONDS ?= 60
# What `make mutants` changes: state, handle, completion; all if empty. And how: scripts/mutants.py --help.
MUTANTS ?=
MUTANTS_FLAGS ?=
# Seconds of each storm under a sanitizer in `make test`.
TEST_STORM ?= 5

# Always the project's own folder: the other Makefiles find the library there.
BUILD   := $(CARGO) build --release --locked --target-dir target
RELEASE := target/release
# The number in the soname.
ABI     := $(shell cat abi/number)
# The models are a program of their own.
LOOM    := RUSTFLAGS="--cfg loom"
IN_LOOM := --locked --manifest-path loom/Cargo.toml --target-dir target/loom
SCRIPTS := layers doors unsafe exports abi rule_ids conformance quick_start
# Where make install puts things; DESTDIR comes before each of them.
PREFIX     ?= /usr/local
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR     ?= $(PREFIX)/share/man
DOCDIR     ?= $(PREFIX)/share/doc/libcall
PLACES      = '$(DESTDIR)' '$(PREFIX)' '$(LIBDIR)' '$(INCLUDEDIR)' '$(MANDIR)' '$(DOCDIR)'

.DEFAULT_GOAL := lib
.NOTPARALLEL:
.PHONY: help lib header run suite test check checks loom conformance demands mutants python python-wheel quick-start bench bench-isolated bench-pictures instructions instructions-record asan tsan valgrind fuzz soak clean setup-%

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

lib: ## builds the library: target/release/libcall.so and libcall.a (the default)
	$(BUILD)
	@ln -sfn libcall.so $(RELEASE)/libcall.so.$(ABI)
	@$(PYTHON) scripts/check_header.py

header: ## writes include/call.h anew from the comments of src/ffi
	$(PYTHON) scripts/check_header.py --write

.PHONY: abi package install uninstall docs packages deb cinstall
abi: lib ## records what is new in the binary interface; a break only with another number in abi/number
	$(PYTHON) scripts/check_abi.py --write

package: lib ## makes what is installed: the library with symbol versions, the archive, the man pages
	scripts/package.sh
	@$(PYTHON) scripts/man.py

# Without cargo, as under sudo, what was made before is installed.
install: ## installs it (DESTDIR, PREFIX, LIBDIR, INCLUDEDIR, MANDIR, DOCDIR)
	@! command -v $(CARGO) >/dev/null || $(MAKE) --no-print-directory package
	@$(PYTHON) scripts/install.py install $(PLACES)

uninstall: ## takes away what make install puts there
	@$(PYTHON) scripts/install.py uninstall $(PLACES)

docs: setup-docs ## man pages in target/man, and a site of docs/ and the header in target/site
	@scripts/docs.sh

packages: setup-test package ## builds programs with what is installed, by pkg-config and CMake, from a folder and from the .deb
	scripts/packages.sh

deb: setup-deb package ## Debian packages of it, in target/deb
	mkdir -p target/deb
	rm -f target/deb/*.deb
	DEB_OUT=target/deb debian/rules binary

# The tool takes long to build, so make test leaves this out.
cinstall: lib ## installs with cargo-c too, which must be there, and compares the trees
	scripts/cargo_c.sh

run: setup-run lib ## builds the library and runs the main example
	$(MAKE) -C examples run

# What was printed is kept, for the conformance page.
suite: setup-test lib
	{ $(CARGO) test --locked --target-dir target; echo "# ended with $$?"; } | tee target/rust.log
	@tail -n 1 target/rust.log | grep -qx '# ended with 0'
	$(MAKE) -C ctests test
	$(MAKE) -C bindings/com test

test: suite ## every test: Rust, the C suite, the examples, Python, the scripts, the models, a little under each sanitizer
	$(MAKE) -C examples check
	$(MAKE) -C bindings/cpp check
	$(MAKE) -C bindings/python check
	@$(MAKE) --no-print-directory checks
	@$(MAKE) --no-print-directory instructions
	$(MAKE) loom
	$(MAKE) packages
	@scripts/docs.sh
	CALL_STORM_SECONDS=$(TEST_STORM) scripts/asan.sh storm isolated distances
	CALL_STORM_SECONDS=$(TEST_STORM) CALL_RACES=10000 CALL_MILLION=5000 CALL_LANE_ROUNDS=300 scripts/tsan.sh storm race million nested isolated isolated_lane distances
	SUITE=bindings/cpp CALL_RACES=1000 scripts/tsan.sh await stop

checks: $(SCRIPTS:%=checked-%)

checked-%:
	@$(PYTHON) scripts/check_$*.py

# Each model takes seconds; one that does not end is a model that failed.
loom: setup-test ## models of the races, on the library's own source: every outcome that each may come to
	$(LOOM) $(CARGO) build --release $(IN_LOOM)
	timeout 600 target/loom/release/libcall-loom

check: setup-test ## format, lints, documentation, and every test
	$(CARGO) fmt --check
	$(CARGO) fmt --check --manifest-path fuzz/Cargo.toml
	$(CARGO) fmt --check --manifest-path loom/Cargo.toml
	$(CARGO) fmt --check --manifest-path benches/peers-rust/Cargo.toml
	$(CARGO) clippy --locked --target-dir target --all-targets -- -D warnings
	$(LOOM) $(CARGO) clippy --release $(IN_LOOM) -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --target-dir target --no-deps --document-private-items
	$(MAKE) test

conformance: suite ## writes docs/conformance.md: which test showed which rule, at which distance
	@$(PYTHON) scripts/check_conformance.py --write

mutants: setup-test ## changes one thing at a time in the source, and sees whether a test fails; takes long
	scripts/mutants.py $(MUTANTS_FLAGS) $(MUTANTS)

demands: setup-test lib ## runs the tests that show what users ask for, and writes docs/demands.md
	$(MAKE) -C ctests build
	$(MAKE) -C examples build
	@CARGO="$(CARGO)" $(PYTHON) scripts/demands.py

python: setup-test lib ## the Python package: types, tests, the wheel in an empty environment
	$(MAKE) -C bindings/python check

python-wheel: setup-test lib ## target/python/wheel: a wheel with the library in it
	$(MAKE) -C bindings/python wheel

quick-start: setup-test ## from a fresh clone to a canceled call, in C, C++ and Python
	@$(PYTHON) scripts/check_quick_start.py --clone

bench: setup-bench lib ## measures, beside limits and peers of the same run; BENCH_QUICK=1: a short look
	$(MAKE) -C benches run BENCH_QUICK=$(BENCH_QUICK)
	$(MAKE) -C benches/isolated run BENCH_QUICK=$(BENCH_QUICK)

bench-isolated: setup-bench lib ## the second part of it alone: calls to child processes
	$(MAKE) -C benches/isolated run BENCH_QUICK=$(BENCH_QUICK)

bench-pictures: ## draws the last make bench, and writes its figures into docs/PERFORMANCE.md; they are of this machine
	@$(PYTHON) scripts/bench_pictures.py
	@$(PYTHON) scripts/bench_page.py

instructions: setup-test lib ## instructions of each step of a call, under callgrind; fails 5 % beyond what is recorded
	@[ ! -e /usr/include/valgrind/callgrind.h ] || $(MAKE) -s -C benches instructions
	@$(PYTHON) scripts/instructions.py

instructions-record: setup-test lib ## writes down what make instructions counts now
	$(MAKE) -s -C benches instructions
	@$(PYTHON) scripts/instructions.py --record

asan: setup-test ## the C suite under AddressSanitizer (under valgrind without a nightly toolchain)
	scripts/asan.sh

fuzz: setup-test ## random programs of C calls against a model, hostile children and hosts (skipped without a nightly toolchain)
	scripts/fuzz.sh $(FUZZ_SECONDS)

tsan: setup-test ## the C suite under ThreadSanitizer (skipped without a nightly toolchain)
	scripts/tsan.sh

valgrind: setup-test ## the C suite under valgrind's memcheck
	scripts/valgrind.sh

soak: setup-test lib ## the long runs: storms, races, calls, fuzzers; one table at the end
	$(PYTHON) scripts/soak.py --storm $(SOAK_STORM) --races $(SOAK_RACES) --million $(SOAK_MILLION) --kills $(SOAK_KILLS) \
	    --fuzz $(SOAK_FUZZ) --hostile $(SOAK_HOSTILE) --jobs $(SOAK_JOBS)

clean: ## removes everything that was built
	$(CARGO) clean --target-dir target

setup-%:
	@scripts/setup.sh $*
