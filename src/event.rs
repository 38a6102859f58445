//! An event that threads sleep on. It counts its signals: who read the count before looking at the
//! state sleeps only while nothing was signaled since.

use crate::sync::{AtomicU32, Ordering, Wake, wait, wake_all};
use crate::time::Deadline;

/// See the module. Zero is a fresh one.
pub struct Event(AtomicU32);

impl Event {
    pub const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// To be read before the state that the sleeper waits for.
    pub fn count(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }

    /// Sleeps until a signal that came after `seen`, or until the deadline.
    pub fn sleep(&self, seen: u32, deadline: Deadline) -> Wake {
        wait(&self.0, seen, deadline)
    }

    /// What sleepers sleep on, for one who sleeps on something else as well.
    pub fn word(&self) -> &AtomicU32 {
        &self.0
    }

    /// Wakes all sleepers. Async-signal-safe. May touch an event whose owner moved on: a sleeper
    /// woken for nothing looks again.
    pub fn signal(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
        wake_all(&self.0);
    }
}
