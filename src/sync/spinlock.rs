//! A lock for a few instructions: taken by one exchange, given back by a plain store.

use super::{AtomicU32, Backoff, Ordering};
use std::cell::UnsafeCell;

/// Guards a `T` that is touched for a few instructions at a time.
pub struct SpinLock<T> {
    taken: AtomicU32,
    value: UnsafeCell<T>,
}

// SAFETY: the value is touched by one thread at a time.
unsafe impl<T: Send> Sync for SpinLock<T> {}

impl<T> SpinLock<T> {
    pub const fn new(value: T) -> Self {
        Self { taken: AtomicU32::new(0), value: UnsafeCell::new(value) }
    }

    /// Runs `touch` on the value. It must not panic: the lock would stay taken.
    #[inline]
    pub fn with<R>(&self, touch: impl FnOnce(&mut T) -> R) -> R {
        let mut backoff = Backoff::new();
        while self.taken.swap(1, Ordering::Acquire) != 0 {
            while self.taken.load(Ordering::Relaxed) != 0 {
                backoff.step();
            }
        }
        // SAFETY: the exchange made this thread the only one here.
        let answer = touch(unsafe { &mut *self.value.get() });
        self.taken.store(0, Ordering::Release);
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_threads_are_inside_at_once() {
        let counted = SpinLock::new(0_u64);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..50_000).for_each(|_| counted.with(|count| *count += 1)));
            }
        });
        assert_eq!(counted.with(|count| *count), 200_000);
    }
}
