//! The call object: what the program holds, begins, waits for and finishes.
//!
//! A call object is busy from begin until finish; each begin has an [`Execution`] of its own. The
//! slot's word (`handle::RefWord`) has three flags of ours:
//!
//! 1. `BUSY`, from the begin that won until the finish that ended it. While it is clear, begin owns
//!    the choice of the next execution.
//! 2. `FINISHING`, while a thread is in finish.
//! 3. `CHOOSING`, while a begin or a query settles which execution is meant, or a finish collects what is there;
//!    others wait it out, so it is given up by a plain store. None of the program's code runs under it.
//!
//! `execution`, `next` and `conduct` are touched under `CHOOSING`, under `FINISHING` (which waits out
//! `CHOOSING`, and `BUSY` then keeps the choice), or by who saw the last hold go. Those who only look
//! read `current`, which names the execution, and ask the execution's own word whether it is still
//! that one.

mod conduct;
mod many;

use crate::buffer::{Bytes, Input, LARGE, Room};
use crate::execution::{Execution, Grace, Told, goes_by_lane};
use crate::frame;
use crate::handle::{Generation, Handle, Kind, RefWord, Slab, SlabSlot, TAKEN, Unpinned};
use crate::hresult::{
    CALL_E_TOO_BUSY, DISP_E_MEMBERNOTFOUND, E_HANDLE, E_NOINTERFACE, E_OUTOFMEMORY, Failure, Hresult, Outcome,
    RPC_E_CALL_COMPLETE, RPC_S_CALLPENDING, S_OK,
};
use crate::monitor::{self, Step};
use crate::object::{Lease, Manner, Object, ObjectHold};
use crate::state::{BEGUN, CANCELABLE, DIRECT, DONE, FINISHED, Fate, State};
use crate::sync::{Arc, AtomicU32, AtomicU64, Backoff, Ordering};
use crate::time::Deadline;
use crate::timer;
use crate::wait::{Hopeless, until_done};
use conduct::Conduct;
pub use conduct::{Callback, CompletedFn, Lineage};
pub use many::wait_many;
use std::cell::UnsafeCell;

/// See the module.
#[repr(C, align(16))]
pub struct CallSlot {
    refs: RefWord,
    link: AtomicU32,
    /// 1: it has a descriptor.
    watched: AtomicU32,
    current: AtomicU64,
    chosen: UnsafeCell<Chosen>,
    /// How its begins go beyond a plain one.
    conduct: UnsafeCell<Option<Box<Conduct>>>,
}

#[derive(Clone, Copy)]
struct Chosen {
    execution: Option<&'static Execution>,
    /// As `execution`, named for the next begin, where the last one's method still runs.
    next: Option<&'static Execution>,
}

// SAFETY: `chosen` is touched as the module says.
unsafe impl Sync for CallSlot {}
// SAFETY: zero is an empty slot.
unsafe impl SlabSlot for CallSlot {
    fn link(&self) -> &AtomicU32 {
        &self.link
    }
}

const BUSY: u64 = 1;
const FINISHING: u64 = 2;
const CHOOSING: u64 = TAKEN;

static CALLS: Slab<CallSlot> = Slab::new();

/// In the child of a fork.
pub fn forget() {
    CALLS.forget();
}

const NO_CALL: Failure = Failure::because(RPC_E_CALL_COMPLETE, "no call is in progress on this call object");
const BUSY_CALL: Failure = Failure::because(RPC_S_CALLPENDING, "the call object is busy until its call is finished");

/// A call object, by its handle.
#[derive(Clone, Copy)]
pub struct Call {
    slot: &'static CallSlot,
    handle: Handle,
}

impl Call {
    /// CR-2: a call object for `object`, idle, with one reference.
    pub fn create(object: ObjectHold) -> Result<u64, Failure> {
        let (number, slot) = CALLS.take().ok_or(Failure::from(E_OUTOFMEMORY))?;
        // SAFETY: a taken slot has one owner until it is opened.
        let chosen = unsafe { &mut *slot.chosen.get() };
        let execution = match chosen.execution {
            Some(parked) => {
                parked.aim(object);
                parked
            }
            None => Execution::take(object).inspect_err(|_| CALLS.give(number, slot))?,
        };
        chosen.execution = Some(execution);
        let generation = slot.refs.generation().unwrap_or_else(|| Generation::first(number));
        slot.current.store(execution.handle(execution.read().0).pack(), Ordering::Relaxed);
        slot.watched.store(0, Ordering::Relaxed);
        slot.refs.open(generation);
        Ok(Handle { slot: number, generation }.encode(Kind::Call))
    }

    /// Its handle, as the program knows it.
    pub fn id(self) -> u64 {
        self.handle.encode(Kind::Call)
    }

    /// The call object of a handle; whether it lives, each use finds out by itself.
    #[inline]
    pub fn find(id: u64) -> Result<Self, Failure> {
        let handle = Handle::decode(id, Kind::Call)?;
        let slot = CALLS.get(handle.slot).ok_or(Failure::from(E_HANDLE))?;
        Ok(Self { slot, handle })
    }

    /// Changes the word and pins, waiting out who is choosing.
    #[inline]
    fn enter(self, change: impl Fn(u64) -> Result<u64, Failure>) -> Result<(), Failure> {
        self.slot.refs.update(self.handle.generation, |word| Ok((RefWord::with_pin(change(word)?)?, ())))
    }

    /// Ends what [`Call::enter`] began, clearing `flags`.
    #[inline]
    fn exit(self, flags: u64) {
        if self.slot.refs.unpin(flags) == Unpinned::Last {
            self.leave();
        }
    }

    /// The same by who chose.
    #[inline]
    fn exit_chosen(self, flags: u64) {
        self.slot.refs.unpin_taken(flags);
    }

    /// Empties the slot after the last hold.
    #[inline(never)]
    fn leave(self) {
        // SAFETY: the last hold is gone.
        let (chosen, conduct) = unsafe { (&mut *self.slot.chosen.get(), (*self.slot.conduct.get()).take()) };
        let last = chosen.execution.unwrap_or_else(|| unreachable!("a call object has an execution"));
        let next = chosen.next.take();
        // The slot keeps what it can for its next call object.
        let object = if self.handle.generation == Generation::LAST { None } else { last.park() };
        if object.is_none() {
            chosen.execution = None;
        }
        if self.slot.refs.vacate(self.handle.generation) {
            CALLS.give(self.handle.slot, self.slot);
        }
        // Last: these may run the program's code.
        if object.is_none() {
            last.detach();
        }
        if let Some(next) = next {
            next.detach();
        }
        drop((object, conduct));
    }

    /// One reference more.
    pub fn add_ref(self) -> Outcome {
        self.slot.refs.add(self.handle.generation).map(|()| S_OK)
    }

    /// RL-1 to RL-5: one reference less. A call in progress goes on.
    pub fn release(self) -> Outcome {
        if self.slot.refs.release(self.handle.generation)? == Unpinned::Last {
            self.leave();
        }
        Ok(S_OK)
    }

    /// BG-1 to BG-9. The input is used up by a begin that succeeds; any other gives it back.
    pub fn begin(self, method: u32, input: &mut Option<Input>) -> Outcome {
        let mut patience = Backoff::new();
        loop {
            match self.begin_once(method, input) {
                Ok(code) => return Ok(code),
                Err(Unbegun { full: Some(lease), .. }) if lease.home().make_room(&mut patience) => {}
                Err(unbegun) => return Err(unbegun.failure),
            }
        }
    }

    /// As [`Call::begin`], with a copy, which is made where the begin wants it.
    #[inline]
    pub fn begin_with_copy(self, method: u32, bytes: &[u8]) -> Outcome {
        let room = if bytes.len() >= LARGE && goes_by_lane() { self.lend(method, bytes.len())? } else { None };
        let input = room.map_or_else(|| Input::of(bytes), |room| Ok(Input::in_room(bytes, room)))?;
        self.begin(method, &mut Some(input))
    }

    /// Where the next begin wants a large input, if that is in memory of the process that is to have it. Nowhere, where
    /// the call is busy, its object disconnected, or without such a method: nobody else sees an input of those.
    #[cold]
    fn lend(self, method: u32, len: usize) -> Result<Option<Room>, Failure> {
        self.enter(|word| if word & BUSY != 0 { Err(BUSY_CALL) } else { Ok(word | CHOOSING) })?;
        // SAFETY: under CHOOSING.
        let chosen = unsafe { &*self.slot.chosen.get() };
        let target = chosen.execution.map(Execution::target_again);
        self.exit_chosen(0);
        let lend = |target: &Object| {
            target.connected().ok()?;
            target.class.methods.get(method as usize)?;
            target.class.remote.as_deref()?.lane()?.lend(target.lease.home(), len)
        };
        Ok(target.as_deref().and_then(lend))
    }

    fn begin_once(self, method: u32, input: &mut Option<Input>) -> Result<Hresult, Unbegun> {
        let claim = |word| {
            if word & BUSY != 0 { Err(BUSY_CALL) } else { Ok(word | BUSY | CHOOSING) }
        };
        match self.enter(claim) {
            Err(BUSY_CALL) => return Ok(RPC_S_CALLPENDING),
            entered => entered?,
        }
        let begun = match self.begin_claimed(method, input) {
            Ok(begun) => begun,
            Err(unbegun) => {
                // What is in the way may be the program's to destroy, which waits until CHOOSING is clear.
                self.exit_chosen(BUSY);
                return Err(unbegun);
            }
        };
        let Begun { execution, generation, direct, .. } = begun;
        monitor::mark(Step::Begin, execution, generation);
        // What is below may run the program's code, or sends an input to another process, and so waits until CHOOSING
        // is clear.
        let disconnected = execution.target().connected().is_err();
        let is_here = execution.target().class.remote.is_none();
        if begun.is_plain() && is_here && !disconnected && !monitor::is_on() {
            // The call object, pinned, keeps the execution and with it the apartment.
            if !direct && execution.target().lease.home().submit(execution) {
                let lease = Arc::clone(&execution.target().lease);
                self.slot.refs.give_back();
                lease.home().refuse_submitted();
                self.exit(0);
            } else {
                self.exit_chosen(0);
            }
        } else {
            let lease = Arc::clone(&execution.target().lease);
            self.slot.refs.give_back();
            begun.settle();
            if disconnected {
                // Since it was asked above, by somebody who may not have seen this call.
                execution.disconnect(generation, Grace::AT_ONCE);
            }
            if !direct && lease.home().submit(execution) {
                lease.home().refuse_submitted();
            }
            self.exit(0);
        }
        if direct {
            // An execution that has not started stays, whatever becomes of the call object.
            frame::at_home(|home| execution.run(home));
        }
        Ok(S_OK)
    }

    fn begin_claimed(self, method: u32, input: &mut Option<Input>) -> Result<Begun, Unbegun> {
        // SAFETY: under CHOOSING.
        let (chosen, conduct) = unsafe { (&mut *self.slot.chosen.get(), (*self.slot.conduct.get()).as_deref()) };
        let last = chosen.execution.unwrap_or_else(|| unreachable!("a call object has an execution"));
        let target = last.target();
        target.connected()?;
        let direct = target.is_direct();
        let home = target.lease.home();
        if method as usize >= target.class.methods.len() {
            return Err(Failure::from(DISP_E_MEMBERNOTFOUND).into());
        }
        // All that can fail comes before the execution is opened: a begin that fails leaves the
        // fate and the message of the last one.
        let mut extra = self.extra(conduct)?;
        if let Err(failure) = if direct { home.open() } else { home.admit() } {
            let full = (failure.code == CALL_E_TOO_BUSY).then(|| Arc::clone(&target.lease));
            return Err(Unbegun { failure, full });
        }
        let mut chosen_now = choose(chosen, last);
        if let Some(extra) = &mut extra {
            chosen_now = chosen_now.and_then(|found| extra.expect().map(|()| found));
        }
        if chosen_now.is_err() && !direct {
            home.retract();
        }
        let (execution, generation) = chosen_now?;
        self.slot.current.store(execution.handle(generation).pack(), Ordering::Release);
        let moved = !std::ptr::eq(execution, last);
        if moved {
            *chosen = Chosen { execution: Some(execution), next: None };
        }
        let (parent, timed) = extra.as_ref().map_or((None, false), |it| (it.parent, it.expiry != Grace::FOREVER));
        if let Some(input) = input.take() {
            execution.begin(generation, method, input, direct, extra);
        }
        Ok(Begun { execution, generation, direct, parent, timed, last: moved.then_some(last) })
    }

    /// What the call object's current execution is at; checked to be this call object's.
    pub(crate) fn look(self) -> Result<(&'static Execution, Generation, State), Failure> {
        let mut backoff = Backoff::new();
        loop {
            if !self.slot.refs.lives(self.handle.generation) {
                return Err(E_HANDLE.into());
            }
            let named = Handle::unpack(self.slot.current.load(Ordering::Acquire));
            let execution = Execution::of_slot(named.slot).ok_or(Failure::from(E_HANDLE))?;
            let (generation, state) = execution.read();
            if generation == named.generation && self.slot.refs.lives(self.handle.generation) {
                return Ok((execution, generation, state));
            }
            backoff.step();
        }
    }

    /// WT-1 to WT-8. Waits for the begin that it finds.
    pub fn wait(self, deadline: Deadline) -> Outcome {
        let (execution, generation, state) = self.look()?;
        if !state.has(BEGUN) || state.has(FINISHED) {
            return Err(NO_CALL);
        }
        if state.has(DONE) {
            return Ok(S_OK);
        }
        // Whoever releases the call object meanwhile leaves it to this thread.
        self.enter(Ok)?;
        let done = until_done(execution, generation, deadline, Hopeless::Refuse);
        self.exit(0);
        Ok(if done? { S_OK } else { RPC_S_CALLPENDING })
    }

    /// FI-1 to FI-8. `block`: waits for the call to complete.
    pub fn finish(self, block: bool, accept: impl FnOnce(Option<Bytes>) -> Result<(), Failure>) -> Outcome {
        self.enter(|word| {
            if word & BUSY == 0 {
                Err(NO_CALL)
            } else if word & FINISHING != 0 {
                Err(Failure::because(RPC_E_CALL_COMPLETE, "another thread finishes this call"))
            } else {
                Ok(word | FINISHING | CHOOSING)
            }
        })?;
        // SAFETY: under CHOOSING.
        let chosen = unsafe { &*self.slot.chosen.get() };
        let execution = chosen.execution.unwrap_or_else(|| unreachable!("a call object has an execution"));
        let (generation, state) = execution.read();
        let result = if execution.is_plainly_done(state) {
            execution.prefetch_to_finish();
            let collected = execution.collect_plainly(generation, accept);
            self.exit_chosen(if collected.is_ok() { BUSY | FINISHING } else { FINISHING });
            collected.map(Some)
        } else {
            self.slot.refs.give_back();
            let collected = Self::finish_later(execution, (generation, state), block, accept);
            self.exit(if matches!(collected, Ok(Some(_))) { BUSY | FINISHING } else { FINISHING });
            collected
        };
        let Some(code) = result? else { return Ok(RPC_S_CALLPENDING) };
        if self.slot.watched.load(Ordering::Acquire) != 0 {
            self.refresh_descriptor();
        }
        Ok(code)
    }

    /// The same where it may have to be waited for, or where the program's code may run. `None`: it is not complete.
    fn finish_later(
        execution: &'static Execution,
        (generation, state): (Generation, State),
        block: bool,
        accept: impl FnOnce(Option<Bytes>) -> Result<(), Failure>,
    ) -> Result<Option<Hresult>, Failure> {
        let done = if state.has(DONE) {
            true
        } else if block {
            until_done(execution, generation, Deadline::NEVER, Hopeless::Refuse)?
        } else {
            execution.glance_at_lane(generation)
        };
        if !done {
            return Ok(None);
        }
        execution.prefetch_to_finish();
        execution.collect(generation, accept).map(Some)
    }

    /// The execution that a cancel interface queried now is for: the one in progress, or the next.
    pub fn cancelable(self) -> Result<Handle, Failure> {
        self.enter(|word| Ok(word | CHOOSING))?;
        // SAFETY: under CHOOSING.
        let chosen = unsafe { &mut *self.slot.chosen.get() };
        let last = chosen.execution.unwrap_or_else(|| unreachable!("a call object has an execution"));
        let (generation, state) = last.read();
        let class = &last.target().class;
        let named = if state.has(BEGUN) && !state.has(FINISHED) {
            if state.has(DIRECT) && !state.has(CANCELABLE) { Err(E_NOINTERFACE.into()) } else { Ok((last, generation)) }
        } else if class.manner == Manner::CustomBegin && class.cancel.is_none() {
            Err(E_NOINTERFACE.into())
        } else {
            choose(chosen, last)
        };
        self.exit_chosen(0);
        named.map(|(execution, generation)| execution.handle(generation))
    }

    /// What became of the work, as far as it is known now.
    pub fn fate(self) -> Result<Fate, Failure> {
        Ok(self.look()?.2.fate())
    }

    /// Runs `look` on what the server told.
    pub fn inspect<T>(self, look: impl Fn(State, &Told) -> T) -> Result<Option<T>, Failure> {
        loop {
            let (execution, generation, state) = self.look()?;
            if !state.has(BEGUN) {
                return Ok(None);
            }
            if let Some(told) = execution.inspect(generation, &look) {
                return Ok(Some(told));
            }
        }
    }
}

/// Why there is no call.
struct Unbegun {
    failure: Failure,
    /// The apartment whose queue is full.
    full: Option<Arc<dyn Lease>>,
}

impl From<Failure> for Unbegun {
    fn from(failure: Failure) -> Self {
        Self { failure, full: None }
    }
}

/// A call that is in progress from now on, and what is still owed to it.
struct Begun {
    execution: &'static Execution,
    generation: Generation,
    /// It is to be run here.
    direct: bool,
    /// The call that it is begun for.
    parent: Option<Handle>,
    /// It has a deadline.
    timed: bool,
    /// The execution that the call object had before.
    last: Option<&'static Execution>,
}

impl Begun {
    /// Nothing is owed to it.
    fn is_plain(&self) -> bool {
        !self.timed && self.parent.is_none() && self.last.is_none()
    }

    fn settle(&self) {
        monitor::step(Step::Begin, self.execution, self.generation);
        if let Some(last) = self.last {
            last.detach();
        }
        if let Some(parent) = self.parent
            && let Some(execution) = Execution::of_slot(parent.slot)
        {
            execution.adopt(parent.generation, (self.execution, self.generation));
        }
        if self.timed {
            timer::arm(self.execution);
        }
    }
}

/// The execution of the next begin: named before, or the last one again, or a new one, which is
/// kept so that every query until then names it.
fn choose(chosen: &mut Chosen, last: &'static Execution) -> Result<(&'static Execution, Generation), Failure> {
    if let Some(next) = chosen.next {
        return Ok((next, next.read().0));
    }
    if let Some(generation) = last.next_generation() {
        return Ok((last, generation));
    }
    let next = Execution::take(last.target_again())?;
    chosen.next = Some(next);
    Ok((next, next.read().0))
}
