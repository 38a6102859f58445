//! Programs of which one thread acts at a time. Methods wait at gates or for their completion, so the
//! model says exactly what each function answers.

use super::actors::{note, on};
use super::api::{self, Spoiled};
use super::bindings::*;
use super::contract::{Apartment, Cancel, Model, Staff};
use super::program::{ACTORS, Op, Program, Step};
use super::rules::Codes;
use super::server::{Ledger, Plan, Script, Shape, Thing};
use super::tally;
use std::collections::VecDeque;
use std::sync::Arc;

/// What a program has, each list beside the model's.
pub(super) struct Run {
    pub(super) model: Model,
    pub(super) ledger: Arc<Ledger>,
    pub(super) apartments: Vec<call_apartment_t>,
    pub(super) objects: Vec<call_object_t>,
    pub(super) calls: Vec<call_t>,
    pub(super) cancels: Vec<call_cancel_t>,
    pub(super) buffers: Vec<call_buffer_t>,
    /// The `self` of every creation of an object, and whether it succeeded.
    pub(super) things: Vec<(*mut Thing, bool)>,
    pub(super) parcels: Vec<usize>,
    /// The last failure of each actor's thread.
    pub(super) last: [i32; ACTORS],
}

/// Or what was not as it must be.
pub type Checked = Result<(), String>;

/// More are not made.
const CANCELS: usize = 24;

/// Runs a program; says what was not as the model has it.
pub fn run(program: &Program) -> Checked {
    note(format!("a sequential program: {program:?}"));
    let mut run = Run::new();
    let checked = run.start(program.start).and_then(|()| {
        program.steps.iter().enumerate().try_for_each(|(at, step)| {
            run.step(*step).map_err(|wrong| format!("step {at}, {step:?}: {wrong}"))?;
            run.look().map_err(|wrong| format!("after step {at}, {step:?}: {wrong}"))
        })
    });
    run.end();
    // What failed before may have left anything behind.
    checked.and_then(|()| run.books()).map_err(|wrong| format!("{wrong}\nin {program:?}"))
}

/// One of `count`: mostly one of those that `suit`, so that steps meet, sometimes another that `lives`, and
/// seldom any.
pub(super) fn pick(
    count: usize,
    choice: u8,
    lives: impl Fn(usize) -> bool,
    suits: impl Fn(usize) -> bool,
) -> Option<usize> {
    let choose = |of: Vec<usize>| usize::from(choice).checked_rem(of.len()).map(|at| of[at]);
    let living = || (0..count).filter(|&at| lives(at));
    let suiting = if choice < 190 { choose(living().filter(|&at| suits(at)).collect()) } else { None };
    let living = if choice < 228 { suiting.or_else(|| choose(living().collect())) } else { None };
    living.or_else(|| choose((0..count).collect()))
}

/// Its handle, or the null handle.
pub(super) fn handle<T: Copy + Default>(of: &[T], at: Option<usize>) -> T {
    at.map_or_else(T::default, |at| of[at])
}

impl Run {
    fn new() -> Self {
        let shared =
            Apartment { held: false, staff: Staff::Default, closed: false, limit: 0, queue: VecDeque::new(), busy: 0 };
        for actor in 0..2 {
            on(actor, api::last_error);
        }
        Self {
            model: Model { apartments: vec![shared], ..Model::default() },
            ledger: Arc::default(),
            apartments: vec![call_apartment_t::default()],
            objects: Vec::new(),
            calls: Vec::new(),
            cancels: Vec::new(),
            buffers: Vec::new(),
            things: Vec::new(),
            parcels: Vec::new(),
            last: [S_OK; ACTORS],
        }
    }

    /// What every program starts with: an apartment of each kind, and some objects with calls.
    fn start(&mut self, [limits, first, second, third]: [u8; 4]) -> Checked {
        let limit = |at: u8| limits >> (2 * at) & 3;
        self.apartment_create(0, 0, limit(0) | (limits >> 4 & 4))?;
        self.apartment_create(0, 2, limit(1))?;
        self.apartment_create(0, 1, limit(2))?;
        for (home, byte) in [(1, first), (2, second), (3, third)] {
            let shape = Shape::ALL[usize::from(byte) % Shape::ALL.len()];
            self.object_create(0, Some(home), shape, Spoiled::Not)?;
            let object = self.objects.len() - 1;
            for _ in 0..=byte / 128 {
                self.create(0, Some(object), false)?;
                self.query_cancel(0, Some(self.calls.len() - 1), false)?;
            }
        }
        Ok(())
    }

    fn pick_call(&self, step: Step) -> Option<usize> {
        let model = &self.model;
        let done = |at: usize| model.current(at).map(|begin| model.begins[begin].done.is_some());
        let suits = |at: usize| match step.op {
            Op::Begin | Op::BeginOwned => done(at).is_none(),
            Op::Finish | Op::TryFinish | Op::FinishBuffer => done(at) == Some(true),
            _ => model.last(at).is_some(),
        };
        pick(self.calls.len(), step.a, |at| model.calls[at].references > 0, suits)
    }

    fn pick_object(&self, step: Step) -> Option<usize> {
        pick(self.objects.len(), step.a, |at| self.model.objects[at].references > 0, |_| true)
    }

    fn pick_cancel(&self, step: Step) -> Option<usize> {
        let suits = |at: usize| match step.op {
            Op::CancelRelease => self.model.target(at).is_none(),
            _ => self.model.target(at).is_some(),
        };
        pick(self.cancels.len(), step.a, |at| self.model.cancels[at].held, suits)
    }

    fn pick_apartment(&self, step: Step) -> Option<usize> {
        let single = |at: usize| matches!(self.model.apartments[at].staff, Staff::Single(_));
        let suits = |at: usize| step.op != Op::Pump || single(at);
        pick(self.apartments.len(), step.a, |at| at > 0 && self.model.apartments[at].held, suits)
    }

    /// A begin whose method was entered: its context is known.
    fn pick_begin(&self, step: Step) -> Option<usize> {
        let all = &self.model.begins;
        let entered: Vec<_> = (0..all.len()).filter(|&at| all[at].entered).collect();
        let suits = |at: usize| match step.op {
            Op::Commit => all[entered[at]].reserved > 0,
            Op::Enable => all[entered[at]].disabled,
            _ => true,
        };
        pick(entered.len(), step.a, |at| all[entered[at]].is_running(), suits).map(|at| entered[at])
    }

    pub(super) fn context(&self, begin: usize) -> call_context_t {
        let serial = self.model.begins[begin].script.serial as usize;
        call_context_t { id: self.ledger.books().entries[serial].context }
    }

    fn step(&mut self, step: Step) -> Checked {
        // The first actor owns the first single apartment, and acts mostly.
        let (who, b) = (usize::from(step.who == 3), step.b);
        let null = b >= 248;
        match step.op {
            Op::ApartmentCreate => self.apartment_create(who, step.a, b),
            Op::ApartmentClose => self.apartment_close(who, self.pick_apartment(step)),
            Op::ApartmentRelease => self.apartment_release(who, self.pick_apartment(step)),
            Op::Pump => self.pump(who, self.pick_apartment(step)),
            Op::ObjectCreate => {
                let home = if b % 8 == 0 { Some(0) } else { self.pick_apartment(step) };
                let how = [Spoiled::Not, Spoiled::NullOut, Spoiled::Functions, Spoiled::Size];
                let spoiled = how[if b >= 224 { usize::from(b) % 4 } else { 0 }];
                self.object_create(who, home, Shape::ALL[usize::from(b / 8) % Shape::ALL.len()], spoiled)
            }
            Op::ObjectAddRef => self.object_add_ref(who, self.pick_object(step)),
            Op::ObjectRelease => self.object_release(who, self.pick_object(step)),
            Op::Disconnect => self.disconnect(who, self.pick_object(step)),
            Op::FindMethod => self.find_method(who, self.pick_object(step), u32::from(b % 3)),
            Op::Create => self.create(who, self.pick_object(step), null),
            Op::AddRef => self.add_ref(who, self.pick_call(step)),
            Op::Release => self.release(who, self.pick_call(step)),
            Op::Begin | Op::BeginOwned => self.begin(who, step.op, self.pick_call(step), b),
            Op::QueryCancel => self.query_cancel(who, self.pick_call(step), null),
            Op::CancelRelease => self.cancel_release(who, self.pick_cancel(step)),
            Op::Cancel | Op::RequestCancel => self.cancel(who, step.op, self.pick_cancel(step), b),
            Op::TestCancel => self.test_cancel(who, self.pick_cancel(step)),
            Op::Forge => self.forge(who, step),
            Op::LastError => self.last_error(who),
            op if op.is_of_client() => self.client(who, op, self.pick_call(step), b),
            Op::BufferGet | Op::BufferRelease => {
                let at = pick(self.buffers.len(), step.a, |at| self.model.buffers[at].is_some(), |_| true);
                self.buffer(who, step.op, at)
            }
            op => match self.pick_begin(step) {
                Some(begin) => self.server(who, op, begin, b),
                None => Ok(()),
            },
        }
    }

    /// Compares a code with what the model permits, and remembers it as the thread's last failure
    /// unless it is an answer of the function.
    pub(super) fn expect(&mut self, who: usize, op: Op, codes: &Codes, code: i32, answers: bool) -> Checked {
        tally::note("sequential", op, code);
        if !codes.contains(&code) {
            let permitted: Vec<_> = codes.iter().map(|code| code_name(*code)).collect();
            return Err(format!("{} where the model permits {permitted:?}", code_name(code)));
        }
        if code < 0 && !answers && code != RPC_S_CALLPENDING {
            self.last[who] = code;
        }
        Ok(())
    }

    fn begin(&mut self, who: usize, op: Op, at: Option<usize>, b: u8) -> Checked {
        let call = handle(&self.calls, at);
        let (null, method) = (b >= 252, if (248..252).contains(&b) { 2 } else { u32::from(b & 1) });
        let mut script = script(self.ledger.open(), b);
        if let Some(at) = at {
            script.plan = self.model.plan(self.model.calls[at].object, script.plan, script.code);
        }
        let codes = self.model.begin_codes(at, method, null);
        let input = script.encode();
        let owned = op == Op::BeginOwned;
        let code = if owned {
            let parcel = self.ledger.parcel(script.serial).expose_provenance();
            self.parcels.push(parcel);
            on(who, move || api::begin_owned(call, method, input, parcel, null))
        } else {
            on(who, move || api::begin(call, method, &input, null))
        };
        self.expect(who, op, &codes, code, false)?;
        if code != S_OK {
            return Ok(());
        }
        let Some(at) = at else { return Err("begun on no call object".to_owned()) };
        let started = self.model.begun(at, script, owned);
        let direct = self.model.objects[self.model.calls[at].object].shape.custom();
        self.started(direct.then_some(who), &started)
    }

    fn query_cancel(&mut self, who: usize, at: Option<usize>, null: bool) -> Checked {
        if self.cancels.len() == CANCELS {
            return Ok(());
        }
        let call = handle(&self.calls, at);
        let (code, cancel) = on(who, move || api::query_cancel(call, null));
        self.expect(who, Op::QueryCancel, &self.model.query_codes(at, null), code, false)?;
        if code == S_OK {
            let call = at.unwrap_or(0);
            let begun = self.model.calls[call].begins.len();
            let nth = if self.model.current(call).is_some() { begun - 1 } else { begun };
            self.model.cancels.push(Cancel { held: true, call, nth });
            self.cancels.push(cancel);
        }
        Ok(())
    }

    fn cancel_release(&mut self, who: usize, at: Option<usize>) -> Checked {
        let cancel = handle(&self.cancels, at);
        let code = on(who, move || call_cancel_release(cancel));
        let living = self.model.lives_cancel(at);
        self.expect(who, Op::CancelRelease, &Model::plain(living.is_some(), false), code, false)?;
        if let Some(at) = living {
            self.model.cancels[at].held = false;
        }
        Ok(())
    }

    fn test_cancel(&mut self, who: usize, at: Option<usize>) -> Checked {
        let cancel = handle(&self.cancels, at);
        let code = on(who, move || call_test_cancel(cancel));
        self.expect(who, Op::TestCancel, &self.model.test_codes(at), code, code == RPC_E_CALL_CANCELED)
    }

    fn last_error(&mut self, who: usize) -> Checked {
        let (answer, code) = on(who, api::last_error);
        tally::note("sequential", Op::LastError, answer);
        let last = std::mem::replace(&mut self.last[who], S_OK);
        let expected = if last == S_OK { S_FALSE } else { S_OK };
        if (answer, code) == (expected, last) {
            return Ok(());
        }
        Err(format!("{} of {}, the model has {}", code_name(answer), code_name(code), code_name(last)))
    }

    /// Handles that are null, of another kind, or never were.
    fn forge(&mut self, who: usize, step: Step) -> Checked {
        let ids = [
            0,
            handle(&self.calls, self.pick_call(step)).id,
            handle(&self.cancels, self.pick_cancel(step)).id,
            handle(&self.objects, self.pick_object(step)).id,
            handle(&self.apartments, self.pick_apartment(step)).id,
            self.pick_begin(step).map_or(0, |begin| self.context(begin).id),
        ];
        let which = usize::from(step.b) % ids.len();
        let flipped = if step.b >= 128 { 1 << (step.a % 64) } else { 0 };
        let id = ids[which] ^ flipped;
        let kind = usize::from(step.b / 8) % 6;
        let living = match kind {
            0 => self.calls.iter().any(|call| call.id == id),
            1 => self.cancels.iter().any(|cancel| cancel.id == id),
            2 => self.objects.iter().any(|object| object.id == id),
            3 => self.apartments.iter().any(|home| home.id == id && id != 0),
            4 => self.ledger.books().entries.iter().any(|entry| entry.context == id),
            _ => self.buffers.iter().any(|buffer| buffer.id == id),
        };
        if living {
            return Ok(());
        }
        let code = on(who, move || use_forged(kind, id));
        let codes = if kind == 4 { vec![E_HANDLE, RPC_E_CALL_COMPLETE] } else { vec![E_HANDLE] };
        self.expect(who, Op::Forge, &codes, code, false)
    }
}

fn use_forged(kind: usize, id: u64) -> i32 {
    match kind {
        0 => call_wait(call_t { id }, 0),
        1 => call_request_cancel(call_cancel_t { id }, 0).max(call_cancel(call_cancel_t { id }, 0)),
        2 => call_object_disconnect(call_object_t { id }),
        3 => api::close(call_apartment_t { id }, 0).0,
        4 => call_context_test_cancel(call_context_t { id }),
        _ => api::buffer_get(call_buffer_t { id }).0,
    }
}

/// What a method is to do.
pub(super) fn script(serial: u32, b: u8) -> Script {
    const CODES: [i32; 8] =
        [S_OK, RPC_E_CALL_CANCELED, E_FAIL, S_OK, S_FALSE, RPC_S_CALLPENDING, RPC_E_CALL_CANCELED, CALL_E_MORE_DATA];
    const PLANS: [Plan; 8] =
        [Plan::Gate, Plan::Defer, Plan::Return, Plan::Gate, Plan::Defer, Plan::Complete, Plan::Gate, Plan::Panic];
    let (plan, code) = (PLANS[usize::from(b) % 8], CODES[usize::from(b / 8) % 8]);
    let out_len = [0, 4, 64, 65, 300][usize::from(b) % 5];
    let in_len = Script::LEN + [0, 1, 48, 49, 500][usize::from(b / 3) % 5];
    Script { serial, plan, code, out_len, in_len }
}
