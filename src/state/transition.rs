//! The transitions, as pure functions from a state to the next one and what the caller now owes.

use crate::hresult::{Hresult, RPC_E_CALL_CANCELED, RPC_E_DISCONNECTED, RPC_E_SERVER_DIED_DNE, RPC_E_TIMEOUT};

/// The bits of the word below the generation; see the module for each.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct State(pub u64);

/// In the word's lowest byte, which a method may poll, with what is set only together with it.
pub const CANCEL: u64 = 1;
const CAUSE: u32 = 1;
const CAUSE_MASK: u64 = 7 << CAUSE;
pub const ABANDONED: u64 = 1 << 4;
pub const LOOKED: u64 = 1 << 5;
pub const UNREPORTED: u64 = 1 << 6;
/// Not before the end.
pub const KILLED: u64 = 1 << 7;
pub const BEGUN: u64 = 1 << 8;
pub const STARTED: u64 = 1 << 9;
pub const ON_STACK: u64 = 1 << 10;
pub const DEFERRED: u64 = 1 << 11;
pub const ENDED: u64 = 1 << 12;
pub const DONE: u64 = 1 << 13;
pub const OBSERVED: u64 = 1 << 14;
pub const STOPPED: u64 = 1 << 15;
pub const COMPLETED: u64 = 1 << 16;
pub const FINISHED: u64 = 1 << 17;
pub const DETACHED: u64 = 1 << 18;
pub const LOCKED: u64 = 1 << 19;
pub const WAITERS: u64 = 1 << 20;
pub const TIMED: u64 = 1 << 21;
pub const ERROR: u64 = 1 << 22;
pub const PROGRESS: u64 = 1 << 23;
pub const NOTIFYING: u64 = 1 << 24;
pub const NOTIFY_LATER: u64 = 1 << 25;
pub const DIRECT: u64 = 1 << 26;
pub const TELLS: u64 = 1 << 27;
pub const TELLING: u64 = 1 << 28;
pub const DISABLED: u64 = 1 << 29;
pub const ASKING: u64 = 1 << 30;
pub const ASK_LATER: u64 = 1 << 31;
pub const CANCELABLE: u64 = 1 << 32;
pub const HOLD: u64 = 1 << 33;
const HOLDS: u64 = 0x1F << 33;
/// Some thread is at work on it.
const IN_HAND: u64 = ON_STACK | LOCKED | TELLING | NOTIFYING | UNREPORTED | HOLDS;

/// Who asked first for the call to end.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Cause {
    /// The client.
    Cancel = 1,
    /// The call's own deadline.
    Deadline = 2,
    /// The object was disconnected or its apartment closed.
    Disconnect = 3,
    /// A cancel of the call that this one was begun for.
    Parent = 4,
    /// A deadline of that call.
    ParentDeadline = 5,
    /// Nothing is there to run it: no child process.
    NoServer = 6,
}

impl Cause {
    /// The cause that calls begun for such a call are given.
    pub const fn inherited(self) -> Self {
        match self {
            Self::Deadline | Self::ParentDeadline => Self::ParentDeadline,
            _ => Self::Parent,
        }
    }

    const fn is_deadline(self) -> bool {
        matches!(self, Self::Deadline | Self::ParentDeadline)
    }
}

/// A request to cancel.
#[allow(clippy::struct_excessive_bools, reason = "each is asked for on its own")]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Request {
    pub cause: Cause,
    /// There is no grace period.
    pub at_once: bool,
    /// The caller will wait and must still see how this execution ends; where all holds are taken it
    /// goes without.
    pub hold: bool,
    /// The class of a direct call has agreed.
    pub asked: bool,
    /// The timer's thread is to report it to the program's trace hook.
    pub report: bool,
    /// Somebody wants to know whether the method will look. If not, that is not to be noted.
    pub watched: bool,
}

/// What became of the work, as the client may know it now.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Fate {
    None,
    Completed,
    NeverStarted,
    Stopped,
    Running,
    Killed,
}

/// Why a transition was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Refusal {
    /// Another thread is at work on the execution's data: try again in a moment.
    Locked,
    /// The method is over.
    Ended,
    /// No such method is running: it was not begun, or has not started.
    NotRunning,
    /// The client's side is complete, or the call was never begun.
    Complete,
    /// The call was canceled before.
    Canceled,
    /// The class cannot cancel its calls.
    NoInterface,
    /// The call runs directly: its class has to agree first.
    AskFirst,
    /// The method has to be told of the cancel first.
    Untold,
}

/// The steps of a call that nothing happens to but its own: the state before and after each. None of them owes
/// anything.
pub mod usual {
    use super::{BEGUN, DONE, ENDED, FINISHED, LOCKED, ON_STACK, STARTED, State};

    pub const RUNNING: State = State(BEGUN | STARTED | ON_STACK);
    pub const RETURNED: State = State(BEGUN | STARTED | ENDED | DONE);
    pub const START: (State, State) = (State(BEGUN), RUNNING);
    pub const LOCK: (State, State) = (RUNNING, State(RUNNING.0 | LOCKED));
    pub const UNLOCK: (State, State) = (LOCK.1, RUNNING);
    pub const LEAVE: (State, State) = (RUNNING, RETURNED);
    pub const FINISH: (State, State) = (RETURNED, State(RETURNED.0 | FINISHED));
}

/// The next state, and the answer.
pub type Step<T> = Result<(State, T), Refusal>;

/// What a worker that took an execution off its queue does with it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[must_use]
pub enum Start {
    Run,
    /// Canceled before it started: never run it.
    Skip,
}

/// What the end of a method came to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[must_use]
pub enum Ended {
    /// The result is the client's: wake who waits for it.
    Deliver,
    /// Nobody will have it: the call was abandoned before.
    Drop,
}

/// What `invoke`'s return came to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[must_use]
pub enum Left {
    Ended(Ended),
    /// It had been completed before it returned; the value it returned says nothing.
    Before,
    /// It goes on, and completes later.
    Deferred,
}

/// What a request to cancel owes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[must_use]
pub enum Cancel {
    /// The client's side is complete now: wake who waits for it, and the method, if it runs.
    Deliver,
    /// The method was told; the grace period runs.
    Told,
    /// As `Told`, and the caller holds the execution to see how it ends.
    Held,
}

impl State {
    pub const fn has(self, bits: u64) -> bool {
        self.0 & bits == bits
    }

    pub const fn any(self, bits: u64) -> bool {
        self.0 & bits != 0
    }

    const fn with(self, bits: u64) -> Self {
        Self(self.0 | bits)
    }

    const fn without(self, bits: u64) -> Self {
        Self(self.0 & !bits)
    }

    /// Nobody will look at this execution again.
    pub const fn vacant(self) -> bool {
        self.has(DETACHED) && (self.has(ENDED) || !self.has(BEGUN)) && !self.any(IN_HAND)
    }

    /// The call object may begin again on this execution; once it may, it may until it does. A thread
    /// that looks at message and progress is waited out.
    pub const fn reusable(self) -> bool {
        !self.has(BEGUN) || (self.has(FINISHED | ENDED) && !self.any(IN_HAND & !LOCKED))
    }

    /// Nobody but the call object has to do with it, which is done with it.
    pub const fn parkable(self) -> bool {
        self.reusable() && !self.any(LOCKED | DETACHED | HOLDS)
    }

    /// What is left when a new generation opens.
    pub const fn reopened(self) -> Self {
        Self(self.0 & TIMED)
    }

    /// A completion that somebody is to be told of: whose transition makes it one, tells. Not while
    /// the data is locked: then the one who unlocks it does.
    #[inline]
    pub const fn noticed(self) -> (Self, bool) {
        if self.0 & (DONE | OBSERVED | LOCKED) == DONE | OBSERVED {
            (self.without(OBSERVED).with(NOTIFYING), true)
        } else {
            (self, false)
        }
    }

    /// Who is to tell of the completion leaves it to the timer's thread.
    pub const fn notify_later(self) -> Self {
        self.with(NOTIFY_LATER)
    }

    /// The timer's thread takes that over.
    pub fn notify_now(self) -> Step<()> {
        if self.has(NOTIFY_LATER) { Ok((self.without(NOTIFY_LATER), ())) } else { Err(Refusal::NotRunning) }
    }

    /// The cancel has been reported to the program's trace hook.
    pub const fn reported(self) -> Self {
        self.without(UNREPORTED)
    }

    /// All who were to be told of the completion have been.
    pub const fn notified(self) -> Self {
        self.without(NOTIFYING)
    }

    /// BG-1: from now on the call is in progress. `bits`: [`DIRECT`], [`TELLS`], [`OBSERVED`].
    pub const fn begin(self, bits: u64) -> Self {
        self.with(BEGUN | bits)
    }

    /// Begun, and since then nothing came but a place on the timer's list.
    #[inline]
    pub const fn is_just_queued(self) -> bool {
        self.0 & !TIMED == BEGUN
    }

    /// A worker took it off its queue.
    pub fn start(self) -> Step<Start> {
        if !self.has(BEGUN) || self.any(STARTED | ENDED) {
            return Err(Refusal::NotRunning);
        }
        if !self.has(DONE) {
            return Ok((self.with(STARTED | ON_STACK), Start::Run));
        }
        if self.any(LOCKED | TELLING) {
            return Err(Refusal::Locked);
        }
        if self.is_untold() { Err(Refusal::Untold) } else { Ok((self.with(ENDED), Start::Skip)) }
    }

    fn end(self, canceled: bool, bits: u64) -> (Self, Ended) {
        let stopped = if canceled && self.any(CANCEL | ASKING) { STOPPED } else { 0 };
        let next = self.with(ENDED | stopped | bits);
        if self.has(DONE) { (next, Ended::Drop) } else { (next.with(DONE), Ended::Deliver) }
    }

    /// `invoke` returned a result; `canceled`: it is `RPC_E_CALL_CANCELED`. SG-1, SG-4.
    pub fn leave(self, canceled: bool) -> Step<Left> {
        let off = self.without(ON_STACK);
        if self.has(ENDED) {
            return Ok((off, Left::Before));
        }
        if self.any(LOCKED | TELLING) {
            return Err(Refusal::Locked);
        }
        if self.is_untold_at_end() {
            return Err(Refusal::Untold);
        }
        let (next, ended) = off.end(canceled, 0);
        Ok((next, Left::Ended(ended)))
    }

    /// `invoke` returned `CALL_S_DEFERRED`.
    #[allow(clippy::unnecessary_wraps, reason = "all transitions have this form")]
    pub fn defer(self) -> Step<Left> {
        let off = self.without(ON_STACK);
        if self.has(ENDED) { Ok((off, Left::Before)) } else { Ok((off.with(DEFERRED), Left::Deferred)) }
    }

    /// The server takes the data: to write, to tell progress, or to complete.
    pub fn lock_for_server(self) -> Step<()> {
        if !self.has(STARTED) {
            return Err(Refusal::NotRunning);
        }
        if self.has(ENDED) {
            return Err(Refusal::Ended);
        }
        if self.has(LOCKED) {
            return Err(Refusal::Locked);
        }
        Ok((self.with(LOCKED), ()))
    }

    /// The client takes the data: to read message and progress.
    pub fn lock_for_client(self) -> Step<()> {
        if !self.has(BEGUN) || self.has(DETACHED) {
            return Err(Refusal::Complete);
        }
        if self.has(LOCKED) {
            return Err(Refusal::Locked);
        }
        Ok((self.with(LOCKED), ()))
    }

    /// It was begun, and is not over on both sides.
    pub const fn in_use(self) -> bool {
        self.has(BEGUN) && !self.reusable() && !self.vacant()
    }

    /// A thread of the library's takes the data for a moment, whoever's it is; not when it is over on both
    /// sides: then the next begin writes to it.
    pub fn lock_to_look(self) -> Step<()> {
        if !self.in_use() {
            return Err(Refusal::NotRunning);
        }
        if self.has(LOCKED) {
            return Err(Refusal::Locked);
        }
        Ok((self.with(LOCKED), ()))
    }

    /// A call is begun for this one, which is to pass its cancel on.
    pub fn lock_to_adopt(self) -> Step<()> {
        if self.has(CANCEL) && !self.has(DISABLED) {
            return Err(Refusal::Canceled);
        }
        if !self.has(BEGUN) || self.has(ENDED) {
            return Err(Refusal::Ended);
        }
        if self.has(LOCKED) {
            return Err(Refusal::Locked);
        }
        Ok((self.with(LOCKED), ()))
    }

    pub const fn unlock(self, bits: u64) -> Self {
        self.without(LOCKED).with(bits)
    }

    /// The server takes the data to complete. `telling`: from inside the callback that tells of the
    /// cancel; others wait until that has returned.
    pub fn lock_to_complete(self, telling: bool) -> Step<()> {
        if self.has(TELLING) && !telling {
            return Err(Refusal::Locked);
        }
        self.lock_for_server()
    }

    /// As [`State::lock_to_complete`], to end the method: it is told first of what it wants to hear.
    pub fn lock_to_end(self, telling: bool) -> Step<()> {
        let locked = self.lock_to_complete(telling)?;
        if self.is_untold_at_end() && !telling { Err(Refusal::Untold) } else { Ok(locked) }
    }

    /// Canceled, and nobody has told those that want to be told.
    const fn is_untold(self) -> bool {
        self.has(CANCEL | TELLS) && !self.any(ENDED | DISABLED)
    }

    /// The same when the method is about to end: a region that it has left open ends before.
    const fn is_untold_at_end(self) -> bool {
        self.has(CANCEL | TELLS) && !self.has(ENDED)
    }

    /// The method has looked, and seen a cancel of which somebody wants to know that.
    pub fn looked(self) -> Step<()> {
        if self.has(CANCEL) && !self.any(LOOKED | ENDED) {
            Ok((self.with(LOOKED), ()))
        } else {
            Err(Refusal::NotRunning)
        }
    }

    /// `call_context_complete`, by the thread that holds the data; those are told first that are to hear of a
    /// cancel that came meanwhile, as in [`State::lock_to_end`]. SG-1, SG-2.
    pub fn complete(self, canceled: bool, telling: bool) -> Step<Ended> {
        if self.is_untold_at_end() && !telling {
            return Err(Refusal::Untold);
        }
        Ok(self.without(LOCKED).end(canceled, COMPLETED))
    }

    /// The process of the method is gone, as found by the thread that holds the data; those are told first
    /// that are to hear of a cancel, as in [`State::complete`]. A method that was never entered is one that
    /// never started, unless the client has been told that it runs. `forced`: it was ended because the call was
    /// canceled and its grace period is over.
    pub fn lose(self, entered: bool, forced: bool, telling: bool) -> Step<Ended> {
        if self.is_untold_at_end() && !telling {
            return Err(Refusal::Untold);
        }
        let never = if entered || self.has(DONE) { 0 } else { STOPPED };
        let abandoned = if forced && self.has(CANCEL) && !self.has(DONE) { ABANDONED } else { 0 };
        Ok(self.without(LOCKED).end(false, COMPLETED | KILLED | never | abandoned))
    }

    /// The server is told of the cancel, by this thread alone.
    pub fn tell(self) -> Step<()> {
        if !self.is_untold() {
            return Err(Refusal::NotRunning);
        }
        if self.any(LOCKED | TELLING) {
            return Err(Refusal::Locked);
        }
        Ok((self.without(TELLS).with(TELLING), ()))
    }

    /// The server was told.
    pub const fn told(self) -> Self {
        self.without(TELLING)
    }

    /// A region in which the method does not want to hear of a cancel: true if it is entered.
    pub fn disable(self) -> Step<bool> {
        self.lock_for_server()?;
        if self.has(CANCEL) { Ok((self, false)) } else { Ok((self.with(DISABLED), true)) }
    }

    /// The region's end: true if no cancel came meanwhile.
    pub fn enable(self) -> Step<bool> {
        self.lock_for_server()?;
        Ok((self.without(DISABLED), !self.has(CANCEL)))
    }

    /// A thread works on a running method's execution from outside: it stays until
    /// [`State::unhold`].
    pub fn hold(self) -> Step<()> {
        if !self.has(STARTED) || self.has(ENDED) || self.has(HOLDS) {
            return Err(Refusal::Complete);
        }
        Ok((Self(self.0 + HOLD), ()))
    }

    /// A call begun on the client's thread: its class is about to be asked to cancel it, by this
    /// thread alone, which holds it meanwhile. CN-12.
    pub fn ask(self) -> Step<()> {
        self.may_ask()?;
        if self.has(HOLDS) {
            return Err(Refusal::Locked);
        }
        Ok((Self(self.0 + HOLD).with(ASKING).without(ASK_LATER), ()))
    }

    /// The class refused.
    pub const fn refused(self) -> Self {
        self.without(ASKING).unhold()
    }

    /// The class agreed, which is the request. `Ok(Err(..))`: it came too late.
    #[allow(clippy::unnecessary_wraps, reason = "all transitions have this form")]
    pub fn agreed(self, request: Request) -> Step<Result<Cancel, Refusal>> {
        let asked = self.refused();
        match asked.request_cancel(Request { asked: true, ..request }) {
            Ok((next, owed)) => Ok((next, Ok(owed))),
            Err(refusal) => Ok((asked, Err(refusal))),
        }
    }

    /// As [`State::ask`], by the timer's thread, soon.
    pub fn ask_later(self) -> Step<()> {
        self.may_ask()?;
        Ok((self.with(ASK_LATER), ()))
    }

    fn may_ask(self) -> Result<(), Refusal> {
        if !self.has(STARTED) || self.has(DONE) {
            Err(Refusal::Complete)
        } else if !self.has(CANCELABLE) {
            Err(Refusal::NoInterface)
        } else if self.any(CANCEL | ASKING) {
            Err(Refusal::Canceled)
        } else {
            Ok(())
        }
    }

    /// CN-1 to CN-7, CN-12, CN-13.
    pub fn request_cancel(self, request: Request) -> Step<Cancel> {
        if !self.has(BEGUN) || self.has(FINISHED) {
            return Err(Refusal::Complete);
        }
        if self.has(DONE) {
            return Err(if self.is_canceled() { Refusal::Canceled } else { Refusal::Complete });
        }
        if self.has(CANCEL) {
            return Err(Refusal::Canceled);
        }
        if self.has(DIRECT | STARTED) && request.cause != Cause::Disconnect && !request.asked {
            return Err(Refusal::AskFirst);
        }
        let report = if request.report { UNREPORTED } else { 0 };
        let unwatched = if request.watched || !self.has(STARTED) { 0 } else { LOOKED };
        let next = self.canceled(request.cause).with(report | unwatched);
        if request.at_once || !self.has(STARTED) {
            return Ok((next.with(DONE | ABANDONED), Cancel::Deliver));
        }
        if request.hold && !next.has(HOLDS) {
            return Ok((Self(next.0 + HOLD), Cancel::Held));
        }
        Ok((next, Cancel::Told))
    }

    /// With a cancel, and who asked for it.
    pub const fn canceled(self, cause: Cause) -> Self {
        self.with(CANCEL | (cause as u64) << CAUSE)
    }

    /// The grace period is over. CN-3.
    pub fn abandon(self) -> Step<()> {
        if !self.has(CANCEL) || self.has(DONE) {
            return Err(Refusal::Complete);
        }
        Ok((self.with(DONE | ABANDONED), ()))
    }

    /// The client has collected what there was. FI-1, FI-5.
    pub fn finish(self) -> Step<()> {
        if !self.has(DONE) || self.has(FINISHED) {
            return Err(Refusal::Complete);
        }
        Ok((self.with(FINISHED), ()))
    }

    /// The call object lets go: released, or begun again elsewhere. RL-2.
    pub const fn detach(self) -> Self {
        self.with(DETACHED)
    }

    /// The waiting thread has seen it.
    pub const fn unhold(self) -> Self {
        Self(self.0 - HOLD)
    }

    /// Who asked first.
    pub const fn cause(self) -> Option<Cause> {
        match (self.0 & CAUSE_MASK) >> CAUSE {
            1 => Some(Cause::Cancel),
            2 => Some(Cause::Deadline),
            3 => Some(Cause::Disconnect),
            4 => Some(Cause::Parent),
            5 => Some(Cause::ParentDeadline),
            6 => Some(Cause::NoServer),
            _ => None,
        }
    }

    /// The client's side is complete because of a cancel, whoever asked for it.
    pub fn is_canceled(self) -> bool {
        self.has(ABANDONED) && !matches!(self.cause(), Some(Cause::Disconnect | Cause::NoServer))
    }

    /// The result of a call that was abandoned.
    pub fn abandoned_result(self) -> Hresult {
        match self.cause() {
            Some(Cause::Disconnect) => RPC_E_DISCONNECTED,
            Some(Cause::NoServer) => RPC_E_SERVER_DIED_DNE,
            Some(cause) if cause.is_deadline() => RPC_E_TIMEOUT,
            _ => RPC_E_CALL_CANCELED,
        }
    }

    /// The result of a call whose method stopped: if that was because the time was over, it says so.
    pub fn stopped_result(self, given: Hresult) -> Hresult {
        if self.cause().is_some_and(Cause::is_deadline) { RPC_E_TIMEOUT } else { given }
    }

    /// See contract, "Fate".
    pub const fn fate(self) -> Fate {
        if !self.has(DONE) {
            Fate::None
        } else if !self.has(STARTED) || self.has(KILLED | STOPPED) {
            Fate::NeverStarted
        } else if !self.has(ENDED) {
            Fate::Running
        } else if self.has(KILLED) {
            Fate::Killed
        } else if self.has(STOPPED) {
            Fate::Stopped
        } else {
            Fate::Completed
        }
    }
}

#[cfg(test)]
mod tests;
