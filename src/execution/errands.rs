//! The requests that child processes serve now: a cancel tells the child itself, whoever else is awake, and also from a
//! signal handler. So there is no lock here, and nothing is freed.

use super::{Execution, Grace};
use crate::handle::Generation;
use crate::process::wake_shared;
use crate::sync::{AtomicPtr, AtomicU32, AtomicU64, Ordering};
use std::ptr;

/// How many children hear of a cancel at once; those beyond hear of it by the thread that looks after them.
const COUNT: usize = 64;

struct Errand {
    /// The begin that the request serves, packed as a handle; 0: none.
    key: AtomicU64,
    turn: AtomicU32,
    /// Threads that tell of a cancel here.
    users: AtomicU32,
    canceled: AtomicPtr<AtomicU32>,
    grace_ms: AtomicPtr<AtomicU32>,
    /// Not 0: the method has to be woken to hear of it.
    hark: AtomicPtr<AtomicU32>,
}

impl Errand {
    const fn new() -> Self {
        Self {
            key: AtomicU64::new(0),
            turn: AtomicU32::new(0),
            users: AtomicU32::new(0),
            canceled: AtomicPtr::new(ptr::null_mut()),
            grace_ms: AtomicPtr::new(ptr::null_mut()),
            hark: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// # Safety
    /// They were set, and the caller keeps their place.
    unsafe fn words(&self) -> [&AtomicU32; 3] {
        // SAFETY: the caller's promise.
        [&self.canceled, &self.grace_ms, &self.hark].map(|word| unsafe { &*word.load(Ordering::Relaxed) })
    }
}

static ERRANDS: [Errand; COUNT] = [const { Errand::new() }; COUNT];
/// A bit for each that a child has.
static TAKEN: AtomicU64 = AtomicU64::new(0);

/// A child's place among them.
pub struct ErrandPlace(Option<usize>);

/// How long the child is to let a canceled method know that it has more time than it has, in milliseconds: the host is
/// to be the one whose clock ends it.
const SLACK: u32 = 20;

impl ErrandPlace {
    /// # Safety
    /// The words stay until this is dropped.
    pub unsafe fn new(canceled: *const AtomicU32, grace_ms: *const AtomicU32, hark: *const AtomicU32) -> Self {
        let free = |taken: u64| (taken != u64::MAX).then(|| taken | (taken + 1));
        let Ok(before) = TAKEN.fetch_update(Ordering::SeqCst, Ordering::SeqCst, free) else { return Self(None) };
        let index = before.trailing_ones() as usize;
        let errand = &ERRANDS[index];
        errand.canceled.store(canceled.cast_mut(), Ordering::Relaxed);
        errand.grace_ms.store(grace_ms.cast_mut(), Ordering::Relaxed);
        errand.hark.store(hark.cast_mut(), Ordering::Relaxed);
        Self(Some(index))
    }

    fn errand(&self) -> Option<&'static Errand> {
        self.0.map(|index| &ERRANDS[index])
    }

    /// The child is about to be asked to serve that begin.
    pub fn set_out(&self, execution: &Execution, generation: Generation, turn: u32) {
        if let Some(errand) = self.errand() {
            errand.turn.store(turn, Ordering::Release);
            errand.key.store(execution.handle(generation).pack(), Ordering::SeqCst);
        }
    }

    /// It has answered, or never will.
    pub fn return_home(&self) {
        if let Some(errand) = self.errand() {
            errand.key.store(0, Ordering::SeqCst);
        }
    }
}

impl Drop for ErrandPlace {
    fn drop(&mut self) {
        let Some(index) = self.0 else { return };
        self.return_home();
        while ERRANDS[index].users.load(Ordering::SeqCst) != 0 {
            std::hint::spin_loop();
        }
        TAKEN.fetch_and(!(1 << index), Ordering::SeqCst);
    }
}

/// In the child of a fork: the child processes are the parent's.
pub fn forget_errands() {
    for errand in &ERRANDS {
        errand.key.store(0, Ordering::Relaxed);
        errand.users.store(0, Ordering::Relaxed);
    }
    TAKEN.store(0, Ordering::Relaxed);
    super::LANES.store(0, Ordering::Relaxed);
}

impl Execution {
    /// Tells the child that serves that begin of its cancel, if one does. Async-signal-safe.
    pub(super) fn tell_child(&self, generation: Generation) {
        let key = self.handle(generation).pack();
        for errand in &ERRANDS {
            if errand.key.load(Ordering::SeqCst) != key {
                continue;
            }
            errand.users.fetch_add(1, Ordering::SeqCst);
            // The turn is the key's if that is the same before and after.
            let is_meant = || errand.key.load(Ordering::SeqCst) == key;
            let turn = is_meant().then(|| errand.turn.load(Ordering::Acquire));
            if let Some(turn) = turn.filter(|_| is_meant()) {
                // SAFETY: set before the key was, and there while the place is, which waits for its users to go.
                let [canceled, grace_ms, hark] = unsafe { errand.words() };
                say_canceled((canceled, grace_ms), turn, 1, self.grace().1);
                if hark.load(Ordering::SeqCst) != 0 {
                    wake_shared(canceled);
                }
            }
            errand.users.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// Says in a child's words that its request is canceled (1), and that its client has gone on (2); wakes
/// nobody.
pub fn say_canceled((canceled, grace_ms): (&AtomicU32, &AtomicU32), turn: u32, wanted: u32, grace: Grace) {
    let said = turn << 1 | (wanted - 1);
    let left = if wanted == 2 { 0 } else { grace.left_ms().saturating_add(SLACK) };
    // Nobody takes back what another thread has said, or says of a request what was meant for one before.
    let more = |seen: u32| {
        let age = turn.wrapping_sub(seen >> 1) & 0x7FFF_FFFF;
        (if age == 0 { seen < said } else { age < 0x4000_0000 }).then_some(said)
    };
    grace_ms.store(left, Ordering::Relaxed);
    // Refused where it is said already.
    let _ = canceled.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more);
}
