//! An execution: one begin of a call, from its input to its fate.
//!
//! Executions live in a slab: memory of one type, never freed. Everything that may come late names
//! slot and generation, and the word says whether that execution is still meant. Who may touch
//! which field, by the state of the word:
//!
//! 1. `object`, `method`, `input`: the call object before it publishes; the worker from `start`
//!    until `invoke` returns; after a cancel before the start the client that finishes (`input`).
//! 2. `output`: the server under the lock; the client from `DONE` (not abandoned) to `FINISHED`.
//! 3. `returned`: the worker before `leave`; the client as in 2.
//! 4. `completed`: the completer under the lock; the client as in 2.
//! 5. `message`, `done`, `total`: under the lock.
//! 6. All of it: who made the word vacant, and who opens it again.
//!
//! After the transition that lets another thread go on, nothing is touched but `event` and
//! `timer_link`, which belong to the slot rather than to the execution.

mod client;
mod run;
mod server;

pub use client::{Answer, CANCELED_IN_QUEUE, Grace, Told};
pub use server::Server;

use crate::buffer::Buffer;
use crate::event::Event;
use crate::handle::{Generation, Handle, Slab, SlabSlot};
use crate::hresult::{E_OUTOFMEMORY, Failure};
use crate::object::Object;
use crate::state::{ERROR, State, Taken, Word};
use crate::sync::{Arc, AtomicPtr, AtomicU32, AtomicU64, Ordering};
use std::cell::UnsafeCell;

/// See the module.
#[repr(C, align(64))]
pub struct Execution {
    word: Word,
    event: Event,
    link: AtomicU32,
    /// The next one in the apartment's queue.
    pub queue_link: AtomicPtr<Execution>,
    /// The next one on the timer's list.
    pub timer_link: AtomicPtr<Execution>,
    /// When the grace period ends: see `client`.
    grace: AtomicU64,
    slot: AtomicU32,
    data: UnsafeCell<Data>,
}

struct Data {
    method: u32,
    returned: i32,
    completed: i32,
    object: Option<Arc<Object>>,
    done: u64,
    total: u64,
    message: Option<Box<str>>,
    input: Buffer,
    output: Buffer,
}

// SAFETY: `data` is touched as the module's list says; the rest is atomic.
unsafe impl Sync for Execution {}
// SAFETY: zero is an unused slot: generation 0, no object, empty buffers.
unsafe impl SlabSlot for Execution {
    fn link(&self) -> &AtomicU32 {
        &self.link
    }
}

static EXECUTIONS: Slab<Execution> = Slab::new();

/// In the child of a fork.
pub fn forget() {
    EXECUTIONS.forget();
}

impl Execution {
    /// An execution for a call to `object`, not yet begun.
    pub fn take(object: Arc<Object>) -> Result<&'static Self, Failure> {
        let (slot, taken) = EXECUTIONS.take().ok_or(Failure::from(E_OUTOFMEMORY))?;
        if taken.word.read().0.0 == 0 {
            taken.slot.store(slot, Ordering::Relaxed);
            taken.word.open(Generation::first(slot));
        }
        // SAFETY: a taken slot has one owner (6).
        unsafe { (*taken.data.get()).object = Some(object) };
        Ok(taken)
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

    /// The object; for who may touch it (1).
    fn object(&self) -> &Arc<Object> {
        // SAFETY: the callers hold the execution as in 1, and the object stays until 6.
        unsafe { (*self.data.get()).object.as_ref() }
            .unwrap_or_else(|| unreachable!("a taken execution has its object"))
    }

    /// Wakes who sleeps, after a transition that found sleepers.
    #[inline]
    fn wake(&self, before: State) {
        if before.has(crate::state::WAITERS) {
            self.event.signal();
        }
    }

    /// Frees the slot if the transition made it vacant.
    #[inline]
    fn settle<T>(&'static self, generation: Generation, taken: &Taken<T>) {
        if taken.vacated {
            self.vacate(generation);
        }
    }

    /// Empties the slot and gives it back. The generation after this one may have been named by a
    /// cancel handle and is passed over.
    #[cold]
    fn vacate(&'static self, generation: Generation) {
        // SAFETY: this thread made the word vacant (6).
        let data = unsafe { &mut *self.data.get() };
        data.input.clear();
        data.output.clear();
        data.message = None;
        let object = data.object.take();
        if let Some(next) = generation.later(2) {
            self.word.open(next);
            EXECUTIONS.give(self.slot.load(Ordering::Relaxed));
        }
        // Last: this may run the program's `destroy`.
        drop(object);
    }

    /// Replaces the message, by the thread that holds the data (5). Gives the bits to unlock with.
    fn put_message(&self, text: String) -> u64 {
        // SAFETY: the caller holds the lock (5).
        unsafe { (*self.data.get()).message = Some(text.into_boxed_str()) };
        ERROR
    }
}
