#!/bin/sh
# Each header alone, and all of them in two files of one program. TAP. CXX, STD, FLAGS and OUT as the Makefile sets
# them.
set -u
number=0 failures=0
work=${OUT:?}/alone
mkdir -p "$work"

check() {
    name=$1 number=$((number + 1))
    shift
    if "$@" >"$work/log" 2>&1; then
        echo "ok $number - $name"
    else
        echo "not ok $number - $name"
        sed 's/^/#   /' "$work/log"
        failures=$((failures + 1))
    fi
}

# shellcheck disable=SC2086 # the flags are words
compile() {
    ${CXX:?} -std=${STD:?} $FLAGS "$@"
}

for header in include/call.hpp include/libcall/*.hpp; do
    printf '#include <%s>\n#include <%s>\n' "${header#include/}" "${header#include/}" >"$work/alone.cpp"
    check "${header#include/}, alone and twice" compile -fsyntax-only "$work/alone.cpp"
done
echo '#include <call.hpp>' >"$work/one.cpp"
cp "$work/one.cpp" "$work/two.cpp"
check "two files of one program" compile -r -nostdlib -o "$work/both.o" "$work/one.cpp" "$work/two.cpp"
echo "1..$number"
[ "$failures" -eq 0 ]
