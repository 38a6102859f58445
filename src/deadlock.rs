//! Which threads of apartments sleep for which calls, and whether such a sleep could ever end.
//!
//! A method that waits for a call holds a thread of its apartment. Where the call needs that very
//! thread, directly or through other methods that wait, the wait could never end, and
//! `CALL_E_DEADLOCK` says so instead. All who may go to sleep register here under one lock and look
//! first, so the one who would close the circle sees it. Only threads inside a method come here.

use crate::execution::Execution;
use crate::frame::Frame;
use crate::handle::Generation;
use crate::hresult::{CALL_E_DEADLOCK, Failure};
use crate::object::Home;
use crate::state::{CANCEL, DONE, ON_STACK, STARTED};
use crate::sync::{Global, Mutex, lock};
use crate::time::Deadline;

/// One sleeper.
#[derive(Clone, Copy, PartialEq)]
struct Sleeper {
    /// Its innermost frame; the thread stays in it while it is registered.
    frame: *const Frame<'static>,
    awaited: Awaited,
    /// It wakes by itself, sooner or later.
    timed: bool,
}

/// A begin that somebody waits for.
type Awaited = (*const Execution, Generation);

// SAFETY: the frame is looked at under the lock only, while its thread is registered and so does
// not leave it; executions are never freed.
unsafe impl Send for Sleeper {}

static SLEEPERS: Global<Mutex<Vec<Sleeper>>> = Global::new();

/// What such a wait is refused with.
pub const DEADLOCK: Failure =
    Failure::because(CALL_E_DEADLOCK, "the awaited call can only end after the waiting method");

/// In the child of a fork.
pub fn forget() {
    SLEEPERS.forget();
}

fn sleepers() -> &'static Mutex<Vec<Sleeper>> {
    SLEEPERS.get_or_make(|| Mutex::new(Vec::new()))
}

/// Refuses a wait that could never end, without waiting.
pub fn check(frame: &Frame<'_>, awaited: &'static Execution, generation: Generation) -> Result<(), Failure> {
    if frame.encloses(awaited, generation) && !awaited.is_done(generation) {
        return Err(DEADLOCK);
    }
    let me = Sleeper { frame: std::ptr::from_ref(frame).cast(), awaited: (awaited, generation), timed: false };
    // It would hold one thread more of its apartment than is counted there.
    look(me, frame.home.map_or(0, Home::identity), 1, false)
}

/// A registered sleeper; it wakes when this is dropped.
pub struct Asleep<'a> {
    me: Sleeper,
    home: Option<&'a dyn Home>,
}

impl<'a> Asleep<'a> {
    /// Registers this thread, and lets its apartment start another worker in its place.
    pub fn enter(
        frame: &'a Frame<'_>,
        awaited: &'static Execution,
        generation: Generation,
        deadline: Deadline,
    ) -> Result<Self, Failure> {
        let timed = deadline != Deadline::NEVER;
        let me = Sleeper { frame: std::ptr::from_ref(frame).cast(), awaited: (awaited, generation), timed };
        lock(sleepers()).push(me);
        if let Some(home) = frame.home {
            home.block();
        }
        let asleep = Self { me, home: frame.home };
        look(me, 0, 0, true).map(|()| asleep)
    }
}

impl Drop for Asleep<'_> {
    fn drop(&mut self) {
        if let Some(home) = self.home {
            home.unblock();
        }
        let mut all = lock(sleepers());
        if let Some(at) = all.iter().rposition(|sleeper| *sleeper == self.me) {
            all.swap_remove(at);
        }
    }
}

/// Whether the wait may end; `stay`: then the sleeper stays registered. `waiting` threads of the
/// apartment `home` are to be counted as asleep beside those counted there.
fn look(me: Sleeper, home: usize, waiting: u32, stay: bool) -> Result<(), Failure> {
    let mut all = lock(sleepers());
    if !stay {
        all.push(me);
    }
    let woken = vec![false; all.len()];
    let mut look = Look { all: &all, me, home, waiting, woken, locked: Vec::new() };
    let ends = look.may_end(me.awaited);
    let locked = look.locked;
    if !stay {
        all.pop();
    }
    drop(all);
    // Not before the lock is free: the last hold on an execution runs the program's code.
    Execution::unlock_all(&locked);
    if ends { Ok(()) } else { Err(DEADLOCK) }
}

/// Which sleepers wake, found from those whose calls end by themselves outward.
struct Look<'a> {
    all: &'a [Sleeper],
    me: Sleeper,
    home: usize,
    waiting: u32,
    /// By the index of the sleeper.
    woken: Vec<bool>,
    /// Executions that were locked on the way, so that their apartments stay.
    locked: Vec<(&'static Execution, Generation)>,
}

impl Look<'_> {
    /// Marks who wakes, again and again until the call is seen to end or nothing new is found.
    fn may_end(&mut self, awaited: Awaited) -> bool {
        loop {
            if self.ends(awaited) {
                return true;
            }
            let mut more = false;
            for at in 0..self.all.len() {
                let sleeper = self.all[at];
                let timed = sleeper.timed && sleeper.frame != self.me.frame;
                if !self.woken[at] && (timed || self.ends(sleeper.awaited)) {
                    self.woken[at] = true;
                    more = true;
                }
            }
            if !more {
                return false;
            }
        }
    }

    /// Whether a call ends, as far as is known of the sleepers. A running method ends unless its thread
    /// sleeps for something that does not; where a thread serves while it waits, one wait is inside
    /// another, and the outer one can only go on after the inner ones.
    fn ends(&mut self, awaited: Awaited) -> bool {
        // SAFETY: executions are never freed.
        let execution = unsafe { &*awaited.0 };
        let (now, state) = execution.read();
        if now != awaited.1 || state.has(DONE) {
            return true;
        }
        if state.has(CANCEL) && execution.grace().1.end().is_some() {
            // The timer ends it.
            return true;
        }
        if !state.has(STARTED) {
            return self.queued_may_end(execution, awaited.1);
        }
        // SAFETY: see `Sleeper`.
        let runs = |sleeper: &Sleeper| unsafe { (*sleeper.frame).encloses(execution, awaited.1) };
        !state.has(ON_STACK) || self.all.iter().zip(&self.woken).all(|(sleeper, woken)| *woken || !runs(sleeper))
    }

    /// A queued method starts if a thread of its apartment is free, can be made, or wakes.
    fn queued_may_end(&mut self, execution: &'static Execution, generation: Generation) -> bool {
        if !self.locked.contains(&(execution, generation)) {
            if !execution.lock(generation) {
                return true;
            }
            self.locked.push((execution, generation));
        }
        let home = execution.target().lease.home();
        let identity = home.identity();
        if home.can_start(if identity == self.home { self.waiting } else { 0 }) {
            return true;
        }
        // SAFETY: see `Sleeper`.
        let of_home = |sleeper: &Sleeper| unsafe { (*sleeper.frame).home.map(Home::identity) } == Some(identity);
        // A thread is free only after all the waits inside that one.
        // SAFETY: see `Sleeper`.
        let inside = |outer: &Sleeper, inner: &Sleeper| unsafe { (*inner.frame).is_within(outer.frame) };
        self.all.iter().any(|outer| {
            of_home(outer) && self.all.iter().zip(&self.woken).all(|(inner, woken)| *woken || !inside(outer, inner))
        })
    }
}
