#!/bin/sh
# What the compiler has to refuse, each beside the line that it takes. TAP. CXX, STD, FLAGS and OUT as the Makefile sets
# them.
set -u
number=0 failures=0
mkdir -p "${OUT:?}"

# compiles LINE: as the body of a function.
compiles() {
    cat >"$OUT/refused.cpp" <<END
#include <call.hpp>
#include <vector>
struct pair { int a, b; };
struct thing {
    pair good(libcall::context, pair p) { return p; }
    int number(libcall::context) { return 5; }
    void two(libcall::context, int, int) {}
};
void use(libcall::call &job, libcall::object &object, libcall::cancel_interface &cancel);
void use(libcall::call &job, libcall::object &object, libcall::cancel_interface &cancel)
{
    (void)job, (void)object, (void)cancel;
    $1
}
END
    # shellcheck disable=SC2086 # the flags are words
    ${CXX:?} -std=${STD:?} $FLAGS -Werror -fsyntax-only "$OUT/refused.cpp" >"$OUT/refused.log" 2>&1
}

report() {
    number=$((number + 1))
    echo "$1 $number - $2"
    [ "$1" = ok ] || { sed 's/^/#   /' "$OUT/refused.log"; failures=$((failures + 1)); }
}

# refused NAME WORDS GOOD BAD: the bad line does not compile, and the compiler says these words. All the good ones
# are compiled together at the end.
taken=
refused() {
    taken="$taken { $3 }"
    if compiles "$4"; then
        report "not ok" "$1: $4"
    elif grep -q "$2" "$OUT/refused.log"; then
        report ok "$1: $4"
    else
        report "not ok" "$1, for another reason: $4"
    fi
}

refused "an owner is not copied" "delete" "libcall::call other = std::move(job);" "libcall::call other = job;"
refused "a result is looked at" "nodiscard\|unused" "job.begin(0).value();" "job.begin(0);"
refused "an outcome is looked at" "nodiscard\|unused" "(void)job.finish().code();" "job.finish();"
refused "the grace of a cancel is in seconds" "cancel" "cancel.cancel(std::chrono::seconds(1));" \
    "cancel.cancel(std::chrono::milliseconds(1));"
refused "a pointer is no input" "nor a plain value" "int n = 1; job.begin(0, n).value();" \
    "int n = 1; job.begin(0, &n).value();"
refused "a list is no input" "nor a plain value" "job.begin(0, std::vector<int>{1}).value();" \
    "job.begin(0, std::vector<std::vector<int>>{}).value();"
refused "an output is a plain value" "plain value" "(void)job.finish<pair>().code();" \
    "(void)job.finish<int *>().code();"
refused "nor is it a view of something" "plain value" "(void)job.finish<std::array<int, 2>>().code();" \
    "(void)job.finish<std::string_view>().code();"
refused "a bare code is no number" "delete" "libcall::result<unsigned> r = libcall::hresult(E_FAIL); (void)r;" \
    "libcall::result<unsigned> r(E_FAIL); (void)r;"
refused "an int32_t may be a code" "return hresult for a code" "(void)libcall::run<&thing::good>;" \
    "auto row = &libcall::run<&thing::number>; row(nullptr, {}, {});"
refused "a method takes one input" "one plain value" "(void)libcall::run<&thing::good>;" \
    "auto row = &libcall::run<&thing::two>; row(nullptr, {}, {});"
refused "an object is no call" "call" "libcall::call_ref of = job; (void)of;" "libcall::call_ref of = object; (void)of;"
verdict=ok
compiles "$taken" || verdict="not ok"
report "$verdict" "the lines beside them compile"
echo "1..$number"
[ "$failures" -eq 0 ]
