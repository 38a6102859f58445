"""The end of the interpreter, with calls in flight.

A thread of the library's that comes back into the interpreter once that is ending is ended by it, in the
middle of the library, which ends the process with an abort. So no method may be left when it ends: what is
queued never starts, what runs is canceled, and what does not hear of that gets SystemExit.
"""
from __future__ import annotations

import atexit
import time
from ctypes import byref, c_uint32, c_ulong, py_object, pythonapi

from . import abi, running
from .apartment import living

#: Seconds that methods have to hear of their cancel.
GRACE = 1.0
#: Seconds that those have which did not, to be ended by SystemExit. One that sleeps in C is not, and is left.
LAST = 1.0
#: Seconds for threads that are on their way into a method or out of it, and need none but a turn. Methods
#: written in C look the same, so that where there may be some, it is GRACE.
PATIENCE = 20.0


def _remaining(ids: list[int], limit: int) -> int:
    """Closes these apartments, waits a little, and says how many methods still run in them."""
    total, left = 0, c_uint32()
    for handle in ids:
        abi.call_apartment_close(handle, limit, byref(left))
        total += left.value
    return total


def _quiet(ids: list[int], seconds: float, patience: float) -> bool:
    """Waits until no method runs, up to these seconds, or up to that patience where some are not in Python's hands."""
    start = time.monotonic()
    while left := _remaining(ids, 10):
        known = sum(running.depths.values())
        if time.monotonic() - start > (seconds if left <= known else patience):
            return False
    return True


def _end() -> None:
    running.ending = True
    apartments = [apartment for apartment in list(living) if apartment.handle]
    ids = [apartment.handle for apartment in apartments]
    _remaining(ids, 0)
    patience = GRACE if any(apartment.shared for apartment in apartments) else PATIENCE
    if _quiet(ids, GRACE, patience):
        return
    for thread in list(running.depths):
        pythonapi.PyThreadState_SetAsyncExc(c_ulong(thread), py_object(SystemExit))
    _quiet(ids, LAST, patience)


atexit.register(_end)
