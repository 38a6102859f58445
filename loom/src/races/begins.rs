//! What races the begin of a call.

use super::Race;
use crate::apartment::{self, Settings, Staff};
use crate::execution::Grace;
use crate::hresult::{RPC_E_CALL_CANCELED, S_OK};
use crate::stage::{ECHO, Hall, before, begin, call, finish, name, notes, object, request, start, started};

pub const BEGIN_BEGIN: Race = Race {
    name: "begin against begin",
    words: 80,
    preemptions: None,
    outcomes: &[
        "one S_OK, other RPC_S_CALLPENDING, finish S_OK 'one'",
        "one RPC_S_CALLPENDING, other S_OK, finish S_OK 'other'",
    ],
    model: begin_begin,
};

fn begin_begin() -> String {
    let hall = Hall::new();
    let call = call(object(hall.clone()));
    let other = start("the other", move || name(begin(call, ECHO, b"other")));
    let began = name(begin(call, ECHO, b"one"));
    let other = other.join().expect("no panic");
    assert!(hall.work(), "one was begun");
    assert!(!hall.work(), "only one was begun");
    format!("one {began}, other {other}, finish {}", finish(call))
}

pub const RELEASE_BEGIN: Race = Race {
    name: "release against begin",
    words: 80,
    preemptions: None,
    outcomes: &["begin S_OK, run, destroyed by main", "begin E_HANDLE, not run, destroyed by the other"],
    model: release_begin,
};

fn release_begin() -> String {
    let hall = Hall::new();
    let call = call(object(hall.clone()));
    let other = start("the other", move || name(call.release()));
    let began = name(begin(call, ECHO, b"in"));
    assert_eq!(other.join().expect("no panic"), "S_OK");
    let run = if hall.work() { "run" } else { "not run" };
    assert_eq!(name(call.release()), "E_HANDLE");
    format!("begin {began}, {run}, {}", notes())
}

/// Five threads, so stopped once. Stopped twice, a method may also end while the close counts.
pub const CLOSE_BEGIN: Race = Race {
    name: "close against begin",
    words: 150,
    preemptions: Some(1),
    outcomes: &[
        "begin RPC_E_DISCONNECTED, finish no call, Completed, 0 remain, then RPC_E_DISCONNECTED",
        "begin S_OK, finish RPC_E_DISCONNECTED '', NeverStarted, 0 remain, then RPC_E_DISCONNECTED",
        "begin S_OK, finish RPC_E_DISCONNECTED '', Running, 1 remain, then RPC_E_DISCONNECTED",
        "begin S_OK, finish S_OK 'in', Completed, 0 remain, then RPC_E_DISCONNECTED",
    ],
    model: close_begin,
};

fn close_begin() -> String {
    let (id, call) = before(3, || {
        crate::timer::start().expect("threads");
        let settings = Settings { staff: Staff::Multi, workers: 1, max_workers: 1, ..Settings::default() };
        let id = apartment::create(settings).expect("memory");
        let call = call(object(apartment::lease(id).expect("it is open")));
        assert_eq!(begin(call, ECHO, b"before"), Ok(S_OK));
        finish(call);
        (id, call)
    });
    let closer = start("the closer", move || apartment::close(id, 0).expect("it lives"));
    let began = begin(call, ECHO, b"in");
    let remaining = closer.join().expect("no panic");
    let finished = if began.is_ok() { finish(call) } else { "no call".to_owned() };
    let again = begin(call, ECHO, b"in");
    let fate = call.fate().expect("it lives");
    format!("begin {}, finish {finished}, {fate:?}, {remaining} remain, then {}", name(began), name(again))
}

pub const CLOSE_BEGIN_UNSERVED: Race = Race {
    name: "close against begin: nobody serves",
    words: 150,
    preemptions: Some(2),
    outcomes: &["begin RPC_E_DISCONNECTED, no call", "begin S_OK, finish RPC_E_DISCONNECTED '', NeverStarted"],
    model: close_begin_unserved,
};

/// The owner of a single apartment closes it: whoever begins has to end the call.
fn close_begin_unserved() -> String {
    let id = apartment::create(Settings { staff: Staff::Single, ..Settings::default() }).expect("memory");
    let call = call(object(apartment::lease(id).expect("it is open")));
    let client = start("the client", move || match begin(call, ECHO, b"in") {
        Ok(_) => format!("begin S_OK, finish {}, {:?}", finish(call), call.fate().expect("it lives")),
        refused => format!("begin {}, no call", name(refused)),
    });
    assert_eq!(apartment::close(id, 0), Ok(0));
    client.join().expect("no panic")
}

pub const LATE_BEGIN: Race = Race {
    name: "late completion against the next begin",
    words: 100,
    preemptions: Some(3),
    outcomes: &[
        "late write RPC_E_CALL_CANCELED, complete S_OK, write RPC_E_CALL_COMPLETE; next in the same slot, finish S_OK 'next', Completed",
        "late write RPC_E_CALL_CANCELED, complete S_OK, write RPC_E_CALL_COMPLETE; next in another slot, finish S_OK 'next', Completed",
    ],
    model: late_begin,
};

fn late_begin() -> String {
    let hall = Hall::new();
    let call = call(object(hall.clone()));
    let late = abandoned(&hall, call);
    let completer = start("the completer", move || {
        (name(late.write(b"late")), name(late.complete(S_OK)), name(late.write(b"too late")))
    });
    assert_eq!(begin(call, ECHO, b"next"), Ok(S_OK));
    let next = call.cancelable().expect("it is in progress");
    assert!(hall.work(), "it was begun");
    let finished = finish(call);
    let fate = call.fate().expect("it lives");
    let (wrote, completed, then) = completer.join().expect("no panic");
    let place = if next.slot == late.execution.handle(late.generation).slot { "the same" } else { "another" };
    format!("late write {wrote}, complete {completed}, write {then}; next in {place} slot, finish {finished}, {fate:?}")
}

pub const FATE_BEGIN: Race = Race {
    name: "fate's late change against begin",
    words: 100,
    preemptions: Some(1),
    outcomes: &[
        "complete S_OK, Running then Running",
        "complete S_OK, Running then Stopped",
        "complete S_OK, Running then None",
        "complete S_OK, Stopped then Stopped",
        "complete S_OK, Stopped then None",
        "complete S_OK, None then None",
    ],
    model: fate_begin,
};

fn fate_begin() -> String {
    let hall = Hall::new();
    let call = call(object(hall.clone()));
    let late = abandoned(&hall, call);
    let completer = start("the completer", move || name(late.complete(RPC_E_CALL_CANCELED)));
    let reader = start("the reader", move || (call.fate().expect("it lives"), call.fate().expect("it lives")));
    assert_eq!(begin(call, ECHO, b"next"), Ok(S_OK));
    let completed = completer.join().expect("no panic");
    let (first, second) = reader.join().expect("no panic");
    format!("complete {completed}, {first:?} then {second:?}")
}

/// A method that goes on although its client has gone on too.
fn abandoned(hall: &Hall, call: crate::call::Call) -> crate::execution::Server {
    let server = started(hall, call);
    request(server.execution, server.generation, Grace::AT_ONCE);
    assert_eq!(finish(call), "RPC_E_CALL_CANCELED ''");
    server
}
