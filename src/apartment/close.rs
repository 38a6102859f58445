//! Closing an apartment: bounded, and honest about what remains.

use super::{Apartment, find};
use crate::deadlock::{Aim, Asleep};
use crate::execution::{Execution, Grace};
use crate::frame::{self, Frame};
use crate::handle::{Generation, Handle};
use crate::hresult::Failure;
use crate::sync::Wake;
use crate::time::Deadline;

/// Milliseconds between two looks at the methods while an apartment closes.
const LOOK_AGAIN: u32 = 10;

/// Refuses new calls, ends the queued ones, cancels the running ones and waits up to `timeout_ms` for
/// their methods; gives the number of methods still running.
pub fn close(id: u64, timeout_ms: u32) -> Result<u32, Failure> {
    crate::timer::start()?;
    Ok(find(id)?.0.shut(timeout_ms))
}

impl dyn Apartment + '_ {
    /// See [`close`].
    pub(super) fn shut(&self, timeout_ms: u32) -> u32 {
        let grace = Grace::milliseconds(timeout_ms);
        self.desk().close(grace);
        self.rouse();
        self.desk().refuse_queued();
        self.cancel_methods(grace);
        if frame::runs_in(self.identity()) {
            return self.methods().len() as u32;
        }
        let deadline = Deadline::after_ms(timeout_ms);
        let remaining = self.wait_quiet(deadline);
        if deadline.passed() {
            // The time is over: nobody waits for what is left, whatever the timer is at.
            self.cancel_methods(Grace::AT_ONCE);
        }
        remaining
    }

    fn cancel_methods(&self, grace: Grace) {
        for (execution, generation) in self.methods() {
            execution.disconnect(generation, grace);
        }
    }

    /// The methods that have not ended, on threads and without one. Who takes an execution notes it
    /// under the queue's lock, so after the queue was swept nothing is on its way between the two.
    fn methods(&self) -> Vec<(&'static Execution, Generation)> {
        let mut noted = [self.running(), self.desk().deferred()].concat();
        noted.sort_unstable_by_key(|method| method.pack());
        noted.dedup();
        let of_slot = |method: Handle| Execution::of_slot(method.slot).map(|execution| (execution, method.generation));
        noted.into_iter().filter_map(of_slot).filter(|(execution, generation)| execution.goes_on(*generation)).collect()
    }

    /// Waits until no method goes on; gives the number of those that do at the deadline, or when all
    /// that do can only end after the method that this thread is in.
    fn wait_quiet(&self, deadline: Deadline) -> u32 {
        loop {
            let seen = self.desk().quiet.count();
            let methods = self.methods();
            if methods.is_empty() || deadline.passed() {
                return methods.len() as u32;
            }
            // A worker tells what it runs with a plain store, which may pass our flag on its way:
            // its signal is the rule, a second look every now and then the exception.
            let slice = deadline.min(Deadline::after_ms(LOOK_AGAIN));
            serve_a_little(slice);
            let sleep = || self.desk().quiet.sleep(seen, slice);
            if !methods.iter().any(|&method| wait_a_little(method, deadline, sleep)) {
                return methods.len() as u32;
            }
        }
    }
}

/// Serves the apartments that this thread owns, as every wait does.
fn serve_a_little(slice: Deadline) {
    for apartment in frame::served_here() {
        Frame::around(&*apartment, || apartment.serve(&|| slice.passed()));
    }
}

/// Sleeps a little for a method of the apartment; in a method, its own apartment goes on without this
/// thread. False: it does not sleep, for that method can only end after the one that this thread is
/// in, or after the function that this thread runs for it.
fn wait_a_little(
    (execution, generation): (&'static Execution, Generation),
    deadline: Deadline,
    sleep: impl Fn() -> Wake,
) -> bool {
    if execution.is_told_here(generation) {
        return false;
    }
    let calls = [(execution, generation)];
    let aim = Aim { calls: &calls, every: true };
    frame::innermost(|frame| {
        let asleep = match frame.map(|frame| Asleep::enter(frame, Some(aim), deadline)) {
            // Time ends it, for the one who closes and for what it closes.
            Some(Err(_)) if deadline == Deadline::NEVER => return false,
            entered => entered,
        };
        sleep();
        drop(asleep);
        true
    })
}
