//! An execution: one begin of a call, from its input to its fate.
//!
//! Executions live in a slab: memory of one type, never freed. Everything that may come late names
//! slot and generation, and the word says whether that execution is still meant. Who may touch
//! which field, by the state of the word:
//!
//! 1. `method`, input: the call object before it begins; the worker from `start` until
//!    `invoke` returns; after a cancel before the start the client that finishes (input).
//! 2. Output: the server under the lock; the client from `DONE` (not abandoned) to `FINISHED`.
//! 3. `returned`: the worker before `leave`; the client as in 2.
//! 4. `completed`: the completer under the lock; the client as in 2.
//! 5. `notes`, `listener`, `children`: under the lock; `listener` also by who tells (`TELLING`).
//! 6. `attachment`: the call object before it begins; then under the lock until `DONE`; then read alone,
//!    by who notifies (`NOTIFYING`) and under the lock.
//! 7. All of it: who made the word vacant, who parks it, and who takes the slot.
//!
//! After the transition that lets another thread go on, nothing is touched but `event` and
//! `timer_link`, which belong to the slot rather than to the execution.
//!
//! An execution is three cache lines: the hot fields, the short input, the short output. What few calls need
//! ([`Cold`]) is made where one needs it, and stays with the slot.

mod attachment;
mod cancel;
mod client;
mod errands;
mod nest;
mod notify;
mod remote;
mod run;
mod server;
mod tell;

pub use attachment::{Attachment, Observer, Observers, Relay};
pub use cancel::{Answer, CANCELED_IN_QUEUE, Grace, REQUEST, Refused};
pub use client::{Told, forget_sleepers, sleep_once_for_some, sleep_until_some, spin};
pub use errands::{ErrandPlace, forget_errands, say_canceled};
pub use notify::{By, Glimpse};
pub use remote::{LANES, Launch, goes_by_lane};
pub use server::{Server, forget_outside, watch_outside};
pub use tell::{Callback, Listener, forget_teller};

use crate::buffer::{Bytes, Place};
use crate::event::Event;
use crate::handle::{Generation, Handle, Kind, Place as Shelved, Slab, SlabSlot};
use crate::hresult::{E_OUTOFMEMORY, Failure};
use crate::object::{ContextId, Object, ObjectHold};
use crate::state::{ERROR, State, Taken, WAITERS, Word};
use crate::sync::{AtomicPtr, AtomicU32, AtomicU64, Ordering};
use std::cell::UnsafeCell;
use std::mem::ManuallyDrop;
use std::ptr;

/// See the module.
#[repr(C, align(64))]
pub struct Execution {
    word: Word,
    /// The object, as a hold's pointer; NULL in a slot that nobody uses.
    target: AtomicPtr<Shelved<Object>>,
    /// NULL until something is to be put there.
    cold: AtomicPtr<Cold>,
    /// When the grace period ends: see `client`.
    grace: AtomicU64,
    /// The next one in the apartment's queue.
    pub queue_link: AtomicU32,
    /// The next one on the timer's list.
    pub timer_link: AtomicU32,
    event: Event,
    slot: AtomicU32,
    /// The method's number; the list's while the slot is free.
    method: AtomicU32,
    hot: UnsafeCell<Hot>,
    input: UnsafeCell<Place>,
    output: UnsafeCell<Place>,
}

struct Hot {
    returned: i32,
    completed: i32,
    input_len: u8,
    output_len: u8,
}

/// The deadline is that of the call that this one was begun for.
const INHERITED: u32 = 1 << 31;

/// What the server told beside its output.
#[derive(Default)]
struct Notes {
    message: Option<Box<str>>,
    /// Done, of a total.
    progress: (u64, u64),
}

/// Once made it stays in its place, so that the atomics may be read at any time.
struct Cold {
    notes: Option<Box<Notes>>,
    /// How the server wants to be told of a cancel.
    listener: Option<Box<Listener>>,
    attachment: Option<Box<Attachment>>,
    /// The calls that were begun for this one.
    children: Option<Box<nest::Children>>,
    /// When the deadline is, in the form of `grace`; of another generation where there is none.
    expiry: AtomicU64,
    /// What the deadline's cancel leaves the method, in milliseconds, and [`INHERITED`]; belongs to `expiry`.
    expiry_grace: AtomicU32,
}

impl Cold {
    const fn empty() -> Self {
        Self {
            notes: None,
            listener: None,
            attachment: None,
            children: None,
            expiry: AtomicU64::new(0),
            expiry_grace: AtomicU32::new(0),
        }
    }
}

/// Stands for what was not made; never written to.
struct Nothing(UnsafeCell<Cold>);
// SAFETY: it is only read.
unsafe impl Sync for Nothing {}
static NOTHING: Nothing = Nothing(UnsafeCell::new(Cold::empty()));

const _: () = assert!(size_of::<Execution>() == 192, "three cache lines");

// SAFETY: the cells are touched as the module's list says; the rest is atomic.
unsafe impl Sync for Execution {}
// SAFETY: zero is an unused slot: generation 0, no target, empty buffers.
unsafe impl SlabSlot for Execution {
    fn link(&self) -> &AtomicU32 {
        &self.method
    }
}

static EXECUTIONS: Slab<Execution> = Slab::new();

/// In the child of a fork.
pub fn forget() {
    EXECUTIONS.forget();
    CANCELED_IN_QUEUE.store(0, Ordering::Relaxed);
}

impl PartialEq for Execution {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(self, other)
    }
}

impl Execution {
    /// An execution for a call to `object`, not yet begun.
    pub fn take(object: ObjectHold) -> Result<&'static Self, Failure> {
        let (slot, taken) = EXECUTIONS.take().ok_or(Failure::from(E_OUTOFMEMORY))?;
        if taken.word.read().0.0 == 0 {
            taken.slot.store(slot, Ordering::Relaxed);
            taken.word.open(Generation::first(slot));
        }
        taken.aim(object);
        Ok(taken)
    }

    /// An execution that the caller owns, new or parked, is for that object from now on.
    pub fn aim(&self, object: ObjectHold) {
        self.target.store(object.into_raw(), Ordering::Release);
    }

    /// What names it in a list; 0 is the list's end.
    #[inline]
    pub fn as_link(&self) -> u32 {
        self.slot.load(Ordering::Relaxed) + 1
    }

    /// Not one that the parent of this process made.
    pub fn is_of_this_process(&'static self) -> bool {
        Self::of_slot(self.slot.load(Ordering::Relaxed)).is_some_and(|own| ptr::eq(own, self))
    }

    /// The execution that a list names.
    #[inline]
    pub fn of_link(link: u32) -> Option<&'static Self> {
        EXECUTIONS.get(link.checked_sub(1)?)
    }

    /// What few calls need, to be read: see the module for which of it, when.
    #[inline]
    fn cold(&self) -> *mut Cold {
        let cold = self.cold.load(Ordering::Acquire);
        if cold.is_null() { NOTHING.0.get() } else { cold }
    }

    /// The same, to be written.
    fn cold_made(&self) -> *mut Cold {
        let cold = self.cold.load(Ordering::Acquire);
        if !cold.is_null() {
            return cold;
        }
        let made = Box::into_raw(Box::new(Cold::empty()));
        match self.cold.compare_exchange(ptr::null_mut(), made, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => made,
            Err(others) => {
                // SAFETY: made above, and nobody else's.
                drop(unsafe { Box::from_raw(made) });
                others
            }
        }
    }

    /// The execution of that slot, if it was ever used.
    pub fn of_slot(slot: u32) -> Option<&'static Self> {
        EXECUTIONS.get(slot)
    }

    /// Generation and state, now.
    #[inline]
    pub fn read(&self) -> (Generation, State) {
        self.word.read()
    }

    /// How this execution is named.
    #[inline]
    pub fn handle(&self, generation: Generation) -> Handle {
        Handle { slot: self.slot.load(Ordering::Relaxed), generation }
    }

    /// The object, for those who keep the execution from becoming vacant.
    #[inline]
    pub fn target(&self) -> &Object {
        // SAFETY: set when the slot was taken or unparked, and dropped when it becomes vacant or is parked (7).
        unsafe { &*(*self.target.load(Ordering::Acquire)).value() }
    }

    /// Whether this is, or was a moment ago, for that object, which the caller keeps.
    fn is_aimed_at(&self, object: &Object) -> bool {
        // SAFETY: NULL or a place, which is never freed; the value is not touched.
        unsafe { self.target.load(Ordering::Acquire).as_ref() }.is_some_and(|place| ptr::eq(place.value(), object))
    }

    /// Another reference to the object, for the same.
    pub fn target_again(&self) -> ObjectHold {
        // SAFETY: as in `target`; the hold that is here stays.
        let held = ManuallyDrop::new(unsafe { ObjectHold::from_raw(self.target.load(Ordering::Acquire)) });
        ObjectHold::clone(&held)
    }

    /// The same of that begin, which the caller has seen begun, for those who keep nothing. `None`: it is over on both
    /// sides.
    pub(crate) fn target_while(&self, generation: Generation) -> Option<ObjectHold> {
        // SAFETY: NULL or a place, which is never freed.
        let place = unsafe { self.target.load(Ordering::Acquire).as_ref() }?;
        let who = place.generation();
        // In use still: so it had this object all the time, and kept it; it was that one's generation.
        let in_use = self.word.state(generation).is_ok_and(State::in_use);
        if in_use { ObjectHold::of_place(place, who) } else { None }
    }

    /// The input.
    ///
    /// # Safety
    /// The caller is who may touch it now (1).
    #[inline]
    unsafe fn input(&self) -> Bytes<'_> {
        // SAFETY: the caller's promise.
        unsafe { Bytes { len: &mut (*self.hot.get()).input_len, place: &mut *self.input.get() } }
    }

    /// The output.
    ///
    /// # Safety
    /// The caller is who may touch it now (2).
    #[inline]
    unsafe fn output(&self) -> Bytes<'_> {
        // SAFETY: the caller's promise.
        unsafe { Bytes { len: &mut (*self.hot.get()).output_len, place: &mut *self.output.get() } }
    }

    /// The context of that begin's method, as a handle.
    #[inline]
    fn context(&self, generation: Generation) -> ContextId {
        ContextId { id: self.handle(generation).encode(Kind::Context) }
    }

    /// Wakes who sleeps, after a transition that found sleepers.
    #[inline]
    fn wake(&self, before: State) {
        if before.has(WAITERS) {
            self.event.signal();
            client::wake_some();
        }
    }

    /// Does what the transition owes: frees the slot if that made it vacant, tells of the completion if
    /// that is due.
    #[inline]
    fn settle<T>(&'static self, generation: Generation, taken: &Taken<T>) {
        if taken.notify | taken.vacated {
            if taken.notify { self.notify(generation) } else { self.vacate(generation) }
        }
    }

    /// Empties the slot and gives it back. The generation after this one may have been named by a
    /// cancel handle and is passed over.
    #[cold]
    fn vacate(&'static self, generation: Generation) {
        // SAFETY: this thread made the word vacant (7).
        let target = unsafe { self.empty() };
        if let Some(next) = generation.later(2) {
            self.word.open(next);
            EXECUTIONS.give(self.slot.load(Ordering::Relaxed), self);
        }
        // Last: this may run the program's `destroy`.
        drop(target);
    }

    /// Empties it, for the call object that alone has it and keeps it for the next object; gives back the object that
    /// it was for. `None`: somebody is at work on it, or its generations are used up.
    pub fn park(&'static self) -> Option<ObjectHold> {
        let (generation, state) = self.read();
        // Passed over as in `vacate`.
        let next = generation.later(2).filter(|_| state.parkable())?;
        // SAFETY: it was taken out of the world (7).
        self.word.supersede(generation, state, next).then(|| unsafe { self.empty() })
    }

    /// # Safety
    /// All of it is the caller's alone (7), and it is for an object.
    unsafe fn empty(&self) -> ObjectHold {
        // SAFETY: the caller's promise; the hold is the one that `aim` put there.
        unsafe {
            self.input().clear();
            self.output().clear();
            let cold = self.cold.load(Ordering::Acquire);
            if !cold.is_null() {
                // Field by field: a late look at a deadline may read the others.
                ((*cold).notes, (*cold).listener, (*cold).children, (*cold).attachment) = (None, None, None, None);
            }
            let target = self.target.load(Ordering::Acquire);
            self.target.store(ptr::null_mut(), Ordering::Release);
            ObjectHold::from_raw(target)
        }
    }

    /// Replaces the message, by the thread that holds the data (5). Gives the bits to unlock with.
    fn put_message(&self, text: String) -> u64 {
        // SAFETY: the caller holds the lock (5).
        unsafe { self.notes() }.message = Some(text.into_boxed_str());
        ERROR
    }

    /// Message and progress, to be written.
    ///
    /// # Safety
    /// The caller holds the lock (5).
    #[allow(clippy::mut_from_ref, reason = "the lock makes it the only one")]
    unsafe fn notes(&self) -> &mut Notes {
        // SAFETY: the caller's promise.
        unsafe { (*self.cold_made()).notes.get_or_insert_default() }
    }
}
