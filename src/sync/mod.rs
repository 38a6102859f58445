//! The only door to atomics, locks and threads: what is specific to an operating system stands in
//! its submodules.

mod backoff;
mod descriptor;
mod futex;
mod global;
mod padded;
mod pages;
mod prefetch;
mod spinlock;
mod thread;
#[cfg(call_tsan)]
mod visible;

pub use backoff::Backoff;
pub use descriptor::{clear_descriptor, close_descriptor, open_descriptor, raise_descriptor, write_descriptor};
pub use futex::{Wake, wait, wake_all, wake_one};
pub use global::Global;
pub use padded::Padded;
pub use pages::{PAGE, give_pages, take_pages};
pub use prefetch::{prefetch, prefetch_to_write};
pub use spinlock::SpinLock;
use std::sync::PoisonError;
pub use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering, fence};
#[cfg(not(call_tsan))]
pub use std::sync::{Arc, Mutex, MutexGuard, Weak};
pub use thread::{online_cpus, spawn};
#[cfg(call_tsan)]
pub use visible::{Arc, Mutex, MutexGuard, Weak};

/// Takes a lock whether or not a holder panicked: what the locks here guard stays whole, since no
/// user code runs under one.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
