//! The queue of an apartment: any thread submits without a lock, the apartment's threads take in
//! order under one.
//!
//! Submitting pushes onto a stack; who takes and finds the ordered part empty turns the whole stack
//! over. Each execution is moved twice, whatever the queue's length.

use crate::execution::Execution;
use crate::sync::{AtomicPtr, Ordering, Padded, SpinLock};
use std::ptr;

/// See the module. Executions are linked through their own `queue_link`, which is the queue's from
/// [`Queue::push`] until they are taken.
pub struct Queue {
    submitted: Padded<AtomicPtr<Execution>>,
    ordered: Padded<SpinLock<Ordered>>,
    /// The first of `ordered`, for those without its lock; written under it. Who puts work there and
    /// must wake somebody changes the pool's word in between, which orders the two.
    more: AtomicPtr<Execution>,
}

struct Ordered {
    first: *mut Execution,
}

// SAFETY: the pointer is to an execution, which any thread may use, and is touched under the lock.
unsafe impl Send for Ordered {}

impl Queue {
    pub const fn new() -> Self {
        Self {
            submitted: Padded(AtomicPtr::new(ptr::null_mut())),
            ordered: Padded(SpinLock::new(Ordered { first: ptr::null_mut() })),
            more: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// Adds to the end.
    #[inline]
    pub fn push(&self, execution: &'static Execution) {
        let mine = ptr::from_ref(execution).cast_mut();
        let mut head = self.submitted.load(Ordering::Relaxed);
        loop {
            execution.queue_link.store(head, Ordering::Relaxed);
            match self.submitted.compare_exchange_weak(head, mine, Ordering::SeqCst, Ordering::Relaxed) {
                Ok(_) => return,
                Err(seen) => head = seen,
            }
        }
    }

    /// Whether there is anything to take. In the order of all sequentially consistent operations,
    /// so that who is about to sleep and who submitted see each other.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.more.load(Ordering::Acquire).is_null() && self.submitted.load(Ordering::SeqCst).is_null()
    }

    /// Whether all that was submitted when last looked at has been taken. Does not touch what the
    /// submitters write.
    #[inline]
    pub fn is_drained(&self) -> bool {
        self.more.load(Ordering::Acquire).is_null()
    }

    /// Takes the first; `taken` runs on it under the lock.
    #[inline]
    pub fn take(&self, taken: impl FnOnce(&'static Execution)) -> Option<&'static Execution> {
        if self.is_empty() {
            return None;
        }
        self.ordered.with(|ordered| {
            if ordered.first.is_null() {
                ordered.first = self.turn_over();
            }
            // SAFETY: a queued execution is never freed and its link is the queue's.
            let first = unsafe { ordered.first.as_ref() }?;
            ordered.first = first.queue_link.load(Ordering::Relaxed);
            self.more.store(ordered.first, Ordering::Release);
            // SAFETY: as above.
            if let Some(next) = unsafe { ordered.first.as_ref() } {
                next.prefetch_to_run();
            }
            taken(first);
            Some(first)
        })
    }

    /// Takes the submitted ones, in the order they came.
    fn turn_over(&self) -> *mut Execution {
        let mut from = self.submitted.swap(ptr::null_mut(), Ordering::SeqCst);
        let mut to: *mut Execution = ptr::null_mut();
        // SAFETY: as in `take`.
        while let Some(execution) = unsafe { from.as_ref() } {
            let next = execution.queue_link.load(Ordering::Relaxed);
            execution.queue_link.store(to, Ordering::Relaxed);
            to = from;
            from = next;
        }
        to
    }

    /// Takes out all that `unwanted` says yes to, having dealt with them; gives their number.
    pub fn sweep(&self, unwanted: impl Fn(&'static Execution) -> bool) -> u32 {
        self.ordered.with(|ordered| {
            let (kept, removed) = partition([ordered.first, self.turn_over()], unwanted);
            ordered.first = kept;
            self.more.store(kept, Ordering::Release);
            removed
        })
    }
}

/// Links what is wanted of two lists into one; gives its first and the number of the others.
fn partition(lists: [*mut Execution; 2], unwanted: impl Fn(&'static Execution) -> bool) -> (*mut Execution, u32) {
    let mut first: *mut Execution = ptr::null_mut();
    let mut last: Option<&Execution> = None;
    let mut removed = 0;
    for mut at in lists {
        // SAFETY: a queued execution is never freed; its link is read before it is given away.
        while let Some(execution) = unsafe { at.as_ref() } {
            let here = at;
            at = execution.queue_link.load(Ordering::Relaxed);
            if unwanted(execution) {
                removed += 1;
                continue;
            }
            match last {
                None => first = here,
                Some(last) => last.queue_link.store(here, Ordering::Relaxed),
            }
            execution.queue_link.store(ptr::null_mut(), Ordering::Relaxed);
            last = Some(execution);
        }
    }
    (first, removed)
}
