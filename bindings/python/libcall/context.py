"""What a method sees of its call."""
from __future__ import annotations

import contextlib
from collections.abc import Iterator
from ctypes import byref, c_int32, c_uint32

from . import abi, waiting
from .errors import CallError, check


def _canceled(code: int) -> bool:
    """What a look at the cancel answers."""
    if code == abi.RPC_S_CALLPENDING:
        return False
    if code == abi.RPC_E_CALL_CANCELED:
        return True
    raise CallError(code)


class Context:
    """The server's view of one call, from the start of its method to its end."""

    __slots__ = ("id",)

    def __init__(self, handle: int) -> None:
        self.id = handle

    @property
    def canceled(self) -> bool:
        """Was the call canceled? A look at it costs little."""
        return _canceled(abi.call_context_test_cancel(self.id))

    def check(self) -> None:
        """Raises RPC_E_CALL_CANCELED, which ends the method as canceled, if the call was canceled."""
        if self.canceled:
            raise CallError(abi.RPC_E_CALL_CANCELED)

    def sleep(self, seconds: float | None = None) -> bool:
        """A sleep that a cancel ends: says whether one did."""
        return _canceled(waiting.wait(lambda part: int(abi.call_context_wait_cancel(self.id, part)),
                                      waiting.milliseconds(seconds)))

    def fileno(self) -> int:
        """A descriptor that is readable once the call is canceled, for select beside others."""
        out = c_int32()
        check(abi.call_context_get_cancel_fd(self.id, byref(out)))
        return out.value

    def write(self, data: bytes | bytearray | memoryview) -> bool:
        """Appends to the output; says whether somebody will read it, which after a cancel may be nobody."""
        data = bytes(memoryview(data))
        code = abi.call_context_write(self.id, data, len(data))
        return code != abi.RPC_E_CALL_CANCELED and check(code) >= 0

    def set_progress(self, done: int, total: int = 0) -> None:
        """Tells the client how far the method is; a total of 0 is unknown."""
        code = abi.call_context_set_progress(self.id, done, total)
        if code != abi.RPC_E_CALL_CANCELED:
            check(code)

    @property
    def time_left(self) -> float | None:
        """Seconds until the call's deadline; None: it has none."""
        out = c_uint32()
        check(abi.call_context_get_deadline(self.id, byref(out)))
        return None if out.value == abi.CALL_INFINITE else out.value / 1000

    @contextlib.contextmanager
    def shielded(self) -> Iterator[None]:
        """A region in which the method does not hear of a cancel; raises RPC_E_CALL_CANCELED instead of entering too late."""
        check(abi.call_context_disable_cancel(self.id))
        try:
            yield
        finally:
            abi.call_context_enable_cancel(self.id)
