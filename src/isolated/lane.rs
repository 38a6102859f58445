//! The short way to the one child of an object: see [`Lane`].

use super::baton::{Baton, Beside, Next};
use super::channel::Region;
use super::child::{Child, Glance, Work};
use super::pool::{Leg, Pool, Underway};
use super::warden::Life;
use crate::buffer::Room;
use crate::execution::{Execution, Launch, Server, spin};
use crate::frame::this_thread;
use crate::handle::{Generation, process};
use crate::hresult::Hresult;
use crate::monitor;
use crate::object::{Flight, Home, Lane, Post};
use crate::process::{this_cpu, wait_for_some};
use crate::state::{CANCEL, OBSERVED, WAITERS};
use crate::sync::{Arc, AtomicU32, Mutex, Ordering, Wake, lock};
use crate::time::Deadline;
use std::cell::{Cell, UnsafeCell};

/// See the module.
pub struct Track {
    baton: Baton,
    /// The processor that the child ran on when this was last known.
    child_cpu: AtomicU32,
    /// Where it was made: the child of a fork has no part in it.
    process: u32,
    berth: UnsafeCell<Berth>,
    /// What the apartment's thread hears while it sleeps.
    heard: Mutex<Option<Heard>>,
}

// SAFETY: the berth is touched by who holds or owns the baton.
unsafe impl Sync for Track {}

#[derive(Default)]
struct Berth {
    child: Option<Box<Child>>,
    sent: Option<Sent>,
}

impl Berth {
    /// Starts an execution and sends it to the child, or leaves it to the apartment's thread. What it gives back is
    /// over already.
    fn launch(&mut self, execution: &'static Execution) -> Option<Launch> {
        let (generation, _) = execution.read();
        let server = Server { execution, generation };
        let leg = match (&mut self.child, execution.launch(generation)) {
            (Some(child), Launch::Start(method, input)) => match child.post(server, method, input) {
                Ok(errand) => Leg::UnderWay(errand),
                Err(work) => Leg::Over(work),
            },
            (_, Launch::Later) => Leg::New,
            (_, over) => return Some(over),
        };
        self.sent = Some(Sent { server, leg });
        None
    }

    /// What was taken from the queue goes by the lane, or waits there for the apartment's thread.
    fn go_by(&mut self, next: &'static Execution) -> Option<Launch> {
        let (generation, state) = next.read();
        if state.has(OBSERVED) || next.is_started() || monitor::is_on() {
            self.sent = Some(Sent { server: Server { execution: next, generation }, leg: Leg::New });
            return None;
        }
        self.launch(next)
    }
}

struct Sent {
    server: Server,
    leg: Leg,
}

#[derive(Clone)]
struct Heard {
    region: Arc<Region>,
    life: Arc<Life>,
    lull: u32,
}

impl Heard {
    fn is_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.life, &other.life)
    }
}

/// What others may want of a holder.
struct Wants<'a> {
    /// `None`: there is no object, and so nobody.
    home: Option<&'a dyn Home>,
    server: Option<Server>,
}

impl Beside for Wants<'_> {
    fn has_queued(&self) -> bool {
        self.home.is_some_and(Home::has_queued)
    }

    fn is_awaited(&self) -> bool {
        let state = self.server.and_then(|server| server.execution.state_in_order(server.generation));
        state.is_some_and(|state| state.any(CANCEL | WAITERS | OBSERVED))
    }

    fn summon(&self) {
        if let Some(home) = self.home {
            home.summon();
        }
    }
}

impl Track {
    pub fn new() -> Self {
        Self {
            baton: Baton::new(),
            child_cpu: AtomicU32::new(u32::MAX),
            process: process(),
            berth: UnsafeCell::new(Berth::default()),
            heard: Mutex::new(None),
        }
    }

    /// # Safety
    /// The lane is the caller's.
    #[allow(clippy::mut_from_ref, reason = "the baton makes it the only one")]
    unsafe fn berth(&self) -> &mut Berth {
        // SAFETY: the caller's promise.
        unsafe { &mut *self.berth.get() }
    }

    /// Gives it back.
    fn release(&self, home: &dyn Home) {
        // SAFETY: held.
        let (next, server) = match unsafe { self.berth() }.sent.as_ref() {
            None => (Next::Nothing, None),
            Some(Sent { server, leg: Leg::UnderWay(_) }) => (Next::Flies, Some(*server)),
            Some(_) => (Next::Calls, None),
        };
        self.baton.give(next, &Wants { home: Some(home), server });
    }

    /// The same, by somebody who is at no call.
    fn let_go(&self, pool: &Pool) {
        if let Some(lease) = pool.lease() {
            return self.release(lease.home());
        }
        self.baton.give(Next::Nothing, &Wants { home: None, server: None });
    }

    /// Gives it back; the apartment's thread is to come.
    fn hand_over(&self, home: &dyn Home) {
        self.baton.give(Next::Calls, &Wants { home: Some(home), server: None });
    }

    /// The child is dead: makes room for another one.
    fn bury(&self, pool: &Pool, dead: &Heard) {
        // Heard of once: whoever holds the lane sees it when giving it back.
        lock(&self.heard).take_if(|heard| heard.is_of(dead));
        self.baton.ring();
        if self.baton.hold_free() {
            self.install(pool);
            self.let_go(pool);
            pool.top_up_later();
        }
    }

    /// Takes a child that has nothing to do back into the pool, for it to decide whether it stays.
    pub fn give_up(&self, pool: &Pool) {
        if !self.baton.hold_free() {
            return;
        }
        // SAFETY: held.
        let child = unsafe { self.berth() }.child.take();
        *lock(&self.heard) = None;
        self.let_go(pool);
        if let Some(child) = child {
            pool.lay_aside(child);
        }
    }

    /// Takes a child out of the pool.
    fn install(&self, pool: &Pool) {
        let child = pool.take_ready();
        *lock(&self.heard) = child.as_ref().map(|child| Heard {
            region: Arc::clone(&child.theirs),
            life: Arc::clone(&child.life),
            lull: child.theirs.to_host().rare.lull.load(Ordering::SeqCst),
        });
        // SAFETY: the caller's.
        unsafe { self.berth() }.child = child;
    }
}

impl Pool {
    fn track(&self) -> &Track {
        self.track.as_ref().unwrap_or_else(|| unreachable!("asked for only where there is one"))
    }

    /// Looks at the child, while the lane is held; whoever gets an answer sends the next call first. No: there was
    /// something to see, and the lane was given back.
    fn sees_nothing(&self, home: &dyn Home) -> bool {
        let track = self.track();
        // SAFETY: held.
        let berth = unsafe { track.berth() };
        let (Some(child), Some(Sent { server, leg: Leg::UnderWay(errand) })) = (&mut berth.child, &mut berth.sent)
        else {
            track.hand_over(home);
            return false;
        };
        // What it rang for is seen now.
        track.baton.was_rung();
        match child.look(*server, errand) {
            None => return true,
            Some(Glance::Ended(Work::Answered(result))) => {
                track.child_cpu.store(child.cpu(), Ordering::Relaxed);
                let server = *server;
                berth.sent = None;
                self.go_on(home, server, result);
            }
            Some(Glance::Ended(work)) => {
                berth.sent = Some(Sent { server: *server, leg: Leg::Over(work) });
                track.hand_over(home);
            }
            Some(Glance::Disturbed) => track.hand_over(home),
        }
        false
    }

    /// A method has ended: sends the next one, gives the lane back, and tells of the end.
    fn go_on(&self, home: &dyn Home, server: Server, result: Hresult) {
        let track = self.track();
        // SAFETY: held.
        let berth = unsafe { track.berth() };
        if self.terms.idle_ms != 0
            && let Some(child) = &mut berth.child
        {
            child.idle_since = crate::time::now();
        }
        let over = self.send_next(home, berth);
        track.release(home);
        server.execution.land(server.generation, result);
        if let Some((next, over)) = over {
            // Canceled while it was queued; what comes after it is the apartment's thread's.
            next.dismiss(over);
        }
    }

    /// Sends what is queued next, while the lane is held; gives back what was over before.
    fn send_next(&self, home: &dyn Home, berth: &mut Berth) -> Option<(&'static Execution, Launch)> {
        if !berth.child.as_ref().is_some_and(|child| self.is_fresh(child)) || !home.has_queued() {
            return None;
        }
        home.take_queued().and_then(|next| berth.go_by(next).map(|over| (next, over)))
    }

    fn help(&self, home: &dyn Home, holds: &Cell<bool>) {
        if !holds.get() {
            if self.track().process != process() || !self.track().baton.help() {
                return;
            }
            holds.set(true);
        }
        if !self.sees_nothing(home) {
            holds.set(false);
        }
    }
}

impl Lane for Pool {
    fn lend(&self, home: &dyn Home, len: usize) -> Option<Room> {
        let track = self.track();
        if track.process != process() || !track.baton.hold_free() {
            return None;
        }
        // SAFETY: held.
        let child = unsafe { track.berth() }.child.as_ref();
        // Of a child that may run no call more, or not this one, the input is none of its business.
        let room = child.filter(|child| self.is_fresh(child) && !home.has_queued()).and_then(|child| child.lend(len));
        track.release(home);
        room
    }

    fn send(&self, home: &dyn Home, execution: &'static Execution) -> bool {
        let track = self.track();
        if !track.baton.hold_free() {
            return false;
        }
        // SAFETY: held.
        let berth = unsafe { track.berth() };
        let ready = berth.child.as_ref().is_some_and(|child| self.is_fresh(child));
        let plain = !execution.read().1.any(OBSERVED) && !monitor::is_on();
        let sends = ready && plain && !home.has_queued();
        let mut over = None;
        if sends {
            over = berth.launch(execution);
        }
        track.release(home);
        if let Some(over) = over {
            execution.dismiss(over);
        }
        sends
    }

    fn queued(&self, home: &dyn Home, execution: &'static Execution) {
        let urgent = execution.read().1.any(OBSERVED | CANCEL) || monitor::is_on();
        self.track().baton.queued(&Wants { home: Some(home), server: None }, urgent);
    }

    fn disturb(&self, home: &dyn Home) {
        self.track().baton.call(&Wants { home: Some(home), server: None });
    }

    fn glance(&self, home: &dyn Home) {
        let holds = Cell::new(false);
        self.help(home, &holds);
        if holds.get() {
            self.track().release(home);
        }
    }

    fn spin(
        &self,
        home: &dyn Home,
        (execution, generation): (&'static Execution, Generation),
        other: &dyn Fn() -> bool,
    ) -> bool {
        let holds = Cell::new(false);
        if self.track().child_cpu.load(Ordering::Relaxed) == this_cpu() {
            self.glance(home);
            return execution.is_done(generation) || other();
        }
        let reached = || execution.is_done(generation) || other();
        let spun = spin(|| {
            reached() || {
                self.help(home, &holds);
                !holds.get() && reached()
            }
        });
        if holds.get() {
            self.track().release(home);
        }
        spun
    }

    fn park(
        &self,
        home: &dyn Home,
        (execution, generation): (&'static Execution, Generation),
        deadline: Deadline,
    ) -> bool {
        let track = self.track();
        let mut holds = false;
        while !execution.is_done(generation) && !deadline.passed() {
            if !holds && (track.process != process() || !track.baton.hold_flying()) {
                return execution.park_done(generation, deadline);
            }
            holds = true;
            // SAFETY: held.
            let berth = unsafe { track.berth() };
            let own =
                |sent: &Sent| std::ptr::eq(sent.server.execution, execution) && matches!(sent.leg, Leg::UnderWay(_));
            let Some(child) = berth.child.as_ref().filter(|_| berth.sent.as_ref().is_some_and(own)) else {
                track.release(home);
                return execution.park_done(generation, deadline);
            };
            let (rung, watched) = (child.rung(), execution.watch());
            if self.sees_nothing(home) {
                // SAFETY: still held.
                if let Some(child) = &unsafe { track.berth() }.child {
                    child.sleep_beside(Server { execution, generation }, rung, watched, deadline);
                }
            } else {
                holds = false;
            }
        }
        if holds {
            track.release(home);
        }
        execution.is_done(generation)
    }

    fn has_work(&self, queued: bool) -> bool {
        self.track().baton.has_work(queued)
    }

    fn claim(&self) -> bool {
        self.track().baton.own(this_thread())
    }

    fn flight(&self) -> Option<Flight> {
        let track = self.track();
        // SAFETY: owned.
        let berth = unsafe { track.berth() };
        let (child, sent) = (berth.child.take(), berth.sent.take());
        let Some(sent) = sent else {
            if let Some(child) = child {
                self.put_aside(child);
            }
            return None;
        };
        let Sent { server: Server { execution, generation }, leg } = sent;
        let post = match (child, leg) {
            (Some(child), Leg::New) => {
                self.put_aside(child);
                None
            }
            (Some(child), leg) => Some(Box::new(Underway { child, leg }) as Box<dyn Post>),
            (None, _) => None,
        };
        Some(Flight { execution, generation, post })
    }

    fn is_mine(&self) -> bool {
        self.track().baton.is_owned_by(this_thread())
    }

    fn is_wanted(&self) -> bool {
        self.track().baton.is_wanted()
    }

    fn leave(&self, home: &dyn Home, ready: bool) {
        let track = self.track();
        if !self.is_mine() {
            return;
        }
        track.baton.hold_owned();
        let mut over = None;
        if ready {
            track.install(self);
            // SAFETY: held.
            over = self.send_next(home, unsafe { track.berth() });
        }
        track.release(home);
        if let Some((next, over)) = over {
            next.dismiss(over);
        }
    }

    fn sleep(&self, permits: &AtomicU32, deadline: Deadline) -> Wake {
        let track = self.track();
        let mut words = vec![(permits, 0, false)];
        let heard = lock(&track.heard).clone();
        if let Some(heard) = &heard {
            let lull = heard.region.to_host().rare.lull.load(Ordering::SeqCst);
            if lull != heard.lull {
                if let Some(noted) = lock(&track.heard).as_mut().filter(|noted| noted.is_of(heard)) {
                    noted.lull = lull;
                }
                track.baton.ring();
                return Wake::Look;
            }
            if heard.life.is_over() {
                track.bury(self, heard);
                return Wake::Look;
            }
            words.push((&heard.region.to_host().rare.lull, lull, true));
            words.push((heard.life.word(), 0, false));
        }
        wait_for_some(&words, deadline, !track.baton.is_busy());
        if deadline.passed() { Wake::TimedOut } else { Wake::Look }
    }
}
