//! A value alone in its cache lines, so that its writers do not slow the readers of others.

use std::ops::Deref;

/// 128 bytes: processors fetch lines in pairs.
#[repr(align(128))]
pub struct Padded<T>(pub T);

impl<T> Deref for Padded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
