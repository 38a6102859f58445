//! Programs whose steps are dealt out to threads that run at once on the same handles: what must hold
//! whatever the order. One thread more sees to it that every method ends.

use super::actors::{note, on, send, until};
use super::api::{self, Order, Spoiled};
use super::bindings::*;
use super::contract::forbidden;
use super::program::{ACTORS, Program, Step};
use super::sequential::Checked;
use super::server::{Entry, Ledger, Parcel, Plan, Script, Shape, Thing};
use std::collections::BTreeMap;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Mutex, MutexGuard, PoisonError};

/// One call object, and what the threads did with it.
#[derive(Clone, Debug)]
pub(super) struct CallBook {
    pub call: call_t,
    pub object: usize,
    pub begins: u32,
    pub finishes: u32,
}

/// One cancel handle.
#[derive(Clone, Copy, Debug)]
pub(super) struct CancelBook {
    pub cancel: call_cancel_t,
    pub shape: Shape,
    /// How often a request through it was taken.
    pub taken: u32,
}

/// One begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct BeginBook {
    pub script: Script,
    pub call: usize,
    pub owned: bool,
    pub begun: bool,
    pub finishes: u32,
    pub completions: u32,
}

/// What the threads share.
#[derive(Default)]
pub(super) struct Tables {
    pub apartments: Vec<call_apartment_t>,
    /// With its shape, and whether its methods may wait at gates.
    pub objects: Vec<(call_object_t, Shape, bool)>,
    pub calls: Vec<CallBook>,
    pub cancels: Vec<CancelBook>,
    pub buffers: Vec<call_buffer_t>,
    /// By serial number.
    pub begins: Vec<Option<BeginBook>>,
    /// By their numbers, in which several threads make them; whether an object came of each.
    things: BTreeMap<usize, (usize, bool)>,
    parcels: Vec<usize>,
    /// The first thing that must not be.
    failure: Option<String>,
    /// Somebody canceled, disconnected or closed.
    pub disturbed: bool,
}

/// What the threads of one program share.
#[derive(Default)]
pub(super) struct World {
    pub ledger: Arc<Ledger>,
    tables: Mutex<Tables>,
    over: AtomicBool,
}

/// The apartments that every program has; the thread that sees to the methods owns the single one.
const MULTI: usize = 1;
const SERIAL: usize = 2;
const SINGLE: usize = 3;
/// The thread that sees to the methods.
const JANITOR: usize = ACTORS;

/// Runs a program; says what must not be.
pub fn run(program: &Program) -> Checked {
    note(format!("a concurrent program: {program:?}"));
    let world = Arc::new(World::default());
    world.start(program.start);
    let threads = 2 + usize::from(program.start[0] / 8) % (ACTORS - 1);
    let gate = Arc::new(Barrier::new(threads));
    let janitor = {
        let world = Arc::clone(&world);
        send(JANITOR, move || world.sweep())
    };
    let actors: Vec<_> = (0..threads)
        .map(|actor| {
            let mine: Vec<Step> = program.steps.iter().filter(|step| step.who % threads == actor).copied().collect();
            let (world, gate) = (Arc::clone(&world), Arc::clone(&gate));
            send(actor, move || {
                gate.wait();
                for step in mine {
                    world.step(step);
                }
            })
        })
        .collect();
    for actor in actors {
        actor();
    }
    world.drain();
    world.over.store(true, Ordering::Release);
    janitor();
    world.end();
    world.books().map_err(|wrong| format!("{wrong}\nin {program:?}"))
}

impl World {
    pub(super) fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what must not be.
    pub(super) fn fail(&self, what: String) {
        self.tables().failure.get_or_insert(what);
    }

    fn start(&self, [limits, first, second, third]: [u8; 4]) {
        let limit = |at: u8| u32::from(limits >> (2 * at) & 3) * 2;
        let order = |kind, at| Order { kind, workers: 1 + u32::from(limits & 1), limit: limit(at), flags: 0 };
        let orders = [order(0, 0), order(2, 1), order(1, 2)];
        let made = orders.map(|order| on(JANITOR, move || api::apartment_create(order)).1);
        self.tables().apartments = [call_apartment_t::default()].into_iter().chain(made).collect();
        for (home, byte) in [(MULTI, first), (SERIAL, second), (SINGLE, third), (0, first / 8)] {
            self.object_create(home, Shape::ALL[usize::from(byte) % Shape::ALL.len()], Spoiled::Not);
            let object = self.tables().objects.len() - 1;
            self.create(object, false);
        }
    }

    pub(super) fn object_create(&self, at: usize, shape: Shape, how: Spoiled) -> i32 {
        let thing = self.ledger.thing(shape);
        // SAFETY: just made; things are freed when all is over.
        let number = unsafe { (*thing).number };
        let thing = thing.expose_provenance();
        let home = self.tables().apartments[at];
        let (code, object) = api::object_create(home, shape, thing, how);
        let mut tables = self.tables();
        tables.things.insert(number, (thing, code == S_OK));
        if code == S_OK {
            tables.objects.push((object, shape, at != 0 && at != SINGLE && !shape.begins()));
        }
        code
    }

    pub(super) fn create(&self, object: usize, null: bool) -> i32 {
        let handle = self.tables().objects[object].0;
        let (code, call) = api::create(handle, null);
        if code == S_OK {
            self.tables().calls.push(CallBook { call, object, begins: 0, finishes: 0 });
        }
        code
    }

    /// Notes a begin that is about to be, and its owned input.
    pub(super) fn announce(&self, call: usize, mut script: Script, owned: bool) -> (Script, usize) {
        script.serial = self.ledger.open();
        let mut tables = self.tables();
        let serial = script.serial as usize;
        if tables.begins.len() <= serial {
            tables.begins.resize(serial + 1, None);
        }
        tables.begins[serial] = Some(BeginBook { script, call, owned, begun: false, finishes: 0, completions: 0 });
        let parcel = if owned { self.ledger.parcel(script.serial).expose_provenance() } else { 0 };
        if owned {
            tables.parcels.push(parcel);
        }
        (script, parcel)
    }

    /// The life of the thread that lets methods end, and serves the single apartment.
    fn sweep(&self) {
        let single = self.tables().apartments[SINGLE];
        let mut at = 0;
        while !self.over.load(Ordering::Acquire) {
            let (code, _) = api::pump(single, u32::from(at % 4 == 0));
            if ![S_OK, RPC_E_DISCONNECTED].contains(&code) {
                self.fail(format!("the pump gave {}", code_name(code)));
            }
            at += 1;
            self.end_one(at);
            std::thread::yield_now();
        }
    }

    /// Opens a gate, or completes a call.
    fn end_one(&self, at: usize) {
        let entries: Vec<_> = {
            let books = self.ledger.books();
            let going = |entry: &Entry| entry.context != 0 && entry.completed.is_none();
            (0..books.entries.len()).filter(|&serial| going(&books.entries[serial])).collect()
        };
        if entries.is_empty() {
            return;
        }
        let serial = entries[at / 3 % entries.len()];
        self.ledger.open_gate(serial);
        if at.is_multiple_of(3) {
            self.complete(serial);
        }
    }

    /// Completes a call as its script says, whoever else does.
    pub(super) fn complete(&self, serial: usize) -> i32 {
        let context = call_context_t { id: self.ledger.books().entries[serial].context };
        let Some(script) = self.tables().begins[serial].map(|begin| begin.script) else { return E_HANDLE };
        let code = call_context_complete(context, script.code);
        if code == S_OK || code == E_INVALIDARG {
            let mut tables = self.tables();
            if let Some(begin) = tables.begins[serial].as_mut() {
                begin.completions += 1;
            }
        }
        code
    }

    /// Collects what is in progress; where nobody disturbed anything, every method runs.
    fn drain(&self) {
        let calls: Vec<_> = self.tables().calls.iter().map(|book| book.call).collect();
        for (at, call) in calls.into_iter().enumerate() {
            let how = api::Collect { block: true, room: Some(1000), null: false };
            let (code, _, output) = on(0, move || api::finish(call, how));
            self.collected(at, code, Some(output));
        }
        if !self.tables().disturbed {
            let entered = |serial: usize| self.ledger.books().entries[serial].entered > 0;
            let begun = || {
                let tables = self.tables();
                tables.begins.iter().flatten().filter(|begin| begin.begun).map(|begin| begin.script.serial).collect()
            };
            let begun: Vec<u32> = begun();
            until(|| "methods that nobody canceled start".to_owned(), || begun.iter().all(|&at| entered(at as usize)));
        }
    }

    /// Checks a result that was collected, if one was.
    pub(super) fn collected(&self, call: usize, code: i32, output: Option<Vec<u8>>) {
        let none = [E_HANDLE, E_POINTER, RPC_S_CALLPENDING, RPC_E_CALL_COMPLETE, CALL_E_MORE_DATA];
        if none.contains(&code) {
            return;
        }
        let mut tables = self.tables();
        tables.calls[call].finishes += 1;
        let Some(output) = output else { return };
        let wrong = if output.is_empty() {
            ![RPC_E_CALL_CANCELED, RPC_E_DISCONNECTED].contains(&code)
        } else {
            !tables.is_output(call, code, &output)
        };
        if wrong {
            let what = format!("call {call} ended with {} and {output:?}", code_name(code));
            tables.failure.get_or_insert(what);
        }
    }

    fn end(&self) {
        let (calls, cancels, buffers, objects, apartments) = {
            let tables = self.tables();
            let calls: Vec<_> = tables.calls.iter().map(|book| book.call).collect();
            let cancels: Vec<_> = tables.cancels.iter().map(|book| book.cancel).collect();
            let objects: Vec<_> = tables.objects.iter().map(|object| object.0).collect();
            (calls, cancels, tables.buffers.clone(), objects, tables.apartments.clone())
        };
        for home in &apartments[1..] {
            api::close(*home, 0);
            call_apartment_release(*home);
        }
        api::release_all(&calls, call_release);
        api::release_all(&cancels, call_cancel_release);
        api::release_all(&buffers, call_buffer_release);
        api::release_all(&objects, call_object_release);
    }

    /// What must hold at the end.
    fn books(&self) -> Checked {
        let things = self.tables().things.clone();
        let wanted: Vec<_> = things.values().map(|(_, created)| u32::from(*created)).collect();
        let all_destroyed = || {
            let serials = self.ledger.books().entries.len();
            for serial in 0..serials {
                self.ledger.open_gate(serial);
                if self.ledger.books().entries[serial].context != 0 {
                    self.complete(serial);
                }
            }
            let books = self.ledger.books();
            wanted.iter().zip(&books.destroyed).all(|(wanted, destroyed)| destroyed >= wanted)
        };
        until(|| format!("the last destroys, {wanted:?} of {:?}", self.ledger.books().destroyed), all_destroyed);
        let (tables, books) = (self.tables(), self.ledger.books());
        if let Some(wrong) = tables.failure.as_ref().or(books.violations.first()) {
            return Err(wrong.clone());
        }
        if books.destroyed != wanted {
            return Err(format!("objects were destroyed {:?} times, {wanted:?} of them were made", books.destroyed));
        }
        for call in &tables.calls {
            // One more begin than finishes where the call object was released first.
            if !(call.finishes..=call.finishes + 1).contains(&call.begins) {
                return Err(format!("a begin is finished once: {call:?}"));
            }
        }
        for begin in tables.begins.iter().flatten() {
            begin.look(&books.entries[begin.script.serial as usize], tables.disturbed)?;
        }
        for (thing, _) in things.into_values() {
            // SAFETY: a `Box` of `Ledger::thing`; its object was destroyed or never made.
            drop(unsafe { Box::from_raw(ptr::with_exposed_provenance_mut::<Thing>(thing)) });
        }
        for &parcel in &tables.parcels {
            // SAFETY: a `Box` of `Ledger::parcel`, whose input was freed or not taken.
            drop(unsafe { Box::from_raw(ptr::with_exposed_provenance_mut::<Parcel>(parcel)) });
        }
        Ok(())
    }
}

impl Tables {
    /// Whether this is what one begin of that call object wrote and ended with, for the first time.
    fn is_output(&mut self, call: usize, code: i32, output: &[u8]) -> bool {
        let serial = output.get(..4).map(|four| u32::from_le_bytes(four.try_into().unwrap_or_default()));
        let begin = serial.and_then(|serial| self.begins.get_mut(serial as usize)?.as_mut());
        let Some(begin) = begin.filter(|begin| begin.call == call && begin.finishes == 0) else { return false };
        begin.finishes += 1;
        let own = begin.script.output();
        output.starts_with(&own) && output[own.len()..].iter().all(|&byte| byte == 0xEE) && begin.may_give(code)
    }
}

impl BeginBook {
    /// Whether its method may end with that result.
    fn may_give(&self, code: i32) -> bool {
        let panics = self.script.plan == Plan::Panic && code == RPC_E_SERVERFAULT;
        panics || code == if forbidden(self.script.code) { E_UNEXPECTED } else { self.script.code }
    }

    fn look(&self, entry: &Entry, disturbed: bool) -> Checked {
        let own = u32::from(entry.completed.is_some_and(|code| code != RPC_E_CALL_COMPLETE));
        let completions = self.completions + own;
        let deferred = entry.entered == 1 && self.script.plan == Plan::Defer;
        let wrong = entry.entered > u32::from(self.begun)
            || entry.frees != u32::from(self.begun && self.owned)
            || (self.begun && !disturbed && entry.entered == 0)
            || completions > 1
            || (deferred && completions == 0);
        if wrong { Err(format!("at the end: {self:?}, {entry:?}")) } else { Ok(()) }
    }
}
