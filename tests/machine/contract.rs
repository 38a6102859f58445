//! A model of the contract, without the library: what there is, in which state it is, and what the
//! functions of the header do to it. `rules.rs` says which codes they may answer with.

use super::bindings::*;
use super::server::{Plan, Script, Shape};
use std::collections::VecDeque;

/// Who serves an apartment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Staff {
    /// The process-wide one, with so many threads that no method waits for one.
    Default,
    Multi(usize),
    Serial,
    /// Pumped by that actor.
    Single(usize),
}

#[derive(Debug)]
pub struct Apartment {
    pub held: bool,
    pub staff: Staff,
    pub closed: bool,
    /// Calls waiting to start; 0: no limit.
    pub limit: usize,
    pub queue: VecDeque<usize>,
    /// Threads that are inside a method.
    pub busy: usize,
}

#[derive(Debug)]
pub struct Object {
    pub references: u32,
    pub apartment: usize,
    pub shape: Shape,
    pub disconnected: bool,
}

#[derive(Debug)]
pub struct Call {
    pub references: u32,
    pub object: usize,
    /// Every begin of it that succeeded.
    pub begins: Vec<usize>,
}

/// A cancel handle names the `nth` begin of a call object.
#[derive(Debug)]
pub struct Cancel {
    pub held: bool,
    pub call: usize,
    pub nth: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Queued,
    /// Its method was entered and has not ended.
    Running,
    /// Its method has ended, or never will start and is off the queue.
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    Cancel,
    Disconnect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// The method's own result.
    Result(i32),
    /// The client went on without it.
    Abandoned,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    None,
    /// Of that length, without its NUL.
    Given(usize),
    /// The library says something.
    Library,
}

/// One begin.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is known on its own")]
pub struct Begin {
    pub call: usize,
    pub object: usize,
    pub script: Script,
    pub owned: bool,
    pub direct: bool,
    pub place: Place,
    pub entered: bool,
    /// A thread is inside its `invoke`.
    pub parked: bool,
    pub cause: Option<Cause>,
    /// Its class refuses, and may be being asked at any time.
    pub asked: bool,
    pub done: Option<Done>,
    /// The method's own result says canceled after a cancel was requested.
    pub stopped: bool,
    pub finished: bool,
    /// The call object let go of it.
    pub detached: bool,
    pub disabled: bool,
    pub output: Vec<u8>,
    pub reserved: usize,
    pub message: Message,
    pub progress: (u64, u64),
}

/// How long a method may still answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grace {
    /// Not at all, or so briefly that the program waits for the end of it.
    Brief,
    /// Longer than the program runs.
    Long,
}

#[derive(Debug, Default)]
pub struct Model {
    pub apartments: Vec<Apartment>,
    pub objects: Vec<Object>,
    pub calls: Vec<Call>,
    pub begins: Vec<Begin>,
    pub cancels: Vec<Cancel>,
    /// The bytes of each buffer that was handed out, until it is released.
    pub buffers: Vec<Option<Vec<u8>>>,
}

/// No method may end with these.
pub fn forbidden(code: i32) -> bool {
    [RPC_S_CALLPENDING, CALL_E_MORE_DATA, CALL_S_DEFERRED].contains(&code)
}

impl Model {
    /// What a method really does of what it was told: only some classes and apartments let one wait at
    /// a gate, and what was begun ends by completion, or at once by failing.
    pub fn plan(&self, object: usize, plan: Plan, code: i32) -> Plan {
        let Object { apartment, shape, .. } = self.objects[object];
        let parks = matches!(self.apartments[apartment].staff, Staff::Multi(_) | Staff::Serial);
        match plan {
            Plan::Gate if shape.begins() || !parks => Plan::Defer,
            Plan::Return if shape.begins() && code >= 0 => Plan::Complete,
            other => other,
        }
    }

    /// The call in progress on a call object.
    pub fn current(&self, call: usize) -> Option<usize> {
        self.last(call).filter(|&begin| !self.begins[begin].finished)
    }

    /// Its last begin.
    pub fn last(&self, call: usize) -> Option<usize> {
        self.calls[call].begins.last().copied()
    }

    /// The apartment that a begin's object lives in.
    pub fn home(&self, begin: usize) -> usize {
        self.objects[self.begins[begin].object].apartment
    }

    /// What a cancel handle names, if that was begun and is not finished.
    pub fn target(&self, cancel: usize) -> Option<usize> {
        let Cancel { call, nth, .. } = self.cancels[cancel];
        self.calls[call].begins.get(nth).copied().filter(|&begin| !self.begins[begin].finished)
    }

    /// Whether an object may not be destroyed yet.
    pub fn needed(&self, object: usize) -> bool {
        let runs = |begin: &Begin| match begin.place {
            Place::Queued => begin.done.is_none(),
            Place::Running => true,
            Place::Over => begin.parked,
        };
        self.objects[object].references > 0
            || self.calls.iter().any(|call| call.object == object && call.references > 0)
            || self.begins.iter().any(|begin| begin.object == object && runs(begin))
    }

    /// Whether something of it may be left in a queue: a call that was canceled there, or a method to
    /// be told of a cancel.
    pub fn lingers(&self, object: usize) -> bool {
        let queued = |begin: &usize| self.begins[*begin].object == object;
        self.objects[object].shape.cancels() || self.apartments.iter().any(|home| home.queue.iter().any(queued))
    }

    /// A begin that succeeded; gives those that it lets start.
    pub fn begun(&mut self, call: usize, script: Script, owned: bool) -> Vec<usize> {
        let object = self.calls[call].object;
        let direct = self.objects[object].shape.custom();
        let begin = self.begins.len();
        self.begins.push(Begin {
            call,
            object,
            script,
            owned,
            direct,
            place: Place::Queued,
            entered: false,
            parked: false,
            cause: None,
            asked: false,
            done: None,
            stopped: false,
            finished: false,
            detached: false,
            disabled: false,
            output: Vec::new(),
            reserved: 0,
            message: Message::None,
            progress: (0, 0),
        });
        self.calls[call].begins.push(begin);
        if direct {
            self.start(begin);
            return vec![begin];
        }
        let home = self.home(begin);
        self.apartments[home].queue.push_back(begin);
        self.serve(home)
    }

    /// A method is entered.
    fn start(&mut self, at: usize) {
        let begin = &mut self.begins[at];
        begin.place = Place::Running;
        begin.entered = true;
        begin.output = begin.script.output();
        match begin.script.plan {
            Plan::Return | Plan::Complete => {
                let code = begin.script.code;
                self.end(at, code);
            }
            Plan::Panic => {
                begin.message = Message::Library;
                self.end(at, RPC_E_SERVERFAULT);
            }
            Plan::Gate => {
                begin.parked = true;
                let home = self.home(at);
                self.apartments[home].busy += 1;
            }
            Plan::Defer => {}
        }
    }

    /// A method ends with a code.
    pub fn end(&mut self, at: usize, code: i32) {
        let begin = &mut self.begins[at];
        let result = if forbidden(code) { E_UNEXPECTED } else { code };
        if forbidden(code) && begin.done.is_none() {
            begin.message = Message::Library;
        }
        begin.place = Place::Over;
        begin.stopped = begin.cause.is_some() && result == RPC_E_CALL_CANCELED;
        begin.done = begin.done.or(Some(Done::Result(result)));
    }

    /// The threads of an apartment take what they can; gives what they started.
    pub fn serve(&mut self, home: usize) -> Vec<usize> {
        let threads = match self.apartments[home].staff {
            Staff::Default => usize::MAX,
            Staff::Multi(threads) => threads,
            Staff::Serial => 1,
            Staff::Single(_) => 0,
        };
        let mut started = Vec::new();
        while self.apartments[home].busy < threads {
            let Some(begin) = self.apartments[home].queue.pop_front() else { break };
            started.extend(self.take(begin));
        }
        started
    }

    /// A single apartment is served, until a call is complete if one is awaited; gives what started.
    pub fn serve_single(&mut self, home: usize, awaited: Option<usize>) -> Vec<usize> {
        let mut started = Vec::new();
        while let Some(begin) = self.apartments[home].queue.pop_front() {
            started.extend(self.take(begin));
            if awaited.is_some_and(|awaited| self.begins[awaited].done.is_some()) {
                break;
            }
        }
        started
    }

    fn take(&mut self, begin: usize) -> Option<usize> {
        if self.begins[begin].done.is_some() {
            self.begins[begin].place = Place::Over;
            return None;
        }
        self.start(begin);
        Some(begin)
    }

    /// The single apartment that an actor has to serve when it waits.
    pub fn served_by(&self, actor: usize) -> Option<usize> {
        self.apartments.iter().position(|home| home.staff == Staff::Single(actor) && !home.closed)
    }

    /// A method goes on that waited at its gate; gives what starts on its thread.
    pub fn gate_opened(&mut self, at: usize) -> Vec<usize> {
        self.begins[at].parked = false;
        if self.begins[at].place == Place::Running {
            self.end(at, self.begins[at].script.code);
        }
        let home = self.home(at);
        self.apartments[home].busy -= 1;
        self.serve(home)
    }

    /// A cancel; `waits`: of `call_cancel`, whose class has answered when it returns.
    pub fn canceled(&mut self, at: usize, grace: Grace, waits: bool) {
        let shape = self.objects[self.begins[at].object].shape;
        let begin = &mut self.begins[at];
        if begin.done.is_some() {
            return;
        }
        if begin.cause.is_none() && begin.direct && shape != Shape::CustomCancel {
            begin.asked |= shape == Shape::CustomRefuse && !waits;
            return;
        }
        begin.cause = begin.cause.or(Some(Cause::Cancel));
        if begin.place == Place::Queued || grace == Grace::Brief {
            begin.done = Some(Done::Abandoned);
        }
    }

    fn disconnect_begin(&mut self, at: usize) {
        let begin = &mut self.begins[at];
        if begin.done.is_none() {
            begin.cause = begin.cause.or(Some(Cause::Disconnect));
            begin.done = Some(Done::Abandoned);
        }
    }

    /// An object is disconnected.
    pub fn disconnected(&mut self, object: usize) {
        self.objects[object].disconnected = true;
        for at in 0..self.begins.len() {
            if self.begins[at].object == object {
                self.disconnect_begin(at);
            }
        }
    }

    /// An apartment is closed without a grace period.
    pub fn closed(&mut self, home: usize) {
        self.apartments[home].closed = true;
        for at in 0..self.begins.len() {
            if self.home(at) == home {
                self.disconnect_begin(at);
            }
        }
        for begin in std::mem::take(&mut self.apartments[home].queue) {
            self.begins[begin].place = Place::Over;
        }
    }

    /// Methods of an apartment that have not ended.
    pub fn remaining(&self, home: usize) -> usize {
        (0..self.begins.len()).filter(|&at| self.home(at) == home && self.begins[at].place == Place::Running).count()
    }

    /// The client collected a result.
    pub fn finished(&mut self, at: usize) {
        self.begins[at].finished = true;
    }

    /// A reference to a call object less.
    pub fn released(&mut self, call: usize) {
        self.calls[call].references -= 1;
        if self.calls[call].references == 0
            && let Some(last) = self.last(call)
        {
            self.begins[last].detached = true;
        }
    }

    /// What the fate of a call object's last call may be.
    pub fn fates(&self, call: usize) -> Vec<i32> {
        let Some(begin) = self.last(call).map(|last| &self.begins[last]) else { return vec![fate::NONE] };
        match (begin.done, begin.place) {
            (None, _) => vec![fate::NONE],
            _ if !begin.entered => vec![fate::NEVER_STARTED],
            (_, Place::Running) => vec![fate::RUNNING],
            _ if begin.stopped => vec![fate::STOPPED],
            // Asked for on another thread, and refused before or after the method's end.
            (Some(Done::Result(RPC_E_CALL_CANCELED)), _) if begin.asked => vec![fate::COMPLETED, fate::STOPPED],
            _ => vec![fate::COMPLETED],
        }
    }
}

impl Begin {
    /// What finishing gives.
    pub fn result(&self) -> Option<(i32, &[u8])> {
        match (self.done?, self.cause) {
            (Done::Result(code), _) => Some((code, &self.output)),
            (Done::Abandoned, Some(Cause::Disconnect)) => Some((RPC_E_DISCONNECTED, &[])),
            (Done::Abandoned, _) => Some((RPC_E_CALL_CANCELED, &[])),
        }
    }

    /// Canceled by a client, and complete by that.
    pub fn canceled(&self) -> bool {
        self.done == Some(Done::Abandoned) && self.cause == Some(Cause::Cancel)
    }
}
