//! The boundary: one file per noun of the header, in the header's order. Conversions, one call into
//! the library, nothing else. The comments of these files are the header's.
#![allow(non_camel_case_types)]

mod apartment;
mod bind;
mod call;
mod cancel;
mod context;
mod guard;
mod invoke;
#[cfg(test)]
mod layout;
#[cfg(test)]
mod layout_test;
mod library;
mod module;
mod monitor;
mod object;
#[cfg(test)]
mod panic_test;
mod queue;
mod types;

use guard::{clear, guard, guard_in_signal, input, text};
