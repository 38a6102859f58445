//! The steps of threads that run at once: each code is one that its function may give in some order.

use super::api::{self, Collect, Order, Spoiled};
use super::bindings::*;
use super::concurrent::{CancelBook, World};
use super::program::{Op, Step};
use super::sequential::script;
use super::server::{Entry, Plan, Script, Shape};
use super::tally;

/// More of them are not made.
const MOST: usize = 10;

/// Answers of those who ask whether a call was canceled.
const TESTS: &[i32] = &[RPC_S_CALLPENDING, RPC_E_CALL_CANCELED, RPC_E_CALL_COMPLETE];
/// What a method's context answers to those who change something.
const EDITS: &[i32] = &[S_OK, RPC_E_CALL_CANCELED, RPC_E_CALL_COMPLETE];
const RESULTS: &[i32] = &[
    S_OK,
    S_FALSE,
    E_FAIL,
    E_UNEXPECTED,
    RPC_E_CALL_CANCELED,
    RPC_E_SERVERFAULT,
    RPC_E_DISCONNECTED,
    RPC_E_CALL_COMPLETE,
    E_HANDLE,
];

fn choose<T: Clone>(all: &[T], choice: u8) -> Option<(usize, T)> {
    let of = if choice < 160 { all.len().min(3) } else { all.len() };
    let at = usize::from(choice).checked_rem(of)?;
    Some((at, all[at].clone()))
}

impl World {
    pub(super) fn step(&self, step: Step) {
        match step.op {
            Op::Begin | Op::BeginOwned => self.begin(step),
            Op::Finish | Op::TryFinish | Op::FinishBuffer => self.finish(step),
            Op::Cancel | Op::RequestCancel | Op::TestCancel | Op::CancelRelease => self.cancel(step),
            op if op.is_of_client() => self.client(step),
            Op::AddRef | Op::Release | Op::QueryCancel => self.client(step),
            Op::Create | Op::ObjectCreate | Op::ObjectAddRef | Op::ObjectRelease | Op::Disconnect | Op::FindMethod => {
                self.object(step);
            }
            Op::ApartmentCreate | Op::ApartmentClose | Op::ApartmentRelease | Op::Pump => self.apartment(step),
            Op::BufferGet | Op::BufferRelease => self.buffer(step),
            Op::Forge | Op::LastError => self.other(step),
            _ => self.context(step),
        }
    }

    /// Compares a code with those that are permitted.
    fn expect(&self, step: Step, codes: &[i32], code: i32) {
        tally::note("concurrent", step.op, code);
        if !codes.contains(&code) {
            self.fail(format!("{step:?} gave {}", code_name(code)));
        }
    }

    fn disturb(&self) {
        self.tables().disturbed = true;
    }

    fn begin(&self, step: Step) {
        let Some((at, book)) = choose(&self.tables().calls, step.a) else { return };
        let (_, shape, parks) = self.tables().objects[book.object];
        let mut script = script(0, step.b);
        script.out_len = script.out_len.max(4);
        script.plan = match script.plan {
            Plan::Gate if !parks => Plan::Defer,
            Plan::Return if shape.begins() && script.code >= 0 => Plan::Complete,
            plan => plan,
        };
        let (null, wrong) = (step.b >= 254, (252..254).contains(&step.b));
        let owned = step.op == Op::BeginOwned;
        let (script, parcel) = self.announce(at, script, owned);
        let (call, method) = (book.call, if wrong { 2 } else { u32::from(step.b & 1) });
        let code = if owned {
            api::begin_owned(call, method, script.encode(), parcel, null)
        } else {
            api::begin(call, method, &script.encode(), null)
        };
        self.begun(at, script, code);
        let expected: &[i32] = match (null, wrong) {
            (true, _) => &[E_POINTER, E_HANDLE],
            (_, true) => &[DISP_E_MEMBERNOTFOUND, RPC_S_CALLPENDING, RPC_E_DISCONNECTED, E_HANDLE],
            _ => &[S_OK, RPC_S_CALLPENDING, RPC_E_DISCONNECTED, CALL_E_TOO_BUSY, E_HANDLE],
        };
        self.expect(step, expected, code);
    }

    fn begun(&self, call: usize, script: Script, code: i32) {
        if code == S_OK {
            let mut tables = self.tables();
            tables.calls[call].begins += 1;
            if let Some(begin) = tables.begins[script.serial as usize].as_mut() {
                begin.begun = true;
            }
        }
    }

    fn finish(&self, step: Step) {
        let Some((at, book)) = choose(&self.tables().calls, step.a) else { return };
        if step.op == Op::FinishBuffer {
            let (code, buffer) = api::finish_buffer(book.call, false);
            self.expect(step, RESULTS, code);
            let output = if buffer.id == 0 { Vec::new() } else { api::buffer_get(buffer).1 };
            self.collected(at, code, Some(output));
            if buffer.id != 0 {
                self.tables().buffers.push(buffer);
            }
            return;
        }
        let room = [None, Some(0), Some(4), Some(64), Some(2000), Some(2000)][usize::from(step.b) % 6];
        let how = Collect { block: step.op == Op::Finish, room, null: step.b == 255 };
        let (code, told, output) = api::finish(book.call, how);
        let mut codes = RESULTS.to_vec();
        codes.extend(if how.block { None } else { Some(RPC_S_CALLPENDING) });
        codes.extend(room.map(|_| CALL_E_MORE_DATA));
        self.expect(step, if how.null { &[E_POINTER] } else { &codes }, code);
        self.collected(at, code, told.map(|_| output));
    }

    fn client(&self, step: Step) {
        let Some((_, book)) = choose(&self.tables().calls, step.a) else { return };
        let call = book.call;
        match step.op {
            Op::Wait => {
                let timeout = [0, 1, CALL_INFINITE][usize::from(step.b) % 3];
                let code = call_wait(call, timeout);
                let pending = if timeout == CALL_INFINITE { S_OK } else { RPC_S_CALLPENDING };
                self.expect(step, &[S_OK, pending, RPC_E_CALL_COMPLETE, E_HANDLE], code);
            }
            Op::GetFate => {
                let (code, fate) = api::get_fate(call, false);
                self.expect(step, &[S_OK, E_HANDLE], code);
                if !(fate::NONE..=fate::RUNNING).contains(&fate) {
                    self.fail(format!("the fate is {fate}"));
                }
            }
            Op::GetError => {
                let code = api::get_error(call, 200).0;
                self.expect(step, &[S_OK, S_FALSE, RPC_S_CALLPENDING, RPC_E_CALL_COMPLETE, E_HANDLE], code);
            }
            Op::GetProgress => {
                let (code, (done, total)) = api::get_progress(call, false);
                self.expect(step, &[S_OK, E_HANDLE], code);
                if done != total {
                    self.fail(format!("a progress of {done} of {total} was told by nobody"));
                }
            }
            Op::AddRef => self.expect(step, &[S_OK, E_HANDLE], call_add_ref(call)),
            // Seldom the last one, or nothing would be left to race for.
            Op::Release if step.b >= 64 => {}
            Op::Release => self.expect(step, &[S_OK, E_HANDLE], call_release(call)),
            _ => {
                let shape = self.tables().objects[book.object].1;
                self.query_cancel(step, call, shape);
            }
        }
    }

    fn query_cancel(&self, step: Step, call: call_t, shape: Shape) {
        let (code, cancel) = api::query_cancel(call, false);
        let given = if shape == Shape::Custom { E_NOINTERFACE } else { S_OK };
        self.expect(step, &[given, E_HANDLE], code);
        if code == S_OK {
            self.tables().cancels.insert(0, CancelBook { cancel, shape, taken: 0 });
        }
    }

    fn cancel(&self, step: Step) {
        let Some((_, book)) = choose(&self.tables().cancels, step.a) else { return };
        let CancelBook { cancel, shape, taken } = book;
        let code = match step.op {
            Op::Cancel | Op::RequestCancel => {
                self.disturb();
                if step.op == Op::Cancel {
                    call_cancel(cancel, [0, 0, 1, CALL_INFINITE][usize::from(step.b) % 4])
                } else {
                    call_request_cancel(cancel, [0, 1, 1000][usize::from(step.b) % 3])
                }
            }
            Op::TestCancel => {
                let code = call_test_cancel(cancel);
                self.expect(step, &[TESTS, &[E_HANDLE]].concat(), code);
                if taken > 0 && !shape.custom() && code == RPC_S_CALLPENDING {
                    self.fail(format!("{step:?}: pending after it was canceled"));
                }
                return;
            }
            _ => return self.expect(step, &[S_OK, E_HANDLE], call_cancel_release(cancel)),
        };
        let refused = shape == Shape::CustomRefuse && step.op == Op::Cancel;
        let taken = if refused { E_NOTIMPL } else { S_OK };
        // Before its begin has run there is nothing to ask the class for.
        self.expect(step, &[taken, S_OK, RPC_E_CALL_CANCELED, RPC_E_CALL_COMPLETE, E_HANDLE], code);
        if code == S_OK && !shape.custom() {
            self.took(step, cancel);
        }
    }

    /// A call is canceled once.
    fn took(&self, step: Step, cancel: call_cancel_t) {
        let mut tables = self.tables();
        let book = tables.cancels.iter_mut().find(|book| book.cancel == cancel);
        let taken = book.map_or(0, |book| {
            book.taken += 1;
            book.taken
        });
        drop(tables);
        if taken > 1 {
            self.fail(format!("{step:?}: canceled again"));
        }
    }

    fn object(&self, step: Step) {
        let full = self.tables().objects.len() >= MOST || self.tables().calls.len() >= MOST;
        let Some((at, (object, ..))) = choose(&self.tables().objects, step.a) else { return };
        match step.op {
            Op::Create if !full => self.expect(step, &[S_OK, E_HANDLE], self.create(at, false)),
            Op::ObjectCreate if !full => {
                let shape = Shape::ALL[usize::from(step.b) % Shape::ALL.len()];
                let home = usize::from(step.a) % self.tables().apartments.len();
                let code = self.object_create(home, shape, Spoiled::Not);
                self.expect(step, &[S_OK, RPC_E_DISCONNECTED, E_HANDLE], code);
            }
            Op::ObjectAddRef => self.expect(step, &[S_OK, E_HANDLE], call_object_add_ref(object)),
            Op::ObjectRelease => self.expect(step, &[S_OK, E_HANDLE], call_object_release(object)),
            Op::Disconnect if step.b < 64 => {
                self.disturb();
                self.expect(step, &[S_OK, E_HANDLE], call_object_disconnect(object));
            }
            Op::FindMethod => self.expect(step, &[S_OK, E_HANDLE], api::find_method(object, 1).0),
            _ => {}
        }
    }

    fn apartment(&self, step: Step) {
        let homes = self.tables().apartments.clone();
        let at = 1 + usize::from(step.a) % (homes.len() - 1);
        match step.op {
            Op::ApartmentCreate if homes.len() < 6 => {
                let kind = if step.b & 1 == 0 { 0 } else { 2 };
                let (code, home) = api::apartment_create(Order { kind, workers: 1, limit: 0, flags: 0 });
                self.expect(step, &[S_OK], code);
                self.tables().apartments.push(home);
            }
            Op::ApartmentClose if step.b < 100 => {
                self.disturb();
                let (code, remaining) = api::close(homes[at], [0, 1][usize::from(step.b) % 2]);
                self.expect(step, &[S_OK, S_FALSE, E_HANDLE], code);
                if (remaining > 0) != (code == S_FALSE) {
                    self.fail(format!("{step:?} gave {} with {remaining} methods left", code_name(code)));
                }
            }
            // Those that every program has stay.
            Op::ApartmentRelease if at > 3 => self.expect(step, &[S_OK, E_HANDLE], call_apartment_release(homes[at])),
            Op::Pump => {
                self.expect(step, &[RPC_E_WRONG_THREAD, RPC_E_DISCONNECTED, E_HANDLE], api::pump(homes[at], 0).0);
            }
            _ => {}
        }
    }

    fn buffer(&self, step: Step) {
        let Some((_, buffer)) = choose(&self.tables().buffers, step.a) else { return };
        // Another thread may release it meanwhile: its bytes are not read.
        let code = if step.op == Op::BufferGet { api::buffer_place(buffer).0 } else { call_buffer_release(buffer) };
        self.expect(step, &[S_OK, E_HANDLE], code);
    }

    fn other(&self, step: Step) {
        if step.op == Op::LastError {
            return self.expect(step, &[S_OK, S_FALSE], api::last_error().0);
        }
        let Some((_, book)) = choose(&self.tables().calls, step.a) else { return };
        // Of another kind.
        self.expect(step, &[E_HANDLE], call_test_cancel(call_cancel_t { id: book.call.id }));
    }

    fn context(&self, step: Step) {
        let issued: Vec<_> = {
            let books = self.ledger.books();
            let issued = |(serial, entry): (usize, &Entry)| (entry.context != 0).then_some((serial, entry.context));
            books.entries.iter().enumerate().filter_map(issued).collect()
        };
        // The newest first: the others are over.
        let newest: Vec<_> = issued.into_iter().rev().collect();
        let Some((_, (serial, id))) = choose(&newest, step.a) else { return };
        let context = call_context_t { id };
        match step.op {
            Op::Write => self.expect(step, EDITS, api::write(context, &[0xEE; 3], false)),
            Op::SetError => self.expect(step, EDITS, api::set_error(context, Some(c"so far"))),
            Op::SetProgress => {
                let done = step.b.into();
                self.expect(step, EDITS, call_context_set_progress(context, done, done));
            }
            Op::ContextTest => self.expect(step, TESTS, call_context_test_cancel(context)),
            Op::ContextWait => self.expect(step, TESTS, call_context_wait_cancel(context, 1)),
            Op::Disable => self.expect(step, EDITS, call_context_disable_cancel(context)),
            Op::Enable => self.expect(step, EDITS, call_context_enable_cancel(context)),
            Op::Complete => self.expect(step, &[S_OK, E_INVALIDARG, RPC_E_CALL_COMPLETE], self.complete(serial)),
            Op::OpenGate => self.ledger.open_gate(serial),
            // One thread at a time may reserve and commit.
            _ => {}
        }
    }
}
