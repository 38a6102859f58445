//! Waiting that spins while it pays and parks when it does not.
//!
//! A thread that spins sees an answer within a cache miss; one that parks pays a wake-up, which on
//! another CPU is hundreds of times dearer. But spinning is wasted where the other side shares the
//! CPU, is long about it, or waits for a CPU itself. Each thread learns which is the case: after a
//! few misses in a row it parks at once, and tries again ever more rarely, at last about once in a
//! thousand waits. A try spins longer than one wake-up of the other side, so that two threads that
//! both park find each other again.

use crate::time::{Nanoseconds, now};

/// How long one try spins, in nanoseconds: above the wake-up of a thread on another CPU.
const BUDGET: Nanoseconds = 50_000;
/// Looks between two readings of the clock.
const LOOKS: u32 = 64;
/// Misses in a row that still count as chance.
const MISSES: u32 = 3;
/// The longest run of waits without a try.
const RAREST: u32 = 1023;

/// What one thread has learned.
pub struct Spinner {
    misses: u32,
    skip: u32,
    interval: u32,
}

impl Spinner {
    pub const fn new() -> Self {
        Self { misses: 0, skip: 0, interval: 0 }
    }

    /// Spins until `ready` says yes: true. False: it did not, or spinning does not pay now.
    #[inline]
    pub fn spin(&mut self, ready: impl Fn() -> bool) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        for _ in 0..LOOKS {
            if ready() {
                self.hit();
                return true;
            }
            // Two: each look takes the line from the other side, which may need it once more before the answer.
            std::hint::spin_loop();
            std::hint::spin_loop();
        }
        self.spin_by_the_clock(ready)
    }

    fn spin_by_the_clock(&mut self, ready: impl Fn() -> bool) -> bool {
        let start = now();
        loop {
            for _ in 0..LOOKS {
                if ready() {
                    self.hit();
                    return true;
                }
                std::hint::spin_loop();
                std::hint::spin_loop();
            }
            if now() - start >= BUDGET {
                self.miss();
                return false;
            }
        }
    }

    fn hit(&mut self) {
        self.misses = 0;
        self.interval = 0;
    }

    fn miss(&mut self) {
        self.misses += 1;
        if self.misses >= MISSES {
            self.interval = (self.interval * 2 + 1).min(RAREST);
            self.skip = self.interval;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misses_make_tries_rare_and_one_hit_makes_them_usual() {
        let mut spinner = Spinner::new();
        let mut tries = 0;
        for _ in 0..10_000 {
            if spinner.skip == 0 {
                spinner.skip = 0;
                tries += 1;
                spinner.miss();
            } else {
                assert!(!spinner.spin(|| true), "it skips without looking");
            }
        }
        assert!((10..=30).contains(&tries), "{tries} tries in 10,000 waits");
        while spinner.skip > 0 {
            assert!(!spinner.spin(|| true));
        }
        for _ in 0..100 {
            assert!(spinner.spin(|| true));
        }
    }

    #[test]
    fn a_try_ends() {
        assert!(!Spinner::new().spin(|| false));
    }
}
