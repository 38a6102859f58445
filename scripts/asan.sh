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
    cargo +nightly build --locked --lib --target "$host" --target-dir target/asan
# Who loads the library has to show it the sanitizer's functions.
RUSTFLAGS="-Zsanitizer=address -Cforce-frame-pointers=yes" \
    cargo +nightly rustc --locked --bin call-host --target "$host" --target-dir target/asan -- -Clink-arg=-Wl,--export-dynamic
folder=target/asan/$host/debug
ln -sfn libcall.so "$folder/libcall.so.$(cat abi/number)"
nm "$folder/libcall.so" | grep -q ' U __asan_report_load' || { echo "asan: the library was built without it"; exit 1; }

# What a test shares with a child lies on its stack.
export ASAN_OPTIONS="abort_on_error=0:exitcode=99:detect_leaks=1:detect_stack_use_after_return=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
checker=asan runner='' compile="-fsanitize=address -fno-omit-frame-pointer" link="-fsanitize=address"
. scripts/sanitized.sh
caught late_read 'in read_late '
caught lost_memory 'in new_data '
caught_in_child 'in read_in_child '
silent control

suite 600 "$@"
