//! Whose the lane is: see [`Lane`](crate::object::Lane).
//!
//! | word | whose it is, and what is under way |
//! | --- | --- |
//! | `FREE` | nobody's; nothing |
//! | `HELD` | a client's for a moment, or while it waits; anybody's who puts a child there, or takes it away |
//! | `FLYING` | nobody's; a call, which somebody will come for: its client, or who hears the child ring |
//! | `CALLED` | nobody's; a call that the apartment's thread is to come for |
//! | `OWNED` | the apartment's thread's |
//!
//! Who finds it `HELD` leaves a mark where the holder looks after giving it back: a call in the queue, a bit of the
//! call's word, or `rung`. All of that is in one order, so one of the two sees the other.

use crate::sync::{AtomicU32, AtomicU64, Ordering};

const FREE: u32 = 0;
const HELD: u32 = 1;
const FLYING: u32 = 2;
const CALLED: u32 = 3;
const OWNED: u32 = 4;

/// See the module.
pub struct Baton {
    word: AtomicU32,
    /// The thread that has it, while it is `OWNED`.
    owner: AtomicU64,
    /// 1: a client looked for it while it was `OWNED`.
    wanted: AtomicU32,
    /// 1: the child rang while it was `HELD`.
    rung: AtomicU32,
}

/// How a holder gives it back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    Nothing,
    /// A call is under way.
    Flies,
    /// The apartment's thread is to come for it.
    Calls,
}

/// What others may have wanted while it was held, and who is to come then.
pub trait Beside {
    fn has_queued(&self) -> bool;
    /// Somebody sleeps for the call that is under way, or it was canceled.
    fn is_awaited(&self) -> bool;
    /// Has the apartment's thread come.
    fn summon(&self);
}

impl Baton {
    pub fn new() -> Self {
        Self {
            word: AtomicU32::new(FREE),
            owner: AtomicU64::new(0),
            wanted: AtomicU32::new(0),
            rung: AtomicU32::new(0),
        }
    }

    fn is(&self, word: u32) -> bool {
        self.word.load(Ordering::SeqCst) == word
    }

    fn pass(&self, from: u32, to: u32) -> bool {
        self.is(from) && self.word.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Takes it where nothing is under way.
    pub fn hold_free(&self) -> bool {
        self.pass(FREE, HELD)
    }

    /// Takes it with the call that is under way.
    pub fn hold_flying(&self) -> bool {
        self.pass(FLYING, HELD)
    }

    /// The same, for a client that comes again and again.
    pub fn help(&self) -> bool {
        match self.word.load(Ordering::Acquire) {
            FLYING => self.pass(FLYING, HELD),
            OWNED if self.wanted.load(Ordering::Relaxed) == 0 => {
                self.wanted.store(1, Ordering::Relaxed);
                false
            }
            _ => false,
        }
    }

    /// Gives back what was held.
    pub fn give(&self, next: Next, beside: &impl Beside) {
        let word = match next {
            Next::Nothing => FREE,
            Next::Flies => FLYING,
            Next::Calls => CALLED,
        };
        self.word.store(word, Ordering::SeqCst);
        match next {
            Next::Nothing if beside.has_queued() => beside.summon(),
            Next::Flies if beside.is_awaited() || self.was_rung() => self.call(beside),
            Next::Calls => beside.summon(),
            _ => {}
        }
    }

    /// The apartment's thread is to look after the call that is under way.
    pub fn call(&self, beside: &impl Beside) {
        if self.pass(FLYING, CALLED) {
            beside.summon();
        }
    }

    /// Something was queued.
    pub fn queued(&self, beside: &impl Beside, urgent: bool) {
        match self.word.load(Ordering::SeqCst) {
            FREE => beside.summon(),
            FLYING if urgent => self.call(beside),
            _ => {}
        }
    }

    /// The child has rung, or is gone. Yes: the thread that says so is to take the call that is under way.
    pub fn ring(&self) -> bool {
        self.rung.store(1, Ordering::SeqCst);
        let called = self.pass(FLYING, CALLED);
        if called {
            self.was_rung();
        }
        called
    }

    /// Whether the child rang, since this was last asked.
    pub fn was_rung(&self) -> bool {
        self.rung.load(Ordering::SeqCst) != 0 && self.rung.swap(0, Ordering::SeqCst) != 0
    }

    /// Whether a call is under way, or somebody is at it.
    pub fn is_busy(&self) -> bool {
        !self.is(FREE)
    }

    /// Whether there is something to do for the apartment's thread.
    pub fn has_work(&self, queued: bool) -> bool {
        match self.word.load(Ordering::SeqCst) {
            FREE => queued,
            word => word == CALLED,
        }
    }

    /// Takes it for that thread of the apartment.
    pub fn own(&self, thread: u64) -> bool {
        let owns = self.pass(CALLED, OWNED) || self.pass(FREE, OWNED);
        if owns {
            self.owner.store(thread, Ordering::SeqCst);
        }
        owns
    }

    pub fn is_owned_by(&self, thread: u64) -> bool {
        self.is(OWNED) && self.owner.load(Ordering::SeqCst) == thread
    }

    pub fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed) != 0
    }

    /// What was owned is held, to be given back.
    pub fn hold_owned(&self) {
        self.owner.store(0, Ordering::SeqCst);
        self.wanted.store(0, Ordering::Relaxed);
        self.word.store(HELD, Ordering::SeqCst);
    }
}
