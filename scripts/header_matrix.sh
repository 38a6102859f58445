#!/bin/sh
# Compiles call.h alone, twice in a file, in two files of one program, and all it defines, in every
# C and C++ standard that each installed compiler knows, with warnings as errors; runs the program.
# TAP. INCDIR, LIBDIR and OUT as in ctests/Makefile.
root=$(cd "$(dirname "$0")/.." && pwd) || exit 1
inc=${INCDIR:-$root/include} lib=${LIBDIR:-$root/target/release}
work=${OUT:-$root/target/ctests}/header
src=$root/ctests
mkdir -p "$work" || exit 1
number=0 failures=0

both="-O2 -Wall -Wextra -Wpedantic -pedantic-errors -Wconversion -Wsign-conversion -Wshadow -Wundef
 -Wcast-qual -Wcast-align -Wformat=2 -Wredundant-decls -Wdouble-promotion -Wwrite-strings -Werror"
only_c="-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wbad-function-cast
 -Wnested-externs -Wc++-compat"
only_cxx="-Wold-style-cast -Wextra-semi -Wnon-virtual-dtor"

# check NAME COMMAND...: one line of TAP; what a failed command said goes below it.
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

# Each pair of kinds is an error, and nothing else is.
distinct() {
    case $1 in clang*) set -- "$@" -ferror-limit=0 ;; esac
    "$@" -c -o "$work/kinds.o" "$work/kinds.c" 2>"$work/errors"
    errors=$(grep -c 'error:' "$work/errors")
    echo "$errors errors, expected $(cat "$work/kinds.count"):"
    cat "$work/errors"
    [ "$errors" -eq "$(cat "$work/kinds.count")" ] && [ "$errors" -gt 0 ]
}

program() {
    "$@" -o "$work/program" "$src/header_one.c" "$src/header_two.c" "$src/header_binding.c" \
        -L"$lib" -lcall && LD_LIBRARY_PATH="$lib" timeout 60 "$work/program"
}

# standard COMPILER LANGUAGE STANDARD WARNINGS
standard() {
    language=$2 label="$1 -std=$3"
    # shellcheck disable=SC2086 # the warnings are words
    set -- "$1" -std="$3" -x "$2" $both $4 -I"$inc" -I"$src"
    check "$label: the header alone, included twice" "$@" -c -o "$work/alone.o" "$src/header_alone.c"
    check "$label: every macro in an expression, every integer in #if" "$@" -c -o "$work/macros.o" "$work/macros.c"
    check "$label: every handle has the size and the alignment of uint64_t" "$@" -c -o "$work/layout.o" "$work/layout.c"
    check "$label: no handle is taken for one of another kind" distinct "$@"
    check "$label: three files in one program, with handles as uint64_t in one" program "$@"
}

# languages COMPILER LANGUAGE WARNINGS STANDARDS...
languages() {
    compiler=$1 language=$2 warnings=$3 known=0
    shift 3
    if ! command -v "$compiler" >/dev/null; then
        number=$((number + 1))
        echo "ok $number - $compiler # SKIP not installed"
        return
    fi
    for standard in "$@"; do
        echo 'int x;' | "$compiler" -std="$standard" -x "$language" -fsyntax-only - 2>/dev/null || continue
        known=$((known + 1))
        standard "$compiler" "$language" "$standard" "$warnings"
    done
    check "$compiler knows $known of the standards $*" test "$known" -gt 2
}

sh "$root/scripts/header_sources.sh" "$inc/call.h" "$work" || exit 1
languages gcc c "$only_c" c99 c11 c17 c2x c23
languages clang c "$only_c" c99 c11 c17 c2x c23
# Some versions of clang take NULL itself for a zero.
languages g++ c++ "$only_cxx -Wzero-as-null-pointer-constant -Wuseless-cast" c++11 c++14 c++17 c++20 c++23
languages clang++ c++ "$only_cxx" c++11 c++14 c++17 c++20 c++23
echo "1..$number"
[ "$failures" -eq 0 ]
