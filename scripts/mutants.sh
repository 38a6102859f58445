#!/bin/sh
# scripts/mutants.sh [PART...]: changes one thing at a time in the state machines, the handles and the
# completion of calls, and sees whether a test fails; all parts, or those named. MUTANTS_FLAGS is
# handed to cargo-mutants (`--shard 0/8`). What survives and why it may, stands in .cargo/mutants.toml.
set -euf
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- state handle completion

VERSION=27.1.0
tool=target/tools/bin/cargo-mutants
if ! "$tool" mutants --version 2>/dev/null | grep -q " $VERSION\$"; then
    cargo install cargo-mutants --version "$VERSION" --locked --root target/tools --target-dir target/tools/build
fi
# The copies are made, and built, below target/.
mkdir -p target/mutants/copies
TMPDIR=$(pwd)/target/mutants/copies
CARGO_PROFILE_DEV_DEBUG=0
export TMPDIR CARGO_PROFILE_DEV_DEBUG

# mutants PART FILES TIMEOUT TARGET TEST...: the target of cargo's that is built, and what of it is run. A mutant
# that makes its test hang is a mutant that was noticed.
mutants() {
    part=$1 files=$(printf ' --file %s' $2) limit=$3 target=$(printf ' -C=%s' $4)
    shift 4
    status=0
    # shellcheck disable=SC2086 # they are words, and no pattern of the shell's
    "$tool" mutants $files --output "target/mutants/$part" --timeout "$limit" --no-shuffle --no-times \
        $target ${MUTANTS_FLAGS:-} -- "$@" || status=$?
    # 2: some survived; 3: some made their test hang, and maybe some survived.
    case $status in
        0 | 2 | 3) [ ! -s "target/mutants/$part/mutants.out/missed.txt" ] || failed="$failed $part" ;;
        *) exit "$status" ;;
    esac
}

failed=
for part in "$@"; do
    echo "== $part"
    case $part in
        state) mutants state "src/state/*.rs" 60 --lib state:: ;;
        handle) mutants handle "src/handle/*.rs" 60 --lib handle:: ;;
        completion) mutants completion "src/call/*.rs src/execution/{run,server,client,cancel,tell}.rs" 180 \
            "--test c_suite" -- --ignored ;;
        *) echo "there is no part '$part'" >&2; exit 1 ;;
    esac
done
[ -z "$failed" ] || { echo "mutants: some survived in:$failed" >&2; exit 1; }
