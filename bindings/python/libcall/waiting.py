"""Time as Python has it, and waits that Ctrl-C ends."""
from __future__ import annotations

import math
import time
from typing import Callable

from . import abi, running

# How long the main thread sleeps before it looks for signals, in milliseconds. A signal's handler runs
# between two calls of ours only, since a call that lets go of the interpreter's lock is not interrupted.
SLICE = 50


def milliseconds(seconds: float | None) -> int:
    """Seconds, rounded up to what the library takes; None has no end."""
    if seconds is None or seconds == math.inf:
        return abi.CALL_INFINITE
    if not seconds >= 0:
        raise ValueError(f"{seconds} is no time to wait")
    return min(math.ceil(seconds * 1000), abi.CALL_INFINITE - 1)


def wait(step: Callable[[int], int], limit: int) -> int:
    """Waits these milliseconds with step; on the main thread in slices, so that signals are heard."""
    if not running.on_main():
        return step(limit)
    end, left = time.monotonic() + limit / 1000, limit
    while (code := step(min(left, SLICE))) == abi.RPC_S_CALLPENDING and left > 0:
        running.raise_interrupt()
        if limit != abi.CALL_INFINITE:
            left = max(0, math.ceil((end - time.monotonic()) * 1000))
    running.raise_interrupt()
    return code
