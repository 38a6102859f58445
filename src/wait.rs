//! How a thread waits for a call: it spins while that pays, it serves the apartments that it owns,
//! it lets its apartment go on without it, it refuses what could never end, and it sleeps.

use crate::deadlock::{self, Aim, Asleep, Awaited};
use crate::execution::{Execution, sleep_once_for_some, sleep_until_some};
use crate::frame::{self, Frame, Served};
use crate::handle::Generation;
use crate::hresult::Failure;
use crate::sync::Arc;
use crate::time::Deadline;
use std::cell::Cell;

/// What to do about a wait that nothing but time could end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Hopeless {
    /// `CALL_E_DEADLOCK`.
    Refuse,
    /// A timer ends the call: wait for that, but not inside the very method that is to end.
    Bear,
}

/// How many waits of one thread may serve one inside another: each takes of its stack.
const DEEPEST: u32 = 128;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// In the child of a fork: the waits on this stack belong to the parent.
pub fn forget() {
    DEPTH.set(0);
}

/// What a thread waits for.
pub trait Goal {
    /// The calls that it waits for, if it is calls.
    fn aim(&self) -> Option<Aim<'_>>;
    fn is_reached(&self) -> bool;
    /// The same, of one that somebody has to look at for it to be reached.
    fn glance(&self) -> bool {
        self.is_reached()
    }
    /// Spins while it pays. True: reached, or `other` says yes.
    fn spin(&self, other: &dyn Fn() -> bool) -> bool;
    /// Sleeps until it is reached, or until the deadline: false.
    fn park(&self, deadline: Deadline) -> bool;
    /// Sleeps once, until it may be reached, one of the apartments that this thread serves has work, or
    /// the deadline.
    fn park_serving(&self, deadline: Deadline, served: &[Arc<dyn Served>], has_work: &dyn Fn() -> bool);
}

/// The end of one call.
struct One([Awaited; 1]);

impl One {
    fn call(&self) -> Awaited {
        self.0[0]
    }
}

impl Goal for One {
    fn aim(&self) -> Option<Aim<'_>> {
        Some(Aim { calls: &self.0, every: true })
    }

    fn is_reached(&self) -> bool {
        let (execution, generation) = self.call();
        execution.is_done(generation)
    }

    fn glance(&self) -> bool {
        let (execution, generation) = self.call();
        execution.is_done(generation) || execution.glance_at_lane(generation)
    }

    fn spin(&self, other: &dyn Fn() -> bool) -> bool {
        let (execution, generation) = self.call();
        execution.spin_at_lane(generation, other)
    }

    fn park(&self, deadline: Deadline) -> bool {
        let (execution, generation) = self.call();
        execution.park_at_lane(generation, deadline)
    }

    fn park_serving(&self, deadline: Deadline, served: &[Arc<dyn Served>], has_work: &dyn Fn() -> bool) {
        let (execution, generation) = self.call();
        execution.park_serving(generation, deadline, served, has_work);
    }
}

/// The end of some of several calls.
struct Several<'a>(Aim<'a>);

impl Goal for Several<'_> {
    fn aim(&self) -> Option<Aim<'_>> {
        Some(self.0)
    }

    fn is_reached(&self) -> bool {
        self.0.is_done()
    }

    fn glance(&self) -> bool {
        self.0
            .is_reached(|(execution, generation)| execution.is_done(generation) || execution.glance_at_lane(generation))
    }

    fn spin(&self, other: &dyn Fn() -> bool) -> bool {
        self.is_reached() || other()
    }

    fn park(&self, deadline: Deadline) -> bool {
        sleep_until_some(self.0.calls, deadline, || self.is_reached())
    }

    fn park_serving(&self, deadline: Deadline, served: &[Arc<dyn Served>], has_work: &dyn Fn() -> bool) {
        sleep_once_for_some(self.0.calls, deadline, served, || self.is_reached() || has_work());
    }
}

/// One wait of a thread.
struct Wait<'a> {
    frame: Option<&'a Frame<'a>>,
    goal: &'a dyn Goal,
    deadline: Deadline,
    hopeless: Hopeless,
}

/// Waits until the client's side of that begin is complete: false when the deadline passed first.
pub fn until_done(
    execution: &'static Execution,
    generation: Generation,
    deadline: Deadline,
    hopeless: Hopeless,
) -> Result<bool, Failure> {
    until(&One([(execution, generation)]), deadline, hopeless)
}

/// Waits until the client's sides of some of these begins, or all, are complete: false when the deadline
/// passed first.
pub fn until_some(aim: Aim<'_>, deadline: Deadline) -> Result<bool, Failure> {
    until(&Several(aim), deadline, Hopeless::Refuse)
}

/// Waits until the goal is reached: false when the deadline passed first.
pub fn until(goal: &dyn Goal, deadline: Deadline, hopeless: Hopeless) -> Result<bool, Failure> {
    let free = |(execution, generation): Awaited| execution.is_done(generation) || !execution.is_told_here(generation);
    let told_here = |aim: Aim| !aim.is_reached(free);
    if hopeless == Hopeless::Refuse && !deadline.is_poll() && goal.aim().is_some_and(told_here) && !goal.is_reached() {
        // The method's end waits for the function that this thread is in.
        return Err(deadlock::DEADLOCK);
    }
    frame::innermost(|frame| {
        if let (Some(frame), Some(aim)) = (frame, goal.aim())
            && let Err(deadlock) = deadlock::check(frame, aim)
        {
            match hopeless {
                Hopeless::Refuse => return Err(deadlock),
                Hopeless::Bear if deadlock::is_own(frame, aim) => return Ok(false),
                Hopeless::Bear => {}
            }
        }
        let wait = Wait { frame, goal, deadline, hopeless };
        let served = frame::served_here();
        if served.is_empty() {
            return wait.plainly();
        }
        if DEPTH.get() < DEEPEST {
            return deeper(|| wait.serving(&served));
        }
        // Too deep to serve what comes: it has to wait until this wait is over.
        let _paused = Paused::all(&served);
        wait.plainly()
    })
}

fn deeper<T>(run: impl FnOnce() -> T) -> T {
    let outer = DEPTH.replace(DEPTH.get() + 1);
    let value = run();
    // Not one less: in the child of a fork it was forgotten meanwhile.
    DEPTH.set(outer);
    value
}

/// Apartments whose owner does not serve for a while.
struct Paused<'a>(&'a [Arc<dyn Served>]);

impl<'a> Paused<'a> {
    fn all(served: &'a [Arc<dyn Served>]) -> Self {
        for apartment in served {
            apartment.pause(true);
        }
        Self(served)
    }
}

impl Drop for Paused<'_> {
    fn drop(&mut self) {
        for apartment in self.0 {
            apartment.pause(false);
        }
    }
}

impl Wait<'_> {
    fn plainly(&self) -> Result<bool, Failure> {
        if self.deadline.is_poll() {
            return Ok(self.goal.glance());
        }
        if self.goal.spin(&|| false) {
            return Ok(self.goal.is_reached());
        }
        let _asleep = self.asleep()?;
        Ok(self.goal.park(self.deadline))
    }

    /// Registers the sleeper, if it is a method.
    fn asleep(&self) -> Result<Option<Asleep>, Failure> {
        let enter = |frame| Asleep::enter(frame, self.goal.aim(), self.deadline);
        match self.frame.map(enter).transpose() {
            Err(_) if self.hopeless == Hopeless::Bear => Ok(None),
            entered => entered,
        }
    }

    /// On a thread that owns apartments: it serves them meanwhile.
    fn serving(&self, served: &[Arc<dyn Served>]) -> Result<bool, Failure> {
        let Self { goal, deadline, .. } = *self;
        let _asleep = if deadline.is_poll() { None } else { self.asleep()? };
        let has_work = || served.iter().any(|apartment| apartment.has_work());
        // A poll serves what is there; another wait, until it is over.
        let over = || goal.is_reached() || (!deadline.is_poll() && deadline.passed());
        loop {
            for apartment in served {
                Frame::around(&**apartment, || apartment.serve(&over));
            }
            if goal.is_reached() || (deadline.is_poll() && goal.glance()) {
                return Ok(true);
            }
            if deadline.passed() {
                return Ok(false);
            }
            if !goal.spin(&has_work) {
                goal.park_serving(deadline, served, &has_work);
            }
        }
    }
}
