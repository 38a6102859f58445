//! The client's side of an execution: to begin, to wait, to collect.

use super::{Attachment, Execution, Grace, INHERITED};
use crate::buffer::{Bytes, Input};
use crate::event::Event;
use crate::frame::Served;
use crate::handle::Generation;
use crate::hresult::{Failure, Hresult, RPC_E_CALL_COMPLETE};
use crate::monitor::{self, Step};
use crate::spin::Spinner;
use crate::state::{
    ABANDONED, BEGUN, CANCELABLE, COMPLETED, DIRECT, DONE, ERROR, KILLED, OBSERVED, PROGRESS, STARTED, STOPPED, State,
    TELLS, WAITERS, usual,
};
use crate::sync::{Arc, AtomicU32, Ordering, Wake, fence, prefetch, prefetch_to_write};
use crate::time::{Deadline, INFINITE};
use std::cell::Cell;
use std::mem::offset_of;
use std::ptr;

thread_local! {
    /// What this thread learned about waiting for calls.
    static SPINNER: Cell<Spinner> = const { Cell::new(Spinner::new()) };
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
    #[inline(always)]
    pub fn begin(
        &self,
        generation: Generation,
        method: u32,
        input: Input,
        direct: bool,
        extra: Option<Box<Attachment>>,
    ) {
        self.word.await_unlocked();
        self.grace.store(Grace::FOREVER.join(generation), Ordering::Release);
        self.method.store(method, Ordering::Relaxed);
        // SAFETY: idle, and this begin is the only one: the call object's alone (1, 2).
        unsafe {
            input.fill(self.input());
            self.output().clear();
        }
        let needs_more = extra.is_some() || !self.cold.load(Ordering::Acquire).is_null();
        let observed = if needs_more { self.attach(generation, extra) } else { 0 };
        let class = &self.target().class;
        let bits = match (direct, class.cancel.is_some() || class.remote.is_some()) {
            (false, false) => 0,
            (false, true) => TELLS,
            (true, false) => DIRECT,
            (true, true) => DIRECT | CANCELABLE,
        };
        self.word.begin(generation, bits | observed);
    }

    /// Puts in place what the begin carries beyond a plain call; gives the bits that say so.
    #[inline(never)]
    fn attach(&self, generation: Generation, mut extra: Option<Box<Attachment>>) -> u64 {
        let observed = extra.as_mut().is_some_and(|extra| extra.observers.get_mut().is_some());
        let cold = self.cold_made();
        // SAFETY: as in `begin` (5). Field by field: a client may read another one meanwhile.
        unsafe {
            if (*cold).listener.is_some() || (*cold).children.is_some() {
                ((*cold).listener, (*cold).children) = (None, None);
            }
        }
        if let Some(extra) = extra.as_ref().filter(|extra| extra.expiry != Grace::FOREVER) {
            // SAFETY: made, and these are atomic.
            let (expiry, grace) = unsafe { (&(*cold).expiry, &(*cold).expiry_grace) };
            // No further than it reaches: nobody reads this before the new generation stands beside it.
            expiry.store(0, Ordering::Release);
            let inherited = if extra.inherited { INHERITED } else { 0 };
            grace.store(extra.grace_ms.min(INHERITED - 1) | inherited, Ordering::Release);
            expiry.store(extra.expiry.join(generation), Ordering::Release);
        }
        // SAFETY: as in `begin` (6).
        unsafe {
            if extra.is_some() || (*cold).attachment.is_some() {
                (*cold).attachment = extra;
            }
        }
        if observed { OBSERVED } else { 0 }
    }

    /// The deadline of that begin.
    pub fn expiry(&self, generation: Generation) -> Grace {
        // SAFETY: there, and atomic.
        let stored = unsafe { &(*self.cold()).expiry }.load(Ordering::Acquire);
        Grace::of(stored, generation).unwrap_or(Grace::FOREVER)
    }

    /// What the deadline's cancel leaves the method, in milliseconds, and whether the deadline is that of the
    /// call that this one was begun for.
    pub fn deadline_grace(&self, generation: Generation) -> (u32, bool) {
        let before = self.expiry(generation);
        // SAFETY: as above.
        let stored = unsafe { &(*self.cold()).expiry_grace }.load(Ordering::Acquire);
        if before == Grace::FOREVER || self.expiry(generation) == Grace::FOREVER {
            // None, or another generation's by now.
            return (0, false);
        }
        let grace_ms = stored & !INHERITED;
        (if grace_ms == INHERITED - 1 { INFINITE } else { grace_ms }, stored & INHERITED != 0)
    }

    /// Whether that begin's deadline will end it: a method that has started may be given all the time it takes.
    pub fn deadline_ends(&self, generation: Generation, started: bool) -> bool {
        self.expiry(generation) != Grace::FOREVER && !(started && self.deadline_grace(generation).0 == INFINITE)
    }

    /// Whether the client's side of that begin is complete, or over for good.
    #[inline]
    pub fn is_done(&self, generation: Generation) -> bool {
        self.word.state(generation).map_or(true, |state| state.has(DONE))
    }

    /// Spins while it pays. True: complete, or `other` says yes.
    #[inline]
    pub fn spin_done(&self, generation: Generation, other: impl Fn() -> bool) -> bool {
        spin(|| self.is_done(generation) || other())
    }

    /// Sleeps until `ready`, which looks at the state of that generation and is true when it is
    /// gone, or until the deadline: false.
    pub fn sleep_until(
        &'static self,
        generation: Generation,
        deadline: Deadline,
        ready: impl Fn(State) -> bool,
    ) -> bool {
        loop {
            let seen = self.event.count();
            let Ok(state) = self.word.state(generation) else { return true };
            if ready(state) {
                return true;
            }
            if !self.word.add_waiter(generation, state) {
                continue;
            }
            self.disturb(generation);
            if self.event.sleep(seen, deadline) == Wake::TimedOut {
                return self.word.state(generation).map_or(true, ready);
            }
        }
    }

    /// Sees to it that whoever completes that begin wakes sleepers. False: it has changed, look again.
    fn note_waiter(&'static self, generation: Generation) -> bool {
        match self.word.state(generation) {
            Ok(state) if state.has(DONE) || state.has(WAITERS) => true,
            Ok(state) => {
                let noted = self.word.add_waiter(generation, state);
                if noted {
                    self.disturb(generation);
                }
                noted
            }
            Err(_) => true,
        }
    }

    /// Waits for the client's side of that begin to be complete.
    pub fn park_done(&'static self, generation: Generation, deadline: Deadline) -> bool {
        self.sleep_until(generation, deadline, |state| state.has(DONE))
    }

    /// Sleeps once, until the call may be complete, one of the apartments that this thread serves has
    /// work, or the deadline.
    pub fn park_serving(
        &'static self,
        generation: Generation,
        deadline: Deadline,
        served: &[Arc<dyn Served>],
        has_work: &dyn Fn() -> bool,
    ) {
        let seen = self.event.count();
        let before: Vec<_> = served.iter().map(|apartment| apartment.watch(&self.event)).collect();
        let asleep = !has_work()
            && self
                .word
                .state(generation)
                .is_ok_and(|state| !state.has(DONE) && self.word.add_waiter(generation, state));
        if asleep {
            self.disturb(generation);
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
        // Calls that were made one after the other lie side by side, and are mostly finished so.
        let next = ptr::from_ref(self).wrapping_add(1);
        prefetch_to_write(next);
        prefetch_to_write(next.cast::<u8>().wrapping_add(offset_of!(Self, input)));
        prefetch(next.cast::<u8>().wrapping_add(offset_of!(Self, output)));
    }

    /// Whether it is complete, and to collect it takes a moment and runs none of the program's code.
    #[inline]
    pub fn is_plainly_done(&self, state: State) -> bool {
        // SAFETY: asked by the one thread that finishes, between `DONE` and `FINISHED` (2).
        state == usual::RETURNED && !monitor::is_on() && unsafe { self.output().is_short() }
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
                let given = Hresult(if state.has(COMPLETED) { (*hot).completed } else { (*hot).returned });
                if state.has(STOPPED) && !state.has(KILLED) { state.stopped_result(given) } else { given }
            }
        };
        monitor::step(Step::Finish, self, generation);
        self.collected(generation);
        Ok(result)
    }

    /// The same where [`Execution::is_plainly_done`].
    #[inline(always)]
    pub fn collect_plainly(
        &'static self,
        generation: Generation,
        accept: impl FnOnce(Option<Bytes>) -> Result<(), Failure>,
    ) -> Result<Hresult, Failure> {
        // SAFETY: as in `collect`.
        let returned = unsafe {
            accept(Some(self.output()))?;
            self.output().clear();
            (*self.hot.get()).returned
        };
        self.collected(generation);
        Ok(Hresult(returned))
    }

    #[inline]
    fn collected(&'static self, generation: Generation) {
        monitor::mark(Step::Finish, self, generation);
        if !self.word.usual(generation, usual::FINISH)
            && let Ok(taken) = self.word.apply(generation, State::finish)
        {
            self.settle(generation, &taken);
        }
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

    /// Looks at message and progress, under the lock if there are any. `None`: the call object has moved on.
    pub fn inspect<T>(&'static self, generation: Generation, look: impl FnOnce(State, &Told) -> T) -> Option<T> {
        let state = self.word.state(generation).ok()?;
        if state.lock_for_client().is_ok() && !state.any(ERROR | PROGRESS) {
            return Some(look(state, &Told { message: None, progress: (0, 0) }));
        }
        let taken = self.word.apply_unlocked(generation, State::lock_for_client).ok()?;
        // SAFETY: the lock is held (5).
        let notes = unsafe { (*self.cold()).notes.as_deref() };
        let told = Told {
            message: notes.filter(|_| taken.before.has(ERROR)).and_then(|notes| notes.message.as_deref()),
            progress: notes.filter(|_| taken.before.has(PROGRESS)).map_or((0, 0), |notes| notes.progress),
        };
        let answer = look(taken.before, &told);
        self.unlock(generation);
        Some(answer)
    }
}

/// Spins while it pays, as far as this thread knows. True: `ready` says yes; it may run the program's code.
#[inline]
pub fn spin(ready: impl Fn() -> bool) -> bool {
    ready()
        || SPINNER.with(|cell| {
            let mut spinner = cell.replace(Spinner::new());
            let spun = spinner.spin(ready);
            cell.set(spinner);
            spun
        })
}

/// Signaled by the completion of calls that some thread sleeps for, while threads sleep for several at once.
static SOME: Event = Event::new();
/// The threads that sleep for several calls.
static SLEEPING_FOR_SOME: AtomicU32 = AtomicU32::new(0);

/// In the child of a fork: the sleepers are the parent's.
pub fn forget_sleepers() {
    SLEEPING_FOR_SOME.store(0, Ordering::Relaxed);
}

/// A call that was waited for has moved on.
#[inline]
pub(super) fn wake_some() {
    if SLEEPING_FOR_SOME.load(Ordering::SeqCst) > 0 {
        SOME.signal();
    }
}

/// Sleeps until `ready`, which looks at these calls, or until the deadline: false. Others that sleep so
/// are woken by the same calls.
pub fn sleep_until_some(
    awaited: &[(&'static Execution, Generation)],
    deadline: Deadline,
    ready: impl Fn() -> bool,
) -> bool {
    SLEEPING_FOR_SOME.fetch_add(1, Ordering::SeqCst);
    // Whoever completes one of them after this was looked at sees that somebody sleeps.
    fence(Ordering::SeqCst);
    let woken = loop {
        let seen = SOME.count();
        let noted = awaited.iter().all(|&(execution, generation)| execution.note_waiter(generation));
        // What completed before it was noted wakes nobody, and is seen here.
        if ready() {
            break true;
        }
        if noted && SOME.sleep(seen, deadline) == Wake::TimedOut {
            break ready();
        }
    };
    SLEEPING_FOR_SOME.fetch_sub(1, Ordering::SeqCst);
    woken
}

/// Sleeps once, until one of them may be complete, one of the apartments that this thread serves has work,
/// or the deadline.
pub fn sleep_once_for_some(
    awaited: &[(&'static Execution, Generation)],
    deadline: Deadline,
    served: &[Arc<dyn Served>],
    ready: impl Fn() -> bool,
) {
    let before: Vec<_> = served.iter().map(|apartment| apartment.watch(&SOME)).collect();
    let once = Cell::new(false);
    sleep_until_some(awaited, deadline, || ready() || once.replace(true));
    for (apartment, before) in served.iter().zip(before) {
        apartment.watch_again(before);
    }
}

/// What the server told beside its output.
pub struct Told<'a> {
    pub message: Option<&'a str>,
    /// Done, of a total.
    pub progress: (u64, u64),
}
