#!/bin/sh
# Runs C tests (all, or those named) against a library built with AddressSanitizer.
# Rust's sanitizers need a nightly toolchain; without one the same runs under valgrind.
set -eu
cd "$(dirname "$0")/.."

if ! version=$(rustc +nightly -vV 2>/dev/null); then
    echo "asan: there is no nightly toolchain; under valgrind instead"
    exec scripts/valgrind.sh "$@"
fi
host=$(printf '%s\n' "$version" | sed -n 's/^host: //p')

RUSTFLAGS="-Zsanitizer=address -Cforce-frame-pointers=yes" \
    cargo +nightly build --locked --target "$host" --target-dir target/asan
folder=target/asan/$host/debug
ln -sfn libcall.so "$folder/libcall.so.$(cat abi/number)"
nm "$folder/libcall.so" | grep -q ' U __asan_report_load' || { echo "asan: the library was built without it"; exit 1; }

export ASAN_OPTIONS="abort_on_error=0:exitcode=99:detect_leaks=1${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
checker=asan runner='' compile="-fsanitize=address -fno-omit-frame-pointer" link="-fsanitize=address"
. scripts/sanitized.sh
caught late_read 'in read_late '
caught lost_memory 'in new_data '
silent control

suite 600 "$@"
