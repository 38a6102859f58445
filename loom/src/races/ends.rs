//! Ways for a call to end, against each other.

use super::Race;
use crate::execution::{Execution, Grace};
use crate::hresult::S_OK;
use crate::stage::{
    ECHO, Hall, LATER, begin, call, collect, deferred, fate, finish, name, notes, object, request, start, started,
    timer,
};
use crate::state::ABANDONED;
use crate::time::Deadline;
use crate::{cancel, stage};

pub const COMPLETE_CANCEL: Race = Race {
    name: "complete against cancel",
    words: 80,
    preemptions: Some(2),
    outcomes: &[
        "write S_OK, complete S_OK, cancel Complete, finish S_OK 'out', Completed",
        "write S_OK, complete S_OK, cancel Done, finish RPC_E_CALL_CANCELED '', Completed",
        "write RPC_E_CALL_CANCELED, complete S_OK, cancel Done, finish RPC_E_CALL_CANCELED '', Completed",
    ],
    model: || complete_cancel(Grace::AT_ONCE),
};

pub const COMPLETE_CANCEL_GRACE: Race = Race {
    name: "complete against cancel with grace",
    outcomes: &[
        "write S_OK, complete S_OK, cancel Complete, finish S_OK 'out', Completed",
        "write S_OK, complete S_OK, cancel Told { held: false }, finish S_OK 'out', Completed",
    ],
    model: || complete_cancel(Grace::FOREVER),
    ..COMPLETE_CANCEL
};

fn complete_cancel(grace: Grace) -> String {
    let server = deferred();
    let (execution, generation) = (server.execution, server.generation);
    let completer = start("the completer", move || (name(server.write(b"out")), name(server.complete(S_OK))));
    let canceler = start("the canceler", move || request(execution, generation, grace));
    assert!(execution.park_done(generation, Deadline::NEVER));
    let result = collect(execution, generation);
    let (wrote, completed) = completer.join().expect("no panic");
    let canceled = canceler.join().expect("no panic");
    let fate = fate(execution, generation);
    format!("write {wrote}, complete {completed}, cancel {canceled:?}, finish {result}, {fate:?}")
}

pub const COMPLETE_WRITE: Race = Race {
    name: "complete against write",
    words: 80,
    preemptions: Some(2),
    outcomes: &[
        "write S_OK, complete S_OK, finish S_OK 'out', Completed",
        "write RPC_E_CALL_COMPLETE, complete S_OK, finish S_OK '', Completed",
    ],
    model: complete_write,
};

/// Who completes collects, so that the writer may still be at work.
fn complete_write() -> String {
    let server = deferred();
    let (execution, generation) = (server.execution, server.generation);
    let completer = start("the completer", move || (name(server.complete(S_OK)), collect(execution, generation)));
    let wrote = name(server.write(b"out"));
    let (completed, result) = completer.join().expect("no panic");
    format!("write {wrote}, complete {completed}, finish {result}, {:?}", fate(execution, generation))
}

pub const FINISH_FINISH: Race = Race {
    name: "finish against finish and release",
    words: 80,
    preemptions: Some(2),
    outcomes: &[
        "one S_OK, other RPC_E_CALL_COMPLETE, destroyed by the other",
        "one RPC_E_CALL_COMPLETE, other S_OK, destroyed by the other",
        "one E_HANDLE, other S_OK, destroyed by the other",
    ],
    model: finish_finish,
};

/// Who is second may find the call object gone.
fn finish_finish() -> String {
    let hall = Hall::new();
    let call = call(object(hall.clone()));
    assert_eq!(begin(call, ECHO, b"in"), Ok(S_OK));
    assert!(hall.work(), "it was begun");
    let other = start("the other", move || {
        let finished = name(call.finish(true, |_| Ok(())));
        assert_eq!(call.release(), Ok(S_OK));
        finished
    });
    let one = name(call.finish(true, |_| Ok(())));
    let other = other.join().expect("no panic");
    format!("one {one}, other {other}, {}", notes())
}

pub const FINISH_CANCEL: Race = Race {
    name: "finish against cancel",
    words: 100,
    preemptions: Some(1),
    outcomes: &[
        "finish S_OK 'in', cancel Complete, Completed",
        "finish RPC_E_CALL_CANCELED '', cancel Done, Completed",
        "finish RPC_E_CALL_CANCELED '', cancel Done, NeverStarted",
        "finish RPC_E_CALL_CANCELED '', cancel Done, Stopped",
    ],
    model: finish_cancel,
};

pub const FINISH_CANCEL_GUESSED: Race = Race {
    name: "finish against cancel that expects the method to run",
    model: || {
        Execution::expect_running(true);
        finish_cancel()
    },
    ..FINISH_CANCEL
};

fn finish_cancel() -> String {
    let hall = Hall::new();
    let call = call(object(hall.clone()));
    assert_eq!(begin(call, stage::ECHO, b"in"), Ok(S_OK));
    let handle = call.cancelable().expect("it is in progress");
    let execution = Execution::of_slot(handle.slot).expect("a slot in use");
    let finisher = start("the finisher", move || finish(call));
    let canceler = start("the canceler", move || request(execution, handle.generation, Grace::AT_ONCE));
    hall.work();
    let finished = finisher.join().expect("no panic");
    let canceled = canceler.join().expect("no panic");
    format!("finish {finished}, cancel {canceled:?}, {:?}", call.fate().expect("it lives"))
}

pub const RELEASE_COMPLETE: Race = Race {
    name: "release against complete",
    words: 80,
    preemptions: None,
    outcomes: &[
        "write S_OK, complete S_OK, destroyed by main",
        "write S_OK, complete S_OK, destroyed by the completer",
    ],
    model: release_complete,
};

fn release_complete() -> String {
    let hall = Hall::new();
    let call = call(object(hall.clone()));
    let server = started(&hall, call);
    let completer = start("the completer", move || (name(server.write(b"out")), name(server.complete(S_OK))));
    assert_eq!(call.release(), Ok(S_OK));
    let (wrote, completed) = completer.join().expect("no panic");
    format!("write {wrote}, complete {completed}, {}", notes())
}

pub const CANCEL_GRACE: Race = Race {
    name: "cancel against the end of grace",
    words: 120,
    preemptions: Some(1),
    outcomes: &[
        "complete S_OK, cancel RPC_E_CALL_COMPLETE, finish S_OK '', Completed",
        "complete S_OK, cancel S_OK, finish RPC_E_CALL_CANCELED '', Completed",
    ],
    model: cancel_grace,
};

/// The canceler waits, the timer ends the grace period, the method completes.
fn cancel_grace() -> String {
    timer();
    let hall = Hall::new();
    let call = call(object(hall.clone()));
    let server = started(&hall, call);
    let id = cancel::query(call).expect("memory");
    let canceler = start("the canceler", move || name(cancel::cancel(id, 1)));
    let completed = name(server.complete(S_OK));
    let result = finish(call);
    let canceled = canceler.join().expect("no panic");
    format!("complete {completed}, cancel {canceled}, finish {result}, {:?}", call.fate().expect("it lives"))
}

pub const ESCALATE_COMPLETE: Race = Race {
    name: "escalation against completion",
    words: 80,
    preemptions: Some(2),
    outcomes: &[
        "complete S_OK, cancel Already, finish RPC_E_CALL_CANCELED '', Completed",
        "complete S_OK, cancel Already, finish S_OK '', Completed",
        "complete S_OK, cancel Complete, finish S_OK '', Completed",
    ],
    model: escalate_complete,
};

fn escalate_complete() -> String {
    let server = deferred();
    let (execution, generation) = (server.execution, server.generation);
    request(execution, generation, Grace::FOREVER);
    let completer = start("the completer", move || name(server.complete(S_OK)));
    let canceler = start("the canceler", move || request(execution, generation, Grace::AT_ONCE));
    assert!(execution.park_done(generation, Deadline::NEVER));
    let (_, settled) = execution.read();
    let result = collect(execution, generation);
    let completed = completer.join().expect("no panic");
    let canceled = canceler.join().expect("no panic");
    let (_, last) = execution.read();
    assert_eq!(settled.has(ABANDONED), last.has(ABANDONED), "whose the result is was settled when the call was done");
    format!("complete {completed}, cancel {canceled:?}, finish {result}, {:?}", fate(execution, generation))
}
