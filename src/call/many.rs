//! Waiting for several calls at once.

use super::{Call, NO_CALL};
use crate::deadlock::Aim;
use crate::hresult::{Failure, Hresult, RPC_S_CALLPENDING, S_OK};
use crate::state::{BEGUN, FINISHED};
use crate::time::Deadline;
use crate::wait::until_some;

/// What a wait came to, and which call it was about.
pub type Waited = (Result<Hresult, Failure>, usize);

/// Waits until one of the calls is complete, or with `every` all of them; each for the begin that it
/// finds. The call that it was about: the first complete one, or the first that could not be waited for.
pub fn wait_many(ids: &[u64], every: bool, deadline: Deadline) -> Waited {
    let mut pinned = Vec::with_capacity(ids.len());
    let mut calls = Vec::with_capacity(ids.len());
    let mut refused = None;
    for (index, &id) in ids.iter().enumerate() {
        let looked =
            Call::find(id).and_then(|call| call.enter(Ok).map(|()| pinned.push(call)).and_then(|()| call.look()));
        match looked {
            Ok((execution, generation, state)) if state.has(BEGUN) && !state.has(FINISHED) => {
                calls.push((execution, generation));
            }
            Ok(_) => refused = Some((Err(NO_CALL), index)),
            Err(failure) => refused = Some((Err(failure), index)),
        }
        if refused.is_some() {
            break;
        }
    }
    let waited = refused.unwrap_or_else(|| {
        let aim = Aim { calls: &calls, every };
        let first = || calls.iter().position(|(execution, generation)| execution.is_done(*generation)).unwrap_or(0);
        match until_some(aim, deadline) {
            Ok(true) => (Ok(S_OK), first()),
            Ok(false) => (Ok(RPC_S_CALLPENDING), 0),
            Err(failure) => (Err(failure), 0),
        }
    });
    for call in pinned {
        call.exit(0);
    }
    waited
}
