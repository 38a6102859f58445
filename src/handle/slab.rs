//! Slots whose memory is never freed and never changes its type.
//!
//! Chunk k holds `64 << k` slots and is made of zeroed memory when the first of them is needed, so
//! a slot's all-zero state must be a valid, empty one. Freed slots wait on a list that any thread
//! pushes to and pops from without a lock; its head carries a count against the reuse of a head
//! that a slow thread still remembers.

use super::layout::Handle;
use crate::sync::{AtomicPtr, AtomicU32, AtomicU64, Ordering, PAGE, give_pages, take_pages};
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr;

/// A type that may live in a [`Slab`].
///
/// # Safety
/// All bytes zero is a valid value; every field that another thread may touch is atomic or guarded
/// by the slot's own word.
pub unsafe trait SlabSlot: Sync + 'static {
    /// The link of the list of free slots: 0 is its end, else the slot's number and 1.
    fn link(&self) -> &AtomicU32;
}

const FIRST_CHUNK: u32 = 64;
const CHUNKS: usize = 23;

/// See the module.
pub struct Slab<T> {
    chunks: [AtomicPtr<T>; CHUNKS],
    /// Slots below were given out at least once.
    fresh: AtomicU32,
    /// `count:32 | link:32`.
    free: AtomicU64,
    /// Its memory comes from the system, page by page, and not from the allocator.
    pages: bool,
}

/// Chunk and place of a slot.
#[inline]
fn locate(slot: u32) -> (usize, usize) {
    let shifted = slot + FIRST_CHUNK;
    let chunk = shifted.ilog2() - FIRST_CHUNK.ilog2();
    (chunk as usize, (shifted - (FIRST_CHUNK << chunk)) as usize)
}

impl<T: SlabSlot> Slab<T> {
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self::empty(false)
    }

    /// As [`Slab::new`], for what a signal handler takes slots from: there the allocator must be left alone.
    pub const fn of_pages() -> Self {
        Self::empty(true)
    }

    const fn empty(pages: bool) -> Self {
        Self {
            chunks: [const { AtomicPtr::new(ptr::null_mut()) }; CHUNKS],
            fresh: AtomicU32::new(0),
            free: AtomicU64::new(0),
            pages,
        }
    }

    /// The slot of that number, if its memory was made.
    #[inline]
    pub fn get(&'static self, slot: u32) -> Option<&'static T> {
        let (chunk, place) = locate(slot);
        let base = self.chunks.get(chunk)?.load(Ordering::Acquire);
        // SAFETY: a chunk, once there, has `64 << chunk` zeroed or used slots and is never freed;
        // `locate` keeps `place` below that number.
        (!base.is_null()).then(|| unsafe { &*base.add(place) })
    }

    /// A slot that nobody uses; `None` when memory or numbers are used up.
    pub fn take(&'static self) -> Option<(u32, &'static T)> {
        if let Some(found) = self.pop() {
            return Some(found);
        }
        let slot = self
            .fresh
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |next| {
                (next < Handle::SLOTS && self.provide(locate(next).0)).then_some(next + 1)
            })
            .ok()?;
        self.get(slot).map(|found| (slot, found))
    }

    /// Gives back a slot that nobody uses any more. In the child of a fork one of the parent's is left alone.
    pub fn give(&'static self, slot: u32, given: &'static T) {
        if !self.get(slot).is_some_and(|own| ptr::eq(own, given)) {
            return;
        }
        let mut head = self.free.load(Ordering::Relaxed);
        loop {
            given.link().store(head as u32, Ordering::Relaxed);
            let next = (head & !0xFFFF_FFFF).wrapping_add(1 << 32) | u64::from(slot + 1);
            match self.free.compare_exchange_weak(head, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return,
                Err(seen) => head = seen,
            }
        }
    }

    fn pop(&'static self) -> Option<(u32, &'static T)> {
        let mut head = self.free.load(Ordering::Acquire);
        loop {
            let slot = (head as u32).checked_sub(1)?;
            let found = self.get(slot)?;
            let link = found.link().load(Ordering::Relaxed);
            let next = (head & !0xFFFF_FFFF).wrapping_add(1 << 32) | u64::from(link);
            match self.free.compare_exchange_weak(head, next, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some((slot, found)),
                Err(seen) => head = seen,
            }
        }
    }

    /// Makes a chunk's memory if it is not there.
    fn provide(&'static self, chunk: usize) -> bool {
        let Some(place) = self.chunks.get(chunk) else { return false };
        if !place.load(Ordering::Acquire).is_null() {
            return true;
        }
        let count = (FIRST_CHUNK as usize) << chunk;
        if self.pages { provide_pages(place, count) } else { provide_memory(place, count) }
    }

    /// In the child of a fork: the parent's slots are out of reach, and stay in memory unused.
    pub fn forget(&'static self) {
        self.free.store(0, Ordering::Relaxed);
        self.fresh.store(0, Ordering::Relaxed);
        for chunk in &self.chunks {
            chunk.store(ptr::null_mut(), Ordering::Release);
        }
    }
}

fn put<T>(place: &AtomicPtr<T>, base: *mut T) -> bool {
    place.compare_exchange(ptr::null_mut(), base, Ordering::AcqRel, Ordering::Acquire).is_ok()
}

fn provide_memory<T>(place: &AtomicPtr<T>, count: usize) -> bool {
    let Some((base, raw, layout)) = allocate::<T>(count) else { return false };
    if !put(place, base) {
        // SAFETY: allocated just now with this layout, and not shared.
        unsafe { dealloc(raw, layout) };
    }
    true
}

fn provide_pages<T>(place: &AtomicPtr<T>, count: usize) -> bool {
    const { assert!(align_of::<T>() <= PAGE) };
    let Some(len) = count.checked_mul(size_of::<T>()) else { return false };
    let Some(base) = take_pages(len) else { return false };
    if !put(place, base.cast()) {
        give_pages(base, len);
    }
    true
}

/// Zeroed memory for `count` slots: aligned by hand, because an allocator that aligns zeroed memory
/// writes the zeros, and so touches pages that may never be used.
fn allocate<T>(count: usize) -> Option<(*mut T, *mut u8, Layout)> {
    let align = align_of::<T>();
    let layout = Layout::from_size_align(count.checked_mul(size_of::<T>())? + align, 16).ok()?;
    // SAFETY: the layout is not empty.
    let raw = unsafe { alloc_zeroed(layout) };
    if raw.is_null() {
        return None;
    }
    // SAFETY: the layout has `align` bytes more than the slots need.
    let base = unsafe { raw.add(raw.align_offset(align)) };
    Some((base.cast(), raw, layout))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[repr(C, align(64))]
    struct Probe(AtomicU32, AtomicU32);
    // SAFETY: atomics, for which zero is a value.
    unsafe impl SlabSlot for Probe {
        fn link(&self) -> &AtomicU32 {
            &self.0
        }
    }

    /// So small that all slots that there can be have room.
    struct Small(AtomicU32);
    // SAFETY: an atomic, for which zero is a value.
    unsafe impl SlabSlot for Small {
        fn link(&self) -> &AtomicU32 {
            &self.0
        }
    }

    #[test]
    fn places_follow_each_other_without_gap_or_overlap() {
        let mut expected = (0, 0);
        for slot in 0..1000 {
            assert_eq!(locate(slot), expected);
            expected.1 += 1;
            if expected.1 == (FIRST_CHUNK as usize) << expected.0 {
                expected = (expected.0 + 1, 0);
            }
        }
        assert!(locate(Handle::SLOTS - 1).0 < CHUNKS);
    }

    #[test]
    fn a_slot_has_one_owner_at_a_time_under_contention() {
        static SLAB: Slab<Probe> = Slab::new();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20_000 {
                        let (slot, probe) = SLAB.take().expect("memory");
                        assert_eq!(probe.1.swap(1, Ordering::AcqRel), 0, "slot {slot} has two owners");
                        probe.1.store(0, Ordering::Release);
                        SLAB.give(slot, probe);
                    }
                });
            }
        });
        assert!(SLAB.fresh.load(Ordering::Relaxed) <= 8);
    }

    #[test]
    fn the_last_given_is_taken_first_and_every_change_of_the_list_is_counted() {
        static SLAB: Slab<Probe> = Slab::new();
        let taken = || SLAB.take().expect("memory").0;
        let changes = || SLAB.free.load(Ordering::Relaxed) >> 32;
        assert_eq!([taken(), taken(), taken(), changes() as u32], [0, 1, 2, 0]);
        for (at, slot) in [1, 0, 2].into_iter().enumerate() {
            SLAB.give(slot, SLAB.get(slot).expect("it was taken"));
            assert_eq!(changes(), at as u64 + 1);
        }
        for (at, slot) in [2, 0, 1].into_iter().enumerate() {
            assert_eq!(taken(), slot);
            assert_eq!(changes(), at as u64 + 4);
        }
        assert_eq!([taken(), changes() as u32], [3, 6], "the list is empty again");
        SLAB.give(Handle::SLOTS - 1, SLAB.get(0).expect("it was taken"));
        SLAB.give(1, SLAB.get(0).expect("it was taken"));
        assert_eq!(taken(), 4, "what was never given out, or is another's, is not taken back");
    }

    #[test]
    fn forgotten_slots_are_out_of_reach_and_numbers_begin_again() {
        static SLAB: Slab<Probe> = Slab::new();
        let (_, old) = SLAB.take().expect("memory");
        let (slot, given) = SLAB.take().expect("memory");
        SLAB.give(slot, given);
        SLAB.forget();
        assert!(SLAB.get(0).is_none());
        let (slot, new) = SLAB.take().expect("memory");
        assert_eq!(slot, 0);
        assert!(!ptr::eq(old, new), "the old memory stays as it is");
    }

    #[test]
    fn a_chunk_has_room_for_its_slots_and_to_align_them() {
        let (base, raw, layout) = allocate::<Probe>(4).expect("memory");
        assert_eq!((layout.size(), base.align_offset(64)), (5 * 64, 0));
        assert!(base.addr() - raw.addr() < 64);
        // SAFETY: allocated just now with this layout, and not shared.
        unsafe { dealloc(raw, layout) };
    }

    #[test]
    fn slots_of_pages_are_empty_and_stay() {
        static SLAB: Slab<Probe> = Slab::of_pages();
        let mut all = Vec::new();
        for _ in 0..500 {
            let (slot, probe) = SLAB.take().expect("memory");
            assert_eq!((probe.0.load(Ordering::Relaxed), probe.1.swap(slot + 1, Ordering::Relaxed)), (0, 0));
            all.push((slot, probe));
        }
        assert!(all.iter().all(|(slot, probe)| probe.1.load(Ordering::Relaxed) == slot + 1));
    }

    #[test]
    fn slots_end_where_handles_do() {
        static SLAB: Slab<Small> = Slab::new();
        SLAB.fresh.store(Handle::SLOTS, Ordering::Relaxed);
        assert!(SLAB.take().is_none());
    }

    #[test]
    fn slots_are_aligned_distinct_and_found_by_number() {
        static SLAB: Slab<Probe> = Slab::new();
        let (mut seen, mut places) = (HashSet::new(), HashSet::new());
        for _ in 0..500 {
            let (slot, probe) = SLAB.take().expect("memory");
            assert_eq!(ptr::from_ref(probe) as usize % 64, 0);
            assert!(ptr::eq(SLAB.get(slot).expect("made"), probe));
            assert!(seen.insert(slot));
            assert!(places.insert(ptr::from_ref(probe)), "slot {slot} lies on another");
        }
        assert!(SLAB.get(Handle::SLOTS - 1).is_none());
    }
}
