//! Which threads of apartments sleep for which calls, and whether such a sleep could ever end.
//!
//! A method that waits for a call holds a thread of its apartment. Where the call needs that very
//! thread, directly or through other methods that wait, the wait could never end, and
//! `CALL_E_DEADLOCK` says so instead. All who may go to sleep register here under one lock and look
//! first, so the one who would close the circle sees it. Only threads inside a method come here.

use crate::execution::Execution;
use crate::frame::Frame;
use crate::handle::{Generation, Handle};
use crate::hresult::{CALL_E_DEADLOCK, Failure};
use crate::object::Home;
use crate::state::{CANCEL, DIRECT, DONE, ON_STACK, STARTED};
use crate::sync::{Global, Mutex, lock};
use crate::time::Deadline;

/// A begin that somebody waits for.
pub type Awaited = (&'static Execution, Generation);

/// What a wait is for.
#[derive(Clone, Copy)]
pub struct Aim<'a> {
    pub calls: &'a [Awaited],
    /// All of them; else one is enough.
    pub every: bool,
}

impl Aim<'_> {
    /// Whether it is reached, given which calls are through.
    pub fn is_reached(self, mut through: impl FnMut(Awaited) -> bool) -> bool {
        let mut calls = self.calls.iter();
        if self.every { calls.all(|&call| through(call)) } else { calls.any(|&call| through(call)) }
    }

    pub fn is_done(self) -> bool {
        self.is_reached(|(execution, generation)| execution.is_done(generation))
    }
}

/// One sleeper.
#[derive(Clone, Copy)]
struct Sleeper {
    /// Its innermost frame; the thread stays in it while it is registered.
    frame: *const Frame<'static>,
    /// The calls of its aim, which stay where they are as long; none: anything may wake it.
    calls: *const [Awaited],
    every: bool,
    /// It wakes by itself, sooner or later.
    timed: bool,
}

// SAFETY: frame and calls are looked at under the lock only, while their thread is registered and so does
// not leave them; executions are never freed.
unsafe impl Send for Sleeper {}

impl Sleeper {
    fn new(frame: &Frame<'_>, aim: Option<Aim<'_>>, timed: bool) -> Self {
        let Aim { calls, every } = aim.unwrap_or(Aim { calls: &[], every: true });
        Self { frame: std::ptr::from_ref(frame).cast(), calls, every, timed }
    }

    fn aim(&self) -> Aim<'_> {
        // SAFETY: see above.
        Aim { calls: unsafe { &*self.calls }, every: self.every }
    }

    fn is(&self, other: &Self) -> bool {
        std::ptr::eq(self.frame, other.frame) && std::ptr::eq(self.calls, other.calls) && self.timed == other.timed
    }
}

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

/// Whether the aim can only be reached after a method that this thread is in.
pub fn is_own(frame: &Frame<'_>, aim: Aim<'_>) -> bool {
    let other =
        |(execution, generation): Awaited| !frame.encloses(execution, generation) || execution.is_done(generation);
    !aim.is_reached(other)
}

/// Refuses a wait that could never end, without waiting.
pub fn check(frame: &Frame<'_>, aim: Aim<'_>) -> Result<(), Failure> {
    if is_own(frame, aim) {
        return Err(DEADLOCK);
    }
    // It would hold one thread more of its apartments than is counted there.
    // SAFETY: frames of this thread.
    let home = |frame: *const Frame<'static>| unsafe { (*frame).home }.map_or(0, Home::identity);
    let homes: Vec<usize> = frame.awake_in().into_iter().map(home).collect();
    look(Sleeper::new(frame, Some(aim), false), &homes, false)
}

/// A registered sleeper; it wakes when this is dropped.
pub struct Asleep {
    me: Sleeper,
    frames: Vec<*const Frame<'static>>,
}

impl Asleep {
    /// Registers this thread, and lets its apartments start other workers in its place. The frame and the
    /// aim stay where they are until it wakes.
    pub fn enter(frame: &Frame<'_>, aim: Option<Aim<'_>>, deadline: Deadline) -> Result<Self, Failure> {
        let me = Sleeper::new(frame, aim, deadline != Deadline::NEVER);
        lock(sleepers()).push(me);
        let frames = frame.awake_in();
        for &frame in &frames {
            // SAFETY: frames of this thread, which stays in them.
            unsafe { (*frame).block(true) };
        }
        let asleep = Self { me, frames };
        if aim.is_some() { look(me, &[], true).map(|()| asleep) } else { Ok(asleep) }
    }
}

impl Drop for Asleep {
    fn drop(&mut self) {
        for &frame in &self.frames {
            // SAFETY: as in `enter`.
            unsafe { (*frame).block(false) };
        }
        let mut all = lock(sleepers());
        if let Some(at) = all.iter().rposition(|sleeper| sleeper.is(&self.me)) {
            all.swap_remove(at);
        }
    }
}

/// Whether the wait may end; `stay`: then the sleeper stays registered. One thread more of each of the
/// apartments `homes` is to be counted as asleep than is there.
fn look(me: Sleeper, homes: &[usize], stay: bool) -> Result<(), Failure> {
    let mut all = lock(sleepers());
    if !stay {
        all.push(me);
    }
    let woken = vec![false; all.len()];
    let mut look = Look { all: &all, me, homes, woken, locked: Vec::new() };
    let ends = look.may_end(me);
    let locked = look.locked;
    if !stay {
        all.pop();
    }
    drop(all);
    // Not before the lock is free: the last hold on an execution runs the program's code.
    Execution::unlock_all(&locked);
    if ends { Ok(()) } else { Err(DEADLOCK) }
}

/// The methods that sleep, each with a call that it sleeps for.
pub fn waits() -> Vec<(Handle, Handle)> {
    let all = lock(sleepers());
    let wait = |sleeper: &Sleeper| {
        // SAFETY: see `Sleeper`.
        let method = unsafe { (*sleeper.frame).server }?;
        let &(execution, generation) = sleeper.aim().calls.iter().find(|call| !call.0.is_done(call.1))?;
        Some((method.execution.handle(method.generation), execution.handle(generation)))
    };
    all.iter().filter_map(wait).collect()
}

/// Which sleepers wake, found from those whose calls end by themselves outward.
struct Look<'a> {
    all: &'a [Sleeper],
    me: Sleeper,
    homes: &'a [usize],
    /// By the index of the sleeper.
    woken: Vec<bool>,
    /// Executions that were locked on the way, so that their apartments stay.
    locked: Vec<(&'static Execution, Generation)>,
}

impl Look<'_> {
    /// Marks who wakes, again and again until the call is seen to end or nothing new is found.
    fn may_end(&mut self, sleeper: Sleeper) -> bool {
        loop {
            if self.wakes(sleeper) {
                return true;
            }
            let mut more = false;
            for at in 0..self.all.len() {
                let sleeper = self.all[at];
                let timed = sleeper.timed && sleeper.frame != self.me.frame;
                if !self.woken[at] && (timed || self.wakes(sleeper)) {
                    self.woken[at] = true;
                    more = true;
                }
            }
            if !more {
                return false;
            }
        }
    }

    fn wakes(&mut self, sleeper: Sleeper) -> bool {
        sleeper.aim().is_reached(|call| self.ends(call))
    }

    /// Whether a call ends, as far as is known of the sleepers. A running method ends unless its thread
    /// sleeps for something that does not; where a thread serves while it waits, one wait is inside
    /// another, and the outer one can only go on after the inner ones.
    fn ends(&mut self, (execution, generation): Awaited) -> bool {
        let (now, state) = execution.read();
        if now != generation || state.has(DONE) {
            return true;
        }
        let graced = state.has(CANCEL) && execution.grace().1.end().is_some();
        if graced || (!state.any(DIRECT | CANCEL) && execution.deadline_ends(generation, state.has(STARTED))) {
            // The timer ends it.
            return true;
        }
        if !state.has(STARTED) {
            return self.queued_may_end(execution, generation);
        }
        // SAFETY: see `Sleeper`.
        let runs = |sleeper: &Sleeper| unsafe { (*sleeper.frame).encloses(execution, generation) };
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
        if home.can_start(u32::from(self.homes.contains(&identity))) {
            return true;
        }
        // SAFETY: see `Sleeper`.
        let of_home = |sleeper: &Sleeper| unsafe { (*sleeper.frame).is_in(identity) };
        // A thread is free only after all the waits inside that one.
        // SAFETY: see `Sleeper`.
        let inside = |outer: &Sleeper, inner: &Sleeper| unsafe { (*inner.frame).is_within(outer.frame) };
        self.all.iter().any(|outer| {
            of_home(outer) && self.all.iter().zip(&self.woken).all(|(inner, woken)| *woken || !inside(outer, inner))
        })
    }
}
