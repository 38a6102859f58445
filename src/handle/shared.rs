//! Values that are reached by handles and kept by holds.
//!
//! A handle's references are the program's, counted in a [`RefWord`]. Holds are the library's own: each keeps the
//! value, and a living handle has one. To take another by the handle costs one compare-exchange, whose generation
//! is the check that the value is still the one meant.

use super::layout::{Generation, Handle, Kind};
use super::refs::{RefWord, Unpinned};
use super::slab::{Slab, SlabSlot};
use crate::hresult::{E_HANDLE, E_OUTOFMEMORY, Failure};
use crate::sync::{AtomicU32, AtomicU64, Ordering};
use std::cell::UnsafeCell;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ops::Deref;
use std::ptr;

/// A place of a [`Shelf`]. `value` is initialized while there are holds, shared by them, and moved out by whose drop
/// finds the last one gone.
pub struct Place<T> {
    refs: RefWord,
    /// `generation:26 | holds:38`
    holds: AtomicU64,
    link: AtomicU32,
    slot: AtomicU32,
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: the value is shared between threads by `&T` and moved out by one of them.
unsafe impl<T: Send + Sync> Sync for Place<T> {}
// SAFETY: zero is an empty place: no generation, no hold, no value.
unsafe impl<T: Send + Sync + 'static> SlabSlot for Place<T> {
    fn link(&self) -> &AtomicU32 {
        &self.link
    }
}

/// Where all values of one type are.
pub type Shelf<T> = Slab<Place<T>>;

/// A type whose values are kept by [`Hold`]s.
pub trait Shelved: Send + Sync + Sized + 'static {
    const KIND: Kind;
    fn shelf() -> &'static Shelf<Self>;
}

/// Keeps a value.
pub struct Hold<T: Shelved>(&'static Place<T>);

const HOLDS: u32 = u64::BITS - Generation::BITS;
const COUNT: u64 = (1 << HOLDS) - 1;

impl<T> Place<T> {
    /// Where the value is, or would be.
    pub fn value(&self) -> *const T {
        self.value.get().cast_const().cast()
    }

    /// The generation of the value that is there, or was last.
    pub fn generation(&self) -> Generation {
        Generation((self.holds.load(Ordering::Acquire) >> HOLDS) as u32)
    }
}

impl<T: Shelved> Hold<T> {
    /// Stores a value, or gives it back.
    pub fn new(value: T) -> Result<Self, (Failure, T)> {
        let Some((slot, place)) = T::shelf().take() else {
            return Err((E_OUTOFMEMORY.into(), value));
        };
        let generation = place.refs.generation().unwrap_or_else(|| Generation::first(slot));
        // SAFETY: a taken place has one owner until it is published.
        unsafe { (*place.value.get()).write(value) };
        place.slot.store(slot, Ordering::Relaxed);
        place.holds.store(u64::from(generation.0) << HOLDS | 1, Ordering::Release);
        Ok(Self(place))
    }

    /// A handle, whose one reference keeps the value from now on. For a value that has none.
    pub fn into_handle(self) -> u64 {
        let place = ManuallyDrop::new(self).0;
        let handle = Handle { slot: place.slot.load(Ordering::Relaxed), generation: place.generation() };
        place.refs.open(handle.generation);
        handle.encode(T::KIND)
    }

    /// The value of a living handle.
    pub fn find(id: u64) -> Result<Self, Failure> {
        let (place, generation) = find::<T>(id)?;
        let living = if place.refs.lives(generation) { Self::of_place(place, generation) } else { None };
        living.ok_or(E_HANDLE.into())
    }

    /// Another hold of the value of that generation, if it is still there.
    pub fn of_place(place: &'static Place<T>, generation: Generation) -> Option<Self> {
        let mut holds = place.holds.load(Ordering::Relaxed);
        while holds >> HOLDS == u64::from(generation.0) && holds & COUNT != 0 {
            match place.holds.compare_exchange_weak(holds, holds + 1, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Some(Self(place)),
                Err(seen) => holds = seen,
            }
        }
        None
    }

    /// One reference more to a handle.
    pub fn add_ref(id: u64) -> Result<(), Failure> {
        let (place, generation) = find::<T>(id)?;
        place.refs.add(generation)
    }

    /// One reference less; the handle ends with the last one.
    pub fn release(id: u64) -> Result<(), Failure> {
        let (place, generation) = find::<T>(id)?;
        if place.refs.release(generation)? == Unpinned::Last {
            // The handle's own.
            drop(Self(place));
        }
        Ok(())
    }

    /// The hold as a pointer, which [`Hold::from_raw`] takes back.
    pub fn into_raw(self) -> *mut Place<T> {
        ptr::from_ref(ManuallyDrop::new(self).0).cast_mut()
    }

    /// # Safety
    /// The pointer came from [`Hold::into_raw`], and is used so once.
    pub unsafe fn from_raw(raw: *mut Place<T>) -> Self {
        // SAFETY: places are never freed.
        Self(unsafe { &*raw })
    }

    /// The value, if this is the only hold.
    pub fn into_inner(self) -> Option<T> {
        let place = ManuallyDrop::new(self).0;
        let before = place.holds.fetch_sub(1, Ordering::AcqRel);
        if before & COUNT != 1 {
            return None;
        }
        // SAFETY: the last hold is gone and no new one can come: this thread owns the value.
        let value = unsafe { (*place.value.get()).assume_init_read() };
        if place.refs.vacate(Generation((before >> HOLDS) as u32)) {
            T::shelf().give(place.slot.load(Ordering::Relaxed), place);
        }
        Some(value)
    }
}

fn find<T: Shelved>(id: u64) -> Result<(&'static Place<T>, Generation), Failure> {
    let handle = Handle::decode(id, T::KIND)?;
    let place = T::shelf().get(handle.slot).ok_or(Failure::from(E_HANDLE))?;
    Ok((place, handle.generation))
}

impl<T: Shelved> Clone for Hold<T> {
    fn clone(&self) -> Self {
        self.0.holds.fetch_add(1, Ordering::Relaxed);
        Self(self.0)
    }
}

impl<T: Shelved> Deref for Hold<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: this hold keeps the value.
        unsafe { &*self.0.value() }
    }
}

impl<T: Shelved> Drop for Hold<T> {
    fn drop(&mut self) {
        // Last: dropping the value may run the program's code.
        drop(Self(self.0).into_inner());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    struct Probe(Arc<()>);
    static PROBES: Shelf<Probe> = Slab::new();
    impl Shelved for Probe {
        const KIND: Kind = Kind::Object;
        fn shelf() -> &'static Shelf<Self> {
            &PROBES
        }
    }

    fn probe(witness: &Arc<()>) -> Hold<Probe> {
        Hold::new(Probe(Arc::clone(witness))).map_err(|(failure, _)| failure).expect("memory")
    }

    #[test]
    fn a_value_lives_as_long_as_its_handle_and_its_holds() {
        let witness = Arc::new(());
        let id = probe(&witness).into_handle();
        Hold::<Probe>::add_ref(id).expect("it lives");
        let held = Hold::<Probe>::find(id).expect("it lives");
        assert_eq!(Hold::<Probe>::release(id), Ok(()));
        assert_eq!(Hold::<Probe>::release(id), Ok(()));
        assert_eq!(Hold::<Probe>::release(id), Err(E_HANDLE.into()), "a release too many");
        assert_eq!(Hold::<Probe>::add_ref(id), Err(E_HANDLE.into()));
        assert!(Hold::<Probe>::find(id).is_err(), "the handle is over");
        assert!(Arc::ptr_eq(&(*held).0, &witness), "the value");
        let again = held.clone();
        drop(held);
        assert_eq!(Arc::strong_count(&witness), 2, "kept by a hold alone");
        drop(again);
        assert_eq!(Arc::strong_count(&witness), 1);
    }

    #[test]
    fn a_handle_is_never_given_out_twice() {
        let witness = Arc::new(());
        let id = probe(&witness).into_handle();
        assert_eq!(Hold::<Probe>::release(id), Ok(()));
        let other = probe(&witness).into_handle();
        assert_ne!(id, other);
        assert!(Hold::<Probe>::find(id).is_err());
        assert_eq!(Hold::<Probe>::release(other), Ok(()));
    }

    #[test]
    fn places_are_used_again_each_for_the_next_generation() {
        struct Other;
        static OTHERS: Shelf<Other> = Slab::new();
        impl Shelved for Other {
            const KIND: Kind = Kind::Object;
            fn shelf() -> &'static Shelf<Self> {
                &OTHERS
            }
        }
        let made = || {
            let ids = [(); 3].map(|()| Hold::new(Other).map_err(|(failure, _)| failure).expect("memory").into_handle());
            let mut handles = ids.map(|id| Handle::decode(id, Kind::Object).expect("a handle"));
            handles.sort_by_key(|handle| handle.slot);
            (ids, handles)
        };
        let (ids, before) = made();
        for id in ids {
            assert_eq!(Hold::<Other>::release(id), Ok(()));
        }
        let (_, after) = made();
        let next = |it: Handle| Handle { generation: it.generation.later(1).expect("not the last"), ..it };
        assert_eq!(after, before.map(next));
    }

    #[test]
    fn there_may_be_many_holds() {
        let witness = Arc::new(());
        let id = probe(&witness).into_handle();
        let all: Vec<_> = (0..1000).map(|_| Hold::<Probe>::find(id).expect("it lives")).collect();
        assert_eq!(Hold::<Probe>::release(id), Ok(()));
        assert_eq!(Arc::strong_count(&witness), 2, "one value");
        drop(all);
        assert_eq!(Arc::strong_count(&witness), 1);
    }

    #[test]
    fn the_value_comes_out_of_the_only_hold() {
        let witness = Arc::new(());
        let (first, second) = (probe(&witness), probe(&witness));
        let again = first.clone();
        assert!(first.into_inner().is_none());
        assert!(again.into_inner().is_some_and(|probe| Arc::ptr_eq(&probe.0, &witness)), "the value");
        let raw = second.into_raw();
        // SAFETY: from `into_raw`, once.
        drop(unsafe { Hold::from_raw(raw) });
        assert_eq!(Arc::strong_count(&witness), 1);
    }

    #[test]
    fn holds_of_many_threads_end_with_one_drop() {
        let witness = Arc::new(());
        let id = probe(&witness).into_handle();
        let found: u32 = std::thread::scope(|scope| {
            let look = || (0..20_000).map(|_| u32::from(Hold::<Probe>::find(id).is_ok())).sum::<u32>();
            let threads: Vec<_> = (0..3).map(|_| scope.spawn(look)).collect();
            assert_eq!(Hold::<Probe>::release(id), Ok(()));
            threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
        });
        println!("{found} of 60000 looks found it");
        assert_eq!(Arc::strong_count(&witness), 1);
    }
}
