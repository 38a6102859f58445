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
use crate::state::{DONE, ON_STACK, STARTED};
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

const DEADLOCK: Failure = Failure::because(CALL_E_DEADLOCK, "the awaited call can only end after the waiting method");

/// In the child of a fork.
pub fn forget() {
    SLEEPERS.forget();
}

fn sleepers() -> &'static Mutex<Vec<Sleeper>> {
    SLEEPERS.get_or_make(|| Mutex::new(Vec::new()))
}

/// Refuses a wait that could never end, without waiting.
pub fn check(frame: &Frame<'_>, awaited: &'static Execution, generation: Generation) -> Result<(), Failure> {
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
        if let Some(home) = frame.home {
            home.block();
        }
        match look(me, 0, 0, true) {
            Ok(()) => Ok(Self { me, home: frame.home }),
            Err(refused) => {
                if let Some(home) = frame.home {
                    home.unblock();
                }
                Err(refused)
            }
        }
    }
}

impl Drop for Asleep<'_> {
    fn drop(&mut self) {
        let mut all = lock(sleepers());
        if let Some(at) = all.iter().rposition(|sleeper| *sleeper == self.me) {
            all.swap_remove(at);
        }
        drop(all);
        if let Some(home) = self.home {
            home.unblock();
        }
    }
}

/// Whether the wait may end; `stay`: then the sleeper stays registered. `waiting` threads of the
/// apartment `home` are to be counted as asleep beside those counted there.
fn look(me: Sleeper, home: usize, waiting: u32, stay: bool) -> Result<(), Failure> {
    let mut all = lock(sleepers());
    all.push(me);
    let mut look = Look { all: &all, me, home, waiting, path: Vec::new(), ending: Vec::new(), locked: Vec::new() };
    let ends = look.may_end(me.awaited);
    let locked = look.locked;
    if !(ends && stay) {
        all.pop();
    }
    drop(all);
    // Not before the lock is free: the last hold on an execution runs the program's code.
    Execution::unlock_all(&locked);
    if ends { Ok(()) } else { Err(DEADLOCK) }
}

/// A walk from a call along everything that must end before it.
struct Look<'a> {
    all: &'a [Sleeper],
    me: Sleeper,
    home: usize,
    waiting: u32,
    /// The calls between the awaited one and the one looked at.
    path: Vec<Awaited>,
    /// Those that were found to end.
    ending: Vec<Awaited>,
    /// Executions that were locked on the way, so that their apartments stay.
    locked: Vec<(&'static Execution, Generation)>,
}

impl Look<'_> {
    fn may_end(&mut self, awaited: Awaited) -> bool {
        // SAFETY: executions are never freed.
        let execution = unsafe { &*awaited.0 };
        let (now, state) = execution.read();
        if now != awaited.1 || state.has(DONE) || self.ending.contains(&awaited) {
            return true;
        }
        if self.path.contains(&awaited) {
            return false;
        }
        self.path.push(awaited);
        let ends = if !state.has(STARTED) {
            self.queued_may_end(execution, awaited)
        } else {
            // A method without a thread is completed by others.
            !state.has(ON_STACK) || self.running_may_end(execution, awaited.1)
        };
        self.path.pop();
        if ends {
            self.ending.push(awaited);
        }
        ends
    }

    /// Whether a sleeper's wait ends. The one who looks does not count on its own time: it is refused
    /// what nothing else could end.
    fn wakes(&mut self, sleeper: Sleeper) -> bool {
        (sleeper.timed && sleeper.frame != self.me.frame) || self.may_end(sleeper.awaited)
    }

    /// A running method ends unless its thread sleeps for something that does not.
    fn running_may_end(&mut self, execution: &'static Execution, generation: Generation) -> bool {
        // SAFETY: see `Sleeper`.
        let runs = |sleeper: &&Sleeper| unsafe { (*sleeper.frame).encloses(execution, generation) };
        // A thread that serves while it waits sleeps for one call inside another: the outer one can
        // only go on after the inner ones.
        let inside: Vec<Sleeper> = self.all.iter().filter(runs).copied().collect();
        inside.into_iter().all(|sleeper| self.wakes(sleeper))
    }

    /// A queued method starts if a thread of its apartment is free, can be made, or wakes.
    fn queued_may_end(&mut self, execution: &'static Execution, (_, generation): Awaited) -> bool {
        let mine = self.locked.contains(&(execution, generation));
        if !mine && !execution.lock(generation) {
            return true;
        }
        if !mine {
            self.locked.push((execution, generation));
        }
        let home = execution.target().lease.home();
        let identity = home.identity();
        if home.can_start(if identity == self.home { self.waiting } else { 0 }) {
            return true;
        }
        // SAFETY: see `Sleeper`.
        let of_home = |sleeper: &&Sleeper| unsafe { (*sleeper.frame).home.map(Home::identity) } == Some(identity);
        let workers: Vec<Sleeper> = self.all.iter().filter(of_home).copied().collect();
        workers.into_iter().any(|sleeper| self.wakes(sleeper))
    }
}
