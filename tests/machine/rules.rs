//! Which codes the contract permits, by the model's state. Where several reasons for a failure are
//! there at once, the contract does not say which comes first.

use super::bindings::*;
use super::contract::{Begin, Done, Message, Model, Place, Staff, forbidden};
use super::server::{METHODS, Plan, REFUSAL, Shape};

pub type Codes = Vec<i32>;

/// `failures`, or success if there is none.
fn or_ok(failures: Codes) -> Codes {
    if failures.is_empty() { vec![S_OK] } else { failures }
}

fn when(reasons: &[(bool, i32)]) -> Codes {
    reasons.iter().filter(|(there, _)| *there).map(|(_, code)| *code).collect()
}

impl Model {
    pub fn lives_call(&self, call: Option<usize>) -> Option<usize> {
        call.filter(|&call| self.calls[call].references > 0)
    }

    pub fn lives_object(&self, object: Option<usize>) -> Option<usize> {
        object.filter(|&object| self.objects[object].references > 0)
    }

    pub fn lives_cancel(&self, cancel: Option<usize>) -> Option<usize> {
        cancel.filter(|&cancel| self.cancels[cancel].held)
    }

    pub fn lives_apartment(&self, home: Option<usize>) -> Option<usize> {
        home.filter(|&home| self.apartments[home].held)
    }

    /// A function that fails only for its handle and a pointer that is NULL.
    pub fn plain(lives: bool, null: bool) -> Codes {
        or_ok(when(&[(!lives, E_HANDLE), (null, E_POINTER)]))
    }

    /// BG-1 to BG-9.
    pub fn begin_codes(&self, call: Option<usize>, method: u32, null: bool) -> Codes {
        let Some(call) = self.lives_call(call) else { return when(&[(true, E_HANDLE), (null, E_POINTER)]) };
        if null {
            return vec![E_POINTER];
        }
        if self.current(call).is_some() {
            return vec![RPC_S_CALLPENDING];
        }
        let object = &self.objects[self.calls[call].object];
        let home = &self.apartments[object.apartment];
        let waiting = home.queue.iter().filter(|&&begin| self.begins[begin].done.is_none()).count();
        let queues = home.limit > 0 && !object.shape.custom();
        or_ok(when(&[
            (method >= METHODS, DISP_E_MEMBERNOTFOUND),
            (object.disconnected || home.closed, RPC_E_DISCONNECTED),
            (queues && waiting >= home.limit, CALL_E_TOO_BUSY),
        ]))
    }

    /// WT-1 to WT-8, of a poll.
    pub fn wait_codes(&self, call: Option<usize>) -> Codes {
        let Some(call) = self.lives_call(call) else { return vec![E_HANDLE] };
        match self.current(call).map(|begin| self.begins[begin].done) {
            None => vec![RPC_E_CALL_COMPLETE],
            Some(None) => vec![RPC_S_CALLPENDING],
            Some(_) => vec![S_OK],
        }
    }

    /// FI-1 to FI-8: the code, and the output's length if it is told. `room`: `None` drops the output.
    pub fn finish_codes(&self, call: Option<usize>, null: bool, room: Option<usize>) -> (Codes, usize) {
        let call = self.lives_call(call);
        if call.is_none() || null {
            return (when(&[(null, E_POINTER), (call.is_none(), E_HANDLE)]), 0);
        }
        let Some(begin) = call.and_then(|call| self.current(call)) else { return (vec![RPC_E_CALL_COMPLETE], 0) };
        match self.begins[begin].result() {
            None => (vec![RPC_S_CALLPENDING], 0),
            Some((_, output)) if room.is_some_and(|room| room < output.len()) => (vec![CALL_E_MORE_DATA], output.len()),
            Some((code, output)) => (vec![code], output.len()),
        }
    }

    /// MK-1 to MK-3.
    pub fn query_codes(&self, call: Option<usize>, null: bool) -> Codes {
        let Some(call) = self.lives_call(call) else { return when(&[(true, E_HANDLE), (null, E_POINTER)]) };
        let shape = self.objects[self.calls[call].object].shape;
        let none = shape == Shape::Custom;
        or_ok(when(&[(null, E_POINTER), (none, E_NOINTERFACE)]))
    }

    /// CN-1 to CN-13. `waits`: as `call_cancel`, which asks a class there and then.
    pub fn cancel_codes(&self, cancel: Option<usize>, waits: bool) -> Codes {
        let Some(cancel) = self.lives_cancel(cancel) else { return vec![E_HANDLE] };
        let Some(at) = self.target(cancel) else { return vec![RPC_E_CALL_COMPLETE] };
        let begin = &self.begins[at];
        match (begin.done, begin.cause, self.objects[begin.object].shape) {
            (Some(_), ..) => Self::after(begin),
            (None, Some(_), _) => vec![RPC_E_CALL_CANCELED],
            (None, None, Shape::Custom) => vec![E_NOINTERFACE],
            (None, None, Shape::CustomRefuse) => {
                let code = if waits { REFUSAL } else { S_OK };
                if begin.asked { vec![code, RPC_E_CALL_CANCELED] } else { vec![code] }
            }
            (None, None, _) => vec![S_OK],
        }
    }

    /// What a cancel handle says of a call that is complete. Nobody can finish one whose call object is
    /// gone: it may be forgotten when its method is over.
    fn after(begin: &Begin) -> Codes {
        match begin.canceled() {
            true if begin.detached && begin.place != Place::Running => vec![RPC_E_CALL_CANCELED, RPC_E_CALL_COMPLETE],
            true => vec![RPC_E_CALL_CANCELED],
            false => vec![RPC_E_CALL_COMPLETE],
        }
    }

    /// TC-1 to TC-7.
    pub fn test_codes(&self, cancel: Option<usize>) -> Codes {
        let Some(cancel) = self.lives_cancel(cancel) else { return vec![E_HANDLE] };
        let Some(at) = self.target(cancel) else { return vec![RPC_E_CALL_COMPLETE] };
        let begin = &self.begins[at];
        match (begin.done, begin.cause) {
            (Some(_), _) => Self::after(begin),
            (None, Some(_)) => vec![RPC_E_CALL_CANCELED],
            (None, None) => vec![RPC_S_CALLPENDING],
        }
    }

    /// Whether a cancel with a long grace period is answered at once.
    pub fn cancels_at_once(&self, cancel: Option<usize>) -> bool {
        let Some(at) = self.lives_cancel(cancel).and_then(|cancel| self.target(cancel)) else { return true };
        let begin = &self.begins[at];
        let shape = self.objects[begin.object].shape;
        let asks = begin.direct && shape != Shape::CustomCancel;
        begin.place == Place::Queued || begin.done.is_some() || begin.cause.is_some() || asks
    }

    /// What may be done to the data of a call through its context.
    pub fn edit_codes(&self, begin: usize, null: bool) -> Codes {
        let begin = &self.begins[begin];
        or_ok(when(&[
            (null, E_POINTER),
            (begin.place == Place::Over, RPC_E_CALL_COMPLETE),
            (begin.place == Place::Running && begin.done.is_some(), RPC_E_CALL_CANCELED),
        ]))
    }

    pub fn commit_codes(&self, begin: usize, len: usize) -> Codes {
        let codes = self.edit_codes(begin, false);
        if codes == [S_OK] && len > self.begins[begin].reserved { vec![E_INVALIDARG] } else { codes }
    }

    /// SV-9, TC-1, TC-2.
    pub fn context_test_codes(&self, begin: usize) -> Codes {
        let begin = &self.begins[begin];
        match begin.place {
            Place::Over => vec![RPC_E_CALL_COMPLETE],
            _ if begin.cause.is_some() && !begin.disabled => vec![RPC_E_CALL_CANCELED],
            _ => vec![RPC_S_CALLPENDING],
        }
    }

    /// The begin and the end of a region without cancels.
    pub fn region_codes(&self, begin: usize) -> Codes {
        let begin = &self.begins[begin];
        match begin.place {
            Place::Over => vec![RPC_E_CALL_COMPLETE],
            _ if begin.cause.is_some() => vec![RPC_E_CALL_CANCELED],
            _ => vec![S_OK],
        }
    }

    /// SG-1 to SG-4, SG-8.
    pub fn complete_codes(&self, begin: usize, code: i32) -> Codes {
        match self.begins[begin].place {
            Place::Over => vec![RPC_E_CALL_COMPLETE],
            _ if forbidden(code) => vec![E_INVALIDARG],
            _ => vec![S_OK],
        }
    }

    pub fn pump_codes(&self, home: Option<usize>, actor: usize) -> Codes {
        let Some(home) = self.lives_apartment(home) else { return vec![E_HANDLE] };
        let home = &self.apartments[home];
        or_ok(when(&[(home.staff != Staff::Single(actor), RPC_E_WRONG_THREAD), (home.closed, RPC_E_DISCONNECTED)]))
    }

    pub fn close_codes(&self, home: Option<usize>) -> Codes {
        let Some(home) = self.lives_apartment(home) else { return vec![E_HANDLE] };
        if self.remaining(home) == 0 { vec![S_OK] } else { vec![S_FALSE] }
    }

    /// Whether a call is complete at the latest when its apartment's owner, who waits, has served it.
    pub fn completes_when_served(&self, at: usize, actor: usize) -> bool {
        let begin = &self.begins[at];
        let here = self.served_by(actor) == Some(self.home(at)) && begin.place == Place::Queued;
        begin.done.is_some() || (here && matches!(begin.script.plan, Plan::Return | Plan::Complete | Plan::Panic))
    }

    /// A message's codes, and its length with the NUL where it is known.
    pub fn error_codes(&self, call: Option<usize>) -> (Codes, Option<usize>) {
        let Some(call) = self.lives_call(call) else { return (vec![E_HANDLE], Some(0)) };
        let Some(last) = self.last(call) else { return (vec![RPC_E_CALL_COMPLETE], Some(0)) };
        match (self.begins[last].done, self.begins[last].message) {
            (None::<Done>, _) => (vec![RPC_S_CALLPENDING], Some(0)),
            (_, Message::None) => (vec![S_FALSE], Some(1)),
            (_, Message::Given(len)) => (vec![S_OK], Some(len + 1)),
            (_, Message::Library) => (vec![S_OK], None),
        }
    }
}
