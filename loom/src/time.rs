//! The clock of a model: it stands still but for sleeps that end by it.

use std::cell::Cell;

pub type Nanoseconds = u64;

pub const INFINITE: u32 = u32::MAX;

std::thread_local! {
    static NOW: Cell<Nanoseconds> = const { Cell::new(START) };
}

const START: Nanoseconds = 1_000_000_000;

pub fn forget() {
    NOW.set(START);
}

pub fn advance_to(deadline: Deadline) {
    NOW.set(NOW.get().max(deadline.0));
}

pub fn now() -> Nanoseconds {
    NOW.get()
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Deadline(Nanoseconds);

impl Deadline {
    pub const NEVER: Self = Self(Nanoseconds::MAX);

    pub const fn at(reading: Nanoseconds) -> Self {
        Self(reading)
    }

    pub const fn reading(self) -> Nanoseconds {
        self.0
    }

    pub fn after_ms(milliseconds: u32) -> Self {
        match milliseconds {
            INFINITE => Self::NEVER,
            0 => Self(0),
            _ => Self(now() + u64::from(milliseconds) * 1_000_000),
        }
    }

    pub fn passed(self) -> bool {
        self != Self::NEVER && self.0 <= now()
    }

    pub fn is_poll(self) -> bool {
        self.0 == 0
    }
}
