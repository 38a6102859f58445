//! Waiting out another thread's few instructions: pauses, then yields, then short sleeps, so that
//! the other one gets on even where it has the lower priority and the same CPU.

use std::time::Duration;

/// How long this wait has gone on.
pub struct Backoff(u32);

impl Backoff {
    pub const fn new() -> Self {
        Self(0)
    }

    /// How many steps there were.
    pub const fn steps(&self) -> u32 {
        self.0
    }

    /// One step, a longer one each time.
    #[cold]
    pub fn step(&mut self) {
        self.0 = self.0.saturating_add(1);
        match self.0 {
            0..=64 => std::hint::spin_loop(),
            65..=96 => std::thread::yield_now(),
            _ => std::thread::sleep(Duration::from_micros(50)),
        }
    }
}
