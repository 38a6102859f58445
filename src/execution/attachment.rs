//! What a begin carries beyond a plain call: who is to know of its completion, its deadline's grace
//! period, and the call that it was begun for. A begin without any of these has none.

use super::{Execution, Grace};
use crate::buffer::Room;
use crate::handle::{Generation, Handle};
use crate::hresult::Failure;
use crate::sync::{Arc, AtomicU64};
use crate::time::Nanoseconds;
use std::cell::UnsafeCell;

/// Who is to know of a completion.
pub trait Observer: Send + Sync {
    /// A call is about to begin, or says why it cannot.
    fn expect(&self) -> Result<(), Failure> {
        Ok(())
    }
    /// The call is complete, and the execution stays as it is meanwhile. Yes: the observer keeps it so
    /// and ends that itself ([`Execution::notified`]). Runs the program's code, but never in a signal
    /// handler.
    fn completed(&self, execution: &'static Execution, generation: Generation) -> bool;
}

/// Who hears at once of what a method does beside its output.
pub trait Relay: Send + Sync {
    fn progress(&self, done: u64, total: u64);
    /// The method is about to enter a region in which it is not to hear of a cancel. No: it is too late.
    fn enter_region(&self) -> bool;
    fn leave_region(&self);
    /// The method is about to sleep until a cancel, or wants to be told of it.
    fn hark(&self);
    /// The word that [`watch_outside`](super::watch_outside) was told of has changed.
    fn hear(&self);
    /// Where the method's output is wanted in the end, if it fits in there, and for as long as the method runs.
    fn lend(&self, len: usize) -> Option<Room>;
}

/// Those that are to know of a call object's completions; shared by its begins.
pub type Observers = Option<Arc<Vec<Arc<dyn Observer>>>>;

/// See the module. Changed under the execution's lock, and not after completion.
pub struct Attachment {
    /// The call object's handle, as the program knows it.
    pub call: u64,
    /// Taken out by who notifies; everything else stays as it is until the next begin.
    pub observers: UnsafeCell<Observers>,
    /// The next one in a completion queue.
    pub link: AtomicU64,
    /// What the program knows the completion by there.
    pub tag: AtomicU64,
    /// The deadline; [`Grace::FOREVER`]: none.
    pub expiry: Grace,
    /// What the deadline's cancel leaves the method, in milliseconds.
    pub grace_ms: u32,
    /// The deadline is that of the call that this one was begun for.
    pub inherited: bool,
    /// The begin that this one was begun for.
    pub parent: Option<Handle>,
    /// Its steps are reported and counted.
    pub traced: bool,
    /// When it was begun, if that is kept; 0: it is not.
    pub begun: Nanoseconds,
    pub relay: Option<Arc<dyn Relay>>,
}

impl Attachment {
    /// The call is about to begin; or says why it cannot.
    pub fn expect(&mut self) -> Result<(), Failure> {
        self.observers.get_mut().iter().flat_map(|all| all.iter()).try_for_each(|observer| observer.expect())
    }

    pub fn new(call: u64) -> Self {
        Self {
            call,
            observers: UnsafeCell::new(None),
            link: AtomicU64::new(0),
            tag: AtomicU64::new(0),
            expiry: Grace::FOREVER,
            grace_ms: 0,
            inherited: false,
            parent: None,
            traced: false,
            begun: 0,
            relay: None,
        }
    }
}
