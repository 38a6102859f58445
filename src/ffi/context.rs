//! The server's view of one call.

use super::types::{call_context_t, call_hresult_t, call_notify_fn};
use super::{clear, guard, input, text};
use crate::execution::{Callback, Server};
use crate::frame;
use crate::handle::Kind;
use crate::hresult::{E_POINTER, Failure, Hresult, RPC_E_CALL_COMPLETE, RPC_S_CALLPENDING, S_OK};
use crate::time::Deadline;
use std::ffi::{c_char, c_void};

/// The context of a handle; the null handle is this thread's innermost method (SV-11).
#[inline]
fn find(context: call_context_t) -> Result<Server, Failure> {
    if context.id != 0 {
        return Server::find(context.id);
    }
    frame::method().ok_or(Failure::because(RPC_E_CALL_COMPLETE, "no method runs on this thread"))
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

/// Room for `len` bytes at the end of the call's output, to be written in place; what was written is
/// added with `call_context_commit`. The room is there until the next write, reserve or commit of
/// this call, or its method's end. What lies in it before is not defined, and may be of another call.
///
/// Threads: any, one at a time per call. Blocks: no. Ownership: the library's.
///
/// Returns as `call_context_write` does. `E_POINTER`: `data_out` is NULL.
///
/// # Safety
/// `data_out` is NULL or writable.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_context_reserve(
    context: call_context_t,
    len: usize,
    data_out: *mut *mut c_void,
) -> call_hresult_t {
    guard(|| {
        // SAFETY: the caller's promise.
        unsafe { clear(data_out.cast::<usize>()) }?;
        let room = Server::find(context.id)?.reserve(len)?;
        // SAFETY: not NULL, and the caller's promise.
        unsafe { data_out.write(room.cast()) };
        Ok(S_OK)
    })
}

/// Adds the first `len` bytes of what was reserved to the call's output.
///
/// Threads: any, one at a time per call. Blocks: no.
///
/// Returns as `call_context_write` does. `E_INVALIDARG`: more than was reserved; the output is as it was.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn call_context_commit(context: call_context_t, len: usize) -> call_hresult_t {
    guard(|| Server::find(context.id)?.commit(len))
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
    let undisturbed = if context.id == 0 { frame::goes_on() } else { Server::is_undisturbed(context.id) };
    if undisturbed { RPC_S_CALLPENDING.0 } else { look_closer(context) }
}

#[cold]
fn look_closer(context: call_context_t) -> call_hresult_t {
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
/// Threads: any. Blocks: while the function given to `call_context_on_cancel` runs on another thread.
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

/// A byte that is zero until a cancel is requested: what a tight loop reads. It may be read while the
/// method runs; after its end it says nothing.
///
/// Threads: any. Blocks: no. Ownership: the library's; it stays readable.
///
/// Returns `S_OK`. `E_POINTER`: `flag_out` is NULL. `RPC_E_CALL_COMPLETE`: the method has ended, or the
/// context is null and no method runs on this thread. `E_HANDLE`: never was a context.
///
/// # Safety
/// `flag_out` is NULL or writable.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_context_get_cancel_flag(
    context: call_context_t,
    flag_out: *mut *const u8,
) -> call_hresult_t {
    guard(|| {
        if flag_out.is_null() {
            return Err(Failure::because(E_POINTER, "an output pointer is NULL"));
        }
        // SAFETY: not NULL, and the caller's promise.
        unsafe { flag_out.write(std::ptr::null()) };
        let flag = find(context)?.cancel_flag()?;
        // SAFETY: as above.
        unsafe { flag_out.write(flag) };
        Ok(S_OK)
    })
}

/// Registers the function that runs when the call is canceled, in place of an earlier one: exactly
/// once, on a thread of the library's, here and now if the call is canceled already, or at the latest
/// when the method ends. NULL takes it back: when this has returned it does not run, nor will it. It
/// may complete the call. It must not block: other functions that the library's thread runs wait for it,
/// and so does the method's end.
///
/// Threads: any. Blocks: while the function runs on another thread.
///
/// Returns `S_OK`. `RPC_E_CALL_COMPLETE`: the method has ended, or the context is null and no method runs
/// on this thread; the function will not run. `RPC_E_OUT_OF_RESOURCES`: the thread that tells could not
/// be started. `E_HANDLE`: never was a context.
///
/// # Safety
/// `notify` may be called with `user` until it has run, was taken back, or the method has ended.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_context_on_cancel(
    context: call_context_t,
    notify: call_notify_fn,
    user: *mut c_void,
) -> call_hresult_t {
    guard(|| find(context)?.on_cancel(notify.map(|run| Callback { run, user })))
}

/// A descriptor that is readable once the call is canceled, for a method that waits in `poll`.
/// Level-triggered, made on first use.
///
/// Threads: any. Blocks: no. Ownership: the library closes it some time after the method's end; do
/// not read, write or close it. On failure `fd_out` is -1, as 0 is a descriptor.
///
/// Returns `S_OK`. `E_POINTER`: `fd_out` is NULL. `RPC_E_OUT_OF_RESOURCES`: no descriptor is left.
/// `RPC_E_CALL_COMPLETE`: the method has ended, or the context is null and no method runs on this
/// thread. `E_HANDLE`: never was a context.
///
/// # Safety
/// `fd_out` is NULL or writable.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_context_get_cancel_fd(context: call_context_t, fd_out: *mut i32) -> call_hresult_t {
    guard(|| {
        // SAFETY: the caller's promise.
        let out = unsafe { clear(fd_out) }?;
        *out = -1;
        *out = find(context)?.cancel_descriptor()?;
        Ok(S_OK)
    })
}

/// The time that is left until the call's deadline, its own or that of a call that it was begun for.
///
/// Threads: any. Blocks: no.
///
/// Returns `S_OK`: in milliseconds, 0 when it has passed; `CALL_INFINITE`: it has none. `E_POINTER`: `left_ms_out` is NULL.
/// `RPC_E_CALL_COMPLETE`: the method has ended, or the context is null and no method runs on this
/// thread. `E_HANDLE`: never was a context.
///
/// # Safety
/// `left_ms_out` is NULL or writable.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_context_get_deadline(context: call_context_t, left_ms_out: *mut u32) -> call_hresult_t {
    guard(|| {
        // SAFETY: the caller's promise.
        let out = unsafe { clear(left_ms_out) }?;
        *out = find(context)?.deadline()?.left_ms();
        Ok(S_OK)
    })
}

/// The context of this thread's innermost method.
///
/// Threads: any. Blocks: no. Ownership: as with the context that the method was given.
///
/// Returns `S_OK`. `E_POINTER`: `context_out` is NULL. `RPC_E_CALL_COMPLETE`: no method runs on this thread.
///
/// # Safety
/// `context_out` is NULL or writable.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_context_current(context_out: *mut call_context_t) -> call_hresult_t {
    guard(|| {
        // SAFETY: the caller's promise.
        let out = unsafe { clear(context_out) }?;
        let Server { execution, generation } = find(call_context_t::default())?;
        out.id = execution.handle(generation).encode(Kind::Context);
        Ok(S_OK)
    })
}

/// Begins a region that a cancel does not interrupt: until `call_context_enable_cancel` the method
/// does not hear of one, by looking, sleeping, function or descriptor (the flag byte still shows
/// it). The client is freed at the end of its grace period all the same. Regions do not nest.
///
/// Threads: any. Blocks: no.
///
/// Returns `S_OK`: the region is entered. `RPC_E_CALL_CANCELED`: too late, the call is canceled; the region
/// is not entered. `RPC_E_CALL_COMPLETE`: the method has ended, or the context is null and no method
/// runs on this thread. `E_HANDLE`: never was a context.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn call_context_disable_cancel(context: call_context_t) -> call_hresult_t {
    guard(|| find(context)?.disable_cancel())
}

/// Ends that region. What was not heard in it is told now.
///
/// Threads: any. Blocks: no; the function given to `call_context_on_cancel` may run here.
///
/// Returns `S_OK`: no cancel came meanwhile. `RPC_E_CALL_CANCELED`: one did. `RPC_E_CALL_COMPLETE`: the
/// method has ended, or the context is null and no method runs on this thread. `E_HANDLE`: never was
/// a context.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn call_context_enable_cancel(context: call_context_t) -> call_hresult_t {
    guard(|| find(context)?.enable_cancel())
}
