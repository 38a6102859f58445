//! How a call object's begins go beyond a plain one: who is told of their completion, their deadline, and
//! the call that they are begun for. What is set here is for the next begins; the call in progress goes on
//! as it was begun.

use super::{CHOOSING, Call};
use crate::deadlock::Awaited;
use crate::execution::{Attachment, Execution, Grace, Observer, Observers};
use crate::frame;
use crate::handle::Generation;
use crate::hresult::{E_INVALIDARG, Failure, Outcome, RPC_E_CALL_COMPLETE, S_OK};
use crate::signal::Signal;
use crate::state::{BEGUN, DONE, FINISHED};
use crate::sync::{Arc, Mutex, Ordering, lock};
use crate::time::INFINITE;
use crate::{monitor, timer, unwind};
use std::ffi::c_void;

/// See the module.
pub struct Conduct {
    queue: Option<Arc<dyn Observer>>,
    callback: Option<Arc<dyn Observer>>,
    signal: Option<Arc<CallSignal>>,
    /// The three above, as begins share them.
    observers: Observers,
    /// [`INFINITE`]: no deadline.
    timeout_ms: u32,
    grace_ms: u32,
    lineage: Lineage,
}

/// The call that a call is begun for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Lineage {
    /// The method that the begin is made in, if any.
    Inherited,
    /// None.
    Detached,
    /// What that call object has in progress.
    Named(u64),
}

impl Conduct {
    const fn plain() -> Self {
        let (queue, callback, signal, observers) = (None, None, None, None);
        let (timeout_ms, grace_ms, lineage) = (INFINITE, 0, Lineage::Inherited);
        Self { queue, callback, signal, observers, timeout_ms, grace_ms, lineage }
    }

    fn gather(&mut self) {
        let signal = self.signal.clone().map(|signal| signal as Arc<dyn Observer>);
        let all: Vec<_> = [signal, self.callback.clone(), self.queue.clone()].into_iter().flatten().collect();
        self.observers = if all.is_empty() { None } else { Some(Arc::new(all)) };
    }
}

/// The call that the next begin is for.
fn parent(conduct: Option<&Conduct>) -> Result<Option<Awaited>, Failure> {
    match conduct.map_or(Lineage::Inherited, |conduct| conduct.lineage) {
        Lineage::Inherited => Ok(frame::method().map(|method| (method.execution, method.generation))),
        Lineage::Detached => Ok(None),
        Lineage::Named(id) => {
            let (execution, generation, state) = Call::find(id)?.look()?;
            if !state.has(BEGUN) || state.has(FINISHED) {
                return Err(Failure::because(RPC_E_CALL_COMPLETE, "the parent has no call in progress"));
            }
            Ok(Some((execution, generation)))
        }
    }
}

impl Call {
    /// What the next begin carries beyond a plain one.
    #[inline]
    pub(super) fn extra(self, conduct: Option<&Conduct>) -> Result<Option<Box<Attachment>>, Failure> {
        if conduct.is_none() && !frame::is_inside() && !monitor::is_on() { Ok(None) } else { self.all_extra(conduct) }
    }

    #[cold]
    fn all_extra(self, conduct: Option<&Conduct>) -> Result<Option<Box<Attachment>>, Failure> {
        let parent = parent(conduct)?;
        if conduct.is_none() && parent.is_none() && !monitor::is_on() {
            return Ok(None);
        }
        let mut extra = Attachment::new(self.id());
        if let Some((execution, generation)) = parent {
            extra.parent = Some(execution.handle(generation));
            extra.expiry = execution.expiry(generation);
            if extra.expiry != Grace::FOREVER {
                (extra.grace_ms, extra.inherited) = (execution.deadline_grace(generation).0, true);
            }
        }
        if let Some(conduct) = conduct {
            let own = Grace::milliseconds(conduct.timeout_ms);
            if own < extra.expiry {
                (extra.expiry, extra.inherited, extra.grace_ms) = (own, false, conduct.grace_ms);
            }
        }
        (extra.traced, extra.begun) = (monitor::traces_here(), monitor::stamp());
        *extra.observers.get_mut() = monitor::with_onlooker(conduct.map_or(&None, |conduct| &conduct.observers));
        // It passes cancels on, keeps deadlines, and tells of what happens in signal handlers.
        timer::start()?;
        Ok(Some(Box::new(extra)))
    }

    /// Changes how the next begins go about it.
    fn conduct<T>(self, change: impl FnOnce(&mut Conduct) -> T) -> Result<T, Failure> {
        self.enter(|word| Ok(word | CHOOSING))?;
        // SAFETY: under CHOOSING.
        let conduct = unsafe { (*self.slot.conduct.get()).get_or_insert_with(|| Box::new(Conduct::plain())) };
        let before = conduct.observers.clone();
        let changed = change(conduct);
        conduct.gather();
        self.exit_chosen(0);
        // Not before CHOOSING is clear: this may run the program's destroy-notify.
        drop(before);
        Ok(changed)
    }

    /// The deadline of the next begins, and the grace period that comes with it.
    pub fn set_timeout(self, timeout_ms: u32, grace_ms: u32) -> Outcome {
        self.conduct(|conduct| (conduct.timeout_ms, conduct.grace_ms) = (timeout_ms, grace_ms)).map(|()| S_OK)
    }

    /// The call that the next begins are for.
    pub fn set_lineage(self, lineage: Lineage) -> Outcome {
        if let Lineage::Named(id) = lineage {
            if id == self.id() {
                return Err(Failure::because(E_INVALIDARG, "a call cannot be begun for itself"));
            }
            Call::find(id)?.look()?;
        }
        self.conduct(|conduct| conduct.lineage = lineage).map(|()| S_OK)
    }

    /// Where the completions of the next begins are queued.
    pub fn set_queue(self, seat: Option<Arc<dyn Observer>>) -> Outcome {
        let before = self.conduct(|conduct| std::mem::replace(&mut conduct.queue, seat))?;
        drop(before);
        Ok(S_OK)
    }

    /// What is called when one of the next begins is complete.
    pub fn set_callback(self, callback: Option<Callback>) -> Outcome {
        let mut given = callback.map(Arc::new);
        let change = |conduct: &mut Conduct| {
            let callback = given.take().map(|callback| callback as Arc<dyn Observer>);
            std::mem::replace(&mut conduct.callback, callback)
        };
        let changed = self.conduct(change);
        if let Some(mut refused) = given.and_then(Arc::into_inner) {
            // It stays the program's.
            refused.destroy = None;
        }
        drop(changed?);
        Ok(S_OK)
    }

    /// The descriptor that is readable while a call is complete and not finished.
    pub fn descriptor(self) -> Result<i32, Failure> {
        timer::start()?;
        let make = || Arc::new(CallSignal { call: self, signal: Signal::new(), level: Mutex::new(()) });
        let signal = self.conduct(|conduct| Arc::clone(conduct.signal.get_or_insert_with(make)))?;
        self.slot.watched.store(1, Ordering::Release);
        // The call in progress is to raise it, too.
        if let Ok((execution, generation, state)) = self.look()
            && state.has(BEGUN)
            && !state.has(DONE)
        {
            execution.observe(generation, self.id(), Arc::clone(&signal) as Arc<dyn Observer>);
        }
        let descriptor = signal.signal.descriptor(|| false)?;
        signal.refresh();
        Ok(descriptor)
    }

    /// The call was finished: its descriptor, if it has one, is not readable any more.
    #[cold]
    pub(super) fn refresh_descriptor(self) {
        // Refused where the call object is gone, and its descriptor with it.
        if let Ok(Some(signal)) = self.conduct(|conduct| conduct.signal.clone()) {
            signal.refresh();
        }
    }
}

/// `call_t`, as the library hands it to a function of the program's.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct CallId {
    pub id: u64,
}

/// `call_completed_fn`, as the library calls it.
pub type CompletedFn = unsafe extern "C-unwind" fn(call: CallId, user: *mut c_void);

/// What the program wants to be called with when a call is complete.
pub struct Callback {
    pub run: CompletedFn,
    pub user: *mut c_void,
    pub destroy: Option<unsafe extern "C-unwind" fn(user: *mut c_void)>,
}

// SAFETY: by the header's contract they may run on any thread.
unsafe impl Send for Callback {}
// SAFETY: as above.
unsafe impl Sync for Callback {}

impl Observer for Callback {
    fn completed(&self, execution: &'static Execution, generation: Generation) -> bool {
        let call = CallId { id: execution.call_of(generation) };
        // SAFETY: the program promised a function of this type, to be called with its pointer. A panic in it
        // has nobody to be told to.
        drop(unwind::catch(|| unsafe { (self.run)(call, self.user) }));
        false
    }
}

impl Drop for Callback {
    fn drop(&mut self) {
        if let Some(destroy) = self.destroy {
            // SAFETY: as above; nobody calls the other one any more.
            drop(unwind::catch(|| unsafe { destroy(self.user) }));
        }
    }
}

/// A descriptor that is readable while a call of that call object is complete and not finished.
struct CallSignal {
    call: Call,
    signal: Signal,
    /// Held while the descriptor is made to say what is.
    level: Mutex<()>,
}

impl CallSignal {
    fn refresh(&self) {
        let _level = lock(&self.level);
        if self.call.look().is_ok_and(|(_, _, state)| state.has(DONE) && !state.has(FINISHED)) {
            self.signal.raise();
        } else {
            self.signal.clear();
        }
    }
}

impl Observer for CallSignal {
    fn completed(&self, _execution: &'static Execution, _generation: Generation) -> bool {
        self.refresh();
        false
    }
}
