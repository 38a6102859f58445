//! Telling of a completion.

use super::Race;
use crate::buffer::Input;
use crate::execution::{By, Grace, REQUEST};
use crate::hresult::S_OK;
use crate::stage::{
    Hall, LATER, Witness, begin, call, collect, deferred, finish, notes, object, request, start, started, timer,
};

pub const OBSERVE_COMPLETE: Race = Race {
    name: "a late observer against completion and cancel",
    words: 80,
    preemptions: Some(1),
    outcomes: &[
        "cancel Complete, finish S_OK '', told by the completer",
        "cancel Complete, finish S_OK '', not told",
        "cancel Done, finish RPC_E_CALL_CANCELED '', told by main",
        "cancel Done, finish RPC_E_CALL_CANCELED '', told by the canceler",
        "cancel Done, finish RPC_E_CALL_CANCELED '', told by the completer",
        "cancel Done, finish RPC_E_CALL_CANCELED '', not told",
    ],
    model: observe_complete,
};

/// Who comes too late to be told has seen that by itself.
fn observe_complete() -> String {
    let server = deferred();
    let (execution, generation) = (server.execution, server.generation);
    let witness = Witness::new();
    let completer = start("the completer", move || server.complete(S_OK));
    let canceler = start("the canceler", move || request(execution, generation, Grace::AT_ONCE));
    execution.observe(generation, 0, witness.clone());
    let late = execution.is_done(generation);
    assert_eq!(completer.join().expect("no panic"), Ok(S_OK));
    let canceled = canceler.join().expect("no panic");
    let result = collect(execution, generation);
    assert!(witness.is_let_go(), "observed, and not told");
    assert!(execution.next_generation().is_some(), "all were told");
    let told = notes();
    assert!(late || !told.is_empty(), "neither seen nor told");
    format!("cancel {canceled:?}, finish {result}, {}", if told.is_empty() { "not told" } else { &told })
}

pub const SIGNAL_NOTICE: Race = Race {
    name: "a completion in a signal handler against the next begin",
    words: 80,
    preemptions: Some(2),
    outcomes: &[
        "finish RPC_E_CALL_CANCELED '', next in the same slot, told by the library",
        "finish RPC_E_CALL_CANCELED '', next in another slot, told by the library",
    ],
    model: signal_notice,
};

/// The timer's thread tells; the client finishes, the method ends, and the next call begins meanwhile.
fn signal_notice() -> String {
    timer();
    let witness = Witness::new();
    let server = deferred();
    let (execution, generation) = (server.execution, server.generation);
    execution.observe(generation, 0, witness.clone());
    execution.request_cancel(generation, REQUEST, Grace::AT_ONCE, By::Signal);
    let finished = collect(execution, generation);
    assert_eq!(server.complete(S_OK), Ok(S_OK));
    let next = execution.next_generation();
    if let Some(next) = next {
        execution.begin(next, LATER, Input::of(b"next").expect("short"), false, None);
    }
    witness.wait();
    assert!(next.is_none_or(|next| !execution.is_done(next)), "the next one was hit");
    let place = if next.is_some() { "the same" } else { "another" };
    format!("finish {finished}, next in {place} slot, {}", notes())
}

pub const NOTICE_BEGIN: Race = Race {
    name: "telling of a completion against the next begin",
    words: 100,
    preemptions: Some(2),
    outcomes: &[
        "finish S_OK '', next in the same slot, told by the completer",
        "finish S_OK '', next in another slot, told by the completer",
    ],
    model: notice_begin,
};

/// As before, by the thread that completes.
fn notice_begin() -> String {
    let hall = Hall::new();
    let call = call(object(hall.clone()));
    assert_eq!(call.set_queue(Some(Witness::new())), Ok(S_OK));
    let server = started(&hall, call);
    assert_eq!(call.set_queue(None), Ok(S_OK));
    let completer = start("the completer", move || server.complete(S_OK));
    let finished = finish(call);
    assert_eq!(begin(call, LATER, b"next"), Ok(S_OK));
    assert_eq!(completer.join().expect("no panic"), Ok(S_OK));
    let (next, _, _) = call.look().expect("it lives");
    let place = if next == server.execution { "the same" } else { "another" };
    format!("finish {finished}, next in {place} slot, {}", notes())
}
