//! How a thread waits for a call: it spins while that pays, it serves the apartments that it owns,
//! it lets its apartment go on without it, it refuses what could never end, and it sleeps.

use crate::deadlock::{self, Asleep};
use crate::execution::Execution;
use crate::frame::{self, Frame, Served};
use crate::handle::Generation;
use crate::hresult::Failure;
use crate::sync::Arc;
use crate::time::Deadline;

/// What to do about a wait that nothing but time could end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Hopeless {
    /// `CALL_E_DEADLOCK`.
    Refuse,
    /// A timer ends the call: wait for that, but not inside the very method that is to end.
    Bear,
}

/// Waits until the client's side of that begin is complete: false when the deadline passed first.
pub fn until_done(
    execution: &'static Execution,
    generation: Generation,
    deadline: Deadline,
    hopeless: Hopeless,
) -> Result<bool, Failure> {
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
        let served = frame::served_here();
        if !served.is_empty() {
            return serving(&served, frame, execution, generation, deadline, hopeless);
        }
        if deadline.is_poll() || execution.spin_done(generation, || false) {
            return Ok(execution.is_done(generation));
        }
        let _asleep = asleep(frame, execution, generation, hopeless)?;
        Ok(execution.park_done(generation, deadline))
    })
}

/// Registers the sleeper, if it is a method.
fn asleep<'a>(
    frame: Option<&'a Frame<'_>>,
    execution: &'static Execution,
    generation: Generation,
    hopeless: Hopeless,
) -> Result<Option<Asleep<'a>>, Failure> {
    match frame.map(|frame| Asleep::enter(frame, execution, generation)).transpose() {
        Err(_) if hopeless == Hopeless::Bear => Ok(None),
        entered => entered,
    }
}

/// As [`until_done`], on a thread that owns apartments: it serves them meanwhile.
fn serving(
    served: &[Arc<dyn Served>],
    frame: Option<&Frame<'_>>,
    execution: &'static Execution,
    generation: Generation,
    deadline: Deadline,
    hopeless: Hopeless,
) -> Result<bool, Failure> {
    let _asleep = if deadline.is_poll() { None } else { asleep(frame, execution, generation, hopeless)? };
    let has_work = || served.iter().any(|apartment| apartment.has_work());
    loop {
        for apartment in served {
            Frame::around(&**apartment, || apartment.serve());
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
