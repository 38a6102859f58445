"""The interpreter ends with calls in flight: with its own exit code, nothing said, and no crash."""
from __future__ import annotations

import collections
import os

import pytest
from conftest import arm, program

# How often each program ends; `make exits` sets more.
TIMES = int(os.environ.get("CALL_EXITS", "2"))

PROGRAM = """
import random, sys, threading, time, libcall
from libcall import ending

class Jobs:
    entered = threading.Semaphore(0)

    @libcall.method
    def heeds(self, context, data):
        self.entered.release()
        context.sleep()
        context.check()

    @libcall.method
    def polls(self, context, data):
        self.entered.release()
        while not context.canceled:
            pass

    @libcall.method
    def loops(self, context, data):
        self.entered.release()
        while True:
            pass

    @libcall.method
    def naps(self, context, data):
        self.entered.release()
        while True:
            time.sleep(0.001)

    @libcall.method
    def sleeps(self, context, data):
        self.entered.release()
        time.sleep(3600)

    @libcall.method
    def waits(self, context, data):
        target.begin("heeds").finish()

    @libcall.method
    def quick(self, context, data):
        return data

mode = sys.argv[1]
ending.LAST = 20 # for what a slow machine takes; they end earlier
if mode in ("loops", "naps"):
    ending.GRACE = 0.05
elif mode in ("sleeps", "native"):
    ending.GRACE = ending.LAST = 0.05
else:
    ending.GRACE = 20
target = libcall.Object(Jobs())
if mode == "flood":
    calls = [target.begin("quick", b"x") for _ in range(random.randrange(1000))]
elif mode == "unseen":
    for _ in range(random.randrange(1000)):
        target.begin("quick", b"x").close()
    target.close()
elif mode == "queued":
    one = libcall.Object(Jobs(), libcall.Apartment(libcall.Kind.SERIAL))
    calls = [one.begin("heeds") for _ in range(10)]
elif mode == "finisher":
    def finish():
        while True:
            target.invoke(random.choice(["quick", "heeds"]))
    for _ in range(3):
        threading.Thread(target=finish, daemon=True).start()
    Jobs.entered.acquire()
elif mode == "single":
    ready = threading.Event()
    def pump():
        with libcall.Apartment(libcall.Kind.SINGLE) as apartment:
            global one
            one = libcall.Object(Jobs(), apartment)
            ready.set()
            try:
                while True:
                    apartment.pump(None)
            except libcall.CallError:
                pass
    threading.Thread(target=pump, daemon=True).start()
    ready.wait()
    one.begin("heeds")
    Jobs.entered.acquire()
elif mode == "native":
    # A method of C that sleeps, in an apartment of ours: nobody waits for it.
    ending.PATIENCE = 3600
    from ctypes import CDLL, byref, c_char_p, c_uint64, c_void_p, cast, sizeof
    names, out = (c_char_p * 1)(b"pause"), c_uint64()
    pause = cast(CDLL(None).pause, libcall.abi.call_method_fn)
    cls = libcall.abi.call_class_t(sizeof(libcall.abi.call_class_t), cast(names, c_void_p), 1, 0, pause)
    apartment = libcall.Apartment()
    assert libcall.abi.call_object_create(apartment.id, byref(cls), None, byref(out)) == 0
    native = libcall.Object.adopt(out.value).begin("pause")
    count = c_uint64()
    info = (libcall.abi.call_info_t * 8)()
    while libcall.abi.call_enumerate(info, sizeof(info[0]), 8, byref(count)) or info[0].state != libcall.abi.State.RUNNING:
        time.sleep(0.001)
else:
    calls = [target.begin(mode) for _ in range(3)]
    for _ in range(3):
        Jobs.entered.acquire()
print("bye")
sys.exit(3)
"""

MODES = ["heeds", "polls", "loops", "naps", "sleeps", "waits", "flood", "unseen", "queued", "finisher", "single", "native"]


@pytest.mark.parametrize("mode", MODES)
def test_interpreter_ends_as_it_should(mode: str, capsys: pytest.CaptureFixture[str]) -> None:
    ends: collections.Counter[tuple[object, str, str]] = collections.Counter()
    for number in range(TIMES):
        arm()
        with program(PROGRAM, mode, **({"PYTHONDEVMODE": "1"} if number % 2 else {})) as process:
            said, wrong = process.communicate()
        ends[process.returncode, said, wrong] += 1
    with capsys.disabled():
        print(f"{mode}: {dict(ends)}", end=" ")
    assert list(ends) == [(3, "bye\n", "")]
