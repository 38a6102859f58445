//! Large blocks that calls have given back, for the next ones: what memory costs that is new is the first touch of each
//! of its pages.

use crate::sync::{Global, SpinLock};
use std::mem;

/// Bytes of the smallest block that is kept, and of all that are.
pub const LEAST: usize = 64 * 1024;
const MOST: usize = 4 * 1024 * 1024;

/// How many they are at the most.
const PLACES: usize = 16;

static KEPT: Global<SpinLock<Kept>> = Global::new();

/// In the child of a fork: the lock may be held by a thread that is not there.
pub fn forget() {
    KEPT.forget();
}

/// An empty block with room for so many bytes, and not for more than twice as many, if there is one.
pub fn take(len: usize) -> Option<Vec<u8>> {
    KEPT.get()?.with(|kept| kept.take(len))
}

/// Keeps a block, if it is one to be kept.
pub fn give(mut block: Vec<u8>) {
    block.clear();
    if block.capacity() > MOST {
        return;
    }
    let kept = KEPT.get_or_make(|| SpinLock::new(Kept::new()));
    while block.capacity() >= LEAST {
        // What makes room for it is freed outside of the lock.
        drop(kept.with(|kept| kept.put(&mut block)));
    }
}

/// Frees them all.
pub fn release() {
    if let Some(kept) = KEPT.get() {
        drop(kept.with(|kept| mem::replace(kept, Kept::new())));
    }
}

/// The first `count` are there, the one that was used last behind the others.
struct Kept {
    blocks: [Vec<u8>; PLACES],
    count: usize,
    bytes: usize,
}

impl Kept {
    const fn new() -> Self {
        Self { blocks: [const { Vec::new() }; PLACES], count: 0, bytes: 0 }
    }

    fn take(&mut self, len: usize) -> Option<Vec<u8>> {
        let fits = |block: &Vec<u8>| block.capacity() >= len && block.capacity() / 2 <= len;
        self.blocks[..self.count].iter().rposition(fits).map(|at| self.remove(at))
    }

    fn remove(&mut self, at: usize) -> Vec<u8> {
        let block = mem::take(&mut self.blocks[at]);
        self.blocks[at..self.count].rotate_left(1);
        self.count -= 1;
        self.bytes -= block.capacity();
        block
    }

    /// Takes it in, or else gives the one out that was not used for the longest time.
    fn put(&mut self, block: &mut Vec<u8>) -> Vec<u8> {
        if self.count == PLACES || self.bytes + block.capacity() > MOST {
            return self.remove(0);
        }
        self.bytes += block.capacity();
        self.blocks[self.count] = mem::take(block);
        self.count += 1;
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: usize = MOST / PLACES / 4;

    fn put(kept: &mut Kept, len: usize) -> usize {
        let mut block = Vec::with_capacity(len);
        std::iter::from_fn(|| (block.capacity() > 0).then(|| kept.put(&mut block)))
            .filter(|out| out.capacity() > 0)
            .count()
    }

    #[test]
    fn what_is_kept_has_a_bound() {
        let mut kept = Kept::new();
        for len in [MOST, SMALL, MOST / 2, MOST / 2, MOST / 3, MOST].into_iter().chain([SMALL; 3 * PLACES]) {
            put(&mut kept, len);
            let blocks = &kept.blocks[..kept.count];
            assert_eq!(kept.bytes, blocks.iter().map(Vec::capacity).sum::<usize>());
            assert!(kept.bytes <= MOST && blocks.last().is_some_and(|block| block.capacity() >= len));
        }
        assert_eq!(kept.count, PLACES);
    }

    #[test]
    fn the_block_that_goes_is_the_oldest() {
        let mut kept = Kept::new();
        assert_eq!((put(&mut kept, MOST / 2), put(&mut kept, MOST / 4), put(&mut kept, MOST / 4)), (0, 0, 0));
        assert_eq!(put(&mut kept, MOST / 8), 1);
        assert_eq!(kept.bytes, MOST / 2 + MOST / 8);
        assert_eq!(put(&mut kept, MOST), 3);
    }

    #[test]
    fn a_block_that_is_taken_fits_and_is_the_newest() {
        let mut kept = Kept::new();
        let older = (put(&mut kept, 2 * LEAST), kept.blocks[0].as_ptr()).1;
        let newer = (put(&mut kept, 2 * LEAST), kept.blocks[1].as_ptr()).1;
        assert!(kept.take(2 * LEAST + 1).is_none(), "too small");
        assert!(kept.take(LEAST - 1).is_none(), "more than twice as large");
        assert_eq!(kept.take(LEAST).map(|block| block.as_ptr()), Some(newer));
        assert_eq!(kept.take(2 * LEAST).map(|block| block.as_ptr()), Some(older));
        assert!(kept.take(LEAST).is_none() && kept.bytes == 0);
    }
}
