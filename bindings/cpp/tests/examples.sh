#!/bin/sh
# Runs the examples in OUT, and compares what they say. TAP. STD as the Makefile sets it.
set -u
number=0 failures=0

# says STATUS EXAMPLE WORDS...: the lines on the standard input, as patterns, are all that it says.
says() {
    expected=$1
    shift
    lines=$(cat)
    said=$(timeout 60 "${OUT:?}/$@" 2>&1)
    status=$?
    number=$((number + 1))
    if [ "$status" -eq "$expected" ] && printf '%s\n' "$said" | "$PYTHON" -c '
import re, sys
sys.exit(not re.fullmatch(sys.argv[1], sys.stdin.read().strip()))' "$lines"; then
        echo "ok $number - $*"
    else
        echo "not ok $number - $*"
        printf '#   status %s\n' "$status"
        printf '%s\n' "$said" | sed 's/^/#   /'
        failures=$((failures + 1))
    fi
}

says 0 primes 1000 <<'END'
S_OK: 168 primes, fate COMPLETED
END
says 1 primes 1000000000000 20 <<'END'
RPC_E_CALL_CANCELED: \d+ primes, fate (STOPPED|NEVER_STARTED)
END
says 0 account <<'END'
left: 70
refused: E_INVALIDARG
RPC_E_SERVERFAULT: there are only 70
END
if [ "${STD:?}" != c++17 ]; then
    says 0 stop_tokens <<'END'
RPC_E_CALL_CANCELED, fate STOPPED
END
    says 0 coroutines <<'END'
3 \* 3 = 9
4 \* 4 = 16
RPC_E_CALL_CANCELED, fate STOPPED
END
fi
echo "1..$number"
[ "$failures" -eq 0 ]
