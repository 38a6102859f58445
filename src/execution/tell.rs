//! Telling a running method of a cancel, beside the flag that it may look at: by a callback, by a
//! descriptor, and by its class's `cancel` in its apartment.
//!
//! Whoever requests a cancel hands this to the timer's thread, because a request may come from a
//! signal handler; a method that asks to be told when it was canceled already is told there and
//! then. `TELLING` lets one thread tell at a time, and the method's end waits until it has.

use super::{Execution, Server};
use crate::handle::Generation;
use crate::hresult::{Outcome, RPC_E_CALL_CANCELED, S_OK};
use crate::object::Remote;
use crate::signal::Signal;
use crate::state::{CANCEL, DIRECT, DISABLED, ENDED, STARTED, State, TELLS};
use crate::sync::Arc;
use crate::unwind;
use std::cell::Cell;
use std::ffi::c_void;
use std::ptr;

/// What the program wants to be called with.
pub struct Callback {
    pub run: unsafe extern "C-unwind" fn(user: *mut c_void),
    pub user: *mut c_void,
}

/// How a method wants to be told.
pub struct Listener {
    callback: Option<Callback>,
    signal: Signal,
    /// The class's `cancel` is on its way or was run.
    class_told: bool,
}

impl Listener {
    const fn new() -> Self {
        Self { callback: None, signal: Signal::new(), class_told: false }
    }
}

/// An execution that a thread tells; those that it tells inside that one's callback point outward.
struct Teller {
    execution: *const Execution,
    generation: Generation,
    outer: *const Teller,
}

thread_local! {
    /// The innermost execution that this thread tells.
    static TELLER: Cell<*const Teller> = const { Cell::new(ptr::null()) };
}

/// In the child of a fork: whom this thread told belongs to the parent.
pub fn forget_teller() {
    TELLER.set(ptr::null());
}

impl Server {
    /// Whether this thread is in the callback that tells this very method.
    pub(super) fn is_being_told_here(self) -> bool {
        self.execution.is_told_here(self.generation)
    }

    /// Changes the listener, and tells at once if the cancel came before.
    fn listen<T>(
        self,
        change: impl FnOnce(&mut Listener, State) -> Result<T, crate::hresult::Failure>,
    ) -> Result<T, crate::hresult::Failure> {
        // The timer's thread tells.
        crate::timer::start()?;
        self.hark();
        let taken = self.lock_data()?;
        let cold = self.execution.cold_made();
        // SAFETY: the lock is held and nobody tells (5).
        let listener = unsafe { (*cold).listener.get_or_insert_with(|| Box::new(Listener::new())) };
        let changed = change(listener, taken);
        let bits = if listener.callback.is_some() || changed.is_ok() { TELLS } else { 0 };
        let unlocked = self.execution.word.always(self.generation, |state| state.unlock(bits));
        self.execution.settle(self.generation, &unlocked);
        // Inside the very callback that tells, what is new is told when that returns.
        if unlocked.before.has(CANCEL) && !self.is_being_told_here() {
            self.execution.tell(self.generation);
        }
        changed
    }

    /// Registers the one callback that tells of a cancel, or takes it back. After taking it back it
    /// does not run.
    pub fn on_cancel(self, callback: Option<Callback>) -> Outcome {
        self.listen(|listener, _| {
            listener.callback = callback;
            Ok(S_OK)
        })
    }

    /// The descriptor that tells of a cancel.
    pub fn cancel_descriptor(self) -> Result<i32, crate::hresult::Failure> {
        self.listen(|listener, state| listener.signal.descriptor(|| state.has(CANCEL) && !state.has(DISABLED)))
    }

    /// Enters a region in which the method does not hear of a cancel.
    pub fn disable_cancel(self) -> Outcome {
        let taken = self.execution.word.apply_unlocked(self.generation, State::disable);
        let mut entered = taken.map_err(|missed| self.missed(missed))?.answer;
        if entered && self.relayed().is_some_and(|relay| !relay.enter_region()) {
            self.enable_cancel()?;
            entered = false;
        }
        Ok(if entered { S_OK } else { RPC_E_CALL_CANCELED })
    }

    /// Leaves it; tells what it did not hear.
    pub fn enable_cancel(self) -> Outcome {
        let taken = self.execution.word.apply_unlocked(self.generation, State::enable);
        let taken = taken.map_err(|missed| self.missed(missed))?;
        if let Some(relay) = self.relayed().filter(|_| taken.before.has(DISABLED)) {
            relay.leave_region();
        }
        if taken.answer {
            return Ok(S_OK);
        }
        // Who sleeps until a cancel was not to hear of it until now.
        self.execution.wake(taken.before);
        // Inside the very callback that tells, what is new is told when that returns.
        if !self.is_being_told_here() {
            self.execution.tell(self.generation);
        }
        Ok(RPC_E_CALL_CANCELED)
    }
}

impl Execution {
    /// Tells the method, if it is canceled and wants to be told, and was not.
    pub fn tell(&'static self, generation: Generation) {
        while let Ok(taken) = self.word.apply_unlocked(generation, State::tell) {
            self.tell_alone(generation, taken.before);
        }
    }

    /// Tells before the method ends, also where it has left a region open.
    pub(super) fn tell_at_end(&'static self, generation: Generation) {
        if self.word.apply_unlocked(generation, State::enable).is_ok() {
            self.tell(generation);
        }
    }

    /// Tells, as the one who set `TELLING`.
    fn tell_alone(&'static self, generation: Generation, state: State) {
        let outer = TELLER.get();
        let teller = Teller { execution: self, generation, outer };
        TELLER.set(&raw const teller);
        let cold = self.cold_made();
        // SAFETY: `TELLING` is ours (5).
        let listener = unsafe { (*cold).listener.get_or_insert_with(|| Box::new(Listener::new())) };
        listener.signal.raise();
        let callback = listener.callback.take();
        let class_is_told = std::mem::replace(&mut listener.class_told, true);
        if !class_is_told && state.has(STARTED) && !state.has(DIRECT) && self.target().class.cancel.is_some() {
            self.tell_class(generation);
        }
        if let Some(lane) = self.target().class.remote.as_deref().and_then(Remote::lane) {
            lane.disturb(self.target().lease.home());
        }
        self.pass_on_to_all(generation);
        if let Some(callback) = callback {
            // SAFETY: the program promised a function of this type, to be called with its pointer.
            // A panic in it has nobody to be told to.
            drop(unwind::catch(|| unsafe { (callback.run)(callback.user) }));
        }
        TELLER.set(outer);
        let taken = self.word.always(generation, State::told);
        self.settle(generation, &taken);
    }

    /// Whether this thread is inside the telling of that begin.
    pub fn is_told_here(&self, generation: Generation) -> bool {
        let mut at = TELLER.get();
        // SAFETY: tellers stand on this thread's stack, further up.
        while let Some(teller) = unsafe { at.as_ref() } {
            if ptr::eq(teller.execution, self) && teller.generation == generation {
                return true;
            }
            at = teller.outer;
        }
        false
    }

    /// What a request to cancel left to the timer's thread.
    pub fn tell_now(&'static self) {
        let (generation, state) = self.read();
        if state.has(CANCEL | TELLS) {
            self.tell(generation);
        } else if state.has(CANCEL) && !state.any(ENDED | DISABLED) {
            self.pass_on_to_all(generation);
        }
    }

    /// Sends the execution through its apartment's queue once more: see `run`.
    fn tell_class(&'static self, generation: Generation) {
        if self.word.apply(generation, State::hold).is_ok() {
            let lease = Arc::clone(&self.target().lease);
            if lease.home().submit(self) {
                lease.home().refuse_submitted();
            }
        }
    }

    /// Runs the class's `cancel`, on a thread of its apartment. Nobody waits for it.
    pub(super) fn cancel_in_apartment(&'static self, generation: Generation) {
        let target = self.target();
        if let Some(cancel) = target.class.cancel {
            let left = if self.is_done(generation) { 0 } else { self.grace().1.left_ms() };
            let context = self.context(generation);
            // SAFETY: the class promised a function of this type, to be called with its pointer; the
            // hold keeps the object.
            drop(unwind::catch(|| unsafe { cancel(target.this, context, left) }));
        }
    }
}
