//! Seeing what goes on.

use super::types::{
    call_context_t, call_counters_t, call_hresult_t, call_info_t, call_log_fn, call_t, call_thread_fn, call_trace_fn,
};
use super::{clear, guard, guard_in_signal};
use crate::handle::{Handle, Kind};
use crate::hresult::{CALL_E_MORE_DATA, E_INVALIDARG, E_POINTER, Failure, S_OK};
use crate::monitor::{self, Hook, Info};
use crate::state::CANCEL;
use crate::time::INFINITE;
use crate::{fork, timer};
use std::ffi::{c_char, c_void};
use std::mem;

/// Lists every call that is not over: queued, running, complete and not finished, or abandoned with its
/// method still running. In no order; what begins or ends meanwhile may be in it or not.
///
/// `info_size` is `sizeof(call_info_t)`. `count_out` gets the number of calls, also with `CALL_E_MORE_DATA`,
/// after which the first cap of them are in infos. infos may be NULL with cap 0.
///
/// Threads: any. Blocks: no; it looks at every call that there is.
///
/// Returns `S_OK`. `CALL_E_MORE_DATA`: there are more than cap. `E_POINTER`: `count_out` is NULL, or infos is,
/// but cap is not 0. `E_INVALIDARG`: `info_size` is not this library's.
///
/// # Safety
/// `infos` is NULL or points to `cap` writable elements; `count_out` is NULL or writable.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_enumerate(
    infos: *mut call_info_t,
    info_size: usize,
    cap: usize,
    count_out: *mut usize,
) -> call_hresult_t {
    guard(|| {
        // SAFETY: the caller's promise.
        let count = unsafe { clear(count_out) }?;
        if infos.is_null() && cap != 0 {
            return Err(Failure::because(E_POINTER, "infos is NULL, but cap is not 0"));
        }
        if info_size != mem::size_of::<call_info_t>() {
            return Err(Failure::because(E_INVALIDARG, "the size of call_info_t is not this library's"));
        }
        let all = monitor::list();
        for (at, info) in all.iter().take(cap).enumerate() {
            // SAFETY: there is room for `cap` of them.
            unsafe { infos.add(at).write(shown(info)) };
        }
        *count = all.len();
        if all.len() > cap { Err(CALL_E_MORE_DATA.into()) } else { Ok(S_OK) }
    })
}

fn shown(info: &Info) -> call_info_t {
    let context = |name: Handle| call_context_t { id: name.encode(Kind::Context) };
    let mut shown = call_info_t {
        call: call_t { id: info.call },
        context: context(info.name),
        parent: info.parent.map_or(call_context_t::default(), context),
        waits_for: info.waits_for.map_or(call_context_t::default(), context),
        state: info.phase() as u32,
        cause: info.state.cause().filter(|_| info.state.has(CANCEL)).map_or(0, |cause| cause as u32),
        method: info.method,
        left_ms: info.left_ms.unwrap_or(INFINITE),
        age_ms: info.age_ms.unwrap_or(u64::MAX),
        method_name: [0; 48],
        apartment_name: [0; 24],
    };
    copy(&info.method_name, &mut shown.method_name);
    copy(&info.apartment, &mut shown.apartment_name);
    shown
}

/// Copies what has room, with a NUL.
fn copy(text: &str, room: &mut [c_char]) {
    let last = room.len() - 1;
    for (to, from) in room[..last].iter_mut().zip(text.bytes()) {
        *to = from.cast_signed();
    }
}

/// Writes the same list to a descriptor as text, a line for each call: what it is, how far it is, what it
/// waits for and by what it was begun.
///
/// Threads: any. Blocks: as long as the descriptor takes it.
///
/// Returns `S_OK`. `E_INVALIDARG`: it cannot be written to.
#[unsafe(no_mangle)]
pub extern "C" fn call_dump(fd: i32) -> call_hresult_t {
    guard(|| {
        if monitor::dump(fd) { Ok(S_OK) } else { Err(Failure::because(E_INVALIDARG, "the descriptor takes no text")) }
    })
}

/// Has `call_dump` done by a thread of the library's, soon: what the handler of a signal calls. It needs
/// the threads that end grace periods and tell of them, which start with the first cancel interface, with
/// `call_set_tracking`, and with whatever else needs them.
///
/// Threads: any, and signal handlers: it is async-signal-safe. Blocks: no. The thread's last failure is not
/// touched.
///
/// Returns `S_OK`: it will be written, once for requests that come together. `CALL_E_TOO_BUSY`: a request for
/// another descriptor is to be served first. `E_INVALIDARG`: fd is negative. `RPC_E_OUT_OF_RESOURCES`: that
/// thread has not started.
#[unsafe(no_mangle)]
pub extern "C" fn call_request_dump(fd: i32) -> call_hresult_t {
    guard_in_signal(|| timer::request_dump(fd))
}

/// Turns tracking on or off: begins note their time (`call_info_t.age_ms`) and their call object, and what
/// happens is counted (`call_get_counters`). It is off at first, and costs nothing then.
///
/// `look_within_ms` is how long a method may go on after a cancel without having a look at its context before
/// it is counted as uncooperative, and logged; 0: as long as it likes. It holds for cancels requested from now on. A
/// method that polls the flag byte alone does not look.
///
/// Threads: any. Blocks: no.
///
/// Returns `S_OK`. `RPC_E_OUT_OF_RESOURCES`: the thread that looks could not be started.
#[unsafe(no_mangle)]
pub extern "C" fn call_set_tracking(on: u32, look_within_ms: u32) -> call_hresult_t {
    guard(|| {
        fork::watch();
        timer::start()?;
        monitor::set_tracking(on != 0, look_within_ms);
        Ok(S_OK)
    })
}

/// What was counted while tracking was on, and what is now.
///
/// Threads: any. Blocks: no; it looks at every call that there is.
///
/// Returns `S_OK`. `E_POINTER`: counters is NULL. `E_INVALIDARG`: its size is smaller than this library's.
///
/// # Safety
/// `counters` is NULL or writable, and its size is what its first field says.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_get_counters(counters: *mut call_counters_t) -> call_hresult_t {
    guard(|| {
        if counters.is_null() {
            return Err(Failure::because(E_POINTER, "an output pointer is NULL"));
        }
        // SAFETY: not NULL, and the caller's promise.
        let size = unsafe { (*counters).size };
        if size < mem::size_of::<call_counters_t>() {
            return Err(Failure::because(E_INVALIDARG, "the size of a struct is smaller than this library's"));
        }
        let now = monitor::counters();
        let shown = call_counters_t {
            size,
            begun: now.begun,
            finished: now.finished,
            completed: now.completed,
            never_started: now.never_started,
            stopped: now.stopped,
            abandoned: now.abandoned,
            uncooperative: now.uncooperative,
            pending_now: now.pending_now,
            abandoned_now: now.abandoned_now,
            killed: now.killed,
        };
        // SAFETY: as above.
        unsafe { counters.write(shown) };
        Ok(S_OK)
    })
}

/// Sets the function that is called with what somebody should read, such as a method that does not hear of
/// a cancel; NULL: none. It may be called on any thread, also of the library's, and once more while it is
/// being replaced.
///
/// Threads: any. Blocks: no. Ownership: `user` stays the program's.
///
/// Returns `S_OK`.
///
/// # Safety
/// `log` may be called with `user` from now on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_set_log(log: call_log_fn, user: *mut c_void) -> call_hresult_t {
    guard(|| {
        fork::watch();
        monitor::set_log(log.map(|run| Hook { run, user }));
        Ok(S_OK)
    })
}

/// Sets the functions that are called on each thread of the library's that starts from now on, as it
/// starts and before it ends; NULL: none.
///
/// Threads: any. Blocks: no. Ownership: `user` stays the program's.
///
/// Returns `S_OK`.
///
/// # Safety
/// `start` and `stop` may be called with `user` from now on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_set_thread_hooks(
    start: call_thread_fn,
    stop: call_thread_fn,
    user: *mut c_void,
) -> call_hresult_t {
    guard(|| {
        fork::watch();
        let hook = |run: call_thread_fn| run.map(|run| Hook { run, user });
        monitor::set_thread_hooks(hook(start), hook(stop));
        Ok(S_OK)
    })
}

/// Sets the function that is called at each step of every call begun from now on, one of `CALL_TRACE_*`;
/// NULL: none. It runs on the thread that takes the step, for what a signal handler did on one of the
/// library's; info is valid while it runs. What it begins itself is not traced. It may be called once more while it is being
/// replaced.
///
/// Threads: any. Blocks: no. Ownership: `user` stays the program's.
///
/// Returns `S_OK`. `RPC_E_OUT_OF_RESOURCES`: the library's thread could not be started.
///
/// # Safety
/// `trace` may be called with `user` from now on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_set_trace(trace: call_trace_fn, user: *mut c_void) -> call_hresult_t {
    guard(|| {
        fork::watch();
        timer::start()?;
        let show: monitor::Show = |info, with| {
            let info = shown(info);
            with((&raw const info).cast());
        };
        let hook = trace.map(|run| {
            // SAFETY: a pointer to `call_info_t` and one to anything are passed alike, and it gets the former.
            let run = unsafe { mem::transmute::<*const (), monitor::TraceFn>(run as *const ()) };
            Hook { run, user }
        });
        monitor::set_trace(hook.map(|hook| (hook, show)));
        Ok(S_OK)
    })
}
