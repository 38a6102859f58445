//! Wake-ups against threads that go to sleep. A wake-up that is lost is a deadlock, which fails.

use super::Race;
use crate::apartment::{self, Settings, Staff};
use crate::hresult::S_OK;
use crate::stage::{ECHO, begin, call, collect, deferred, finish, object, start};
use crate::sync::sleeps;
use crate::time::Deadline;
use crate::wait::{Hopeless, until_done};

pub const PARK_CLIENT: Race = Race {
    name: "wake-up against park: a client",
    words: 80,
    preemptions: None,
    outcomes: &["the client slept, S_OK ''", "the client did not sleep, S_OK ''"],
    model: park_client,
};

fn park_client() -> String {
    let server = deferred();
    let (execution, generation) = (server.execution, server.generation);
    let completer = start("the completer", move || server.complete(S_OK));
    assert_eq!(until_done(execution, generation, Deadline::NEVER, Hopeless::Refuse), Ok(true));
    let result = collect(execution, generation);
    assert_eq!(completer.join().expect("no panic"), Ok(S_OK));
    format!("{}, {result}", slept("the client", sleeps().0))
}

fn slept(who: &str, times: u32) -> String {
    if times == 0 { format!("{who} did not sleep") } else { format!("{who} slept") }
}

pub const PARK_POOL: Race = Race {
    name: "wake-up against park: a pool's thread",
    words: 150,
    preemptions: Some(1),
    outcomes: &["the thread slept, S_OK 'one', S_OK 'two'", "the thread did not sleep, S_OK 'one', S_OK 'two'"],
    model: || park_worker(Staff::Multi),
};

pub const PARK_SERIAL: Race = Race {
    name: "wake-up against park: a serial apartment's thread",
    outcomes: &["the thread slept, S_OK 'one', S_OK 'two'", "the thread did not sleep, S_OK 'one', S_OK 'two'"],
    model: || park_worker(Staff::Serial),
    ..PARK_POOL
};

/// The library's thread looks for work and goes to sleep while a call is begun.
fn park_worker(staff: Staff) -> String {
    let settings = Settings { staff, workers: 1, max_workers: 1, ..Settings::default() };
    let id = apartment::create(settings).expect("memory");
    let call = call(object(apartment::lease(id).expect("it is open")));
    assert_eq!(begin(call, ECHO, b"one"), Ok(S_OK));
    let first = finish(call);
    assert_eq!(begin(call, ECHO, b"two"), Ok(S_OK));
    let slept = slept("the thread", sleeps().1);
    format!("{slept}, {first}, {}", finish(call))
}

pub const PARK_OWNER: Race = Race {
    name: "wake-up against park: a single apartment's owner",
    outcomes: &["the owner slept, S_OK 'in'", "the owner did not sleep, S_OK 'in'"],
    model: park_owner,
    ..PARK_POOL
};

fn park_owner() -> String {
    let settings = Settings { staff: Staff::Single, ..Settings::default() };
    let id = apartment::create(settings).expect("memory");
    let call = call(object(apartment::lease(id).expect("it is open")));
    let client = start("the client", move || {
        assert_eq!(begin(call, ECHO, b"in"), Ok(S_OK));
        finish(call)
    });
    assert_eq!(apartment::pump(id, Deadline::NEVER), Ok(1));
    let owner = slept("the owner", sleeps().0);
    format!("{owner}, {}", client.join().expect("no panic"))
}
