//! Synchronous calls, and canceling them by thread.

use super::types::{call_buffer_t, call_cancel_t, call_fate_t, call_hresult_t, call_object_t};
use super::{clear, guard, guard_in_signal, input};
use crate::buffer::{BUFFERS, Bytes};
use crate::execution::Grace;
use crate::fork;
use crate::hresult::{E_POINTER, Failure, Outcome, S_OK};
use crate::invoke;
use crate::object::ObjectHold;
use crate::state::Fate;
use crate::timer;
use std::ffi::c_void;

/// Calls a method and waits for its result: create, begin, finish and release in one. While it waits, the
/// calling thread serves the apartments that it owns.
///
/// The thread can be told to stop waiting by `call_cancel_thread`, if it had called
/// `call_enable_cancellation` before. (SY-1, SY-7, SY-12, SY-13)
///
/// `timeout_ms` is the call's deadline, without grace; `CALL_INFINITE` is none. `out_len_out` gets the
/// length of the output; it may be NULL. `out` NULL with `out_cap` 0 drops the output if `out_len_out` is NULL
/// too. `fate_out` gets what became of the work, also where this fails; it may be NULL.
///
/// Threads: any. Blocks: until the call is complete.
///
/// Returns the method's result, or what `call_begin` or `call_finish` fails with. `RPC_E_TIMEOUT`: the
/// deadline passed. `RPC_E_CALL_CANCELED`: the call was canceled, through its parent or by the thread. `CALL_E_MORE_DATA`:
/// `out_cap` is smaller than the output, which is lost; `out_len_out` has its length. `call_invoke_buffer` has
/// no such limit. `CALL_E_DEADLOCK`: made from a method that it cannot end before; the call is canceled.
/// `E_POINTER`: `in` or `out` is NULL, but its length is not 0. `E_HANDLE`: not a living object. `E_OUTOFMEMORY`.
///
/// # Safety
/// `in` is NULL or points to `in_len` readable bytes, `out` is NULL or points to `out_cap` writable ones;
/// `out_len_out` and `fate_out` are NULL or writable.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_invoke(
    object: call_object_t,
    method: u32,
    in_: *const c_void,
    in_len: usize,
    out: *mut c_void,
    out_cap: usize,
    out_len_out: *mut usize,
    timeout_ms: u32,
    fate_out: *mut call_fate_t,
) -> call_hresult_t {
    guard(|| {
        if !out_len_out.is_null() {
            // SAFETY: not NULL, and the caller's promise.
            unsafe { out_len_out.write(0) };
        }
        if out.is_null() && out_cap != 0 {
            clear_fate(fate_out);
            return Err(Failure::because(E_POINTER, "out is NULL, but out_cap is not 0"));
        }
        // SAFETY: the caller's promise.
        let accept = |output: Option<Bytes>| unsafe { super::call::copy_output(output, out, out_cap, out_len_out) };
        // SAFETY: the caller's promise.
        unsafe { run(object, method, in_, in_len, timeout_ms, fate_out, accept) }
    })
}

/// As `call_invoke`, with an output that is not copied: the library's buffer is handed out. `buffer_out` is
/// null where there is no output.
///
/// Threads: any. Blocks: until the call is complete. Ownership: the caller releases the buffer with
/// `call_buffer_release`.
///
/// Returns as `call_invoke` does, but never `CALL_E_MORE_DATA`. `E_POINTER`: `buffer_out` is NULL, or `in` is
/// NULL, but `in_len` is not 0.
///
/// # Safety
/// `in` is NULL or points to `in_len` readable bytes; `buffer_out` and `fate_out` are NULL or writable.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_invoke_buffer(
    object: call_object_t,
    method: u32,
    in_: *const c_void,
    in_len: usize,
    buffer_out: *mut call_buffer_t,
    timeout_ms: u32,
    fate_out: *mut call_fate_t,
) -> call_hresult_t {
    guard(|| {
        clear_fate(fate_out);
        // SAFETY: the caller's promise.
        let out = unsafe { clear(buffer_out) }?;
        let accept = |output: Option<Bytes>| {
            if let Some(output) = output.filter(|output| !output.is_empty()) {
                out.id = output.hand_out(|long| BUFFERS.insert(long))?;
            }
            Ok(())
        };
        // SAFETY: the caller's promise.
        unsafe { run(object, method, in_, in_len, timeout_ms, fate_out, accept) }
    })
}

fn clear_fate(fate_out: *mut call_fate_t) {
    if !fate_out.is_null() {
        // SAFETY: not NULL, and the caller's promise.
        unsafe { fate_out.write(0) };
    }
}

/// # Safety
/// `in_` is NULL or points to `in_len` readable bytes; `fate_out` is NULL or writable.
unsafe fn run(
    object: call_object_t,
    method: u32,
    in_: *const c_void,
    in_len: usize,
    timeout_ms: u32,
    fate_out: *mut call_fate_t,
    accept: impl FnOnce(Option<Bytes>) -> Result<(), Failure>,
) -> Outcome {
    clear_fate(fate_out);
    // SAFETY: the caller's promise.
    let bytes = unsafe { input(in_, in_len) }?;
    fork::watch();
    let mut fate = Fate::None;
    let target = ObjectHold::find(object.id)?;
    let invoked = invoke::invoke(target, method, bytes, timeout_ms, accept, &mut fate);
    if !fate_out.is_null() {
        // SAFETY: not NULL, and the caller's promise.
        unsafe { fate_out.write(super::call::fate_number(fate)) };
    }
    invoked
}

/// Enables cancellation of the synchronous calls that this thread makes from now on. Counted: each enable
/// needs a disable. (SY-1, SY-2, SY-5, SY-7)
///
/// Threads: any; each has its own count. Blocks: no.
///
/// Returns `S_OK`.
#[unsafe(no_mangle)]
pub extern "C" fn call_enable_cancellation() -> call_hresult_t {
    guard(|| {
        invoke::enable();
        Ok(S_OK)
    })
}

/// Takes one enable back. Calls that were made before stay as they are. (SY-3, SY-4, SY-7)
///
/// Threads: any; each has its own count. Blocks: no.
///
/// Returns `S_OK`. `CO_E_CANCEL_DISABLED`: the count is 0 already.
#[unsafe(no_mangle)]
pub extern "C" fn call_disable_cancellation() -> call_hresult_t {
    guard(invoke::disable)
}

/// The calling thread's number, for `call_cancel_thread` on another one. No other thread of the process
/// ever has the same.
///
/// Threads: any. Blocks: no.
///
/// Returns `S_OK`. `E_POINTER`: `thread_id_out` is NULL. `E_OUTOFMEMORY`.
///
/// # Safety
/// `thread_id_out` is NULL or writable.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_thread_id(thread_id_out: *mut u64) -> call_hresult_t {
    guard(|| {
        // SAFETY: the caller's promise.
        let out = unsafe { clear(thread_id_out) }?;
        fork::watch();
        *out = invoke::thread_id()?;
        Ok(S_OK)
    })
}

/// Cancels the innermost synchronous call of a thread, as `call_cancel` does; 0 is the calling thread. A
/// thread's number names no call: it may hit the next one, or none (SY-14). Where that matters take
/// `call_query_thread_cancel`. (SY-8, SY-9, SY-11)
///
/// Threads: any. Blocks: up to `seconds` seconds.
///
/// Returns as `call_cancel` does. `E_NOINTERFACE`: no synchronous call is in progress there, or its class
/// has no cancel (SY-10). `CO_E_CANCEL_DISABLED`: it was made while cancellation was disabled there.
/// `E_HANDLE`: not the number of a living thread.
#[unsafe(no_mangle)]
pub extern "C" fn call_cancel_thread(thread_id: u64, seconds: u32) -> call_hresult_t {
    guard(|| invoke::cancel_thread(thread_id, seconds))
}

/// As `call_cancel_thread`, and returns at once; the grace period is in milliseconds.
///
/// Threads: any, and signal handlers: it is async-signal-safe, with 0 on a thread that has used
/// `call_thread_id` or `call_invoke` before. Blocks: no. The thread's last failure is not touched.
///
/// Returns as `call_request_cancel` and `call_cancel_thread` do.
#[unsafe(no_mangle)]
pub extern "C" fn call_request_cancel_thread(thread_id: u64, grace_ms: u32) -> call_hresult_t {
    guard_in_signal(|| invoke::request_cancel_thread(thread_id, Grace::milliseconds(grace_ms)))
}

/// The cancel interface of the innermost synchronous call of a thread; 0 is the calling thread. It names
/// that one call: used late it answers `RPC_E_CALL_COMPLETE` and hits no other. (SY-14)
///
/// Threads: any. Blocks: no. Ownership: the caller releases it with `call_cancel_release`.
///
/// Returns `S_OK`. `E_NOINTERFACE`: no synchronous call is in progress there, or its class has no cancel.
/// `CO_E_CANCEL_DISABLED`: it was made while cancellation was disabled there. `E_HANDLE`: not the number of
/// a living thread. `E_POINTER`: `cancel_out` is NULL. `E_OUTOFMEMORY`. `RPC_E_OUT_OF_RESOURCES`: the thread
/// that ends grace periods could not be started.
///
/// # Safety
/// `cancel_out` is NULL or writable.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_query_thread_cancel(thread_id: u64, cancel_out: *mut call_cancel_t) -> call_hresult_t {
    guard(|| {
        // SAFETY: the caller's promise.
        let out = unsafe { clear(cancel_out) }?;
        fork::watch();
        timer::start()?;
        out.id = invoke::query_thread_cancel(thread_id)?;
        Ok(S_OK)
    })
}
