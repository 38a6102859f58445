"""primes.py LIMIT SECONDS: counts the primes below LIMIT, for SECONDS at most."""
import sys

import libcall


class Primes:
    # Looks for a cancel at every number, and answers with what it has.
    @libcall.method
    def count(self, context: libcall.Context, data: bytes) -> None:
        limit, found, number = int(data), 0, 2
        while number < limit and not context.canceled:
            found += all(number % divisor for divisor in range(2, int(number**0.5) + 1))
            number += 1
        context.write(b"%d" % found)
        context.check()  # raises RPC_E_CALL_CANCELED if it was canceled, and so ends the method


limit, seconds = sys.argv[1:] or ("1000000000", "1")
primes = libcall.Object(Primes())
with primes.begin("count", limit.encode()) as call:
    if not call.wait(float(seconds)):
        call.cancel(grace=2)  # it may still answer, within 2 seconds
    try:
        print(f"S_OK: {call.finish().decode()} primes, fate {call.fate.name}")
    except libcall.CallError as error:
        print(f"{error.name}: {error.output.decode()} primes, fate {error.fate.name}")
