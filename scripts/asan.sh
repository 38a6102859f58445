#!/bin/sh
# Runs C tests (all, or those named) against a library built with AddressSanitizer.
# Rust's sanitizers need a nightly toolchain; without one the same runs under valgrind, or is skipped.
set -eu
cd "$(dirname "$0")/.."

if ! version=$(rustc +nightly -vV 2>/dev/null); then
    command -v valgrind >/dev/null || { echo "asan: SKIPPED, there is neither a nightly toolchain nor valgrind"; exit 0; }
    echo "asan: there is no nightly toolchain; under valgrind instead"
    export CALL_HANG_SECONDS=300 CALL_RACES="${CALL_RACES:-20000}" CALL_MILLION="${CALL_MILLION:-5000}"
    RUNNER="valgrind -q --fair-sched=try --leak-check=full --errors-for-leak-kinds=definite --error-exitcode=99" \
        exec make -C ctests test OUT=../target/ctests-valgrind LIMIT=900 MATRIX= ${*:+TESTS="$*"}
fi
host=$(printf '%s\n' "$version" | sed -n 's/^host: //p')

RUSTFLAGS="-Zsanitizer=address -Cforce-frame-pointers=yes" \
    cargo +nightly build --locked --lib --target "$host" --target-dir target/asan
folder=target/asan/$host/debug
ln -sfn libcall.so "$folder/libcall.so.0"

# An error ends the program, and prove counts it as failed.
ASAN_OPTIONS="abort_on_error=0:exitcode=99:detect_leaks=1${ASAN_OPTIONS:+:$ASAN_OPTIONS}" \
    make -C ctests test LIBDIR="../$folder" OUT=../target/ctests-asan LIMIT=600 MATRIX= \
    CFLAGS_EXTRA="-fsanitize=address -fno-omit-frame-pointer" LDFLAGS_EXTRA="-fsanitize=address" ${*:+TESTS="$*"}
