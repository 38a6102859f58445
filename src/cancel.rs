//! Cancel interfaces: each names one begin of one call object, and never another.
//!
//! A cancel handle's slot holds the name of an execution, one atomic word that is read without a
//! pin: what a signal handler may do.

use crate::call::Call;
use crate::deadlock::Awaited;
use crate::execution::{Answer, By, Execution, Grace, REQUEST, Refused};
use crate::handle::{Generation, Handle, Kind, RefWord, Slab, SlabSlot, Unpinned};
use crate::hresult::{
    E_HANDLE, E_NOINTERFACE, E_OUTOFMEMORY, Failure, Outcome, RPC_E_CALL_CANCELED, RPC_E_CALL_COMPLETE,
    RPC_S_CALLPENDING, S_OK,
};
use crate::state::{BEGUN, CANCEL, DONE, FINISHED, Refusal, Request};
use crate::sync::{AtomicU32, AtomicU64, Ordering, fence};
use crate::time::{Deadline, INFINITE};
use crate::timer;
use crate::wait::{Hopeless, until_done};

/// One cancel interface.
#[repr(C, align(32))]
pub struct CancelSlot {
    refs: RefWord,
    link: AtomicU32,
    target: AtomicU64,
}

// SAFETY: atomics, for which zero is a value.
unsafe impl SlabSlot for CancelSlot {
    fn link(&self) -> &AtomicU32 {
        &self.link
    }
}

static CANCELS: Slab<CancelSlot> = Slab::new();

/// In the child of a fork.
pub fn forget() {
    CANCELS.forget();
}

/// MK-1: the cancel interface of a call object, with one reference.
pub fn query(call: Call) -> Result<u64, Failure> {
    timer::start()?;
    enter(call.cancelable()?)
}

/// A cancel interface of that begin, with one reference.
pub fn enter(target: Handle) -> Result<u64, Failure> {
    let (number, slot) = CANCELS.take().ok_or(Failure::from(E_OUTOFMEMORY))?;
    let generation = slot.refs.generation().unwrap_or_else(|| Generation::first(number));
    // Released, so that who still has the slot's last handle and reads this also sees that one dead.
    slot.target.store(target.pack(), Ordering::Release);
    slot.refs.open(generation);
    Ok(Handle { slot: number, generation }.encode(Kind::Cancel))
}

fn find(id: u64) -> Result<(&'static CancelSlot, Handle), Failure> {
    let handle = Handle::decode(id, Kind::Cancel)?;
    let slot = CANCELS.get(handle.slot).ok_or(Failure::from(E_HANDLE))?;
    Ok((slot, handle))
}

/// CN-15: one reference less; the call goes on.
pub fn release(id: u64) -> Outcome {
    let (slot, handle) = find(id)?;
    if slot.refs.release(handle.generation)? == Unpinned::Last && slot.refs.vacate(handle.generation) {
        CANCELS.give(handle.slot, slot);
    }
    Ok(S_OK)
}

/// The execution that a living cancel handle is for. Async-signal-safe.
#[inline]
fn peek(id: u64) -> Option<Awaited> {
    let handle = Handle::peek(id, Kind::Cancel)?;
    let slot = CANCELS.get(handle.slot)?;
    let lives = || slot.refs.lives(handle.generation).then_some(());
    lives()?;
    let target = Handle::unpack(slot.target.load(Ordering::Relaxed));
    // What was read belongs to this handle if the handle lives still.
    fence(Ordering::Acquire);
    lives()?;
    Some((Execution::of_slot(target.slot)?, target.generation))
}

/// The same, or why there is none.
#[inline]
fn target(id: u64) -> Result<Awaited, Failure> {
    peek(id).ok_or_else(|| find(id).err().unwrap_or(E_HANDLE.into()))
}

const NO_CALL: Failure = Failure::because(RPC_E_CALL_COMPLETE, "the call is complete, or not begun");
const BEFORE: Failure = Failure::because(RPC_E_CALL_CANCELED, "the call was canceled before");

const NO_INTERFACE: Failure =
    Failure::because(E_NOINTERFACE, "the class cannot cancel a call begun on the client's thread");

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Canceled => BEFORE,
            Refusal::NoInterface => NO_INTERFACE,
            _ => NO_CALL,
        }
    }
}

/// Ends a call that only waits in its queue; false: it is in some other state, or the handle is none. Async-signal-safe.
#[inline]
pub fn cancel_in_queue(id: u64) -> bool {
    !Execution::expects_running()
        && peek(id).is_some_and(|(execution, generation)| execution.cancel_in_queue(generation, REQUEST))
}

/// Asks for the call to end, and returns. Async-signal-safe.
pub fn request(id: u64, grace: Grace) -> Outcome {
    request_of(target(id)?, grace)
}

/// The same, of a begin. Async-signal-safe.
pub fn request_of((execution, generation): Awaited, grace: Grace) -> Outcome {
    match execution.request_cancel(generation, REQUEST, grace, By::Signal) {
        Answer::AskFirst => Ok(execution.ask_class_later(generation, grace).map(|()| S_OK)?),
        answer => settle(answer),
    }
}

/// What a request came to, for the one who made it.
fn settle(answer: Answer) -> Outcome {
    match answer {
        Answer::Done | Answer::Told { .. } => Ok(S_OK),
        Answer::Already => Err(BEFORE),
        Answer::Complete => Err(NO_CALL),
        Answer::AskFirst => Err(NO_INTERFACE),
    }
}

/// CN-1 to CN-14, TO-1 to TO-8: asks for the call to end and waits for the server's answer, up to
/// the end of the grace period.
pub fn cancel(id: u64, seconds: u32) -> Outcome {
    cancel_of(target(id)?, seconds)
}

/// The same, of a begin.
pub fn cancel_of((execution, generation): Awaited, seconds: u32) -> Outcome {
    let grace = Grace::seconds(seconds);
    let request = Request { hold: true, ..REQUEST };
    let mut answer = execution.request_cancel(generation, request, grace, By::Thread);
    if answer == Answer::AskFirst {
        answer = execution.ask_class(generation, request, grace).map_err(|refused| match refused {
            Refused::State(refusal) => refusal.into(),
            Refused::Class(code) => Failure::because(code, "the class refused to cancel the call"),
        })?;
    }
    let Answer::Told { held } = answer else { return settle(answer) };
    // A method that asks for its own end does not wait: the answer has to come from it.
    let hopeless = if seconds == INFINITE { Hopeless::Refuse } else { Hopeless::Bear };
    let waited = until_done(execution, generation, Deadline::NEVER, hopeless);
    // Without a hold nobody knows how it ended: the request was made.
    let answered = held && !execution.unhold(generation);
    if waited? && answered { Err(NO_CALL) } else { Ok(S_OK) }
}

/// TC-1 to TC-7.
pub fn test(id: u64) -> Outcome {
    let (execution, generation) = target(id)?;
    let (now, state) = execution.read();
    if now != generation || !state.has(BEGUN) || state.has(FINISHED) {
        return Err(NO_CALL);
    }
    let canceled = if state.has(DONE) { state.is_canceled() } else { state.has(CANCEL) };
    if canceled {
        Ok(RPC_E_CALL_CANCELED)
    } else if state.has(DONE) {
        Err(NO_CALL)
    } else {
        Ok(RPC_S_CALLPENDING)
    }
}
