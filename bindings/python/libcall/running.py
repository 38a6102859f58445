"""Which threads are inside a method written in Python, and what the end of the interpreter and a fork have to know of it."""
from __future__ import annotations

import os
import threading
from ctypes import pythonapi

#: Set when the interpreter begins to end: no method is entered any more.
ending = False
#: How many forks lie between this process and the one that loaded the package.
forks = 0
#: How deep each thread is in methods.
depths: dict[int, int] = {}

_interrupt: BaseException | None = None
_thread = threading.local()


def on_main() -> bool:
    """Is this the main thread, where signals are heard?"""
    return threading.get_ident() == threading.main_thread().ident


def keep_thread() -> None:
    """Keeps what the interpreter knows of this thread of the library's until its own end.

    Making it anew for each method would cost several times the call, and lose its threading.local.
    """
    if not getattr(_thread, "kept", False):
        _thread.kept = True
        pythonapi.PyGILState_Ensure()


def enter() -> None:
    """This thread enters a method."""
    thread = threading.get_ident()
    depths[thread] = depths.get(thread, 0) + 1


def leave() -> None:
    """This thread has left it."""
    thread = threading.get_ident()
    depth = depths.pop(thread, 1)
    if depth > 1:
        depths[thread] = depth - 1


def keep_interrupt(error: BaseException) -> None:
    """Ctrl-C, or an exit, that came while a method ran on the main thread: raised once the library is left."""
    global _interrupt
    if not isinstance(error, Exception) and on_main():
        _interrupt = error


def raise_interrupt() -> None:
    """Raises what was kept, on the main thread outside of methods."""
    global _interrupt
    if _interrupt is not None and on_main() and threading.get_ident() not in depths:
        kept, _interrupt = _interrupt, None
        raise kept


def _after_fork() -> None:
    global forks, _interrupt
    forks += 1
    _interrupt = None
    depths.clear()


os.register_at_fork(after_in_child=_after_fork)
