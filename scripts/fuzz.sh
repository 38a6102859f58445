#!/bin/sh
# fuzz.sh SECONDS: feeds programs of C calls to the library under libFuzzer and AddressSanitizer, shared
# out among the targets of fuzz/. It starts from the committed corpus; what it finds goes to target/fuzz/.
# fuzz.sh --keep: afterwards replaces the committed corpus by the smallest of both that covers as much.
# Needs a nightly toolchain, without one it is skipped.
set -eu
cd "$(dirname "$0")/.."

if ! version=$(rustc +nightly -vV 2>/dev/null); then
    echo "fuzz: SKIPPED, there is no nightly toolchain"
    exit 0
fi
host=$(printf '%s\n' "$version" | sed -n 's/^host: //p')
targets="sequential concurrent"
here=$(pwd)
# A program's longest: 80 steps of four bytes, and four before them. Leaks are the C suite's to find, and
# the programs count what is freed: a thread of the library that is about to start or to end between two
# programs holds memory that looks lost.
limits="-detect_leaks=0 -max_len=324 -len_control=0 -rss_limit_mb=3000 -timeout=200 -verbosity=0 -print_final_stats=1 -close_fd_mask=0"

# The flags with which libFuzzer sees which code ran.
RUSTFLAGS="-Zsanitizer=address -Cforce-frame-pointers=yes -Cpasses=sancov-module \
-Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
-Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares" \
    cargo +nightly build --release --locked --manifest-path fuzz/Cargo.toml --target "$host" --target-dir target/fuzz

if [ "${1:?seconds, or --keep}" = --keep ]; then
    for target in $targets; do
        kept=target/fuzz/kept/$target
        rm -rf "$kept" && mkdir -p "$kept" "target/fuzz/corpus/$target"
        "target/fuzz/$host/release/$target" -set_cover_merge=1 -max_len=324 -verbosity=0 \
            "$kept" "fuzz/corpus/$target" "target/fuzz/corpus/$target"
        rm -f "fuzz/corpus/$target/"*
        # At most 150 of each target, of all lengths.
        count=$(ls "$kept" | wc -l)
        ls -Sr "$kept" | awk -v step="$(((count + 149) / 150))" 'NR % step == 0' |
            while read -r file; do cp "$kept/$file" "fuzz/corpus/$target/"; done
        echo "fuzz: $(ls "fuzz/corpus/$target" | wc -l) programs kept for $target"
    done
    exit 0
fi

seconds=$(($1 / 2)) executions=0 crashes=0 corpus=0 failed=0
[ "$seconds" -gt 0 ] || seconds=1
folder=$here/target/fuzz
# Side by side: each has one thread that counts.
for target in $targets; do
    mkdir -p "$folder/corpus/$target" "$folder/crashes/$target"
    ls "$folder/crashes/$target" | wc -l >"$folder/$target.before"
    {
        status=0
        # shellcheck disable=SC2086 # the limits are words
        "$folder/$host/release/$target" $limits -max_total_time="$seconds" \
            -artifact_prefix="$folder/crashes/$target/" "$folder/corpus/$target" "$here/fuzz/corpus/$target" \
            >"$folder/$target.log" 2>&1 || status=$?
        echo "$status" >"$folder/$target.status"
    } &
done
wait
for target in $targets; do
    log=$folder/$target.log
    [ "$(cat "$folder/$target.status")" = 0 ] || failed=1
    ran=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    [ -n "$ran" ] || { ran=0; failed=1; tail -40 "$log"; }
    found=$(($(ls "$folder/crashes/$target" | wc -l) - $(cat "$folder/$target.before")))
    executions=$((executions + ran)) crashes=$((crashes + found))
    corpus=$((corpus + $(ls "$folder/corpus/$target" "$here/fuzz/corpus/$target" | grep -c '^[0-9a-f]\{40\}$' || true)))
    echo "fuzz: $target: $ran programs, $found crashes; see target/fuzz/$target.log"
done
echo "fuzz: $executions executions, $((seconds * 2)) seconds, corpus of $corpus, $crashes crashes"
exit $failed
