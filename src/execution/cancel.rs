//! Canceling an execution: the request, its grace period, and the end of that.

use super::{By, Execution};
use crate::handle::Generation;
use crate::hresult::{E_NOINTERFACE, Hresult, RPC_E_SERVERFAULT};
use crate::monitor::{self, Step};
use crate::object::Object;
use crate::state::{
    ABANDONED, ASK_LATER, ASKING, BEGUN, CANCEL, Cancel, Cause, DIRECT, DONE, Missed, NOTIFY_LATER, Refusal, Request,
    STARTED, State, TELLS, Taken, UNREPORTED, usual,
};
use crate::sync::{AtomicU32, AtomicU64, Ordering};
use crate::time::{INFINITE, Nanoseconds, now};
use crate::unwind;

/// How long the server may still answer after a request to cancel.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Grace(u64);

impl Grace {
    const BITS: u32 = u64::BITS - Generation::BITS;
    /// Stands for no end, as do all periods that end after it: eight years of uptime.
    pub const FOREVER: Self = Self((1 << Self::BITS) - 1);
    pub const AT_ONCE: Self = Self(0);

    fn after_ms(milliseconds: u64) -> Self {
        if milliseconds == 0 {
            return Self::AT_ONCE;
        }
        Self((now().div_ceil(1_000_000) + milliseconds).min(Self::FOREVER.0))
    }

    /// `ulSeconds` of the model.
    pub fn seconds(seconds: u32) -> Self {
        if seconds == INFINITE { Self::FOREVER } else { Self::after_ms(u64::from(seconds) * 1000) }
    }

    pub fn milliseconds(milliseconds: u32) -> Self {
        if milliseconds == INFINITE { Self::FOREVER } else { Self::after_ms(milliseconds.into()) }
    }

    /// What is left of it, in milliseconds.
    pub fn left_ms(self) -> u32 {
        if self.at_once() {
            return 0;
        }
        match self.end() {
            None => INFINITE,
            Some(end) => (end.saturating_sub(now()) / 1_000_000).try_into().unwrap_or(INFINITE - 1),
        }
    }

    fn at_once(self) -> bool {
        self.0 == 0
    }

    fn is_finite(self) -> bool {
        self != Self::FOREVER
    }

    /// The end, as a reading of the clock.
    pub fn end(self) -> Option<Nanoseconds> {
        self.is_finite().then_some(self.0 * 1_000_000)
    }

    pub const fn to_bits(self) -> u64 {
        self.0
    }

    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub fn join(self, generation: Generation) -> u64 {
        u64::from(generation.0) << Self::BITS | self.0
    }

    /// What was joined with that generation.
    pub fn of(joined: u64, generation: Generation) -> Option<Self> {
        (joined >> Self::BITS == u64::from(generation.0)).then_some(Self(joined & Self::FOREVER.0))
    }
}

/// A client's request that neither waits nor has asked anybody.
pub const REQUEST: Request =
    Request { cause: Cause::Cancel, at_once: false, hold: false, asked: false, report: false, watched: false };

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
    /// CN-12: the call runs directly, and its class has not been asked.
    AskFirst,
}

/// The last call in the process that was canceled before it started, packed as a handle, which none is again:
/// tells an apartment whose queue is full whether to look for the remains of some.
pub static CANCELED_IN_QUEUE: AtomicU64 = AtomicU64::new(0);

/// The last request found its call running, and nothing else: the next one tries first whether that is so again. Who
/// looks at the word before changing it takes its line twice from a method that polls.
static EXPECTS_RUNNING: AtomicU32 = AtomicU32::new(0);

/// Why a class did not cancel its call.
pub enum Refused {
    /// The call is not one to be asked for.
    State(Refusal),
    /// What the class answered.
    Class(Hresult),
}

impl Execution {
    /// Asks for the call to end, with the grace period; `request` says the rest. Never blocks;
    /// async-signal-safe for [`By::Signal`].
    pub fn request_cancel(&'static self, generation: Generation, request: Request, grace: Grace, by: By) -> Answer {
        if let Some(answer) = self.cancel_at_a_guess(generation, request, grace, by) {
            return answer;
        }
        if self.cancel_in_queue(generation, request) {
            Self::expect_running(false);
            return Answer::Done;
        }
        let report = by == By::Signal && monitor::is_on();
        let request = Request { at_once: grace.at_once(), report, watched: monitor::watches_looks(), ..request };
        let seen = if by == By::Thread { monitor::before(self, generation) } else { None };
        // Before the cancel is seen: who passes it on passes on what is left of its grace. The class of a
        // call that runs directly may refuse.
        let noted = !self.read().1.has(DIRECT) && self.note_grace(generation, grace);
        match self.word.apply(generation, |state| state.request_cancel(request)) {
            Ok(taken) => {
                monitor::canceled(seen, request.cause);
                Self::expect_running(taken.before == usual::RUNNING);
                self.requested(generation, &taken, taken.answer, grace, by)
            }
            Err(Missed::Refused(Refusal::Canceled)) => {
                // In a child process the method may have seen the cancel first, which tells nobody.
                if noted || self.read().1.has(TELLS) {
                    crate::timer::arm(self);
                }
                self.escalate(generation, grace, by);
                Answer::Already
            }
            Err(Missed::Refused(Refusal::AskFirst)) => Answer::AskFirst,
            Err(_) => Answer::Complete,
        }
    }

    /// Whether the next request tries first whether its call runs.
    #[inline]
    pub fn expects_running() -> bool {
        EXPECTS_RUNNING.load(Ordering::Relaxed) != 0
    }

    /// What the last request found.
    pub fn expect_running(found: bool) {
        // All who cancel read it: written only where it changes.
        if Self::expects_running() != found {
            EXPECTS_RUNNING.store(found.into(), Ordering::Relaxed);
        }
    }

    /// The request without a look at the word, where the call is expected to run and does. `None`: nothing was done.
    fn cancel_at_a_guess(
        &'static self,
        generation: Generation,
        request: Request,
        grace: Grace,
        by: By,
    ) -> Option<Answer> {
        // An end of grace would have to be noted before.
        let noted_later = grace.at_once() || !grace.is_finite();
        if !Self::expects_running() || !noted_later || monitor::is_on() {
            return None;
        }
        let request = Request { at_once: grace.at_once(), ..request };
        let taken = self.word.apply_to(generation, usual::RUNNING, |state| state.request_cancel(request));
        if taken.is_none() {
            Self::expect_running(false);
        }
        taken.map(|taken| self.requested(generation, &taken, taken.answer, grace, by))
    }

    /// The plain case: queued, and nobody to be woken or told, so that the grace does not matter. False: nothing was
    /// done.
    #[inline]
    pub fn cancel_in_queue(&'static self, generation: Generation, request: Request) -> bool {
        let (now, before) = self.read();
        if now != generation || !before.is_just_queued() || monitor::is_on() {
            return false;
        }
        let Ok((next, _)) = before.request_cancel(request) else { return false };
        if !self.word.exchange(generation, before, next) {
            return false;
        }
        monitor::mark(Step::Cancel, self, generation);
        monitor::mark(Step::Complete, self, generation);
        CANCELED_IN_QUEUE.store(self.handle(generation).pack(), Ordering::Release);
        true
    }

    /// What is owed after a request was taken.
    fn requested<T>(
        &'static self,
        generation: Generation,
        taken: &Taken<T>,
        owed: Cancel,
        grace: Grace,
        by: By,
    ) -> Answer {
        let before = taken.before;
        monitor::mark(Step::Cancel, self, generation);
        let answer = match owed {
            Cancel::Deliver => {
                monitor::mark(Step::Complete, self, generation);
                if !before.has(STARTED) {
                    CANCELED_IN_QUEUE.store(self.handle(generation).pack(), Ordering::Release);
                }
                Answer::Done
            }
            told => {
                self.shorten_grace(generation, grace);
                Answer::Told { held: told == Cancel::Held }
            }
        };
        if before.has(STARTED) && !before.has(DIRECT) {
            self.hurry(generation, by);
        }
        self.wake(before);
        // What the request saw of the monitor may have changed, and nobody else clears that bit.
        let report = monitor::is_on() || self.read().1.has(UNREPORTED);
        let grace_ends = answer != Answer::Done && self.grace().1.is_finite();
        if grace_ends || before.has(TELLS) || report {
            // The timer's thread ends the grace period, whoever stored its end, and tells the server:
            // this may be a signal handler.
            crate::timer::arm(self);
        }
        self.settle_by(generation, taken, by);
        answer
    }

    /// The method is canceled from now on; whoever tells of it, and of its grace, comes later.
    pub fn heed_cancel(&'static self, generation: Generation) {
        let request = Request { watched: monitor::watches_looks(), ..REQUEST };
        if let Ok(taken) = self.word.apply(generation, |state| state.request_cancel(request)) {
            self.wake(taken.before);
            self.settle(generation, &taken);
        }
    }

    /// What a request in a signal handler left to the timer's thread.
    pub fn report_now(&'static self) {
        let (generation, state) = self.read();
        if state.has(UNREPORTED) {
            // The bit keeps the execution as it is until then, and nobody else clears it.
            monitor::step(Step::Cancel, self, generation);
            let taken = self.word.always(generation, State::reported);
            self.settle(generation, &taken);
        }
    }

    /// Asks for the call to end because its apartment or its object is closed.
    pub fn disconnect(&'static self, generation: Generation, grace: Grace) {
        self.request_cancel(generation, Request { cause: Cause::Disconnect, ..REQUEST }, grace, By::Thread);
    }

    /// Asks for the call to end because of its deadline or of the call that it was begun for; the class
    /// of a call that runs directly is asked here.
    pub(super) fn cancel_for(&'static self, generation: Generation, cause: Cause, grace: Grace) {
        let request = Request { cause, ..REQUEST };
        if self.request_cancel(generation, request, grace, By::Thread) == Answer::AskFirst {
            // Nobody waits for what the class says.
            drop(self.ask_class(generation, request, grace));
        }
    }

    /// The deadline has come: what is left to the method is the grace period that was given with it. Yes: the
    /// class has to be asked first.
    pub fn expire(&'static self, generation: Generation) -> bool {
        let (request, grace) = self.expiring(generation);
        self.request_cancel(generation, request, grace, By::Signal) == Answer::AskFirst
    }

    /// The same, asking the class.
    pub fn expire_asking(&'static self, generation: Generation) {
        let (request, grace) = self.expiring(generation);
        // Nobody waits for what the class says.
        drop(self.ask_class(generation, request, grace));
    }

    fn expiring(&self, generation: Generation) -> (Request, Grace) {
        let (grace_ms, inherited) = self.deadline_grace(generation);
        let cause = if inherited { Cause::ParentDeadline } else { Cause::Deadline };
        (Request { cause, ..REQUEST }, Grace::milliseconds(grace_ms))
    }

    /// Whether the teller has something to do for it, or may have: children and listeners are in the cold part.
    pub fn has_errand(&self) -> bool {
        let state = self.read().1;
        let hears = || state.has(TELLS) || !self.cold.load(Ordering::Acquire).is_null();
        state.any(UNREPORTED | NOTIFY_LATER | ASK_LATER) || (state.has(CANCEL) && hears())
    }

    /// A further request: an earlier end of grace replaces a later one.
    fn escalate(&'static self, generation: Generation, grace: Grace, by: By) {
        if grace.at_once() {
            self.abandon(generation, by);
            if self.read().1.has(STARTED) {
                // The calls that were begun for it hear of that, too.
                self.shorten_grace(generation, grace);
            }
        } else if self.awaits_grace(generation) {
            self.shorten_grace(generation, grace);
        }
    }

    /// Lets the earlier end of grace stand, and tells the timer.
    fn shorten_grace(&'static self, generation: Generation, grace: Grace) {
        if self.note_shorter(generation, grace) {
            crate::timer::arm(self);
        }
    }

    /// Lets the earlier end of grace stand, if there is one to come. Yes: it is the new one.
    fn note_grace(&self, generation: Generation, grace: Grace) -> bool {
        grace.is_finite() && !grace.at_once() && self.note_shorter(generation, grace)
    }

    fn note_shorter(&self, generation: Generation, grace: Grace) -> bool {
        let mine = grace.join(generation);
        let shorter = |stored: u64| (stored >> Grace::BITS == u64::from(generation.0) && mine < stored).then_some(mine);
        self.grace.fetch_update(Ordering::AcqRel, Ordering::Acquire, shorter).is_ok()
    }

    /// Takes back the end of grace of a request that was refused.
    fn relax_grace(&self, generation: Generation) {
        let forever = Grace::FOREVER.join(generation);
        let ours = |stored: u64| (stored >> Grace::BITS == u64::from(generation.0)).then_some(forever);
        // Refused only where the execution serves another call by now.
        let _ = self.grace.fetch_update(Ordering::AcqRel, Ordering::Acquire, ours);
    }

    /// The end of grace as it stands, for the timer.
    pub fn grace(&self) -> (Generation, Grace) {
        let stored = self.grace.load(Ordering::Acquire);
        (Generation((stored >> Grace::BITS) as u32), Grace(stored & Grace::FOREVER.0))
    }

    /// Whether it was not on the timer's list and now is; the caller links it.
    pub fn link_timer(&self) -> bool {
        self.word.link_timer()
    }

    /// The timer took it off its list.
    pub fn unlink_timer(&self) {
        self.word.unlink_timer();
    }

    /// The grace period is over: the client goes on, unless the method is ended instead; false: then it goes on
    /// in a moment, whatever has become of that. On the timer's thread.
    pub fn grace_is_over(&'static self, generation: Generation) -> bool {
        let forced = self.is_to_be_forced(generation);
        if !forced {
            self.abandon(generation, By::Signal);
        }
        !forced
    }

    /// The grace period is over: the client goes on. Async-signal-safe for [`By::Signal`].
    pub fn abandon(&'static self, generation: Generation, by: By) {
        if let Ok(taken) = self.word.apply(generation, State::abandon) {
            monitor::mark(Step::Complete, self, generation);
            self.wake(taken.before);
            self.settle_by(generation, &taken, by);
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

    /// Asks the class of a call that runs directly to cancel it, and requests that if it agrees.
    /// CN-12.
    pub fn ask_class(&'static self, generation: Generation, request: Request, grace: Grace) -> Result<Answer, Refused> {
        match self.word.apply_unlocked(generation, State::ask) {
            Ok(_) => {}
            Err(missed) => return Err(Refused::State(self.not_asked(generation, missed, grace, By::Thread))),
        }
        // Held: the object stays.
        let target = self.target();
        let context = self.context(generation);
        let asked = target.class.cancel.map_or(Ok(E_NOINTERFACE.0), |cancel| {
            // SAFETY: the class promised a function of this type, to be called with its pointer.
            unwind::catch(|| unsafe { cancel(target.this, context, grace.left_ms()) })
        });
        match asked {
            Ok(0..) => Ok(self.agree(generation, request, grace)),
            Ok(code) => Err(self.refuse_cancel(generation, request.cause, Hresult(code))),
            Err(_) => Err(self.refuse_cancel(generation, request.cause, RPC_E_SERVERFAULT)),
        }
    }

    /// A grace that was stored after the class had refused is nobody's.
    fn relax_unasked(&self, generation: Generation) {
        let asked = |state: State| state.any(ASKING | ASK_LATER | CANCEL);
        if !self.word.state(generation).is_ok_and(asked) {
            self.relax_grace(generation);
        }
    }

    fn refuse_cancel(&'static self, generation: Generation, cause: Cause, code: Hresult) -> Refused {
        let taken = self.word.always(generation, State::refused);
        self.relax_unasked(generation);
        if cause == Cause::Cancel && self.expiry(generation).left_ms() == 0 {
            // The deadline came meanwhile, and found somebody else asking.
            crate::timer::arm(self);
        }
        self.settle(generation, &taken);
        Refused::Class(code)
    }

    /// The class agreed. Who asked for less grace meanwhile gets it.
    fn agree(&'static self, generation: Generation, request: Request, grace: Grace) -> Answer {
        let grace = grace.min(self.grace().1);
        let request = Request { at_once: grace.at_once(), watched: monitor::watches_looks(), ..request };
        let seen = monitor::before(self, generation);
        self.note_grace(generation, grace);
        let Ok(taken) = self.word.apply(generation, |state| state.agreed(request)) else { return Answer::Complete };
        let answer = match taken.answer {
            Ok(owed) => {
                monitor::canceled(seen, request.cause);
                return self.requested(generation, &taken, owed, grace, By::Thread);
            }
            Err(Refusal::Canceled) => Answer::Already,
            Err(_) => Answer::Complete,
        };
        self.settle(generation, &taken);
        answer
    }

    /// Why a class is not asked; while it is being asked, less grace is noted.
    fn not_asked(&'static self, generation: Generation, missed: Missed, grace: Grace, by: By) -> Refusal {
        match missed {
            Missed::Refused(Refusal::Canceled) => {
                self.shorten_grace(generation, grace);
                self.escalate(generation, grace, by);
                self.relax_unasked(generation);
                Refusal::Canceled
            }
            Missed::Refused(refusal) => refusal,
            Missed::Gone(_) => Refusal::Complete,
        }
    }

    /// As [`Execution::ask_class`], soon, on the timer's thread. Async-signal-safe.
    pub fn ask_class_later(&'static self, generation: Generation, grace: Grace) -> Result<(), Refusal> {
        match self.word.apply(generation, State::ask_later) {
            Ok(_) => {
                self.shorten_grace(generation, grace);
                self.relax_unasked(generation);
                crate::timer::arm(self);
                Ok(())
            }
            Err(missed) => Err(self.not_asked(generation, missed, grace, By::Signal)),
        }
    }

    /// What [`Execution::ask_class_later`] left to the timer's thread.
    pub fn ask_now(&'static self) {
        let (generation, state) = self.read();
        if state.has(ASK_LATER) {
            let grace = self.grace().1;
            // Nobody waits for what the class says.
            drop(self.ask_class(generation, REQUEST, grace));
        }
    }

    /// Ends all calls to that object with `RPC_E_DISCONNECTED`: first those that have not started, so
    /// that none starts because another one ended.
    pub fn disconnect_all(object: &Object) {
        Self::disconnect_some(object, |state| !state.has(STARTED));
        Self::disconnect_some(object, |_| true);
    }

    fn disconnect_some(object: &Object, meant: impl Fn(State) -> bool) {
        for slot in 0.. {
            let Some(execution) = Self::of_slot(slot) else { return };
            // The generation is read first: if it is begun then, and still there when it is canceled, it was this
            // object's in between. One that is not yet begun finds out by itself.
            let (generation, state) = execution.read();
            if state.has(BEGUN) && execution.is_aimed_at(object) && meant(state) {
                execution.disconnect(generation, Grace::AT_ONCE);
            }
        }
    }
}
