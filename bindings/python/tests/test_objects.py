"""Objects written in Python: what reaches their methods, what comes back, and when they are let go of."""
from __future__ import annotations

import gc
import itertools
import os
import sys
import threading
import weakref
from collections.abc import Callable
from ctypes import addressof, byref, c_char_p, c_int32, c_uint64, c_void_p, cast, sizeof
from types import FrameType
from typing import Any

import pytest
from conftest import Jobs, entered, failure

import libcall
from libcall import Apartment, Call, CallError, Context, Fate, Kind, abi, served


def test_exception_is_a_server_fault_with_its_message(target: libcall.Object) -> None:
    error = failure(target.invoke, "crash", "räumt auf".encode())
    assert (error.name, error.message, error.fate) == ("RPC_E_SERVERFAULT", "ValueError: räumt auf", Fate.COMPLETED)


def test_call_error_is_the_result_with_what_was_written(target: libcall.Object) -> None:
    error = failure(target.invoke, "fail")
    assert (error.hresult, error.message, error.output) == (abi.E_ACCESSDENIED, "not yours", b"half")


class Odd:
    def __init__(self) -> None:
        self.returned: object = None

    @libcall.method
    def give(self, context: Context, data: bytes) -> object:
        return self.returned

    @libcall.method
    def pending(self, context: Context, data: bytes) -> None:
        raise CallError(abi.RPC_S_CALLPENDING)

    @libcall.method
    def nul(self, context: Context, data: bytes) -> None:
        raise CallError(0x80004005, "a\0b\udc80")

    @libcall.method
    def leave(self, context: Context, data: bytes) -> None:
        raise SystemExit(7)


def test_method_that_answers_oddly_fails_its_own_call_alone() -> None:
    odd = Odd()
    with libcall.Object(odd) as target:
        odd.returned = bytearray(b"bytes")
        assert target.invoke("give") == b"bytes"
        odd.returned = "text"
        assert failure(target.invoke, "give").message.startswith("TypeError: ")
        assert failure(target.invoke, "pending").name == "E_UNEXPECTED"
        error = failure(target.invoke, "nul")
        assert (error.name, error.message) == ("E_FAIL", "a b?")
        assert failure(target.invoke, "leave").message == "SystemExit: 7"


class More(Jobs):
    def echo(self, context: Context, data: bytes) -> bytes:  # not marked again: it is the same method
        return b"more " + data

    @libcall.method
    def extra(self, context: Context, data: bytes) -> bytes:
        return b"extra"


def test_methods_keep_their_numbers_in_a_subclass(target: libcall.Object) -> None:
    with libcall.Object(More()) as more:
        assert more.find_method("echo") == target.find_method("echo") == 0
        assert more.invoke("echo", b"x") == b"more x" and more.invoke("extra") == b"extra"
    with pytest.raises(TypeError):
        libcall.Object(object())


class Watcher:
    """What a method sees of its call."""

    def __init__(self) -> None:
        self.seen: list[object] = []
        self.inside, self.go = threading.Event(), threading.Event()

    @libcall.method
    def look(self, context: Context, data: bytes) -> None:
        self.seen += [context.canceled, context.time_left, context.sleep(0.001), context.write(b"read")]
        context.set_progress(1, 2)
        context.check()

    @libcall.method
    def region(self, context: Context, data: bytes) -> None:
        with context.shielded():
            self.inside.set()
            self.go.wait()
            self.seen.append(context.canceled)
        self.seen.append(context.canceled)
        context.set_progress(2, 2)
        self.seen.append(context.write(b"unread"))
        with context.shielded():
            self.seen.append("entered")

    @libcall.method
    def descriptor(self, context: Context, data: bytes) -> None:
        import select
        self.inside.set()
        select.select([context], [], [])
        context.check()


def test_method_sees_its_call() -> None:
    watcher = Watcher()
    with libcall.Object(watcher) as target:
        call = target.begin("look", timeout=3600)
        assert call.finish() == b"read" and call.progress == (1, 2)
        canceled, left, slept, written = watcher.seen
        assert (canceled, slept, written) == (False, False, True)
        assert isinstance(left, float) and 0 < left <= 3600
        call = target.begin("descriptor")
        watcher.inside.wait()
        call.cancel(50)
        assert failure(call.finish).fate == Fate.STOPPED


def test_shielded_region_does_not_hear_of_a_cancel_and_is_not_entered_too_late() -> None:
    watcher = Watcher()
    with libcall.Object(watcher) as target:
        call = target.begin("region")
        watcher.inside.wait()
        assert call.cancel() is True
        watcher.go.set()
        while call.fate == Fate.RUNNING:
            threading.Event().wait(0.001)
        assert watcher.seen == [False, True, False] and call.fate == Fate.STOPPED


class Nest:
    """A method that calls another one and waits for it."""

    def __init__(self) -> None:
        self.call: Call | None = None
        self.object: libcall.Object | None = None
        self.begun = threading.Event()

    @libcall.method
    def outer(self, context: Context, data: bytes) -> bytes:
        assert self.object is not None
        self.call = self.object.begin("inner")
        return self.call.finish()

    @libcall.method
    def inner(self, context: Context, data: bytes) -> None:
        self.begun.set()
        context.sleep()
        context.check()

    @libcall.method
    def itself(self, context: Context, data: bytes) -> bytes:
        assert self.call is not None
        return self.call.finish()


def test_cancel_flows_into_calls_begun_inside_a_method() -> None:
    nest = Nest()
    with libcall.Object(nest) as target:
        nest.object = target
        call = target.begin("outer")
        nest.begun.wait()
        call.cancel(50)
        assert failure(call.finish).fate == Fate.STOPPED
        assert nest.call is not None and nest.call.cause == libcall.Cause.PARENT
        nest.object = None


def test_wait_that_could_never_end_is_refused() -> None:
    nest = Nest()
    with libcall.Object(nest) as target:
        nest.call = Call(target)
        nest.call.begin("itself")
        assert failure(nest.call.finish).name == "CALL_E_DEADLOCK"
        nest.call = None


def wait_gone(reference: Callable[[], object]) -> None:
    while reference() is not None:
        served._sweep()
        gc.collect()
        threading.Event().wait(0.001)


class Noting(Jobs):
    noted = 0

    @libcall.method
    def note(self, context: Context, data: bytes) -> None:
        Noting.noted += 1


def test_object_lives_as_long_as_its_calls_and_no_longer() -> None:
    jobs = Noting()
    target, gone = libcall.Object(jobs, Apartment(Kind.SERIAL)), weakref.ref(jobs)
    gate = jobs.gate
    running, queued = target.begin("until_gate"), target.begin("note")
    entered(jobs)
    target.close()
    running.close()  # both go on, unseen
    queued.close()
    del jobs, target, running, queued
    served._sweep()
    gc.collect()
    assert gone() is not None
    gate.set()
    wait_gone(gone)
    assert Noting.noted == 1


def test_object_that_was_forgotten_is_let_go_of() -> None:
    jobs = Jobs()
    gone = weakref.ref(jobs)
    call = libcall.Object(jobs).begin("echo", b"x")
    assert call.finish() == b"x"
    del call, jobs
    wait_gone(gone)


@pytest.mark.parametrize("lines", range(1, 6))
def test_object_made_in_the_place_of_one_that_is_let_go_of_stays(lines: int, monkeypatch: pytest.MonkeyPatch) -> None:
    place = served._SEMAPHORE()
    monkeypatch.setattr(served, "_SEMAPHORE", lambda: place)
    made: list[libcall.Object] = []

    def make() -> None:
        if addressof(place) not in served._table:
            made.append(libcall.Object(Jobs()))

    # Before each line of a sweep on this thread, another thread takes the next step.
    turn = itertools.chain([lambda: None] * lines, [served._sweep, make], itertools.repeat(lambda: None))

    def line(frame: FrameType, event: str, given: object) -> Any:
        if frame.f_code is not served._sweep.__code__:
            return None
        if event == "line":
            other = threading.Thread(target=next(turn))
            other.start()
            other.join()
        return line

    old, before = libcall.Object(Jobs()), sys.gettrace()
    old._release()  # as the collector does: nothing is swept yet
    sys.settrace(line)
    try:
        served._sweep()
    finally:
        sys.settrace(before)
    if not made:
        make()
    assert [target.invoke("echo", b"x") for target in made] == [b"x"]
    made[0].close()
    while addressof(place) in served._table:  # the thread of its method may not have let go of it yet
        served._sweep()


def test_threads_of_a_pool_keep_what_is_theirs() -> None:
    class Local:
        def __init__(self) -> None:
            self.local = threading.local()

        @libcall.method
        def count(self, context: Context, data: bytes) -> bytes:
            self.local.count = getattr(self.local, "count", 0) + 1
            return str(self.local.count).encode()

    with Apartment(Kind.SERIAL) as apartment, libcall.Object(Local(), apartment) as target:
        assert [target.invoke("count") for _ in range(3)] == [b"1", b"2", b"3"]


def test_single_apartment_runs_on_the_thread_that_pumps_it() -> None:
    class Where:
        @libcall.method
        def here(self, context: Context, data: bytes) -> bytes:
            return str(threading.get_ident()).encode()

    with Apartment(Kind.SINGLE) as apartment, libcall.Object(Where(), apartment) as target:
        call = target.begin("here")
        while not call.wait(0):
            apartment.pump(1)
        assert call.finish() == str(threading.get_ident()).encode()
        assert apartment.pump() == 0 and apartment.pump(0.01) == 0
        assert target.invoke("here") == str(threading.get_ident()).encode()  # a wait serves it, too


def test_queue_limit_and_closed_apartments_refuse() -> None:
    jobs = Jobs()
    with Apartment(workers=1, max_workers=1, queue_limit=1) as apartment, libcall.Object(jobs, apartment) as target:
        first = target.begin("until_gate")
        entered(jobs)
        second = target.begin("until_gate")
        assert failure(target.begin, "echo").name == "CALL_E_TOO_BUSY"
        assert apartment.close(0.02) == 1
        assert failure(second.finish).fate == Fate.NEVER_STARTED
        assert failure(first.finish).fate == Fate.RUNNING
        assert failure(target.begin, "echo").name == "RPC_E_DISCONNECTED"
        jobs.gate.set()
        assert apartment.close(50) == 0
        assert failure(libcall.Object, jobs, apartment).name == "RPC_E_DISCONNECTED"


def test_disconnect_ends_calls(target: libcall.Object, jobs: Jobs) -> None:
    call = target.begin("until_gate")
    entered(jobs)
    target.disconnect()
    assert failure(call.finish).name == "RPC_E_DISCONNECTED"


def test_collecting_garbage_all_the_time_disturbs_no_call(target: libcall.Object) -> None:
    stop = threading.Event()

    def collect() -> None:
        while not stop.is_set():
            gc.collect()

    collector = threading.Thread(target=collect)
    collector.start()
    try:
        for round_ in range(20):
            calls = [target.begin("echo", str(number).encode()) for number in range(20)]
            assert [call.finish() for call in calls] == [str(number).encode() for number in range(20)]
    finally:
        stop.set()
        collector.join()


def test_adopted_object_is_called_like_any_other() -> None:
    methods = (c_char_p * 1)(b"double")

    def double(key: int, context: int, number: int, data: int, length: int) -> int:
        return int(abi.call_context_write(context, data, length)) or int(abi.call_context_write(context, data, length))

    invoke = abi.call_method_fn(double)
    cls = abi.call_class_t(sizeof(abi.call_class_t), cast(methods, c_void_p), 1, 0, invoke)
    out = c_uint64()
    with Apartment() as apartment:
        assert abi.call_object_create(apartment.id, byref(cls), None, byref(out)) == abi.S_OK
        with libcall.Object.adopt(out.value) as target:
            assert target.invoke("double", b"ab") == b"abab"
            assert failure(target.begin, "halve").name == "DISP_E_UNKNOWNNAME"
        assert abi.call_object_release(out.value) == abi.E_HANDLE


def test_child_of_a_fork_begins_anew(target: libcall.Object) -> None:
    assert target.invoke("echo", b"parent") == b"parent"
    child = os.fork()
    if child == 0:
        code = 1
        try:
            refused = failure(target.begin, "echo").name == "RPC_E_DISCONNECTED"
            with libcall.Object(Jobs()) as own:
                code = 0 if refused and own.invoke("echo", b"child") == b"child" else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert target.invoke("echo", b"again") == b"again"


def test_error_survives_a_pickle() -> None:
    import pickle
    error = CallError(0x80070005, "no", Fate.COMPLETED, b"part")
    again = pickle.loads(pickle.dumps(error))
    assert (again.hresult, again.message, again.fate, again.output, str(again)) == (
        abi.E_ACCESSDENIED, "no", Fate.COMPLETED, b"part", str(error))
    with pytest.raises(ValueError):
        CallError(1 << 32)
    assert c_int32(error.hresult).value == error.hresult
