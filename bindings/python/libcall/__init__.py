"""Begin a job, cancel it, and know what became of it: calls of libcall from Python, and objects written in Python.

    class Primes:
        @libcall.method
        def count(self, context, data):
            ...

    call = libcall.Object(Primes()).begin("count", b"1000000")
    call.wait(1.0) or call.cancel(grace=2.0)
    print(call.finish(), call.fate)

The declarations of the C header, for what is not here, are in libcall.abi.
"""
from __future__ import annotations

from . import ending as _ending
from .abi import Cause, Fate, Kind
from .apartment import Apartment
from .call import Call, Cancel
from .context import Context
from .errors import CallError
from .served import Object, method

__all__ = ["Apartment", "Call", "CallError", "Cancel", "Cause", "Context", "Fate", "Kind", "Object", "method"]
__version__ = "0.1.0"
