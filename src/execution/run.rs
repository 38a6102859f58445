//! A worker runs an execution.

use super::Execution;
use super::server::{Server, forbidden, forbidden_message};
use crate::frame::Frame;
use crate::handle::{Generation, Kind};
use crate::hresult::{CALL_S_DEFERRED, E_UNEXPECTED, Hresult, RPC_E_CALL_CANCELED, RPC_E_SERVERFAULT};
use crate::object::{ContextId, Home};
use crate::state::{Cause, Left, Start, State};
use crate::sync::{prefetch, prefetch_to_write};
use crate::unwind;

impl Execution {
    /// Brings near what a worker will touch, while it is at something else.
    #[inline]
    pub fn prefetch_to_run(&self) {
        prefetch_to_write(&raw const self.word);
        prefetch(self.input.get());
        prefetch_to_write(self.output.get());
    }

    /// Runs a queued execution on this thread of `home`, unless it was canceled before. The
    /// execution may serve another call when this returns.
    pub fn run(&'static self, home: &dyn Home) {
        let (generation, _) = self.read();
        let Ok(taken) = self.word.apply(generation, State::start) else { return };
        match taken.answer {
            Start::Skip => self.settle(generation, &taken),
            Start::Run => {
                let result = self.invoke(generation, home);
                self.leave(generation, home, result);
            }
        }
    }

    /// Takes a queued execution out of the world: its apartment is closed. FI-15.
    pub fn refuse(&'static self) {
        let (generation, _) = self.read();
        let grace = super::client::Grace::milliseconds(0);
        self.request_cancel(generation, Cause::Disconnect, grace, false);
        self.skip();
    }

    /// Ends a queued execution that was canceled before it started; false: it was not.
    pub fn skip_canceled(&'static self) -> bool {
        let (_, state) = self.read();
        let canceled = state.has(crate::state::DONE);
        if canceled {
            self.skip();
        }
        canceled
    }

    fn skip(&'static self) {
        let (generation, _) = self.read();
        if let Ok(taken) = self.word.apply(generation, State::start) {
            self.settle(generation, &taken);
        }
    }

    fn invoke(&'static self, generation: Generation, home: &dyn Home) -> Hresult {
        let object = self.object();
        // SAFETY: between `start` and the return of `invoke` the worker's (1).
        let (method, input) = unsafe { ((*self.hot.get()).method, self.input().read()) };
        let context = ContextId { id: self.handle(generation).encode(Kind::Context) };
        let server = Server { execution: self, generation };
        let ran = Frame::within(server, home, || {
            // SAFETY: the class promised a function of this type, the object lives (`ON_STACK`
            // keeps it), and so does the input.
            unwind::catch(|| unsafe {
                (object.class.invoke)(object.this, context, method, input.as_ptr().cast(), input.len())
            })
        });
        match ran {
            Ok(result) => Hresult(result),
            Err(panic) => {
                // Refused only where nobody will read it.
                let _ = server.set_error(format!("the method panicked: {panic}"));
                RPC_E_SERVERFAULT
            }
        }
    }

    /// `invoke` returned.
    fn leave(&'static self, generation: Generation, home: &dyn Home, result: Hresult) {
        if result == CALL_S_DEFERRED {
            return self.defer(generation, home);
        }
        let mut given = result;
        if forbidden(result) {
            let server = Server { execution: self, generation };
            let _ = server.set_error(forbidden_message(result));
            given = E_UNEXPECTED;
        }
        // SAFETY: both are the worker's until the transition (1, 3).
        unsafe {
            self.input().clear();
            (*self.hot.get()).returned = given.0;
        }
        let canceled = given == RPC_E_CALL_CANCELED;
        let left = self.word.apply_unlocked(generation, |state| state.leave(canceled));
        if let Ok(taken) = left {
            self.wake(taken.before);
            self.settle(generation, &taken);
        }
    }

    fn defer(&'static self, generation: Generation, home: &dyn Home) {
        // SAFETY: the worker's until the transition (1).
        unsafe { self.input().clear() };
        home.deferred(self, generation);
        let Ok(taken) = self.word.apply(generation, State::defer) else { return };
        if taken.answer == Left::Before {
            home.undeferred(self, generation);
        }
        self.settle(generation, &taken);
    }
}
