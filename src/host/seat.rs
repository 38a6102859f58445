//! A child's end of the channel: the words of both sides, and the request that is being served.

use crate::buffer::{Room, release_kept};
use crate::execution::{By, Execution, Grace, REQUEST, Relay, watch_outside};
use crate::handle::Generation;
use crate::isolated::channel::{IN_REGION, REGION_OPEN, Region};
use crate::process::{Mapping, this_cpu, wait_shared, wake_shared};
use crate::spin::Spinner;
use crate::state::TELLS;
use crate::sync::{AtomicU32, Mutex, Ordering, Weak, lock};
use crate::time::{Deadline, Nanoseconds, now};
use std::mem::ManuallyDrop;
use std::ptr;

/// See the module.
pub struct Seat {
    /// For the life of the process, whose threads may look there at any time.
    pub host: ManuallyDrop<Region>,
    pub own: Region,
    served: Mutex<Option<Served>>,
    /// Where a large output is wanted.
    outlet: Mutex<Option<Weak<Mapping>>>,
}

/// The begin that serves a request.
#[derive(Clone, Copy)]
struct Served {
    turn: u32,
    execution: &'static Execution,
    generation: Generation,
}

/// How long a child sleeps before it looks whether its host is there, in milliseconds.
const LOOK: u32 = 1_000;
/// How long an answer lies before somebody is woken for it, in nanoseconds: as long as its client's own way takes, which
/// may share the processor.
const PATIENCE: Nanoseconds = 100_000;

impl Seat {
    /// It is for the life of the process.
    pub fn new(host: Region, own: Region) -> Self {
        Self { host: ManuallyDrop::new(host), own, served: Mutex::new(None), outlet: Mutex::new(None) }
    }

    /// The host's word about cancels.
    fn canceled(&self) -> &'static AtomicU32 {
        let word = ptr::from_ref(&self.host.to_child().canceled);
        // SAFETY: its memory is never given back.
        unsafe { &*word }
    }

    /// Lets the host look at something.
    pub fn ring(&self) {
        let own = self.own.to_host();
        own.bell.fetch_add(1, Ordering::SeqCst);
        if self.host.to_child().waiting.load(Ordering::SeqCst) != 0 {
            wake_shared(&own.bell);
        }
    }

    /// Lets the host look at an answer, of which it knows by itself unless it sleeps.
    pub fn ring_answer(&self) {
        if self.host.to_child().waiting.load(Ordering::SeqCst) != 0 {
            self.ring();
        }
    }

    /// The same, of what nobody may be waiting for.
    fn ring_all(&self) {
        self.ring();
        let host = self.host.to_child();
        if host.waiting.load(Ordering::SeqCst) == 0 && host.rare.attended.load(Ordering::SeqCst) == 0 {
            self.call_somebody();
        }
    }

    /// Whether there is an answer that nobody has taken, or is being woken for.
    fn is_uncollected(&self) -> bool {
        let host = self.host.to_child();
        host.rare.collected.load(Ordering::SeqCst) != self.own.to_host().answered.load(Ordering::SeqCst)
            && host.waiting.load(Ordering::SeqCst) == 0
    }

    fn call_somebody(&self) {
        let lull = &self.own.to_host().rare.lull;
        lull.fetch_add(1, Ordering::SeqCst);
        wake_shared(lull);
    }

    /// Waits for a request after that one; `None`: there will be none. `alone` says whether the host is gone.
    pub fn next_turn(&self, last: u32, spinner: &mut Spinner, alone: impl Fn() -> bool) -> Option<u32> {
        let (host, own) = (self.host.to_child(), self.own.to_host());
        let changed = || host.turn.load(Ordering::SeqCst) != last;
        let mut patience = PATIENCE;
        while !changed() {
            if host.cpu.load(Ordering::Relaxed) != this_cpu() && spinner.spin(changed) {
                break;
            }
            let idle = !self.is_uncollected();
            let pause = if idle { Deadline::after_ms(LOOK) } else { Deadline::at(now() + patience) };
            own.asleep.store(1, Ordering::SeqCst);
            if !changed() {
                wait_shared(&host.turn, last, pause);
            }
            own.asleep.store(0, Ordering::SeqCst);
            if idle && pause.passed() {
                release_kept();
            }
            if !changed() && pause.passed() && self.is_uncollected() {
                // Who has sent the last request does not wait for its answer.
                self.call_somebody();
                patience = (patience * 2).min(u64::from(LOOK) * 1_000_000);
            }
            if !changed() && alone() {
                return None;
            }
        }
        let turn = host.turn.load(Ordering::SeqCst);
        (host.over.load(Ordering::SeqCst) == 0).then_some(turn)
    }

    /// From now on a cancel of that request reaches its method; no: it is canceled already, and is not entered.
    pub fn enter(&self, turn: u32, execution: &'static Execution, generation: Generation) -> bool {
        let tells = execution.state_of(generation).is_some_and(|state| state.has(TELLS));
        self.own.to_host().rare.hark.store(u32::from(tells), Ordering::SeqCst);
        let mut served = lock(&self.served);
        let word = self.canceled();
        let canceled = word.load(Ordering::SeqCst);
        if canceled >> 1 == turn {
            return false;
        }
        watch_outside(word, canceled);
        *served = Some(Served { turn, execution, generation });
        // What the last method has left open.
        self.leave_region();
        self.own.to_host().rare.entered.store(turn, Ordering::SeqCst);
        true
    }

    /// Large outputs are wanted there from now on: no method runs.
    pub fn offer(&self, room: Option<Weak<Mapping>>) {
        *lock(&self.outlet) = room;
    }

    pub fn leave(&self) {
        *lock(&self.served) = None;
    }

    /// The life of the thread that hears of cancels.
    pub fn listen(&self) {
        let word = self.canceled();
        let mut seen = 0;
        loop {
            let now = word.load(Ordering::SeqCst);
            if now == seen {
                wait_shared(word, seen, Deadline::NEVER);
                continue;
            }
            seen = now;
            self.heed(now);
        }
    }

    /// The host's word about cancels is that now.
    fn heed(&self, canceled: u32) {
        let served = *lock(&self.served);
        if let Some(served) = served.filter(|served| served.turn == canceled >> 1) {
            self.cancel(served, canceled & 1 != 0);
        }
    }

    fn cancel(&self, served: Served, at_once: bool) {
        let left = self.host.to_child().grace_ms.load(Ordering::Relaxed);
        let grace = if at_once { Grace::AT_ONCE } else { Grace::milliseconds(left.max(1)) };
        // What it comes to is seen by who waits for the method.
        let _ = served.execution.request_cancel(served.generation, REQUEST, grace, By::Thread);
    }
}

impl Relay for Seat {
    fn progress(&self, done: u64, total: u64) {
        let own = self.own.to_host();
        own.rare.done.store(done, Ordering::Relaxed);
        own.rare.total.store(total, Ordering::Relaxed);
        own.reports.fetch_add(1, Ordering::Release);
        self.ring_all();
    }

    fn enter_region(&self) -> bool {
        let barrier = &self.own.to_host().rare.barrier;
        barrier.compare_exchange(REGION_OPEN, IN_REGION, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    fn hark(&self) {
        self.own.to_host().rare.hark.store(1, Ordering::SeqCst);
    }

    fn hear(&self) {
        let word = self.canceled();
        let canceled = word.load(Ordering::SeqCst);
        watch_outside(word, canceled);
        let served = *lock(&self.served);
        if let Some(served) = served.filter(|served| served.turn == canceled >> 1) {
            // The other thread sees to the rest.
            served.execution.heed_cancel(served.generation);
        }
    }

    fn leave_region(&self) {
        let barrier = &self.own.to_host().rare.barrier;
        if barrier.compare_exchange(IN_REGION, REGION_OPEN, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            self.ring();
        }
    }

    fn lend(&self, len: usize) -> Option<Room> {
        lock(&self.outlet).as_ref()?.upgrade().filter(|mapping| mapping.len() >= len).map(Room::Lent)
    }
}
