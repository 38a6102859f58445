"""The declarations of call.h, for ctypes: functions, structures, codes. Made by generate.py; do not edit.

Handles are plain integers here. A function that the header says never blocks keeps the interpreter's
lock, since giving it up costs more than the call; every other one lets go of it.
"""
import enum
import os
import pathlib
from collections.abc import Callable, Sequence
from ctypes import (CDLL, CFUNCTYPE, PyDLL, Structure, c_char, c_char_p, c_int, c_int32, c_size_t, c_uint32,
                    c_uint64, c_void_p)
from typing import Any, Final, cast


def _find() -> str:
    """The library that LIBCALL_LIBRARY names, or else the one inside the package."""
    named = os.environ.get("LIBCALL_LIBRARY")
    inside = pathlib.Path(__file__).with_name("libcall.so")
    if not named and not inside.exists():
        raise ImportError(f"libcall: there is no {inside}, and LIBCALL_LIBRARY does not name a library")
    return named or str(inside)


LIBRARY: Final = _find()
try:
    _RELEASING, _KEEPING = CDLL(LIBRARY), PyDLL(LIBRARY)
except OSError as error:
    raise ImportError(f"libcall: {error}") from error


def _function(library: CDLL, name: str, result: Any, parameters: Sequence[Any]) -> Callable[..., Any]:
    try:
        function = library[name]
    except AttributeError as error:
        raise ImportError(f"libcall: {LIBRARY} is another version, without {name}") from error
    function.restype, function.argtypes = result, parameters
    return cast("Callable[..., Any]", function)


def keeping(function: Any) -> Callable[..., Any]:
    """The same function without letting go of the interpreter's lock, where the caller knows that it will not block."""
    return _function(_KEEPING, function.__name__, function.restype, function.argtypes)


CALL_VERSION_MAJOR: Final = 0
CALL_VERSION_MINOR: Final = 1
CALL_VERSION_PATCH: Final = 0
CALL_VERSION: Final = 0x00000100
CALL_ABI: Final = 0
S_OK: Final = 0
S_FALSE: Final = 1
E_NOTIMPL: Final = -2147467263
E_NOINTERFACE: Final = -2147467262
E_POINTER: Final = -2147467261
E_ABORT: Final = -2147467260
E_FAIL: Final = -2147467259
E_UNEXPECTED: Final = -2147418113
RPC_E_CALL_CANCELED: Final = -2147418110
RPC_E_SERVER_DIED: Final = -2147418105
RPC_E_INVALID_DATA: Final = -2147418097
RPC_E_SERVER_DIED_DNE: Final = -2147418094
RPC_E_OUT_OF_RESOURCES: Final = -2147417855
RPC_E_SERVERFAULT: Final = -2147417851
RPC_E_DISCONNECTED: Final = -2147417848
RPC_E_WRONG_THREAD: Final = -2147417842
RPC_S_CALLPENDING: Final = -2147417835
RPC_E_CALL_COMPLETE: Final = -2147417833
RPC_E_TIMEOUT: Final = -2147417825
CO_E_CANCEL_DISABLED: Final = -2147417792
DISP_E_MEMBERNOTFOUND: Final = -2147352573
DISP_E_UNKNOWNNAME: Final = -2147352570
REGDB_E_CLASSNOTREG: Final = -2147221164
MK_E_SYNTAX: Final = -2147221020
CO_E_DLLNOTFOUND: Final = -2147221000
CO_E_ERRORINDLL: Final = -2147220999
E_ACCESSDENIED: Final = -2147024891
E_HANDLE: Final = -2147024890
E_OUTOFMEMORY: Final = -2147024882
E_INVALIDARG: Final = -2147024809
CO_E_SERVER_EXEC_FAILURE: Final = -2146959355
RPC_E_CALL_PENDING: Final = RPC_S_CALLPENDING
CALL_S_DEFERRED: Final = 262656
CALL_E_MORE_DATA: Final = -2147024662
CALL_E_DEADLOCK: Final = -2147023765
CALL_E_TOO_BUSY: Final = -2147023173
CALL_INFINITE: Final = 0xFFFFFFFF
CALL_CLASS_CUSTOM_MARSHALING: Final = 1
CALL_BIND_ABANDON: Final = 1
CALL_BIND_SANDBOX: Final = 2
CALL_BIND_QUIET: Final = 4
CALL_BIND_NO_SPARES: Final = 0xFFFFFFFF
CALL_BIND_NO_TERM: Final = 0xFFFFFFFF
CALL_HOST_FD: Final = 3
CALL_WAIT_ANY: Final = 0
CALL_WAIT_ALL: Final = 1


class Fate(enum.IntEnum):
    """The CALL_FATE_* of the header."""

    NONE = 0
    COMPLETED = 1
    NEVER_STARTED = 2
    STOPPED = 3
    RUNNING = 4
    KILLED = 5
    UNKNOWN = 6


class Cause(enum.IntEnum):
    """The CALL_CAUSE_* of the header."""

    NONE = 0
    CANCEL = 1
    TIMEOUT = 2
    DISCONNECT = 3
    PARENT = 4
    PARENT_TIMEOUT = 5
    NO_SERVER = 6


class Kind(enum.IntEnum):
    """The CALL_APARTMENT_* of the header."""

    MULTI = 0
    SINGLE = 1
    SERIAL = 2


class State(enum.IntEnum):
    """The CALL_STATE_* of the header."""

    QUEUED = 1
    RUNNING = 2
    DEFERRED = 3
    COMPLETE = 4
    ABANDONED = 5


class Step(enum.IntEnum):
    """The CALL_TRACE_* of the header."""

    BEGIN = 1
    START = 2
    CANCEL = 3
    COMPLETE = 4
    FINISH = 5
    LATE_END = 6


call_free_fn = CFUNCTYPE(None, c_void_p, c_size_t, c_void_p)
call_completed_fn = CFUNCTYPE(None, c_uint64, c_void_p)
call_destroy_fn = CFUNCTYPE(None, c_void_p)
call_method_fn = CFUNCTYPE(c_int32, c_void_p, c_uint64, c_uint32, c_void_p, c_size_t)
call_cancel_fn = CFUNCTYPE(c_int32, c_void_p, c_uint64, c_uint32)
call_notify_fn = CFUNCTYPE(None, c_void_p)
call_make_fn = CFUNCTYPE(c_int32, c_void_p, c_void_p)
call_module_main_fn = CFUNCTYPE(c_int32, c_uint64)
call_log_fn = CFUNCTYPE(None, c_void_p, c_char_p)
call_thread_fn = CFUNCTYPE(None, c_void_p, c_char_p)
call_trace_fn = CFUNCTYPE(None, c_void_p, c_uint32, c_void_p)


class call_class_t(Structure):
    _fields_ = (
        ("size", c_size_t),
        ("methods", c_void_p),
        ("method_count", c_uint32),
        ("flags", c_uint32),
        ("invoke", call_method_fn),
        ("begin", call_method_fn),
        ("cancel", call_cancel_fn),
        ("destroy", call_destroy_fn),
    )


class call_bind_options_t(Structure):
    _fields_ = (
        ("size", c_size_t),
        ("flags", c_uint32),
        ("reserved", c_uint32),
        ("apartment", c_uint64),
        ("workers", c_uint32),
        ("spares", c_uint32),
        ("queue_limit", c_uint32),
        ("calls_per_child", c_uint32),
        ("idle_ms", c_uint32),
        ("start_ms", c_uint32),
        ("term_ms", c_uint32),
        ("region_ms", c_uint32),
        ("memory", c_uint64),
        ("cpu_seconds", c_uint32),
        ("descriptors", c_uint32),
        ("directory", c_char_p),
        ("environment", c_void_p),
        ("program", c_char_p),
        ("arguments", c_void_p),
        ("host", c_char_p),
        ("readable", c_void_p),
        ("writable", c_void_p),
    )


class call_apartment_options_t(Structure):
    _fields_ = (
        ("size", c_size_t),
        ("kind", c_uint32),
        ("flags", c_uint32),
        ("workers", c_uint32),
        ("max_workers", c_uint32),
        ("queue_limit", c_uint32),
        ("reserved", c_uint32),
        ("name", c_char_p),
    )


class call_completion_t(Structure):
    _fields_ = (
        ("call", c_uint64),
        ("tag", c_uint64),
    )


class call_info_t(Structure):
    _fields_ = (
        ("call", c_uint64),
        ("context", c_uint64),
        ("parent", c_uint64),
        ("waits_for", c_uint64),
        ("state", c_uint32),
        ("cause", c_uint32),
        ("method", c_uint32),
        ("left_ms", c_uint32),
        ("age_ms", c_uint64),
        ("method_name", c_char * 48),
        ("apartment_name", c_char * 24),
    )


class call_counters_t(Structure):
    _fields_ = (
        ("size", c_size_t),
        ("begun", c_uint64),
        ("finished", c_uint64),
        ("completed", c_uint64),
        ("never_started", c_uint64),
        ("stopped", c_uint64),
        ("abandoned", c_uint64),
        ("uncooperative", c_uint64),
        ("pending_now", c_uint64),
        ("abandoned_now", c_uint64),
        ("killed", c_uint64),
    )


call_version = _function(_KEEPING, "call_version", c_uint32, [])
call_hresult_name = _function(_KEEPING, "call_hresult_name", c_char_p, [c_int32])
call_hresult_message = _function(_KEEPING, "call_hresult_message", c_char_p, [c_int32])
call_get_last_error = _function(_KEEPING, "call_get_last_error", c_int32, [c_void_p, c_char_p, c_size_t, c_void_p])
call_shutdown = _function(_RELEASING, "call_shutdown", c_int32, [c_uint32, c_void_p])
call_create = _function(_KEEPING, "call_create", c_int32, [c_uint64, c_void_p])
call_begin = _function(_RELEASING, "call_begin", c_int32, [c_uint64, c_uint32, c_void_p, c_size_t])
call_begin_owned = _function(_RELEASING, "call_begin_owned", c_int32, [c_uint64, c_uint32, c_void_p, c_size_t, call_free_fn, c_void_p])
call_wait = _function(_RELEASING, "call_wait", c_int32, [c_uint64, c_uint32])
call_finish = _function(_RELEASING, "call_finish", c_int32, [c_uint64, c_void_p, c_size_t, c_void_p])
call_try_finish = _function(_KEEPING, "call_try_finish", c_int32, [c_uint64, c_void_p, c_size_t, c_void_p])
call_finish_buffer = _function(_RELEASING, "call_finish_buffer", c_int32, [c_uint64, c_void_p])
call_buffer_get = _function(_KEEPING, "call_buffer_get", c_int32, [c_uint64, c_void_p, c_void_p])
call_buffer_release = _function(_KEEPING, "call_buffer_release", c_int32, [c_uint64])
call_add_ref = _function(_KEEPING, "call_add_ref", c_int32, [c_uint64])
call_release = _function(_KEEPING, "call_release", c_int32, [c_uint64])
call_get_fate = _function(_KEEPING, "call_get_fate", c_int32, [c_uint64, c_void_p])
call_get_cause = _function(_KEEPING, "call_get_cause", c_int32, [c_uint64, c_void_p])
call_set_timeout = _function(_KEEPING, "call_set_timeout", c_int32, [c_uint64, c_uint32, c_uint32])
call_set_parent = _function(_KEEPING, "call_set_parent", c_int32, [c_uint64, c_uint64])
call_detach = _function(_KEEPING, "call_detach", c_int32, [c_uint64])
call_set_callback = _function(_KEEPING, "call_set_callback", c_int32, [c_uint64, call_completed_fn, c_void_p, call_destroy_fn])
call_get_fd = _function(_KEEPING, "call_get_fd", c_int32, [c_uint64, c_void_p])
call_wait_many = _function(_RELEASING, "call_wait_many", c_int32, [c_void_p, c_size_t, c_uint32, c_uint32, c_void_p])
call_get_error = _function(_KEEPING, "call_get_error", c_int32, [c_uint64, c_char_p, c_size_t, c_void_p])
call_get_progress = _function(_KEEPING, "call_get_progress", c_int32, [c_uint64, c_void_p, c_void_p])
call_query_cancel = _function(_KEEPING, "call_query_cancel", c_int32, [c_uint64, c_void_p])
call_cancel = _function(_RELEASING, "call_cancel", c_int32, [c_uint64, c_uint32])
call_request_cancel = _function(_KEEPING, "call_request_cancel", c_int32, [c_uint64, c_uint32])
call_test_cancel = _function(_KEEPING, "call_test_cancel", c_int32, [c_uint64])
call_cancel_release = _function(_KEEPING, "call_cancel_release", c_int32, [c_uint64])
call_object_create = _function(_KEEPING, "call_object_create", c_int32, [c_uint64, c_void_p, c_void_p, c_void_p])
call_object_bind = _function(_RELEASING, "call_object_bind", c_int32, [c_char_p, c_void_p, c_void_p])
call_object_find_method = _function(_KEEPING, "call_object_find_method", c_int32, [c_uint64, c_char_p, c_void_p])
call_object_add_ref = _function(_KEEPING, "call_object_add_ref", c_int32, [c_uint64])
call_object_release = _function(_KEEPING, "call_object_release", c_int32, [c_uint64])
call_object_disconnect = _function(_KEEPING, "call_object_disconnect", c_int32, [c_uint64])
call_context_write = _function(_KEEPING, "call_context_write", c_int32, [c_uint64, c_void_p, c_size_t])
call_context_reserve = _function(_KEEPING, "call_context_reserve", c_int32, [c_uint64, c_size_t, c_void_p])
call_context_commit = _function(_KEEPING, "call_context_commit", c_int32, [c_uint64, c_size_t])
call_context_test_cancel = _function(_KEEPING, "call_context_test_cancel", c_int32, [c_uint64])
call_context_wait_cancel = _function(_RELEASING, "call_context_wait_cancel", c_int32, [c_uint64, c_uint32])
call_context_complete = _function(_RELEASING, "call_context_complete", c_int32, [c_uint64, c_int32])
call_context_set_progress = _function(_KEEPING, "call_context_set_progress", c_int32, [c_uint64, c_uint64, c_uint64])
call_context_set_error = _function(_KEEPING, "call_context_set_error", c_int32, [c_uint64, c_char_p])
call_context_get_cancel_flag = _function(_KEEPING, "call_context_get_cancel_flag", c_int32, [c_uint64, c_void_p])
call_context_on_cancel = _function(_RELEASING, "call_context_on_cancel", c_int32, [c_uint64, call_notify_fn, c_void_p])
call_context_get_cancel_fd = _function(_KEEPING, "call_context_get_cancel_fd", c_int32, [c_uint64, c_void_p])
call_context_get_deadline = _function(_KEEPING, "call_context_get_deadline", c_int32, [c_uint64, c_void_p])
call_context_current = _function(_KEEPING, "call_context_current", c_int32, [c_void_p])
call_context_disable_cancel = _function(_KEEPING, "call_context_disable_cancel", c_int32, [c_uint64])
call_context_enable_cancel = _function(_KEEPING, "call_context_enable_cancel", c_int32, [c_uint64])
call_apartment_create = _function(_KEEPING, "call_apartment_create", c_int32, [c_void_p, c_void_p])
call_apartment_pump = _function(_RELEASING, "call_apartment_pump", c_int32, [c_uint64, c_uint32, c_void_p])
call_apartment_get_fd = _function(_KEEPING, "call_apartment_get_fd", c_int32, [c_uint64, c_void_p])
call_apartment_close = _function(_RELEASING, "call_apartment_close", c_int32, [c_uint64, c_uint32, c_void_p])
call_apartment_release = _function(_KEEPING, "call_apartment_release", c_int32, [c_uint64])
call_module_register = _function(_KEEPING, "call_module_register", c_int32, [c_uint64, c_char_p, c_void_p, call_make_fn, c_void_p])
call_host_serve = _function(_RELEASING, "call_host_serve", c_int32, [c_int, call_module_main_fn])
call_host_main = _function(_RELEASING, "call_host_main", c_int32, [c_int, c_void_p])
call_invoke = _function(_RELEASING, "call_invoke", c_int32, [c_uint64, c_uint32, c_void_p, c_size_t, c_void_p, c_size_t, c_void_p, c_uint32, c_void_p])
call_invoke_buffer = _function(_RELEASING, "call_invoke_buffer", c_int32, [c_uint64, c_uint32, c_void_p, c_size_t, c_void_p, c_uint32, c_void_p])
call_enable_cancellation = _function(_KEEPING, "call_enable_cancellation", c_int32, [])
call_disable_cancellation = _function(_KEEPING, "call_disable_cancellation", c_int32, [])
call_thread_id = _function(_KEEPING, "call_thread_id", c_int32, [c_void_p])
call_cancel_thread = _function(_RELEASING, "call_cancel_thread", c_int32, [c_uint64, c_uint32])
call_request_cancel_thread = _function(_KEEPING, "call_request_cancel_thread", c_int32, [c_uint64, c_uint32])
call_query_thread_cancel = _function(_KEEPING, "call_query_thread_cancel", c_int32, [c_uint64, c_void_p])
call_queue_create = _function(_KEEPING, "call_queue_create", c_int32, [c_void_p])
call_queue_next = _function(_RELEASING, "call_queue_next", c_int32, [c_uint64, c_void_p, c_size_t, c_uint32, c_void_p])
call_queue_post = _function(_KEEPING, "call_queue_post", c_int32, [c_uint64, c_uint64])
call_queue_get_fd = _function(_KEEPING, "call_queue_get_fd", c_int32, [c_uint64, c_void_p])
call_queue_close = _function(_KEEPING, "call_queue_close", c_int32, [c_uint64])
call_queue_release = _function(_KEEPING, "call_queue_release", c_int32, [c_uint64])
call_set_queue = _function(_KEEPING, "call_set_queue", c_int32, [c_uint64, c_uint64, c_uint64])
call_enumerate = _function(_KEEPING, "call_enumerate", c_int32, [c_void_p, c_size_t, c_size_t, c_void_p])
call_dump = _function(_RELEASING, "call_dump", c_int32, [c_int32])
call_request_dump = _function(_KEEPING, "call_request_dump", c_int32, [c_int32])
call_set_tracking = _function(_KEEPING, "call_set_tracking", c_int32, [c_uint32, c_uint32])
call_get_counters = _function(_KEEPING, "call_get_counters", c_int32, [c_void_p])
call_set_log = _function(_KEEPING, "call_set_log", c_int32, [call_log_fn, c_void_p])
call_set_thread_hooks = _function(_KEEPING, "call_set_thread_hooks", c_int32, [call_thread_fn, call_thread_fn, c_void_p])
call_set_trace = _function(_KEEPING, "call_set_trace", c_int32, [call_trace_fn, c_void_p])

if call_version() >> 8 != CALL_VERSION >> 8:
    raise ImportError(f"libcall: {LIBRARY} is version {call_version():#x}, these declarations are of {CALL_VERSION:#x}")
