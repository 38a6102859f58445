//! Apartments that one thread serves: the thread that made it, by pumping (single), or one of the
//! library's (serial). It runs one method at a time, and others while that one waits for a call.

use super::desk::{CLOSED, Desk, ORPHANED};
use super::{Apartment, Settings};
use crate::event::Event;
use crate::execution::{Execution, Grace};
use crate::frame::{self, Frame, Served};
use crate::handle::{Generation, Handle};
use crate::hresult::{Failure, RPC_E_OUT_OF_RESOURCES, RPC_E_WRONG_THREAD};
use crate::monitor::spawn;
use crate::object::Home;
use crate::signal::Signal;
use crate::spin::Spinner;
use crate::sync::{Arc, AtomicPtr, AtomicU32, AtomicU64, Backoff, Mutex, Ordering, Wake, Weak, lock};
use crate::time::Deadline;
use std::ptr;

/// See the module.
pub struct Solo {
    desk: Desk,
    /// The thread that serves; 0: not yet there.
    owner: AtomicU64,
    /// The library's thread: 0 not needed, 1 not started, 2 started.
    started: AtomicU32,
    starting: Mutex<()>,
    /// 1: the owner waits too deep inside other waits to serve.
    paused: AtomicU32,
    /// What the owner sleeps on; NULL: it is awake, or elsewhere.
    sleeper: AtomicPtr<Event>,
    event: Event,
    /// The methods on the owner's stack, outermost first, packed as handles.
    running: Mutex<Vec<u64>>,
    /// Readable while calls are queued, for the owner's event loop.
    signal: Signal,
    name: String,
    me: Weak<Solo>,
}

const PUMPED: u32 = 0;
const NOT_STARTED: u32 = 1;
const STARTED: u32 = 2;

impl Solo {
    fn new(settings: Settings, owner: u64, started: u32) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            desk: Desk::new(settings.queue_limit),
            owner: AtomicU64::new(owner),
            started: AtomicU32::new(started),
            starting: Mutex::new(()),
            paused: AtomicU32::new(0),
            sleeper: AtomicPtr::new(ptr::null_mut()),
            event: Event::new(),
            running: Mutex::new(Vec::new()),
            signal: Signal::new(),
            name: settings.name,
            me: Weak::clone(me),
        })
    }

    /// A single-threaded apartment of the calling thread, which serves it by pumping and waiting.
    pub fn of_this_thread(settings: Settings) -> Arc<Self> {
        let solo = Self::new(settings, frame::this_thread(), PUMPED);
        frame::serve_here(Weak::clone(&solo.me) as Weak<dyn Served>);
        solo
    }

    /// A serial apartment; its thread starts with the first call.
    pub fn of_the_library(settings: Settings) -> Arc<Self> {
        Self::new(settings, 0, NOT_STARTED)
    }

    /// Starts the library's thread if there is to be one; others wait until it is there, or is known
    /// not to come.
    #[inline]
    fn ensure_served(&self) -> Result<(), Failure> {
        if self.started.load(Ordering::Acquire) == NOT_STARTED { self.start() } else { Ok(()) }
    }

    #[cold]
    fn start(&self) -> Result<(), Failure> {
        let _starting = lock(&self.starting);
        if self.started.load(Ordering::Acquire) == NOT_STARTED
            && let Some(me) = self.me.upgrade()
        {
            spawn(&self.name, move || me.serve_for_good())
                .map_err(|_| Failure::because(RPC_E_OUT_OF_RESOURCES, "no thread for the apartment"))?;
            self.started.store(STARTED, Ordering::Release);
        }
        Ok(())
    }

    /// The life of the library's thread.
    fn serve_for_good(self: Arc<Self>) {
        self.owner.store(frame::this_thread(), Ordering::Release);
        frame::serve_here(Weak::clone(&self.me) as Weak<dyn Served>);
        let mut spinner = Spinner::new();
        while !self.desk.is(CLOSED | ORPHANED) {
            let ready = || self.has_work() || self.desk.is(CLOSED | ORPHANED);
            if self.serve(&|| false) == 0 && !spinner.spin(ready) {
                self.sleep(Deadline::NEVER);
            }
        }
    }

    /// Sleeps until there is work, the apartment is closed, or the deadline: false.
    fn sleep(&self, deadline: Deadline) -> bool {
        let seen = self.event.count();
        let before = self.watch(&self.event);
        let slept = if self.has_work() || self.desk.is(CLOSED | ORPHANED) {
            Wake::Look
        } else {
            self.event.sleep(seen, deadline)
        };
        self.watch_again(before);
        slept == Wake::Look
    }

    /// Wakes the owner if it sleeps.
    #[inline]
    fn wake_owner(&self) {
        // SAFETY: NULL, or an event of this apartment or of an execution; the owner takes it back
        // before it goes on, an execution's event is never freed, and ours lives with us.
        if let Some(event) = unsafe { self.sleeper.load(Ordering::SeqCst).as_ref() } {
            event.signal();
        }
        self.signal.raise();
    }

    /// Serves on the owner's thread: what is there, or what comes before the deadline.
    fn pump(&self, deadline: Deadline) -> Result<u32, Failure> {
        if self.started.load(Ordering::Acquire) != PUMPED || self.owner.load(Ordering::Acquire) != frame::this_thread()
        {
            return Err(Failure::because(RPC_E_WRONG_THREAD, "another thread owns the apartment"));
        }
        loop {
            self.desk.open()?;
            let served = Frame::around(self, || self.serve(&|| false));
            if served > 0 || (!self.has_work() && (deadline.is_poll() || !self.sleep(deadline))) {
                return Ok(served);
            }
        }
    }
}

impl Served for Solo {
    fn serve(&self, over: &dyn Fn() -> bool) -> u32 {
        self.signal.clear();
        let mark = self.desk.queue.mark();
        let mut served = 0;
        let note = |execution: &'static Execution| {
            let (generation, _) = execution.read();
            lock(&self.running).push(execution.handle(generation).pack());
        };
        while let Some(execution) = self.desk.take(note) {
            if self.desk.is(CLOSED) {
                // Submitted while it was closed, and taken before the one who submitted it saw that.
                execution.refuse();
            } else {
                served += u32::from(execution.run(Some(self)));
            }
            lock(&self.running).pop();
            self.desk.ended();
            if self.desk.queue.is_served(mark) || over() {
                break;
            }
        }
        if self.has_work() {
            self.signal.raise();
        }
        served
    }

    fn pause(&self, paused: bool) {
        self.paused.store(u32::from(paused), Ordering::SeqCst);
    }

    fn has_work(&self) -> bool {
        !self.desk.queue.is_empty()
    }

    fn watch(&self, event: &Event) -> *mut Event {
        self.sleeper.swap(ptr::from_ref(event).cast_mut(), Ordering::SeqCst)
    }

    fn watch_again(&self, before: *mut Event) {
        self.sleeper.store(before, Ordering::SeqCst);
    }

    fn owner_ends(&self) {
        if self.started.load(Ordering::Acquire) != PUMPED {
            // The library's thread ends because the apartment is closed, which has its own time.
            return;
        }
        (self as &dyn Apartment).shut(0);
    }
}

impl Home for Solo {
    #[inline]
    fn admit(&self) -> Result<(), Failure> {
        self.desk.admit()?;
        self.ensure_served().inspect_err(|_| self.desk.give_places(1))
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
        self.desk.push(execution);
        self.wake_owner();
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

    /// The owner serves while it waits.
    fn block(&self) {}

    fn unblock(&self) {}

    fn can_start(&self, _waiting: u32) -> bool {
        self.paused.load(Ordering::SeqCst) == 0
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn identity(&self) -> usize {
        ptr::from_ref(self) as usize
    }
}

impl Apartment for Solo {
    fn desk(&self) -> &Desk {
        &self.desk
    }

    fn running(&self) -> Vec<Handle> {
        lock(&self.running).iter().map(|&packed| Handle::unpack(packed)).collect()
    }

    fn rouse(&self) {
        self.wake_owner();
    }

    fn pump(&self, deadline: Deadline) -> Result<u32, Failure> {
        Solo::pump(self, deadline)
    }

    fn descriptor(&self) -> Result<i32, Failure> {
        if self.started.load(Ordering::Acquire) != PUMPED {
            return Err(super::SERVES_ITSELF);
        }
        self.signal.descriptor(|| self.has_work())
    }
}
