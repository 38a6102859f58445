//! Models of the races of libcall: each runs the library's own source, on loom's atomics, in every
//! order of its threads that its bound allows, and must come to all the outcomes that it names and
//! to no other.
//!
//! Without an argument all of them run, each in a process of its own; with a name, that one.

// The models use a part of the library.
#![allow(dead_code, unused_imports)]

/// The library's thread-locals belong to a model's threads.
macro_rules! thread_local {
    ($($(#[$attribute:meta])* $visible:vis static $name:ident: $value:ty = const $make:block;)+) => {
        $($(#[$attribute])* $visible static $name: crate::sync::LocalKey<$value> =
            crate::sync::LocalKey::new(|| $make);)+
    };
}

extern crate self as once_cell;

#[path = "../../src/apartment/mod.rs"]
mod apartment;
#[path = "../../src/isolated/baton.rs"]
mod baton;
mod buffer;
#[path = "../../src/call/mod.rs"]
mod call;
#[path = "../../src/cancel.rs"]
mod cancel;
#[path = "../../src/completions.rs"]
mod completions;
#[path = "../../src/deadlock.rs"]
mod deadlock;
#[path = "../../src/event.rs"]
mod event;
#[path = "../../src/execution/mod.rs"]
mod execution;
#[path = "../../src/frame.rs"]
mod frame;
#[path = "../../src/handle/mod.rs"]
mod handle;
#[path = "../../src/hresult/mod.rs"]
mod hresult;
mod memory;
mod monitor;
#[path = "../../src/object.rs"]
mod object;
mod process;
#[path = "../../src/queue.rs"]
mod queue;
pub mod race;
mod races;
mod signal;
mod spin;
mod stage;
#[path = "../../src/state/mod.rs"]
mod state;
mod sync;
mod time;
#[path = "../../src/timer.rs"]
mod timer;
#[path = "../../src/unwind.rs"]
mod unwind;
#[path = "../../src/wait.rs"]
mod wait;

use races::{RACES, Race};
use std::collections::BTreeMap;
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex, PoisonError};

fn main() -> ExitCode {
    let Some(name) = std::env::args().nth(1) else { return run_all() };
    let Some(race) = RACES.iter().find(|race| race.name == name) else {
        eprintln!("there is no model {name}");
        return ExitCode::FAILURE;
    };
    if explore(race) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Each in its own process: what fails in loom may end it.
fn run_all() -> ExitCode {
    let me = std::env::current_exe().expect("a program knows where it is");
    let passes = |race: &&Race| Command::new(&me).arg(race.name).status().is_ok_and(|status| status.success());
    let failed: Vec<_> = RACES.iter().filter(|race| !passes(race)).map(|race| race.name).collect();
    if failed.is_empty() {
        println!("loom: {} models", RACES.len());
        return ExitCode::SUCCESS;
    }
    println!("loom: FAILED: {}", failed.join(", "));
    ExitCode::FAILURE
}

/// Runs one model in all orders; whether exactly the named outcomes came about.
fn explore(race: &Race) -> bool {
    let seen = Arc::new(Mutex::new(BTreeMap::<String, u32>::new()));
    let (counted, model, words) = (Arc::clone(&seen), race.model, race.words);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = race.preemptions;
    builder.max_branches = 10_000;
    builder.check(move || {
        stage::fresh(words);
        let outcome = model();
        *counted.lock().unwrap_or_else(PoisonError::into_inner).entry(outcome).or_default() += 1;
        sync::model_is_over();
    });
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    let executions: u32 = seen.values().sum();
    let came: Vec<_> = seen.iter().map(|(outcome, times)| format!("{outcome} ({times})")).collect();
    println!("{}: {executions} executions: {}", race.name, came.join("; "));
    let missing: Vec<_> = race.outcomes.iter().filter(|outcome| !seen.contains_key(**outcome)).collect();
    let strange: Vec<_> = seen.keys().filter(|outcome| !race.outcomes.contains(&outcome.as_str())).collect();
    if !missing.is_empty() {
        println!("{}: did not come about: {missing:?}", race.name);
    }
    if !strange.is_empty() {
        println!("{}: should not come about: {strange:?}", race.name);
    }
    missing.is_empty() && strange.is_empty()
}
