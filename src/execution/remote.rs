//! An execution whose method runs elsewhere: a thread of the apartment waits for it, and tells of its end.

use super::server::Server;
use super::{By, Execution, Relay};
use crate::frame::Frame;
use crate::handle::Generation;
use crate::hresult::{Complaint, Hresult, S_OK};
use crate::monitor::{self, Step};
use crate::object::{Ending, Home, Lane, Post, Prepared, Remote};
use crate::state::{CANCEL, Cause, DIRECT, DONE, Missed, Refusal, STARTED, Start, State, TELLING, TELLS, Taken};
use crate::sync::{Arc, AtomicU32, Ordering};
use crate::time::{Deadline, now};

/// 1: there may be objects whose calls go by a lane.
pub static LANES: AtomicU32 = AtomicU32::new(0);

/// What starting a begin came to that goes by a lane.
pub enum Launch {
    /// Its method and its input.
    Start(u32, &'static [u8]),
    /// It was canceled before.
    Over(Generation, Taken<Start>),
    /// It is for the apartment's thread.
    Later,
}

/// Whether there may be objects whose calls go by a lane.
#[inline]
pub fn goes_by_lane() -> bool {
    LANES.load(Ordering::Relaxed) != 0
}

impl Execution {
    /// As [`Execution::run`]: gets hold of who runs it, has it run, and tells of its end.
    pub(super) fn run_remote(
        &'static self,
        generation: Generation,
        remote: &dyn Remote,
        home: Option<&dyn Home>,
    ) -> bool {
        let post = match remote.prepare(self, generation) {
            Prepared::Ready(post) => Some(post),
            Prepared::Over => None,
            Prepared::Failed(complaint) => {
                self.refuse_because(generation, complaint);
                None
            }
        };
        // Without a post the call is over, and this says so.
        let Ok(taken) = self.start(generation) else { return false };
        let Some(post) = post else {
            self.settle(generation, &taken);
            return false;
        };
        if taken.answer == Start::Run {
            monitor::mark(Step::Start, self, generation);
            monitor::step(Step::Start, self, generation);
            self.fly_on(generation, post, home);
            return true;
        }
        post.give_back();
        self.settle(generation, &taken);
        false
    }

    /// Has a method that was started run to its end.
    pub fn fly_on(&'static self, generation: Generation, post: Box<dyn Post>, home: Option<&dyn Home>) {
        let server = Server { execution: self, generation };
        // SAFETY: between `start` and the end of the method the worker's (1).
        let (method, input) = unsafe { (self.method.load(Ordering::Relaxed), self.input().read()) };
        let ending = Frame::within(server, home, || post.run(server, method, input));
        // SAFETY: as above.
        unsafe { self.input().clear() };
        self.end_remote(server, &ending, home);
    }

    /// Starts a begin that goes by the lane.
    pub fn launch(&'static self, generation: Generation) -> Launch {
        match self.start(generation) {
            Ok(taken) if taken.answer == Start::Run => {
                monitor::mark(Step::Start, self, generation);
                // SAFETY: between `start` and the end of the method whose the lane is (1).
                unsafe { Launch::Start(self.method.load(Ordering::Relaxed), self.input().read()) }
            }
            Ok(taken) => Launch::Over(generation, taken),
            Err(_) => Launch::Later,
        }
    }

    /// Does what is owed to one that was over before it started. May run the program's code.
    pub fn dismiss(&'static self, launch: Launch) {
        if let Launch::Over(generation, taken) = launch {
            self.settle(generation, &taken);
        }
    }

    /// The method of a begin that went by the lane has ended.
    pub fn land(&'static self, generation: Generation, result: Hresult) {
        // SAFETY: who took the answer over is the worker (1).
        unsafe { self.input().clear() };
        self.leave(generation, result, None);
    }

    /// Runs `at` on the lane that this begin goes by, and on its apartment. `None`: it goes by none, or is over.
    fn at_lane<T>(&'static self, generation: Generation, at: impl FnOnce(&dyn Lane, &dyn Home) -> T) -> Option<T> {
        // A class in another process is to be told of a cancel, until it was. Its data is not locked: who looks again and
        // again would keep off the thread that brings the answer.
        let may = |state: State| state.any(TELLS | TELLING | CANCEL);
        if !goes_by_lane() || !self.word.state(generation).is_ok_and(may) {
            return None;
        }
        let target = self.target_while(generation)?;
        let lane = target.class.remote.as_deref().and_then(Remote::lane)?;
        Some(at(lane, target.lease.home()))
    }

    /// Takes the answer over of a begin that may go by a lane, if it is there. Whether that begin is complete.
    pub fn glance_at_lane(&'static self, generation: Generation) -> bool {
        self.at_lane(generation, |lane, home| lane.glance(home));
        self.is_done(generation)
    }

    /// Spins while it pays, for the end of a begin that may go by a lane. True: complete, or `other` says yes.
    pub fn spin_at_lane(&'static self, generation: Generation, other: &dyn Fn() -> bool) -> bool {
        let spun = self.at_lane(generation, |lane, home| lane.spin(home, (self, generation), other));
        spun.unwrap_or_else(|| self.spin_done(generation, other))
    }

    /// Sleeps until it is complete, or until the deadline: false.
    pub fn park_at_lane(&'static self, generation: Generation, deadline: Deadline) -> bool {
        let woken = self.at_lane(generation, |lane, home| lane.park(home, (self, generation), deadline));
        woken.unwrap_or_else(|| self.park_done(generation, deadline))
    }

    /// It was canceled: its method is to hear of that, wherever it runs. Async-signal-safe for [`By::Signal`].
    pub(super) fn hurry(&'static self, generation: Generation, by: By) {
        if !goes_by_lane() {
            return;
        }
        self.tell_child(generation);
        if by == By::Thread {
            self.disturb(generation);
        }
    }

    /// Somebody is about to sleep for it.
    pub(super) fn disturb(&'static self, generation: Generation) {
        self.at_lane(generation, |lane, home| lane.disturb(home));
    }

    fn end_remote(&'static self, server: Server, ending: &Ending, home: Option<&dyn Home>) {
        let result = match *ending {
            Ending::Returned(result) => result,
            Ending::Lost { result, entered, forced } => {
                server.lose(result, entered, forced);
                S_OK
            }
        };
        self.leave(server.generation, result, home);
    }

    /// Ends a call that has not started: nothing is there to run it.
    fn refuse_because(&'static self, generation: Generation, complaint: Complaint) {
        if self.word.apply_unlocked(generation, State::lock_to_look).is_ok() {
            let bits = self.put_message(complaint.text);
            let unlocked = self.word.always(generation, |state| state.unlock(bits));
            self.settle(generation, &unlocked);
        }
        self.cancel_for(generation, Cause::NoServer, super::Grace::AT_ONCE);
    }

    /// What a thread that waits for that begin's end elsewhere may sleep on beside other things, and what it is
    /// now: to be read before what it looks at.
    pub fn watch(&self) -> (&AtomicU32, u32) {
        (self.event.word(), self.event.count())
    }

    /// Sees to it that such a sleeper is woken when the word changes. No: it has changed since `seen`, look again.
    pub fn keep_watch(&self, generation: Generation, seen: State) -> bool {
        self.word.state(generation).is_ok_and(|state| state == seen) && self.word.add_waiter(generation, seen)
    }

    /// The state of that begin; `None`: it is over for good.
    pub fn state_of(&self, generation: Generation) -> Option<State> {
        self.word.state(generation).ok()
    }

    /// The same, in the order of all sequentially consistent operations.
    pub fn state_in_order(&self, generation: Generation) -> Option<State> {
        self.word.state_in_order(generation).ok()
    }

    /// Waits until the method of that begin is over, which may be long after its client went on.
    pub fn park_ended(&'static self, generation: Generation) {
        self.sleep_until(generation, crate::time::Deadline::NEVER, |state| state.has(crate::state::ENDED));
    }

    /// The grace period of that begin is over. Yes: its method can be ended where it runs, which is what the
    /// client waits for a moment longer; who waits for the method is woken.
    pub(super) fn is_to_be_forced(&'static self, generation: Generation) -> bool {
        let runs = |state: State| state.has(STARTED) && !state.any(DONE | DIRECT);
        if !self.word.state(generation).is_ok_and(runs)
            || self.word.apply_unlocked(generation, State::lock_to_look).is_err()
        {
            return false;
        }
        let forced = self.target().class.remote.as_deref().is_some_and(Remote::forces);
        self.unlock(generation);
        if forced {
            self.event.signal();
        }
        forced
    }

    /// Whether the grace period of that begin, which is canceled, is over.
    pub fn is_out_of_grace(&self, generation: Generation) -> bool {
        let (of, grace) = self.grace();
        of == generation && grace.end().is_some_and(|end| end <= now())
    }

    /// Has an output that becomes large written where it is wanted, for the thread that holds the data (2).
    #[cold]
    pub(super) fn place_output(&self, more: usize) {
        // SAFETY: the lock is held (2).
        let output = unsafe { self.output() };
        if !output.is_short() {
            return;
        }
        let room = more.checked_add(usize::from(*output.len));
        if let Some(room) = room.and_then(|room| self.relay()?.lend(room)) {
            output.move_to(room);
        }
    }

    /// Who is to hear of what the method does, for the thread that holds the data (6).
    pub(super) fn relay(&self) -> Option<Arc<dyn Relay>> {
        if self.read().1.has(DONE) {
            return None;
        }
        // SAFETY: the lock is held, and it was not complete when it was taken (6).
        unsafe { (*self.cold()).attachment.as_ref() }.and_then(|attachment| attachment.relay.clone())
    }
}

impl Server {
    /// Gives the input's memory back.
    ///
    /// # Safety
    /// The caller is the worker, and nobody has a use for the input any more.
    pub unsafe fn drop_input(self) {
        // SAFETY: the caller's promise (1).
        unsafe { self.execution.input().clear() };
    }

    /// The method's process is gone.
    fn lose(self, result: Hresult, entered: bool, forced: bool) {
        let Self { execution, generation } = self;
        let telling = self.is_being_told_here();
        let seen = monitor::before(execution, generation);
        loop {
            match execution.word.apply_unlocked(generation, |state| state.lock_to_end(telling)) {
                Ok(_) => {}
                Err(Missed::Refused(Refusal::Untold)) => {
                    execution.tell_at_end(generation);
                    continue;
                }
                Err(_) => return,
            }
            // SAFETY: the lock is held (4).
            unsafe { (*execution.hot.get()).completed = result.0 };
            if let Ok(taken) = execution.word.apply(generation, |state| state.lose(entered, forced, telling)) {
                execution.wake(taken.before);
                let never = !entered && !taken.before.has(DONE);
                let seen = seen.map(|seen| monitor::lost(seen, never));
                execution.report_end(generation, taken.answer, false, seen);
                execution.settle(generation, &taken);
                return;
            }
            execution.unlock(generation);
        }
    }

    /// Who is to hear of what the method does.
    pub(super) fn relayed(self) -> Option<Arc<dyn Relay>> {
        self.lock_data().ok()?;
        let relay = self.execution.relay();
        self.execution.unlock(self.generation);
        relay
    }
}
