//! The lane of calls to a child process: whoever leaves something in it, somebody comes.

use super::Race;
use crate::baton::{Baton, Beside, Next};
use crate::stage::start;
use crate::sync::{Arc, AtomicU32, Ordering};

/// A lane, and what is beside it.
struct Yard {
    baton: Baton,
    queued: AtomicU32,
    awaited: AtomicU32,
    /// Who has summoned the apartment's thread.
    summoned: AtomicU32,
}

const MAIN: u32 = 1;
const OTHER: u32 = 2;
const WORKER: u64 = 7;

/// One thread's view of it.
struct Seen<'a>(&'a Yard, u32);

impl Beside for Seen<'_> {
    fn has_queued(&self) -> bool {
        self.0.queued.load(Ordering::SeqCst) != 0
    }

    fn is_awaited(&self) -> bool {
        self.0.awaited.load(Ordering::SeqCst) != 0
    }

    fn summon(&self) {
        self.0.summoned.fetch_or(self.1, Ordering::SeqCst);
    }
}

/// One that the calling thread holds.
fn held() -> Arc<Yard> {
    let none = || AtomicU32::new(0);
    let yard = Arc::new(Yard { baton: Baton::new(), queued: none(), awaited: none(), summoned: none() });
    assert!(yard.baton.hold_free());
    yard
}

impl Yard {
    fn summoners(&self) -> &'static str {
        match self.summoned.load(Ordering::SeqCst) {
            0 => "nobody",
            MAIN => "the holder",
            OTHER => "the other",
            _ => "both",
        }
    }
}

pub const LANE_BEGIN: Race = Race {
    name: "a lane that is given back against begin",
    words: 20,
    preemptions: None,
    outcomes: &[
        "sent, summoned by nobody",
        "queued, summoned by the holder",
        "queued, summoned by the other",
        "queued, summoned by both",
    ],
    model: lane_begin,
};

fn lane_begin() -> String {
    let yard = held();
    let other = Arc::clone(&yard);
    let begun = start("who begins", move || {
        let sends = other.baton.hold_free();
        if sends {
            other.baton.give(Next::Flies, &Seen(&other, OTHER));
        } else {
            other.queued.store(1, Ordering::SeqCst);
            other.baton.queued(&Seen(&other, OTHER), false);
        }
        sends
    });
    yard.baton.give(Next::Nothing, &Seen(&yard, MAIN));
    let sent = begun.join().expect("no panic");
    // What was queued is there for the apartment's thread, which was told of it.
    assert_eq!(yard.baton.has_work(yard.queued.load(Ordering::SeqCst) != 0), !sent);
    format!("{}, summoned by {}", if sent { "sent" } else { "queued" }, yard.summoners())
}

pub const LANE_RING: Race = Race {
    name: "a lane that is given back against the child's ring",
    words: 20,
    preemptions: None,
    outcomes: &["heard by who was rung for, summoned by nobody", "heard by the holder, summoned by the holder"],
    model: lane_ring,
};

fn lane_ring() -> String {
    let yard = held();
    let other = Arc::clone(&yard);
    let rung = start("who is rung for", move || other.baton.ring());
    yard.baton.give(Next::Flies, &Seen(&yard, MAIN));
    let heard = rung.join().expect("no panic");
    assert!(yard.baton.has_work(false), "the apartment's thread has something to do");
    let by = if heard { "who was rung for" } else { "the holder" };
    format!("heard by {by}, summoned by {}", yard.summoners())
}

pub const LANE_WAIT: Race = Race {
    name: "a lane that is given back against a wait",
    words: 20,
    preemptions: None,
    outcomes: &["summoned by the holder", "summoned by the other"],
    model: lane_wait,
};

fn lane_wait() -> String {
    let yard = held();
    let other = Arc::clone(&yard);
    let waits = start("who waits", move || {
        other.awaited.store(1, Ordering::SeqCst);
        other.baton.call(&Seen(&other, OTHER));
    });
    yard.baton.give(Next::Flies, &Seen(&yard, MAIN));
    waits.join().expect("no panic");
    assert!(yard.baton.has_work(false), "the apartment's thread has something to do");
    format!("summoned by {}", yard.summoners())
}

pub const LANE_OWN: Race = Race {
    name: "a client and the apartment's thread go for a lane",
    words: 20,
    preemptions: None,
    outcomes: &["the thread", "the client, and the thread is summoned", "the client, and then the thread"],
    model: lane_own,
};

fn lane_own() -> String {
    let yard = held();
    yard.queued.store(1, Ordering::SeqCst);
    yard.baton.give(Next::Nothing, &Seen(&yard, OTHER));
    yard.summoned.store(0, Ordering::SeqCst);
    let other = Arc::clone(&yard);
    let owns = start("the apartment's thread", move || other.baton.own(WORKER));
    let held = yard.baton.hold_free();
    if held {
        assert!(!yard.baton.is_owned_by(WORKER));
        yard.baton.give(Next::Nothing, &Seen(&yard, MAIN));
    }
    let owned = owns.join().expect("no panic");
    assert_eq!(yard.baton.is_owned_by(WORKER), owned);
    match (held, owned) {
        (false, true) => "the thread".to_owned(),
        (true, false) => format!(
            "the client, and the thread is {}",
            if yard.summoners() == "the holder" { "summoned" } else { "not" }
        ),
        (true, true) => "the client, and then the thread".to_owned(),
        (false, false) => "nobody".to_owned(),
    }
}
