#!/bin/sh
# call.h beside the headers of Windows (mingw-w64's) in either order; every code that they, or Wine's, and ours both
# know; every slot; compiled only. And the IIDs of Wine. TAP. INCDIR, LIBDIR and OUT as in the Makefile.
here=$(cd "$(dirname "$0")/.." && pwd) || exit 1
inc=${INCDIR:-$here/../../include} lib=${LIBDIR:-$here/../../target/release}
work=${OUT:-$here/../../target/com/own}/headers
wine=/usr/include/wine/wine/windows
number=0 failures=0
rm -rf "$work" && mkdir -p "$work" || exit 1
strict="-Wall -Wextra -Wpedantic -Wshadow -Wundef -Werror"

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

skip() {
    number=$((number + 1))
    echo "ok $number - $1 # SKIP $2 is not installed"
}

# The codes of Windows that our headers define, with their numbers.
for header in "$inc/call.h" "$here/include/call_com_types.h"; do
    sed -n 's,^#define \([A-Z_]*\) .*/\* 0x\([0-9A-F]\{8\}\) \*/.*,\1 \2,p' "$header"
done | grep -v '^CALL_' >"$work/codes"

# codes_of SYSTEM-HEADER FILE: what it knows by itself has our number. FILE says how many it knows.
codes_of() {
    echo "#include <stdint.h>"
    echo "#include <$1>"
    while read -r name hex; do
        printf '#ifdef %s\n#define KNOWN_%s 1\n' "$name" "$name"
        printf '_Static_assert((int32_t)(%s) == (int32_t)0x%su, "%s");\n#else\n#define KNOWN_%s 0\n#endif\n' \
            "$name" "$hex" "$name" "$name"
    done <"$work/codes"
    echo '#include <call_com_types.h>'
    while read -r name hex; do
        printf '_Static_assert((int32_t)(%s) == (int32_t)0x%su, "%s of ours");\n' "$name" "$hex" "$name"
    done <"$work/codes"
    for pair in MORE_DATA:ERROR_MORE_DATA DEADLOCK:ERROR_POSSIBLE_DEADLOCK TOO_BUSY:RPC_S_SERVER_TOO_BUSY; do
        printf '_Static_assert((int32_t)CALL_E_%s == (int32_t)(0x80070000u | %s), "%s");\n' \
            "${pair%%:*}" "${pair#*:}" "$pair"
    done
    printf '_Static_assert(0'
    while read -r name hex; do printf ' + KNOWN_%s' "$name"; done <"$work/codes"
    printf ' == EXPECTED, "how many it knows");\n'
}

for order in call.h:windows.h windows.h:call.h; do
    file=$(echo "$order" | tr ':.' '__')
    printf '#include <%s>\n#include <%s>\n#include <stddef.h>\n' "${order%%:*}" "${order#*:}" >"$work/$file.c"
    printf 'call_hresult_t of_both(HRESULT code);\ncall_hresult_t of_both(HRESULT code) { return code; }\n' \
        >>"$work/$file.c"
done

# The test of our IIDs with those of Wine's headers, which win over ours.
iids_of_wine() {
    echo '#include <objbase.h>' >"$work/iids.c"
    built=$work/..
    "${CC:-cc}" -std=gnu11 -DINITGUID -isystem "$wine" -c "$work/iids.c" -o "$work/iids.o" &&
        nm "$work/iids.o" | grep -q ' R IID_ISynchronizeContainer$' &&
        "${CXX:-c++}" -pthread "$work/iids.o" "$built/tests/com_iids.o" "$built/tests/support.o" "$built/../tap.o" \
            "$built/libcall_com.a" -L"$lib" -lcall -o "$work/iids" &&
        LD_LIBRARY_PATH="$lib" timeout 60 "$work/iids"
}

all=$(wc -l <"$work/codes")
codes_of objbase.h >"$work/codes.c"

# languages COMPILER LANGUAGE STANDARDS...
languages() {
    compiler=$1 language=$2
    shift 2
    if ! command -v "$compiler" >/dev/null; then
        skip "call.h beside <windows.h>, by $compiler" "$compiler"
        return
    fi
    for standard in "$@"; do
        for file in "$work"/*_h_*_h.c; do
            order=$(basename "$file" .c | sed 's/_h_/.h, then /; s/_h$/.h/')
            # shellcheck disable=SC2086 # the warnings are words
            check "$compiler -std=$standard: $order" "$compiler" -x "$language" -std="$standard" $strict \
                -I"$inc" -I"$here/include" -fsyntax-only "$file"
        done
    done
}

languages x86_64-w64-mingw32-gcc c c99
languages x86_64-w64-mingw32-g++ c++ c++17

# declared COMPILER WORDS...: the codes and the slots as this compiler's headers have them.
declared() {
    label=$1 expected=$2
    shift 2
    check "$label: each of our $all codes that it knows has our number; it knows $expected" \
        "$@" -std=gnu11 -DEXPECTED="$expected" -I"$inc" -I"$here/include" -fsyntax-only "$work/codes.c"
    check "$label: every slot, size and constant" \
        "$@" -std=gnu11 -include objbase.h -I"$inc" -I"$here/include" -fsyntax-only "$here/tests/slots.c"
}

check "our own declarations: every slot, size and constant" \
    "${CC:-cc}" -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$inc" -I"$here/include" -fsyntax-only "$here/tests/slots.c"
if command -v x86_64-w64-mingw32-gcc >/dev/null; then
    declared "mingw-w64" "$all" x86_64-w64-mingw32-gcc
else
    skip "codes and slots of mingw-w64" x86_64-w64-mingw32-gcc
fi
if [ -e "$wine/objbase.h" ]; then
    declared "Wine" "$all" "${CC:-cc}" -isystem "$wine"
    check "Wine: its IIDs, in place of ours" iids_of_wine
else
    skip "codes and slots of Wine" "$wine"
fi
echo "1..$number"
[ "$failures" -eq 0 ]
