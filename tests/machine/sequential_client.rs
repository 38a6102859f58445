//! What a program of one thread at a time does with its calls once they are begun.

use super::actors::{on, until};
use super::api::{self, Collect};
use super::bindings::*;
use super::contract::{Begin, Grace, Place};
use super::program::Op;
use super::sequential::{Checked, Run, handle};

/// Milliseconds that no program runs.
const LONG: u32 = 3_600_000;

impl Run {
    pub(super) fn client(&mut self, who: usize, op: Op, at: Option<usize>, b: u8) -> Checked {
        let null = b >= 248;
        match op {
            Op::Wait => self.wait(who, at, b),
            Op::Finish | Op::TryFinish => {
                let room = [None, Some(0), Some(4), Some(64), Some(400), Some(400)][usize::from(b) % 6];
                self.finish(who, at, Collect { block: op == Op::Finish, room, null })
            }
            Op::FinishBuffer => self.finish_buffer(who, at, null),
            Op::GetFate => self.get_fate(who, at, null),
            Op::GetError => self.get_error(who, at, [0, 1, 100][usize::from(b) % 3]),
            _ => self.get_progress(who, at, null),
        }
    }

    /// The call in progress that a wait finds; who owns a single apartment serves it meanwhile.
    fn awaited(&mut self, who: usize, at: Option<usize>) -> (Option<usize>, Vec<usize>) {
        let begin = self.model.lives_call(at).and_then(|call| self.model.current(call));
        let pending = begin.filter(|&begin| self.model.begins[begin].done.is_none());
        let started = match (pending, self.model.served_by(who)) {
            (Some(_), Some(home)) => self.model.serve_single(home, pending),
            _ => Vec::new(),
        };
        (begin, started)
    }

    fn wait(&mut self, who: usize, at: Option<usize>, b: u8) -> Checked {
        let call = handle(&self.calls, at);
        let (begin, started) = self.awaited(who, at);
        let ready = begin.is_none_or(|begin| self.model.begins[begin].done.is_some());
        let timeout = if ready && b.is_multiple_of(2) { CALL_INFINITE } else { 0 };
        let codes = self.model.wait_codes(at);
        let code = on(who, move || call_wait(call, timeout));
        self.started(Some(who), &started)?;
        self.expect(who, Op::Wait, &codes, code, false)
    }

    /// Whether a function that blocks would return, and what it starts by waiting.
    fn served(&mut self, who: usize, at: Option<usize>) -> Option<Vec<usize>> {
        let begin = self.model.lives_call(at).and_then(|call| self.model.current(call));
        let ends = begin.is_none_or(|begin| self.model.completes_when_served(begin, who));
        ends.then(|| self.awaited(who, at).1)
    }

    fn finish(&mut self, who: usize, at: Option<usize>, mut how: Collect) -> Checked {
        let call = handle(&self.calls, at);
        let mut started = Vec::new();
        if how.block && !how.null {
            let served = self.served(who, at);
            how.block = served.is_some();
            started = served.unwrap_or_default();
        }
        let (codes, len) = self.model.finish_codes(at, how.null, how.room);
        let (code, told, output) = on(who, move || api::finish(call, how));
        self.started(Some(who), &started)?;
        let begin = self.model.lives_call(at).and_then(|call| self.model.current(call));
        let done = begin.filter(|&begin| self.model.begins[begin].done.is_some());
        let ended = done.filter(|_| !how.null && code != CALL_E_MORE_DATA);
        let op = if how.block { Op::Finish } else { Op::TryFinish };
        self.expect(who, op, &codes, code, ended.is_some())?;
        if told.is_some_and(|told| told != len) {
            return Err(format!("the output's length is {told:?}, the model has {len}"));
        }
        let Some(ended) = ended else { return Ok(()) };
        let expected = self.model.begins[ended].result().map_or(&[][..], |(_, output)| output);
        if told.is_some() && output != expected {
            return Err(format!("the output is {output:?}, the model has {expected:?}"));
        }
        self.model.finished(ended);
        Ok(())
    }

    fn finish_buffer(&mut self, who: usize, at: Option<usize>, null: bool) -> Checked {
        let call = handle(&self.calls, at);
        let served = if null { Some(Vec::new()) } else { self.served(who, at) };
        let Some(started) = served else { return Ok(()) };
        let (codes, _) = self.model.finish_codes(at, null, None);
        let (code, buffer) = on(who, move || api::finish_buffer(call, null));
        self.started(Some(who), &started)?;
        let begin = self.model.lives_call(at).and_then(|call| self.model.current(call)).filter(|_| !null);
        self.expect(who, Op::FinishBuffer, &codes, code, begin.is_some())?;
        let result = begin.and_then(|begin| self.model.begins[begin].result());
        let output = result.map_or(&[][..], |(_, output)| output).to_vec();
        if output.is_empty() != (buffer.id == 0) {
            return Err(format!("{buffer:?} for an output of {} bytes", output.len()));
        }
        if buffer.id != 0 {
            self.buffers.push(buffer);
            self.model.buffers.push(Some(output));
        }
        if let Some(begin) = begin {
            self.model.finished(begin);
        }
        Ok(())
    }

    pub(super) fn buffer(&mut self, who: usize, op: Op, at: Option<usize>) -> Checked {
        let buffer = handle(&self.buffers, at);
        let bytes = at.and_then(|at| self.model.buffers[at].clone());
        let codes = vec![if bytes.is_some() { S_OK } else { E_HANDLE }];
        if op == Op::BufferRelease {
            if let Some(at) = at {
                self.model.buffers[at] = None;
            }
            let code = on(who, move || call_buffer_release(buffer));
            return self.expect(who, op, &codes, code, false);
        }
        let (code, found) = on(who, move || api::buffer_get(buffer));
        self.expect(who, op, &codes, code, false)?;
        let expected = bytes.unwrap_or_default();
        if found == expected { Ok(()) } else { Err(format!("the buffer has {found:?}, the model {expected:?}")) }
    }

    fn get_fate(&mut self, who: usize, at: Option<usize>, null: bool) -> Checked {
        let call = handle(&self.calls, at);
        let living = self.model.lives_call(at);
        let (code, fate) = on(who, move || api::get_fate(call, null));
        self.expect(who, Op::GetFate, &super::contract::Model::plain(living.is_some(), null), code, false)?;
        let Some(living) = living.filter(|_| !null) else { return Ok(()) };
        let fates = self.model.fates(living);
        if fates.contains(&fate) { Ok(()) } else { Err(format!("the fate is {fate}, the model permits {fates:?}")) }
    }

    fn get_error(&mut self, who: usize, at: Option<usize>, cap: usize) -> Checked {
        let call = handle(&self.calls, at);
        let (mut codes, expected) = self.model.error_codes(at);
        let (code, len) = on(who, move || api::get_error(call, cap));
        if cap < len && codes.iter().any(|&code| code >= 0) {
            // Too small, but for asking what is needed.
            codes = vec![CALL_E_MORE_DATA];
        }
        self.expect(who, Op::GetError, &codes, code, false)?;
        match expected {
            Some(expected) if expected != len => {
                Err(format!("the message's length is {len}, the model has {expected}"))
            }
            _ => Ok(()),
        }
    }

    fn get_progress(&mut self, who: usize, at: Option<usize>, null: bool) -> Checked {
        let call = handle(&self.calls, at);
        let living = self.model.lives_call(at);
        let (code, progress) = on(who, move || api::get_progress(call, null));
        self.expect(who, Op::GetProgress, &super::contract::Model::plain(living.is_some(), null), code, false)?;
        let last = living.and_then(|call| self.model.last(call));
        let expected = last.map_or((0, 0), |last| self.model.begins[last].progress);
        if null || progress == expected { Ok(()) } else { Err(format!("{progress:?}, the model has {expected:?}")) }
    }

    /// The answer is checked there and then; what a thread of the library does about it is awaited.
    pub(super) fn cancel(&mut self, who: usize, op: Op, at: Option<usize>, b: u8) -> Checked {
        let cancel = handle(&self.cancels, at);
        let waits = op == Op::Cancel;
        let codes = self.model.cancel_codes(at, waits);
        let (time, code) = if waits {
            let seconds = [0, 3600, CALL_INFINITE][usize::from(b) % 3];
            let seconds = if self.model.cancels_at_once(at) { seconds } else { 0 };
            (seconds, on(who, move || call_cancel(cancel, seconds)))
        } else {
            let grace = [0, 1, LONG][usize::from(b) % 3];
            (grace, on(who, move || call_request_cancel(cancel, grace)))
        };
        // A signal handler may request: the thread's last failure stays.
        self.expect(who, op, &codes, code, !waits)?;
        let living = self.model.lives_cancel(at);
        let Some(begin) = living.and_then(|at| self.model.target(at)) else { return Ok(()) };
        let grace = if time <= 1 { Grace::Brief } else { Grace::Long };
        self.model.canceled(begin, grace, waits);
        self.settle_cancel(begin, cancel);
        Ok(())
    }

    fn settle_cancel(&self, at: usize, cancel: call_cancel_t) {
        let begin = &self.model.begins[at];
        let call = self.calls[begin.call];
        let what = || format!("the end of a canceled call, {begin:?}");
        if begin.done.is_none() {
            let told = begin.cause.is_none() || begin.place != Place::Running;
            until(what, || told || call_test_cancel(cancel) == RPC_E_CALL_CANCELED);
        } else if !begin.detached {
            until(what, || api::get_fate(call, false).1 != fate::NONE);
        } else if begin.place == Place::Running {
            let context = self.context(at);
            until(what, || call_context_set_progress(context, 1, 1) != S_OK);
        }
    }
}

/// For those who look at a begin.
impl Begin {
    pub fn is_running(&self) -> bool {
        self.place == Place::Running
    }
}
