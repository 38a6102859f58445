//! Seeing what goes on: hooks, counters, and the list of what is in progress. While nothing is asked for,
//! a begin reads one word more and nothing is written.

mod counters;
mod list;
mod probes;

pub use counters::read as counters;
pub use list::{Info, dump, list};
pub use probes::mark;

use crate::execution::{Execution, Observer, Observers};
use crate::handle::Generation;
use crate::state::{CANCEL, Cause, DISABLED, ENDED, KILLED, LOOKED, STARTED, State};
use crate::sync::{Arc, AtomicU32, Global, Mutex, Ordering, lock};
use crate::time::{Nanoseconds, now};
use crate::unwind;
use std::cell::Cell;
use std::ffi::{CString, c_char, c_void};
use std::io;

/// Begins note their time, and everything is counted.
const TRACKING: u32 = 1;
/// A hook is called at each step of a call.
const TRACING: u32 = 2;
/// A hook is called with what somebody should read.
const LOGGING: u32 = 4;
/// Hooks are called where threads of the library start and end.
const THREADS: u32 = 8;

static ON: AtomicU32 = AtomicU32::new(0);
/// How long a canceled method may go on without a look, in milliseconds; 0: as long as it likes.
static LOOK_WITHIN: AtomicU32 = AtomicU32::new(0);

/// A step of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    Begin = 1,
    Start = 2,
    Cancel = 3,
    Complete = 4,
    Finish = 5,
    /// The method has ended after its client had gone on.
    LateEnd = 6,
}

/// `call_trace_fn`.
pub type TraceFn = unsafe extern "C-unwind" fn(user: *mut c_void, step: u32, info: *const c_void);
/// `call_log_fn`.
pub type LogFn = unsafe extern "C-unwind" fn(user: *mut c_void, message: *const c_char);
/// `call_thread_fn`.
pub type ThreadFn = unsafe extern "C-unwind" fn(user: *mut c_void, name: *const c_char);

/// A function of the program's and its pointer.
#[derive(Clone, Copy)]
pub struct Hook<F> {
    pub run: F,
    pub user: *mut c_void,
}

// SAFETY: by the header's contract the functions may run on any thread, with their pointers.
unsafe impl<F> Send for Hook<F> {}

/// What the trace hook is given, made by the boundary from an [`Info`].
pub type Show = fn(&Info, &mut dyn FnMut(*const c_void));

#[derive(Default)]
struct Hooks {
    trace: Option<(Hook<TraceFn>, Show)>,
    log: Option<Hook<LogFn>>,
    thread_start: Option<Hook<ThreadFn>>,
    thread_stop: Option<Hook<ThreadFn>>,
}

static HOOKS: Global<Mutex<Hooks>> = Global::new();

thread_local! {
    /// This thread is in a trace hook, whose own calls are not traced.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// In the child of a fork: nothing is asked for.
pub fn forget() {
    ON.store(0, Ordering::Relaxed);
    LOOK_WITHIN.store(0, Ordering::Relaxed);
    HOOKS.forget();
    counters::forget();
}

fn hooks() -> &'static Mutex<Hooks> {
    HOOKS.get_or_make(|| Mutex::new(Hooks::default()))
}

fn turn(bit: u32, on: bool) {
    if on {
        ON.fetch_or(bit, Ordering::SeqCst);
    } else {
        ON.fetch_and(!bit, Ordering::SeqCst);
    }
}

#[inline]
fn asked_for(bits: u32) -> bool {
    ON.load(Ordering::Relaxed) & bits != 0
}

/// Whether begins carry more than they need for themselves.
#[inline]
pub fn is_on() -> bool {
    asked_for(TRACKING | TRACING)
}

/// Notes times and counts from now on, or no longer.
pub fn set_tracking(on: bool, look_within_ms: u32) {
    LOOK_WITHIN.store(if on { look_within_ms } else { 0 }, Ordering::Relaxed);
    turn(TRACKING, on);
}

pub fn set_trace(hook: Option<(Hook<TraceFn>, Show)>) {
    let on = hook.is_some();
    lock(hooks()).trace = hook;
    turn(TRACING, on);
}

pub fn set_log(hook: Option<Hook<LogFn>>) {
    let on = hook.is_some();
    lock(hooks()).log = hook;
    turn(LOGGING, on);
}

pub fn set_thread_hooks(start: Option<Hook<ThreadFn>>, stop: Option<Hook<ThreadFn>>) {
    let on = start.is_some() || stop.is_some();
    let mut hooks = lock(hooks());
    (hooks.thread_start, hooks.thread_stop) = (start, stop);
    drop(hooks);
    turn(THREADS, on);
}

/// The time of a begin, if that is kept.
pub fn stamp() -> Nanoseconds {
    if asked_for(TRACKING) { now() } else { 0 }
}

/// Whether the steps of what this thread begins are reported and counted.
pub fn traces_here() -> bool {
    is_on() && !INSIDE.get()
}

/// These observers, and what looks on for the program if that is asked for.
pub fn with_onlooker(observers: &Observers) -> Observers {
    if !traces_here() {
        return observers.clone();
    }
    let mut all = observers.as_deref().cloned().unwrap_or_default();
    // Before a completion queue, which may hand the call on at once.
    all.insert(0, Arc::new(Onlooker) as Arc<dyn Observer>);
    Some(Arc::new(all))
}

struct Onlooker;

impl Observer for Onlooker {
    fn completed(&self, execution: &'static Execution, generation: Generation) -> bool {
        step(Step::Complete, execution, generation);
        false
    }
}

/// A call has come one step further. Not in a signal handler.
#[inline]
pub fn step(step: Step, execution: &'static Execution, generation: Generation) {
    if is_on() {
        take_note(step, execution, generation);
    }
}

/// What a step will show, looked at before it is taken: afterwards there may be nothing to look at.
#[inline]
pub fn before(execution: &'static Execution, generation: Generation) -> Option<Info> {
    if is_on() { list::look(execution, generation) } else { None }
}

/// A cancel was requested, on a thread that may run the program's code.
#[inline]
pub fn canceled(seen: Option<Info>, cause: Cause) {
    if let Some(mut info) = seen {
        info.state = info.state.canceled(cause);
        note(Step::Cancel, &info);
    }
}

/// The process of a method is gone: counts that, and gives what a late end will show.
pub fn lost(mut info: Info, never: bool) -> Info {
    if info.traced && asked_for(TRACKING) {
        counters::count_lost(never);
    }
    info.state = State(info.state.0 | KILLED);
    info
}

/// The method has ended after its client had gone on.
pub fn late_end(mut info: Info, after: State) {
    info.state = after;
    note(Step::LateEnd, &info);
}

#[cold]
fn take_note(step: Step, execution: &'static Execution, generation: Generation) {
    if let Some(info) = list::look(execution, generation) {
        note(step, &info);
    }
}

/// Counts a step and shows it, if its call was begun for that.
fn note(step: Step, info: &Info) {
    if !info.traced {
        return;
    }
    if asked_for(TRACKING) {
        counters::count(step, info.state);
    }
    show(step, info);
}

/// Calls the trace hook.
fn show(step: Step, info: &Info) {
    if !asked_for(TRACING) || INSIDE.get() {
        return;
    }
    let Some((hook, show)) = lock(hooks()).trace else { return };
    INSIDE.set(true);
    show(info, &mut |info| {
        // SAFETY: the program promised a function of this type, to be called with its pointer.
        drop(unwind::catch(|| unsafe { (hook.run)(hook.user, step as u32, info) }));
    });
    INSIDE.set(false);
}

/// Tells the program what somebody should read. Not in a signal handler, and under no lock.
pub fn log(message: impl FnOnce() -> String) {
    if !asked_for(LOGGING) {
        return;
    }
    let Some(hook) = lock(hooks()).log else { return };
    let Ok(text) = CString::new(message()) else { return };
    // SAFETY: as above.
    drop(unwind::catch(|| unsafe { (hook.run)(hook.user, text.as_ptr()) }));
}

/// Starts a thread of the library.
pub fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    if !asked_for(THREADS) {
        return crate::sync::spawn(name, run);
    }
    let shown = CString::new(name).unwrap_or_default();
    crate::sync::spawn(name, move || {
        let call = |hook: Option<Hook<ThreadFn>>| {
            if let Some(hook) = hook {
                // SAFETY: as above.
                drop(unwind::catch(|| unsafe { (hook.run)(hook.user, shown.as_ptr()) }));
            }
        };
        let start = lock(hooks()).thread_start;
        call(start);
        run();
        let stop = lock(hooks()).thread_stop;
        call(stop);
    })
}

/// Whether somebody wants to know of methods that do not look after a cancel.
#[inline]
pub fn watches_looks() -> bool {
    LOOK_WITHIN.load(Ordering::Relaxed) > 0
}

/// When to look whether that canceled method has looked, if that is asked for.
pub fn look_at(state: State) -> Option<Nanoseconds> {
    let within = LOOK_WITHIN.load(Ordering::Relaxed);
    let waits = within > 0 && state.has(STARTED | CANCEL) && !state.any(ENDED | LOOKED | DISABLED);
    waits.then(|| now() + u64::from(within) * 1_000_000)
}

/// That time has come.
pub fn look_now(execution: &'static Execution, generation: Generation) {
    let waits = |(now, state): (Generation, State)| now == generation && !state.any(ENDED | LOOKED | DISABLED);
    if waits(execution.read()) && execution.note_look(generation) {
        counters::count_uncooperative();
        log(|| {
            let name = list::look(execution, generation).map_or_else(String::new, |info| info.title());
            let within = LOOK_WITHIN.load(Ordering::Relaxed);
            format!("{name} has not looked at its context within {within} ms of a cancel")
        });
    }
}
