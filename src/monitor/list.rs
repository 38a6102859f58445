//! What is in progress: one look at every execution.

use crate::deadlock;
use crate::execution::{Execution, Glimpse};
use crate::handle::{Generation, Handle, Kind};
use crate::state::{ABANDONED, BEGUN, CANCEL, Cause, DEFERRED, DETACHED, DONE, ENDED, FINISHED, STARTED, State};
use crate::sync::write_descriptor;
use crate::time::{Nanoseconds, now};
use std::fmt::Write;

/// How far a call is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    Queued = 1,
    Running = 2,
    Deferred = 3,
    /// Complete, and not finished.
    Complete = 4,
    /// The client has gone on, and the method has not ended.
    Abandoned = 5,
}

/// One call.
#[derive(Clone)]
pub struct Info {
    /// The call object's handle; 0: not known, as the begin was a plain one.
    pub call: u64,
    pub name: Handle,
    pub parent: Option<Handle>,
    /// The call that its method waits for.
    pub waits_for: Option<Handle>,
    /// Its steps are reported and counted.
    pub traced: bool,
    pub state: State,
    pub method: u32,
    pub method_name: String,
    pub apartment: String,
    /// Milliseconds since its begin, if that was kept.
    pub age_ms: Option<u64>,
    /// Milliseconds to its deadline, if it has one.
    pub left_ms: Option<u32>,
}

impl Info {
    pub fn phase(&self) -> Phase {
        let state = self.state;
        if state.has(DONE | STARTED) && !state.has(ENDED) && state.has(ABANDONED) {
            Phase::Abandoned
        } else if state.has(DONE) {
            Phase::Complete
        } else if !state.has(STARTED) {
            Phase::Queued
        } else if state.has(DEFERRED) {
            Phase::Deferred
        } else {
            Phase::Running
        }
    }

    /// How a person would call it.
    pub fn title(&self) -> String {
        format!("call {:#018x}, method {} ({})", self.name.encode(Kind::Context), self.method_name, self.method)
    }
}

/// One look at that begin; `None`: it is over.
pub fn look(execution: &'static Execution, generation: Generation) -> Option<Info> {
    let Glimpse { state, method, method_name, apartment, call, parent, traced, begun } =
        execution.glimpse(generation)?;
    let since = |begun: Nanoseconds| (begun != 0).then(|| now().saturating_sub(begun) / 1_000_000);
    let deadline = execution.expiry(generation);
    Some(Info {
        call,
        name: execution.handle(generation),
        parent,
        waits_for: None,
        traced,
        state,
        method,
        method_name,
        apartment,
        age_ms: since(begun),
        left_ms: deadline.end().map(|_| deadline.left_ms()),
    })
}

/// Everything that is not over: complete ones until they are finished, abandoned ones until their methods
/// end. In no order.
pub fn list() -> Vec<Info> {
    let over = |state: State| state.has(ENDED) && state.any(FINISHED | DETACHED);
    let mut all = Vec::new();
    for slot in 0.. {
        let Some(execution) = Execution::of_slot(slot) else { break };
        let (generation, state) = execution.read();
        if state.has(BEGUN) && !over(state) {
            all.extend(look(execution, generation).filter(|info| !over(info.state)));
        }
    }
    for (waiting, awaited) in deadlock::waits() {
        if let Some(info) = all.iter_mut().find(|info| info.name == waiting) {
            info.waits_for = Some(awaited);
        }
    }
    all
}

fn cause(state: State) -> &'static str {
    match state.cause() {
        _ if !state.has(CANCEL) => "",
        Some(Cause::Deadline) => ", past its deadline",
        Some(Cause::Disconnect) => ", disconnected",
        Some(Cause::Parent) => ", canceled with its parent",
        Some(Cause::NoServer) => ", without a process to run it",
        Some(Cause::ParentDeadline) => ", past its parent's deadline",
        _ => ", canceled",
    }
}

/// Writes the list to a descriptor, a line each; false: that failed.
pub fn dump(descriptor: i32) -> bool {
    let all = list();
    let mut text = format!("libcall: {} calls\n", all.len());
    for info in &all {
        let phase = ["queued", "running", "deferred", "complete, not finished", "abandoned, still running"];
        let _ = write!(text, "{}, apartment {}: {}", info.title(), info.apartment, phase[info.phase() as usize - 1]);
        text.push_str(cause(info.state));
        if let Some(age) = info.age_ms {
            let _ = write!(text, ", for {age} ms");
        }
        if let Some(left) = info.left_ms {
            let _ = write!(text, ", {left} ms to its deadline");
        }
        for (what, name) in [(", begun by", info.parent), (", waits for", info.waits_for)] {
            if let Some(name) = name {
                let _ = write!(text, "{what} call {:#018x}", name.encode(Kind::Context));
            }
        }
        text.push('\n');
    }
    write_descriptor(descriptor, text.as_bytes())
}
