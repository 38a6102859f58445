//! Signals for event loops: a descriptor that is readable while the signal is raised, made on first
//! use, closed with the signal, and closed in the child of a fork.

use crate::handle::{Slab, SlabSlot};
use crate::hresult::{Failure, RPC_E_OUT_OF_RESOURCES};
use crate::sync::{
    AtomicU32, AtomicU64, Ordering, clear_descriptor, close_descriptor, open_descriptor, raise_descriptor,
};

/// See the module.
pub struct Signal {
    /// The descriptor's place in the list and 1, and the descriptor: `place:32 | descriptor:32`.
    open: AtomicU64,
}

/// A place in the list of open descriptors.
struct Open {
    link: AtomicU32,
    /// The descriptor and 1; 0: none.
    descriptor: AtomicU32,
}

// SAFETY: atomics, for which zero is a value.
unsafe impl SlabSlot for Open {
    fn link(&self) -> &AtomicU32 {
        &self.link
    }
}

static OPEN: Slab<Open> = Slab::new();

const NONE_LEFT: Failure = Failure::because(RPC_E_OUT_OF_RESOURCES, "no descriptor is left");

/// In the child of a fork: what the parent had open is closed here.
pub fn forget() {
    for number in 0.. {
        let Some(open) = OPEN.get(number) else { break };
        if let Some(descriptor) = open.descriptor.swap(0, Ordering::Relaxed).checked_sub(1) {
            close_descriptor(descriptor.cast_signed());
        }
    }
    OPEN.forget();
}

impl Signal {
    pub const fn new() -> Self {
        Self { open: AtomicU64::new(0) }
    }

    fn existing(&self) -> Option<i32> {
        let open = self.open.load(Ordering::SeqCst);
        (open != 0).then_some((open as u32).cast_signed())
    }

    /// The descriptor, made now if it was not; `raised`: whether a new one is.
    pub fn descriptor(&self, raised: impl Fn() -> bool) -> Result<i32, Failure> {
        if let Some(descriptor) = self.existing() {
            return Ok(descriptor);
        }
        let descriptor = open_descriptor().ok_or(NONE_LEFT)?;
        let Some((number, listed)) = OPEN.take() else {
            close_descriptor(descriptor);
            return Err(NONE_LEFT);
        };
        listed.descriptor.store(descriptor.cast_unsigned() + 1, Ordering::Relaxed);
        let open = u64::from(number + 1) << 32 | u64::from(descriptor.cast_unsigned());
        match self.open.compare_exchange(0, open, Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) => {
                // Who raised it before it was there did not reach it.
                if raised() {
                    raise_descriptor(descriptor);
                }
                Ok(descriptor)
            }
            Err(theirs) => {
                close(open);
                Ok((theirs as u32).cast_signed())
            }
        }
    }

    /// Makes the descriptor readable, if there is one.
    #[inline]
    pub fn raise(&self) {
        if let Some(descriptor) = self.existing() {
            raise_descriptor(descriptor);
        }
    }

    /// Makes the descriptor unreadable, if there is one.
    #[inline]
    pub fn clear(&self) {
        if let Some(descriptor) = self.existing() {
            clear_descriptor(descriptor);
        }
    }
}

impl Signal {
    /// Closes the descriptor, if there is one; the signal may be used anew. By who owns it: nobody raises
    /// it meanwhile.
    pub fn close(&self) {
        close(self.open.swap(0, Ordering::SeqCst));
    }
}

/// A descriptor that is closed with its owner, and in the child of a fork.
pub struct Kept(u64);

impl Kept {
    /// Takes the descriptor over.
    pub fn new(descriptor: i32) -> Result<Self, Failure> {
        let Some((number, listed)) = OPEN.take() else {
            close_descriptor(descriptor);
            return Err(NONE_LEFT);
        };
        listed.descriptor.store(descriptor.cast_unsigned() + 1, Ordering::Relaxed);
        Ok(Self(u64::from(number + 1) << 32 | u64::from(descriptor.cast_unsigned())))
    }

    pub fn number(&self) -> i32 {
        (self.0 as u32).cast_signed()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        close(self.0);
    }
}

impl Drop for Signal {
    fn drop(&mut self) {
        self.close();
    }
}

fn close(open: u64) {
    let Some(number) = ((open >> 32) as u32).checked_sub(1) else { return };
    let Some(listed) = OPEN.get(number) else { return };
    // In the child of a fork it is closed already, and its number may be another's.
    if listed.descriptor.swap(0, Ordering::Relaxed) == open as u32 + 1 {
        close_descriptor((open as u32).cast_signed());
        OPEN.give(number, listed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readable(descriptor: i32) -> bool {
        let mut poll = libc::pollfd { fd: descriptor, events: libc::POLLIN, revents: 0 };
        // SAFETY: one entry is there.
        unsafe { libc::poll(&raw mut poll, 1, 0) == 1 }
    }

    #[test]
    fn the_descriptor_is_readable_while_the_signal_is_raised() {
        let signal = Signal::new();
        signal.raise();
        let descriptor = signal.descriptor(|| false).expect("a descriptor");
        assert!(!readable(descriptor), "raised before it was there, and the state says no");
        signal.raise();
        signal.raise();
        assert!(readable(descriptor));
        signal.clear();
        assert!(!readable(descriptor));
        assert_eq!(signal.descriptor(|| true), Ok(descriptor), "made once");
        drop(signal);
        let other = Signal::new();
        let made = other.descriptor(|| true).expect("a descriptor");
        assert!(readable(made));
    }
}
