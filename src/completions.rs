//! Completion queues: the completions of any number of calls, and tags that the program posts, taken in
//! batches, with one descriptor for all of them.
//!
//! Whoever adds pushes onto a stack without a lock and without memory of its own, for that may be a signal
//! handler: a call's completion is linked through its execution, which stays as it is until it is taken,
//! and a tag lies in a slot of pages that were taken from the system. Who takes turns the stack over.
//!
//! Whoever adds holds a pin for those few instructions. The last release waits for the pins and then
//! empties the queue, so nothing is ever added to a queue that has gone or become another one.

use crate::deadlock::Aim;
use crate::event::Event;
use crate::execution::{Execution, Observer, spin};
use crate::frame::Served;
use crate::handle::{Generation, Handle, Kind, RefWord, Slab, SlabSlot};
use crate::hresult::{E_HANDLE, E_OUTOFMEMORY, Failure, Outcome, RPC_E_DISCONNECTED, S_OK};
use crate::signal::Signal;
use crate::sync::{Arc, AtomicU32, AtomicU64, Backoff, Ordering, SpinLock, Wake};
use crate::time::Deadline;
use crate::wait::{Goal, Hopeless, until};

/// See the module.
#[repr(C, align(64))]
struct QueueSlot {
    refs: RefWord,
    link: AtomicU32,
    /// 1: nothing new is taken.
    closed: AtomicU32,
    /// What was added last, as a [`Node`].
    pushed: AtomicU64,
    /// What is to come: calls in progress, tags that are being posted, and what lies here.
    expected: AtomicU64,
    event: Event,
    /// Threads that sleep until something comes.
    sleepers: AtomicU32,
    signal: Signal,
    /// What was added first; the rest of what was turned over follows.
    ordered: SpinLock<u64>,
    /// The same, for those without the lock.
    more: AtomicU64,
}

// SAFETY: zero is a closed, empty slot; all but the signal is atomic or locked, and that is too.
unsafe impl SlabSlot for QueueSlot {
    fn link(&self) -> &AtomicU32 {
        &self.link
    }
}

/// A tag on its way.
#[repr(C, align(32))]
struct Post {
    link: AtomicU32,
    tag: AtomicU64,
    next: AtomicU64,
}

// SAFETY: atomics, for which zero is a value.
unsafe impl SlabSlot for Post {
    fn link(&self) -> &AtomicU32 {
        &self.link
    }
}

static QUEUES: Slab<QueueSlot> = Slab::new();
static POSTS: Slab<Post> = Slab::of_pages();

/// In the child of a fork.
pub fn forget() {
    QUEUES.forget();
    POSTS.forget();
}

/// What lies in a queue: 0 is nothing, else a slot's number and 1, of the posts if the highest bit is set.
type Node = u64;
const POSTED: Node = 1 << 63;
/// Something, but nobody knows yet what comes first.
const UNDER_WAY: Node = Node::MAX;

/// What came out of a queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Completion {
    /// The call object's handle; 0: a tag that was posted.
    pub call: u64,
    pub tag: u64,
}

const CLOSED: Failure = Failure::because(RPC_E_DISCONNECTED, "the queue is closed");

/// How many are taken under one hold of the lock.
const BATCH: usize = 256;

fn next_of(node: Node) -> Option<&'static AtomicU64> {
    let slot = ((node & !POSTED) as u32).checked_sub(1)?;
    if node & POSTED != 0 {
        POSTS.get(slot).map(|post| &post.next)
    } else {
        let execution = Execution::of_slot(slot)?;
        execution.link_of(execution.read().0)
    }
}

impl QueueSlot {
    fn is_empty(&self) -> bool {
        self.pushed.load(Ordering::SeqCst) == 0 && self.more.load(Ordering::SeqCst) == 0
    }

    /// Nothing is there, and nothing will come.
    fn is_over(&self) -> bool {
        self.closed.load(Ordering::SeqCst) != 0 && self.expected.load(Ordering::SeqCst) == 0 && self.is_empty()
    }

    /// Adds, by a thread with a pin. Async-signal-safe.
    fn push(&self, node: Node, next: &AtomicU64) {
        let mut head = self.pushed.load(Ordering::Relaxed);
        loop {
            next.store(head, Ordering::Relaxed);
            match self.pushed.compare_exchange_weak(head, node, Ordering::SeqCst, Ordering::Relaxed) {
                Ok(_) => break,
                Err(seen) => head = seen,
            }
        }
        self.wake();
        if head == 0 {
            // Whoever added to what was there already found it readable.
            self.signal.raise();
        }
    }

    /// Something is to come, unless the queue is closed: who finds it closed and empty has seen this, or
    /// this sees that it is closed. Async-signal-safe.
    fn expect(&self) -> Result<(), Failure> {
        self.expected.fetch_add(1, Ordering::SeqCst);
        if self.closed.load(Ordering::SeqCst) == 0 {
            return Ok(());
        }
        self.give_up();
        Err(CLOSED)
    }

    /// It will not come.
    fn give_up(&self) {
        self.expected.fetch_sub(1, Ordering::SeqCst);
        if self.is_over() {
            self.wake();
            self.signal.raise();
        }
    }

    fn wake(&self) {
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            self.event.signal();
        }
    }

    /// Takes up to so many, in the order they came.
    fn take(&self, most: usize) -> Vec<Node> {
        let most = most.min(BATCH);
        let mut taken = Vec::with_capacity(most);
        if self.is_empty() {
            return taken;
        }
        self.ordered.with(|first| {
            while taken.len() < most {
                if *first == 0 {
                    *first = self.turn_over();
                }
                if *first == 0 {
                    break;
                }
                taken.push(*first);
                *first = next_of(*first).map_or(0, |next| next.load(Ordering::Relaxed));
            }
            self.more.store(*first, Ordering::SeqCst);
        });
        taken
    }

    fn turn_over(&self) -> Node {
        // Not empty while it is under way: until the caller says what there is.
        self.more.store(UNDER_WAY, Ordering::SeqCst);
        let mut from = self.pushed.swap(0, Ordering::SeqCst);
        let mut to = 0;
        while let Some(next) = next_of(from) {
            let after = next.load(Ordering::Relaxed);
            next.store(to, Ordering::Relaxed);
            to = from;
            from = after;
        }
        to
    }

    /// What a taken one says; its place is free again. May run the program's code.
    fn open(node: Node) -> Option<Completion> {
        let slot = ((node & !POSTED) as u32).checked_sub(1)?;
        if node & POSTED != 0 {
            let post = POSTS.get(slot)?;
            let tag = post.tag.load(Ordering::Relaxed);
            POSTS.give(slot, post);
            return Some(Completion { call: 0, tag });
        }
        let execution = Execution::of_slot(slot)?;
        let (generation, _) = execution.read();
        let completion = Completion { call: execution.call_of(generation), tag: execution.tag_of(generation) };
        execution.notified(generation);
        Some(completion)
    }

    /// After something was taken: the descriptor says what is, and who sleeps hears of the end.
    fn settle(&self) {
        if self.is_empty() {
            self.signal.clear();
            if !self.is_empty() || self.is_over() {
                self.signal.raise();
            }
        }
        if self.is_over() {
            self.wake();
        }
    }
}

/// A queue, by its handle.
#[derive(Clone, Copy)]
pub struct CompletionQueue {
    slot: &'static QueueSlot,
    handle: Handle,
}

impl CompletionQueue {
    /// A queue with one reference.
    pub fn create() -> Result<u64, Failure> {
        let (number, slot) = QUEUES.take().ok_or(Failure::from(E_OUTOFMEMORY))?;
        let generation = slot.refs.generation().unwrap_or_else(|| Generation::first(number));
        slot.closed.store(0, Ordering::Relaxed);
        slot.expected.store(0, Ordering::Relaxed);
        slot.refs.open(generation);
        Ok(Handle { slot: number, generation }.encode(Kind::Queue))
    }

    /// The queue of a handle.
    pub fn find(id: u64) -> Result<Self, Failure> {
        let handle = Handle::decode(id, Kind::Queue)?;
        let slot = QUEUES.get(handle.slot).ok_or(Failure::from(E_HANDLE))?;
        Ok(Self { slot, handle })
    }

    /// Runs a few instructions on a living queue.
    fn with<T>(self, run: impl FnOnce(&'static QueueSlot) -> T) -> Result<T, Failure> {
        self.slot.refs.pin(self.handle.generation)?;
        let value = run(self.slot);
        // Never the last hold: see `release`.
        let _ = self.slot.refs.unpin(0);
        Ok(value)
    }

    /// Adds a tag. Async-signal-safe.
    pub fn post(self, tag: u64) -> Outcome {
        self.with(|queue| {
            queue.expect()?;
            let Some((slot, post)) = POSTS.take() else {
                queue.give_up();
                return Err(E_OUTOFMEMORY.into());
            };
            post.tag.store(tag, Ordering::Relaxed);
            queue.push(POSTED | u64::from(slot + 1), &post.next);
            Ok(S_OK)
        })?
    }

    /// Takes what is there, or waits for something: hands each to `take`, at most so many; gives their
    /// number, or 0 when the deadline has passed.
    pub fn next(self, most: usize, deadline: Deadline, mut take: impl FnMut(Completion)) -> Result<usize, Failure> {
        loop {
            let taken = self.with(|queue| queue.take(most))?;
            let count = taken.len();
            for node in taken {
                QueueSlot::open(node).into_iter().for_each(&mut take);
            }
            // Also where there was nothing: who added what another thread took may have raised it after that.
            let settled = self.with(|queue| {
                queue.expected.fetch_sub(count as u64, Ordering::SeqCst);
                queue.settle();
            });
            if count > 0 {
                // Released meanwhile or not: these were taken.
                return Ok(count);
            }
            settled?;
            if self.with(QueueSlot::is_over)? {
                return Err(CLOSED);
            }
            // What was there may be another thread's by now: then it is not over yet.
            if !until(&self, deadline, Hopeless::Refuse)? && deadline.passed() {
                return Ok(0);
            }
        }
    }

    /// A descriptor that is readable while something is there, and when nothing will come any more.
    pub fn descriptor(self) -> Result<i32, Failure> {
        self.with(|queue| queue.signal.descriptor(|| !queue.is_empty() || queue.is_over()))?
    }

    /// Refuses new tags and begins. What was begun still comes.
    pub fn close(self) -> Outcome {
        self.with(|queue| {
            queue.closed.store(1, Ordering::SeqCst);
            queue.wake();
            if queue.is_over() {
                queue.signal.raise();
            }
            S_OK
        })
    }

    /// One reference less. With the last one, what lies there is dropped, and what comes will be.
    pub fn release(self) -> Outcome {
        if !self.slot.refs.retire(self.handle.generation)? {
            return Ok(S_OK);
        }
        self.slot.wake();
        let mut backoff = Backoff::new();
        while !self.slot.refs.is_mine() {
            backoff.step();
        }
        loop {
            let taken = self.slot.take(BATCH);
            if taken.is_empty() {
                break;
            }
            for node in taken {
                let _ = QueueSlot::open(node);
            }
        }
        self.slot.signal.close();
        if self.slot.refs.vacate(self.handle.generation) {
            QUEUES.give(self.handle.slot, self.slot);
        }
        Ok(S_OK)
    }

    /// The place of a call object's completions, with the tag that they carry.
    pub fn seat(self, tag: u64) -> Result<Arc<dyn Observer>, Failure> {
        self.with(|_| ())?;
        Ok(Arc::new(Seat { queue: self, tag }))
    }
}

impl Goal for CompletionQueue {
    fn aim(&self) -> Option<Aim<'_>> {
        None
    }

    fn is_reached(&self) -> bool {
        !self.slot.is_empty() || self.slot.is_over() || !self.slot.refs.lives(self.handle.generation)
    }

    fn spin(&self, other: &dyn Fn() -> bool) -> bool {
        spin(|| self.is_reached() || other())
    }

    fn park(&self, deadline: Deadline) -> bool {
        self.sleeping(|| {
            loop {
                let seen = self.slot.event.count();
                if self.is_reached() {
                    return true;
                }
                if self.slot.event.sleep(seen, deadline) == Wake::TimedOut {
                    return self.is_reached();
                }
            }
        })
    }

    fn park_serving(&self, deadline: Deadline, served: &[Arc<dyn Served>], has_work: &dyn Fn() -> bool) {
        let before: Vec<_> = served.iter().map(|apartment| apartment.watch(&self.slot.event)).collect();
        self.sleeping(|| {
            let seen = self.slot.event.count();
            if !self.is_reached() && !has_work() {
                self.slot.event.sleep(seen, deadline);
            }
        });
        for (apartment, before) in served.iter().zip(before) {
            apartment.watch_again(before);
        }
    }
}

impl CompletionQueue {
    /// While this runs, whoever adds signals the event.
    fn sleeping<T>(self, run: impl FnOnce() -> T) -> T {
        self.slot.sleepers.fetch_add(1, Ordering::SeqCst);
        crate::sync::fence(Ordering::SeqCst);
        let value = run();
        self.slot.sleepers.fetch_sub(1, Ordering::SeqCst);
        value
    }
}

/// A call object's place at a queue.
struct Seat {
    queue: CompletionQueue,
    tag: u64,
}

impl Observer for Seat {
    fn expect(&self) -> Result<(), Failure> {
        self.queue.with(QueueSlot::expect)?
    }

    fn completed(&self, execution: &'static Execution, generation: Generation) -> bool {
        let node = u64::from(execution.handle(generation).slot + 1);
        let Some(next) = execution.set_tag(generation, self.tag) else { return false };
        // Refused where the queue is gone: nobody will look for it.
        self.queue.with(|queue| queue.push(node, next)).is_ok()
    }
}
