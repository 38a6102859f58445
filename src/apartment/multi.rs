//! The multi-threaded apartment: a pool of threads over one queue.

use super::desk::{CLOSED, Desk, ORPHANED};
use super::gather::Gather;
use super::pool::{Pool, Size, Summons};
use super::{Apartment, Settings};
use crate::execution::{Execution, Grace};
use crate::handle::{Generation, Handle};
use crate::hresult::{Failure, RPC_E_OUT_OF_RESOURCES};
use crate::monitor::spawn;
use crate::object::{Flight, Home, Lane, Remote};
use crate::spin::Spinner;
use crate::sync::{
    Arc, AtomicU32, AtomicU64, Backoff, Mutex, Ordering, Padded, Wake, Weak, lock, online_cpus, wait, wake_all,
    wake_one,
};
use crate::time::Deadline;
use std::cell::Cell;

impl Settings {
    /// How many threads it may have.
    fn size(&self) -> Size {
        let workers = if self.workers == 0 { online_cpus().min(Self::MOST) } else { self.workers };
        let most = if self.max_workers == 0 { Self::MOST } else { self.max_workers };
        let most = if self.workers == 0 { most } else { most.max(workers) };
        Size { workers: workers.min(most), most }
    }
}

/// How long a thread that is not needed stays, in milliseconds.
const LINGER: u32 = 2_000;

/// See the module.
pub struct Multi {
    desk: Desk,
    pool: AtomicU64,
    size: Size,
    name: String,
    /// Who serves beside its threads.
    remote: Option<Arc<dyn Remote>>,
    me: Weak<Multi>,
    /// 1: a first thread was started.
    staffed: AtomicU32,
    starting: Mutex<()>,
    /// Wake-ups given to sleeping threads and not yet taken.
    permits: Padded<AtomicU32>,
    workers: Mutex<Vec<Arc<Worker>>>,
}

/// One thread of the apartment.
#[repr(align(128))]
struct Worker {
    /// What it runs, packed as a handle; 0: nothing.
    current: AtomicU64,
}

impl Multi {
    pub fn new(settings: Settings) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            desk: Desk::new(settings.queue_limit),
            pool: AtomicU64::new(0),
            size: settings.size(),
            name: settings.name,
            remote: settings.remote,
            me: Weak::clone(me),
            staffed: AtomicU32::new(0),
            starting: Mutex::new(()),
            permits: Padded(AtomicU32::new(0)),
            workers: Mutex::new(Vec::new()),
        })
    }

    fn pool(&self) -> Pool {
        Pool(self.pool.load(Ordering::SeqCst))
    }

    /// Takes a transition of the pool's word, if it is one.
    fn change(&self, transition: impl Fn(Pool) -> Option<Pool>) -> bool {
        let next = |word| transition(Pool(word)).map(|pool| pool.0);
        self.pool.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next).is_ok()
    }

    /// Starts the first thread; others wait until it is there, or is known not to come.
    #[cold]
    fn start_first(&self) -> Result<(), Failure> {
        let _starting = lock(&self.starting);
        if self.staffed.load(Ordering::Acquire) == 0 {
            if self.change(Pool::first) && !self.start() {
                return Err(Failure::because(RPC_E_OUT_OF_RESOURCES, "no thread for the apartment"));
            }
            self.staffed.store(1, Ordering::Release);
        }
        Ok(())
    }

    /// There is work: sees to it that a thread comes for it.
    #[inline]
    fn bring(&self) {
        let mut pool = self.pool();
        loop {
            let (next, summons) = pool.summon(self.size);
            if summons == Summons::Nobody {
                return;
            }
            match self.pool.compare_exchange_weak(pool.0, next.0, Ordering::SeqCst, Ordering::SeqCst) {
                Err(seen) => pool = Pool(seen),
                Ok(_) if summons == Summons::Wake => return self.wake(),
                Ok(_) => {
                    // Without a further thread those that are there do the work.
                    self.start();
                    return;
                }
            }
        }
    }

    fn bring_if_work(&self) {
        if self.has_work() {
            self.bring();
        }
    }

    #[inline]
    fn lane(&self) -> Option<&dyn Lane> {
        self.remote.as_deref().and_then(Remote::lane)
    }

    /// Whether there is something to do for its threads.
    #[inline]
    fn has_work(&self) -> bool {
        let queued = !self.desk.queue.is_empty();
        self.lane().map_or(queued, |lane| lane.has_work(queued))
    }

    /// As [`Home::submit`], where who begins may send.
    fn submit_by(&self, lane: &dyn Lane, execution: &'static Execution) -> bool {
        let (generation, _) = execution.read();
        if !lane.send(self, execution) {
            self.desk.push(execution);
            lane.queued(self, execution);
            return self.desk.is(CLOSED);
        }
        self.desk.give_places(1);
        if let Some(grace) = self.desk.closing() {
            // By somebody who may not have seen it on its way.
            execution.disconnect(generation, grace);
        }
        false
    }

    /// Wakes a thread that was counted as searching already.
    fn wake(&self) {
        self.permits.fetch_add(1, Ordering::SeqCst);
        wake_one(&self.permits);
    }

    /// Starts a thread that was counted already.
    #[cold]
    fn start(&self) -> bool {
        let worker = Arc::new(Worker { current: AtomicU64::new(0) });
        lock(&self.workers).push(Arc::clone(&worker));
        let mine = Arc::clone(&worker);
        let started = self.me.upgrade().is_some_and(|apartment| {
            let shift = Shift { apartment, worker: mine, spinner: Spinner::new(), gather: Gather::new() };
            spawn(&self.name, move || shift.serve()).is_ok()
        });
        if !started {
            self.dismiss(&worker);
            self.change(|pool| Some(pool.leave()));
            // Who submitted meanwhile counted on it. Another try to start one would be in vain.
            if !self.desk.queue.is_empty() && self.change(Pool::wake) {
                self.wake();
            }
        }
        started
    }

    fn dismiss(&self, worker: &Arc<Worker>) {
        lock(&self.workers).retain(|other| !Arc::ptr_eq(other, worker));
    }
}

impl Home for Multi {
    #[inline]
    fn admit(&self) -> Result<(), Failure> {
        self.desk.admit()?;
        if self.staffed.load(Ordering::Acquire) == 0
            && let Err(refused) = self.start_first()
        {
            self.desk.give_places(1);
            return Err(refused);
        }
        Ok(())
    }

    fn open(&self) -> Result<(), Failure> {
        self.desk.open()
    }

    fn closing(&self) -> Option<Grace> {
        self.desk.closing()
    }

    fn retract(&self) {
        self.desk.give_places(1);
    }

    #[inline]
    fn submit(&self, execution: &'static Execution) -> bool {
        if let Some(lane) = self.lane() {
            return self.submit_by(lane, execution);
        }
        self.desk.push(execution);
        self.bring();
        self.desk.is(CLOSED)
    }

    fn refuse_submitted(&self) {
        self.desk.refuse_queued();
    }

    fn make_room(&self, patience: &mut Backoff) -> bool {
        self.desk.make_room(patience)
    }

    fn deferred(&self, execution: &'static Execution, generation: Generation) {
        self.desk.defer(execution, generation);
    }

    fn undeferred(&self, execution: &'static Execution, generation: Generation) {
        self.desk.undefer(execution, generation);
    }

    fn block(&self) {
        if let Some(lane) = self.lane() {
            lane.leave(self, false);
        }
        self.change(|pool| Some(pool.block()));
        self.bring_if_work();
    }

    fn unblock(&self) {
        self.change(|pool| Some(pool.unblock()));
    }

    fn can_start(&self, waiting: u32) -> bool {
        self.pool().can_start(waiting, self.size)
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn identity(&self) -> usize {
        std::ptr::from_ref(self) as usize
    }

    fn summon(&self) {
        self.bring();
        if self.desk.is(CLOSED) && self.has_work() {
            // Its threads end, and may not look again: one comes for what is under way.
            self.change(|pool| Some(pool.add_one()));
            self.start();
        }
    }

    fn has_queued(&self) -> bool {
        !self.desk.queue.is_empty()
    }

    fn take_queued(&self) -> Option<&'static Execution> {
        self.desk.take(|_| ())
    }
}

impl Apartment for Multi {
    fn desk(&self) -> &Desk {
        &self.desk
    }

    fn running(&self) -> Vec<Handle> {
        lock(&self.workers).iter().filter_map(|worker| worker.running()).collect()
    }

    fn rouse(&self) {
        // More permits than threads: who is asleep gets up and leaves, who comes to sleep too.
        self.permits.store(u32::MAX / 2, Ordering::SeqCst);
        wake_all(&self.permits);
    }
}

/// A thread at work.
struct Shift {
    apartment: Arc<Multi>,
    worker: Arc<Worker>,
    spinner: Spinner,
    gather: Gather,
}

impl Shift {
    /// The thread's life. It starts as a searcher.
    fn serve(mut self) {
        let mut searching = true;
        loop {
            match self.apartment.lane() {
                None => self.serve_queue(&mut searching, || true),
                Some(lane) => self.serve_lane(&mut searching, lane),
            }
            if self.apartment.desk.is(CLOSED | ORPHANED) {
                if self.apartment.remote.is_some() && self.apartment.has_work() {
                    continue;
                }
                break;
            }
            // Where a submitter could summon nobody anyway, nobody needs to know that we look.
            let alone = !searching && self.apartment.pool().summon(self.apartment.size).1 == Summons::Nobody;
            searching = searching || (!alone && self.apartment.change(Pool::search));
            if (searching || alone) && self.search() {
                continue;
            }
            match self.sleep(searching) {
                Rest::Awake => searching = true,
                Rest::Over => break,
            }
        }
        self.apartment.dismiss(&self.worker);
    }

    /// Runs what is queued, while `goes_on` says yes.
    fn serve_queue(&self, searching: &mut bool, goes_on: impl Fn() -> bool) {
        while goes_on()
            && let Some(execution) = self.take()
        {
            self.found(searching);
            self.run(execution);
        }
    }

    /// The same, where clients serve, too.
    fn serve_lane(&self, searching: &mut bool, lane: &dyn Lane) {
        if !self.apartment.has_work() || !lane.claim() {
            return;
        }
        if let Some(Flight { execution, generation, post }) = lane.flight() {
            self.worker.current.store(execution.handle(generation).pack(), Ordering::SeqCst);
            self.found(searching);
            match post {
                Some(post) => {
                    execution.fly_on(generation, post, Some(&*self.apartment));
                    self.ended();
                }
                None => self.run(execution),
            }
        }
        // A client that only looks keeps it from nothing.
        let first = Cell::new(true);
        self.serve_queue(searching, || lane.is_mine() && (first.replace(false) || !lane.is_wanted()));
        lane.leave(&*self.apartment, true);
    }

    fn found(&self, searching: &mut bool) {
        if std::mem::take(searching) {
            self.apartment.change(|pool| Some(pool.found()));
            self.apartment.bring_if_work();
        }
    }

    fn take(&self) -> Option<&'static Execution> {
        self.apartment.desk.take(|execution| {
            let (generation, _) = execution.read();
            self.worker.current.store(execution.handle(generation).pack(), Ordering::Release);
        })
    }

    fn run(&self, execution: &'static Execution) {
        if self.apartment.desk.is(CLOSED) {
            // Submitted while it was closed, and taken before the one who submitted it saw that.
            execution.refuse();
        } else {
            execution.run(Some(&*self.apartment));
        }
        self.ended();
        if self.apartment.desk.queue.is_drained() {
            self.gather.rest_after(self.apartment.desk.queue.batch());
        }
    }

    fn ended(&self) {
        self.worker.current.store(0, Ordering::Release);
        self.apartment.desk.ended();
    }

    /// Spins for work while that pays.
    fn search(&mut self) -> bool {
        let apartment = &self.apartment;
        self.spinner.spin(|| apartment.has_work() || apartment.desk.is(CLOSED | ORPHANED))
    }

    /// Sleeps until there may be a permit, or until the deadline.
    fn doze(&self, linger: Deadline) -> Wake {
        let apartment = &*self.apartment;
        match apartment.lane() {
            Some(lane) => lane.sleep(&apartment.permits, linger),
            None => wait(&apartment.permits, 0, linger),
        }
    }

    fn sleep(&self, searching: bool) -> Rest {
        let apartment = &*self.apartment;
        apartment.change(|pool| Some(pool.sleep(searching)));
        if apartment.has_work() && apartment.change(Pool::rise) {
            return Rest::Awake;
        }
        // A thread of the regular number sleeps without a clock, which is cheaper.
        let large = apartment.pool().is_large(apartment.size);
        let mut linger = if large { Deadline::after_ms(LINGER) } else { Deadline::NEVER };
        loop {
            let take = |permits: u32| permits.checked_sub(1);
            if apartment.permits.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok() {
                // Closing gives permits without counting: then the thread ends, counted or not.
                return Rest::Awake;
            }
            let dozed = self.doze(linger);
            if apartment.remote.is_some() && apartment.has_work() && apartment.change(Pool::rise) {
                // The child has rung.
                return Rest::Awake;
            }
            if dozed == Wake::TimedOut {
                linger = Deadline::NEVER;
                if apartment.change(Pool::rise) {
                    if apartment.change(|pool| pool.shrink(apartment.size)) {
                        // Who submitted meanwhile counted on this thread, which searched.
                        apartment.bring_if_work();
                        return Rest::Over;
                    }
                    apartment.change(|pool| Some(pool.sleep(true)));
                    if apartment.has_work() && apartment.change(Pool::rise) {
                        return Rest::Awake;
                    }
                }
            }
        }
    }
}

/// What a sleep came to.
enum Rest {
    /// Somebody woke the thread, or it saw work: it searches.
    Awake,
    /// It was not needed any more.
    Over,
}

impl Worker {
    /// What it runs.
    fn running(&self) -> Option<Handle> {
        match self.current.load(Ordering::SeqCst) {
            0 => None,
            packed => Some(Handle::unpack(packed)),
        }
    }
}
