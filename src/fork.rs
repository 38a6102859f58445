//! The child of a fork: the parent's handles, threads and locks are not ours. The handler only
//! stores to atomics; the parent's memory stays where it is, unused.

use crate::sync::{AtomicU32, Ordering};
use crate::{
    apartment, buffer, call, cancel, completions, deadlock, execution, frame, handle, invoke, isolated, module,
    monitor, object, signal, timer, wait,
};

/// Sees to it that a child of a fork starts clean. Called by whatever makes the first handle.
pub fn watch() {
    static WATCHED: AtomicU32 = AtomicU32::new(0);
    if WATCHED.load(Ordering::Relaxed) == 0 && WATCHED.swap(1, Ordering::AcqRel) == 0 {
        // SAFETY: the handler is a function of this library, which is never unloaded.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    }
}

extern "C" fn in_child() {
    handle::forked();
    frame::forget();
    buffer::forget();
    call::forget();
    cancel::forget();
    execution::forget();
    execution::forget_teller();
    execution::forget_errands();
    execution::forget_outside();
    wait::forget();
    object::forget();
    apartment::forget();
    timer::forget();
    deadlock::forget();
    completions::forget();
    execution::forget_sleepers();
    invoke::forget();
    monitor::forget();
    module::forget();
    isolated::forget();
    signal::forget();
}
