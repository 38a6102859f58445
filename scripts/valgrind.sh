#!/bin/sh
# Runs C tests (all, or those named) under valgrind's memcheck. There is no suppression: what the
# library keeps for good (slots, tables) is reachable at the end, and no leak. The child of a fork is
# not looked at: what it forgets on purpose is lost there. (The sanitizers do look at it.)
set -eu
cd "$(dirname "$0")/.."

command -v valgrind >/dev/null || { echo "valgrind: SKIPPED, it is not installed"; exit 0; }
cargo build --release --locked --target-dir target
folder=target/release
ln -sfn libcall.so "$folder/libcall.so.$(cat abi/number)"

checker=valgrind compile='' link=''
runner="valgrind -q --fair-sched=try --child-silent-after-fork=yes --error-exitcode=99 --leak-check=full
 --show-leak-kinds=definite --errors-for-leak-kinds=definite"
. scripts/sanitized.sh
caught late_read 'read_late (late_read.c'
caught lost_memory 'new_data (lost_memory.c'
silent control

# One thread at a time runs, and slowly; a variable that is set counts.
export CALL_HANG_SECONDS=300 CALL_RACES="${CALL_RACES:-10000}" CALL_MILLION="${CALL_MILLION:-5000}" \
    CALL_ROUNDS="${CALL_ROUNDS:-100}" CALL_STORM_SECONDS="${CALL_STORM_SECONDS:-20}" \
    CALL_OBJECTS="${CALL_OBJECTS:-500}" CALL_LANE_ROUNDS="${CALL_LANE_ROUNDS:-300}"
RUNNER=$(echo $runner)
export RUNNER
suite 900 "$@"
