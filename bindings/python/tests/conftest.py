"""What every test has: a guard that ends one that hangs, and objects whose methods wait at gates."""
from __future__ import annotations

import faulthandler
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

import libcall

GUARD = 120  # seconds: only a test that hangs takes so long
_errors = -1

# What a shell starts in the background has Ctrl-C ignored, and so would have every program of the tests.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure() -> None:
    """Where the guard says what hangs: the real standard error, which is not captured yet."""
    global _errors
    _errors = os.dup(2)


def arm() -> None:
    """The guard's time begins anew."""
    faulthandler.dump_traceback_later(GUARD, exit=True, file=_errors)


@pytest.fixture(autouse=True)
def guard() -> Iterator[None]:
    arm()
    yield
    faulthandler.cancel_dump_traceback_later()


class Jobs:
    """Methods of every kind. `entered` says that one runs, `gate` lets it end."""

    def __init__(self) -> None:
        self.entered, self.gate = threading.Semaphore(0), threading.Event()

    @libcall.method
    def echo(self, context: libcall.Context, data: bytes) -> bytes:
        return data

    @libcall.method
    def nothing(self, context: libcall.Context, data: bytes) -> None:
        pass

    @libcall.method
    def until_canceled(self, context: libcall.Context, data: bytes) -> None:
        self.entered.release()
        context.sleep()
        context.write(b"so far")
        raise libcall.CallError(libcall.abi.RPC_E_CALL_CANCELED, "told to stop")

    @libcall.method
    def until_gate(self, context: libcall.Context, data: bytes) -> bytes:
        self.entered.release()
        self.gate.wait()
        return b"through"

    @libcall.method
    def fail(self, context: libcall.Context, data: bytes) -> None:
        context.write(b"half")
        raise libcall.CallError(libcall.abi.E_ACCESSDENIED, "not yours")

    @libcall.method
    def crash(self, context: libcall.Context, data: bytes) -> None:
        raise ValueError(data.decode())


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    made = Jobs()
    yield made
    made.gate.set()


@pytest.fixture
def target(jobs: Jobs) -> Iterator[libcall.Object]:
    with libcall.Object(jobs) as made:
        yield made


def entered(jobs: Jobs) -> None:
    """Waits until a method runs."""
    assert jobs.entered.acquire(timeout=GUARD / 2)


def program(text: str, *words: str, **environment: str) -> subprocess.Popen[str]:
    """A program of its own in this interpreter, with a guard of its own; what it prints is read from its pipes."""
    guarded = f"import faulthandler\nfaulthandler.dump_traceback_later({GUARD // 2}, exit=True)\n{text}"
    return subprocess.Popen([sys.executable, "-c", guarded, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, env={**os.environ, **environment})


def failure(run: object, *given: object) -> libcall.CallError:
    """The CallError that run raises."""
    assert callable(run)
    with pytest.raises(libcall.CallError) as caught:
        run(*given)
    return caught.value
