//! The server's view of one call.

use super::types::{call_context_t, call_hresult_t};
use super::{guard, input, text};
use crate::execution::Server;
use crate::frame;
use crate::hresult::{Failure, Hresult, RPC_E_CALL_COMPLETE};
use crate::time::Deadline;
use std::ffi::{c_char, c_void};

/// The context of a handle; the null handle is this thread's innermost method (SV-11).
#[inline]
fn find(context: call_context_t) -> Result<Server, Failure> {
    if context.id != 0 {
        return Server::find(context.id);
    }
    frame::innermost(|frame| frame.map(|frame| frame.server))
        .ok_or(Failure::because(RPC_E_CALL_COMPLETE, "no method runs on this thread"))
}

/// Appends to the call's output, which the client collects when it finishes the call.
///
/// Threads: any. Blocks: no. Ownership: the data is copied.
///
/// Returns `S_OK`. `RPC_E_CALL_CANCELED`: the client was freed by a cancel; nobody will read the output.
/// `RPC_E_CALL_COMPLETE`: the method has ended. `E_POINTER`: data is NULL, but len is not 0. `E_HANDLE`:
/// not the context of a method that runs. `E_OUTOFMEMORY`: the output is as it was.
///
/// # Safety
/// `data` is NULL or points to `len` readable bytes.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_context_write(
    context: call_context_t,
    data: *const c_void,
    len: usize,
) -> call_hresult_t {
    guard(|| {
        // SAFETY: the caller's promise.
        let bytes = unsafe { input(data, len) }?;
        Server::find(context.id)?.write(bytes)
    })
}

/// Asks whether the call was canceled: what a method does every now and then. One look at memory;
/// it reads no clock. The null context is this thread's innermost method. (SV-9, SV-11, TC-1, TC-2)
///
/// Threads: any. Blocks: no.
///
/// Returns `RPC_S_CALLPENDING`: go on; a negative code, so compare. `RPC_E_CALL_CANCELED`: free what was
/// made and return `RPC_E_CALL_CANCELED`. `RPC_E_CALL_COMPLETE`: the method has ended, or the context is
/// null and no method runs on this thread. `E_HANDLE`: never was a context.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn call_context_test_cancel(context: call_context_t) -> call_hresult_t {
    guard(|| find(context)?.test_cancel())
}

/// Sleeps until the call is canceled. The null context is this thread's innermost method.
///
/// Threads: any. Blocks: up to `timeout_ms` milliseconds; `CALL_INFINITE` without end.
///
/// Returns `RPC_E_CALL_CANCELED`: canceled. `RPC_S_CALLPENDING`: the time is over. `RPC_E_CALL_COMPLETE`:
/// the method has ended, or the context is null and no method runs on this thread. `E_HANDLE`: never
/// was a context.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn call_context_wait_cancel(context: call_context_t, timeout_ms: u32) -> call_hresult_t {
    guard(|| find(context)?.wait_cancel(Deadline::after_ms(timeout_ms)))
}

/// Ends a method that returned `CALL_S_DEFERRED`, or is about to: the client's call is complete with
/// this result. (SG-1 to SG-4, SG-8, SV-6)
///
/// Threads: any. Blocks: no.
///
/// Returns `S_OK`, also when the client has gone on and the result is dropped (SG-4).
/// `RPC_E_CALL_COMPLETE`: the method has ended; the first result stands (SG-3). `E_INVALIDARG`: no method
/// may end with `RPC_S_CALLPENDING`, `CALL_E_MORE_DATA` or `CALL_S_DEFERRED`; the call ended with
/// `E_UNEXPECTED`. `E_HANDLE`: never was a context.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn call_context_complete(context: call_context_t, result: call_hresult_t) -> call_hresult_t {
    guard(|| Server::find(context.id)?.complete(Hresult(result)))
}

/// Tells the client how far the method is, in a unit of its own; a total of 0 is unknown.
///
/// Threads: any. Blocks: no.
///
/// Returns `S_OK`. `RPC_E_CALL_CANCELED`: the client was freed by a cancel. `RPC_E_CALL_COMPLETE`: the
/// method has ended. `E_HANDLE`: never was a context.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn call_context_set_progress(context: call_context_t, done: u64, total: u64) -> call_hresult_t {
    guard(|| Server::find(context.id)?.set_progress(done, total))
}

/// Gives the message that goes with the call's result, in place of an earlier one; the client reads
/// it with `call_get_error`.
///
/// Threads: any. Blocks: no. Ownership: the text is copied; what is not UTF-8 in it is replaced.
///
/// Returns `S_OK`. `RPC_E_CALL_CANCELED`: the client was freed by a cancel. `RPC_E_CALL_COMPLETE`: the
/// method has ended. `E_POINTER`: message is NULL. `E_HANDLE`: never was a context.
///
/// # Safety
/// `message` is NULL or ends with a NUL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_context_set_error(context: call_context_t, message: *const c_char) -> call_hresult_t {
    guard(|| {
        // SAFETY: the caller's promise.
        let message = unsafe { text(message) }?;
        Server::find(context.id)?.set_error(message.to_string_lossy().into_owned())
    })
}
