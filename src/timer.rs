//! The thread that ends grace periods and keeps deadlines, and does what a signal handler cannot: it tells
//! methods of cancels, and observers of completions.
//!
//! It starts when the first cancel interface is asked for, and sleeps until the nearest end. A
//! request reaches it without a lock and without memory, because it may come from a signal handler:
//! the execution itself is linked into a list, and stays linked at most once, whatever it serves by
//! the time the timer takes it off.

use crate::event::Event;
use crate::execution::{By, Execution};
use crate::handle::Generation;
use crate::hresult::{Failure, RPC_E_OUT_OF_RESOURCES};
use crate::monitor;
use crate::sync::{AtomicPtr, AtomicU32, Global, Mutex, Ordering, lock};
use crate::time::{Deadline, Nanoseconds, now};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ptr;

struct Timer {
    inbox: AtomicPtr<Execution>,
    event: Event,
    /// Held while the thread is started.
    starting: Mutex<()>,
    /// 1: the thread runs.
    runs: AtomicU32,
    /// The descriptor that what is in progress is to be written to, and 1; 0: none.
    dump: AtomicU32,
}

static TIMER: Global<Timer> = Global::new();

/// In the child of a fork.
pub fn forget() {
    TIMER.forget();
}

/// Starts the timer's thread if it does not run.
pub fn start() -> Result<(), Failure> {
    let timer = TIMER.get_or_make(|| Timer {
        inbox: AtomicPtr::new(ptr::null_mut()),
        event: Event::new(),
        starting: Mutex::new(()),
        runs: AtomicU32::new(0),
        dump: AtomicU32::new(0),
    });
    if timer.runs.load(Ordering::Acquire) != 0 {
        return Ok(());
    }
    let _starting = lock(&timer.starting);
    if timer.runs.load(Ordering::Acquire) == 0 {
        monitor::spawn("call timer", || timer.run())
            .map_err(|_| Failure::because(RPC_E_OUT_OF_RESOURCES, "no thread for the end of grace periods"))?;
        timer.runs.store(1, Ordering::Release);
    }
    Ok(())
}

/// Tells the timer that the execution's end of grace is new. Async-signal-safe.
pub fn arm(execution: &'static Execution) {
    if let Some(timer) = TIMER.get()
        && execution.link_timer()
    {
        timer.push(execution);
        timer.event.signal();
    }
}

/// Has what is in progress written to a descriptor, soon; false: no thread is there to do it.
/// Async-signal-safe.
pub fn request_dump(descriptor: i32) -> bool {
    let Some(timer) = TIMER.get().filter(|timer| timer.runs.load(Ordering::Acquire) != 0) else { return false };
    timer.dump.store(descriptor.cast_unsigned() + 1, Ordering::SeqCst);
    timer.event.signal();
    true
}

/// What comes at a point in time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// The end of a grace period.
    Grace,
    /// A deadline.
    Deadline,
    /// Whether a canceled method has looked.
    Look,
}

/// A point in time that was armed; what it is for may have ended meanwhile.
type Entry = Reverse<(Nanoseconds, u32, Generation, What)>;

impl Timer {
    fn push(&self, execution: &'static Execution) {
        let mine = ptr::from_ref(execution).cast_mut();
        let mut head = self.inbox.load(Ordering::Relaxed);
        loop {
            execution.timer_link.store(head, Ordering::Relaxed);
            match self.inbox.compare_exchange_weak(head, mine, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(seen) => head = seen,
            }
        }
    }

    fn run(&self) {
        let mut ends: BinaryHeap<Entry> = BinaryHeap::new();
        let mut prune_at = 1024;
        loop {
            let seen = self.event.count();
            if let Some(descriptor) = self.dump.swap(0, Ordering::SeqCst).checked_sub(1) {
                // Nobody is there to be told that it failed.
                monitor::dump(descriptor.cast_signed());
            }
            self.take_in(&mut ends);
            if ends.len() > prune_at {
                ends.retain(matters);
                prune_at = (ends.len() * 2).max(1024);
            }
            let next = fire(&mut ends, now());
            self.event.sleep(seen, next);
        }
    }

    fn take_in(&self, ends: &mut BinaryHeap<Entry>) {
        let mut at = self.inbox.swap(ptr::null_mut(), Ordering::Acquire);
        // SAFETY: executions are never freed, and a linked one is not linked again before
        // `unlink_timer`, which comes after its link was read.
        while let Some(execution) = unsafe { at.as_ref() } {
            at = execution.timer_link.load(Ordering::Relaxed);
            execution.unlink_timer();
            execution.report_now();
            execution.notify_now();
            execution.ask_now();
            execution.tell_now();
            let (generation, grace) = execution.grace();
            let deadline = execution.expiry(generation);
            let look = monitor::look_at(execution.read().1);
            for (end, what) in [(grace.end(), What::Grace), (deadline.end(), What::Deadline), (look, What::Look)] {
                if let Some(end) = end {
                    ends.push(Reverse((end, execution.handle(generation).slot, generation, what)));
                }
            }
        }
    }
}

/// Whether the call of an entry is still in progress.
fn matters(Reverse((_, slot, generation, _)): &Entry) -> bool {
    Execution::of_slot(*slot).is_some_and(|execution| execution.awaits_grace(*generation))
}

/// Ends every grace period that is over, and every call whose deadline has come; gives the next point in
/// time.
fn fire(ends: &mut BinaryHeap<Entry>, reading: Nanoseconds) -> Deadline {
    while let Some(&Reverse((end, slot, generation, what))) = ends.peek() {
        if end > reading {
            return Deadline::at(end);
        }
        ends.pop();
        if let Some(execution) = Execution::of_slot(slot) {
            match what {
                What::Grace => execution.abandon(generation, By::Thread),
                What::Deadline => execution.expire(generation),
                What::Look => monitor::look_now(execution, generation),
            }
        }
    }
    Deadline::NEVER
}
