//! The body of a call: that of `benches/stage.hpp`, and what polls for a cancel in a peer's own way.

use crate::Words;

/// As in `benches/stage.hpp`.
pub const POLL: u32 = 4;
pub const LOOK: u32 = 5;

unsafe extern "C" {
    fn bench_perform(work: u32, words: *const Words, result: *mut Words);
    fn bench_is_running();
    fn bench_has_seen();
    fn bench_looks() -> usize;
    fn bench_stamp() -> u64;
    fn bench_looked(from: u64);
}

/// To be called before the first look, and when the cancel was seen.
pub fn is_running() {
    // SAFETY: no more than a call; so it is with all of these.
    unsafe { bench_is_running() }
}
pub fn has_seen() {
    // SAFETY: as above.
    unsafe { bench_has_seen() }
}

/// How many looks make one loop.
pub fn looks() -> usize {
    // SAFETY: as above.
    unsafe { bench_looks() }
}

/// A loop of looks, from a stamp to its end.
pub fn stamp() -> u64 {
    // SAFETY: as above.
    unsafe { bench_stamp() }
}
pub fn looked(from: u64) {
    // SAFETY: as above.
    unsafe { bench_looked(from) }
}

pub const LOOPS: usize = 7;

pub fn perform(work: u32, words: Words, is_canceled: impl Fn() -> bool) -> Words {
    if work == POLL {
        is_running();
        while !is_canceled() {}
        has_seen();
    } else if work == LOOK {
        is_running();
        for _ in 0..LOOPS {
            let from = stamp();
            for _ in 0..looks() {
                std::hint::black_box(is_canceled());
            }
            looked(from);
        }
    }
    let mut result = [0; 8];
    // SAFETY: both are words.
    unsafe { bench_perform(if work >= POLL { 0 } else { work }, &raw const words, &raw mut result) };
    result
}
