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

/// One sleeper.
struct Sleeper {
    /// Its innermost frame; the thread stays in it while it is registered.
    frame: *const Frame<'static>,
    awaited: &'static Execution,
    generation: Generation,
}

// SAFETY: the frame is looked at under the lock only, while its thread is registered and so does
// not leave it.
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
    Asleep::register(frame, awaited, generation, 1).map(drop)
}

/// A registered sleeper; it wakes when this is dropped.
pub struct Asleep<'a> {
    frame: *const Frame<'static>,
    home: Option<&'a dyn Home>,
}

impl<'a> Asleep<'a> {
    /// Registers this thread, and lets its apartment start another worker in its place.
    pub fn enter(frame: &'a Frame<'_>, awaited: &'static Execution, generation: Generation) -> Result<Self, Failure> {
        if let Some(home) = frame.home {
            home.block();
        }
        match Self::register(frame, awaited, generation, 0) {
            Ok(mut registered) => {
                registered.home = frame.home;
                Ok(registered)
            }
            Err(refused) => {
                if let Some(home) = frame.home {
                    home.unblock();
                }
                Err(refused)
            }
        }
    }

    fn register(
        frame: &Frame<'_>,
        awaited: &'static Execution,
        generation: Generation,
        waiting: u32,
    ) -> Result<Self, Failure> {
        let pointer = std::ptr::from_ref(frame).cast::<Frame<'static>>();
        let mut all = lock(sleepers());
        all.push(Sleeper { frame: pointer, awaited, generation });
        let me = (frame.home.map_or(0, Home::identity), waiting);
        let registered = Self { frame: pointer, home: None };
        let mut look = Look { all: &all, me, seen: Vec::new(), locked: Vec::new() };
        let ends = look.may_end(awaited, generation);
        let locked = look.locked;
        drop(all);
        for (execution, generation) in locked {
            // Not before the lock is free: this may run the program's code.
            execution.unlock(generation);
        }
        // Dropping it, here on failure, takes the lock again.
        if ends { Ok(registered) } else { Err(DEADLOCK) }
    }
}

impl Drop for Asleep<'_> {
    fn drop(&mut self) {
        let mut all = lock(sleepers());
        if let Some(at) = all.iter().rposition(|sleeper| sleeper.frame == self.frame) {
            all.swap_remove(at);
        }
        drop(all);
        if let Some(home) = self.home {
            home.unblock();
        }
    }
}

/// A walk from a call along everything that must end before it.
struct Look<'a> {
    all: &'a [Sleeper],
    /// The apartment of the thread that looks, and how many of its threads, not yet counted as
    /// asleep there, would be.
    me: (usize, u32),
    seen: Vec<(*const Execution, Generation)>,
    /// Executions that were locked on the way, so that their apartments stay.
    locked: Vec<(&'static Execution, Generation)>,
}

impl Look<'_> {
    fn may_end(&mut self, execution: &'static Execution, generation: Generation) -> bool {
        let (now, state) = execution.read();
        if now != generation || state.has(DONE) {
            return true;
        }
        let name = (std::ptr::from_ref(execution), generation);
        if self.seen.contains(&name) {
            return false;
        }
        self.seen.push(name);
        if state.has(STARTED) {
            self.running_may_end(execution, generation, state.has(ON_STACK))
        } else {
            self.queued_may_end(execution, generation)
        }
    }

    /// A running method ends unless its thread sleeps for something that does not.
    fn running_may_end(&mut self, execution: &'static Execution, generation: Generation, on_stack: bool) -> bool {
        if !on_stack {
            return true;
        }
        // SAFETY: see `Sleeper`.
        let runs = |sleeper: &&Sleeper| unsafe { (*sleeper.frame).encloses(execution, generation) };
        // A thread that serves while it waits sleeps for one call inside another: the outer one can
        // only go on after the inner ones.
        let awaited: Vec<_> = self.all.iter().filter(runs).map(|s| (s.awaited, s.generation)).collect();
        awaited.into_iter().all(|(awaited, generation)| self.may_end(awaited, generation))
    }

    /// A queued method starts if a thread of its apartment is free, can be made, or wakes.
    fn queued_may_end(&mut self, execution: &'static Execution, generation: Generation) -> bool {
        if !execution.lock(generation) {
            return true;
        }
        self.locked.push((execution, generation));
        let home = execution.target().lease.home();
        let identity = home.identity();
        let waiting = if identity == self.me.0 { self.me.1 } else { 0 };
        if home.can_start(waiting) {
            return true;
        }
        // SAFETY: see `Sleeper`.
        let of_home = |sleeper: &&Sleeper| unsafe { (*sleeper.frame).home.map(Home::identity) } == Some(identity);
        let workers: Vec<_> = self.all.iter().filter(of_home).map(|s| (s.awaited, s.generation)).collect();
        workers.into_iter().any(|(awaited, generation)| self.may_end(awaited, generation))
    }
}
