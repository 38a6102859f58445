//! The children of one object: those that run its methods, and those that wait to.

use super::child::{Child, Errand, Stage, Work, lost_result};
use super::lane::Track;
use super::plan::Plan;
use super::warden::{Warden, host_program, look_after, warden};
use crate::execution::{Execution, LANES, Server};
use crate::handle::Generation;
use crate::hresult::{
    CO_E_SERVER_EXEC_FAILURE, Complaint, E_OUTOFMEMORY, Hresult, RPC_E_CALL_CANCELED, RPC_E_SERVER_DIED_DNE,
};
use crate::object::{Ending, Lane, Lease, Post, Prepared, Remote};
use crate::process::share_memory;
use crate::signal::Kept;
use crate::state::DONE;
use crate::sync::{Arc, Mutex, Ordering, Weak, lock};
use crate::time::{Deadline, Nanoseconds, now};
use std::ffi::CString;

/// How children are used.
#[derive(Clone, Copy)]
pub struct Terms {
    /// Methods at once.
    pub workers: u32,
    /// Children that wait beside those at work.
    pub spares: u32,
    /// How long a child stays without work, in milliseconds; 0: for good.
    pub idle_ms: u32,
    /// Methods that one child runs before another takes its place; 0: no end.
    pub calls_per_child: u32,
    /// How long a child may take to be ready.
    pub start_ms: u32,
    /// How long a child has between being asked to end and being killed.
    pub term_ms: u32,
    /// How long a region that no cancel interrupts holds up a kill.
    pub region_ms: u32,
    /// A method that was abandoned goes on.
    pub abandon: bool,
}

/// See the module.
pub struct Pool {
    pub(super) terms: Terms,
    host: CString,
    plan_file: Kept,
    plan_len: u64,
    me: Weak<Pool>,
    desk: Mutex<Desk>,
    /// Where methods run one at a time.
    pub(super) track: Option<Track>,
    /// Where the object lives.
    lease: Mutex<Option<Weak<dyn Lease>>>,
}

#[derive(Default)]
struct Desk {
    /// The last one was used last.
    #[allow(clippy::vec_box, reason = "a child is handed from hand to hand in its box")]
    idle: Vec<Box<Child>>,
    /// Children that died before they were ready, one after the other.
    stillborn: u32,
    last_death: Nanoseconds,
    /// Children have gone because there was nothing to do, and there has been nothing since: no spare is started.
    rests: bool,
}

/// As many children in a row that never were ready are a fault that lasts.
const ENOUGH: u32 = 3;
/// How long such a fault is believed in without another try, in nanoseconds.
const BELIEF: Nanoseconds = 1_000_000_000;

/// The names of methods.
type Names = Vec<Box<[u8]>>;

/// What came of looking for a child.
enum Found {
    Child(Box<Child>),
    /// The call is over.
    Over,
    None(Complaint),
}

impl Pool {
    /// A pool with its first child, which is ready, and the names of its methods.
    pub fn open(mut plan: Plan, host: Option<CString>, terms: Terms) -> Result<(Arc<Self>, Names), Complaint> {
        let host = host.map_or_else(host_program, Ok)?;
        if plan.program.is_empty() {
            plan.program = host.to_bytes().to_vec();
            plan.arguments = vec![plan.program.clone(), b"--work".to_vec()];
        }
        let bytes = plan.write();
        let none = || Complaint::new(CO_E_SERVER_EXEC_FAILURE, "no memory to start a child process with".to_owned());
        let (mapping, file) = share_memory(bytes.len(), true).ok_or_else(none)?;
        // SAFETY: new memory, of that length.
        unsafe { mapping.base().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        let plan_file = Kept::new(file)?;
        let plan_len = bytes.len() as u64;
        let desk = Mutex::new(Desk::default());
        let track = (terms.workers == 1).then(Track::new);
        LANES.store(1, Ordering::Relaxed);
        let pool = Arc::new_cyclic(|me| {
            let (me, lease) = (Weak::clone(me), Mutex::new(None));
            Self { terms, host, plan_file, plan_len, me, desk, track, lease }
        });
        let mut child = match pool.find(None) {
            Found::Child(child) => child,
            Found::Over => return Err(none()),
            Found::None(complaint) => return Err(complaint),
        };
        let methods = child.methods()?;
        pool.put_aside(child);
        Ok((pool, methods))
    }

    /// The object that the children are for lives there; from now on they are looked after.
    pub fn settle_in(self: &Arc<Self>, lease: &Arc<dyn Lease>) {
        *lock(&self.lease) = Some(Arc::downgrade(lease));
        look_after(self);
        self.top_up_later();
    }

    /// Where the object lives, if it does.
    pub(super) fn lease(&self) -> Option<Arc<dyn Lease>> {
        lock(&self.lease).as_ref().and_then(Weak::upgrade)
    }

    /// Takes a child that can be sent something at once.
    pub(super) fn take_ready(&self) -> Option<Box<Child>> {
        let mut child = lock(&self.desk).idle.pop()?;
        if !child.is_dead() && matches!(child.stage(), Stage::Ready) {
            return Some(child);
        }
        lock(&self.desk).idle.insert(0, child);
        None
    }

    /// Whether a child may run another method.
    pub(super) fn is_fresh(&self, child: &Child) -> bool {
        !child.is_dead() && (self.terms.calls_per_child == 0 || child.calls < self.terms.calls_per_child)
    }

    fn warden(&self) -> Result<Arc<Warden>, Complaint> {
        warden(&self.host)
    }

    fn start(&self) -> Result<Box<Child>, Complaint> {
        let plan = (self.plan_file.number(), self.plan_len);
        Child::start(Weak::clone(&self.me), self.warden()?, plan).map(Box::new)
    }

    /// A child that is ready, for a call or for nobody in particular.
    fn find(&self, call: Option<(&'static Execution, Generation)>) -> Found {
        let mut tries = 0;
        loop {
            let idle = lock(&self.desk).idle.pop();
            let reused = idle.is_some();
            let child = idle.map_or_else(|| self.start_if_worth_it(), Ok);
            let mut child = match child {
                Ok(child) => child,
                Err(complaint) => return Found::None(complaint),
            };
            match self.until_ready(&mut child, call) {
                None => {
                    self.put_aside(child);
                    return Found::Over;
                }
                Some(Stage::Ready) if child.is_dead() => {}
                Some(Stage::Ready) => {
                    let mut desk = lock(&self.desk);
                    (desk.stillborn, desk.rests) = (0, false);
                    let short = desk.idle.len() < self.terms.spares as usize;
                    drop(desk);
                    if reused && short && call.is_some() {
                        self.top_up_later();
                    }
                    return Found::Child(child);
                }
                Some(Stage::Refused(complaint)) => return Found::None(complaint),
                Some(_) => {
                    let complaint = self.bury_stillborn(&child);
                    tries += 1;
                    if tries >= ENOUGH {
                        return Found::None(complaint);
                    }
                }
            }
        }
    }

    fn bury_stillborn(&self, child: &Child) -> Complaint {
        let mut desk = lock(&self.desk);
        desk.stillborn += 1;
        desk.last_death = now();
        let text = format!("no child process became ready: {}", child.last_words());
        Complaint::new(RPC_E_SERVER_DIED_DNE, text)
    }

    fn start_if_worth_it(&self) -> Result<Box<Child>, Complaint> {
        let desk = lock(&self.desk);
        if desk.stillborn >= ENOUGH && now() - desk.last_death < BELIEF {
            let text = format!("the last {} child processes died before they were ready", desk.stillborn);
            return Err(Complaint::new(RPC_E_SERVER_DIED_DNE, text));
        }
        drop(desk);
        self.start()
    }

    /// Waits until it is known whether a child can serve; `None`: the call is over.
    fn until_ready(&self, child: &mut Child, call: Option<(&'static Execution, Generation)>) -> Option<Stage> {
        let patience = child.patience(self.terms.start_ms);
        loop {
            let watched = call.map(|(execution, _)| execution.watch());
            match child.stage() {
                Stage::Starting => {}
                other => return Some(other),
            }
            let state = call.and_then(|(execution, generation)| execution.state_of(generation));
            if state.is_some_and(|state| state.has(DONE)) || (call.is_some() && state.is_none()) {
                return None;
            }
            if patience.passed() {
                child.end();
                return Some(Stage::Dead);
            }
            match (call, state) {
                (Some((execution, generation)), Some(state)) => {
                    if execution.keep_watch(generation, state) {
                        child.await_start(watched, patience);
                    }
                }
                _ => child.await_start(None, patience),
            }
        }
    }

    /// Puts a child aside that has nothing to do.
    pub(super) fn put_aside(&self, mut child: Box<Child>) {
        if child.is_dead() {
            return;
        }
        if self.terms.calls_per_child != 0 && child.calls >= self.terms.calls_per_child {
            drop(child);
            return self.top_up_later();
        }
        child.idle_since = now();
        let mut desk = lock(&self.desk);
        let most = (self.terms.workers + self.terms.spares) as usize;
        let left_over = if desk.idle.len() >= most {
            Some(child)
        } else {
            desk.idle.push(child);
            None
        };
        drop(desk);
        drop(left_over);
    }

    /// The same, of one that had nothing to do before.
    pub(super) fn lay_aside(&self, child: Box<Child>) {
        lock(&self.desk).idle.push(child);
    }

    pub(super) fn top_up_later(&self) {
        if let Ok(warden) = self.warden() {
            warden.send_errand();
        }
    }

    /// Starts what is missing of the spares, and lets go of what has had nothing to do for long; gives the time
    /// of the next look.
    pub fn look_after(&self) -> Deadline {
        let (mut gone, mut next) = (Vec::new(), Deadline::NEVER);
        if self.terms.idle_ms != 0
            && let Some(track) = &self.track
        {
            track.give_up(self);
        }
        let mut desk = lock(&self.desk);
        let is_dead = |child: &mut Box<Child>| child.is_dead();
        gone.extend(desk.idle.extract_if(.., is_dead));
        if self.terms.idle_ms != 0 {
            let span = u64::from(self.terms.idle_ms) * 1_000_000;
            let reading = now();
            let alive = gone.len();
            gone.extend(desk.idle.extract_if(.., |child| child.idle_since + span <= reading));
            desk.rests |= gone.len() > alive;
            // One that is put aside meanwhile is looked at then: nobody is woken for that.
            let first = desk.idle.iter().map(|child| child.idle_since).min().unwrap_or(reading);
            next = Deadline::at(first + span);
        }
        let missing =
            if gone.is_empty() && !desk.rests { self.terms.spares.saturating_sub(desk.idle.len() as u32) } else { 0 };
        let worth_it = desk.stillborn < ENOUGH;
        drop(desk);
        drop(gone);
        for _ in 0..if worth_it { missing } else { 0 } {
            let Ok(mut child) = self.start() else { break };
            child.idle_since = now();
            // Whoever needs one now takes one that is ready.
            lock(&self.desk).idle.insert(0, child);
        }
        next
    }

    /// Has a child run the method of a call; another one, where that one died before it was entered.
    fn run(&self, mut child: Box<Child>, mut leg: Leg, server: Server, method: u32, input: &[u8]) -> Ending {
        let mut tries = 0;
        loop {
            let work = match std::mem::replace(&mut leg, Leg::New) {
                Leg::New => child.work(&self.terms, server, method, input),
                Leg::UnderWay(mut errand) => child.attend(&self.terms, server, &mut errand),
                Leg::Over(work) => work,
            };
            let (entered, rubbish, forced) = match work {
                Work::Answered(result) => {
                    self.put_aside(child);
                    return Ending::Returned(result);
                }
                Work::NoRoom => {
                    self.put_aside(child);
                    return Ending::Lost { result: E_OUTOFMEMORY, entered: false, forced: false };
                }
                Work::NotEntered => {
                    self.put_aside(child);
                    return Ending::Lost { result: canceled_result(server), entered: false, forced: false };
                }
                Work::Lost { entered, rubbish, forced } => (entered, rubbish, forced),
            };
            if rubbish && !child.is_dead() {
                child.end();
            }
            let text = child.last_words();
            drop(child);
            self.top_up_later();
            let call = (server.execution, server.generation);
            let is_done = call.0.state_of(call.1).is_none_or(|state| state.has(DONE));
            tries += 1;
            if entered || rubbish || forced || is_done || tries >= ENOUGH {
                // Refused only where nobody will read it.
                let _ = server.set_error(text);
                return Ending::Lost { result: lost_result(entered, rubbish), entered: entered || rubbish, forced };
            }
            child = match self.find(Some(call)) {
                Found::Child(another) => another,
                Found::Over => return Ending::Lost { result: canceled_result(server), entered: false, forced: false },
                Found::None(complaint) => {
                    let _ = server.set_error(complaint.text);
                    return Ending::Lost { result: complaint.code, entered: false, forced: false };
                }
            };
        }
    }
}

/// How far a call is with a child.
pub enum Leg {
    New,
    UnderWay(Errand),
    Over(Work),
}

/// A call that was sent to a child.
pub struct Underway {
    pub child: Box<Child>,
    pub leg: Leg,
}

/// The result of a call that was canceled before its method was entered.
fn canceled_result(server: Server) -> Hresult {
    let state = server.execution.state_of(server.generation);
    state.map_or(RPC_E_CALL_CANCELED, crate::state::State::abandoned_result)
}

impl Remote for Pool {
    fn forces(&self) -> bool {
        !self.terms.abandon
    }

    fn prepare(&self, execution: &'static Execution, generation: Generation) -> Prepared {
        match self.find(Some((execution, generation))) {
            Found::Child(child) => Prepared::Ready(child),
            Found::Over => Prepared::Over,
            Found::None(complaint) => Prepared::Failed(complaint),
        }
    }

    fn lane(&self) -> Option<&dyn Lane> {
        self.track.as_ref().map(|_| self as &dyn Lane)
    }
}

impl Child {
    fn run_from(self: Box<Self>, leg: Leg, server: Server, method: u32, input: &[u8]) -> Ending {
        match self.pool.upgrade() {
            Some(pool) => pool.run(self, leg, server, method, input),
            // The object, which keeps the pool, lives while its method runs.
            None => Ending::Lost { result: RPC_E_SERVER_DIED_DNE, entered: false, forced: false },
        }
    }

    fn return_to_pool(self: Box<Self>) {
        if let Some(pool) = self.pool.upgrade() {
            pool.put_aside(self);
        }
    }
}

impl Post for Underway {
    fn run(self: Box<Self>, server: Server, method: u32, input: &[u8]) -> Ending {
        self.child.run_from(self.leg, server, method, input)
    }

    fn give_back(self: Box<Self>) {
        self.child.return_to_pool();
    }
}

impl Post for Child {
    fn run(self: Box<Self>, server: Server, method: u32, input: &[u8]) -> Ending {
        self.run_from(Leg::New, server, method, input)
    }

    fn give_back(self: Box<Self>) {
        self.return_to_pool();
    }
}
