//! Two threads of the library. The *timer* ends grace periods and keeps deadlines; it runs no code of the
//! program, so nothing that a program does delays it. The *teller* does what a signal handler and the timer
//! cannot: it tells methods of cancels and observers of completions, asks classes, calls hooks.
//!
//! Both start when the first of them may be needed, and sleep until there is something to do. A request
//! reaches the timer without a lock and without memory, because it may come from a signal handler: the
//! execution itself is linked into a list, and stays linked at most once, whatever it serves by the time
//! the timer takes it off.
//!
//! What comes after the timer's *alarm*, up to which it sleeps, wakes nobody: calls that do not reach their
//! deadlines cost a wake-up now and then, and not one each.

use crate::event::Event;
use crate::execution::{By, Execution};
use crate::handle::Generation;
use crate::hresult::{CALL_E_TOO_BUSY, E_INVALIDARG, Failure, Outcome, RPC_E_OUT_OF_RESOURCES, S_OK};
use crate::monitor;
use crate::sync::{AtomicU32, AtomicU64, Global, Mutex, Ordering, fence, lock};
use crate::time::{Deadline, Nanoseconds, now};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::mem;

struct Timer {
    inbox: AtomicU32,
    /// When it looks next, as a reading of the clock; [`AWAKE`]: before it sleeps, so that nobody need signal.
    alarm: AtomicU64,
    event: Event,
    /// Held while the threads are started.
    starting: Mutex<()>,
    /// How many of them run: the teller first.
    runs: AtomicU32,
    /// The descriptor that what is in progress is to be written to, and 1; 0: none.
    dump: AtomicU32,
    errands: Mutex<Vec<Errand>>,
    /// Signaled when there are errands.
    sent: Event,
}

/// What the timer leaves to the teller.
enum Errand {
    /// Whatever the execution's word says is to be told.
    See(&'static Execution),
    /// A deadline has come, and the class has to be asked.
    Expire(&'static Execution, Generation),
    /// A canceled method should have looked by now.
    Look(&'static Execution, Generation),
    Dump(i32),
}

static TIMER: Global<Timer> = Global::new();

const BOTH: u32 = 2;

const AWAKE: Nanoseconds = 0;

const NONE: Failure = Failure::because(RPC_E_OUT_OF_RESOURCES, "no thread for the end of grace periods");

/// In the child of a fork.
pub fn forget() {
    TIMER.forget();
}

/// Starts the two threads if they do not run.
pub fn start() -> Result<(), Failure> {
    let timer = TIMER.get_or_make(|| Timer {
        inbox: AtomicU32::new(0),
        alarm: AtomicU64::new(AWAKE),
        event: Event::new(),
        starting: Mutex::new(()),
        runs: AtomicU32::new(0),
        dump: AtomicU32::new(0),
        errands: Mutex::new(Vec::new()),
        sent: Event::new(),
    });
    if timer.runs.load(Ordering::Acquire) == BOTH { Ok(()) } else { timer.start() }
}

/// Tells the timer that the execution's end of grace or its deadline is new, or that somebody is to be told
/// of something. Async-signal-safe.
pub fn arm(execution: &'static Execution) {
    // In the child of a fork the parent's executions have nobody to see to them.
    if let Some(timer) = TIMER.get()
        && execution.is_of_this_process()
    {
        if execution.link_timer() {
            timer.push(execution);
        }
        // Of two that arm it at once, one may find it linked before it is in the inbox: then the other sees what is new
        // of both.
        fence(Ordering::SeqCst);
        if due(execution) < timer.alarm.load(Ordering::Relaxed) {
            timer.event.signal();
        }
    }
}

/// Has what is in progress written to a descriptor, soon. Async-signal-safe.
pub fn request_dump(descriptor: i32) -> Outcome {
    if descriptor < 0 {
        return Err(Failure::because(E_INVALIDARG, "not a descriptor"));
    }
    let Some(timer) = TIMER.get().filter(|timer| timer.runs.load(Ordering::Acquire) == BOTH) else {
        return Err(Failure::because(RPC_E_OUT_OF_RESOURCES, "the thread that would write has not started"));
    };
    let mine = descriptor.cast_unsigned() + 1;
    match timer.dump.compare_exchange(0, mine, Ordering::SeqCst, Ordering::SeqCst) {
        Err(theirs) if theirs != mine => Err(Failure::because(CALL_E_TOO_BUSY, "another dump is to be written first")),
        _ => {
            timer.event.signal();
            Ok(S_OK)
        }
    }
}

/// What comes at a point in time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// The end of a grace period.
    Grace,
    /// The end of the moment that it takes to end a method.
    Force,
    /// A deadline.
    Deadline,
    /// Whether a canceled method has looked.
    Look,
}

/// How long a client waits for the end of a method that is being ended, in nanoseconds.
const MOMENT: Nanoseconds = 1_000_000_000;

/// A point in time that was armed; what it is for may have ended meanwhile.
type Entry = Reverse<(Nanoseconds, u32, Generation, What)>;

impl Timer {
    #[cold]
    fn start(&'static self) -> Result<(), Failure> {
        let _starting = lock(&self.starting);
        if self.runs.load(Ordering::Acquire) == 0 {
            monitor::spawn("call teller", || self.tell()).map_err(|_| NONE)?;
            self.runs.store(1, Ordering::Release);
        }
        if self.runs.load(Ordering::Acquire) == 1 {
            monitor::spawn("call timer", || self.run()).map_err(|_| NONE)?;
            self.runs.store(BOTH, Ordering::Release);
        }
        Ok(())
    }

    fn push(&self, execution: &'static Execution) {
        let mine = execution.as_link();
        let mut head = self.inbox.load(Ordering::Relaxed);
        loop {
            execution.timer_link.store(head, Ordering::Relaxed);
            match self.inbox.compare_exchange_weak(head, mine, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(seen) => head = seen,
            }
        }
    }

    /// The timer's life.
    fn run(&self) {
        let mut ends: BinaryHeap<Entry> = BinaryHeap::new();
        let mut errands = Vec::new();
        let mut prune_at = 1024;
        loop {
            let seen = self.event.count();
            self.alarm.store(AWAKE, Ordering::Relaxed);
            if let Some(descriptor) = self.dump.swap(0, Ordering::SeqCst).checked_sub(1) {
                errands.push(Errand::Dump(descriptor.cast_signed()));
            }
            self.take_in(&mut ends, &mut errands);
            if ends.len() > prune_at {
                ends.retain(|entry| awaited(entry).is_some());
                prune_at = (ends.len() * 2).max(1024);
            }
            let next = fire(&mut ends, now(), &mut errands);
            if !errands.is_empty() {
                lock(&self.errands).append(&mut errands);
                self.sent.signal();
            }
            self.alarm.store(next.reading(), Ordering::Relaxed);
            // Who arms sees the alarm, or is seen here.
            fence(Ordering::SeqCst);
            if self.inbox.load(Ordering::Relaxed) == 0 {
                self.event.sleep(seen, next);
            }
        }
    }

    fn take_in(&self, ends: &mut BinaryHeap<Entry>, errands: &mut Vec<Errand>) {
        let mut at = self.inbox.swap(0, Ordering::Acquire);
        // One that is linked is not linked again before `unlink_timer`, which comes after its link was read.
        while let Some(execution) = Execution::of_link(at) {
            at = execution.timer_link.load(Ordering::Relaxed);
            execution.unlink_timer();
            if execution.has_errand() {
                errands.push(Errand::See(execution));
            }
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

    /// The teller's life.
    fn tell(&self) {
        loop {
            let seen = self.sent.count();
            let errands = mem::take(&mut *lock(&self.errands));
            if errands.is_empty() {
                self.sent.sleep(seen, Deadline::NEVER);
            }
            for errand in errands {
                errand.run();
            }
        }
    }
}

impl Errand {
    fn run(self) {
        match self {
            Self::See(execution) => {
                execution.report_now();
                execution.notify_now();
                execution.ask_now();
                execution.tell_now();
            }
            Self::Expire(execution, generation) => execution.expire_asking(generation),
            Self::Look(execution, generation) => monitor::look_now(execution, generation),
            // Nobody is there to be told that it failed.
            Self::Dump(descriptor) => drop(monitor::dump(descriptor)),
        }
    }
}

/// When the timer is to see to an execution; 0: at once, also where the time that it has for a look begins.
fn due(execution: &'static Execution) -> Nanoseconds {
    if execution.has_errand() || monitor::look_at(execution.read().1).is_some() {
        return 0;
    }
    let (generation, grace) = execution.grace();
    grace.min(execution.expiry(generation)).end().unwrap_or(Deadline::NEVER.reading())
}

/// The execution of an entry, if its call is still in progress.
fn awaited(Reverse((_, slot, generation, what)): &Entry) -> Option<&'static Execution> {
    Execution::of_slot(*slot).filter(|execution| match what {
        What::Look => execution.goes_on(*generation),
        What::Grace | What::Force | What::Deadline => execution.awaits_grace(*generation),
    })
}

/// Ends every grace period that is over, and every call whose deadline has come; gives the next point in
/// time that somebody waits for.
fn fire(ends: &mut BinaryHeap<Entry>, reading: Nanoseconds, errands: &mut Vec<Errand>) -> Deadline {
    while let Some(&entry) = ends.peek() {
        let Reverse((end, slot, generation, what)) = entry;
        let Some(execution) = awaited(&entry) else {
            ends.pop();
            continue;
        };
        if end > reading {
            return Deadline::at(end);
        }
        ends.pop();
        match what {
            What::Grace if execution.grace_is_over(generation) => {}
            What::Grace => ends.push(Reverse((end + MOMENT, slot, generation, What::Force))),
            What::Force => execution.abandon(generation, By::Signal),
            What::Deadline if !execution.expire(generation) => {}
            What::Deadline => errands.push(Errand::Expire(execution, generation)),
            What::Look => errands.push(Errand::Look(execution, generation)),
        }
    }
    Deadline::NEVER
}
