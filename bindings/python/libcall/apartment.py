"""Apartments: where objects live and their methods run."""
from __future__ import annotations

import os
import select
import weakref
from ctypes import byref, c_int32, c_size_t, c_uint32, c_uint64, sizeof
from typing import Any, Callable

from . import abi, running, waiting
from .errors import check

#: Those whose handle has not been given back.
living: weakref.WeakSet[Apartment] = weakref.WeakSet()


class Apartment:
    """Where objects live: a pool of threads, the thread that makes it (Kind.SINGLE), or one of the library's."""

    __slots__ = ("handle", "kind", "shared", "_fork", "__weakref__")

    def __init__(self, kind: abi.Kind = abi.Kind.MULTI, *, workers: int = 0, max_workers: int = 0,
                 queue_limit: int = 0, name: str | None = None) -> None:
        self.handle, self.kind, self._fork = 0, abi.Kind(kind), running.forks
        #: May objects of C live in it? Its handle was asked for.
        self.shared = False
        named = None if name is None else name.encode()
        options = abi.call_apartment_options_t(sizeof(abi.call_apartment_options_t), int(kind), 0, workers, max_workers,
                                               queue_limit, 0, named)
        out = c_uint64()
        check(abi.call_apartment_create(byref(options), byref(out)))
        self.handle = out.value
        living.add(self)

    @property
    def id(self) -> int:
        """The handle, for C code and libcall.abi."""
        self.shared = True
        return self.handle

    def pump(self, timeout: float | None = 0.0) -> int:
        """Serves a SINGLE apartment on its own thread: runs what is queued, or waits for it; says how many ran."""
        served = c_uint32()
        check(abi.call_apartment_pump(self.handle, 0, byref(served)))
        running.raise_interrupt()
        if not served.value and timeout != 0:
            limit = waiting.milliseconds(timeout)
            poll = select.poll()
            poll.register(self.fileno(), select.POLLIN)
            poll.poll(None if limit == abi.CALL_INFINITE else limit)
            check(abi.call_apartment_pump(self.handle, 0, byref(served)))
            running.raise_interrupt()
        return served.value

    def fileno(self) -> int:
        """A descriptor that is readable while a SINGLE apartment has something to pump."""
        out = c_int32()
        check(abi.call_apartment_get_fd(self.handle, byref(out)))
        return out.value

    def close(self, grace: float = 0.0) -> int:
        """Begins are refused, what runs is canceled; waits up to grace seconds, and says how many methods still run.

        Ctrl-C is heard when that time is over.
        """
        remaining = c_uint32()
        check(abi.call_apartment_close(self.handle, waiting.milliseconds(grace), byref(remaining)))
        running.raise_interrupt()
        return remaining.value

    def __enter__(self) -> Apartment:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self, release: Callable[..., Any] = abi.call_apartment_release) -> None:
        if self.handle:
            release(self.handle)


_ours: Apartment | None = None


def default() -> Apartment:
    """The package's own pool, made on first use: methods in Python mostly wait for something, so it has a few threads more."""
    global _ours
    if _ours is None or _ours._fork != running.forks:
        _ours = Apartment(workers=min(32, (os.cpu_count() or 1) + 4), name="libcall-python")
    return _ours
