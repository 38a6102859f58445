//! A lock on a futex, all of it in sight.

use crate::sync::{AtomicU32, Ordering, wait, wake_one};
use crate::time::Deadline;
use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};
use std::sync::LockResult;

const FREE: u32 = 0;
const TAKEN: u32 = 1;
/// Taken, and others may sleep for it.
const WANTED: u32 = 2;

/// As `std::sync::Mutex`, never poisoned.
pub struct Mutex<T> {
    state: AtomicU32,
    value: UnsafeCell<T>,
}

/// As `std::sync::MutexGuard`.
pub struct MutexGuard<'a, T>(&'a Mutex<T>);

// SAFETY: the value is touched by one thread at a time.
unsafe impl<T: Send> Sync for Mutex<T> {}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> Mutex<T> {
    pub const fn new(value: T) -> Self {
        Self { state: AtomicU32::new(FREE), value: UnsafeCell::new(value) }
    }

    #[allow(clippy::unnecessary_wraps)] // The standard library's signature.
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        if self.state.compare_exchange(FREE, TAKEN, Ordering::Acquire, Ordering::Relaxed).is_err() {
            while self.state.swap(WANTED, Ordering::Acquire) != FREE {
                wait(&self.state, WANTED, Deadline::NEVER);
            }
        }
        Ok(MutexGuard(self))
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the guard's thread holds the lock.
        unsafe { &*self.0.value.get() }
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above, and the guard is borrowed alone.
        unsafe { &mut *self.0.value.get() }
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        if self.0.state.swap(FREE, Ordering::Release) == WANTED {
            wake_one(&self.0.state);
        }
    }
}
