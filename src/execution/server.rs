//! The server's side of an execution: what a method may do through its context.

use super::{Execution, Grace};
use crate::buffer::LARGE;
use crate::handle::{Generation, Handle, Kind};
use crate::hresult::{
    CALL_E_MORE_DATA, CALL_S_DEFERRED, E_HANDLE, E_INVALIDARG, E_UNEXPECTED, Failure, Hresult, Outcome,
    RPC_E_CALL_CANCELED, RPC_E_CALL_COMPLETE, RPC_S_CALLPENDING, S_OK,
};
use crate::monitor;
use crate::state::{
    CANCEL, DEFERRED, DISABLED, DONE, ENDED, Gone, LOOKED, Missed, PROGRESS, Refusal, STARTED, State, usual,
};
use crate::sync::{Arc, AtomicPtr, AtomicU32, Ordering};
use crate::time::Deadline;
use std::ptr;

/// A method's view of its own execution.
#[derive(Clone, Copy)]
pub struct Server {
    pub execution: &'static Execution,
    pub generation: Generation,
}

const OVER: Failure = Failure::because(RPC_E_CALL_COMPLETE, "the method of this context has ended");
const NO_CLIENT: Failure = Failure::because(RPC_E_CALL_CANCELED, "the client has gone on without this call");

/// Codes that no method may end with: they would say something else to the client.
pub fn forbidden(result: Hresult) -> bool {
    [RPC_S_CALLPENDING, CALL_E_MORE_DATA, CALL_S_DEFERRED].contains(&result)
}

/// What the client is told of a method that ended with a forbidden code.
pub fn forbidden_message(result: Hresult) -> String {
    let name = result.name().unwrap_or("a code");
    format!("the method ended with {name}, which no method may end with")
}

/// A word that another process changes where it cancels what this one serves; NULL: none does.
static OUTSIDE: AtomicPtr<AtomicU32> = AtomicPtr::new(ptr::null_mut());
/// What it was when this process last heeded it.
static HEEDED: AtomicU32 = AtomicU32::new(0);

/// Methods that look for a cancel look at that word, too: it was heeded as it was then.
pub fn watch_outside(word: &'static AtomicU32, heeded: u32) {
    HEEDED.store(heeded, Ordering::Relaxed);
    OUTSIDE.store(ptr::from_ref(word).cast_mut(), Ordering::Release);
}

/// In the child of a fork: the other process is the parent's, and its word is not there.
pub fn forget_outside() {
    OUTSIDE.store(ptr::null_mut(), Ordering::Relaxed);
}

#[inline]
fn has_news() -> bool {
    // SAFETY: NULL, or a word that stays for good.
    unsafe { OUTSIDE.load(Ordering::Acquire).as_ref() }
        .is_some_and(|word| word.load(Ordering::Acquire) != HEEDED.load(Ordering::Relaxed))
}

impl Server {
    /// The context of a handle.
    pub fn find(id: u64) -> Result<Self, Failure> {
        let handle = Handle::decode(id, Kind::Context)?;
        let execution = Execution::of_slot(handle.slot).ok_or(Failure::from(E_HANDLE))?;
        Ok(Self { execution, generation: handle.generation })
    }

    /// Whether a context's method runs and has not been canceled: what a method that looks often wants to know fast.
    /// No: whoever asks finds out more.
    #[inline]
    pub fn is_undisturbed(id: u64) -> bool {
        let found = Handle::peek(id, Kind::Context).and_then(|it| Some((Execution::of_slot(it.slot)?, it.generation)));
        found.is_some_and(|(execution, generation)| Self { execution, generation }.goes_on())
    }

    /// The same of this one.
    #[inline]
    pub fn goes_on(self) -> bool {
        let (generation, state) = self.execution.read();
        generation == self.generation && state.0 & (STARTED | ENDED | CANCEL) == STARTED && !has_news()
    }

    /// Why the word of this generation refused: a context that was issued once is over, another
    /// never was one.
    pub(super) fn missed(self, missed: Missed) -> Failure {
        match missed {
            Missed::Gone(Gone::Over) if self.generation >= Generation::first(self.slot()) => OVER,
            Missed::Refused(Refusal::Ended) => OVER,
            _ => E_HANDLE.into(),
        }
    }

    fn slot(self) -> u32 {
        self.execution.handle(self.generation).slot
    }

    /// The state, while the method runs.
    fn running(self) -> Result<State, Failure> {
        let state = self.execution.word.state(self.generation).map_err(|gone| self.missed(Missed::Gone(gone)))?;
        if !state.has(STARTED) {
            return Err(E_HANDLE.into());
        }
        if state.has(ENDED) { Err(OVER) } else { Ok(state) }
    }

    /// TC-1, TC-2, SV-9. One load.
    #[inline]
    pub fn test_cancel(self) -> Outcome {
        if has_news()
            && let Some(relay) = self.relayed()
        {
            relay.hear();
        }
        let state = self.running()?;
        let canceled = state.has(CANCEL) && !state.has(DISABLED);
        if canceled && !state.has(LOOKED) {
            self.execution.note_look(self.generation);
        }
        Ok(if canceled { RPC_E_CALL_CANCELED } else { RPC_S_CALLPENDING })
    }

    /// What another process says of a cancel has to come to the method, which does not look.
    pub(super) fn hark(self) {
        if !OUTSIDE.load(Ordering::Relaxed).is_null()
            && let Some(relay) = self.relayed()
        {
            relay.hark();
            if has_news() {
                relay.hear();
            }
        }
    }

    /// Sleeps until a cancel, the method's end, or the deadline.
    pub fn wait_cancel(self, deadline: Deadline) -> Outcome {
        self.running()?;
        self.hark();
        let over = |state: State| state.has(ENDED) || (state.has(CANCEL) && !state.has(DISABLED));
        self.execution.sleep_until(self.generation, deadline, over);
        self.test_cancel()
    }

    /// The call's deadline.
    pub fn deadline(self) -> Result<Grace, Failure> {
        self.running()?;
        Ok(self.execution.expiry(self.generation))
    }

    /// A byte that is not zero once a cancel is requested, while the method runs.
    pub fn cancel_flag(self) -> Result<*const u8, Failure> {
        self.running()?;
        Ok(self.execution.word.cancel_byte())
    }

    /// Takes the data while nobody tells of a cancel; the state before.
    pub(super) fn lock_data(self) -> Result<State, Failure> {
        let telling = self.is_being_told_here();
        let lock = |state: State| state.lock_to_complete(telling);
        let taken = self.execution.word.apply_unlocked(self.generation, lock);
        taken.map(|taken| taken.before).map_err(|missed| self.missed(missed))
    }

    /// Runs `edit` on output, message and progress while the client still wants them.
    #[inline(always)]
    fn edit(self, edit: impl FnOnce(&Execution) -> Result<u64, Failure>) -> Outcome {
        let word = &self.execution.word;
        let wanted = word.usual(self.generation, usual::LOCK) || !self.lock()?.has(DONE);
        let edited = if wanted { edit(self.execution) } else { Err(NO_CLIENT) };
        let bits = *edited.as_ref().unwrap_or(&0);
        if bits != 0 || !word.usual(self.generation, usual::UNLOCK) {
            let unlocked = word.always(self.generation, |state| state.unlock(bits));
            self.execution.settle(self.generation, &unlocked);
        }
        edited.map(|_| S_OK)
    }

    /// Takes the data; the state before.
    #[inline(never)]
    fn lock(self) -> Result<State, Failure> {
        let taken = self.execution.word.apply_unlocked(self.generation, State::lock_for_server);
        taken.map(|taken| taken.before).map_err(|missed| self.missed(missed))
    }

    /// Adds to the output.
    #[inline(always)]
    pub fn write(self, bytes: &[u8]) -> Outcome {
        self.edit(|execution| {
            if bytes.len() >= LARGE {
                execution.place_output(bytes.len());
            }
            // SAFETY: the lock is held (2).
            unsafe { execution.output().append(bytes) }.map(|()| 0)
        })
    }

    /// Room at the end of the output, to be written in place.
    pub fn reserve(self, len: usize) -> Result<*mut u8, Failure> {
        let mut room = std::ptr::null_mut();
        self.edit(|execution| {
            if len >= LARGE {
                execution.place_output(len);
            }
            // SAFETY: the lock is held (2).
            room = unsafe { execution.output().reserve(len) }?;
            Ok(0)
        })?;
        Ok(room)
    }

    /// Adds what was written there to the output.
    pub fn commit(self, len: usize) -> Outcome {
        self.edit(|execution| {
            // SAFETY: the lock is held (2).
            unsafe { execution.output().commit(len) }.map(|()| 0)
        })
    }

    /// Tells how far the method is.
    pub fn set_progress(self, done: u64, total: u64) -> Outcome {
        self.edit(|execution| {
            // SAFETY: the lock is held (5).
            unsafe { execution.notes() }.progress = (done, total);
            if let Some(relay) = execution.relay() {
                relay.progress(done, total);
            }
            Ok(PROGRESS)
        })
    }

    /// Gives the message that goes with the result.
    pub fn set_error(self, text: String) -> Outcome {
        self.edit(|execution| Ok(execution.put_message(text)))
    }

    /// Ends the method. SG-1 to SG-4, SG-8.
    pub fn complete(self, result: Hresult) -> Outcome {
        let Self { execution, generation } = self;
        let telling = self.is_being_told_here();
        let seen = monitor::before(execution, generation);
        loop {
            match execution.word.apply_unlocked(generation, |state| state.lock_to_end(telling)) {
                Ok(taken) if self.end_locked(taken.before, result, telling, seen.as_ref()) => break,
                Ok(_) => {}
                Err(Missed::Refused(Refusal::Untold)) => execution.tell_at_end(generation),
                Err(missed) => return Err(self.missed(missed)),
            }
        }
        if !forbidden(result) {
            return Ok(S_OK);
        }
        Err(Failure::because(E_INVALIDARG, "no method may end with that code; its call ended with E_UNEXPECTED"))
    }

    /// Ends the method, as the one who holds the data. No: a cancel came meanwhile, which is to be told of
    /// first, and the data is free again.
    fn end_locked(self, before: State, result: Hresult, telling: bool, seen: Option<&monitor::Info>) -> bool {
        let Self { execution, generation } = self;
        // The object, and with it the apartment, may go with the transition.
        let lease = Arc::clone(&execution.target().lease);
        let mut given = result;
        let mut bits = 0;
        if forbidden(result) {
            given = E_UNEXPECTED;
            if !before.has(DONE) {
                // Nobody hears of it where the client has gone on.
                bits = execution.put_message(forbidden_message(result));
            }
        }
        // SAFETY: the lock is held (4).
        unsafe { (*execution.hot.get()).completed = given.0 };
        let canceled = given == RPC_E_CALL_CANCELED;
        let ended = execution.word.apply(generation, |state| State(state.0 | bits).complete(canceled, telling));
        let Ok(taken) = ended else {
            execution.unlock(generation);
            return false;
        };
        execution.wake(taken.before);
        execution.report_end(generation, taken.answer, canceled, seen.cloned());
        if taken.before.has(DEFERRED) {
            lease.home().undeferred(execution, generation);
        }
        execution.settle(generation, &taken);
        true
    }
}
