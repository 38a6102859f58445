//! A signal whose descriptor is a level. It tells loom of its uses, and of its end, which comes after them.

use crate::hresult::{E_OUTOFMEMORY, Failure};
use crate::sync::{AtomicU64, Ordering, Tracked};
use std::cell::{Cell, RefCell};

std::thread_local! {
    static IN_USE: Cell<bool> = const { Cell::new(false) };
    static LEVELS: RefCell<Vec<*const AtomicU64>> = const { RefCell::new(Vec::new()) };
}

pub fn forget() {
    IN_USE.set(false);
    LEVELS.take();
}

/// The model makes descriptors. In others a signal is no atomic, and fewer orders are to be tried.
pub fn descriptors_are_made() {
    IN_USE.set(true);
}

/// What a program that polls a descriptor finds, while its signal is there.
pub fn is_readable(descriptor: i32) -> bool {
    let level = LEVELS.with_borrow(|levels| levels[descriptor.unsigned_abs() as usize]);
    // SAFETY: by the model, which keeps the signal.
    unsafe { &*level }.fetch_or(0, Ordering::Relaxed) != 0
}

pub struct Signal {
    /// 1: there is a descriptor.
    open: AtomicU64,
    /// 1: it is readable. Changed by exchanges that order nothing else, whatever a system's calls do.
    level: AtomicU64,
}

impl Signal {
    pub const fn new() -> Self {
        Self { open: AtomicU64::new(0), level: AtomicU64::new(0) }
    }

    pub fn descriptor(&self, raised: impl Fn() -> bool) -> Result<i32, Failure> {
        assert!(IN_USE.get(), "the model did not say so");
        if self.open.swap(1, Ordering::SeqCst) == 0 && raised() {
            self.level.swap(1, Ordering::Relaxed);
        }
        let number = LEVELS.with_borrow_mut(|levels| {
            levels.push(&raw const self.level);
            levels.len() - 1
        });
        number.try_into().map_err(|_| E_OUTOFMEMORY.into())
    }

    fn set(&self, level: u64) {
        Tracked::of(self).read();
        if IN_USE.get() && self.open.load(Ordering::SeqCst) != 0 {
            self.level.swap(level, Ordering::Relaxed);
        }
    }

    pub fn raise(&self) {
        self.set(1);
    }

    pub fn clear(&self) {
        self.set(0);
    }

    pub fn close(&self) {
        Tracked::of(self).end();
        if IN_USE.get() {
            self.open.swap(0, Ordering::SeqCst);
            self.level.swap(0, Ordering::Relaxed);
        }
    }
}

impl Drop for Signal {
    fn drop(&mut self) {
        self.close();
    }
}
