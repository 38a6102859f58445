//! The only clock: monotonic, in nanoseconds, and the points in time that waits end at.

/// A reading of the monotonic clock, in nanoseconds.
pub type Nanoseconds = u64;

/// `CALL_INFINITE`: no end, as a number of milliseconds and of seconds.
pub const INFINITE: u32 = u32::MAX;

/// The clock, now. Async-signal-safe.
pub fn now() -> Nanoseconds {
    let mut reading = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock exists on every system we run on, and `reading` is ours to fill.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut reading) };
    reading.tv_sec.cast_unsigned() * 1_000_000_000 + reading.tv_nsec.cast_unsigned()
}

/// When a wait ends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Deadline(Nanoseconds);

impl Deadline {
    /// Never.
    pub const NEVER: Self = Self(Nanoseconds::MAX);

    /// At a reading of the clock.
    pub const fn at(reading: Nanoseconds) -> Self {
        Self(reading)
    }

    /// The reading of the clock; that of [`Deadline::NEVER`] is after all others.
    pub const fn reading(self) -> Nanoseconds {
        self.0
    }

    /// So many milliseconds from now; `INFINITE` is never, 0 has passed.
    pub fn after_ms(milliseconds: u32) -> Self {
        match milliseconds {
            INFINITE => Self::NEVER,
            0 => Self(0),
            _ => Self(now() + u64::from(milliseconds) * 1_000_000),
        }
    }

    /// What is left at `reading`, in nanoseconds; `None`: it never ends.
    pub fn remaining(self, reading: Nanoseconds) -> Option<Nanoseconds> {
        (self != Self::NEVER).then(|| self.0.saturating_sub(reading))
    }

    /// Whether it has passed. Reads the clock only where the answer depends on it.
    pub fn passed(self) -> bool {
        self.0 == 0 || (self != Self::NEVER && self.0 <= now())
    }

    /// Whether it had passed from the start: a poll, not a wait.
    pub fn is_poll(self) -> bool {
        self.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_has_passed_and_infinite_never_does() {
        assert!(Deadline::after_ms(0).passed());
        assert!(!Deadline::after_ms(INFINITE).passed());
        assert_eq!(Deadline::after_ms(INFINITE).remaining(now()), None);
        let soon = Deadline::after_ms(60_000).remaining(now()).expect("finite");
        assert!((1..=60_000_000_000).contains(&soon), "{soon}");
    }
}
