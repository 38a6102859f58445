#!/bin/sh
# Runs the example's client, in C++ and in C: one run completes, one is canceled. TAP. OUT as in the Makefile.
number=0 failures=0

# runs NAME STATUS PATTERN COMMAND...
runs() {
    name=$1 expected=$2 pattern=$3 number=$((number + 1))
    shift 3
    said=$(timeout 60 "$@" 2>&1)
    status=$?
    if [ "$status" -eq "$expected" ] && echo "$said" | grep -Eq "^($pattern)\$"; then
        echo "ok $number - $name"
    else
        echo "not ok $number - $name"
        echo "#   status $status: $said"
        failures=$((failures + 1))
    fi
}

for client in client client_in_c; do
    runs "$client completes" 0 'S_OK: 168 primes' "$OUT/$client" 1000 20000
    runs "$client cancels: QueryInterface, Cancel, Release, Finish_" 1 'RPC_E_CALL_CANCELED: [0-9]+ primes' \
        "$OUT/$client" 1000000000 50
done
# The library of the other declarations lacks what the server asks for.
for other in "$OUT"/../own "$OUT"/../wine; do
    [ -e "$other/libcall_com.a" ] && ! [ "$other" -ef "$OUT" ] || continue
    runs "a program does not link the library made with other declarations (${other##*/})" 1 \
        '.*undefined reference to .call_com_export.*' \
        sh -c '"${CXX:-c++}" -pthread "$0"/examples/client.o "$0"/examples/primes.o "$1"/libcall_com.a \
            -L"$LIBDIR" -lcall -o "$0"/mixed 2>&1 | grep call_com_export; exit 1' "$OUT" "$other"
done
echo "1..$number"
[ "$failures" -eq 0 ]
