//! A worker runs an execution.

use super::server::{Server, forbidden, forbidden_message};
use super::{Execution, Grace};
use crate::frame::Frame;
use crate::handle::Generation;
use crate::hresult::{CALL_S_DEFERRED, E_UNEXPECTED, Hresult, RPC_E_CALL_CANCELED, RPC_E_SERVERFAULT};
use crate::monitor::{self, Step};
use crate::object::{Home, Manner};
use crate::state::{
    ABANDONED, DONE, ENDED, Ended, Left, Missed, Refusal, STARTED, STOPPED, Start, State, Taken, usual,
};
use crate::sync::{Arc, Ordering, prefetch, prefetch_to_write};
use crate::unwind;

impl Execution {
    /// Brings near what a worker will touch, while it is at something else.
    #[inline]
    pub fn prefetch_to_run(&self) {
        prefetch_to_write(&raw const self.word);
        prefetch(self.input.get());
        prefetch_to_write(self.output.get());
    }

    /// Runs a queued execution on this thread, which is in the apartment `home`, unless it was
    /// canceled before: false. The execution may serve another call when this returns. One whose
    /// method runs already comes by to be told of a cancel.
    pub fn run(&'static self, home: Option<&dyn Home>) -> bool {
        let (generation, state) = self.read();
        if !state.has(STARTED)
            && let Some(remote) = self.target().class.remote.as_deref()
        {
            return self.run_remote(generation, remote, home);
        }
        if !self.word.usual(generation, usual::START) && !self.start_or_settle(generation) {
            return false;
        }
        monitor::mark(Step::Start, self, generation);
        monitor::step(Step::Start, self, generation);
        let result = self.invoke(generation, home);
        self.leave(generation, result, home);
        true
    }

    /// Takes it off its queue; no: it does not run, and what was owed to it is done.
    #[inline(never)]
    fn start_or_settle(&'static self, generation: Generation) -> bool {
        let Ok(taken) = self.start(generation) else {
            if !self.read().1.has(ENDED) {
                self.cancel_in_apartment(generation);
            }
            self.unhold(generation);
            return false;
        };
        if taken.answer == Start::Skip {
            self.settle(generation, &taken);
            return false;
        }
        true
    }

    /// Takes it off its queue; if it was canceled there, those hear of it that were to.
    #[inline]
    pub(super) fn start(&'static self, generation: Generation) -> Result<Taken<Start>, Missed> {
        loop {
            match self.word.apply_unlocked(generation, State::start) {
                Err(Missed::Refused(Refusal::Untold)) => self.tell(generation),
                started => return started,
            }
        }
    }

    /// Takes a queued execution out of the world: its apartment is closed. FI-15.
    pub fn refuse(&'static self) {
        let (generation, state) = self.read();
        if !state.has(STARTED) {
            self.disconnect(generation, Grace::AT_ONCE);
        }
        self.skip();
    }

    /// Whether its method runs, or will.
    pub fn goes_on(&self, generation: Generation) -> bool {
        let ahead = |state: State| !state.has(ENDED) && (state.has(STARTED) || !state.has(DONE));
        self.word.state(generation).is_ok_and(ahead)
    }

    /// Whether its method was entered: in a queue it is only to be told something.
    #[inline]
    pub fn is_started(&self) -> bool {
        self.read().1.has(STARTED)
    }

    /// Whether a queued execution was canceled before it started.
    pub fn is_canceled_in_queue(&self) -> bool {
        let (_, state) = self.read();
        state.has(DONE) && !state.has(STARTED)
    }

    /// Ends an execution that was taken out of its queue and does not run.
    pub fn skip(&'static self) {
        let (generation, _) = self.read();
        match self.start(generation) {
            Ok(taken) => self.settle(generation, &taken),
            // It came by to be told of a cancel.
            Err(_) => drop(self.unhold(generation)),
        }
    }

    fn invoke(&'static self, generation: Generation, home: Option<&dyn Home>) -> Hresult {
        let target = self.target();
        // SAFETY: between `start` and the return of `invoke` the worker's (1).
        let (method, input) = unsafe { (self.method.load(Ordering::Relaxed), self.input().read()) };
        let context = self.context(generation);
        let server = Server { execution: self, generation };
        let ran = Frame::within(server, home, || {
            // SAFETY: the class promised a function of this type, the object lives (`ON_STACK`
            // keeps it), and so does the input.
            let ran = unwind::catch(|| unsafe {
                (target.class.run)(target.this, context, method, input.as_ptr().cast(), input.len())
            });
            // Here, because freeing it may run the program's code, which is still inside the method.
            // SAFETY: the worker's (1), and the method has returned.
            unsafe { self.input().clear() };
            ran
        });
        match ran {
            // A method that was begun goes on.
            Ok(0..) if target.class.manner != Manner::Invoke => CALL_S_DEFERRED,
            Ok(result) => Hresult(result),
            Err(panic) => {
                // Refused only where nobody will read it.
                let _ = server.set_error(format!("the method panicked: {panic}"));
                RPC_E_SERVERFAULT
            }
        }
    }

    /// `invoke` returned.
    #[inline(always)]
    pub(super) fn leave(&'static self, generation: Generation, result: Hresult, home: Option<&dyn Home>) {
        if result == CALL_S_DEFERRED {
            return self.defer(generation);
        }
        let mut given = result;
        if forbidden(result) {
            let server = Server { execution: self, generation };
            let _ = server.set_error(forbidden_message(result));
            given = E_UNEXPECTED;
        }
        // SAFETY: the worker's until the transition (3).
        unsafe { (*self.hot.get()).returned = given.0 };
        if self.word.usual(generation, usual::LEAVE) {
            return monitor::mark(Step::Complete, self, generation);
        }
        self.leave_slowly(generation, given == RPC_E_CALL_CANCELED, home);
    }

    #[inline(never)]
    fn leave_slowly(&'static self, generation: Generation, canceled: bool, home: Option<&dyn Home>) {
        let seen = monitor::before(self, generation);
        loop {
            match self.word.apply_unlocked(generation, |state| state.leave(canceled)) {
                Ok(taken) => {
                    self.wake(taken.before);
                    if let Left::Ended(ended) = taken.answer {
                        self.report_end(generation, ended, canceled, seen);
                    }
                    return self.settle_at_home(generation, &taken, home);
                }
                Err(Missed::Refused(Refusal::Untold)) => self.tell_at_end(generation),
                Err(_) => return,
            }
        }
    }

    /// The method has ended, for who looks on; a completion is told of as such.
    #[inline]
    pub(super) fn report_end(
        &'static self,
        generation: Generation,
        ended: Ended,
        canceled: bool,
        seen: Option<monitor::Info>,
    ) {
        if ended == Ended::Deliver {
            return monitor::mark(Step::Complete, self, generation);
        }
        monitor::mark(Step::LateEnd, self, generation);
        if let Some(seen) = seen {
            let stopped = if canceled { STOPPED } else { 0 };
            let after = State(seen.state.0 | DONE | ABANDONED | ENDED | stopped);
            monitor::late_end(seen, after);
        }
    }

    fn defer(&'static self, generation: Generation) {
        // The object, and with it the apartment, may go with the transition.
        let lease = Arc::clone(&self.target().lease);
        lease.home().deferred(self, generation);
        if let Some(grace) = lease.home().closing() {
            // Closed since this was begun, by somebody who may not have seen it run.
            self.disconnect(generation, grace);
        }
        let Ok(taken) = self.word.apply(generation, State::defer) else { return };
        if taken.answer == Left::Before {
            lease.home().undeferred(self, generation);
        }
        self.settle(generation, &taken);
    }
}
