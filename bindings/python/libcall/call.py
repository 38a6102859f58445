"""Call objects and their cancel interface: the client's side."""
from __future__ import annotations

from ctypes import addressof, byref, c_char, c_int32, c_uint32, c_uint64, string_at
from typing import TYPE_CHECKING, Any, Callable

from . import abi, errors, waiting
from .errors import CallError, check

if TYPE_CHECKING:
    from .served import Object

# An object written in Python has no begin of its own, so that to begin a call of it never blocks.
_begin_ours = abi.keeping(abi.call_begin)


class _Room:
    """Where an output goes first, and its length, or a handle; kept, as making one costs as much as the call."""

    SIZE = 4096

    def __init__(self, size: int = SIZE) -> None:
        self.size, self.length, self._bytes = size, c_uint64(), (c_char * size)()
        self.at, self.length_at = addressof(self._bytes), addressof(self.length)

    def output(self) -> bytes:
        """What was written into it."""
        return string_at(self.at, self.length.value) if self.length.value else b""


_rooms: list[_Room] = []


class Call:
    """A call object: begun any number of times, one call at a time."""

    __slots__ = ("id", "object", "cancel_on_interrupt", "_begin", "__weakref__")

    def __init__(self, target: Object) -> None:
        self.id = 0
        #: The object that is called.
        self.object = target
        #: Does Ctrl-C in a wait cancel the call, without grace?
        self.cancel_on_interrupt = True
        self._begin = _begin_ours if target.in_python else abi.call_begin
        room = _rooms.pop() if _rooms else _Room()
        code = abi.call_create(target.id, room.length_at)
        if code < 0:
            raise errors.immediate(code)
        self.id = room.length.value
        _rooms.append(room)

    def begin(self, method: str | int, data: bytes | bytearray | memoryview = b"") -> None:
        """Begins a method and goes on."""
        number = method if isinstance(method, int) else self.object.find_method(method)
        if not isinstance(data, bytes):
            data = bytes(memoryview(data))
        code = self._begin(self.id, number, data, len(data))
        if code < 0:
            raise errors.immediate(code)

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until the call is complete, up to timeout seconds; says whether it is."""
        code = self._wait(timeout)
        return code != abi.RPC_S_CALLPENDING and check(code) >= 0

    def finish(self, timeout: float | None = None) -> bytes:
        """Waits until the call is complete and gives its output; raises its failure.

        Where timeout seconds were not enough it raises RPC_S_CALLPENDING, and the call goes on.
        """
        room = _rooms.pop() if _rooms else _Room()
        code = abi.call_try_finish(self.id, room.at, room.size, room.length_at)
        while code == abi.RPC_S_CALLPENDING and timeout != 0:
            waited = self._wait(timeout)
            if waited < 0 and waited != abi.RPC_E_CALL_COMPLETE:
                raise errors.immediate(waited) if waited != abi.RPC_S_CALLPENDING else CallError(waited)
            code = abi.call_try_finish(self.id, room.at, room.size, room.length_at)
        while code == abi.CALL_E_MORE_DATA:
            room = _Room(room.length.value)
            code = abi.call_try_finish(self.id, room.at, room.size, room.length_at)
        output = room.output()
        if room.size == _Room.SIZE:
            _rooms.append(room)
        if code < 0:
            raise self._failure(code, output)
        return output

    def cancel(self, grace: float | None = 0.0) -> bool:
        """Cancels the call, and waits up to grace seconds for its method's answer.

        True: it is canceled, and nobody waits for the method any more. False: the method answered, in time or
        before, or no call is in progress. Finish it then as ever.
        """
        with self.query_cancel() as interface:
            return interface.cancel(grace)

    def query_cancel(self) -> Cancel:
        """The cancel interface of the call in progress or, if there is none, of the next one begun."""
        return Cancel(self)

    @property
    def fate(self) -> abi.Fate:
        """What became of the work of the last call."""
        out = c_int32()
        check(abi.call_get_fate(self.id, byref(out)))
        return abi.Fate(out.value)

    @property
    def cause(self) -> abi.Cause:
        """Why it was canceled."""
        out = c_uint32()
        check(abi.call_get_cause(self.id, byref(out)))
        return abi.Cause(out.value)

    @property
    def progress(self) -> tuple[int, int]:
        """How far its method has said to be: so much of so much, 0 being unknown."""
        done, total = c_uint64(), c_uint64()
        check(abi.call_get_progress(self.id, byref(done), byref(total)))
        return done.value, total.value

    def set_timeout(self, timeout: float | None, grace: float | None = 0.0) -> None:
        """Gives the next begins a deadline: when it passes they are canceled, with RPC_E_TIMEOUT."""
        check(abi.call_set_timeout(self.id, waiting.milliseconds(timeout), waiting.milliseconds(grace)))

    def set_parent(self, parent: Call | None) -> None:
        """The next begins are for what the parent has in progress then: its cancel and deadline flow down to them."""
        check(abi.call_set_parent(self.id, parent.id if parent else 0))

    def detach(self) -> None:
        """The next begins stand alone, also inside a method."""
        check(abi.call_detach(self.id))

    def fileno(self) -> int:
        """A descriptor that is readable while the call is complete and not finished."""
        out = c_int32()
        check(abi.call_get_fd(self.id, byref(out)))
        return out.value

    def close(self) -> None:
        """Gives the call object back. A call in progress is not canceled: it runs to its end, unseen."""
        handle, self.id = self.id, 0
        if handle:
            abi.call_release(handle)
            self.object.sweep()

    def __enter__(self) -> Call:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self, release: Callable[..., Any] = abi.call_release) -> None:
        if self.id:
            release(self.id)

    def _wait(self, timeout: float | None) -> int:
        """Waits; what interrupts it cancels the call."""
        limit = waiting.milliseconds(timeout)
        try:
            return waiting.wait(lambda part: int(abi.call_wait(self.id, part)), limit)
        except BaseException:
            if self.cancel_on_interrupt and abi.call_wait(self.id, 0) == abi.RPC_S_CALLPENDING:
                with self.query_cancel() as interface:
                    interface.request(0.0)
            raise

    def _failure(self, code: int, output: bytes) -> BaseException:
        failed = errors.last()
        if failed and failed.hresult == code:  # what finishing failed with, and no method's result
            return errors.or_exit(failed)
        fate = c_int32()
        check(abi.call_get_fate(self.id, byref(fate)))
        return errors.or_exit(CallError(code, errors.text(abi.call_get_error, self.id), abi.Fate(fate.value), output))


class Cancel:
    """The cancel interface of one call, for any thread and for signal handlers; it never hits another call."""

    __slots__ = ("id", "call")

    def __init__(self, call: Call) -> None:
        self.id, self.call = 0, call
        out = c_uint64()
        check(abi.call_query_cancel(call.id, byref(out)))
        self.id = out.value

    def request(self, grace: float | None = 0.0) -> bool:
        """As cancel, and returns at once."""
        code = abi.call_request_cancel(self.id, waiting.milliseconds(grace))
        if code in (abi.S_OK, abi.RPC_E_CALL_CANCELED):
            return True
        if code == abi.RPC_E_CALL_COMPLETE:
            return False
        raise CallError(code)

    def cancel(self, grace: float | None = 0.0) -> bool:
        """See Call.cancel."""
        if not self.request(grace):
            return False
        if grace != 0:  # the library ends the grace period, and has a moment more for it than we wait for the answer
            longest = waiting.milliseconds(None if grace is None else grace + 1)
            waiting.wait(lambda part: int(abi.call_wait(self.call.id, part)), longest)
        return self.test()

    def test(self) -> bool:
        """Is the call canceled, and was its method's answer not in time?"""
        code = abi.call_test_cancel(self.id)
        if code == abi.E_HANDLE:
            raise errors.immediate(code)
        return bool(code == abi.RPC_E_CALL_CANCELED)

    def close(self) -> None:
        """Gives the interface back. The call goes on."""
        handle, self.id = self.id, 0
        if handle:
            abi.call_cancel_release(handle)

    def __enter__(self) -> Cancel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self, release: Callable[..., Any] = abi.call_cancel_release) -> None:
        if self.id:
            release(self.id)
