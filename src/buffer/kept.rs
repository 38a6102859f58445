//! Large blocks of memory that calls have given back, for the next ones: what memory costs that is new is the first
//! touch of each of its pages. They come from the system, so that those that are kept hold no others up.

use crate::sync::{Global, PAGE, SpinLock, give_pages, take_pages};
use std::mem;

/// Bytes of the smallest block, and of all that are kept.
pub const LEAST: usize = 128 * 1024;
const MOST: usize = 4 * 1024 * 1024;

/// How many are kept at the most.
const PLACES: usize = 16;

static KEPT: Global<SpinLock<Kept>> = Global::new();

/// Memory of its own; kept for the next one, or given back, when this is dropped.
pub struct Block(Pages);

impl Block {
    /// One of so many bytes at least; `None`: there is no memory.
    pub fn of(len: usize) -> Option<Self> {
        if let Some(pages) = KEPT.get().and_then(|kept| kept.with(|kept| kept.take(len))) {
            return Some(Self(pages));
        }
        Pages::new(len).map(Self)
    }

    pub fn base(&self) -> *mut u8 {
        self.0.base
    }

    pub fn len(&self) -> usize {
        self.0.len
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let mut pages = mem::replace(&mut self.0, Pages::NONE);
        if pages.len > MOST {
            return;
        }
        let kept = KEPT.get_or_make(|| SpinLock::new(Kept::new()));
        while pages.len > 0 {
            // What makes room for it is given back outside of the lock.
            drop(kept.with(|kept| kept.put(&mut pages)));
        }
    }
}

/// In the child of a fork: the lock may be held by a thread that is not there.
pub fn forget() {
    KEPT.forget();
}

/// Gives all back that is kept.
pub fn release() {
    if let Some(kept) = KEPT.get() {
        drop(kept.with(|kept| mem::replace(kept, Kept::new())));
    }
}

struct Pages {
    base: *mut u8,
    len: usize,
}

// SAFETY: memory, for any thread.
unsafe impl Send for Pages {}
// SAFETY: as above; what is in it is reached by pointer, by those who know whose it is.
unsafe impl Sync for Pages {}

impl Pages {
    const NONE: Self = Self { base: std::ptr::null_mut(), len: 0 };

    fn new(len: usize) -> Option<Self> {
        let len = len.checked_next_multiple_of(PAGE).filter(|&len| isize::try_from(len).is_ok())?;
        take_pages(len).map(|base| Self { base, len })
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        if self.len > 0 {
            give_pages(self.base, self.len);
        }
    }
}

/// The first `count` are there, the one that was used last behind the others.
struct Kept {
    blocks: [Pages; PLACES],
    count: usize,
    bytes: usize,
}

impl Kept {
    const fn new() -> Self {
        Self { blocks: [const { Pages::NONE }; PLACES], count: 0, bytes: 0 }
    }

    /// One of so many bytes, and not of more than twice as many.
    fn take(&mut self, len: usize) -> Option<Pages> {
        let fits = |pages: &Pages| pages.len >= len && pages.len / 2 <= len;
        self.blocks[..self.count].iter().rposition(fits).map(|at| self.remove(at))
    }

    fn remove(&mut self, at: usize) -> Pages {
        let pages = mem::replace(&mut self.blocks[at], Pages::NONE);
        self.blocks[at..self.count].rotate_left(1);
        self.count -= 1;
        self.bytes -= pages.len;
        pages
    }

    /// Takes it in, or else gives the one out that was not used for the longest time.
    fn put(&mut self, pages: &mut Pages) -> Pages {
        if self.count == PLACES || self.bytes + pages.len > MOST {
            return self.remove(0);
        }
        self.bytes += pages.len;
        self.blocks[self.count] = mem::replace(pages, Pages::NONE);
        self.count += 1;
        Pages::NONE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: usize = MOST / PLACES / 4;

    /// How many went for it.
    fn put(kept: &mut Kept, len: usize) -> usize {
        let mut pages = Pages::new(len).expect("memory");
        let mut gone = 0;
        while pages.len > 0 {
            gone += usize::from(kept.put(&mut pages).len > 0);
        }
        gone
    }

    #[test]
    fn what_is_kept_has_a_bound() {
        let mut kept = Kept::new();
        for len in [MOST, SMALL, MOST / 2, MOST / 2, MOST / 4, MOST].into_iter().chain([SMALL; 3 * PLACES]) {
            put(&mut kept, len);
            let blocks = &kept.blocks[..kept.count];
            assert_eq!(kept.bytes, blocks.iter().map(|pages| pages.len).sum::<usize>());
            assert!(kept.bytes <= MOST && blocks.last().is_some_and(|pages| pages.len == len));
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
        let older = (put(&mut kept, 2 * LEAST), kept.blocks[0].base).1;
        let newer = (put(&mut kept, 2 * LEAST), kept.blocks[1].base).1;
        assert!(kept.take(2 * LEAST + 1).is_none(), "too small");
        assert!(kept.take(LEAST - 1).is_none(), "more than twice as large");
        assert_eq!(kept.take(LEAST).map(|pages| pages.base), Some(newer));
        assert_eq!(kept.take(2 * LEAST).map(|pages| pages.base), Some(older));
        assert!(kept.take(LEAST).is_none() && kept.bytes == 0);
    }
}
