//! libcall: begin a job, cancel it, know what became of it.
//!
//! The library's public face is the C header made from `ffi`; see docs/ARCHITECTURE.md for the
//! layers.

// What is not reached from `ffi` is dead.
#![deny(dead_code)]
// For the stand-ins of `sync/visible`.
#![cfg_attr(call_tsan, feature(arbitrary_self_types, coerce_unsized, unsize))]

mod apartment;
mod buffer;
mod call;
mod cancel;
mod completions;
mod deadlock;
mod event;
mod execution;
pub mod ffi;
mod fork;
mod frame;
mod handle;
mod host;
mod hresult;
mod invoke;
mod isolated;
mod module;
mod moniker;
mod monitor;
mod object;
mod process;
mod queue;
mod signal;
mod spin;
mod state;
mod sync;
mod time;
mod timer;
mod unwind;
mod wait;

/// What host and child share, for the hostile ones of `tests/hostile` and `fuzz/`.
#[doc(hidden)]
pub mod channel {
    pub use crate::isolated::channel::{FAILED, LENGTH, READY, ToChild, ToHost};
    pub use crate::isolated::{PROTOCOL, Plan, word};
}
