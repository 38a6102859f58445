//! What this thread is doing for apartments: the methods on its stack, the innermost first, and the
//! apartments that it serves.

use crate::event::Event;
use crate::execution::{Execution, Server};
use crate::handle::Generation;
use crate::object::Home;
use crate::sync::{Arc, AtomicU64, Ordering, Weak};
use std::cell::{Cell, RefCell};
use std::ptr;

/// A method that runs on this thread, a function that is told of a completion, or an apartment being
/// served.
pub struct Frame<'a> {
    /// The method; `None`: the thread serves, between methods.
    pub server: Option<Server>,
    /// Between methods, a function of the program's runs.
    callback: bool,
    /// This thread sleeps, and the apartment counts it so on behalf of this frame.
    blocks: Cell<bool>,
    /// The apartment that the thread is in; `None`: a custom marshaler's begin on a thread that is in
    /// no apartment.
    pub home: Option<&'a dyn Home>,
    outer: *const Frame<'static>,
}

/// An apartment that a thread of the program or the library serves while it waits.
pub trait Served: Home {
    /// Runs what was queued when this began, one after the other until `over` says yes; gives the
    /// number of methods run.
    fn serve(&self, over: &dyn Fn() -> bool) -> u32;
    /// The owner does not serve until further notice.
    fn pause(&self, paused: bool);
    /// Whether anything is queued.
    fn has_work(&self) -> bool;
    /// From now on a submission signals `event`; gives what was signaled before.
    fn watch(&self, event: &Event) -> *mut Event;
    /// Signals again what was signaled before.
    fn watch_again(&self, before: *mut Event);
    /// The thread that serves it ends.
    fn owner_ends(&self);
}

/// The apartments that this thread serves; closed when it ends.
struct Serving(RefCell<Vec<Weak<dyn Served>>>);

impl Drop for Serving {
    fn drop(&mut self) {
        // From now on this thread serves nothing, whatever its last destructors wait for.
        SERVES.set(false);
        for served in self.0.take() {
            if let Some(served) = served.upgrade() {
                served.owner_ends();
            }
        }
    }
}

thread_local! {
    static INNERMOST: Cell<*const Frame<'static>> = const { Cell::new(ptr::null()) };
    static SERVES: Cell<bool> = const { Cell::new(false) };
    static SERVING: Serving = const { Serving(RefCell::new(Vec::new())) };
    static NUMBER: Cell<u64> = const { Cell::new(0) };
}

/// A number for the calling thread that no other thread of the process ever has.
pub fn this_thread() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    if NUMBER.get() == 0 {
        NUMBER.set(NEXT.fetch_add(1, Ordering::Relaxed));
    }
    NUMBER.get()
}

/// This thread serves that apartment from now on.
pub fn serve_here(served: Weak<dyn Served>) {
    // A thread that has begun to end serves nothing any more.
    let _ = SERVING.try_with(|serving| {
        let mut all = serving.0.borrow_mut();
        all.retain(|other| other.strong_count() > 0);
        all.push(served);
        SERVES.set(true);
    });
}

/// The apartments that this thread serves; one look where it serves none.
#[inline]
pub fn served_here() -> Vec<Arc<dyn Served>> {
    if !SERVES.get() {
        return Vec::new();
    }
    let served = |serving: &Serving| serving.0.borrow().iter().filter_map(Weak::upgrade).collect();
    SERVING.try_with(served).unwrap_or_default()
}

impl Frame<'_> {
    /// Runs a method's body as this thread's innermost one. `run` must not panic.
    #[inline]
    pub fn within<T>(server: Server, home: Option<&dyn Home>, run: impl FnOnce() -> T) -> T {
        Frame::push(Some(server), false, home, run)
    }

    /// Runs what tells the program of a completion, on a thread of the apartment that is between two methods.
    pub fn callback<T>(home: Option<&dyn Home>, run: impl FnOnce() -> T) -> T {
        Frame::push(None, true, home, run)
    }

    /// Serves an apartment.
    pub fn around<T>(home: &dyn Home, run: impl FnOnce() -> T) -> T {
        Frame::push(None, false, Some(home), run)
    }

    #[inline]
    fn push<T>(server: Option<Server>, callback: bool, home: Option<&dyn Home>, run: impl FnOnce() -> T) -> T {
        let outer = INNERMOST.get();
        let frame = Frame { server, callback, blocks: Cell::new(false), home, outer };
        INNERMOST.set(ptr::from_ref(&frame).cast());
        let value = run();
        // In the child of a fork the frames on the stack are the parent's.
        if ptr::eq(INNERMOST.get(), ptr::from_ref(&frame).cast()) {
            INNERMOST.set(outer);
        }
        value
    }

    /// Whether this frame is that one or inside it.
    pub fn is_within(&self, outer: *const Frame<'static>) -> bool {
        // SAFETY: as in `encloses`.
        unsafe { find(ptr::from_ref(self).cast(), |frame| ptr::eq(frame, outer)) }.is_some()
    }

    /// Whether this frame or one around it is in that apartment.
    pub fn is_in(&self, identity: usize) -> bool {
        // SAFETY: as in `encloses`.
        unsafe { find(ptr::from_ref(self).cast(), |frame| frame.home.map(Home::identity) == Some(identity)) }.is_some()
    }

    /// The innermost frames of the apartments whose threads would be one fewer if this thread slept here:
    /// those that do not count it as asleep already.
    pub fn awake_in(&self) -> Vec<*const Frame<'static>> {
        let (mut awake, mut seen) = (Vec::new(), Vec::new());
        let mut at: *const Frame<'static> = ptr::from_ref(self).cast();
        // SAFETY: frames of this thread, as in `encloses`.
        while let Some(frame) = unsafe { at.as_ref() } {
            if let Some(home) = frame.home {
                let identity = home.identity();
                if frame.blocks.get() {
                    awake.retain(|&(other, _)| other != identity);
                    seen.push(identity);
                } else if !seen.contains(&identity) {
                    seen.push(identity);
                    awake.push((identity, at));
                }
            }
            at = frame.outer;
        }
        awake.into_iter().map(|(_, frame)| frame).collect()
    }

    /// The apartment counts this thread as asleep from now on, or no longer.
    pub fn block(&self, blocks: bool) {
        let Some(home) = self.home else { return };
        self.blocks.set(blocks);
        if blocks { home.block() } else { home.unblock() }
    }

    /// Whether that execution runs in this frame or one around it.
    pub fn encloses(&self, execution: &Execution, generation: Generation) -> bool {
        let is_it = |server: &Server| ptr::eq(server.execution, execution) && server.generation == generation;
        // SAFETY: frames outlive those inside them, and the thread does not leave this one while
        // anybody looks: it is this thread, or it sleeps under the lock of `deadlock`.
        unsafe { find(ptr::from_ref(self).cast(), |frame| frame.server.as_ref().is_some_and(is_it)) }.is_some()
    }
}

/// The first frame that `is_it` says yes to, from `frame` outward.
///
/// # Safety
/// `frame` is NULL or one whose thread does not leave it meanwhile.
#[inline]
unsafe fn find<'a>(
    mut frame: *const Frame<'static>,
    is_it: impl Fn(&Frame<'static>) -> bool,
) -> Option<&'a Frame<'static>> {
    // SAFETY: NULL or a frame by the caller's promise, as are the ones around it.
    while let Some(here) = unsafe { frame.as_ref() } {
        if is_it(here) {
            return Some(here);
        }
        frame = here.outer;
    }
    None
}

/// Runs `look` on the frame of this thread's innermost method or function that is told of a completion:
/// what would wait if the thread did.
#[inline]
pub fn innermost<T>(look: impl FnOnce(Option<&Frame<'_>>) -> T) -> T {
    // SAFETY: frames of this thread, which is here and so leaves none of them.
    look(unsafe { find(INNERMOST.get(), |frame| frame.server.is_some() || frame.callback) })
}

/// Whether this thread is in a method, or tells, or serves.
#[inline]
pub fn is_inside() -> bool {
    !INNERMOST.get().is_null()
}

/// Whether this thread is in a method, however deep.
pub fn is_in_method() -> bool {
    // SAFETY: frames of this thread.
    unsafe { find(INNERMOST.get(), |frame| frame.server.is_some()) }.is_some()
}

/// The method that this thread is in.
pub fn method() -> Option<Server> {
    innermost(|frame| frame.and_then(|frame| frame.server))
}

/// Whether it runs and has not been canceled, as far as one look tells.
#[inline]
pub fn goes_on() -> bool {
    // SAFETY: NULL or a frame of this thread.
    unsafe { INNERMOST.get().as_ref() }.and_then(|frame| frame.server).is_some_and(Server::goes_on)
}

/// The apartment that this thread is in: that of its innermost method or pump.
pub fn place() -> Option<usize> {
    // SAFETY: NULL or a frame of this thread.
    let frame = unsafe { INNERMOST.get().as_ref() }?;
    frame.home.map(Home::identity)
}

/// Runs `look` on the apartment that this thread is in.
pub fn at_home<T>(look: impl FnOnce(Option<&dyn Home>) -> T) -> T {
    // SAFETY: NULL or a frame of this thread.
    look(unsafe { INNERMOST.get().as_ref() }.and_then(|frame| frame.home))
}

/// Whether a method of that apartment runs on this thread.
pub fn runs_in(identity: usize) -> bool {
    let there = |frame: &Frame<'static>| frame.server.is_some() && frame.home.map(Home::identity) == Some(identity);
    // SAFETY: frames of this thread.
    unsafe { find(INNERMOST.get(), there) }.is_some()
}

/// In the child of a fork: the methods on this stack, and the apartments, belong to the parent.
pub fn forget() {
    INNERMOST.set(ptr::null());
    SERVES.set(false);
    // Not dropped: what they point to may be in use by a thread that does not exist here.
    let _ = SERVING.try_with(|serving| std::mem::forget(serving.0.take()));
}
