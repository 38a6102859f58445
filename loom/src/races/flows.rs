//! Cancels that flow down, and deadlines.

use super::Race;
use crate::deadlock::Awaited;
use crate::execution::{Answer, Grace, Server};
use crate::hresult::S_OK;
use crate::object::Home;
use crate::stage::{
    ECHO, Hall, LATER, begin, begun, call, deferred, finish, object, others_first, request, start, timer,
};
use crate::state::{CANCEL, Cause};
use crate::time::{Deadline, INFINITE};

pub const ADOPT_CANCEL: Race = Race {
    name: "a call begun for a call against its cancel",
    words: 80,
    preemptions: Some(2),
    outcomes: &["cancel Told { held: false }, child canceled"],
    model: adopt_cancel,
};

/// A child, not started, and what its parent's cancel came to.
fn flowed(child: Awaited, canceled: Answer) -> String {
    let state = child.0.read().1;
    let is_canceled = state.has(CANCEL);
    assert_eq!(is_canceled, state.cause() == Some(Cause::Parent));
    format!("cancel {canceled:?}, child {}", if is_canceled { "canceled" } else { "goes on" })
}

/// The timer's thread passes it on, or who begins the child does. Where it is lost, nobody wakes this thread.
fn adopt_cancel() -> String {
    timer();
    let Server { execution, generation } = deferred();
    let child = begun(execution.target_again(), ECHO);
    let canceler = start("the canceler", move || request(execution, generation, Grace::FOREVER));
    execution.adopt(generation, child);
    assert!(child.0.park_done(child.1, Deadline::NEVER));
    flowed(child, canceler.join().expect("no panic"))
}

pub const ADOPT_END: Race = Race {
    name: "a call begun for a call against its cancel and its end",
    words: 80,
    preemptions: Some(1),
    outcomes: &["cancel Told { held: false }, child canceled", "cancel Complete, child goes on"],
    model: || adopt_end(Grace::FOREVER),
};

pub const ADOPT_ABANDON: Race = Race {
    name: "a call begun for a call against its cancel without grace and its end",
    outcomes: &["cancel Done, child canceled", "cancel Complete, child goes on"],
    model: || adopt_end(Grace::AT_ONCE),
    ..ADOPT_END
};

/// Without the timer's thread, whoever ends the method passes on what it was not told.
fn adopt_end(grace: Grace) -> String {
    let server = deferred();
    let (execution, generation) = (server.execution, server.generation);
    let child = begun(execution.target_again(), ECHO);
    let canceler = start("the canceler", move || request(execution, generation, grace));
    let completer = start("the completer", move || server.complete(S_OK));
    execution.adopt(generation, child);
    assert_eq!(completer.join().expect("no panic"), Ok(S_OK));
    flowed(child, canceler.join().expect("no panic"))
}

pub const ADOPT_QUEUED: Race = Race {
    name: "a call begun for a queued call against its cancel and its start",
    words: 100,
    outcomes: &["cancel Done, child canceled", "cancel Told { held: false }, child canceled"],
    model: adopt_queued,
    ..ADOPT_END
};

/// As before; a queued call that was canceled ends when it is taken off its queue.
fn adopt_queued() -> String {
    let hall = Hall::new();
    let target = object(hall.clone());
    let (execution, generation) = begun(target.clone(), LATER);
    assert!(!hall.submit(execution), "it does not close");
    let child = begun(target, ECHO);
    let canceler = start("the canceler", move || request(execution, generation, Grace::FOREVER));
    let worker = start("the worker", move || hall.work());
    execution.adopt(generation, child);
    let canceled = canceler.join().expect("no panic");
    if worker.join().expect("no panic") {
        let _ = Server { execution, generation }.complete(S_OK);
    }
    flowed(child, canceled)
}

pub const ADOPT_GRACE: Race = Race {
    name: "a call begun for a call against its cancel with a grace period",
    outcomes: &["told by main: true", "told by main: false"],
    model: adopt_grace,
    ..ADOPT_CANCEL
};

/// Whoever passes the cancel on passes on what is left of its grace.
fn adopt_grace() -> String {
    let Server { execution, generation } = deferred();
    let child = deferred();
    let canceler = start("the canceler", move || request(execution, generation, Grace::seconds(1)));
    execution.adopt(generation, (child.execution, child.generation));
    let by_main = child.execution.read().1.has(CANCEL);
    assert_eq!(canceler.join().expect("no panic"), Answer::Told { held: false });
    // As the timer's thread does.
    execution.tell_now();
    assert_eq!(child.execution.read().1.cause(), Some(Cause::Parent));
    assert!(child.execution.grace().1.end().is_some(), "the child has grace without end");
    assert!(!child.execution.is_done(child.generation), "the child has no grace");
    format!("told by main: {by_main}")
}

pub const ADOPT_BEGIN: Race = Race {
    name: "a call begun for a call against its cancel, its end and the next begin",
    words: 120,
    outcomes: &["child canceled"],
    model: adopt_begin,
    ..ADOPT_END
};

/// Who comes too late to see whether the call was canceled cancels the child.
fn adopt_begin() -> String {
    let hall = Hall::new();
    let target = object(hall.clone());
    let call = call(target.clone());
    assert_eq!(begin(call, LATER, b"in"), Ok(S_OK));
    let (execution, generation, _) = call.look().expect("it lives");
    assert!(hall.work(), "it starts");
    let child = begun(target, ECHO);
    let client = start("the client", move || {
        assert_eq!(request(execution, generation, Grace::AT_ONCE), Answer::Done);
        assert_eq!(Server { execution, generation }.complete(S_OK), Ok(S_OK));
        finish(call);
        begin(call, LATER, b"next")
    });
    execution.adopt(generation, child);
    assert_eq!(client.join().expect("no panic"), Ok(S_OK));
    assert_eq!(child.0.read().1.cause(), Some(Cause::Parent), "the child goes on");
    "child canceled".into()
}

pub const DEADLINE_BEGIN: Race = Race {
    name: "a deadline against completion and the next begin",
    words: 120,
    preemptions: Some(1),
    outcomes: &[
        "finish S_OK '', Completed",
        "finish RPC_E_TIMEOUT '', Completed",
        "finish RPC_E_TIMEOUT '', NeverStarted",
    ],
    model: deadline_begin,
};

/// The next begin has no deadline, and none hits it.
fn deadline_begin() -> String {
    let hall = Hall::new();
    let call = call(object(hall.clone()));
    assert_eq!(call.set_timeout(1, 0), Ok(S_OK));
    assert_eq!(begin(call, LATER, b"in"), Ok(S_OK));
    let (execution, generation, _) = call.look().expect("it lives");
    assert_eq!(call.set_timeout(INFINITE, 0), Ok(S_OK));
    others_first();
    if hall.work() {
        let completed = Server { execution, generation }.complete(S_OK);
        assert_eq!(completed, Ok(S_OK));
    }
    let (finished, fate) = (finish(call), call.fate().expect("it lives"));
    assert_eq!(begin(call, LATER, b"next"), Ok(S_OK));
    let (next, _, _) = call.look().expect("it lives");
    assert!(next == execution, "nobody keeps it");
    others_first();
    assert!(hall.work(), "a late deadline hit the next call");
    assert!(!call.look().expect("it lives").2.has(CANCEL), "a late deadline hit the next call");
    format!("finish {finished}, {fate:?}")
}
