//! What a program of one thread at a time does to its methods from outside, and what must hold after
//! every step and at the end.

use super::actors::{on, until};
use super::api::{self, Spoiled};
use super::bindings::*;
use super::contract::{Message, Place, forbidden};
use super::program::Op;
use super::sequential::{Checked, Run, script};
use super::server::{Entry, Ledger, Parcel, Plan, Script, Shape, Thing};
use super::tally;
use std::ptr;
use std::sync::Arc;

impl Run {
    pub(super) fn server(&mut self, who: usize, op: Op, at: usize, b: u8) -> Checked {
        let context = self.context(at);
        match op {
            Op::Write | Op::Reserve | Op::Commit => self.output(who, op, at, b),
            Op::SetError => self.set_error(who, at, b),
            Op::SetProgress => {
                let (done, total) = (b.into(), 300);
                let code = on(who, move || call_context_set_progress(context, done, total));
                self.expect(who, op, &self.model.edit_codes(at, false), code, false)?;
                if code == S_OK {
                    self.model.begins[at].progress = (done, total);
                }
                Ok(())
            }
            Op::ContextTest | Op::ContextWait => {
                let wait = op == Op::ContextWait;
                let ask =
                    move || if wait { call_context_wait_cancel(context, 0) } else { call_context_test_cancel(context) };
                let code = on(who, ask);
                self.expect(who, op, &self.model.context_test_codes(at), code, code == RPC_E_CALL_CANCELED)
            }
            Op::Disable | Op::Enable => self.region(who, op, at),
            Op::Complete => self.complete(who, at, b),
            _ => self.open_gate(b),
        }
    }

    fn output(&mut self, who: usize, op: Op, at: usize, b: u8) -> Checked {
        let context = self.context(at);
        let len = [0, 1, 8, 60, 64, 200][usize::from(b) % 6];
        let null = b >= 248 && len > 0;
        let (codes, code) = match op {
            Op::Write => {
                let bytes = vec![b; len];
                (self.model.edit_codes(at, null), on(who, move || api::write(context, &bytes, null)))
            }
            Op::Reserve => {
                // Filled with what a commit then adds.
                (self.model.edit_codes(at, false), on(who, move || api::reserve(context, len, 0xCC, true)))
            }
            _ => (self.model.commit_codes(at, len), on(who, move || call_context_commit(context, len))),
        };
        self.expect(who, op, &codes, code, false)?;
        let begin = &mut self.model.begins[at];
        if code == S_OK {
            begin.reserved = if op == Op::Reserve { len } else { 0 };
            match op {
                Op::Write => begin.output.extend(vec![b; len]),
                Op::Commit => begin.output.extend(vec![0xCC; len]),
                _ => {}
            }
        }
        Ok(())
    }

    fn set_error(&mut self, who: usize, at: usize, b: u8) -> Checked {
        let context = self.context(at);
        let (null, text) = (b >= 248, if b.is_multiple_of(2) { c"" } else { c"no such primes" });
        let code = on(who, move || api::set_error(context, if null { None } else { Some(text) }));
        self.expect(who, Op::SetError, &self.model.edit_codes(at, null), code, false)?;
        if code == S_OK {
            self.model.begins[at].message = Message::Given(text.count_bytes());
        }
        Ok(())
    }

    fn region(&mut self, who: usize, op: Op, at: usize) -> Checked {
        let context = self.context(at);
        let disable = op == Op::Disable;
        let turn =
            move || if disable { call_context_disable_cancel(context) } else { call_context_enable_cancel(context) };
        let code = on(who, turn);
        self.expect(who, op, &self.model.region_codes(at), code, code == RPC_E_CALL_CANCELED)?;
        if self.model.begins[at].is_running() && (!disable || code == S_OK) {
            self.model.begins[at].disabled = disable;
        }
        Ok(())
    }

    fn complete(&mut self, who: usize, at: usize, b: u8) -> Checked {
        let context = self.context(at);
        let codes = [S_OK, RPC_E_CALL_CANCELED, E_FAIL, CALL_S_DEFERRED, RPC_E_CALL_CANCELED, RPC_S_CALLPENDING];
        let result = codes[usize::from(b) % codes.len()];
        let code = on(who, move || call_context_complete(context, result));
        self.expect(who, Op::Complete, &self.model.complete_codes(at, result), code, false)?;
        if self.model.begins[at].is_running() {
            self.model.end(at, result);
        }
        Ok(())
    }

    /// Opens one of the gates at which methods wait.
    fn open_gate(&mut self, b: u8) -> Checked {
        let begins = &self.model.begins;
        let parked: Vec<_> = (0..begins.len()).filter(|&at| begins[at].parked).collect();
        let Some(&at) = parked.get(usize::from(b) % parked.len().max(1)) else { return Ok(()) };
        self.ledger.open_gate(begins[at].script.serial as usize);
        let started = self.model.gate_opened(at);
        self.await_end(at);
        self.started(None, &started)
    }

    fn entry(&self, at: usize) -> Entry {
        self.ledger.books().entries[self.model.begins[at].script.serial as usize].clone()
    }

    fn await_end(&self, at: usize) {
        let context = self.context(at);
        let what = || format!("the end of a method, {:?}", self.model.begins[at]);
        until(what, || call_context_test_cancel(context) == RPC_E_CALL_COMPLETE);
    }

    /// Methods that the model says have started do so; `on`: on the thread of that actor.
    pub(super) fn started(&mut self, on: Option<usize>, started: &[usize]) -> Checked {
        for &at in started {
            let begin = &self.model.begins[at];
            until(|| format!("the start of a method, {begin:?}"), || self.entry(at).entered > 0);
            let forbidden = begin.script.plan == Plan::Complete && forbidden(begin.script.code);
            if begin.parked {
                until(|| format!("a method at its gate, {begin:?}"), || self.entry(at).parked);
            }
            if begin.place == Place::Over {
                self.await_end(at);
                let noted = || begin.script.plan != Plan::Complete || self.entry(at).completed.is_some();
                until(|| format!("a method that completes its own call, {begin:?}"), noted);
                let completed = self.entry(at).completed;
                let expected = if forbidden { E_INVALIDARG } else { S_OK };
                if begin.script.plan == Plan::Complete && completed != Some(expected) {
                    return Err(format!("call_context_complete gave {completed:?} in the method of {begin:?}"));
                }
            }
            if !self.entry(at).wrote {
                return Err(format!("the method could not write, {begin:?}"));
            }
            if let Some(who) = on.filter(|_| forbidden) {
                self.last[who] = E_INVALIDARG;
            }
        }
        Ok(())
    }

    /// What must hold after every step.
    pub(super) fn look(&self) -> Checked {
        let books = self.ledger.books();
        if let Some(violation) = books.violations.first() {
            return Err(violation.clone());
        }
        for begin in &self.model.begins {
            let entry = &books.entries[begin.script.serial as usize];
            let waits = begin.place == Place::Queued && begin.done.is_none();
            let class_told = if begin.direct { u32::MAX } else { u32::from(begin.cause.is_some()) };
            if entry.entered != u32::from(begin.entered) {
                return Err(format!("a method was entered {} times, {begin:?}", entry.entered));
            }
            if entry.frees > u32::from(begin.owned) || (entry.frees > 0 && (waits || begin.parked)) {
                return Err(format!("an input was freed {} times, {begin:?}", entry.frees));
            }
            if entry.told > class_told {
                return Err(format!("a class was told {} times of a cancel, {begin:?}", entry.told));
            }
        }
        drop(books);
        self.look_at_calls()?;
        self.look_at_objects()
    }

    /// Fates and cancel handles say what the model says, whoever asks.
    fn look_at_calls(&self) -> Checked {
        for (at, &call) in self.calls.iter().enumerate().filter(|(at, _)| self.model.calls[*at].references > 0) {
            let (fate, fates) = (api::get_fate(call, false).1, self.model.fates(at));
            tally::note(tally::FATES, Op::GetFate, fate);
            if !fates.contains(&fate) {
                return Err(format!("the fate of call {at} is {fate}, the model permits {fates:?}"));
            }
        }
        for (at, &cancel) in self.cancels.iter().enumerate() {
            let (code, codes) = (call_test_cancel(cancel), self.model.test_codes(Some(at)));
            if !codes.contains(&code) {
                let codes: Vec<_> = codes.iter().map(|code| code_name(*code)).collect();
                return Err(format!("cancel handle {at} tests {}, the model permits {codes:?}", code_name(code)));
            }
        }
        Ok(())
    }

    fn look_at_objects(&self) -> Checked {
        let created = self.things.iter().enumerate().filter(|(_, (_, created))| *created).map(|(at, _)| at);
        for (object, thing) in created.enumerate() {
            let destroyed = || self.ledger.books().destroyed[thing];
            let needed = self.model.needed(object);
            if destroyed() > u32::from(!needed) {
                return Err(format!("destroyed {} times, {:?}", destroyed(), self.model.objects[object]));
            }
            if !needed && !self.model.lingers(object) {
                until(|| format!("destroy of {:?}", self.model.objects[object]), || destroyed() > 0);
            }
        }
        Ok(())
    }

    /// Lets everything end and releases it, whatever the model thinks of it.
    pub(super) fn end(&self) {
        let serials = self.ledger.books().entries.len();
        (0..serials).for_each(|serial| self.ledger.open_gate(serial));
        for &home in &self.apartments[1..] {
            api::close(home, 0);
            call_apartment_release(home);
        }
        serve_released();
        self.complete_all();
        api::release_all(&self.calls, call_release);
        api::release_all(&self.cancels, call_cancel_release);
        api::release_all(&self.buffers, call_buffer_release);
        api::release_all(&self.objects, call_object_release);
    }

    fn complete_all(&self) {
        let contexts: Vec<_> = self.ledger.books().entries.iter().map(|entry| entry.context).collect();
        for id in contexts.into_iter().filter(|&id| id != 0) {
            // Most of them have ended.
            let _ = call_context_complete(call_context_t { id }, S_OK);
        }
    }

    /// What must hold when everything was released: each object destroyed once, each input freed once.
    pub(super) fn books(&self) -> Checked {
        let wanted: Vec<_> = self.things.iter().map(|(_, created)| u32::from(*created)).collect();
        let missing = || {
            let books = self.ledger.books();
            wanted.iter().zip(&books.destroyed).any(|(wanted, destroyed)| destroyed < wanted)
        };
        let ended = || {
            self.complete_all();
            if missing() {
                // A method may be on its way to be told of a cancel.
                serve_released();
            }
            !missing()
        };
        until(|| format!("the last destroys, {wanted:?} of {:?}", self.ledger.books().destroyed), ended);
        self.look_at_the_end(&wanted)?;
        for (thing, _) in &self.things {
            // SAFETY: a `Box` of `Ledger::thing`; its object was destroyed or never made.
            drop(unsafe { Box::from_raw(*thing) });
        }
        for parcel in &self.parcels {
            // SAFETY: a `Box` of `Ledger::parcel`, whose input was freed or not taken.
            drop(unsafe { Box::from_raw(ptr::with_exposed_provenance_mut::<Parcel>(*parcel)) });
        }
        Ok(())
    }

    fn look_at_the_end(&self, wanted: &[u32]) -> Checked {
        let books = self.ledger.books();
        let owned =
            |serial: usize| self.model.begins.iter().any(|begin| begin.owned && begin.script.serial as usize == serial);
        for (serial, entry) in books.entries.iter().enumerate() {
            if entry.frees != u32::from(owned(serial)) || entry.entered > 1 {
                return Err(format!("at the end: call {serial}, {entry:?}"));
            }
        }
        match books.violations.first() {
            Some(violation) => Err(format!("at the end: {violation}")),
            None if books.destroyed != wanted => Err(format!("at the end: destroyed {:?} times", books.destroyed)),
            None => Ok(()),
        }
    }
}

/// A single apartment whose handle is gone is served by its owner's waits alone: here for a call that does
/// not end meanwhile.
fn serve_released() {
    let ledger = Arc::<Ledger>::default();
    let thing = ledger.thing(Shape::Custom);
    let address = thing.expose_provenance();
    let (created, object) = api::object_create(call_apartment_t::default(), Shape::Custom, address, Spoiled::Not);
    let (_, call) = api::create(object, false);
    let script = Script { plan: Plan::Defer, ..script(ledger.open(), 0) };
    let begun = api::begin(call, 0, &script.encode(), false);
    assert_eq!((created, begun), (S_OK, S_OK), "an object, and a call of it");
    for actor in 0..2 {
        assert_eq!(on(actor, move || call_wait(call, 0)), RPC_S_CALLPENDING, "it does not end");
    }
    let context = call_context_t { id: ledger.books().entries[0].context };
    let ended = [call_context_complete(context, S_OK), call_release(call), call_object_release(object)];
    assert_eq!((ended, ledger.books().destroyed[0]), ([S_OK; 3], 1), "nothing is left of it");
    // SAFETY: a `Box` of `Ledger::thing`, whose object was destroyed.
    drop(unsafe { Box::from_raw(thing) });
}

/// Things are shared with threads of the library.
const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<Thing>();
    shared::<Parcel>();
};
