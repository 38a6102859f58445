"""Objects: those written in Python, and those that C code made."""
from __future__ import annotations

from ctypes import PyDLL, addressof, byref, c_char_p, c_uint32, c_uint64, c_void_p, cast, sizeof, string_at
from typing import Any, Callable, TypeVar

from . import abi, running
from .apartment import Apartment, default
from .call import Call
from .context import Context
from .errors import CallError, check

Method = TypeVar("Method", bound=Callable[..., Any])

# What the library calls when an object is gone: the semaphore that is the object's self is posted. A function
# in Python could not be called then: it may be any thread, at any time, also when the interpreter ends.
_libc = PyDLL(None)
_destroy = cast(_libc.sem_post, abi.call_destroy_fn)
_SEMAPHORE = c_uint64 * 8  # more than a sem_t takes


def method(function: Method) -> Method:
    """Marks what clients may call: a function of self, a Context and bytes that returns bytes or None."""
    function.__libcall__ = True  # type: ignore[attr-defined]
    return function


class _Served:
    """An object written in Python, as long as the library knows it."""

    __slots__ = ("names", "methods", "apartment", "foreign", "semaphore")

    def __init__(self, served: object, apartment: Apartment) -> None:
        found = {name: None for one in reversed(type(served).__mro__) for name, value in vars(one).items()
                 if getattr(value, "__libcall__", False)}
        if not found:
            raise TypeError(f"{type(served).__name__} has no method that is marked with libcall.method")
        self.names = list(found)
        self.methods = [getattr(served, name) for name in found]
        self.apartment = apartment
        #: Does it run on threads of the library's?
        self.foreign = apartment.kind != abi.Kind.SINGLE
        self.semaphore = _SEMAPHORE()
        _libc.sem_init(c_void_p(self.key), 0, 0)

    @property
    def key(self) -> int:
        return addressof(self.semaphore)

    def is_gone(self) -> bool:
        return bool(_libc.sem_trywait(c_void_p(self.key)) == 0)


_table: dict[int, _Served] = {}
# Those that we have given back, while others may still use them.
_left: set[int] = set()


def _sweep() -> None:
    """Lets go of what the library has let go of.

    Several threads may sweep. One alone hears that an object is gone, and keeps it until its key is in neither
    table: the next object may be made in its place, under the same key.
    """
    for key in list(_left):
        served = _table.get(key)
        if served is not None and served.is_gone():
            _left.discard(key)
            del _table[key]


def _run(key: int, context: int, number: int, data: int | None, length: int) -> int:
    """Every method of every object comes in here. Nothing may leave it but a code."""
    if running.ending:
        return abi.RPC_E_DISCONNECTED
    running.enter()
    try:
        served = _table[key]
        if served.foreign:
            running.keep_thread()
        output = served.methods[number](Context(context), string_at(data, length) if length and data else b"")
        if output:
            output = bytes(memoryview(output))
            code = int(abi.call_context_write(context, output, len(output)))
            return code if code < 0 and code != abi.RPC_E_CALL_CANCELED else abi.S_OK
        return abi.S_OK
    except BaseException as error:
        return _fail(context, error)
    finally:
        running.leave()


_invoke = abi.call_method_fn(_run)


def _fail(context: int, error: BaseException) -> int:
    """An exception becomes the call's result: its own code, or RPC_E_SERVERFAULT, and its message."""
    running.keep_interrupt(error)
    try:
        if not isinstance(error, CallError):
            error = CallError(abi.RPC_E_SERVERFAULT, f"{type(error).__name__}: {error}")
        if error.message != CallError(error.hresult).message:  # what the code means, the client knows
            abi.call_context_set_error(context, error.message.replace("\0", " ").encode("utf-8", "replace"))
        return error.hresult
    except Exception:  # its text cannot be had
        return abi.RPC_E_SERVERFAULT


class Object:
    """What calls are made of: an object written in Python, in an apartment, or one that C code made."""

    __slots__ = ("id", "in_python", "_numbers", "_key", "__weakref__")

    def __init__(self, served: object, apartment: Apartment | None = None) -> None:
        self.id, self.in_python, self._key = 0, True, 0
        entry = _Served(served, apartment or default())
        names = (c_char_p * len(entry.names))(*(name.encode() for name in entry.names))
        cls = abi.call_class_t(sizeof(abi.call_class_t), cast(names, c_void_p), len(entry.names), 0, _invoke)
        cls.destroy = _destroy
        out = c_uint64()
        _sweep()
        _table[entry.key] = entry
        code = abi.call_object_create(entry.apartment.handle, byref(cls), entry.key, byref(out))
        if code < 0:
            del _table[entry.key]
            check(code)
        self.id = out.value
        self._key = entry.key
        self._numbers = {name: number for number, name in enumerate(entry.names)}

    @classmethod
    def adopt(cls, handle: int) -> Object:
        """Takes over one reference to an object that other code made."""
        self = cls.__new__(cls)
        self.id, self.in_python, self._key, self._numbers = handle, False, 0, {}
        return self

    def find_method(self, name: str) -> int:
        """The number of a method."""
        number = self._numbers.get(name)
        if number is None:
            out = c_uint32()
            check(abi.call_object_find_method(self.id, name.encode(), byref(out)))
            number = self._numbers[name] = out.value
        return number

    def begin(self, method: str | int, data: bytes | bytearray | memoryview = b"", *, timeout: float | None = None,
              grace: float | None = 0.0) -> Call:
        """Begins a method on a call object of its own, with a deadline if there is a timeout."""
        call = Call(self)
        if timeout is not None:
            call.set_timeout(timeout, grace)
        call.begin(method, data)
        return call

    def invoke(self, method: str | int, data: bytes | bytearray | memoryview = b"", *, timeout: float | None = None,
               grace: float | None = 0.0) -> bytes:
        """Begins a method, waits for it, and gives its output."""
        with self.begin(method, data, timeout=timeout, grace=grace) as call:
            return call.finish()

    def disconnect(self) -> None:
        """Begins are refused from now on, and calls in progress end with RPC_E_DISCONNECTED."""
        check(abi.call_object_disconnect(self.id))

    def close(self) -> None:
        """Gives the object back. It lives on while calls of it are in progress or call objects are there."""
        self._release()
        _sweep()

    sweep = staticmethod(_sweep)

    def __enter__(self) -> Object:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self._release()

    def _release(self, release: Callable[..., Any] = abi.call_object_release) -> None:
        handle, self.id = self.id, 0
        if handle:
            if self._key:
                _left.add(self._key)
            release(handle)
