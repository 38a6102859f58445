//! What has happened so far, while it is counted.

use super::Step;
use super::list::list;
use crate::state::{ABANDONED, ENDED, KILLED, STARTED, STOPPED, State};
use crate::sync::{AtomicU64, Ordering};

/// See the header for each.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Counters {
    pub begun: u64,
    pub finished: u64,
    pub completed: u64,
    pub never_started: u64,
    pub stopped: u64,
    pub abandoned: u64,
    pub uncooperative: u64,
    pub pending_now: u64,
    pub abandoned_now: u64,
    pub killed: u64,
}

/// In the order of the fields above, without those of now.
static COUNTS: [AtomicU64; 8] = [const { AtomicU64::new(0) }; 8];
const BEGUN: usize = 0;
const FINISHED: usize = 1;
const COMPLETED: usize = 2;
const NEVER_STARTED: usize = 3;
const STOPPED_BY_ITSELF: usize = 4;
const ABANDONED_SO_FAR: usize = 5;
const UNCOOPERATIVE: usize = 6;
const KILLED_SO_FAR: usize = 7;

/// In the child of a fork.
pub fn forget() {
    for count in &COUNTS {
        count.store(0, Ordering::Relaxed);
    }
}

fn add(which: usize) {
    COUNTS[which].fetch_add(1, Ordering::Relaxed);
}

fn how_it_ended(state: State) -> usize {
    if state.has(STOPPED) { STOPPED_BY_ITSELF } else { COMPLETED }
}

pub fn count(step: Step, state: State) {
    match step {
        Step::Begin => add(BEGUN),
        Step::Finish => add(FINISHED),
        Step::Complete if !state.has(STARTED) => add(NEVER_STARTED),
        Step::Complete if state.has(ABANDONED) => add(ABANDONED_SO_FAR),
        // Counted as it was lost.
        Step::Complete | Step::LateEnd if state.has(KILLED) => {}
        Step::Complete | Step::LateEnd => add(how_it_ended(state)),
        Step::Start | Step::Cancel => {}
    }
}

/// The process of a method is gone; `never`: it was never entered.
pub fn count_lost(never: bool) {
    add(if never { NEVER_STARTED } else { KILLED_SO_FAR });
}

pub fn count_uncooperative() {
    add(UNCOOPERATIVE);
}

/// What was counted, and what is now.
pub fn read() -> Counters {
    let [begun, finished, completed, never_started, stopped, abandoned, uncooperative, killed] =
        COUNTS.each_ref().map(|count| count.load(Ordering::Relaxed));
    let all = list();
    let pending_now = all.iter().filter(|info| !info.state.any(ABANDONED | ENDED)).count() as u64;
    let abandoned_now =
        all.iter().filter(|info| info.state.has(ABANDONED | STARTED) && !info.state.has(ENDED)).count() as u64;
    Counters {
        begun,
        finished,
        completed,
        never_started,
        stopped,
        abandoned,
        uncooperative,
        pending_now,
        abandoned_now,
        killed,
    }
}
