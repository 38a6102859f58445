//! The multi-threaded apartment: a pool of threads over one queue.

use super::pool::{Pool, Size, Summons};
use crate::event::Event;
use crate::execution::{CANCELED_IN_QUEUE, Execution};
use crate::handle::{Generation, Handle};
use crate::hresult::{CALL_E_TOO_BUSY, Failure, RPC_E_DISCONNECTED, RPC_E_OUT_OF_RESOURCES};
use crate::object::Home;
use crate::queue::Queue;
use crate::spin::Spinner;
use crate::sync::{
    Arc, AtomicU32, AtomicU64, Mutex, Ordering, Padded, Wake, lock, online_cpus, spawn, wait, wake_all, wake_one,
};
use crate::time::Deadline;
use std::collections::HashSet;
use std::ptr;

/// How an apartment is made.
pub struct Settings {
    /// Threads kept ready; 0: one per CPU.
    pub workers: u32,
    /// How far it may grow; 0: [`Settings::MOST`], or `workers` if that is more.
    pub max_workers: u32,
    /// Calls waiting to start; 0: no limit.
    pub queue_limit: u32,
    pub name: String,
}

impl Settings {
    const MOST: u32 = 512;
    /// What the pool's word can count.
    pub const LIMIT: u32 = 0x7FFF;

    fn size(&self) -> Size {
        let workers = if self.workers == 0 { online_cpus().min(Self::MOST) } else { self.workers };
        let most = if self.max_workers == 0 { Self::MOST } else { self.max_workers };
        let most = if self.workers == 0 { most } else { most.max(workers) };
        Size { workers: workers.min(most), most }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self { workers: 0, max_workers: 0, queue_limit: 0, name: "call".to_owned() }
    }
}

/// How long a thread that is not needed stays, in milliseconds.
const LINGER: u32 = 2_000;

/// Pauses of a thread that has run all it knew of, before it looks for more.
const GATHER: u32 = 4;

/// The apartment as its threads hold it.
pub struct Multi {
    queue: Queue,
    pool: AtomicU64,
    /// [`CLOSED`], [`ORPHANED`].
    flags: AtomicU32,
    queue_limit: u32,
    size: Size,
    /// Wake-ups given to sleeping threads and not yet taken.
    permits: Padded<AtomicU32>,
    /// Executions in the queue, counted only under a limit.
    queued: AtomicU32,
    /// What [`CANCELED_IN_QUEUE`] was when a full queue was last swept.
    swept: AtomicU64,
    pub(super) workers: Mutex<Vec<Arc<Worker>>>,
    pub(super) deferred: Mutex<HashSet<u64>>,
    /// Signaled when a method ends in a closed apartment.
    pub(super) quiet: Event,
    name: String,
}

/// One thread of the apartment.
#[repr(align(128))]
pub struct Worker {
    /// What it runs, packed as a handle; 0: nothing.
    pub(super) current: AtomicU64,
}

/// No begin is taken any more.
const CLOSED: u32 = 1;
/// Neither handle nor object is left: the threads end.
const ORPHANED: u32 = 2;

/// The apartment as its users hold it, by its handle and by the objects that live in it. When the
/// last of them goes, its threads end.
pub struct Residence(Arc<Multi>);

impl Residence {
    pub fn new(settings: Settings) -> Arc<Self> {
        Arc::new(Self(Arc::new(Multi {
            pool: AtomicU64::new(0),
            size: settings.size(),
            queue: Queue::new(),
            permits: Padded(AtomicU32::new(0)),
            flags: AtomicU32::new(0),
            queue_limit: settings.queue_limit,
            queued: AtomicU32::new(0),
            swept: AtomicU64::new(0),
            workers: Mutex::new(Vec::new()),
            deferred: Mutex::new(HashSet::new()),
            quiet: Event::new(),
            name: settings.name,
        })))
    }

    /// Fails if the apartment was closed.
    pub fn open(&self) -> Result<(), Failure> {
        self.0.open()
    }

    pub(super) fn apartment(&self) -> &Arc<Multi> {
        &self.0
    }
}

impl Drop for Residence {
    fn drop(&mut self) {
        self.0.raise(ORPHANED);
    }
}

impl Home for Residence {
    fn admit(&self) -> Result<(), Failure> {
        self.0.admit()
    }

    fn retract(&self) {
        self.0.retract();
    }

    fn submit(&self, execution: &'static Execution) {
        self.0.submit(execution);
    }

    fn deferred(&self, execution: &'static Execution, generation: Generation) {
        self.0.deferred(execution, generation);
    }

    fn undeferred(&self, execution: &'static Execution, generation: Generation) {
        self.0.undeferred(execution, generation);
    }

    fn block(&self) {
        self.0.block();
    }

    fn unblock(&self) {
        self.0.unblock();
    }

    fn can_start(&self, waiting: u32) -> bool {
        self.0.can_start(waiting)
    }

    fn identity(&self) -> usize {
        self.0.identity()
    }
}

impl Home for Arc<Multi> {
    fn admit(&self) -> Result<(), Failure> {
        self.open()?;
        if self.queue_limit != 0 {
            self.take_place()?;
        }
        if self.pool().threads() == 0
            && let Err(refused) = self.start_first()
        {
            self.give_place(1);
            return Err(refused);
        }
        Ok(())
    }

    fn retract(&self) {
        self.give_place(1);
    }

    #[inline]
    fn submit(&self, execution: &'static Execution) {
        self.queue.push(execution);
        self.summon();
        if self.is(CLOSED) {
            // Closed since it was admitted: nobody else may come for it.
            self.refuse_queued();
        }
    }

    fn deferred(&self, execution: &'static Execution, generation: Generation) {
        lock(&self.deferred).insert(execution.handle(generation).pack());
    }

    fn undeferred(&self, execution: &'static Execution, generation: Generation) {
        lock(&self.deferred).remove(&execution.handle(generation).pack());
        if self.is(CLOSED) {
            self.quiet.signal();
        }
    }

    fn block(&self) {
        self.change(|pool| Some(pool.block()));
        if !self.queue.is_empty() {
            self.summon();
        }
    }

    fn unblock(&self) {
        self.change(|pool| Some(pool.unblock()));
    }

    fn can_start(&self, waiting: u32) -> bool {
        self.pool().can_start(waiting, self.size)
    }

    fn identity(&self) -> usize {
        Arc::as_ptr(self) as usize
    }
}

impl Multi {
    fn pool(&self) -> Pool {
        Pool(self.pool.load(Ordering::SeqCst))
    }

    fn is(&self, flag: u32) -> bool {
        self.flags.load(Ordering::SeqCst) & flag != 0
    }

    fn open(&self) -> Result<(), Failure> {
        if self.is(CLOSED) {
            return Err(Failure::because(RPC_E_DISCONNECTED, "the apartment is closed"));
        }
        Ok(())
    }

    pub(super) fn close(&self) {
        self.raise(CLOSED);
    }

    /// Sets a flag that ends idle threads, and lets them see it.
    fn raise(&self, flag: u32) {
        self.flags.fetch_or(flag, Ordering::SeqCst);
        // More permits than threads: who is asleep gets up and leaves, who comes to sleep too.
        self.permits.store(u32::MAX / 2, Ordering::SeqCst);
        wake_all(&self.permits);
    }

    /// Takes a transition of the pool's word, if it is one.
    fn change(&self, transition: impl Fn(Pool) -> Option<Pool>) -> bool {
        let next = |word| transition(Pool(word)).map(|pool| pool.0);
        self.pool.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next).is_ok()
    }

    fn take_place(&self) -> Result<(), Failure> {
        let take = |queued| (queued < self.queue_limit).then_some(queued + 1);
        loop {
            if self.queued.fetch_update(Ordering::AcqRel, Ordering::Acquire, take).is_ok() {
                return Ok(());
            }
            // Canceled executions stay in the queue until somebody comes by: now, if there are any.
            let canceled = CANCELED_IN_QUEUE.load(Ordering::Acquire);
            if self.swept.swap(canceled, Ordering::AcqRel) == canceled {
                return Err(CALL_E_TOO_BUSY.into());
            }
            self.give_place(self.queue.sweep(Execution::skip_canceled));
        }
    }

    fn give_place(&self, count: u32) {
        if self.queue_limit != 0 {
            self.queued.fetch_sub(count, Ordering::AcqRel);
        }
    }

    /// Ends all that is queued with `RPC_E_DISCONNECTED`.
    pub(super) fn refuse_queued(&self) {
        let refuse = |execution: &'static Execution| {
            execution.refuse();
            true
        };
        self.give_place(self.queue.sweep(refuse));
    }
}

/// The threads.
trait Staff {
    fn start_first(&self) -> Result<(), Failure>;
    fn summon(&self);
    fn start(&self) -> bool;
}

impl Staff for Arc<Multi> {
    fn start_first(&self) -> Result<(), Failure> {
        if self.change(Pool::first) && !self.start() {
            return Err(Failure::because(RPC_E_OUT_OF_RESOURCES, "no thread for the apartment"));
        }
        Ok(())
    }

    /// There is work: sees to it that a thread comes for it.
    #[inline]
    fn summon(&self) {
        let mut pool = self.pool();
        loop {
            let (next, summons) = pool.summon(self.size);
            if summons == Summons::Nobody {
                return;
            }
            match self.pool.compare_exchange_weak(pool.0, next.0, Ordering::SeqCst, Ordering::SeqCst) {
                Err(seen) => pool = Pool(seen),
                Ok(_) if summons == Summons::Wake => {
                    self.permits.fetch_add(1, Ordering::SeqCst);
                    return wake_one(&self.permits);
                }
                Ok(_) => {
                    // Without a further thread those that are there do the work.
                    self.start();
                    return;
                }
            }
        }
    }

    /// Starts a thread that was counted already.
    #[cold]
    fn start(&self) -> bool {
        let apartment = Self::clone(self);
        let worker = Arc::new(Worker { current: AtomicU64::new(0) });
        lock(&self.workers).push(Arc::clone(&worker));
        let mine = Arc::clone(&worker);
        if spawn(&self.name, move || Shift { apartment, worker: mine, spinner: Spinner::new() }.serve()).is_ok() {
            return true;
        }
        self.dismiss(&worker);
        self.change(|pool| Some(pool.leave()));
        false
    }
}

impl Multi {
    fn dismiss(&self, worker: &Arc<Worker>) {
        lock(&self.workers).retain(|other| !Arc::ptr_eq(other, worker));
    }
}

/// A thread at work.
struct Shift {
    apartment: Arc<Multi>,
    worker: Arc<Worker>,
    spinner: Spinner,
}

impl Shift {
    /// The thread's life. It starts as a searcher.
    fn serve(mut self) {
        let mut searching = true;
        loop {
            while let Some(execution) = self.take() {
                if searching {
                    searching = false;
                    self.apartment.change(|pool| Some(pool.found()));
                    if !self.apartment.queue.is_empty() {
                        self.apartment.summon();
                    }
                }
                self.run(execution);
            }
            if self.apartment.is(CLOSED | ORPHANED) {
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

    fn take(&self) -> Option<&'static Execution> {
        let execution = self.apartment.queue.take(|execution| {
            let (generation, _) = execution.read();
            self.worker.current.store(execution.handle(generation).pack(), Ordering::Release);
        })?;
        self.apartment.give_place(1);
        Some(execution)
    }

    fn run(&self, execution: &'static Execution) {
        execution.run(&self.apartment);
        self.worker.current.store(0, Ordering::Release);
        if self.apartment.is(CLOSED) {
            self.apartment.quiet.signal();
        }
        if self.apartment.queue.is_drained() {
            // Who waited for this answer needs longer than this to send more; who did not sends more
            // meanwhile, which is then taken at one go.
            for _ in 0..GATHER {
                std::hint::spin_loop();
            }
        }
    }

    /// Spins for work while that pays.
    fn search(&mut self) -> bool {
        let apartment = &self.apartment;
        self.spinner.spin(|| !apartment.queue.is_empty() || apartment.is(CLOSED | ORPHANED))
    }

    fn sleep(&self, searching: bool) -> Rest {
        let apartment = &*self.apartment;
        apartment.change(|pool| Some(pool.sleep(searching)));
        if !apartment.queue.is_empty() && apartment.change(Pool::rise) {
            return Rest::Awake;
        }
        let mut linger = Deadline::after_ms(LINGER);
        loop {
            let take = |permits: u32| permits.checked_sub(1);
            if apartment.permits.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok() {
                // Closing gives permits without counting: then the thread ends, counted or not.
                return Rest::Awake;
            }
            if wait(&apartment.permits, 0, linger) == Wake::TimedOut {
                // A thread of the regular number sleeps on without a clock.
                linger = Deadline::NEVER;
                if apartment.change(Pool::rise) {
                    if apartment.change(|pool| pool.shrink(apartment.size)) {
                        return Rest::Over;
                    }
                    apartment.change(|pool| Some(pool.sleep(true)));
                    if !apartment.queue.is_empty() && apartment.change(Pool::rise) {
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
    pub(super) fn running(&self) -> Option<Handle> {
        match self.current.load(Ordering::SeqCst) {
            0 => None,
            packed => Some(Handle::unpack(packed)),
        }
    }
}

/// Whether this is the apartment of that identity.
pub(super) fn is_same(apartment: &Arc<Multi>, identity: usize) -> bool {
    ptr::eq(Arc::as_ptr(apartment), identity as *const Multi)
}
