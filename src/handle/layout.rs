//! The bits of a handle.

use crate::hresult::{E_HANDLE, Failure, RPC_E_DISCONNECTED};
use crate::sync::{AtomicU32, Ordering};
use once_cell::race::OnceNonZeroUsize;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::num::NonZeroUsize;

/// What a handle is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    Call = 1,
    Cancel = 2,
    Object = 3,
    Apartment = 4,
    Context = 5,
    Buffer = 6,
    Queue = 7,
    Thread = 8,
    Module = 9,
}

/// The generation of a slot: from 1 to [`Generation::LAST`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Generation(pub u32);

impl Generation {
    pub const BITS: u32 = 26;
    pub const LAST: Self = Self((1 << Self::BITS) - 1);

    /// The first generation of a slot: random, in the lower half.
    pub fn first(slot: u32) -> Self {
        let mixed = (secret() ^ u64::from(slot)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Self((mixed >> 40) as u32 & (Self::LAST.0 >> 1) | 1)
    }

    /// `steps` further on, if the slot has as many left.
    pub fn later(self, steps: u32) -> Option<Self> {
        let next = Self(self.0 + steps);
        (next <= Self::LAST).then_some(next)
    }
}

/// Drawn once in the life of the process.
fn secret() -> u64 {
    static SECRET: OnceNonZeroUsize = OnceNonZeroUsize::new();
    let draw = || {
        let drawn = RandomState::new().build_hasher().finish() as usize;
        NonZeroUsize::new(drawn).unwrap_or(NonZeroUsize::MIN)
    };
    SECRET.get_or_init(draw).get() as u64
}

/// Why a number is no handle of this kind.
#[cold]
fn refused(id: u64, kind: Kind) -> Failure {
    let forks = (id >> 54) as u32 & ((1 << FORK_BITS) - 1);
    let named = id >> 60 == u64::from(kind as u8) && id & u64::from(Generation::LAST.0) != 0;
    if named && forks < FORKS.load(Ordering::Relaxed) {
        Failure::because(RPC_E_DISCONNECTED, "the handle belongs to the parent of this process")
    } else {
        E_HANDLE.into()
    }
}

const SLOT_BITS: u32 = 28;
const FORK_BITS: u32 = 6;

/// How many forks lie between the first process and this one; the last value stands for more.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// In the child of a fork: from now on the parent's handles are told from our own.
pub fn forked() {
    let now = FORKS.load(Ordering::Relaxed);
    FORKS.store((now + 1).min((1 << FORK_BITS) - 1), Ordering::Release);
    PROCESS.store(process().wrapping_add(1), Ordering::Release);
}

/// Another number in each child of a fork.
static PROCESS: AtomicU32 = AtomicU32::new(0);

/// Tells what this process has made from what it has of its parent's.
#[inline]
pub fn process() -> u32 {
    PROCESS.load(Ordering::Relaxed)
}

/// A number that names a slot's generation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Handle {
    pub slot: u32,
    pub generation: Generation,
}

impl Handle {
    pub const SLOTS: u32 = 1 << SLOT_BITS;

    /// As the C program sees it.
    #[inline]
    pub fn encode(self, kind: Kind) -> u64 {
        u64::from(kind as u8) << 60 | u64::from(FORKS.load(Ordering::Relaxed)) << 54 | self.pack()
    }

    /// What the C program gave us, if it can be a handle of this kind.
    #[inline]
    pub fn decode(id: u64, kind: Kind) -> Result<Self, Failure> {
        match Self::peek(id, kind) {
            Some(handle) if handle.generation.0 != 0 => Ok(handle),
            _ => Err(refused(id, kind)),
        }
    }

    /// As [`Handle::decode`], for those who look whether the slot has that generation and would not take 0 for one.
    #[inline]
    pub fn peek(id: u64, kind: Kind) -> Option<Self> {
        let ours = u64::from(kind as u8) << FORK_BITS | u64::from(FORKS.load(Ordering::Relaxed));
        (id >> 54 == ours).then(|| Self::unpack(id))
    }

    /// Slot and generation in one word, never 0.
    #[inline]
    pub fn pack(self) -> u64 {
        u64::from(self.slot) << Generation::BITS | u64::from(self.generation.0)
    }

    /// The reverse of [`Handle::pack`]; higher bits are passed over.
    #[inline]
    pub fn unpack(word: u64) -> Self {
        Self {
            slot: (word >> Generation::BITS) as u32 & (Self::SLOTS - 1),
            generation: Generation(word as u32 & Generation::LAST.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn what_is_encoded_is_decoded_by_its_kind_alone() {
        let handle = Handle { slot: Handle::SLOTS - 1, generation: Generation::LAST };
        let id = handle.encode(Kind::Object);
        assert_eq!(Handle::decode(id, Kind::Object), Ok(handle));
        assert_eq!(Handle::decode(id, Kind::Call), Err(E_HANDLE.into()));
        assert_eq!(Handle::decode(0, Kind::Call), Err(E_HANDLE.into()));
        assert_eq!(Handle::decode(id | 1 << 54, Kind::Object), Err(E_HANDLE.into()));
        let never = Handle { slot: 5, generation: Generation(0) };
        assert_eq!(Handle::decode(never.encode(Kind::Object), Kind::Object), Err(E_HANDLE.into()));
    }

    #[test]
    fn first_generations_leave_half_of_them_and_differ() {
        const SLOTS: u32 = 4096;
        let firsts: HashSet<_> = (0..SLOTS).map(|slot| Generation::first(slot).0).collect();
        assert!(firsts.iter().all(|first| *first <= Generation::LAST.0 / 2), "in the lower half");
        assert!(firsts.iter().all(|first| first % 2 == 1), "odd, and so never 0");
        assert_eq!(firsts.len(), SLOTS as usize, "neighbors differ");
        assert!(secret() > u64::from(u32::MAX), "64 bits are drawn");
    }

    #[test]
    fn the_last_generation_has_no_next() {
        assert_eq!(Generation::LAST.later(1), None);
        assert_eq!(Generation(1).later(2), Some(Generation(3)));
    }
}
