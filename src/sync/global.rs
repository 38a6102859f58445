//! A value of the process that is made on first use and forgotten in a forked child, where the
//! threads and locks it speaks of do not exist.

use super::{AtomicPtr, Ordering};
use std::ptr;

/// A place for one `T` that lives as long as the process.
pub struct Global<T>(AtomicPtr<T>);

impl<T: Send + Sync + 'static> Global<T> {
    pub const fn new() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    /// The value, if it was made.
    pub fn get(&self) -> Option<&'static T> {
        // SAFETY: a pointer stored here came from `Box::leak` and is never freed.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }

    /// The value, made by `make` if it was not there. Two threads may both make one; one is kept.
    pub fn get_or_make(&self, make: impl FnOnce() -> T) -> &'static T {
        if let Some(value) = self.get() {
            return value;
        }
        let mine = Box::into_raw(Box::new(make()));
        match self.0.compare_exchange(ptr::null_mut(), mine, Ordering::AcqRel, Ordering::Acquire) {
            // SAFETY: just leaked, and from now on never freed.
            Ok(_) => unsafe { &*mine },
            Err(theirs) => {
                // SAFETY: `mine` was never shared; `theirs` is leaked as above.
                unsafe {
                    drop(Box::from_raw(mine));
                    &*theirs
                }
            }
        }
    }

    /// Forgets the value without running its destructor: for the child of a fork only.
    pub fn forget(&self) {
        self.0.store(ptr::null_mut(), Ordering::Release);
    }
}
