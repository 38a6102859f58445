//! The queue of an apartment: any thread submits without a lock, the apartment's threads take in
//! order under one.
//!
//! Submitting pushes onto a stack; who takes and finds the ordered part empty turns the whole stack
//! over. Each execution is moved twice, whatever the queue's length.

use crate::execution::Execution;
use crate::handle::process;
use crate::sync::{AtomicU32, Ordering, Padded, SpinLock};

/// See the module. Executions are linked through their own `queue_link`, which is the queue's from
/// [`Queue::push`] until they are taken.
pub struct Queue {
    submitted: Padded<AtomicU32>,
    ordered: Padded<SpinLock<Ordered>>,
    /// The first of `ordered`, for those without its lock; written under it. Who puts work there and
    /// must wake somebody changes the pool's word in between, which orders the two.
    more: AtomicU32,
    /// How often the submitted ones were turned over.
    turns: AtomicU32,
    /// How many there were the last time.
    batch: AtomicU32,
    /// Where it was made. In the child of a fork the names in it are another's, and there is nothing in it.
    process: u32,
}

struct Ordered {
    first: Option<&'static Execution>,
    /// The first whose memory has not been asked for.
    ahead: Option<&'static Execution>,
}

impl Ordered {
    /// Asks for the memory of some more.
    fn look_ahead(&mut self, count: u32) {
        for _ in 0..count {
            let Some(execution) = self.ahead else { return };
            execution.prefetch_to_run();
            self.ahead = Execution::of_link(execution.queue_link.load(Ordering::Relaxed));
        }
    }
}

/// How far ahead of the one that is taken memory is asked for.
const AHEAD: u32 = 3;

/// In the place of a link: work is being turned over.
const TURNING: u32 = u32::MAX;

impl Queue {
    pub fn new() -> Self {
        Self {
            submitted: Padded(AtomicU32::new(0)),
            ordered: Padded(SpinLock::new(Ordered { first: None, ahead: None })),
            more: AtomicU32::new(0),
            turns: AtomicU32::new(0),
            batch: AtomicU32::new(0),
            process: process(),
        }
    }

    /// Adds to the end.
    #[inline]
    pub fn push(&self, execution: &'static Execution) {
        let mine = execution.as_link();
        let mut head = self.submitted.load(Ordering::Relaxed);
        loop {
            execution.queue_link.store(head, Ordering::Relaxed);
            match self.submitted.compare_exchange_weak(head, mine, Ordering::SeqCst, Ordering::Relaxed) {
                Ok(_) => return,
                Err(seen) => head = seen,
            }
        }
    }

    /// Whether there is nothing to take. In the order of all sequentially consistent operations,
    /// so that who is about to sleep and who submitted see each other; and in this order, so that
    /// what is being turned over is not overlooked.
    #[inline]
    pub fn is_empty(&self) -> bool {
        (self.submitted.load(Ordering::SeqCst) == 0 && self.more.load(Ordering::SeqCst) == 0) || self.is_of_parent()
    }

    #[inline]
    fn is_of_parent(&self) -> bool {
        self.process != process()
    }

    /// Whether all that was submitted when last looked at has been taken. Does not touch what the
    /// submitters write.
    #[inline]
    pub fn is_drained(&self) -> bool {
        self.more.load(Ordering::Acquire) == 0 || self.is_of_parent()
    }

    /// How many were turned over at one go, the last time.
    pub fn batch(&self) -> u32 {
        self.batch.load(Ordering::Relaxed)
    }

    /// A mark that [`Queue::is_served`] compares with.
    pub fn mark(&self) -> u32 {
        self.turns.load(Ordering::Relaxed)
    }

    /// Whether all that was there at the mark has been taken.
    pub fn is_served(&self, mark: u32) -> bool {
        self.is_drained() && self.mark() != mark
    }

    /// Takes the first; `taken` runs on it under the lock.
    #[inline]
    pub fn take(&self, taken: impl FnOnce(&'static Execution)) -> Option<&'static Execution> {
        if self.is_of_parent() {
            return None;
        }
        // What is ordered first: while there is some, the submitters' line is left alone.
        if self.more.load(Ordering::Acquire) == 0 {
            // Mostly the only one: its lines come while the stack is turned over.
            Execution::of_link(self.submitted.load(Ordering::SeqCst))?.prefetch_to_run();
        }
        self.ordered.with(|ordered| {
            if ordered.first.is_none() {
                ordered.first = self.turn_over();
                ordered.ahead = ordered.first;
                ordered.look_ahead(AHEAD);
            }
            let Some(first) = ordered.first else {
                self.more.store(0, Ordering::Release);
                return None;
            };
            let link = first.queue_link.load(Ordering::Relaxed);
            ordered.first = Execution::of_link(link);
            self.more.store(link, Ordering::Release);
            ordered.look_ahead(1);
            taken(first);
            Some(first)
        })
    }

    /// Takes the submitted ones, in the order they came.
    fn turn_over(&self) -> Option<&'static Execution> {
        // Not empty while it is under way, until the caller says what there is: who finds that it was taken from
        // there finds this, too.
        self.more.store(TURNING, Ordering::Relaxed);
        self.turns.store(self.mark().wrapping_add(1), Ordering::Relaxed);
        let mut from = self.submitted.swap(0, Ordering::SeqCst);
        let mut last = None;
        let (mut to, mut count) = (0, 0);
        while let Some(execution) = Execution::of_link(from) {
            let next = execution.queue_link.load(Ordering::Relaxed);
            execution.queue_link.store(to, Ordering::Relaxed);
            last = Some(execution);
            to = from;
            from = next;
            count += 1;
        }
        self.batch.store(count, Ordering::Relaxed);
        last
    }

    /// Takes out all that `unwanted` says yes to and hands each to `dismiss`, after the lock: that may
    /// run the program's code.
    pub fn sweep(&self, unwanted: impl Fn(&Execution) -> bool, dismiss: impl Fn(&'static Execution)) {
        if self.is_of_parent() {
            return;
        }
        let mut at = self.ordered.with(|ordered| {
            let (kept, removed) = partition([ordered.first, self.turn_over()], unwanted);
            ordered.first = Execution::of_link(kept);
            ordered.ahead = ordered.first;
            ordered.look_ahead(AHEAD);
            self.more.store(kept, Ordering::Release);
            removed
        });
        // The link is read before the execution is given away.
        while let Some(execution) = Execution::of_link(at) {
            at = execution.queue_link.load(Ordering::Relaxed);
            dismiss(execution);
        }
    }
}

/// Executions linked one to the next.
struct List {
    first: u32,
    last: Option<&'static Execution>,
}

impl List {
    const EMPTY: Self = Self { first: 0, last: None };

    fn add(&mut self, execution: &'static Execution) {
        let mine = execution.as_link();
        execution.queue_link.store(0, Ordering::Relaxed);
        match self.last {
            None => self.first = mine,
            Some(last) => last.queue_link.store(mine, Ordering::Relaxed),
        }
        self.last = Some(execution);
    }
}

/// Parts two lists, one behind the other, into what is wanted and what is not.
fn partition(lists: [Option<&'static Execution>; 2], unwanted: impl Fn(&Execution) -> bool) -> (u32, u32) {
    let (mut kept, mut removed) = (List::EMPTY, List::EMPTY);
    for mut at in lists {
        while let Some(execution) = at {
            at = Execution::of_link(execution.queue_link.load(Ordering::Relaxed));
            if unwanted(execution) { &mut removed } else { &mut kept }.add(execution);
        }
    }
    (kept.first, removed.first)
}
