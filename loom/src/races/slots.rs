//! A slot that is used again, against those who still have its last handle.

use super::Race;
use crate::cancel;
use crate::execution::{Execution, Grace};
use crate::frame::Frame;
use crate::hresult::S_OK;
use crate::object::ObjectHold;
use crate::stage::{ECHO, Hall, begin, call, deferred, finish, name, notes, object, request, start, started, timer};
use crate::sync::Ordering;
use crate::time::Deadline;

pub const REUSE_CALL: Race = Race {
    name: "slot reuse against lookup: a call object",
    words: 100,
    preemptions: Some(2),
    outcomes: &[
        "fate of the old None, finish of the new S_OK 'new'",
        "fate of the old E_HANDLE, finish of the new S_OK 'new'",
    ],
    model: reuse_call,
};

fn reuse_call() -> String {
    let hall = Hall::new();
    let target = object(hall.clone());
    let old = call(target.clone());
    let looker = start("the looker", move || match old.fate() {
        Ok(fate) => format!("{fate:?}"),
        Err(failure) => name(Err(failure)).to_owned(),
    });
    assert_eq!(old.release(), Ok(S_OK));
    let new = call(target);
    assert_eq!(begin(new, ECHO, b"new"), Ok(S_OK));
    assert!(hall.work());
    let finished = finish(new);
    format!("fate of the old {}, finish of the new {finished}", looker.join().expect("no panic"))
}

pub const REUSE_CANCEL: Race = Race {
    name: "slot reuse against lookup: a cancel interface",
    words: 120,
    preemptions: Some(3),
    outcomes: &[
        "cancel of the old S_OK, finish RPC_E_CALL_CANCELED ''; the new RPC_S_CALLPENDING, S_OK 'new'",
        "cancel of the old E_HANDLE, finish S_OK 'old'; the new RPC_S_CALLPENDING, S_OK 'new'",
    ],
    model: reuse_cancel,
};

fn reuse_cancel() -> String {
    timer();
    let hall = Hall::new();
    let target = object(hall.clone());
    let (old, new) = (call(target.clone()), call(target));
    assert_eq!(begin(old, ECHO, b"old"), Ok(S_OK));
    assert_eq!(begin(new, ECHO, b"new"), Ok(S_OK));
    let id = cancel::query(old).expect("memory");
    let canceler = start("the canceler", move || name(cancel::request(id, Grace::AT_ONCE)));
    assert_eq!(cancel::release(id), Ok(S_OK));
    let next = cancel::query(new).expect("memory");
    assert_ne!(id, next, "a handle is never given out twice");
    let canceled = canceler.join().expect("no panic");
    let of_new = name(cancel::test(next));
    hall.work();
    hall.work();
    format!("cancel of the old {canceled}, finish {}; the new {of_new}, {}", finish(old), finish(new))
}

pub const REUSE_EXECUTION: Race = Race {
    name: "slot reuse against lookup: an execution",
    words: 100,
    preemptions: Some(3),
    outcomes: &[
        "cancel Done, finish RPC_E_CALL_CANCELED '', then S_OK 'two'",
        "cancel Complete, finish S_OK 'one', then S_OK 'two'",
    ],
    model: reuse_execution,
};

/// A cancel of one begin never reaches the next.
fn reuse_execution() -> String {
    let hall = Hall::new();
    let call = call(object(hall.clone()));
    assert_eq!(begin(call, ECHO, b"one"), Ok(S_OK));
    let handle = call.cancelable().expect("it is in progress");
    let execution = Execution::of_slot(handle.slot).expect("a slot in use");
    let canceler = start("the canceler", move || request(execution, handle.generation, Grace::AT_ONCE));
    hall.work();
    let first = finish(call);
    assert_eq!(begin(call, ECHO, b"two"), Ok(S_OK));
    assert!(hall.work(), "it was begun");
    let second = finish(call);
    format!("cancel {:?}, finish {first}, then {second}", canceler.join().expect("no panic"))
}

pub const PARK_CANCEL: Race = Race {
    name: "an execution that its call object's slot keeps against a late cancel",
    words: 110,
    preemptions: Some(3),
    outcomes: &["cancel Complete, finish of the next S_OK 'two'"],
    model: park_cancel,
};

/// A cancel of the last call of one call object never reaches the first of the next.
fn park_cancel() -> String {
    let hall = Hall::new();
    let target = object(hall.clone());
    let old = call(target.clone());
    assert_eq!(begin(old, ECHO, b"one"), Ok(S_OK));
    assert!(hall.work());
    let handle = old.cancelable().expect("it is in progress");
    assert_eq!(finish(old), "S_OK 'one'");
    let execution = Execution::of_slot(handle.slot).expect("a slot in use");
    let canceler = start("the canceler", move || request(execution, handle.generation, Grace::AT_ONCE));
    assert_eq!(old.release(), Ok(S_OK));
    let next = call(target);
    assert_eq!(begin(next, ECHO, b"two"), Ok(S_OK));
    assert_eq!(next.cancelable().expect("it is in progress").slot, handle.slot, "the slot kept it");
    assert!(hall.work(), "it was begun");
    let finished = finish(next);
    format!("cancel {:?}, finish of the next {finished}", canceler.join().expect("no panic"))
}

pub const PARK_LOOK: Race = Race {
    name: "an execution that its call object's slot keeps against a look at what it told",
    words: 110,
    preemptions: Some(3),
    outcomes: &["saw nothing, kept true", "saw a look, kept true", "saw a look, kept false"],
    model: park_look,
};

/// Who looks at message and progress keeps the execution as it is: then it is given back instead.
fn park_look() -> String {
    let hall = Hall::new();
    let target = object(hall.clone());
    let old = call(target.clone());
    let server = started(&hall, old);
    let handle = old.cancelable().expect("it is in progress");
    assert!(server.set_progress(1, 2).is_ok() && server.write(b"one").is_ok() && server.complete(S_OK).is_ok());
    assert_eq!(finish(old), "S_OK 'one'");
    let looker = start("the looker", move || match old.inspect(|_, told| told.progress) {
        Ok(Some(progress)) => {
            assert_eq!(progress, (1, 2));
            "a look"
        }
        Ok(None) | Err(_) => "nothing",
    });
    assert_eq!(old.release(), Ok(S_OK));
    let next = call(target);
    let kept = next.cancelable().expect("idle").slot == handle.slot;
    format!("saw {}, kept {kept}", looker.join().expect("no panic"))
}

pub const PARK_DISCONNECT: Race = Race {
    name: "an execution that its call object's slot keeps against a disconnect of its last object",
    words: 110,
    preemptions: Some(2),
    outcomes: &["finish of the next S_OK 'two'"],
    model: park_disconnect,
};

/// A disconnect of one object never reaches a call to the next object of the same slot.
fn park_disconnect() -> String {
    let hall = Hall::new();
    let last = object(hall.clone());
    let old = call(last.clone());
    assert_eq!(begin(old, ECHO, b"one"), Ok(S_OK));
    assert!(hall.work());
    let slot = old.cancelable().expect("it is in progress").slot;
    assert_eq!(finish(old), "S_OK 'one'");
    let disconnector = start("the disconnector", {
        let last = last.clone();
        move || last.disconnect()
    });
    assert_eq!(old.release(), Ok(S_OK));
    let next = call(object(hall.clone()));
    assert_eq!(begin(next, ECHO, b"two"), Ok(S_OK));
    assert_eq!(next.cancelable().expect("it is in progress").slot, slot, "the slot kept it");
    disconnector.join().expect("no panic");
    drop(last);
    hall.work();
    format!("finish of the next {}", finish(next))
}

pub const TARGET_REUSE: Race = Race {
    name: "a look for the object of a begin against its end and the next object of the same slot",
    words: 110,
    preemptions: Some(3),
    outcomes: &["found none, destroyed by main", "found it, destroyed by main", "found it, destroyed by the looker"],
    model: target_reuse,
};

/// Who keeps nothing finds the object of that begin, or none; never the next one, which may be in the same place.
fn target_reuse() -> String {
    let hall = Hall::new();
    let old = call(object(hall.clone()));
    let server = started(&hall, old);
    assert_eq!(server.complete(S_OK), Ok(S_OK));
    let looker = start("the looker", move || match server.execution.target_while(server.generation) {
        Some(found) => {
            assert!(found.connected().is_ok(), "another begin's object");
            "it"
        }
        None => "none",
    });
    assert_eq!(finish(old), "S_OK ''");
    assert_eq!(old.release(), Ok(S_OK));
    let destroyed = notes();
    let second = object(hall);
    second.disconnected.store(1, Ordering::SeqCst);
    let next = call(second);
    assert_eq!(next.cancelable().expect("idle").slot, server.execution.handle(server.generation).slot);
    let found = looker.join().expect("no panic");
    let destroyed = if destroyed.is_empty() { notes() } else { destroyed };
    assert_eq!(next.release(), Ok(S_OK));
    format!("found {found}, {destroyed}")
}

pub const LOOK_BEGIN: Race = Race {
    name: "a look for a deadlock against the end of the call and the next begin",
    words: 120,
    preemptions: Some(2),
    outcomes: &[
        "wait RPC_S_CALLPENDING, finish RPC_E_CALL_CANCELED '', then S_OK 'two'",
        "wait S_OK, finish RPC_E_CALL_CANCELED '', then S_OK 'two'",
        "wait RPC_E_CALL_COMPLETE, finish RPC_E_CALL_CANCELED '', then S_OK 'two'",
    ],
    model: look_begin,
};

/// Inside a method, a wait asks the apartment of a queued call whether it may start; the call is replaced meanwhile,
/// and its execution given back.
fn look_begin() -> String {
    let hall = Hall::new();
    let call = call(object(hall.clone()));
    let method = deferred();
    assert_eq!(begin(call, ECHO, b"one"), Ok(S_OK));
    let handle = call.cancelable().expect("it is in progress");
    let execution = Execution::of_slot(handle.slot).expect("a slot in use");
    let client = start("the client", move || {
        request(execution, handle.generation, Grace::AT_ONCE);
        let first = finish(call);
        assert_eq!(begin(call, ECHO, b"two"), Ok(S_OK));
        assert!(!hall.work(), "the first was canceled");
        assert!(hall.work(), "the second was not");
        (first, finish(call))
    });
    let waited = Frame::within(method, None, || name(call.wait(Deadline::after_ms(0))));
    let (first, second) = client.join().expect("no panic");
    format!("wait {waited}, finish {first}, then {second}")
}

pub const HOLD_RELEASE: Race = Race {
    name: "the use of an object's handle against its release",
    words: 60,
    preemptions: None,
    outcomes: &["found; destroyed by main", "found; destroyed by the finder", "E_HANDLE; destroyed by main"],
    model: hold_release,
};

/// The object goes once, with the last who holds it.
fn hold_release() -> String {
    let id = object(Hall::new()).into_handle();
    let finder = start("the finder", move || match ObjectHold::find(id) {
        Ok(held) => {
            drop(held.clone());
            "found"
        }
        Err(failure) => name(Err(failure)),
    });
    assert_eq!(ObjectHold::release(id), Ok(()));
    let found = finder.join().expect("no panic");
    assert!(ObjectHold::find(id).is_err(), "the handle is over");
    format!("{found}; {}", notes())
}
