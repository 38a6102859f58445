//! The cancel interface.

use super::guard::guard_in_signal;
use super::types::{call_cancel_t, call_hresult_t, call_t};
use super::{clear, guard};
use crate::call::Call;
use crate::cancel;
use crate::execution::Grace;
use crate::hresult::S_OK;

/// Queries a call object for its cancel interface. It names the call in progress or, if there is
/// none, the next one begun; when that call is finished it answers `RPC_E_CALL_COMPLETE` for good, so
/// a late cancel never hits another call. It goes on working after `call_release`. (MK-1)
///
/// The first query in a process starts the thread that ends grace periods, if nothing has before.
///
/// Threads: any. Blocks: no. Ownership: the caller releases it with `call_cancel_release`.
///
/// Returns `S_OK`. `E_NOINTERFACE`: the class has no cancel and the call in progress was begun on the
/// client's thread, or the class does its own marshaling (MK-2, MK-3). `E_POINTER`: `cancel_out` is
/// NULL. `E_HANDLE`: not a living call object. `E_OUTOFMEMORY`. `RPC_E_OUT_OF_RESOURCES`: the thread could not be started.
///
/// # Safety
/// `cancel_out` is NULL or writable.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_query_cancel(call: call_t, cancel_out: *mut call_cancel_t) -> call_hresult_t {
    guard(|| {
        // SAFETY: the caller's promise.
        let out = unsafe { clear(cancel_out) }?;
        out.id = cancel::query(Call::find(call.id)?)?;
        Ok(S_OK)
    })
}

/// Asks for the call to end, and waits up to `seconds` for the server's answer. A call that has not
/// started never will, and is complete at once. 0 does not wait: the client is freed now, and the
/// method goes on without it. `CALL_INFINITE` waits as long as the method takes. After that time the
/// client is freed. The call object stays busy until it is finished. (CN-1 to CN-16, TO-1 to TO-8)
///
/// A further cancel is answered at once, and an earlier end of its grace period replaces a later
/// one. Inside the very method that is to end it only asks, and does not wait.
///
/// Threads: any. Blocks: up to `seconds` seconds.
///
/// Returns `S_OK`: the request was made, and the client is freed; whether the work stopped, the fate
/// says (CN-1, CN-3, CN-9). `RPC_E_CALL_COMPLETE`: the method answered in time, whatever it answered,
/// or before, or no call is in progress (CN-2, CN-6, CN-7). `RPC_E_CALL_CANCELED`: it was canceled
/// before (CN-5), or its class is being asked to. `E_NOINTERFACE`: the call was begun on the client's thread and its class has no
/// cancel. What the class's cancel failed with: the call goes on (CN-12). `CALL_E_DEADLOCK`: the request was made, but a wait without end from this method
/// could never end. `E_HANDLE`: not a living cancel handle.
#[unsafe(no_mangle)]
pub extern "C" fn call_cancel(cancel: call_cancel_t, seconds: u32) -> call_hresult_t {
    if cancel::cancel_in_queue(cancel.id) { S_OK.0 } else { cancel_elsewhere(cancel, seconds) }
}

/// Asks for the call to end as `call_cancel` does, and returns at once. The grace period, in
/// milliseconds, is ended by a thread of the library; 0 frees the client now, `CALL_INFINITE` leaves
/// the method all the time it takes. The thread's last failure is not touched.
///
/// Threads: any, and signal handlers: it is async-signal-safe. Blocks: no.
///
/// Returns `S_OK`: the request was made, or for a call begun on the client's thread, its class will be
/// asked. `E_NOINTERFACE`: that class has no cancel. `RPC_E_CALL_COMPLETE`: the call is complete, or none
/// is in progress. `RPC_E_CALL_CANCELED`: it was canceled before; an earlier end of grace replaces a later
/// one. `E_HANDLE`: not a living cancel handle.
#[unsafe(no_mangle)]
pub extern "C" fn call_request_cancel(cancel: call_cancel_t, grace_ms: u32) -> call_hresult_t {
    if cancel::cancel_in_queue(cancel.id) { S_OK.0 } else { request_elsewhere(cancel, grace_ms) }
}

#[inline(never)]
fn cancel_elsewhere(cancel: call_cancel_t, seconds: u32) -> call_hresult_t {
    guard(|| cancel::cancel(cancel.id, seconds))
}

#[inline(never)]
fn request_elsewhere(cancel: call_cancel_t, grace_ms: u32) -> call_hresult_t {
    guard_in_signal(|| cancel::request(cancel.id, Grace::milliseconds(grace_ms)))
}

/// Asks whether the call was canceled. Changes nothing. (TC-1 to TC-7)
///
/// Threads: any. Blocks: no.
///
/// Returns `RPC_E_CALL_CANCELED`: a cancel was requested, and the method has not answered in time nor the
/// call been finished since.
/// `RPC_S_CALLPENDING`: it is in progress, and none was; a negative code, so compare.
/// `RPC_E_CALL_COMPLETE`: the call is complete otherwise, or none is in progress. `E_HANDLE`: not a living
/// cancel handle.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn call_test_cancel(cancel: call_cancel_t) -> call_hresult_t {
    guard(|| cancel::test(cancel.id))
}

/// Gives back a cancel interface. The call goes on. (CN-15)
///
/// Threads: any. Blocks: no.
///
/// Returns `S_OK`. `E_HANDLE`: not a living cancel handle.
#[unsafe(no_mangle)]
pub extern "C" fn call_cancel_release(cancel: call_cancel_t) -> call_hresult_t {
    guard(|| cancel::release(cancel.id))
}
