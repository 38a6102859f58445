//! Closing an apartment: bounded, and honest about what remains.

use super::desk::CLOSED;
use super::{Apartment, find};
use crate::execution::{Execution, Grace};
use crate::frame;
use crate::handle::Handle;
use crate::hresult::Failure;
use crate::time::{Deadline, INFINITE};

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
        self.desk().raise(CLOSED);
        self.rouse();
        self.desk().refuse_queued();
        self.cancel_methods(Grace::milliseconds(timeout_ms));
        if frame::runs_in(self.identity()) {
            return self.methods().len() as u32;
        }
        let remaining = self.wait_quiet(Deadline::after_ms(timeout_ms));
        if timeout_ms != INFINITE {
            // The time is over: nobody waits for what is left, whatever the timer is at.
            self.cancel_methods(Grace::AT_ONCE);
        }
        remaining
    }

    fn cancel_methods(&self, grace: Grace) {
        for method in self.methods() {
            if let Some(execution) = Execution::of_slot(method.slot) {
                execution.disconnect(method.generation, grace);
            }
        }
    }

    /// The methods that run now, on threads and without one. Who takes an execution notes it under
    /// the queue's lock, so after the queue was swept nothing is on its way between the two.
    fn methods(&self) -> Vec<Handle> {
        [self.running(), self.desk().deferred()].concat()
    }

    fn wait_quiet(&self, deadline: Deadline) -> u32 {
        loop {
            let seen = self.desk().quiet.count();
            let methods = self.methods();
            if methods.is_empty() || deadline.passed() {
                return methods.len() as u32;
            }
            // A worker tells what it runs with a plain store, which may pass our flag on its way:
            // its signal is the rule, a second look every now and then the exception.
            self.desk().quiet.sleep(seen, deadline.min(Deadline::after_ms(LOOK_AGAIN)));
        }
    }
}
