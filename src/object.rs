//! Objects: a class's functions, the program's pointer, and the apartment both live in.

use crate::buffer::Room;
use crate::execution::{Execution, Grace, Server};
use crate::frame;
use crate::handle::{Generation, Hold, Kind, Shelf, Shelved, Slab};
use crate::hresult::{Complaint, DISP_E_UNKNOWNNAME, Failure, Hresult, RPC_E_DISCONNECTED};
use crate::sync::{Arc, AtomicU32, Backoff, Ordering, Wake, fence};
use crate::time::Deadline;
use std::ffi::c_void;

/// `call_context_t`, as the library hands it to a method.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ContextId {
    pub id: u64,
}

/// `call_method_fn`, as the library calls it. A panic of a Rust method may come out of it.
pub type MethodFn = unsafe extern "C-unwind" fn(
    this: *mut c_void,
    context: ContextId,
    method: u32,
    input: *const c_void,
    len: usize,
) -> i32;

/// `call_cancel_fn`, as the library calls it.
pub type CancelFn = unsafe extern "C-unwind" fn(this: *mut c_void, context: ContextId, grace_ms: u32) -> i32;

/// The class's `destroy`.
pub type DestroyFn = unsafe extern "C-unwind" fn(this: *mut c_void);

/// What an execution needs of the apartment that its object lives in.
pub trait Home: Send + Sync {
    /// Takes a place in the queue for one execution, or says why there is none. Runs none of the program's code.
    fn admit(&self) -> Result<(), Failure>;
    /// Where the queue was full: lets go of what was canceled in it, or waits a little for who does. No: it
    /// stays full. May run the program's code.
    fn make_room(&self, patience: &mut Backoff) -> bool;
    /// Fails if the apartment is closed.
    fn open(&self) -> Result<(), Failure>;
    /// The grace period that a close left to running methods; `None`: it is open.
    fn closing(&self) -> Option<Grace>;
    /// Gives that place back: nothing will be submitted.
    fn retract(&self);
    /// Queues an execution: an admitted one, or one whose method runs and is to be told something, which takes
    /// no place. Yes: the apartment was closed meanwhile, and [`Home::refuse_submitted`] is owed.
    #[must_use]
    fn submit(&self, execution: &'static Execution) -> bool;
    /// Nobody else may come for what was submitted. May run the program's code.
    fn refuse_submitted(&self);
    /// A method goes on without a thread of the apartment.
    fn deferred(&self, execution: &'static Execution, generation: Generation);
    /// That method has completed.
    fn undeferred(&self, execution: &'static Execution, generation: Generation);
    /// A thread of the apartment is about to sleep until some call completes.
    fn block(&self);
    /// It woke.
    fn unblock(&self);
    /// Whether a queued execution will be started although `waiting` more threads of the apartment
    /// were to sleep for calls.
    fn can_start(&self, waiting: u32) -> bool;
    /// What its threads are called.
    fn name(&self) -> &str;
    /// Tells apartments apart.
    fn identity(&self) -> usize;
    /// Sees to it that one of its threads comes.
    fn summon(&self) {}
    /// Whether anything is queued.
    fn has_queued(&self) -> bool {
        false
    }
    /// Takes the first of the queue.
    fn take_queued(&self) -> Option<&'static Execution> {
        None
    }
}

/// The right of an object to live in an apartment, which lives as long as it is held.
pub trait Lease: Send + Sync {
    fn home(&self) -> &dyn Home;
}

/// How a class's methods are run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Manner {
    /// `invoke` runs the method and returns its result.
    Invoke,
    /// `begin` starts it, and it completes later.
    Begin,
    /// As `Begin`, on the client's thread whatever the apartments.
    CustomBegin,
}

/// A copy of the program's `call_class_t`.
#[derive(Clone)]
pub struct Class {
    pub methods: Vec<Box<[u8]>>,
    pub manner: Manner,
    pub run: MethodFn,
    pub cancel: Option<CancelFn>,
    pub destroy: Option<DestroyFn>,
    /// The methods run elsewhere, and not through `run`.
    pub remote: Option<Arc<dyn Remote>>,
}

/// The `run` of a class whose methods run elsewhere.
///
/// # Safety
/// Any call of it is a defect, and panics.
pub unsafe extern "C-unwind" fn unreachable(
    _this: *mut c_void,
    _context: ContextId,
    _method: u32,
    _input: *const c_void,
    _len: usize,
) -> i32 {
    unreachable!("the methods of a remote class are not called here")
}

/// Where the methods of an object run that do not run in this process.
pub trait Remote: Send + Sync {
    /// Gets hold of who is to run a queued execution, on a thread of the apartment, before it starts.
    fn prepare(&self, execution: &'static Execution, generation: Generation) -> Prepared;
    /// A method whose grace period is over is ended.
    fn forces(&self) -> bool;
    /// The short way there, if there is one.
    fn lane(&self) -> Option<&dyn Lane>;
}

/// The short way of calls whose methods run elsewhere, one at a time: who begins a call sends it, and who waits for it
/// takes the answer over. The apartment's thread does what is left.
///
/// The lane is one thread's at a time, or nobody's. Nobody waits for it: who has it looks, when giving it back, for what
/// others wanted of it meanwhile.
pub trait Lane: Send + Sync {
    /// Where a large input can be written that is about to be sent: it is not copied again.
    fn lend(&self, home: &dyn Home, len: usize) -> Option<Room>;
    /// Sends an execution that was just begun. No: something comes before it, or the apartment's thread has to see to
    /// it; then it is to be queued. Runs none of the program's code.
    fn send(&self, home: &dyn Home, execution: &'static Execution) -> bool;
    /// An execution was queued.
    fn queued(&self, home: &dyn Home, execution: &'static Execution);
    /// Somebody sleeps for a call that goes by it, or a call was canceled.
    fn disturb(&self, home: &dyn Home);
    /// Takes an answer over that is there.
    fn glance(&self, home: &dyn Home);
    /// Spins while it pays, and serves meanwhile. True: that begin is complete, or `other` says yes.
    fn spin(&self, home: &dyn Home, call: (&'static Execution, Generation), other: &dyn Fn() -> bool) -> bool;
    /// Sleeps until that begin is complete, or until the deadline: false.
    fn park(&self, home: &dyn Home, call: (&'static Execution, Generation), deadline: Deadline) -> bool;

    /// Whether there is something to do for the apartment's thread.
    fn has_work(&self, queued: bool) -> bool;
    /// Takes it for the calling thread of the apartment. No: somebody has it.
    fn claim(&self) -> bool;
    /// What was under way when the calling thread took it.
    fn flight(&self) -> Option<Flight>;
    /// Whether the calling thread still has what it has claimed.
    fn is_mine(&self) -> bool;
    /// Whether a client would serve instead.
    fn is_wanted(&self) -> bool;
    /// Gives it back, if the calling thread has it; `ready`: others may send now.
    fn leave(&self, home: &dyn Home, ready: bool);
    /// Sleeps until the word is not 0 any more, until somebody has to come, or until the deadline.
    fn sleep(&self, permits: &AtomicU32, deadline: Deadline) -> Wake;
}

/// A call that was sent, and is to be looked after.
pub struct Flight {
    pub execution: &'static Execution,
    pub generation: Generation,
    /// `None`: it has not started.
    pub post: Option<Box<dyn Post>>,
}

/// What that came to.
pub enum Prepared {
    Ready(Box<dyn Post>),
    /// The call is over.
    Over,
    /// There is nobody, and there will be nobody.
    Failed(Complaint),
}

/// Runs one method elsewhere.
pub trait Post {
    /// Runs it and waits for its end. The input stays until then.
    fn run(self: Box<Self>, server: Server, method: u32, input: &[u8]) -> Ending;
    /// It is not needed: the call was canceled before it started.
    fn give_back(self: Box<Self>);
}

/// How a method that ran elsewhere ended.
pub enum Ending {
    /// It gave that result.
    Returned(Hresult),
    /// Its process is gone.
    /// `forced`: by us, because the grace period of its cancel was over.
    Lost { result: Hresult, entered: bool, forced: bool },
}

/// One object, kept by holds: one of its handle, one of each execution.
pub struct Object {
    pub class: Class,
    pub this: *mut c_void,
    pub lease: Arc<dyn Lease>,
    /// No call is begun any more: see `disconnect`.
    pub disconnected: AtomicU32,
}

// SAFETY: the pointer is the program's; it is only handed back to the class's functions, which by
// the header's contract run on the apartment's threads.
unsafe impl Send for Object {}
// SAFETY: as above.
unsafe impl Sync for Object {}

impl Object {
    /// Gives it a handle. Where that fails the program's `destroy` does not run.
    pub fn enter(self) -> Result<u64, Failure> {
        match Hold::new(self) {
            Ok(held) => Ok(held.into_handle()),
            Err((failure, mut refused)) => {
                refused.class.destroy = None;
                Err(failure)
            }
        }
    }

    /// Fails if the object was disconnected.
    #[inline]
    pub fn connected(&self) -> Result<(), Failure> {
        if self.disconnected.load(Ordering::SeqCst) != 0 {
            return Err(Failure::because(RPC_E_DISCONNECTED, "the object is disconnected"));
        }
        Ok(())
    }

    /// Refuses new calls and ends those in progress with `RPC_E_DISCONNECTED`. FI-15.
    pub fn disconnect(&self) {
        self.disconnected.store(1, Ordering::SeqCst);
        // Either a begin sees the flag after it published, or what it published is seen here.
        fence(Ordering::SeqCst);
        Execution::disconnect_all(self);
    }

    /// Whether a call begun on this thread now runs here directly: by custom marshaling, or because
    /// the thread is in the object's apartment and the class brings its own call object.
    #[inline]
    pub fn is_direct(&self) -> bool {
        match self.class.manner {
            Manner::Invoke => false,
            Manner::CustomBegin => true,
            Manner::Begin => frame::place() == Some(self.lease.home().identity()),
        }
    }

    /// The number of the method of that name.
    pub fn find_method(&self, name: &[u8]) -> Result<u32, Failure> {
        let found = self.class.methods.iter().position(|method| **method == *name);
        found.map(|index| index as u32).ok_or(DISP_E_UNKNOWNNAME.into())
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        if let Some(destroy) = self.class.destroy {
            // SAFETY: the last reference is gone, so no method runs and none will; the class
            // promised that `destroy` takes the pointer that it was created with.
            let run = crate::unwind::catch(|| unsafe { destroy(self.this) });
            // A destructor's panic has nobody to be told to; the object is gone either way.
            drop(run);
        }
    }
}

static OBJECTS: Shelf<Object> = Slab::new();

impl Shelved for Object {
    const KIND: Kind = Kind::Object;

    fn shelf() -> &'static Shelf<Self> {
        &OBJECTS
    }
}

/// Keeps an object.
pub type ObjectHold = Hold<Object>;

/// In the child of a fork.
pub fn forget() {
    OBJECTS.forget();
}
