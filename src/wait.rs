//! How a thread waits for a call: it spins while that pays, it serves the apartments that it owns,
//! it lets its apartment go on without it, it refuses what could never end, and it sleeps.

use crate::deadlock::{self, Asleep};
use crate::execution::Execution;
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

/// One wait of a thread.
struct Wait<'a> {
    frame: Option<&'a Frame<'a>>,
    execution: &'static Execution,
    generation: Generation,
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
    let told_here = hopeless == Hopeless::Refuse && execution.is_told_here(generation);
    if told_here && !deadline.is_poll() && !execution.is_done(generation) {
        // The method's end waits for the function that this thread is in.
        return Err(deadlock::DEADLOCK);
    }
    frame::innermost(|frame| {
        if let Some(frame) = frame
            && let Err(deadlock) = deadlock::check(frame, execution, generation)
        {
            match hopeless {
                Hopeless::Refuse => return Err(deadlock),
                Hopeless::Bear if frame.encloses(execution, generation) => return Ok(false),
                Hopeless::Bear => {}
            }
        }
        let wait = Wait { frame, execution, generation, deadline, hopeless };
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
    DEPTH.set(DEPTH.get() + 1);
    let value = run();
    DEPTH.set(DEPTH.get() - 1);
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

impl<'a> Wait<'a> {
    fn plainly(&self) -> Result<bool, Failure> {
        let Self { execution, generation, .. } = *self;
        if self.deadline.is_poll() || execution.spin_done(generation, || false) {
            return Ok(execution.is_done(generation));
        }
        let _asleep = self.asleep()?;
        Ok(execution.park_done(generation, self.deadline))
    }

    /// Registers the sleeper, if it is a method.
    fn asleep(&self) -> Result<Option<Asleep<'a>>, Failure> {
        let enter = |frame| Asleep::enter(frame, self.execution, self.generation, self.deadline);
        match self.frame.map(enter).transpose() {
            Err(_) if self.hopeless == Hopeless::Bear => Ok(None),
            entered => entered,
        }
    }

    /// On a thread that owns apartments: it serves them meanwhile.
    fn serving(&self, served: &[Arc<dyn Served>]) -> Result<bool, Failure> {
        let Self { execution, generation, deadline, .. } = *self;
        let _asleep = if deadline.is_poll() { None } else { self.asleep()? };
        let has_work = || served.iter().any(|apartment| apartment.has_work());
        // A poll serves what is there; another wait, until it is over.
        let over = || execution.is_done(generation) || (!deadline.is_poll() && deadline.passed());
        loop {
            for apartment in served {
                Frame::around(&**apartment, || apartment.serve(&over));
            }
            if execution.is_done(generation) {
                return Ok(true);
            }
            if deadline.passed() {
                return Ok(false);
            }
            if !execution.spin_done(generation, has_work) {
                execution.park_serving(generation, deadline, served, has_work);
            }
        }
    }
}
