//! The call object.

use super::library::copy_text;
use super::types::{
    call_buffer_t, call_completed_fn, call_destroy_fn, call_fate_t, call_free_fn, call_hresult_t, call_object_t, call_t,
};
use super::{clear, guard, input};
use crate::buffer::{BUFFERS, Bytes, Input, Owned};
use crate::call::{Call, Callback, CompletedFn, Lineage, wait_many};
use crate::fork;
use crate::hresult::{
    CALL_E_MORE_DATA, E_INVALIDARG, E_POINTER, Failure, RPC_E_CALL_COMPLETE, RPC_S_CALLPENDING, S_FALSE, S_OK,
};
use crate::object::ObjectHold;
use crate::state::{DONE, Fate};
use crate::time::Deadline;
use std::cell::Cell;
use std::ffi::{c_char, c_void};

/// Makes a call object for an object: idle, with one reference, to be begun any number of times, one
/// call at a time. It keeps the object alive. (CR-2, CR-7, CR-9, LT-1)
///
/// Threads: any. Blocks: no. Ownership: the caller releases the call object with `call_release`.
///
/// Returns `S_OK`. `E_POINTER`: `call_out` is NULL (CR-4). `E_HANDLE`: not a living object.
/// `E_OUTOFMEMORY`.
///
/// # Safety
/// `call_out` is NULL or writable.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_create(object: call_object_t, call_out: *mut call_t) -> call_hresult_t {
    guard(|| {
        // SAFETY: the caller's promise.
        let out = unsafe { clear(call_out) }?;
        fork::watch();
        out.id = Call::create(ObjectHold::find(object.id)?)?;
        Ok(S_OK)
    })
}

/// Begins a call of a method: queues it to the object's apartment and returns; or runs the class's
/// begin here, where the call is direct. The input is copied before this returns. The call object is busy until the call is finished. (BG-1 to BG-9)
///
/// Threads: any; of several that begin at once exactly one wins. Blocks: no, but for as long as a direct
/// begin takes.
///
/// Returns `S_OK`: the call is in progress. `RPC_S_CALLPENDING`: the call object is busy; nothing was
/// changed (BG-3 to BG-5). `DISP_E_MEMBERNOTFOUND`: the class has no such method. `CALL_E_TOO_BUSY`:
/// the apartment's queue is at its limit. `RPC_E_DISCONNECTED`: the apartment is closed, or the object
/// was disconnected.
/// `RPC_E_OUT_OF_RESOURCES`: the apartment has no thread, and none could be started. `E_POINTER`: in is
/// NULL, but `in_len` is not 0. `E_HANDLE`: not a living call object. `E_OUTOFMEMORY`. Where one was given to the call
/// object: `RPC_E_DISCONNECTED`: its completion queue is closed; `E_HANDLE`: that queue or its parent was
/// released; `RPC_E_CALL_COMPLETE`: the parent has no call in progress. After a failure
/// nothing is pending (BG-7), and the last call's fate and message stay.
///
/// # Safety
/// `in` is NULL or points to `in_len` readable bytes.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_begin(call: call_t, method: u32, in_: *const c_void, in_len: usize) -> call_hresult_t {
    guard(|| {
        // SAFETY: the caller's promise.
        let bytes = unsafe { input(in_, in_len) }?;
        Call::find(call.id)?.begin_with_copy(method, bytes)
    })
}

/// As `call_begin`, with an input that is not copied: the library takes the buffer over and frees it
/// with `free_fn`, exactly once, on any thread, when the method has no more use for it or never will.
/// If this does not return `S_OK`, the buffer is still the caller's.
///
/// Threads: any. Blocks: no, but for as long as a direct begin takes. Ownership: `in` is the library's after `S_OK`.
///
/// Returns as `call_begin` does. `E_POINTER`: `free_fn` is NULL, or `in` is NULL, but `in_len` is not 0.
///
/// # Safety
/// `in` points to `in_len` bytes that nobody writes until `free_fn` frees them, which may be called with
/// `in`, `in_len` and `user`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_begin_owned(
    call: call_t,
    method: u32,
    in_: *mut c_void,
    in_len: usize,
    free_fn: call_free_fn,
    user: *mut c_void,
) -> call_hresult_t {
    guard(|| {
        // SAFETY: the caller's promise.
        unsafe { input(in_, in_len) }?;
        let free = free_fn.ok_or(Failure::because(E_POINTER, "free_fn is NULL"))?;
        let call = Call::find(call.id)?;
        let mut owned = Some(Input::owned(Owned { data: in_, len: in_len, free, user }));
        let begun = call.begin(method, &mut owned);
        if let Some(refused) = owned {
            refused.give_back();
        }
        begun
    })
}

/// Waits until the call in progress is complete: its method ended, or it was canceled. Waits for
/// the begin that it finds, however often the call object is begun later. (WT-1 to WT-8, CN-16)
///
/// Threads: any number at once. Blocks: up to `timeout_ms` milliseconds; 0 polls, `CALL_INFINITE` waits
/// without end. A thread that owns a single apartment serves it meanwhile, and stays as long as the
/// method takes that it serves when the time is over; so it is with every wait.
///
/// Returns `S_OK`: complete, now and until it is finished (WT-3, WT-4). `RPC_S_CALLPENDING`: the time
/// is over; a negative code, so compare (WT-1, WT-2). `RPC_E_CALL_COMPLETE`: no call is in progress
/// (WT-6, WT-7). `CALL_E_DEADLOCK`: asked from a method that the call cannot end before.
/// `E_HANDLE`: not a living call object.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn call_wait(call: call_t, timeout_ms: u32) -> call_hresult_t {
    guard(|| Call::find(call.id)?.wait(Deadline::after_ms(timeout_ms)))
}

/// Finishes the call in progress: waits until it is complete, gives what its method wrote and
/// returns what its method returned. The call object is then idle and may be begun again. (FI-1 to
/// FI-17)
///
/// `out_len_out` gets the length of the output, also with `CALL_E_MORE_DATA`; it may be NULL. `out` NULL
/// with `out_cap` 0 asks for the length if `out_len_out` is given, and drops the output if not.
///
/// Threads: any; of several that finish at once one wins (FI-8). Blocks: until the call is complete,
/// which for a canceled call is the end of its grace period at the latest (FI-6).
///
/// Returns the method's result, with its output whatever the result is. `RPC_E_CALL_CANCELED`: the call
/// was canceled before its method answered; no output (FI-5). `RPC_E_DISCONNECTED`: the apartment was
/// closed or the object disconnected (FI-15). `RPC_E_SERVERFAULT`: the method panicked (FI-12). `E_UNEXPECTED`: the method ended
/// with a code that no method may end with.
/// The call goes on being in progress, and nothing is lost, after these: `CALL_E_MORE_DATA`: `out_cap` is
/// smaller than the output; call again. `CALL_E_DEADLOCK`: asked from a method that the call cannot
/// end before. `E_POINTER`: `out` is NULL, but `out_cap` is not 0. `RPC_E_CALL_COMPLETE`: no call is in
/// progress, or another thread is finishing it (FI-4, FI-7, FI-8). `E_HANDLE`: not a living call
/// object.
///
/// # Safety
/// `out` is NULL or points to `out_cap` writable bytes; `out_len_out` is NULL or writable.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_finish(
    call: call_t,
    out: *mut c_void,
    out_cap: usize,
    out_len_out: *mut usize,
) -> call_hresult_t {
    // SAFETY: the caller's promise.
    unsafe { finish(call, true, out, out_cap, out_len_out) }
}

/// As `call_finish`, without waiting.
///
/// Threads: any. Blocks: no.
///
/// Returns as `call_finish` does, and `RPC_S_CALLPENDING`: the call is not complete yet.
///
/// # Safety
/// As `call_finish`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_try_finish(
    call: call_t,
    out: *mut c_void,
    out_cap: usize,
    out_len_out: *mut usize,
) -> call_hresult_t {
    // SAFETY: the caller's promise.
    unsafe { finish(call, false, out, out_cap, out_len_out) }
}

/// # Safety
/// As `call_finish`.
unsafe fn finish(call: call_t, block: bool, out: *mut c_void, cap: usize, len_out: *mut usize) -> call_hresult_t {
    guard(|| {
        if !len_out.is_null() {
            // SAFETY: not NULL, and the caller's promise.
            unsafe { len_out.write(0) };
        }
        if out.is_null() && cap != 0 {
            return Err(Failure::because(E_POINTER, "out is NULL, but out_cap is not 0"));
        }
        // SAFETY: the caller's promise.
        let accept = |output: Option<Bytes>| unsafe { copy_output(output, out, cap, len_out) };
        Call::find(call.id)?.finish(block, accept)
    })
}

/// Copies an output to the program's buffer, or says how much room it needs.
///
/// # Safety
/// `out` is NULL with cap 0 or points to `cap` writable bytes; `len_out` is NULL or writable.
pub unsafe fn copy_output(
    output: Option<Bytes>,
    out: *mut c_void,
    cap: usize,
    len_out: *mut usize,
) -> Result<(), Failure> {
    let dropped = out.is_null() && len_out.is_null();
    let bytes = output.map_or(&[][..], Bytes::read);
    if !len_out.is_null() {
        // SAFETY: not NULL, and the caller's promise.
        unsafe { len_out.write(bytes.len()) };
    }
    if dropped || bytes.is_empty() {
        return Ok(());
    }
    if cap < bytes.len() {
        return Err(CALL_E_MORE_DATA.into());
    }
    // SAFETY: room for all of it, by the caller's promise; a new buffer cannot overlap.
    unsafe { out.cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    Ok(())
}

/// As `call_finish`, with an output that is not copied: the library's buffer is handed out.
/// `buffer_out` is null where there is no output.
///
/// Threads: any. Blocks: as `call_finish`. Ownership: the caller releases the buffer with
/// `call_buffer_release`.
///
/// Returns as `call_finish` does, but never `CALL_E_MORE_DATA`. `E_POINTER`: `buffer_out` is NULL.
/// `E_OUTOFMEMORY`: the call goes on being in progress, and nothing is lost.
///
/// # Safety
/// `buffer_out` is NULL or writable.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_finish_buffer(call: call_t, buffer_out: *mut call_buffer_t) -> call_hresult_t {
    guard(|| {
        // SAFETY: the caller's promise.
        let out = unsafe { clear(buffer_out) }?;
        Call::find(call.id)?.finish(true, |output| {
            if let Some(output) = output.filter(|output| !output.is_empty()) {
                out.id = output.hand_out(|long| BUFFERS.insert(long))?;
            }
            Ok(())
        })
    })
}

/// The bytes of a buffer. They stay until it is released.
///
/// Threads: any. Blocks: no.
///
/// Returns `S_OK`. `E_POINTER`: `data_out` or `len_out` is NULL. `E_HANDLE`: not a living buffer.
///
/// # Safety
/// Each pointer is NULL or writable.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_buffer_get(
    buffer: call_buffer_t,
    data_out: *mut *const c_void,
    len_out: *mut usize,
) -> call_hresult_t {
    guard(|| {
        // SAFETY: the caller's promise; both are cleared before the first failure.
        let (data, len) = unsafe { (clear(data_out.cast::<usize>()), clear(len_out)) };
        data?;
        let (bytes, count) = BUFFERS.with(buffer.id, |long| (long.as_ptr(), long.len()))?;
        *len? = count;
        // SAFETY: not NULL, and the caller's promise.
        unsafe { data_out.write(bytes.cast()) };
        Ok(S_OK)
    })
}

/// Frees a buffer.
///
/// Threads: any. Blocks: no.
///
/// Returns `S_OK`. `E_HANDLE`: not a living buffer.
#[unsafe(no_mangle)]
pub extern "C" fn call_buffer_release(buffer: call_buffer_t) -> call_hresult_t {
    guard(|| BUFFERS.release(buffer.id).map(|_| S_OK))
}

/// One reference more to a call object.
///
/// Threads: any. Blocks: no. Ownership: one `call_release` more.
///
/// Returns `S_OK`. `RPC_E_OUT_OF_RESOURCES`: a million references. `E_HANDLE`: not a living call object.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn call_add_ref(call: call_t) -> call_hresult_t {
    guard(|| Call::find(call.id)?.add_ref())
}

/// Gives back a reference. With the last one the handle is dead. A call in progress is neither
/// canceled nor waited for: its method runs to its end and its result is freed unseen. (RL-1 to
/// RL-5, LT-2)
///
/// Threads: any. Blocks: no; the object's destroy may run.
///
/// Returns `S_OK`. `E_HANDLE`: not a living call object.
#[unsafe(no_mangle)]
pub extern "C" fn call_release(call: call_t) -> call_hresult_t {
    guard(|| Call::find(call.id)?.release())
}

/// What became of the work of the call object's last call: `CALL_FATE_NONE` before the first
/// completion and while a call is pending, then from its completion until the next begin one of the
/// others. `CALL_FATE_RUNNING` changes to what it turned out to be when the method ends, also after
/// the call was finished.
///
/// Threads: any. Blocks: no.
///
/// Returns `S_OK`. `E_POINTER`: `fate_out` is NULL. `E_HANDLE`: not a living call object.
///
/// # Safety
/// `fate_out` is NULL or writable.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_get_fate(call: call_t, fate_out: *mut call_fate_t) -> call_hresult_t {
    guard(|| {
        // SAFETY: the caller's promise.
        let out = unsafe { clear(fate_out) }?;
        *out = fate_number(Call::find(call.id)?.fate()?);
        Ok(S_OK)
    })
}

/// A fate, as the header numbers it.
pub fn fate_number(fate: Fate) -> call_fate_t {
    match fate {
        Fate::None => 0,
        Fate::Completed => 1,
        Fate::NeverStarted => 2,
        Fate::Stopped => 3,
        Fate::Running => 4,
        Fate::Killed => 5,
    }
}

/// Why the call in progress, or else the last one, was canceled: the first cause stands, and gives the code
/// of a call whose client was freed. It tells a call's own cancel and deadline from those of the call that
/// it was begun for.
///
/// Threads: any. Blocks: no.
///
/// Returns `S_OK`: one of `CALL_CAUSE_*`; `CALL_CAUSE_NONE` before the first begin and where nobody canceled.
/// `E_POINTER`: `cause_out` is NULL. `E_HANDLE`: not a living call object.
///
/// # Safety
/// `cause_out` is NULL or writable.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_get_cause(call: call_t, cause_out: *mut u32) -> call_hresult_t {
    guard(|| {
        // SAFETY: the caller's promise.
        let out = unsafe { clear(cause_out) }?;
        let (_, _, state) = Call::find(call.id)?.look()?;
        *out = state.cause().map_or(0, |cause| cause as u32);
        Ok(S_OK)
    })
}

/// Gives a call object's next begins a deadline: when it passes, the call is canceled with the grace
/// period, and if its method has not answered by its end, finishing gives `RPC_E_TIMEOUT`; so it does where
/// the method stopped because of it, with `CALL_FATE_STOPPED`. A result that arrives in time stands. The
/// method can read the time that is left, and calls begun inside it inherit the deadline.
///
/// A call begun on the client's thread whose class has no cancel is not ended by its deadline.
///
/// `timeout_ms` counts from each begin; `CALL_INFINITE` is no deadline (the default). `grace_ms` is as in
/// `call_request_cancel`.
///
/// Threads: any. Blocks: no. The call in progress is not touched.
///
/// Returns `S_OK`. `E_HANDLE`: not a living call object. `E_OUTOFMEMORY`.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn call_set_timeout(call: call_t, timeout_ms: u32, grace_ms: u32) -> call_hresult_t {
    guard(|| Call::find(call.id)?.set_timeout(timeout_ms, grace_ms))
}

/// Names the call that a call object's next begins are for: what the parent has in progress at that time.
/// Its cancel flows down to them, with the grace that is left, and so does its deadline; so several calls
/// are canceled as one, through a parent. If the parent's call is canceled already, or is over
/// before the begin returns, the begin succeeds and the new call is canceled at once. The null call is the default: a call begun inside a method is begun for that
/// method's call, any other for none. Releasing the call does not cut it off.
///
/// Threads: any. Blocks: no. Ownership: the parent is not kept alive. The call in progress is not touched.
///
/// Returns `S_OK`. `E_INVALIDARG`: a call cannot be its own parent. `E_HANDLE`: one of the two is not a living
/// call object. `E_OUTOFMEMORY`. Begins give `RPC_E_CALL_COMPLETE` where the parent has no call in progress,
/// and `E_HANDLE` where it was released.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn call_set_parent(call: call_t, parent: call_t) -> call_hresult_t {
    guard(|| {
        let lineage = if parent.id == 0 { Lineage::Inherited } else { Lineage::Named(parent.id) };
        Call::find(call.id)?.set_lineage(lineage)
    })
}

/// Has a call object's next begins stand alone: inside a method, too, no cancel and no deadline flows down
/// to them. `call_set_parent` ends that.
///
/// Threads: any. Blocks: no. The call in progress is not touched.
///
/// Returns `S_OK`. `E_HANDLE`: not a living call object. `E_OUTOFMEMORY`.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn call_detach(call: call_t) -> call_hresult_t {
    guard(|| Call::find(call.id)?.set_lineage(Lineage::Detached))
}

/// Sets the function that is called when one of a call object's next begins is complete, exactly once for
/// each, whatever became of it, in place of an earlier one; NULL: none. It runs on the thread that completes
/// the call: one of the apartment's, the one that cancels, or, after `call_request_cancel` or a deadline, one of
/// the library's; or on one that was reading or writing the call's output, message or progress at that moment. A call
/// begun in it is begun for no other call. It may call everything, also finish the call, begin it again and release it. It must not
/// block: other work waits for that thread.
///
/// `destroy` is called with `user`, exactly once, when the function will not be called any more: it was
/// replaced or the call object released, and no call is in progress that it was set for. It may be NULL.
///
/// Threads: any. Blocks: no; an earlier function's destroy may run. The call in progress is not touched.
///
/// Returns `S_OK`. `E_HANDLE`: not a living call object; destroy is not called. `E_OUTOFMEMORY`.
///
/// # Safety
/// `completed` may be called with `user` until `destroy` is.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_set_callback(
    call: call_t,
    completed: call_completed_fn,
    user: *mut c_void,
    destroy: call_destroy_fn,
) -> call_hresult_t {
    guard(|| {
        let call = Call::find(call.id)?;
        let given = completed.map(|run| {
            // SAFETY: `call_t` and `CallId` are both one u64 in a C struct.
            let run = unsafe { std::mem::transmute::<*const (), CompletedFn>(run as *const ()) };
            Callback { run, user, destroy }
        });
        call.set_callback(given)
    })
}

/// A descriptor that is readable while a call of this call object is complete and not finished.
/// Level-triggered, made on first use. For many calls take a queue, which needs one for all.
///
/// Threads: any. Blocks: no. Ownership: the library closes it with the call object; do not read, write or
/// close it. On failure `fd_out` is -1, as 0 is a descriptor.
///
/// Returns `S_OK`. `E_POINTER`: `fd_out` is NULL. `RPC_E_OUT_OF_RESOURCES`: no descriptor is left, or the
/// library's thread could not be started. `E_HANDLE`: not a living call object. `E_OUTOFMEMORY`.
///
/// # Safety
/// `fd_out` is NULL or writable.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_get_fd(call: call_t, fd_out: *mut i32) -> call_hresult_t {
    guard(|| {
        // SAFETY: the caller's promise.
        let out = unsafe { clear(fd_out) }?;
        *out = -1;
        *out = Call::find(call.id)?.descriptor()?;
        Ok(S_OK)
    })
}

/// Waits until one of several calls in progress is complete, or all of them, as `call_wait` does for one.
///
/// flags is `CALL_WAIT_ANY` or `CALL_WAIT_ALL`. `index_out` gets the index of the first complete one, or of
/// the one that the code is about; it may be NULL.
///
/// Threads: any. Blocks: up to `timeout_ms` milliseconds; 0 polls, `CALL_INFINITE` waits without end.
///
/// Returns `S_OK`. `RPC_S_CALLPENDING`: the time is over; a negative code, so compare.
/// `RPC_E_CALL_COMPLETE`: one has no call in progress. `E_HANDLE`: one is not a living call object.
/// `CALL_E_DEADLOCK`: asked from a method that they cannot end before. `E_INVALIDARG`: count is 0, or flags
/// are unknown. `E_POINTER`: calls is NULL.
///
/// # Safety
/// `calls` is NULL or points to `count` call objects; `index_out` is NULL or writable.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_wait_many(
    calls: *const call_t,
    count: usize,
    flags: u32,
    timeout_ms: u32,
    index_out: *mut usize,
) -> call_hresult_t {
    guard(|| {
        if !index_out.is_null() {
            // SAFETY: not NULL, and the caller's promise.
            unsafe { index_out.write(0) };
        }
        if count == 0 || flags > WAIT_ALL {
            return Err(Failure::because(E_INVALIDARG, "no call to wait for, or unknown flags"));
        }
        if calls.is_null() {
            return Err(Failure::because(E_POINTER, "calls is NULL"));
        }
        // SAFETY: not NULL, and the caller's promise.
        let ids: Vec<u64> = unsafe { std::slice::from_raw_parts(calls, count) }.iter().map(|call| call.id).collect();
        let (waited, index) = wait_many(&ids, flags == WAIT_ALL, Deadline::after_ms(timeout_ms));
        if !index_out.is_null() {
            // SAFETY: as above.
            unsafe { index_out.write(index) };
        }
        waited
    })
}

const WAIT_ALL: u32 = 1;

/// The message of the last call, from its completion until the next begin: what its method gave with
/// `call_context_set_error`, or what the library says of a panic or of a code that no method may end
/// with.
///
/// `len_out` gets the message's length with its NUL; it may be NULL. `message_out` may be NULL with cap
/// 0, to ask for the length.
///
/// Threads: any; not bound to the one that began or finished. Blocks: no.
///
/// Returns `S_OK`. `S_FALSE`: there is no message (an empty text). `CALL_E_MORE_DATA`: cap is too small;
/// the needed size is in `len_out`. `RPC_S_CALLPENDING`: the call is in progress. `RPC_E_CALL_COMPLETE`:
/// the call object was never begun. `E_POINTER`: `message_out` is NULL, but cap is not 0. `E_HANDLE`: not
/// a living call object.
///
/// # Safety
/// `message_out` is NULL or points to cap writable bytes; `len_out` is NULL or writable.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_get_error(
    call: call_t,
    message_out: *mut c_char,
    cap: usize,
    len_out: *mut usize,
) -> call_hresult_t {
    guard(|| {
        if !len_out.is_null() {
            // SAFETY: not NULL, and the caller's promise.
            unsafe { len_out.write(0) };
        }
        let answer = Call::find(call.id)?.inspect(|state, told| {
            if !state.has(DONE) {
                return Ok(RPC_S_CALLPENDING);
            }
            // SAFETY: the caller's promise.
            unsafe { copy_text(told.message.unwrap_or(""), message_out, cap, len_out) }?;
            Ok(if told.message.is_some() { S_OK } else { S_FALSE })
        })?;
        answer.unwrap_or(Err(Failure::because(RPC_E_CALL_COMPLETE, "the call object was never begun")))
    })
}

/// How far the call in progress, or else the last one, has told to be: 0 of 0 before its method says
/// anything. The unit is the method's; a total of 0 is unknown.
///
/// Threads: any. Blocks: no.
///
/// Returns `S_OK`. `E_POINTER`: `done_out` or `total_out` is NULL. `E_HANDLE`: not a living call object.
///
/// # Safety
/// Each pointer is NULL or writable.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_get_progress(call: call_t, done_out: *mut u64, total_out: *mut u64) -> call_hresult_t {
    guard(|| {
        // SAFETY: the caller's promise; both are cleared before the first failure.
        let (done, total) = unsafe { (clear(done_out), clear(total_out)) };
        let (done, total) = (done?, total?);
        let told = Cell::new((0, 0));
        Call::find(call.id)?.inspect(|_, now| told.set(now.progress))?;
        (*done, *total) = told.get();
        Ok(S_OK)
    })
}
