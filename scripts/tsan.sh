#!/bin/sh
# Runs C tests (all, or those named) under ThreadSanitizer: the library by a nightly toolchain, the
# programs by the C compiler, and the toolchain's own runtime linked into each program, so that
# there is one. First it shows that the sanitizer sees: it names two planted races, and is silent
# where all is well. Skipped without a nightly toolchain.
set -eu
cd "$(dirname "$0")/.."

version=$(rustc +nightly -vV 2>/dev/null) || { echo "tsan: SKIPPED, there is no nightly toolchain"; exit 0; }
host=$(printf '%s\n' "$version" | sed -n 's/^host: //p')
runtime=$(rustc +nightly --print sysroot)/lib/rustlib/$host/lib/librustc-nightly_rt.tsan.a
[ -e "$runtime" ] || { echo "tsan: SKIPPED, the nightly toolchain has no ThreadSanitizer for $host"; exit 0; }

# The standard library is compiled without the sanitizer; src/sync/visible stands in for what it would misread.
RUSTFLAGS="--cfg call_tsan -Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer -Cforce-frame-pointers=yes" \
    cargo +nightly build --locked --lib --target "$host" --target-dir target/tsan
folder=target/tsan/$host/debug
ln -sfn libcall.so "$folder/libcall.so.0"

compile="-fsanitize=thread -fno-omit-frame-pointer"
link="-Wl,--whole-archive $runtime -Wl,--no-whole-archive -Wl,--export-dynamic -lpthread -ldl -lm -lrt -lresolv"
# die_after_fork: a forked child may start threads. A report ends nothing, but the program fails at its end.
export TSAN_OPTIONS="exitcode=66:die_after_fork=0:history_size=4${TSAN_OPTIONS:+:$TSAN_OPTIONS}"

# Runs ctests/tsan/NAME.c; what it and the sanitizer say goes to a file.
run() {
    program=target/ctests-tsan/shown/$1 log=target/ctests-tsan/shown/$1.log status=0
    mkdir -p "${program%/*}"
    # shellcheck disable=SC2086 # the flags are words
    ${CC:-cc} -std=c11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Werror $compile -Iinclude -c "ctests/tsan/$1.c" -o "$program.o"
    # shellcheck disable=SC2086
    ${CC:-cc} "$program.o" -L"$folder" -lcall $link -o "$program"
    LD_LIBRARY_PATH="$folder" timeout 60 "$program" >"$log" 2>&1 || status=$?
}

stop() {
    cat "$log"
    echo "tsan: $1"
    exit 1
}

# caught NAME WORDS: the sanitizer reports a race, and says WORDS of it.
caught() {
    run "$1"
    [ "$status" -eq 66 ] && grep -q "$2" "$log" || stop "the race of $1 is not seen (status $status)"
    echo "tsan: the race of $1 is seen"
}

silent() {
    run "$1"
    [ "$status" -eq 0 ] && [ ! -s "$log" ] || stop "$1 is correct, and was to be silent (status $status)"
    echo "tsan: $1 is silent"
}

caught race_beside "is global 'beside'"
caught race_inside "data race .* in count_without_a_lock"
silent control

# Everything is slower; a variable that is set counts.
export CALL_HANG_SECONDS=300 CALL_RACES="${CALL_RACES:-30000}" CALL_MILLION="${CALL_MILLION:-20000}" \
    CALL_ROUNDS="${CALL_ROUNDS:-500}"
make -C ctests test LIBDIR="../$folder" OUT=../target/ctests-tsan LIMIT=900 MATRIX= \
    CFLAGS_EXTRA="$compile" LDFLAGS_EXTRA="$link" ${*:+TESTS="$*"}
