//! Calls begun for a call: its cancel and its deadline flow down to them.
//!
//! The one that they are begun for keeps their names, under its lock, and passes its cancel on when it
//! tells of it. Names of calls that are over go when the list has doubled.

use super::{Execution, Grace};
use crate::handle::{Generation, Handle};
use crate::state::{CANCEL, Cause, DISABLED, DONE, Missed, Refusal, State, TELLS};

/// See the module.
pub struct Children {
    names: Vec<Handle>,
    prune_at: usize,
}

const FEW: usize = 16;

impl Children {
    const fn new() -> Self {
        Self { names: Vec::new(), prune_at: FEW }
    }

    fn add(&mut self, child: Handle) {
        if self.names.len() >= self.prune_at {
            let goes_on = |name: &Handle| Execution::of_slot(name.slot).is_some_and(|it| it.goes_on(name.generation));
            self.names.retain(goes_on);
            self.prune_at = (self.names.len() * 2).max(FEW);
        }
        self.names.push(child);
    }
}

impl Execution {
    /// From now on a cancel of that begin flows down to `child`, a call in progress; if there was one, it
    /// does so now.
    pub fn adopt(&'static self, generation: Generation, child: (&'static Execution, Generation)) {
        match self.word.apply_unlocked(generation, State::lock_to_adopt) {
            Ok(_) => {}
            Err(Missed::Refused(Refusal::Canceled)) => return self.pass_on_to(generation, child),
            // Complete, and not canceled: nothing will flow.
            Err(Missed::Refused(_)) => return,
            // Over since the child was begun for it: nobody knows whether it was canceled.
            Err(Missed::Gone(_)) => return child.0.cancel_for(child.1, Cause::Parent, Grace::AT_ONCE),
        }
        // SAFETY: the lock is held (5).
        let children = unsafe { (*self.cold_made()).children.get_or_insert_with(|| Box::new(Children::new())) };
        children.add(child.0.handle(child.1));
        let unlocked = self.word.always(generation, |state| state.unlock(TELLS));
        if unlocked.before.has(CANCEL) && !unlocked.before.has(DISABLED) {
            self.pass_on_to(generation, child);
        }
        self.settle(generation, &unlocked);
    }

    /// Passes the cancel on to that child, also when the call was finished and begun again since it was seen.
    fn pass_on_to(&'static self, generation: Generation, child: (&'static Execution, Generation)) {
        if !self.pass_on(generation, &[child.0.handle(child.1)]) {
            child.0.cancel_for(child.1, Cause::Parent, Grace::AT_ONCE);
        }
    }

    /// False: that begin is over for good.
    fn pass_on(&'static self, generation: Generation, children: &[Handle]) -> bool {
        let Ok(state) = self.word.state(generation) else { return false };
        let cause = state.cause().map_or(Cause::Parent, Cause::inherited);
        let grace = if state.has(DONE) { Grace::AT_ONCE } else { self.grace().1 };
        for child in children {
            if let Some(execution) = Execution::of_slot(child.slot) {
                let cut_off = execution.is_cut_off(child.generation);
                execution.cancel_for(child.generation, if cut_off { Cause::Disconnect } else { cause }, grace);
            }
        }
        true
    }

    /// Whether it is about to end anyway, because its object was disconnected or its apartment closed.
    fn is_cut_off(&'static self, generation: Generation) -> bool {
        if self.word.apply_unlocked(generation, State::lock_to_look).is_err() {
            return false;
        }
        let target = self.target();
        let cut_off = target.connected().is_err() || target.lease.home().closing().is_some();
        self.unlock(generation);
        cut_off
    }

    /// Cancels the calls that were begun for that one, which is canceled, or shortens their grace.
    pub(super) fn pass_on_to_all(&'static self, generation: Generation) {
        if self.word.apply_unlocked(generation, State::lock_to_look).is_err() {
            return;
        }
        // SAFETY: the lock is held (5).
        let children = unsafe { (*self.cold()).children.as_deref() };
        let names = children.map(|children| children.names.clone()).unwrap_or_default();
        self.unlock(generation);
        self.pass_on(generation, &names);
    }
}
