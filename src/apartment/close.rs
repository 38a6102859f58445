//! Closing an apartment: bounded, and honest about what remains.

use super::multi::{Multi, Residence, is_same};
use crate::execution::{Execution, Grace};
use crate::frame;
use crate::handle::Handle;
use crate::hresult::Failure;
use crate::state::Cause;
use crate::sync::{Arc, lock};
use crate::time::{Deadline, INFINITE};

/// Milliseconds between two looks at the workers while an apartment closes.
const LOOK_AGAIN: u32 = 10;

impl Residence {
    /// Refuses new calls, ends the queued ones, cancels the running ones and waits up to
    /// `timeout_ms` for their methods; gives the number of methods still running.
    pub fn shut(&self, timeout_ms: u32) -> Result<u32, Failure> {
        let apartment = self.apartment();
        crate::timer::start()?;
        apartment.close();
        apartment.refuse_queued();
        let grace = Grace::milliseconds(timeout_ms);
        for method in apartment.methods() {
            cancel(method, grace);
        }
        let own = frame::runs_in(|home| is_same(apartment, home.identity()));
        let deadline = if own { Deadline::after_ms(0) } else { Deadline::after_ms(timeout_ms) };
        let remaining = apartment.wait_quiet(deadline);
        if !own && timeout_ms != INFINITE {
            // The time is over: nobody waits for what is left, whatever the timer is at.
            for method in apartment.methods() {
                cancel(method, Grace::milliseconds(0));
            }
        }
        Ok(remaining)
    }
}

fn cancel(method: Handle, grace: Grace) {
    if let Some(execution) = Execution::of_slot(method.slot) {
        execution.request_cancel(method.generation, Cause::Disconnect, grace, false);
    }
}

impl Multi {
    /// The methods that run now, on threads and without one.
    fn methods(&self) -> Vec<Handle> {
        // A worker notes what it took under the queue's lock, so after the queue was swept nothing
        // is on its way between the two.
        let running: Vec<Handle> = lock(&self.workers).iter().filter_map(|worker| worker.running()).collect();
        let deferred = lock(&self.deferred).iter().map(|&packed| Handle::unpack(packed)).collect::<Vec<_>>();
        [running, deferred].concat()
    }

    fn wait_quiet(self: &Arc<Self>, deadline: Deadline) -> u32 {
        loop {
            let seen = self.quiet.count();
            let methods = self.methods();
            if methods.is_empty() || deadline.passed() {
                return methods.len() as u32;
            }
            // A worker tells what it runs with a plain store, which may pass our flag on its way:
            // its signal is the rule, a second look every now and then the exception.
            self.quiet.sleep(seen, deadline.min(Deadline::after_ms(LOOK_AGAIN)));
        }
    }
}
