//! What the models are made of: an apartment without threads, a class, and notes of what happened.

use crate::buffer::{Bytes, Input};
use crate::call::Call;
use crate::event::Event;
use crate::execution::{Answer, By, Execution, Grace, Observer, REQUEST, Server};
use crate::handle::Generation;
use crate::hresult::{CALL_S_DEFERRED, Failure, Hresult, Outcome, S_OK};
use crate::object::{CancelFn, Class, ContextId, Home, Lease, Manner, Object, ObjectHold};
use crate::queue::Queue;
use crate::state::{DONE, Fate, NOTIFYING};
use crate::sync::{self, Arc, AtomicU32, Backoff};
use crate::time::Deadline;
use crate::{memory, signal, sync::LocalKey, time, timer};
use std::cell::{Cell, RefCell};
use std::ffi::c_void;

std::thread_local! {
    static NOTES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

static ROLE: LocalKey<Cell<&'static str>> = LocalKey::new(|| Cell::new("the library"));

/// Before each execution of a model.
pub fn fresh(words: usize) {
    NOTES.take();
    time::forget();
    memory::forget();
    signal::forget();
    sync::fresh(words);
    ROLE.set("main");
}

/// Starts a thread that is known by its role.
pub fn start<T: 'static>(role: &'static str, run: impl FnOnce() -> T + 'static) -> loom::thread::JoinHandle<T> {
    loom::thread::spawn(move || {
        ROLE.set(role);
        run()
    })
}

/// What comes before the race, in one order, until so many threads of the library sleep.
pub fn before<T>(asleep: u32, run: impl FnOnce() -> T) -> T {
    loom::stop_exploring();
    let made = run();
    while sync::sleepers() < asleep {
        others_first();
    }
    loom::explore();
    made
}

/// The timer's two threads are there.
pub fn timer() {
    before(2, || timer::start().expect("threads"));
}

/// Lets other threads go on first. Loom does not count that as a stop of this one.
pub fn others_first() {
    loom::thread::yield_now();
}

/// Notes that something happened, and who did it.
pub fn note(what: &str) {
    let noted = format!("{what} by {}", ROLE.get());
    NOTES.with_borrow_mut(|notes| notes.push(noted));
}

/// What was noted, in the order of the execution.
pub fn notes() -> String {
    NOTES.with_borrow(|notes| notes.join(", "))
}

/// An apartment that keeps what is submitted until a thread of the model takes it.
pub struct Hall(Queue);

impl Hall {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(Queue::new()))
    }

    /// Runs the first that is queued, as a worker does.
    pub fn work(&self) -> bool {
        self.0.take(|_| ()).is_some_and(|execution| execution.run(Some(self)))
    }
}

impl Lease for Hall {
    fn home(&self) -> &dyn Home {
        self
    }
}

impl Home for Hall {
    fn admit(&self) -> Result<(), Failure> {
        Ok(())
    }
    fn open(&self) -> Result<(), Failure> {
        Ok(())
    }
    fn closing(&self) -> Option<Grace> {
        None
    }
    fn retract(&self) {}
    fn make_room(&self, _: &mut Backoff) -> bool {
        false
    }
    fn submit(&self, execution: &'static Execution) -> bool {
        self.0.push(execution);
        false
    }
    fn refuse_submitted(&self) {}
    fn deferred(&self, _: &'static Execution, _: Generation) {}
    fn undeferred(&self, _: &'static Execution, _: Generation) {}
    fn block(&self) {}
    fn unblock(&self) {}
    fn can_start(&self, _: u32) -> bool {
        true
    }
    fn name(&self) -> &'static str {
        "hall"
    }
    fn identity(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

/// Methods of the class: one goes on and completes later, one answers with its input.
pub const LATER: u32 = 0;
pub const ECHO: u32 = 1;

unsafe extern "C-unwind" fn run(
    _: *mut c_void,
    context: ContextId,
    method: u32,
    input: *const c_void,
    len: usize,
) -> i32 {
    if method == LATER {
        return CALL_S_DEFERRED.0;
    }
    let server = Server::find(context.id).expect("a context of this very method");
    // SAFETY: the library gives as many bytes.
    let input = unsafe { std::slice::from_raw_parts(input.cast(), len) };
    server.write(input).map_or_else(|failure| failure.code.0, |code| code.0)
}

unsafe extern "C-unwind" fn destroy(_: *mut c_void) {
    note("destroyed");
}

/// An object that lives there.
pub fn object(lease: Arc<dyn Lease>) -> ObjectHold {
    let methods = vec![Box::from(*b"later"), Box::from(*b"echo")];
    let class = Class { methods, manner: Manner::Invoke, run, cancel: None, destroy: Some(destroy), remote: None };
    let object = Object { class, this: std::ptr::null_mut(), lease, disconnected: AtomicU32::new(0) };
    ObjectHold::new(object).map_err(|(failure, _)| failure).expect("memory")
}

/// Who is to know of completions: notes each, while the execution stays as it is.
pub struct Witness(Event);

impl Witness {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(Event::new()))
    }

    /// Sleeps until it was told.
    pub fn wait(&self) {
        while self.0.count() == 0 {
            self.0.sleep(0, Deadline::NEVER);
        }
    }

    /// Nobody keeps it but the model: it was told, or will not be.
    pub fn is_let_go(self: &Arc<Self>) -> bool {
        Arc::strong_count(self) == 1
    }
}

impl Observer for Witness {
    fn completed(&self, execution: &'static Execution, generation: Generation) -> bool {
        let there = || execution.read().0 == generation && execution.read().1.has(DONE | NOTIFYING);
        assert!(there(), "told of another completion");
        note("told");
        self.0.signal();
        assert!(there(), "it did not stay");
        false
    }
}

/// A begun execution of that method.
pub fn begun(object: ObjectHold, method: u32) -> (&'static Execution, Generation) {
    let execution = Execution::take(object).expect("memory");
    let generation = execution.next_generation().expect("not yet begun");
    execution.begin(generation, method, Input::of(b"in").expect("short"), false, None);
    (execution, generation)
}

/// An execution whose method goes on without a thread.
pub fn deferred() -> Server {
    let hall = Hall::new();
    let (execution, generation) = begun(object(Arc::clone(&hall) as Arc<dyn Lease>), LATER);
    assert!(execution.run(Some(&*hall)), "it starts");
    Server { execution, generation }
}

/// Begins on an idle call object a method that goes on without a thread.
pub fn started(hall: &Hall, call: Call) -> Server {
    assert_eq!(begin(call, LATER, b"in"), Ok(S_OK));
    assert!(hall.work(), "it starts");
    let handle = call.cancelable().expect("it is in progress");
    Server { execution: Execution::of_slot(handle.slot).expect("a slot in use"), generation: handle.generation }
}

/// Asks for the end of that begin.
pub fn request(execution: &'static Execution, generation: Generation, grace: Grace) -> Answer {
    execution.request_cancel(generation, REQUEST, grace, By::Thread)
}

/// A call object, idle.
pub fn call(object: ObjectHold) -> Call {
    Call::find(Call::create(object).expect("memory")).expect("just made")
}

/// Begins, with an input.
pub fn begin(call: Call, method: u32, input: &[u8]) -> Outcome {
    call.begin_with_copy(method, input)
}

/// What a client takes of the output.
fn accept(into: &mut String) -> impl FnOnce(Option<Bytes>) -> Result<(), Failure> {
    move |bytes| {
        if let Some(bytes) = bytes {
            into.push_str(std::str::from_utf8(bytes.read()).expect("ours"));
        }
        Ok(())
    }
}

/// Finishes: the result, and the output.
pub fn finish(call: Call) -> String {
    let mut output = String::new();
    let finished = call.finish(true, accept(&mut output));
    format!("{} '{output}'", name(finished))
}

/// As [`finish`], of an execution that is done.
pub fn collect(execution: &'static Execution, generation: Generation) -> String {
    let mut output = String::new();
    let collected = execution.collect(generation, accept(&mut output));
    format!("{} '{output}'", name(collected))
}

/// What a function answered.
pub fn name(outcome: Outcome) -> &'static str {
    outcome.unwrap_or_else(|failure| failure.code).name().unwrap_or("an unknown code")
}

/// The fate of that generation's work.
pub fn fate(execution: &Execution, generation: Generation) -> Fate {
    let (now, state) = execution.read();
    assert_eq!(now, generation, "it serves another call");
    state.fate()
}
