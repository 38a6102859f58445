//! What every apartment has, whoever serves it: a queue with its limit, the methods that go on without
//! a thread, and whether it is closed.

use crate::event::Event;
use crate::execution::{CANCELED_IN_QUEUE, Execution, Grace};
use crate::handle::{Generation, Handle};
use crate::hresult::{CALL_E_TOO_BUSY, Failure, RPC_E_DISCONNECTED};
use crate::queue::Queue;
use crate::sync::{AtomicU32, AtomicU64, Backoff, Mutex, Ordering, lock};
use std::collections::HashSet;

/// See the module.
pub struct Desk {
    pub queue: Queue,
    /// [`CLOSED`], [`ORPHANED`].
    flags: AtomicU32,
    /// The earliest end of grace of those who closed it.
    grace: AtomicU64,
    /// Calls waiting to start; 0: no limit.
    limit: u32,
    /// Executions in the queue, counted only under a limit.
    queued: AtomicU32,
    /// What [`CANCELED_IN_QUEUE`] was when a full queue was last swept.
    swept: AtomicU64,
    /// Threads that sweep the queue now.
    sweeping: AtomicU32,
    deferred: Mutex<HashSet<u64>>,
    /// Signaled when a method ends in a closed apartment.
    pub quiet: Event,
}

/// How many steps a begin waits for another thread that makes room.
const PATIENCE: u32 = 200;

/// No begin is taken any more.
pub const CLOSED: u32 = 1;
/// Neither handle nor object is left: the threads end.
pub const ORPHANED: u32 = 2;

impl Desk {
    pub fn new(limit: u32) -> Self {
        Self {
            queue: Queue::new(),
            flags: AtomicU32::new(0),
            grace: AtomicU64::new(Grace::FOREVER.to_bits()),
            limit,
            queued: AtomicU32::new(0),
            swept: AtomicU64::new(0),
            sweeping: AtomicU32::new(0),
            deferred: Mutex::new(HashSet::new()),
            quiet: Event::new(),
        }
    }

    #[inline]
    pub fn is(&self, flag: u32) -> bool {
        self.flags.load(Ordering::SeqCst) & flag != 0
    }

    pub fn raise(&self, flag: u32) {
        self.flags.fetch_or(flag, Ordering::SeqCst);
    }

    /// No begin is taken any more; running methods have the grace period, or an earlier close's if
    /// that ends earlier.
    pub fn close(&self, grace: Grace) {
        self.grace.fetch_min(grace.to_bits(), Ordering::SeqCst);
        self.raise(CLOSED);
    }

    /// The grace period of a close; `None`: it is open.
    pub fn closing(&self) -> Option<Grace> {
        self.is(CLOSED).then(|| Grace::from_bits(self.grace.load(Ordering::SeqCst)))
    }

    /// Fails if the apartment was closed.
    pub fn open(&self) -> Result<(), Failure> {
        if self.is(CLOSED) {
            return Err(Failure::because(RPC_E_DISCONNECTED, "the apartment is closed"));
        }
        Ok(())
    }

    /// Takes a place in the queue.
    #[inline]
    pub fn admit(&self) -> Result<(), Failure> {
        self.open()?;
        if self.limit == 0 { Ok(()) } else { self.take_place() }
    }

    #[cold]
    fn take_place(&self) -> Result<(), Failure> {
        let take = |queued| (queued < self.limit).then_some(queued + 1);
        let taken = self.queued.fetch_update(Ordering::AcqRel, Ordering::Acquire, take);
        taken.map(drop).map_err(|_| CALL_E_TOO_BUSY.into())
    }

    /// See [`Home::make_room`](crate::object::Home::make_room).
    pub fn make_room(&self, patience: &mut Backoff) -> bool {
        // Canceled executions stay in the queue until somebody comes by: now, if there are any.
        let canceled = CANCELED_IN_QUEUE.load(Ordering::Acquire);
        if self.swept.swap(canceled, Ordering::AcqRel) != canceled {
            self.sweep(Execution::is_canceled_in_queue, Execution::skip);
            return true;
        }
        // Another thread is at it, or this one in a destructor that it ran.
        let waits = self.sweeping.load(Ordering::Acquire) > 0 && patience.steps() < PATIENCE;
        if waits {
            patience.step();
        }
        waits
    }

    /// Adds to the queue's end.
    #[inline]
    pub fn push(&self, execution: &'static Execution) {
        self.queue.push(execution);
        if self.limit != 0 && execution.is_canceled_in_queue() {
            // Before it was there: who has swept since then did not find it.
            self.swept.store(0, Ordering::Release);
        }
    }

    /// Gives places in the queue back.
    #[inline]
    pub fn give_places(&self, count: u32) {
        if self.limit != 0 {
            self.queued.fetch_sub(count, Ordering::AcqRel);
        }
    }

    /// What was taken out of the queue had a place in it, unless its method runs already: that one only came
    /// by.
    #[inline]
    fn give_place_of(&self, execution: &Execution) {
        if self.limit != 0 && !execution.is_started() {
            self.give_places(1);
        }
    }

    /// Takes the first of the queue; `taken` runs on it under the queue's lock.
    #[inline]
    pub fn take(&self, taken: impl FnOnce(&'static Execution)) -> Option<&'static Execution> {
        let execution = self.queue.take(taken)?;
        self.give_place_of(execution);
        Some(execution)
    }

    /// Ends all that is queued with `RPC_E_DISCONNECTED`.
    pub fn refuse_queued(&self) {
        self.sweep(|_| true, Execution::refuse);
    }

    /// Takes out of the queue what is not wanted there; each place is free before the program's code
    /// may run.
    fn sweep(&self, unwanted: impl Fn(&Execution) -> bool, dismiss: impl Fn(&'static Execution)) {
        self.sweeping.fetch_add(1, Ordering::AcqRel);
        self.queue.sweep(unwanted, |execution| {
            self.give_place_of(execution);
            dismiss(execution);
        });
        self.sweeping.fetch_sub(1, Ordering::AcqRel);
    }

    /// A method goes on without a thread of the apartment.
    pub fn defer(&self, execution: &'static Execution, generation: Generation) {
        lock(&self.deferred).insert(execution.handle(generation).pack());
    }

    /// It has completed.
    pub fn undefer(&self, execution: &'static Execution, generation: Generation) {
        lock(&self.deferred).remove(&execution.handle(generation).pack());
        self.ended();
    }

    /// A method has ended.
    #[inline]
    pub fn ended(&self) {
        if self.is(CLOSED) {
            self.quiet.signal();
        }
    }

    /// The methods that go on without a thread.
    pub fn deferred(&self) -> Vec<Handle> {
        lock(&self.deferred).iter().map(|&packed| Handle::unpack(packed)).collect()
    }
}
