//! The client's side of an execution: to begin, to wait, to cancel, to collect.

use super::Execution;
use crate::buffer::Input;
use crate::handle::Generation;
use crate::hresult::{Failure, Hresult, RPC_E_CALL_COMPLETE};
use crate::object::{Home, Object};
use crate::spin::Spinner;
use crate::state::{
    ABANDONED, BEGUN, COMPLETED, Cancel, Cause, DONE, ERROR, Missed, PROGRESS, Refusal, STARTED, State,
};
use crate::sync::{Arc, AtomicU64, Ordering, Wake, prefetch, prefetch_to_write};
use crate::time::{Deadline, INFINITE, Nanoseconds, now};
use std::cell::RefCell;

thread_local! {
    /// What this thread learned about waiting for calls.
    static SPINNER: RefCell<Spinner> = const { RefCell::new(Spinner::new()) };
}

/// How long the server may still answer after a request to cancel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Grace(u64);

impl Grace {
    const BITS: u32 = u64::BITS - Generation::BITS;
    /// Stands for no end, as do all periods that end after it: eight years of uptime.
    const FOREVER: u64 = (1 << Self::BITS) - 1;

    fn after_ms(milliseconds: u64) -> Self {
        let end = now().div_ceil(1_000_000) + milliseconds;
        Self(if milliseconds == 0 { 0 } else { end.min(Self::FOREVER) })
    }

    /// `ulSeconds` of the model.
    pub fn seconds(seconds: u32) -> Self {
        if seconds == INFINITE { Self(Self::FOREVER) } else { Self::after_ms(u64::from(seconds) * 1000) }
    }

    pub fn milliseconds(milliseconds: u32) -> Self {
        if milliseconds == INFINITE { Self(Self::FOREVER) } else { Self::after_ms(milliseconds.into()) }
    }

    fn at_once(self) -> bool {
        self.0 == 0
    }

    fn is_finite(self) -> bool {
        self.0 != Self::FOREVER
    }

    /// The end, as a reading of the clock.
    pub fn end(self) -> Option<Nanoseconds> {
        self.is_finite().then_some(self.0 * 1_000_000)
    }

    fn join(self, generation: Generation) -> u64 {
        u64::from(generation.0) << Self::BITS | self.0
    }
}

/// What a request to cancel came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// CN-1: the call is canceled, and complete on the client's side.
    Done,
    /// The server was told and has until the end of grace. `held`: the caller must see it end.
    Told { held: bool },
    /// CN-5: canceled before.
    Already,
    /// CN-6, CN-7: complete, or no call.
    Complete,
}

/// Calls that were canceled before they started, in the whole process: tells an apartment whose
/// queue is full whether to look for their remains.
pub static CANCELED_IN_QUEUE: AtomicU64 = AtomicU64::new(0);

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

    /// The object, for the call object that owns this execution.
    pub fn target(&self) -> &Arc<Object> {
        self.object()
    }

    /// Begins the generation that [`Execution::next_generation`] gave: the call is in progress.
    #[inline]
    pub fn begin(&self, generation: Generation, method: u32, input: Input) {
        self.grace.store(Grace(Grace::FOREVER).join(generation), Ordering::Release);
        // SAFETY: idle, and this begin is the only one: the call object's alone (1, 2).
        unsafe {
            (*self.hot.get()).method = method;
            input.fill(self.input());
            self.output().clear();
        }
        self.word.begin(generation);
    }

    /// Whether the client's side of that begin is complete, or over for good.
    #[inline]
    pub fn is_done(&self, generation: Generation) -> bool {
        self.word.state(generation).map_or(true, |state| state.has(DONE))
    }

    /// Spins while it pays. True: complete.
    #[inline]
    pub fn spin_done(&self, generation: Generation) -> bool {
        self.is_done(generation) || SPINNER.with_borrow_mut(|spinner| spinner.spin(|| self.is_done(generation)))
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

    /// Brings near what a client that finishes, and maybe begins again, will touch.
    #[inline]
    pub fn prefetch_to_finish(&self) {
        prefetch(self.output.get());
        prefetch_to_write(self.input.get());
    }

    /// Asks for the call to end. Never blocks; async-signal-safe.
    pub fn request_cancel(&'static self, generation: Generation, cause: Cause, grace: Grace, hold: bool) -> Answer {
        let request = |state: State| state.request_cancel(cause, grace.at_once(), hold);
        match self.word.apply(generation, request) {
            Ok(taken) => {
                let answer = match taken.answer {
                    Cancel::Deliver => {
                        if !taken.before.has(STARTED) {
                            CANCELED_IN_QUEUE.fetch_add(1, Ordering::Relaxed);
                        }
                        Answer::Done
                    }
                    told => {
                        self.shorten_grace(generation, grace);
                        Answer::Told { held: told == Cancel::Held }
                    }
                };
                self.wake(taken.before);
                answer
            }
            Err(Missed::Refused(Refusal::Canceled)) => {
                self.escalate(generation, grace);
                Answer::Already
            }
            Err(_) => Answer::Complete,
        }
    }

    /// A further request: an earlier end of grace replaces a later one.
    fn escalate(&'static self, generation: Generation, grace: Grace) {
        if grace.at_once() {
            self.abandon(generation);
        } else {
            self.shorten_grace(generation, grace);
        }
    }

    /// Lets the earlier end of grace stand, and tells the timer.
    fn shorten_grace(&'static self, generation: Generation, grace: Grace) {
        let mine = grace.join(generation);
        let shorter = |stored: u64| (stored >> Grace::BITS == u64::from(generation.0) && mine < stored).then_some(mine);
        if self.grace.fetch_update(Ordering::AcqRel, Ordering::Acquire, shorter).is_ok() {
            crate::timer::arm(self);
        }
    }

    /// The end of grace as it stands, for the timer.
    pub fn grace(&self) -> (Generation, Grace) {
        let stored = self.grace.load(Ordering::Acquire);
        (Generation((stored >> Grace::BITS) as u32), Grace(stored & Grace::FOREVER))
    }

    /// Whether it was not on the timer's list and now is; the caller links it.
    pub fn link_timer(&self) -> bool {
        self.word.link_timer()
    }

    /// The timer took it off its list.
    pub fn unlink_timer(&self) {
        self.word.unlink_timer();
    }

    /// The grace period is over: the client goes on. Async-signal-safe.
    pub fn abandon(&self, generation: Generation) {
        if let Ok(taken) = self.word.apply(generation, State::abandon) {
            self.wake(taken.before);
        }
    }

    /// Whether the end of a grace period still matters to that generation.
    pub fn awaits_grace(&self, generation: Generation) -> bool {
        self.word.state(generation).is_ok_and(|state| !state.has(DONE))
    }

    /// Ends a hold that [`Answer::Told`] gave; says whether the call was abandoned.
    pub fn unhold(&'static self, generation: Generation) -> bool {
        let taken = self.word.always(generation, State::unhold);
        self.settle(generation, &taken);
        taken.before.has(ABANDONED)
    }

    /// The result of a completed call, and what it wrote, for the one thread that finishes it.
    /// `accept` takes the output, or says that there is more than it can take.
    pub fn collect(
        &'static self,
        generation: Generation,
        accept: impl FnOnce(&[u8]) -> Result<(), Failure>,
    ) -> Result<Hresult, Failure> {
        let Ok(state) = self.word.state(generation) else {
            return Err(RPC_E_CALL_COMPLETE.into());
        };
        let result = if state.has(ABANDONED) {
            accept(&[])?;
            if !state.has(STARTED) {
                // SAFETY: it was canceled before its start, so no worker reads the input (1).
                unsafe { self.input().clear() };
            }
            state.abandoned_result()
        } else {
            // SAFETY: the one thread that finishes, between `DONE` and `FINISHED` (2 to 4).
            unsafe {
                accept(self.output().read())?;
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

    /// The apartment of that begin, while the call object holds on to it.
    pub fn home(&'static self, generation: Generation) -> Option<Arc<dyn Home>> {
        self.word.apply_unlocked(generation, State::lock_for_client).ok()?;
        // The lock keeps the execution from becoming vacant.
        let home = Arc::clone(&self.object().home);
        let unlocked = self.word.always(generation, |state| state.unlock(0));
        self.settle(generation, &unlocked);
        Some(home)
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
        let unlocked = self.word.always(generation, |state| state.unlock(0));
        self.settle(generation, &unlocked);
        Some(answer)
    }
}

/// What the server told beside its output.
pub struct Told<'a> {
    pub message: Option<&'a str>,
    /// Done, of a total.
    pub progress: (u64, u64),
}
