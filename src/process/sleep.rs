//! Sleeping on words in memory that processes share, and on several words at once.

use crate::sync::AtomicU32;
use crate::time::{Deadline, now};
use std::ptr;

/// `struct futex_waitv` of the kernel.
#[repr(C)]
struct Waiter {
    seen: u64,
    word: u64,
    flags: u32,
    reserved: u32,
}

const FUTEX_32: u32 = 2;
const FUTEX_PRIVATE: u32 = 128;
/// How long one sleep takes where the kernel cannot sleep on several words, in milliseconds.
const SLICE: u32 = 2;
const LAZY_SLICE: u32 = 50;

/// A word that somebody sleeps on, what it was, and whether other processes have it too.
pub type Slept<'a> = (&'a AtomicU32, u32, bool);

/// Sleeps until one of the words is not what it was, until woken, or until the deadline; `lazy`: where the kernel
/// cannot sleep on several, the others than the first are not urgent.
pub fn wait_for_some(words: &[Slept<'_>], deadline: Deadline, lazy: bool) {
    let waiter = |&(word, seen, shared): &Slept<'_>| Waiter {
        seen: seen.into(),
        word: word.as_ptr() as u64,
        flags: if shared { FUTEX_32 } else { FUTEX_32 | FUTEX_PRIVATE },
        reserved: 0,
    };
    let waiters: Vec<Waiter> = words.iter().map(waiter).collect();
    let end = deadline.remaining(now()).map(|left| time_of(now().saturating_add(left)));
    let end = end.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the words are borrowed, the list and the time are there while the call takes.
    let slept = unsafe {
        libc::syscall(libc::SYS_futex_waitv, waiters.as_ptr(), waiters.len(), 0_u32, end, libc::CLOCK_MONOTONIC) >= 0
            || ![libc::ENOSYS, libc::EPERM].contains(&*libc::__errno_location())
    };
    if let (false, Some(&(word, seen, shared))) = (slept, words.first()) {
        let slice = deadline.min(Deadline::after_ms(if lazy { LAZY_SLICE } else { SLICE }));
        if shared {
            wait_shared(word, seen, slice);
        } else {
            crate::sync::wait(word, seen, slice);
        }
    }
}

fn time_of(nanoseconds: u64) -> libc::timespec {
    libc::timespec {
        tv_sec: (nanoseconds / 1_000_000_000).cast_signed(),
        tv_nsec: (nanoseconds % 1_000_000_000).cast_signed(),
    }
}

/// Sleeps while the word, which other processes have too, is what it was.
pub fn wait_shared(word: &AtomicU32, seen: u32, deadline: Deadline) {
    let span = deadline.remaining(now()).map(time_of);
    let span = span.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the word outlives the call (it is borrowed) and the span is NULL or a time.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, seen, span) };
}

/// Wakes all who sleep on it, in every process.
pub fn wake_shared(word: &AtomicU32) {
    // SAFETY: waking takes the address alone; the word is borrowed.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, i32::MAX) };
}
