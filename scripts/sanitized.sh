# For asan.sh, tsan.sh and valgrind.sh, which read this file: shows that the checker sees what is
# planted in ctests/planted, and runs the C suite. They set `checker`, its name, the `folder` of the
# library, `compile` and `link`, and what runs a program, `runner`; a program of which there is a
# report ends with status 99.

# What the program and the checker say goes to a file.
planted() {
    program=target/planted/$checker/$1 log=target/planted/$checker/$1.log status=0
    mkdir -p "${program%/*}"
    # shellcheck disable=SC2086 # the flags are words
    ${CC:-cc} -std=c11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Werror -pthread $compile -Iinclude \
        -c "ctests/planted/$1.c" -o "$program.o"
    # shellcheck disable=SC2086
    ${CC:-cc} "$program.o" -pthread -L"$folder" -lcall $link -o "$program"
    # shellcheck disable=SC2086
    LD_LIBRARY_PATH="$folder" timeout 60 $runner "$program" >"$log" 2>&1 || status=$?
}

failed() {
    cat "$log"
    echo "$checker: $1 (status $status)"
    exit 1
}

# caught NAME WORDS: there is a report, and these words are in it.
caught() {
    planted "$1"
    [ "$status" -eq 99 ] && grep -q "$2" "$log" || failed "the error in $1 is not seen"
    echo "$checker: the error in $1 is seen"
}

# caught_in_child WORDS: the child process that makes the errors of in_child says so, with these words.
caught_in_child() {
    program=target/planted/$checker/in_child log=target/planted/$checker/in_child.log
    # shellcheck disable=SC2086 # the flags are words
    ${CC:-cc} -std=c11 -D_GNU_SOURCE -O1 -g -fPIC -Wall -Wextra -Werror -pthread $compile -Iinclude \
        -c ctests/planted/in_child.c -o "$program.o"
    # shellcheck disable=SC2086
    ${CC:-cc} "$program.o" -pthread -L"$folder" -lcall $link -o "$program"
    ${CC:-cc} -shared "$program.o" -L"$folder" -lcall -o "$program.so"
    status=0
    LD_LIBRARY_PATH="$folder" timeout 60 "$program" "isolated:$PWD/$program.so#Erring" >"$log" 2>&1 || status=$?
    [ "$status" -eq 0 ] && grep -q "$1" "$log" || failed "the error in a child is not seen"
    echo "$checker: the error in a child is seen"
}

# silent NAME: there is none.
silent() {
    planted "$1"
    [ "$status" -eq 0 ] && [ ! -s "$log" ] || failed "$1 is correct, and was to be silent"
    echo "$checker: $1 is silent"
}

# suite LIMIT NAMES...: these tests, or all, of the C suite or of SUITE, with a limit in seconds if none is set.
# A report counts also where it left its program a good status: as the program ended, or in a child. A child process
# has the checker that its call-host was built with; the modules take it from there.
suite() {
    suite=${SUITE:-ctests} limit=${LIMIT:-$1} reports=$PWD/target/planted/$checker/report status=0
    shift
    rm -f "$reports".*
    ASAN_OPTIONS="${ASAN_OPTIONS:-}:log_path=$reports" TSAN_OPTIONS="${TSAN_OPTIONS:-}:log_path=$reports" \
        make -C "$suite" test LIBDIR="$PWD/$folder" OUT="$PWD/target/$(basename "$suite")-$checker" LIMIT="$limit" MATRIX= \
        CFLAGS_EXTRA="$compile" LDFLAGS_EXTRA="$link" MODULE_LDFLAGS= ${*:+TESTS="$*"} || status=$?
    for report in "$reports".*; do
        [ ! -e "$report" ] || { cat "$report"; status=99; }
    done
    return "$status"
}
