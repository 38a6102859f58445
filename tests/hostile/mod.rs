//! Hostile children and hostile hosts of isolated objects, played from bytes: a test replays the corpora, and the
//! fuzz targets find more.

#![allow(clippy::wildcard_imports, reason = "the C names are the names of the contract")]

pub mod child;
mod cue;
pub mod parent;
pub mod relay;
mod system;

use crate::bindings;

/// What a run came to: what was not as it has to be.
pub type Checked = Result<(), String>;

/// After which something that should have come about hangs, in milliseconds.
const GUARD_MS: u64 = 20_000;
