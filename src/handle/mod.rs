//! Handles: numbers that are checked, never trusted.
//!
//! A handle is `kind:4 | forks:6 | slot:28 | generation:26`. The slot lives in a [`Slab`], whose
//! memory is never freed and never changes its type, so that any number may be looked up without a
//! lock and without a reference: the slot's own word says whether the generation is the living one.
//!
//! 1. A generation is given out once in the life of the process. A slot whose generations are used
//!    up is retired.
//! 2. Generations start at random in each slot, so that another copy of the library, or an earlier
//!    run, has other handles.
//! 3. `forks` counts the forks between the first process and the one that made the handle: the
//!    handle of a parent is told from one that never was.

#[cfg(test)]
mod fork_test;
mod layout;
mod refs;
mod shared;
mod slab;
mod table;

pub use layout::{Generation, Handle, Kind, forked, process};
pub use refs::{RefWord, TAKEN, Unpinned};
pub use shared::{Hold, Place, Shelf, Shelved};
pub use slab::{Slab, SlabSlot};
pub use table::Table;
