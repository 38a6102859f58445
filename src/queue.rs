//! The queue of an apartment: any thread submits without a lock, the apartment's threads take in
//! order under one.
//!
//! Submitting pushes onto a stack; who takes and finds the ordered part empty turns the whole stack
//! over. Each execution is moved twice, whatever the queue's length.

use crate::execution::Execution;
use crate::sync::{AtomicPtr, Mutex, Ordering, lock};
use std::ptr;

/// See the module. Executions are linked through their own `queue_link`, which is the queue's from
/// [`Queue::push`] until they are taken.
pub struct Queue {
    submitted: AtomicPtr<Execution>,
    ordered: Mutex<Ordered>,
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
            submitted: AtomicPtr::new(ptr::null_mut()),
            ordered: Mutex::new(Ordered { first: ptr::null_mut() }),
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
        self.submitted.load(Ordering::SeqCst).is_null() && self.more.load(Ordering::Acquire).is_null()
    }

    /// Takes the first; `taken` runs on it under the lock.
    #[inline]
    pub fn take(&self, taken: impl FnOnce(&'static Execution)) -> Option<&'static Execution> {
        if self.is_empty() {
            return None;
        }
        let mut ordered = lock(&self.ordered);
        if ordered.first.is_null() {
            ordered.first = self.turn_over();
        }
        // SAFETY: a queued execution is never freed and its link is the queue's.
        let first = unsafe { ordered.first.as_ref() }?;
        ordered.first = first.queue_link.load(Ordering::Relaxed);
        self.more.store(ordered.first, Ordering::Release);
        taken(first);
        Some(first)
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
        let mut ordered = lock(&self.ordered);
        let (head, tail) = (ordered.first, self.turn_over());
        let mut kept: Vec<*mut Execution> = Vec::new();
        let mut removed = 0;
        for mut at in [head, tail] {
            // SAFETY: as in `take`; the link is read before the execution is given away.
            while let Some(execution) = unsafe { at.as_ref() } {
                let next = execution.queue_link.load(Ordering::Relaxed);
                if unwanted(execution) {
                    removed += 1;
                } else {
                    kept.push(at);
                }
                at = next;
            }
        }
        let mut next: *mut Execution = ptr::null_mut();
        for &at in kept.iter().rev() {
            // SAFETY: as in `take`.
            unsafe { (*at).queue_link.store(next, Ordering::Relaxed) };
            next = at;
        }
        ordered.first = next;
        self.more.store(next, Ordering::Release);
        removed
    }
}
