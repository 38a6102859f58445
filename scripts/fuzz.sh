#!/bin/sh
# fuzz.sh SECONDS [TARGET...]: feeds programs of C calls, and hostile children and hosts, to the library under
# libFuzzer and AddressSanitizer; the seconds are shared out among the targets of fuzz/, two of which run side by
# side. It starts from the committed corpus; what it finds goes to target/fuzz/.
# fuzz.sh --keep [TARGET...]: afterwards replaces the committed corpus by the smallest of both that covers as much.
# Needs a nightly toolchain, without one it is skipped.
set -eu
cd "$(dirname "$0")/.."

if ! version=$(rustc +nightly -vV 2>/dev/null); then
    echo "fuzz: SKIPPED, there is no nightly toolchain"
    exit 0
fi
host=$(printf '%s\n' "$version" | sed -n 's/^host: //p')
asked=${1:?seconds, or --keep}
shift
[ $# -gt 0 ] || set -- sequential concurrent hostile_child hostile_parent
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

if [ "$asked" = --keep ]; then
    for target; do
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

seconds=$((asked / $#)) executions=0 crashes=0 corpus=0 failed=0 running=0
[ "$seconds" -gt 0 ] || seconds=1
folder=$here/target/fuzz
# At the end of a program too: a thread that lives on may hold what looks lost.
export ASAN_OPTIONS="detect_leaks=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
for target; do
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
    # Two side by side: each has one thread that counts.
    running=$(((running + 1) % 2))
    [ "$running" = 1 ] || wait
done
wait
for target; do
    log=$folder/$target.log
    [ "$(cat "$folder/$target.status")" = 0 ] || failed=1
    ran=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    [ -n "$ran" ] || { ran=0; failed=1; tail -40 "$log"; }
    found=$(($(ls "$folder/crashes/$target" | wc -l) - $(cat "$folder/$target.before")))
    executions=$((executions + ran)) crashes=$((crashes + found))
    corpus=$((corpus + $(ls "$folder/corpus/$target" "$here/fuzz/corpus/$target" | grep -c '^[0-9a-f]\{40\}$' || true)))
    echo "fuzz: $target: $ran programs, $found crashes; see target/fuzz/$target.log"
done
echo "fuzz: $executions executions, $((seconds * $#)) seconds, corpus of $corpus, $crashes crashes"
exit $failed
