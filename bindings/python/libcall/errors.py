"""The one exception type: a result that is a failure, with everything that is known of it."""
from __future__ import annotations

from ctypes import byref, c_int32, c_size_t, create_string_buffer
from typing import Callable

from . import abi, running


class CallError(Exception):
    """A call that failed, or a function that did.

    Raised inside a method it is the method's result: its code and message reach the client.
    """

    def __init__(self, hresult: int, message: str = "", fate: abi.Fate = abi.Fate.NONE, output: bytes = b"") -> None:
        hresult = int(hresult)
        if not -0x80000000 <= hresult <= 0xFFFFFFFF:
            raise ValueError(f"{hresult:#x} is no HRESULT")
        #: The code, as in call.h: negative.
        self.hresult = hresult - 0x100000000 if hresult > 0x7FFFFFFF else hresult
        if self.hresult >= 0:
            raise ValueError(f"{hresult:#x} is no failure")
        #: What the method said, or else what the code means.
        self.message = message or str(abi.call_hresult_message(self.hresult), "utf-8")
        #: What became of the work; NONE where no call is over.
        self.fate = fate
        #: What the method had written.
        self.output = output
        super().__init__(self.hresult, self.message, self.fate, self.output)

    @property
    def name(self) -> str:
        """The name of the code's macro."""
        return str(abi.call_hresult_name(self.hresult), "utf-8")

    def __str__(self) -> str:
        fate = f", fate {self.fate.name}" if self.fate else ""
        return f"{self.name} ({self.hresult & 0xFFFFFFFF:#010x}){fate}: {self.message}"


def text(read: Callable[..., int], *before: object) -> str:
    """What a function of the library writes as a text, whose length it gives with its NUL."""
    room, length = 256, c_size_t()
    while True:
        buffer = create_string_buffer(room)
        code = read(*before, buffer, room, byref(length))
        if code != abi.CALL_E_MORE_DATA:
            return buffer.value.decode("utf-8", "replace") if code >= 0 else ""
        room = length.value


def last() -> CallError | None:
    """What a function has last failed with on this thread, unless that was asked for already."""
    code = c_int32()
    message = text(abi.call_get_last_error, byref(code))
    return CallError(code.value, message) if code.value else None


def or_exit(error: CallError) -> BaseException:
    """The error; or, where it came of the interpreter's end, what ends a thread in silence."""
    if error.hresult == abi.RPC_E_DISCONNECTED and running.ending and not running.on_main():
        return SystemExit()
    return error


def immediate(hresult: int) -> BaseException:
    """The exception for what a function has just failed with on this thread."""
    failed = last()
    return or_exit(failed if failed and failed.hresult == hresult else CallError(hresult))


def check(hresult: int) -> int:
    """Passes a success on, and raises a failure."""
    if hresult < 0:
        raise immediate(hresult)
    return hresult
