//! The library's door to atomics, locks and threads, on loom's. The files of `src/sync/` that only
//! use others of it are the library's own.

mod atomic;
mod futex;
#[path = "../../../src/sync/global.rs"]
mod global;
mod local;
#[path = "../../../src/sync/padded.rs"]
mod padded;
#[path = "../../../src/sync/spinlock.rs"]
mod spinlock;
mod tracked;

use std::alloc::{Layout, alloc_zeroed};

pub use atomic::{AtomicPtr, AtomicU32, AtomicU64};
pub use futex::{Wake, model_is_over, sleepers, sleeps, spawn, wait, wake_all, wake_one};
pub use global::Global;
pub use local::LocalKey;
pub use loom::sync::atomic::{Ordering, fence};
pub use loom::sync::{Mutex, MutexGuard};
pub use padded::Padded;
pub use spinlock::SpinLock;
pub use std::sync::{Arc, PoisonError, Weak};
pub use tracked::Tracked;

/// How many pieces of data a model may track.
const CELLS: usize = 24;

/// A new execution of a model: everything is as in a fresh process. `words`: how many atomics the
/// model may use.
pub fn fresh(words: usize) {
    local::forget();
    futex::forget();
    tracked::prepare(CELLS);
    atomic::prepare(words);
}

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Another thread has to go on first; loom then runs it.
pub struct Backoff(u32);

impl Backoff {
    pub const fn new() -> Self {
        Self(0)
    }

    pub const fn steps(&self) -> u32 {
        self.0
    }

    pub fn step(&mut self) {
        self.0 += 1;
        loom::thread::yield_now();
    }
}

pub const PAGE: usize = 4096;

pub fn take_pages(len: usize) -> Option<*mut u8> {
    let layout = Layout::from_size_align(len, PAGE).ok()?;
    // SAFETY: the library asks for some.
    let base = unsafe { alloc_zeroed(layout) };
    (!base.is_null()).then_some(base)
}

/// Stays for good: loom's atomics go by their addresses.
pub fn give_pages(_: *mut u8, _: usize) {}

pub fn online_cpus() -> u32 {
    1
}

pub fn prefetch<T>(_: *const T) {}

pub fn prefetch_to_write<T>(_: *const T) {}
