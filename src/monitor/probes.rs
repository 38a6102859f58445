//! Static probes for tracers outside of the program (`perf`, `bpftrace`, SystemTap): provider `libcall`, one
//! probe for each step, with the execution's address and generation. One instruction that does nothing
//! where nobody traces.

use super::Step;
use crate::execution::Execution;
use crate::handle::Generation;
use probe::probe;

/// A call has come one step further.
#[inline(always)]
pub fn mark(step: Step, execution: &'static Execution, generation: Generation) {
    let at = std::ptr::from_ref(execution);
    match step {
        Step::Begin => probe!(libcall, begin, at, generation.0),
        Step::Start => probe!(libcall, start, at, generation.0),
        Step::Cancel => probe!(libcall, cancel, at, generation.0),
        Step::Complete => probe!(libcall, complete, at, generation.0),
        Step::Finish => probe!(libcall, finish, at, generation.0),
        Step::LateEnd => probe!(libcall, late_end, at, generation.0),
    }
}
