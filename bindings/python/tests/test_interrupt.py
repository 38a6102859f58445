"""Ctrl-C, in every wait of the main thread."""
from __future__ import annotations

import signal

import pytest
from conftest import program

PROGRAM = """
import sys, threading, libcall
from libcall import Apartment, Kind

class Jobs:
    entered, gate = threading.Event(), threading.Event()

    @libcall.method
    def deaf(self, context, data):
        self.entered.set()
        self.gate.wait()

    @libcall.method
    def naps(self, context, data):
        self.entered.set()
        context.sleep()

    @libcall.method
    def loops(self, context, data):
        self.entered.set()
        while True:
            pass

def watch(main=threading.get_ident()):
    # Says that the main thread waits, or loops, and the method runs.
    Jobs.entered.wait()
    while True:
        frame = sys._current_frames()[main]
        while frame:
            name, file = frame.f_code.co_name, frame.f_code.co_filename
            if name in ("loops", "pump") or name == "wait" and file.endswith("waiting.py"):
                return print("ready", flush=True)
            frame = frame.f_back

threading.Thread(target=watch, daemon=True).start()

kind = Kind.SINGLE if sys.argv[1] in ("naps", "loops", "pump") else Kind.MULTI
with Apartment(kind, workers=0 if kind == Kind.SINGLE else 2) as apartment, libcall.Object(Jobs(), apartment) as target:
    method = {"naps": "naps", "loops": "loops"}.get(sys.argv[1], "deaf")
    call = None if sys.argv[1] in ("pump", "invoke") else target.begin(method)
    try:
        if sys.argv[1] == "wait":
            call.wait()
        elif sys.argv[1] == "wait_long":
            call.wait(1000)
        elif sys.argv[1] == "keep":
            call.cancel_on_interrupt = False
            call.wait()
        elif sys.argv[1] == "cancel":
            Jobs.entered.wait()  # or it would never start
            call.cancel(grace=None)
        elif sys.argv[1] == "pump":
            Jobs.entered.set()
            apartment.pump(None)
        elif sys.argv[1] == "invoke":
            target.invoke("deaf")
        else:
            call.finish()
        print("went on")
    except KeyboardInterrupt:
        print("interrupted", call and (call.fate.name, call.wait(0)))
    Jobs.gate.set()
"""


@pytest.mark.parametrize("where, seen", [
    ("wait", "('RUNNING', True)"),
    ("wait_long", "('RUNNING', True)"),
    ("finish", "('RUNNING', True)"),
    ("invoke", "None"),
    ("cancel", "('NONE', False)"),  # canceled already, with a grace period of its own
    ("keep", "('NONE', False)"),
    ("pump", "None"),
    # On the main thread's own apartment the method itself is interrupted, and then the wait that served it.
    ("naps", "('COMPLETED', True)"),
    ("loops", "('COMPLETED', True)"),
])
def test_interrupt_ends_the_wait_and_cancels_the_call(where: str, seen: str) -> None:
    process = program(PROGRAM, where)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    said, wrong = process.communicate()
    assert (process.returncode, said, wrong) == (0, f"interrupted {seen}\n", "")


def test_interrupt_that_nobody_catches_ends_the_program() -> None:
    process = program("import libcall\n" + PROGRAM.replace("except KeyboardInterrupt:", "except ZeroDivisionError:"), "finish")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    said, wrong = process.communicate()
    assert (process.returncode, said) == (-signal.SIGINT, "")
    assert wrong.count("Traceback") == 1 and wrong.endswith("KeyboardInterrupt\n")


def test_handler_of_a_signal_cancels() -> None:
    process = program("""
import libcall, signal, threading

class Jobs:
    @libcall.method
    def wait(self, context, data):
        print("ready", flush=True)
        context.sleep()
        context.check()

with libcall.Object(Jobs()) as target:
    call = libcall.Call(target)
    interface = call.query_cancel()
    signal.signal(signal.SIGINT, lambda *_: interface.request(grace=50))
    call.begin("wait")
    try:
        call.finish()
    except libcall.CallError as error:
        print(error.name, error.fate.name)
""")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    said, wrong = process.communicate()
    assert (process.returncode, said, wrong) == (0, "RPC_E_CALL_CANCELED STOPPED\n", "")
