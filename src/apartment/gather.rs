//! How long a thread that has run all it knew of rests before it looks for more.
//!
//! Where one call follows the other's answer, the next comes later than the shortest rest ends, so that costs nothing.
//! Where calls come without waiting for answers, each look takes the queue's line from who submits, and costs both sides
//! more than a call: a longer rest lets a few of them gather, which are then taken at one go.

use std::cell::Cell;

/// Pauses of the shortest and of the longest rest.
const LEAST: u32 = 2;
const MOST: u32 = 12;
/// So many at one go are enough.
const ENOUGH: u32 = 8;

/// What one thread has learned.
pub struct Gather(Cell<u32>);

impl Gather {
    pub const fn new() -> Self {
        Self(Cell::new(LEAST))
    }

    /// Rests. `batch`: how many there were at one go, the last time.
    #[inline]
    pub fn rest_after(&self, batch: u32) {
        let pauses = next(self.0.get(), batch);
        self.0.set(pauses);
        for _ in 0..pauses {
            std::hint::spin_loop();
        }
    }
}

/// The next rest.
fn next(pauses: u32, batch: u32) -> u32 {
    match batch {
        0..=1 => pauses - pauses.div_ceil(4),
        2..=ENOUGH => pauses * 2,
        _ if batch <= 2 * ENOUGH => pauses,
        _ => pauses / 2,
    }
    .clamp(LEAST, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(from: u32, batch: u32) -> u32 {
        (0..20).fold(from, |pauses, _| next(pauses, batch))
    }

    #[test]
    fn calls_that_come_one_by_one_find_the_shortest_rest() {
        for from in LEAST..=MOST {
            assert_eq!(learned(from, 1), LEAST, "from {from}");
        }
    }

    #[test]
    fn a_few_at_one_go_make_the_rest_long_and_many_make_it_short() {
        assert_eq!((learned(LEAST, 2), learned(LEAST, ENOUGH)), (MOST, MOST));
        assert_eq!(learned(MOST, 100), LEAST);
        assert_eq!((LEAST..=MOST).find(|&pauses| next(pauses, 2 * ENOUGH) != pauses), None);
    }
}
