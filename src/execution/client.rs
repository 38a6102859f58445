//! The client's side of an execution: to begin, to wait, to collect.

use super::{Execution, Grace};
use crate::buffer::{Bytes, Input};
use crate::frame::Served;
use crate::handle::Generation;
use crate::hresult::{Failure, Hresult, RPC_E_CALL_COMPLETE};
use crate::spin::Spinner;
use crate::state::{ABANDONED, BEGUN, CANCELABLE, COMPLETED, DIRECT, DONE, ERROR, PROGRESS, STARTED, State, TELLS};
use crate::sync::{Arc, Ordering, Wake, prefetch, prefetch_to_write};
use crate::time::Deadline;
use std::cell::RefCell;

thread_local! {
    /// What this thread learned about waiting for calls.
    static SPINNER: RefCell<Spinner> = const { RefCell::new(Spinner::new()) };
}

impl Execution {
    /// The generation that the next begin of this execution has: its own if it was never begun,
    /// the next if it can be begun again.
    pub fn next_generation(&self) -> Option<Generation> {
        let (generation, state) = self.read();
        if !state.reusable() {
            None
        } else if state.has(BEGUN) {
            generation.later(1)
        } else {
            Some(generation)
        }
    }

    /// Begins the generation that [`Execution::next_generation`] gave: the call is in progress.
    #[inline]
    pub fn begin(&self, generation: Generation, method: u32, input: Input, direct: bool) {
        self.grace.store(Grace::FOREVER.join(generation), Ordering::Release);
        // SAFETY: idle, and this begin is the only one: the call object's alone (1, 2).
        unsafe {
            (*self.hot.get()).method = method;
            input.fill(self.input());
            self.output().clear();
            (*self.cold.get()).listener = None;
        }
        let bits = match (direct, self.target().class.cancel.is_some()) {
            (false, false) => 0,
            (false, true) => TELLS,
            (true, false) => DIRECT,
            (true, true) => DIRECT | CANCELABLE,
        };
        self.word.begin(generation, bits);
    }

    /// Whether the client's side of that begin is complete, or over for good.
    #[inline]
    pub fn is_done(&self, generation: Generation) -> bool {
        self.word.state(generation).map_or(true, |state| state.has(DONE))
    }

    /// Spins while it pays. True: complete, or `other` says yes.
    #[inline]
    pub fn spin_done(&self, generation: Generation, other: impl Fn() -> bool) -> bool {
        let ready = || self.is_done(generation) || other();
        ready() || SPINNER.with_borrow_mut(|spinner| spinner.spin(ready))
    }

    /// Sleeps until `ready`, which looks at the state of that generation and is true when it is
    /// gone, or until the deadline: false.
    pub fn sleep_until(&self, generation: Generation, deadline: Deadline, ready: impl Fn(State) -> bool) -> bool {
        loop {
            let seen = self.event.count();
            let Ok(state) = self.word.state(generation) else { return true };
            if ready(state) {
                return true;
            }
            if !self.word.add_waiter(generation, state) {
                continue;
            }
            if self.event.sleep(seen, deadline) == Wake::TimedOut {
                return self.word.state(generation).map_or(true, ready);
            }
        }
    }

    /// Waits for the client's side of that begin to be complete.
    pub fn park_done(&self, generation: Generation, deadline: Deadline) -> bool {
        self.sleep_until(generation, deadline, |state| state.has(DONE))
    }

    /// Sleeps once, until the call may be complete, one of the apartments that this thread serves has
    /// work, or the deadline.
    pub fn park_serving(
        &self,
        generation: Generation,
        deadline: Deadline,
        served: &[Arc<dyn Served>],
        has_work: impl Fn() -> bool,
    ) {
        let seen = self.event.count();
        let before: Vec<_> = served.iter().map(|apartment| apartment.watch(&self.event)).collect();
        let asleep = !has_work()
            && self
                .word
                .state(generation)
                .is_ok_and(|state| !state.has(DONE) && self.word.add_waiter(generation, state));
        if asleep {
            self.event.sleep(seen, deadline);
        }
        for (apartment, before) in served.iter().zip(before) {
            apartment.watch_again(before);
        }
    }

    /// Brings near what a client that finishes, and maybe begins again, will touch.
    #[inline]
    pub fn prefetch_to_finish(&self) {
        prefetch(self.output.get());
        prefetch_to_write(self.input.get());
    }

    /// The result of a completed call, and what it wrote, for the one thread that finishes it.
    /// `accept` takes the output, if there is any, or says that there is more than it can take.
    pub fn collect(
        &'static self,
        generation: Generation,
        accept: impl FnOnce(Option<Bytes>) -> Result<(), Failure>,
    ) -> Result<Hresult, Failure> {
        let Ok(state) = self.word.state(generation) else {
            return Err(RPC_E_CALL_COMPLETE.into());
        };
        let result = if state.has(ABANDONED) {
            accept(None)?;
            if !state.has(STARTED) {
                // SAFETY: it was canceled before its start, so no worker reads the input (1).
                unsafe { self.input().clear() };
            }
            state.abandoned_result()
        } else {
            // SAFETY: the one thread that finishes, between `DONE` and `FINISHED` (2 to 4).
            unsafe {
                accept(Some(self.output()))?;
                self.output().clear();
                let hot = self.hot.get();
                Hresult(if state.has(COMPLETED) { (*hot).completed } else { (*hot).returned })
            }
        };
        if let Ok(taken) = self.word.apply(generation, State::finish) {
            self.settle(generation, &taken);
        }
        Ok(result)
    }

    /// The call object lets go.
    pub fn detach(&'static self) {
        let (generation, _) = self.read();
        let taken = self.word.always(generation, State::detach);
        self.settle(generation, &taken);
    }

    /// Keeps that begin's execution from becoming vacant, while the call object holds on to it, until
    /// [`Execution::unlock`]; false: the call object has moved on.
    pub fn lock(&'static self, generation: Generation) -> bool {
        self.word.apply_unlocked(generation, State::lock_for_client).is_ok()
    }

    /// Ends [`Execution::lock`]. May run the program's code.
    pub fn unlock(&'static self, generation: Generation) {
        let unlocked = self.word.always(generation, |state| state.unlock(0));
        self.settle(generation, &unlocked);
    }

    /// As [`Execution::unlock`], for several: none is locked any more when the program's code runs.
    pub fn unlock_all(locked: &[(&'static Self, Generation)]) {
        let unlock = |&(execution, generation): &(&'static Self, Generation)| {
            execution.word.always(generation, |state| state.unlock(0))
        };
        let unlocked: Vec<_> = locked.iter().map(unlock).collect();
        for (&(execution, generation), taken) in locked.iter().zip(&unlocked) {
            execution.settle(generation, taken);
        }
    }

    /// Looks at message and progress under the lock. `None`: the call object has moved on.
    pub fn inspect<T>(&'static self, generation: Generation, look: impl FnOnce(State, &Told) -> T) -> Option<T> {
        let taken = self.word.apply_unlocked(generation, State::lock_for_client).ok()?;
        let cold = self.cold.get();
        // SAFETY: the lock is held (5).
        let told = unsafe {
            Told {
                message: if taken.before.has(ERROR) { (*cold).message.as_deref() } else { None },
                progress: if taken.before.has(PROGRESS) { ((*cold).done, (*cold).total) } else { (0, 0) },
            }
        };
        let answer = look(taken.before, &told);
        self.unlock(generation);
        Some(answer)
    }
}

/// What the server told beside its output.
pub struct Told<'a> {
    pub message: Option<&'a str>,
    /// Done, of a total.
    pub progress: (u64, u64),
}
