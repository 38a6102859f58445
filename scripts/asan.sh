#!/bin/sh
# Runs C tests (all, or those named) against a library built with AddressSanitizer.
# Rust's sanitizers need a nightly toolchain; without one this says so and is no failure.
set -eu
cd "$(dirname "$0")/.."

if ! version=$(rustc +nightly -vV 2>/dev/null); then
    echo "asan: SKIPPED, there is no nightly toolchain"
    exit 0
fi
host=$(printf '%s\n' "$version" | sed -n 's/^host: //p')

RUSTFLAGS="-Zsanitizer=address -Cforce-frame-pointers=yes" \
    cargo +nightly build --locked --lib --target "$host" --target-dir target/asan
folder=target/asan/$host/debug
ln -sfn libcall.so "$folder/libcall.so.0"

# An error ends the program, and prove counts it as failed.
ASAN_OPTIONS="abort_on_error=0:exitcode=99:detect_leaks=1${ASAN_OPTIONS:+:$ASAN_OPTIONS}" \
    make -C ctests test LIBDIR="../$folder" OUT=../target/ctests-asan LIMIT=600 MATRIX= \
    CFLAGS_EXTRA="-fsanitize=address -fno-omit-frame-pointer" ${*:+TESTS="$*"}
