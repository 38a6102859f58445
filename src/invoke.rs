//! Synchronous calls, and canceling them by their thread.
//!
//! Each thread that makes one has a slot that says what its innermost one is. The slot is read by other
//! threads and by signal handlers, which need no pin: it is never freed, and its generation is looked at
//! before and after.

use crate::buffer::Bytes;
use crate::call::Call;
use crate::cancel;
use crate::deadlock::Awaited;
use crate::execution::{By, Execution, Grace, REQUEST};
use crate::handle::{Generation, Handle, Kind, Slab, SlabSlot};
use crate::hresult::{
    CALL_E_DEADLOCK, CO_E_CANCEL_DISABLED, E_HANDLE, E_NOINTERFACE, E_OUTOFMEMORY, Failure, Outcome, S_OK,
};
use crate::object::ObjectHold;
use crate::state::{BEGUN, CANCELABLE, DIRECT, FINISHED, Fate};
use crate::sync::{AtomicU32, AtomicU64, Ordering, fence};
use crate::time::INFINITE;
use crate::timer;
use std::cell::Cell;

/// What other threads may know of a thread.
#[repr(C, align(32))]
struct ThreadSlot {
    link: AtomicU32,
    /// 0 in a slot never used.
    generation: AtomicU32,
    /// Its innermost synchronous call, packed as a handle, or one of the two below; 0: none.
    innermost: AtomicU64,
}

/// Made while the thread had not enabled cancellation. SY-1, SY-7.
const DISABLED: u64 = 1 << 63;
/// Its class cannot cancel it.
const NOT_CANCELABLE: u64 = 1 << 62;

// SAFETY: atomics, for which zero is a value.
unsafe impl SlabSlot for ThreadSlot {
    fn link(&self) -> &AtomicU32 {
        &self.link
    }
}

static SLOTS: Slab<ThreadSlot> = Slab::new();

/// This thread's slot, and 1; given back when the thread ends.
struct Mine(Cell<u32>);

impl Drop for Mine {
    fn drop(&mut self) {
        let Some(number) = self.0.take().checked_sub(1) else { return };
        let Some(slot) = SLOTS.get(number) else { return };
        slot.innermost.store(0, Ordering::Release);
        let next = Generation(slot.generation.load(Ordering::Relaxed)).later(1);
        slot.generation.store(next.map_or(0, |next| next.0), Ordering::Release);
        if next.is_some() {
            SLOTS.give(number, slot);
        }
    }
}

thread_local! {
    static MINE: Mine = const { Mine(Cell::new(0)) };
    /// How often this thread has enabled cancellation more than it disabled it.
    static ENABLED: Cell<u32> = const { Cell::new(0) };
}

/// In the child of a fork: no thread but this one is left, and what it waited for is the parent's.
pub fn forget() {
    SLOTS.forget();
    let _ = MINE.try_with(|mine| mine.0.set(0));
}

/// The calling thread's slot, taken now if it has none.
fn mine() -> Result<(u32, &'static ThreadSlot), Failure> {
    let taken = MINE.try_with(|mine| {
        if let Some(number) = mine.0.get().checked_sub(1) {
            return SLOTS.get(number).map(|slot| (number, slot));
        }
        let (number, slot) = SLOTS.take()?;
        if slot.generation.load(Ordering::Relaxed) == 0 {
            slot.generation.store(Generation::first(number).0, Ordering::Release);
        }
        mine.0.set(number + 1);
        Some((number, slot))
    });
    taken.ok().flatten().ok_or(E_OUTOFMEMORY.into())
}

/// The number by which other threads may cancel what this one waits for.
pub fn thread_id() -> Result<u64, Failure> {
    let (number, slot) = mine()?;
    let generation = Generation(slot.generation.load(Ordering::Relaxed));
    Ok(Handle { slot: number, generation }.encode(Kind::Thread))
}

/// SY-2.
pub fn enable() {
    ENABLED.set(ENABLED.get().saturating_add(1));
}

/// SY-3, SY-4.
pub fn disable() -> Outcome {
    let Some(less) = ENABLED.get().checked_sub(1) else {
        return Err(Failure::because(CO_E_CANCEL_DISABLED, "cancellation is not enabled on this thread"));
    };
    ENABLED.set(less);
    Ok(S_OK)
}

const NONE: Failure = Failure::because(E_NOINTERFACE, "no synchronous call that can be canceled is in progress there");
const OFF: Failure = Failure::because(CO_E_CANCEL_DISABLED, "the call was made while cancellation was disabled");

/// The innermost synchronous call of a thread; 0 is the calling one. Async-signal-safe. SY-8 to SY-11.
pub fn innermost(thread: u64) -> Result<Awaited, Failure> {
    let (slot, generation) = if thread == 0 {
        let number = MINE.try_with(|mine| mine.0.get()).unwrap_or(0);
        let slot = number.checked_sub(1).and_then(|number| SLOTS.get(number)).ok_or(NONE)?;
        (slot, slot.generation.load(Ordering::Acquire))
    } else {
        let handle = Handle::decode(thread, Kind::Thread)?;
        (SLOTS.get(handle.slot).ok_or(Failure::from(E_HANDLE))?, handle.generation.0)
    };
    let lives =
        || if slot.generation.load(Ordering::Acquire) == generation { Ok(()) } else { Err(Failure::from(E_HANDLE)) };
    lives()?;
    let packed = slot.innermost.load(Ordering::Acquire);
    // What was read belongs to this thread if it lives still.
    fence(Ordering::Acquire);
    lives()?;
    match packed {
        0 | NOT_CANCELABLE => return Err(NONE),
        DISABLED => return Err(OFF),
        _ => {}
    }
    let name = Handle::unpack(packed);
    let execution = Execution::of_slot(name.slot).ok_or(NONE)?;
    let (now, state) = execution.read();
    let over = now != name.generation || !state.has(BEGUN) || state.has(FINISHED);
    if over || (state.has(DIRECT) && !state.has(CANCELABLE)) {
        // It is about to begin, or over, or runs directly and its class cannot cancel it.
        return Err(NONE);
    }
    Ok((execution, now))
}

/// SY-8, SY-12: cancels it, as [`cancel::cancel`] does.
pub fn cancel_thread(thread: u64, seconds: u32) -> Outcome {
    cancel::cancel_of(innermost(thread)?, seconds)
}

/// The same without waiting. Async-signal-safe.
pub fn request_cancel_thread(thread: u64, grace: Grace) -> Outcome {
    cancel::request_of(innermost(thread)?, grace)
}

/// A cancel interface of that one call: what comes late hits no other. SY-14.
pub fn query_thread_cancel(thread: u64) -> Result<u64, Failure> {
    let (execution, generation) = innermost(thread)?;
    cancel::enter(execution.handle(generation))
}

/// While it lives, this thread's innermost synchronous call is that one.
struct Innermost {
    slot: &'static ThreadSlot,
    outer: u64,
}

impl Innermost {
    fn new(call: Call) -> Result<Self, Failure> {
        let (_, slot) = mine()?;
        let name = if ENABLED.get() == 0 {
            DISABLED
        } else {
            match call.cancelable() {
                Ok(name) => name.pack(),
                Err(failure) if failure.code == E_NOINTERFACE => NOT_CANCELABLE,
                Err(failure) => return Err(failure),
            }
        };
        Ok(Self { slot, outer: slot.innermost.swap(name, Ordering::AcqRel) })
    }
}

impl Drop for Innermost {
    fn drop(&mut self) {
        self.slot.innermost.store(self.outer, Ordering::Release);
    }
}

/// Gives a call object back however this ends.
struct Held(Call);

impl Drop for Held {
    fn drop(&mut self) {
        // It lives: this is its one reference.
        let _ = self.0.release();
    }
}

/// Calls a method and waits for its result; what became of the work goes to `fate`.
pub fn invoke(
    object: ObjectHold,
    method: u32,
    input: &[u8],
    timeout_ms: u32,
    accept: impl FnOnce(Option<Bytes>) -> Result<(), Failure>,
    fate: &mut Fate,
) -> Outcome {
    let call = Call::find(Call::create(object)?)?;
    let _held = Held(call);
    if timeout_ms != INFINITE {
        call.set_timeout(timeout_ms, 0)?;
    }
    if ENABLED.get() > 0 {
        // It ends grace periods.
        timer::start()?;
    }
    let _innermost = Innermost::new(call)?;
    call.begin_with_copy(method, input)?;
    let finished = call.finish(true, accept);
    if finished.is_err_and(|failure| failure.code == CALL_E_DEADLOCK) {
        // Nobody will wait for it any more.
        if let Ok((execution, generation, _)) = call.look() {
            execution.request_cancel(generation, REQUEST, Grace::AT_ONCE, By::Thread);
        }
    }
    *fate = call.fate()?;
    finished
}
