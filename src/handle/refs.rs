//! The word of a slot that is reached by references: which generation lives, how many references
//! the program holds, and how many threads are at work inside.
//!
//! ```text
//!   63        38 37       18 17      3 2 1 0
//!  +------------+-----------+---------+-----+
//!  | generation | references|  pins   |flags|
//!  +------------+-----------+---------+-----+
//! ```
//!
//! References are the program's and are counted by its handle; pins are the library's own and keep
//! the slot's content while a function works on it, so that releasing a handle too often can never
//! take the content from under a thread. The content goes when both are 0, and exactly one
//! transition sees that. Flags belong to the owner of the slot, but for the highest, [`TAKEN`]: while it is set,
//! who set it is the only one to change the word, and gives it back by a plain store; others wait.

use super::layout::Generation;
use crate::hresult::{E_HANDLE, Failure, RPC_E_OUT_OF_RESOURCES};
use crate::sync::{AtomicU64, Backoff, Ordering};

/// See the module.
pub struct RefWord(AtomicU64);

pub const FLAG_BITS: u32 = 3;
/// See the module. For a moment at a time: a thread may be started under it, but nothing is waited for.
pub const TAKEN: u64 = 1 << (FLAG_BITS - 1);
const PIN: u64 = 1 << FLAG_BITS;
const PINS: u64 = 0x7FFF << FLAG_BITS;
const REFERENCE: u64 = 1 << 18;
const REFERENCES: u64 = 0xF_FFFF << 18;
const GENERATION: u32 = 38;

/// What giving up a reference or a pin came to.
#[derive(PartialEq, Eq, Debug, Clone, Copy)]
#[must_use]
pub enum Unpinned {
    /// Others hold on.
    Alive,
    /// The last hold is gone: the caller takes the content out and then calls [`RefWord::vacate`].
    Last,
}

fn living(word: u64, generation: Generation) -> bool {
    word >> GENERATION == u64::from(generation.0) && word & REFERENCES != 0
}

fn unpinned(word: u64) -> Unpinned {
    if word & (REFERENCES | PINS) == 0 { Unpinned::Last } else { Unpinned::Alive }
}

impl RefWord {
    /// The generation that lives or that will live next; `None` in a slot never used.
    pub fn generation(&self) -> Option<Generation> {
        let generation = Generation((self.0.load(Ordering::Acquire) >> GENERATION) as u32);
        (generation.0 != 0).then_some(generation)
    }

    /// Opens a slot that its taker owns: one reference. Publishes what was written into it.
    pub fn open(&self, generation: Generation) {
        self.0.store(u64::from(generation.0) << GENERATION | REFERENCE, Ordering::Release);
    }

    /// Closes a slot after [`Unpinned::Last`]: true if it has another generation to give.
    pub fn vacate(&self, generation: Generation) -> bool {
        let next = generation.later(1);
        let word = next.map_or(0, |next| u64::from(next.0) << GENERATION);
        self.0.store(word, Ordering::Release);
        next.is_some()
    }

    /// Whether the generation lives.
    #[inline]
    pub fn lives(&self, generation: Generation) -> bool {
        living(self.0.load(Ordering::Acquire), generation)
    }

    /// The word when nobody has it taken.
    #[cold]
    fn when_free(&self) -> u64 {
        let mut backoff = Backoff::new();
        loop {
            let word = self.0.load(Ordering::Relaxed);
            if word & TAKEN == 0 {
                return word;
            }
            backoff.step();
        }
    }

    /// Changes the word of a living generation by `change`, or fails with what `change` says.
    #[inline]
    pub fn update<T, E: From<Failure>>(
        &self,
        generation: Generation,
        mut change: impl FnMut(u64) -> Result<(u64, T), E>,
    ) -> Result<T, E> {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            if !living(word, generation) {
                return Err(Failure::from(E_HANDLE).into());
            }
            if word & TAKEN != 0 {
                word = self.when_free();
                continue;
            }
            let (next, value) = change(word)?;
            match self.0.compare_exchange_weak(word, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return Ok(value),
                Err(seen) => word = seen,
            }
        }
    }

    /// The word with one pin more.
    #[inline]
    pub fn with_pin(word: u64) -> Result<u64, Failure> {
        if word & PINS == PINS {
            return Err(Failure::because(RPC_E_OUT_OF_RESOURCES, "too many threads at work on one handle"));
        }
        Ok(word + PIN)
    }

    /// Holds the content while a function works on it.
    #[inline]
    pub fn pin(&self, generation: Generation) -> Result<(), Failure> {
        self.update(generation, |word| Ok((Self::with_pin(word)?, ())))
    }

    /// Ends a pin, and clears flags that its holder had set.
    #[inline]
    pub fn unpin(&self, flags: u64) -> Unpinned {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            if word & TAKEN != 0 {
                word = self.when_free();
                continue;
            }
            let next = word - PIN - flags;
            match self.0.compare_exchange_weak(word, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return unpinned(next),
                Err(seen) => word = seen,
            }
        }
    }

    /// As [`RefWord::unpin`], by who has taken the word and gives it back: there is a reference.
    #[inline]
    pub fn unpin_taken(&self, flags: u64) {
        self.0.store(self.0.load(Ordering::Relaxed) - PIN - flags - TAKEN, Ordering::Release);
    }

    /// The word is given back by who has taken it.
    #[inline]
    pub fn give_back(&self) {
        self.0.store(self.0.load(Ordering::Relaxed) - TAKEN, Ordering::Release);
    }

    /// One reference less; with the last one, which nobody sees go but the caller, it keeps a pin.
    pub fn retire(&self, generation: Generation) -> Result<bool, Failure> {
        self.update(generation, |word| {
            let next = word - REFERENCE;
            Ok(if next & REFERENCES == 0 { (next + PIN, true) } else { (next, false) })
        })
    }

    /// Whether the pin that [`RefWord::retire`] kept is the last one.
    pub fn is_mine(&self) -> bool {
        self.0.load(Ordering::Acquire) & PINS == PIN
    }

    /// One reference more.
    pub fn add(&self, generation: Generation) -> Result<(), Failure> {
        self.update(generation, |word| {
            if word & REFERENCES == REFERENCES {
                return Err(Failure::because(RPC_E_OUT_OF_RESOURCES, "too many references to one handle"));
            }
            Ok((word + REFERENCE, ()))
        })
    }

    /// One reference less.
    pub fn release(&self, generation: Generation) -> Result<Unpinned, Failure> {
        self.update(generation, |word| {
            let next = word - REFERENCE;
            Ok((next, unpinned(next)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened() -> (RefWord, Generation) {
        let word = RefWord(AtomicU64::new(0));
        word.open(Generation(7));
        (word, Generation(7))
    }

    #[test]
    fn a_pin_outlives_the_last_reference_and_then_nobody_can_come_in() {
        let (word, generation) = opened();
        word.pin(generation).expect("it lives");
        assert_eq!(word.release(generation), Ok(Unpinned::Alive));
        assert_eq!(word.release(generation), Err(E_HANDLE.into()));
        assert_eq!(word.pin(generation), Err(E_HANDLE.into()));
        assert_eq!(word.unpin(0), Unpinned::Last);
    }

    #[test]
    fn a_release_too_many_never_takes_a_pin() {
        let (word, generation) = opened();
        word.pin(generation).expect("it lives");
        word.add(generation).expect("it lives");
        assert_eq!(word.release(generation), Ok(Unpinned::Alive));
        assert_eq!(word.release(generation), Ok(Unpinned::Alive));
        assert_eq!(word.release(generation), Err(E_HANDLE.into()));
        assert_eq!(word.unpin(0), Unpinned::Last);
    }

    #[test]
    fn a_vacated_slot_knows_neither_its_old_generation_nor_the_next_before_it_is_opened() {
        let (word, generation) = opened();
        assert_eq!(word.release(generation), Ok(Unpinned::Last));
        assert!(word.vacate(generation));
        assert_eq!(word.pin(generation), Err(E_HANDLE.into()));
        assert_eq!(word.pin(Generation(8)), Err(E_HANDLE.into()));
        assert_eq!(word.generation(), Some(Generation(8)));
    }

    #[test]
    fn a_pin_that_ends_takes_its_flags_along() {
        let (word, generation) = opened();
        let flags = TAKEN - 1;
        let pin_with_flags = || word.update(generation, |now| Ok::<_, Failure>((RefWord::with_pin(now | flags)?, ())));
        let before = word.0.load(Ordering::Relaxed);
        pin_with_flags().expect("it lives");
        assert_eq!(word.unpin(flags), Unpinned::Alive);
        assert_eq!(word.0.load(Ordering::Relaxed), before);
        pin_with_flags().expect("it lives");
        word.pin(generation).expect("it lives");
        assert_eq!(word.release(generation), Ok(Unpinned::Alive));
        assert!(!word.lives(generation), "nobody has a reference to it");
        assert_eq!(word.unpin(0), Unpinned::Alive);
        assert_eq!(word.unpin(flags), Unpinned::Last);
        assert!(word.vacate(generation));
        word.open(Generation(8));
        assert_eq!(word.release(Generation(8)), Ok(Unpinned::Last), "no flag is left");
    }

    #[test]
    fn who_has_taken_the_word_is_the_only_one_to_change_it() {
        let (word, generation) = opened();
        let take = |now| Ok::<_, Failure>((RefWord::with_pin(now | TAKEN | 1)?, ()));
        let ready = std::sync::Barrier::new(2);
        let opened = word.0.load(Ordering::Relaxed);
        for with_pin in [false, true] {
            word.pin(generation).expect("it lives");
            word.update(generation, take).expect("it lives");
            let before = word.0.load(Ordering::Relaxed);
            std::thread::scope(|scope| {
                let other = scope.spawn(|| {
                    ready.wait();
                    word.add(generation).expect("it lives");
                    assert_eq!((word.release(generation), word.unpin(0)), (Ok(Unpinned::Alive), Unpinned::Alive));
                });
                ready.wait();
                std::thread::sleep(std::time::Duration::from_millis(30));
                assert!(!other.is_finished());
                assert_eq!(word.0.load(Ordering::Relaxed), before);
                assert!(word.lives(generation), "who only looks need not wait");
                if with_pin { word.give_back() } else { word.unpin_taken(1) }
            });
            if with_pin {
                assert_eq!(word.unpin(1), Unpinned::Alive);
            }
            assert_eq!(word.0.load(Ordering::Relaxed), opened);
        }
        assert_eq!(word.release(generation), Ok(Unpinned::Last), "nothing is left over");
    }

    #[test]
    fn who_gives_the_last_reference_away_keeps_a_pin_until_it_is_the_only_one() {
        let (word, generation) = opened();
        word.add(generation).expect("it lives");
        assert_eq!(word.retire(generation), Ok(false), "there is another");
        word.pin(generation).expect("it lives");
        assert_eq!(word.retire(generation), Ok(true));
        assert_eq!(word.retire(generation), Err(E_HANDLE.into()));
        assert!(!word.is_mine(), "somebody is at work");
        assert_eq!(word.unpin(0), Unpinned::Alive);
        assert!(word.is_mine());
        assert_eq!(word.unpin(0), Unpinned::Last);
    }

    #[test]
    fn the_counts_stop_at_their_ends() {
        let (word, generation) = opened();
        for _ in 1..0xF_FFFF {
            word.add(generation).expect("room");
        }
        assert_eq!(word.add(generation).map_err(|e| e.code), Err(RPC_E_OUT_OF_RESOURCES));
        for _ in 0..0x7FFF {
            word.pin(generation).expect("room");
        }
        assert_eq!(word.pin(generation).map_err(|e| e.code), Err(RPC_E_OUT_OF_RESOURCES));
        assert!(word.lives(generation));
    }

    #[test]
    fn a_worn_out_slot_is_not_vacated_for_another_use() {
        let word = RefWord(AtomicU64::new(0));
        word.open(Generation::LAST);
        assert_eq!(word.release(Generation::LAST), Ok(Unpinned::Last));
        assert!(!word.vacate(Generation::LAST));
        assert_eq!(word.generation(), None);
    }
}
