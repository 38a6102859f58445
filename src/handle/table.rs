//! A table of values reached by handles: what the program holds of apartments and buffers.

use super::layout::{Generation, Handle, Kind};
use super::refs::{RefWord, Unpinned};
use super::slab::{Slab, SlabSlot};
use crate::hresult::{E_HANDLE, E_OUTOFMEMORY, Failure};
use crate::sync::AtomicU32;
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;

/// One place of a [`Table`]. `value` is initialized from `open` to the transition that finds
/// [`Unpinned::Last`], read by those who hold a pin, and written by the slot's only owner.
pub struct Entry<T> {
    refs: RefWord,
    link: AtomicU32,
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: the value is shared between threads by `&T` under a pin and moved out by one of them.
unsafe impl<T: Send + Sync> Sync for Entry<T> {}
// SAFETY: zero is an empty slot: no generation, no value.
unsafe impl<T: Send + Sync + 'static> SlabSlot for Entry<T> {
    fn link(&self) -> &AtomicU32 {
        &self.link
    }
}

/// Values of one kind, by handle.
pub struct Table<T> {
    kind: Kind,
    slab: Slab<Entry<T>>,
}

impl<T: Send + Sync + 'static> Table<T> {
    pub const fn new(kind: Kind) -> Self {
        Self { kind, slab: Slab::new() }
    }

    /// Stores a value, or gives it back; the handle is its one reference.
    pub fn insert(&'static self, value: T) -> Result<u64, (Failure, T)> {
        let Some((slot, entry)) = self.slab.take() else {
            return Err((E_OUTOFMEMORY.into(), value));
        };
        let generation = entry.refs.generation().unwrap_or_else(|| Generation::first(slot));
        // SAFETY: a taken slot has one owner until it is opened.
        unsafe { (*entry.value.get()).write(value) };
        entry.refs.open(generation);
        Ok(Handle { slot, generation }.encode(self.kind))
    }

    fn find(&'static self, id: u64) -> Result<(Handle, &'static Entry<T>), Failure> {
        let handle = Handle::decode(id, self.kind)?;
        let entry = self.slab.get(handle.slot).ok_or(Failure::from(E_HANDLE))?;
        Ok((handle, entry))
    }

    /// Runs `read` on the value, which stays while it runs.
    pub fn with<R>(&'static self, id: u64, read: impl FnOnce(&T) -> R) -> Result<R, Failure> {
        let (handle, entry) = self.find(id)?;
        entry.refs.pin(handle.generation)?;
        // SAFETY: the pin keeps the value where it is.
        let answer = read(unsafe { (*entry.value.get()).assume_init_ref() });
        let unpinned = entry.refs.unpin(0);
        drop(self.settle(handle, entry, unpinned));
        Ok(answer)
    }

    /// One reference less; the value comes out with the last one, if nobody is at work on it.
    pub fn release(&'static self, id: u64) -> Result<Option<T>, Failure> {
        let (handle, entry) = self.find(id)?;
        let unpinned = entry.refs.release(handle.generation)?;
        Ok(self.settle(handle, entry, unpinned))
    }

    fn settle(&'static self, handle: Handle, entry: &'static Entry<T>, unpinned: Unpinned) -> Option<T> {
        if unpinned == Unpinned::Alive {
            return None;
        }
        // SAFETY: the last hold is gone and no new one can come: this thread owns the value.
        let value = unsafe { (*entry.value.get()).assume_init_read() };
        if entry.refs.vacate(handle.generation) {
            self.slab.give(handle.slot, entry);
        }
        Some(value)
    }

    /// In the child of a fork.
    pub fn forget(&'static self) {
        self.slab.forget();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_value_lives_as_long_as_its_references_and_its_readers() {
        static TABLE: Table<Arc<u32>> = Table::new(Kind::Object);
        let value = Arc::new(5);
        let id = TABLE.insert(Arc::clone(&value)).expect("memory");
        let inside = TABLE.with(id, |found| {
            assert_eq!(TABLE.release(id), Ok(None), "a reader is at work");
            assert_eq!(Arc::strong_count(&value), 2);
            **found
        });
        assert_eq!(inside, Ok(5));
        assert_eq!(Arc::strong_count(&value), 1, "the last reader let it go");
        assert_eq!(TABLE.release(id), Err(E_HANDLE.into()));
        let other = TABLE.insert(value).expect("memory");
        assert_ne!(id, other, "a handle is never given out twice");
        assert!(TABLE.release(other).expect("it lives").is_some());
    }

    #[test]
    fn entries_are_used_again() {
        static TABLE: Table<u32> = Table::new(Kind::Object);
        let made = || {
            let ids = [0, 1, 2].map(|value| TABLE.insert(value).expect("memory"));
            let mut slots = ids.map(|id| Handle::decode(id, Kind::Object).expect("a handle").slot);
            slots.sort_unstable();
            (ids, slots)
        };
        let (ids, before) = made();
        for id in ids {
            assert!(TABLE.release(id).expect("it lives").is_some());
        }
        assert_eq!(made().1, before);
    }

    #[test]
    fn a_forgotten_table_knows_none_of_its_handles() {
        static TABLE: Table<u32> = Table::new(Kind::Object);
        let id = TABLE.insert(5).expect("memory");
        TABLE.forget();
        assert_eq!(TABLE.release(id), Err(E_HANDLE.into()));
        assert_eq!(TABLE.with(id, |value| *value), Err(E_HANDLE.into()));
    }
}
