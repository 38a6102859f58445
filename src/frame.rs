//! Which methods run on this thread: a list of frames on its stack, the innermost first.

use crate::execution::{Execution, Server};
use crate::handle::Generation;
use crate::object::Home;
use std::cell::Cell;
use std::ptr;

/// One running method of this thread.
pub struct Frame<'a> {
    pub server: Server,
    pub home: &'a dyn Home,
    outer: *const Frame<'static>,
}

thread_local! {
    static INNERMOST: Cell<*const Frame<'static>> = const { Cell::new(ptr::null()) };
}

impl Frame<'_> {
    /// Runs a method's body as this thread's innermost one. `run` must not panic.
    pub fn within<T>(server: Server, home: &dyn Home, run: impl FnOnce() -> T) -> T {
        let outer = INNERMOST.get();
        let frame = Frame { server, home, outer };
        INNERMOST.set(ptr::from_ref(&frame).cast());
        let value = run();
        INNERMOST.set(outer);
        value
    }

    /// Whether that execution runs in this frame or one around it.
    pub fn encloses(&self, execution: &Execution, generation: Generation) -> bool {
        let mut frame = ptr::from_ref(self).cast::<Frame<'static>>();
        // SAFETY: a frame outlives the frames inside it, and its thread does not leave it while
        // anybody looks: it is this thread, or it sleeps under the lock of `waits`.
        while let Some(here) = unsafe { frame.as_ref() } {
            if ptr::eq(here.server.execution, execution) && here.server.generation == generation {
                return true;
            }
            frame = here.outer;
        }
        false
    }
}

/// Runs `look` on this thread's innermost method.
#[inline]
pub fn innermost<T>(look: impl FnOnce(Option<&Frame<'_>>) -> T) -> T {
    // SAFETY: the pointer is NULL or to a frame further up this thread's stack.
    look(unsafe { INNERMOST.get().as_ref() })
}

/// In the child of a fork: the methods on this stack belong to the parent.
pub fn forget() {
    INNERMOST.set(ptr::null());
}

/// Whether `asked` says yes to the apartment of one of this thread's methods.
pub fn runs_in(asked: impl Fn(&dyn Home) -> bool) -> bool {
    let mut frame = INNERMOST.get();
    // SAFETY: NULL or a frame further up this thread's stack, as are the ones around it.
    while let Some(here) = unsafe { frame.as_ref() } {
        if asked(here.home) {
            return true;
        }
        frame = here.outer;
    }
    false
}
