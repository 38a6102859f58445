//! Telling of a completion: callbacks, descriptors, completion queues.
//!
//! The transition that completes a call with observers sets `NOTIFYING`, which keeps the execution as
//! it is until all of them have been told. Where that transition may stand in a signal handler, the
//! timer's thread tells.

use super::{Attachment, Execution, Observer};
use crate::frame::{self, Frame};
use crate::handle::{Generation, Handle};
use crate::object::Home;
use crate::state::{DONE, NOTIFY_LATER, OBSERVED, State, Taken};
use crate::sync::{Arc, AtomicU64, Ordering};
use crate::time::Nanoseconds;

/// One look at a begin, for who wants to see what goes on.
pub struct Glimpse {
    pub state: State,
    pub method: u32,
    pub method_name: String,
    pub apartment: String,
    /// The call object's handle; 0: not known.
    pub call: u64,
    pub parent: Option<Handle>,
    /// Its steps are reported and counted.
    pub traced: bool,
    /// When it was begun; 0: not known.
    pub begun: Nanoseconds,
}

/// Where a request to cancel is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum By {
    /// On a thread that may run the program's code.
    Thread,
    /// Maybe in a signal handler.
    Signal,
}

impl Execution {
    /// Tells the observers, as the one whose transition set `NOTIFYING`. May run the program's code.
    #[cold]
    pub(super) fn notify(&'static self, generation: Generation) {
        // SAFETY: `NOTIFYING` is ours (6).
        let attachment = unsafe { (*self.cold()).attachment.as_deref() };
        // SAFETY: nobody else looks at them after completion. They are let go of when all have been told.
        let observers = attachment.and_then(|attachment| unsafe { (*attachment.observers.get()).take() });
        let mut kept = false;
        for observer in observers.iter().flat_map(|all| all.iter()) {
            // Between methods, whatever method this thread is in: what is begun here is not begun for that.
            kept |= frame::at_home(|home| Frame::callback(home, || observer.completed(self, generation)));
        }
        drop(observers);
        if !kept {
            self.notified(generation);
        }
    }

    /// The call object's handle, for who keeps that begin's execution as it is after its completion.
    pub fn call_of(&self, _generation: Generation) -> u64 {
        // SAFETY: nobody changes it after completion (6).
        unsafe { (*self.cold()).attachment.as_ref() }.map_or(0, |attachment| attachment.call)
    }

    /// The link of a completion queue, for the same.
    pub fn link_of(&self, _generation: Generation) -> Option<&AtomicU64> {
        // SAFETY: as above.
        unsafe { (*self.cold()).attachment.as_ref() }.map(|attachment| &attachment.link)
    }

    /// The tag in a completion queue, for the same.
    pub fn tag_of(&self, _generation: Generation) -> u64 {
        // SAFETY: as above.
        unsafe { (*self.cold()).attachment.as_ref() }.map_or(0, |given| given.tag.load(Ordering::Relaxed))
    }

    /// Gives the tag and the link of a completion queue, for the same.
    pub fn set_tag(&self, generation: Generation, tag: u64) -> Option<&AtomicU64> {
        // SAFETY: as above.
        unsafe { (*self.cold()).attachment.as_ref() }?.tag.store(tag, Ordering::Relaxed);
        self.link_of(generation)
    }

    /// One look at that begin; `None`: it is over.
    pub fn glimpse(&'static self, generation: Generation) -> Option<Glimpse> {
        let taken = self.word.apply_unlocked(generation, State::lock_to_look).ok()?;
        // SAFETY: the lock keeps the execution, and the method's number was written before it was begun.
        let attachment = unsafe { (*self.cold()).attachment.as_deref() };
        let method = self.method.load(Ordering::Relaxed);
        let target = self.target();
        let named = target.class.methods.get(method as usize).map(|name| String::from_utf8_lossy(name).into_owned());
        let glimpse = Glimpse {
            state: taken.before,
            method,
            method_name: named.unwrap_or_default(),
            apartment: target.lease.home().name().to_owned(),
            call: attachment.map_or(0, |attachment| attachment.call),
            parent: attachment.and_then(|attachment| attachment.parent),
            traced: attachment.is_some_and(|attachment| attachment.traced),
            begun: attachment.map_or(0, |attachment| attachment.begun),
        };
        self.unlock(generation);
        Some(glimpse)
    }

    /// Notes that the method has been seen to look, or not to: false if it was noted before.
    pub fn note_look(&self, generation: Generation) -> bool {
        self.word.apply(generation, State::looked).is_ok()
    }

    /// One more that is to know of the completion of that begin, if it is not complete.
    pub fn observe(&'static self, generation: Generation, call: u64, observer: Arc<dyn Observer>) {
        let Ok(taken) = self.word.apply_unlocked(generation, State::lock_to_look) else { return };
        let mut bits = 0;
        if !taken.before.has(DONE) {
            // Completed meanwhile, it is told of by this thread when it unlocks.
            let make = || Box::new(Attachment::new(call));
            // SAFETY: the lock is held, and it is not complete (6).
            let attachment = unsafe { (*self.cold_made()).attachment.get_or_insert_with(make) };
            let observers = attachment.observers.get_mut();
            let mut all = observers.as_deref().cloned().unwrap_or_default();
            if !all.iter().any(|other| Arc::ptr_eq(other, &observer)) {
                all.push(observer);
            }
            *observers = Some(Arc::new(all));
            bits = OBSERVED;
        }
        let unlocked = self.word.always(generation, |state| state.unlock(bits));
        self.settle(generation, &unlocked);
    }

    /// As [`Execution::settle`], on a thread of the apartment `home` that is between two methods.
    pub(super) fn settle_at_home<T>(&'static self, generation: Generation, taken: &Taken<T>, home: Option<&dyn Home>) {
        if taken.notify {
            Frame::callback(home, || self.settle(generation, taken));
        } else {
            self.settle(generation, taken);
        }
    }

    /// Does what a transition owes that completed the call.
    pub(super) fn settle_by<T>(&'static self, generation: Generation, taken: &Taken<T>, by: By) {
        if !taken.notify || by == By::Thread {
            return self.settle(generation, taken);
        }
        self.word.always(generation, State::notify_later);
        crate::timer::arm(self);
    }

    /// What a transition in a signal handler left to the timer's thread.
    pub fn notify_now(&'static self) {
        let (generation, state) = self.read();
        if state.has(NOTIFY_LATER) && self.word.apply(generation, State::notify_now).is_ok() {
            self.notify(generation);
        }
    }

    /// All observers have been told. May run the program's code.
    pub fn notified(&'static self, generation: Generation) {
        let taken = self.word.always(generation, State::notified);
        self.settle(generation, &taken);
    }
}
