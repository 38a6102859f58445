//! Completion queues.

use super::types::{call_completion_t, call_hresult_t, call_queue_t, call_t};
use super::{clear, guard, guard_in_signal};
use crate::call::Call;
use crate::completions::CompletionQueue;
use crate::fork;
use crate::hresult::{E_INVALIDARG, E_POINTER, Failure, RPC_S_CALLPENDING, S_OK};
use crate::time::Deadline;

/// Makes a completion queue: where the completions of any number of calls arrive (`call_set_queue`), and
/// tags that the program posts (`call_queue_post`), to be taken in batches and watched by one descriptor.
///
/// Threads: any. Blocks: no. Ownership: the caller releases the queue with `call_queue_release`.
///
/// Returns `S_OK`. `E_POINTER`: `queue_out` is NULL. `E_OUTOFMEMORY`.
///
/// # Safety
/// `queue_out` is NULL or writable.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_queue_create(queue_out: *mut call_queue_t) -> call_hresult_t {
    guard(|| {
        // SAFETY: the caller's promise.
        let out = unsafe { clear(queue_out) }?;
        fork::watch();
        out.id = CompletionQueue::create()?;
        Ok(S_OK)
    })
}

/// Takes what has arrived, up to cap of it, in the order in which it came; where there is nothing, waits
/// for something.
///
/// Threads: any number at once; each completion goes to one of them. Blocks: up to `timeout_ms`
/// milliseconds; 0 polls, `CALL_INFINITE` waits without end. The apartments that the thread owns are served
/// meanwhile.
///
/// Returns `S_OK`: `count_out` of them were taken. `RPC_S_CALLPENDING`: the time is over; a negative code,
/// so compare. `RPC_E_DISCONNECTED`: the queue is closed, and everything that was to come has been taken.
/// `E_POINTER`: completions or `count_out` is NULL. `E_INVALIDARG`: cap is 0. `E_HANDLE`: not a living
/// queue, or released meanwhile.
///
/// # Safety
/// `completions` points to `cap` writable elements; `count_out` is NULL or writable.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_queue_next(
    queue: call_queue_t,
    completions: *mut call_completion_t,
    cap: usize,
    timeout_ms: u32,
    count_out: *mut usize,
) -> call_hresult_t {
    guard(|| {
        // SAFETY: the caller's promise.
        let out = unsafe { clear(count_out) }?;
        if completions.is_null() {
            return Err(Failure::because(E_POINTER, "there is no room for completions"));
        }
        if cap == 0 {
            return Err(Failure::because(E_INVALIDARG, "there is no room for completions"));
        }
        let mut at = 0;
        let count = CompletionQueue::find(queue.id)?.next(cap, Deadline::after_ms(timeout_ms), |taken| {
            let completion = call_completion_t { call: call_t { id: taken.call }, tag: taken.tag };
            // SAFETY: no more are given than there is room for.
            unsafe { completions.add(at).write(completion) };
            at += 1;
        })?;
        *out = count;
        Ok(if count > 0 { S_OK } else { RPC_S_CALLPENDING })
    })
}

/// Adds a tag of the program's to the queue: a wake-up, or work for whoever takes it.
///
/// Threads: any, and signal handlers: it is async-signal-safe. Blocks: no. The thread's last failure is not
/// touched.
///
/// Returns `S_OK`. `RPC_E_DISCONNECTED`: the queue is closed; the tag is not taken. `E_HANDLE`: not a living
/// queue. `E_OUTOFMEMORY`.
#[unsafe(no_mangle)]
pub extern "C" fn call_queue_post(queue: call_queue_t, tag: u64) -> call_hresult_t {
    guard_in_signal(|| CompletionQueue::find(queue.id)?.post(tag))
}

/// A descriptor that is readable while something is in the queue, and once it is closed and nothing will
/// come any more. Level-triggered, made on first use; one for all calls of the queue.
///
/// Threads: any. Blocks: no. Ownership: the library closes it with the queue; do not read, write or close
/// it. On failure `fd_out` is -1, as 0 is a descriptor.
///
/// Returns `S_OK`. `E_POINTER`: `fd_out` is NULL. `RPC_E_OUT_OF_RESOURCES`: no descriptor is left.
/// `E_HANDLE`: not a living queue.
///
/// # Safety
/// `fd_out` is NULL or writable.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_queue_get_fd(queue: call_queue_t, fd_out: *mut i32) -> call_hresult_t {
    guard(|| {
        // SAFETY: the caller's promise.
        let out = unsafe { clear(fd_out) }?;
        *out = -1;
        *out = CompletionQueue::find(queue.id)?.descriptor()?;
        Ok(S_OK)
    })
}

/// Closes a queue: tags are refused from now on, and so are begins of its calls (`RPC_E_DISCONNECTED`). What
/// was begun still arrives: take until `call_queue_next` gives `RPC_E_DISCONNECTED`, and nothing is lost.
///
/// Threads: any. Blocks: no; it wakes those who wait when nothing is to come.
///
/// Returns `S_OK`, also a second time. `E_HANDLE`: not a living queue.
#[unsafe(no_mangle)]
pub extern "C" fn call_queue_close(queue: call_queue_t) -> call_hresult_t {
    guard(|| CompletionQueue::find(queue.id)?.close())
}

/// Gives back the queue. What lies in it is dropped, and what was to arrive in it will be: the calls
/// themselves go on, and are waited for and finished as ever. Begins of its calls are refused
/// (`E_HANDLE`) until they are given another queue. Threads that wait in `call_queue_next` get `E_HANDLE`.
///
/// Threads: any. Blocks: no; what the dropped completions held may be destroyed.
///
/// Returns `S_OK`. `E_HANDLE`: not a living queue.
#[unsafe(no_mangle)]
pub extern "C" fn call_queue_release(queue: call_queue_t) -> call_hresult_t {
    guard(|| CompletionQueue::find(queue.id)?.release())
}

/// Has the completions of a call object's next begins arrive in a queue, with the program's tag; the null
/// queue ends that. One completion for each begin that succeeds, when the call is complete, whatever became
/// of it; then finish the call. It arrives also where the call object was released meanwhile. The call in
/// progress is not touched. A call in a queue needs no descriptor and no thread.
///
/// Threads: any. Blocks: no.
///
/// Returns `S_OK`. `E_HANDLE`: not a living call object, or not a living queue. `E_OUTOFMEMORY`.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn call_set_queue(call: call_t, queue: call_queue_t, tag: u64) -> call_hresult_t {
    guard(|| {
        let call = Call::find(call.id)?;
        let seat = if queue.id == 0 { None } else { Some(CompletionQueue::find(queue.id)?.seat(tag)?) };
        call.set_queue(seat)
    })
}
