//! Sleeping on a word: Linux's futex. Another system needs these three functions, nothing more
//! (`WaitOnAddress`, `os_sync_wait_on_address`).
//!
//! All three keep `errno`: a signal handler may call what calls them.

use super::AtomicU32;
use crate::time::{Deadline, now};

/// Why [`wait`] returned.
#[derive(PartialEq, Eq, Debug, Clone, Copy)]
pub enum Wake {
    /// Woken, the word had another value, or for no reason: look again.
    Look,
    /// The deadline has passed.
    TimedOut,
}

/// Sleeps while `word` is `seen`, until woken or until `deadline`.
pub fn wait(word: &AtomicU32, seen: u32, deadline: Deadline) -> Wake {
    let span = match deadline.remaining(now()) {
        None => None,
        Some(0) => return Wake::TimedOut,
        Some(nanoseconds) => Some(libc::timespec {
            tv_sec: (nanoseconds / 1_000_000_000).cast_signed(),
            tv_nsec: (nanoseconds % 1_000_000_000).cast_signed(),
        }),
    };
    let span = span.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: the word outlives the call (it is borrowed) and the span is NULL or a timespec.
    let timed_out = keeping_errno(|| unsafe {
        libc::syscall(libc::SYS_futex, word.as_ptr(), WAIT, seen, span) == -1
            && *libc::__errno_location() == libc::ETIMEDOUT
    });
    if timed_out { Wake::TimedOut } else { Wake::Look }
}

/// Wakes one sleeper of the word.
pub fn wake_one(word: &AtomicU32) {
    wake(word, 1);
}

/// Wakes all sleepers of the word.
pub fn wake_all(word: &AtomicU32) {
    wake(word, i32::MAX);
}

const WAIT: libc::c_int = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
const WAKE: libc::c_int = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;

fn wake(word: &AtomicU32, count: i32) {
    // SAFETY: waking takes the address alone; the word is borrowed.
    keeping_errno(|| unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), WAKE, count) });
}

/// Runs a system call so that `errno` stays what it was.
pub(super) fn keeping_errno<T>(run: impl FnOnce() -> T) -> T {
    // SAFETY: the location is this thread's own and valid for its life.
    unsafe {
        let saved = *libc::__errno_location();
        let value = run();
        *libc::__errno_location() = saved;
        value
    }
}
