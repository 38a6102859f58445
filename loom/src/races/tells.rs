//! Telling a method of a cancel.

use super::Race;
use crate::execution::{Callback, Grace};
use crate::hresult::S_OK;
use crate::stage::{deferred, name, note, notes, request, start, timer};
use crate::sync::Tracked;
use std::ffi::c_void;

pub const REGISTER_CANCEL: Race = Race {
    name: "registering a callback against cancel",
    words: 80,
    preemptions: Some(1),
    outcomes: &[
        "register S_OK, cancel Done, complete S_OK, told by main",
        "register S_OK, cancel Done, complete S_OK, told by the library",
    ],
    model: register_cancel,
};

static TOUCHED: u8 = 0;

unsafe extern "C-unwind" fn told(_: *mut c_void) {
    Tracked::of(&raw const TOUCHED).write();
    note("told");
}

fn callback() -> Option<Callback> {
    Some(Callback { run: told, user: std::ptr::null_mut() })
}

fn register_cancel() -> String {
    timer();
    let server = deferred();
    let (execution, generation) = (server.execution, server.generation);
    let canceler = start("the canceler", move || request(execution, generation, Grace::AT_ONCE));
    let registered = name(server.on_cancel(callback()));
    let canceled = canceler.join().expect("no panic");
    let completed = name(server.complete(S_OK));
    // The method's end waits for the callback.
    Tracked::of(&raw const TOUCHED).write();
    format!("register {registered}, cancel {canceled:?}, complete {completed}, {}", notes())
}

pub const TAKE_BACK_CANCEL: Race = Race {
    name: "taking a callback back against cancel",
    outcomes: &[
        "take back S_OK, cancel Done, complete S_OK, told: ''",
        "take back S_OK, cancel Done, complete S_OK, told: 'told by the library'",
    ],
    model: take_back_cancel,
    ..REGISTER_CANCEL
};

fn take_back_cancel() -> String {
    timer();
    let server = deferred();
    let (execution, generation) = (server.execution, server.generation);
    assert_eq!(server.on_cancel(callback()), Ok(S_OK));
    let taker = start("the taker", move || {
        let taken = name(server.on_cancel(None));
        // From now on it does not run.
        Tracked::of(&raw const TOUCHED).write();
        (taken, notes())
    });
    let canceled = request(execution, generation, Grace::AT_ONCE);
    let (taken, before) = taker.join().expect("no panic");
    let completed = name(server.complete(S_OK));
    assert_eq!(before, notes(), "told after it was taken back");
    format!("take back {taken}, cancel {canceled:?}, complete {completed}, told: '{}'", notes())
}
