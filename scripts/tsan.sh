#!/bin/sh
# Runs C tests (all, or those named) under ThreadSanitizer: the library by a nightly toolchain, the
# programs by the C compiler, and the toolchain's own runtime linked into each program, so that
# there is one. There is no suppression. Skipped without a nightly toolchain.
set -eu
cd "$(dirname "$0")/.."

version=$(rustc +nightly -vV 2>/dev/null) || { echo "tsan: SKIPPED, there is no nightly toolchain"; exit 0; }
host=$(printf '%s\n' "$version" | sed -n 's/^host: //p')
runtime=$(rustc +nightly --print sysroot)/lib/rustlib/$host/lib/librustc-nightly_rt.tsan.a
[ -e "$runtime" ] || { echo "tsan: SKIPPED, the nightly toolchain has no ThreadSanitizer for $host"; exit 0; }

# The standard library is compiled without the sanitizer; src/sync/visible stands in for what it would misread.
RUSTFLAGS="--cfg call_tsan -Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer -Cforce-frame-pointers=yes" \
    cargo +nightly build --locked --lib --target "$host" --target-dir target/tsan
# Who loads the library has to show it the sanitizer's functions.
RUSTFLAGS="--cfg call_tsan -Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer -Cforce-frame-pointers=yes" \
    cargo +nightly rustc --locked --bin call-host --target "$host" --target-dir target/tsan -- -Clink-arg=-Wl,--export-dynamic
folder=target/tsan/$host/debug
ln -sfn libcall.so "$folder/libcall.so.$(cat abi/number)"

# A forked child may start threads. A report ends nothing, but the program fails at its end.
export TSAN_OPTIONS="exitcode=99:die_after_fork=0:history_size=4${TSAN_OPTIONS:+:$TSAN_OPTIONS}"
checker=tsan runner='' compile="-fsanitize=thread -fno-omit-frame-pointer"
link="-Wl,--whole-archive $runtime -Wl,--no-whole-archive -Wl,--export-dynamic -ldl -lm -lrt -lresolv"
. scripts/sanitized.sh
caught race_beside "is global 'beside'"
caught race_inside '#[0-9]* count_without_a_lock '
caught_in_child '#[0-9]* count_in_child '
silent control

# Everything is slower; a variable that is set counts.
export CALL_HANG_SECONDS=300 CALL_RACES="${CALL_RACES:-30000}" CALL_MILLION="${CALL_MILLION:-20000}" \
    CALL_ROUNDS="${CALL_ROUNDS:-500}"
suite 900 "$@"
