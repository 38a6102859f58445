"""Calls as a client sees them: begin, wait, cancel, finish, fate."""
from __future__ import annotations

import threading

import pytest
from conftest import Jobs, entered, failure

import libcall
from libcall import Call, CallError, Cause, Fate, abi


@pytest.mark.parametrize("size", [0, 1, 64, 65, 4095, 4096, 4097, 1_000_000])
def test_output_is_what_the_method_gave(target: libcall.Object, size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    call = target.begin("echo", data[:size])
    assert call.finish() == data[:size]
    assert call.fate == Fate.COMPLETED and call.cause == Cause.NONE


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_input_is_anything_with_bytes(target: libcall.Object, kind: type) -> None:
    assert target.invoke("echo", kind(b"\0text\0")) == b"\0text\0"


def test_call_object_is_begun_again_and_again(target: libcall.Object) -> None:
    with Call(target) as call:
        for number in range(300):
            call.begin("echo", str(number).encode())
            assert call.finish() == str(number).encode()


def test_cancel_in_time_is_answered_by_the_method(target: libcall.Object, jobs: Jobs) -> None:
    call = target.begin("until_canceled")
    entered(jobs)
    assert not call.wait(0) and call.fate == Fate.NONE
    assert call.cancel(grace=50) is False
    error = failure(call.finish)
    assert (error.hresult, error.name) == (abi.RPC_E_CALL_CANCELED, "RPC_E_CALL_CANCELED")
    assert (error.message, error.output, error.fate) == ("told to stop", b"so far", Fate.STOPPED)
    assert str(error) == "RPC_E_CALL_CANCELED (0x80010002), fate STOPPED: told to stop"
    assert call.cause == Cause.CANCEL


def test_cancel_without_grace_frees_the_client_and_the_work_goes_on(target: libcall.Object, jobs: Jobs) -> None:
    call = target.begin("until_gate")
    entered(jobs)
    assert call.cancel() is True
    error = failure(call.finish)
    assert (error.hresult, error.fate, error.output) == (abi.RPC_E_CALL_CANCELED, Fate.RUNNING, b"")
    jobs.gate.set()
    while call.fate == Fate.RUNNING:
        threading.Event().wait(0.001)
    assert call.fate == Fate.COMPLETED


def test_cancel_whose_grace_ends_frees_the_client(target: libcall.Object, jobs: Jobs) -> None:
    call = target.begin("until_gate")
    entered(jobs)
    assert call.cancel(grace=0.05) is True
    assert failure(call.finish).fate == Fate.RUNNING


def test_cancel_of_a_queued_call_never_starts_it() -> None:
    jobs = Jobs()
    with libcall.Apartment(workers=1, max_workers=1) as apartment, libcall.Object(jobs, apartment) as target:
        running, queued = target.begin("until_gate"), Call(target)
        entered(jobs)
        queued.begin("echo")
        assert queued.cancel(grace=50) is True
        assert failure(queued.finish).fate == Fate.NEVER_STARTED
        jobs.gate.set()
        assert running.finish() == b"through"


def test_cancel_of_an_idle_or_finished_call_says_that_there_is_none(target: libcall.Object) -> None:
    with Call(target) as call:
        assert call.cancel() is False
        call.begin("nothing")
        call.finish()
        assert call.cancel(grace=1) is False


def test_cancel_interface_never_hits_the_next_call(target: libcall.Object, jobs: Jobs) -> None:
    with Call(target) as call:
        call.begin("nothing")
        with call.query_cancel() as late:
            call.finish()
            call.begin("until_gate")
            entered(jobs)
            assert late.request() is False and late.test() is False
        jobs.gate.set()
        assert call.finish() == b"through"


def test_second_cancel_may_only_shorten_the_grace(target: libcall.Object, jobs: Jobs) -> None:
    call = target.begin("until_gate")
    entered(jobs)
    with call.query_cancel() as interface:
        assert interface.test() is False
        assert interface.request(grace=None) is True and interface.test() is True
        assert not call.wait(0)
        assert interface.request(grace=0) is True
    assert call.wait()
    assert failure(call.finish).fate == Fate.RUNNING


def test_cancel_from_another_thread_wakes_the_one_that_finishes(target: libcall.Object, jobs: Jobs) -> None:
    call = target.begin("until_gate")
    entered(jobs)
    seen: list[CallError] = []
    finisher = threading.Thread(target=lambda: seen.append(failure(call.finish)))
    finisher.start()
    assert call.cancel() is True
    finisher.join()
    assert seen[0].hresult == abi.RPC_E_CALL_CANCELED


def test_finish_with_a_timeout_leaves_the_call_in_progress(target: libcall.Object, jobs: Jobs) -> None:
    call = target.begin("until_gate")
    assert failure(call.finish, 0.02).hresult == abi.RPC_S_CALLPENDING
    assert failure(call.finish, 0).hresult == abi.RPC_S_CALLPENDING
    jobs.gate.set()
    assert call.finish() == b"through"


def test_deadline_gives_its_own_code(target: libcall.Object, jobs: Jobs) -> None:
    call = target.begin("until_canceled", timeout=0.02, grace=50)
    error = failure(call.finish)
    while error.fate == Fate.NEVER_STARTED:  # it may pass before the method is entered
        call = target.begin("until_canceled", timeout=0.02, grace=50)
        error = failure(call.finish)
    assert (error.hresult, error.fate, call.cause) == (abi.RPC_E_TIMEOUT, Fate.STOPPED, Cause.TIMEOUT)
    assert failure(lambda: target.invoke("until_gate", timeout=0.02)).hresult == abi.RPC_E_TIMEOUT


def test_cancel_of_the_parent_flows_down(target: libcall.Object, jobs: Jobs) -> None:
    parent, child = target.begin("until_canceled"), Call(target)
    child.set_parent(parent)
    child.begin("until_canceled")
    entered(jobs)
    entered(jobs)
    parent.cancel(grace=50)
    assert failure(child.finish).fate == Fate.STOPPED
    assert child.cause == Cause.PARENT
    assert failure(parent.finish).fate == Fate.STOPPED


def test_misuse_gives_codes(target: libcall.Object, jobs: Jobs) -> None:
    call = Call(target)
    assert failure(call.finish).name == "RPC_E_CALL_COMPLETE"
    assert failure(call.wait).name == "RPC_E_CALL_COMPLETE"
    assert failure(call.begin, "no such method").name == "DISP_E_UNKNOWNNAME"
    assert failure(call.begin, 99).name == "DISP_E_MEMBERNOTFOUND"
    call.begin("until_gate")
    assert failure(call.begin, "echo").name == "RPC_S_CALLPENDING"
    jobs.gate.set()
    call.finish()
    error = failure(call.finish)
    assert (error.name, error.fate) == ("RPC_E_CALL_COMPLETE", Fate.NONE)
    call.close()
    call.close()
    assert failure(call.begin, "echo").name == "E_HANDLE"
    assert failure(call.finish).name == "E_HANDLE"


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_times_that_are_none_are_refused(target: libcall.Object, jobs: Jobs, seconds: float) -> None:
    call = target.begin("until_gate")
    with pytest.raises(ValueError):
        call.wait(seconds)
    jobs.gate.set()
    call.finish()


def test_descriptor_is_readable_when_the_call_is_complete(target: libcall.Object, jobs: Jobs) -> None:
    import select
    call = target.begin("until_gate")
    poll = select.poll()
    poll.register(call.fileno(), select.POLLIN)
    assert poll.poll(0) == []
    jobs.gate.set()
    assert poll.poll() != []
    assert call.finish() == b"through"
