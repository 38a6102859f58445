//! Ending all that is in progress: bounded, and honest about what remains.

use super::{Apartment, DEFAULT, Residence};
use crate::buffer;
use crate::deadlock::Awaited;
use crate::execution::{Execution, Grace};
use crate::frame;
use crate::hresult::Failure;
use crate::monitor;
use crate::state::{BEGUN, ENDED};
use crate::sync::{Arc, AtomicU32, Global, Mutex, Weak, lock, wait};
use crate::time::Deadline;

/// The apartments that may still live.
static ALL: Global<Mutex<Vec<Weak<dyn Apartment>>>> = Global::new();

/// Those that were behind the null handle before.
static KEPT: Global<Mutex<Vec<&'static Arc<Residence>>>> = Global::new();

/// In the child of a fork.
pub fn forget() {
    ALL.forget();
    KEPT.forget();
}

/// There is one apartment more.
pub(super) fn note(apartment: &Arc<dyn Apartment>) {
    let mut all = lock(ALL.get_or_make(|| Mutex::new(Vec::new())));
    all.retain(|other| other.strong_count() > 0);
    all.push(Arc::downgrade(apartment));
}

/// Closes every apartment, ends every call in progress with `RPC_E_DISCONNECTED` after the grace period,
/// and waits up to `timeout_ms` for the methods; gives the number of those still running. Inside a method it
/// does not wait.
pub fn shutdown(timeout_ms: u32) -> Result<u32, Failure> {
    crate::timer::start()?;
    let (grace, deadline) = (Grace::milliseconds(timeout_ms), Deadline::after_ms(timeout_ms));
    // Who makes an object from now on gets a new one.
    if let Some(old) = DEFAULT.get() {
        lock(KEPT.get_or_make(|| Mutex::new(Vec::new()))).push(old);
        DEFAULT.forget();
    }
    let all: Vec<_> = ALL.get().map(|all| lock(all).iter().filter_map(Weak::upgrade).collect()).unwrap_or_default();
    for apartment in &all {
        apartment.desk().close(grace);
        apartment.rouse();
    }
    for apartment in &all {
        apartment.desk().refuse_queued();
    }
    // What is begun from now on is another's.
    let mut left = running();
    for &(execution, generation) in &left {
        execution.disconnect(generation, grace);
    }
    // What this thread is in, or is telling, can only end after this.
    let waits = !frame::is_in_method();
    let ends = |&(execution, generation): &Awaited| !execution.is_told_here(generation);
    let mut pause = 1;
    loop {
        left.retain(|(execution, generation)| execution.goes_on(*generation));
        let late = deadline.passed();
        if late {
            // Nobody waits for what is left, whatever the timer is at.
            for (execution, generation) in &left {
                execution.disconnect(*generation, Grace::AT_ONCE);
            }
        }
        if late || !waits || !left.iter().any(ends) {
            if !left.is_empty() {
                monitor::log(|| format!("shutdown: {} methods still run", left.len()));
            }
            buffer::release_kept();
            return Ok(left.len() as u32);
        }
        // Methods that end wake nobody here: this is not the way of a call.
        let never = AtomicU32::new(0);
        wait(&never, 0, deadline.min(Deadline::after_ms(pause)));
        pause = (pause * 2).min(20);
    }
}

/// The methods that have not ended.
fn running() -> Vec<Awaited> {
    let mut left = Vec::new();
    for slot in 0.. {
        let Some(execution) = Execution::of_slot(slot) else { return left };
        let (generation, state) = execution.read();
        if state.has(BEGUN) && !state.has(ENDED) && execution.goes_on(generation) {
            left.push((execution, generation));
        }
    }
    left
}
