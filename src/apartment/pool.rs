//! How many threads an apartment has and what they are at: one word, and its pure transitions.
//!
//! ```text
//!   63      48 47      32 31      16 15       0
//!  +----------+----------+----------+----------+
//!  | threads  | blocked  | sleeping | searching|
//!  +----------+----------+----------+----------+
//! ```
//!
//! A thread is *searching* while it looks for work, *sleeping* while it waits to be woken, *blocked*
//! while its method waits for a call, and else it runs a method. Who submits wakes somebody only if
//! nobody searches: the searcher will find it. Who finds work and was the last searcher wakes the
//! next if there is more. So a busy thread is never woken, and one wake-up is under way at a time.

/// See the module.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Pool(pub u64);

/// How far an apartment may grow.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Threads kept ready.
    pub workers: u32,
    /// With those that replace blocked ones.
    pub most: u32,
}

/// What somebody must do so that queued work is served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Summons {
    /// Nothing: a searcher will find it, or all threads are at work.
    Nobody,
    /// Wake one of the sleeping threads; it counts as searching already.
    Wake,
    /// Start a thread; it counts as searching already.
    Start,
}

const SEARCHING: u32 = 0;
const SLEEPING: u32 = 16;
const BLOCKED: u32 = 32;
const THREADS: u32 = 48;

impl Pool {
    const fn count(self, field: u32) -> u32 {
        (self.0 >> field) as u32 & 0xFFFF
    }

    const fn add(self, field: u32) -> Self {
        Self(self.0 + (1 << field))
    }

    const fn sub(self, field: u32) -> Self {
        Self(self.0 - (1 << field))
    }

    pub const fn threads(self) -> u32 {
        self.count(THREADS)
    }

    pub const fn searching(self) -> u32 {
        self.count(SEARCHING)
    }

    /// Whether another thread may be started.
    const fn may_grow(self, size: Size) -> bool {
        self.threads() < size.most && self.threads() - self.count(BLOCKED) < size.workers
    }

    /// There is work.
    pub const fn summon(self, size: Size) -> (Self, Summons) {
        if self.searching() > 0 {
            (self, Summons::Nobody)
        } else if self.count(SLEEPING) > 0 {
            (self.sub(SLEEPING).add(SEARCHING), Summons::Wake)
        } else if self.may_grow(size) {
            (self.add_one(), Summons::Start)
        } else {
            (self, Summons::Nobody)
        }
    }

    /// A sleeping thread is woken, to search. `None`: none sleeps, or one searches.
    pub const fn wake(self) -> Option<Self> {
        if self.searching() > 0 || self.count(SLEEPING) == 0 { None } else { Some(self.sub(SLEEPING).add(SEARCHING)) }
    }

    /// The first thread, if there is none.
    pub const fn first(self) -> Option<Self> {
        if self.threads() == 0 { Some(self.add_one()) } else { None }
    }

    /// One more thread, whatever there are; it searches.
    pub const fn add_one(self) -> Self {
        self.add(THREADS).add(SEARCHING)
    }

    /// A thread that had no more work searches, unless another one does.
    pub const fn search(self) -> Option<Self> {
        if self.searching() > 0 { None } else { Some(self.add(SEARCHING)) }
    }

    /// A searcher found work.
    pub const fn found(self) -> Self {
        self.sub(SEARCHING)
    }

    /// A thread goes to sleep.
    pub const fn sleep(self, was_searching: bool) -> Self {
        let next = self.add(SLEEPING);
        if was_searching { next.sub(SEARCHING) } else { next }
    }

    /// A thread gets up by itself, to search or to leave. `None`: somebody has woken it.
    pub const fn rise(self) -> Option<Self> {
        if self.count(SLEEPING) == 0 { None } else { Some(self.sub(SLEEPING).add(SEARCHING)) }
    }

    /// A searching thread ends, or could not be started.
    pub const fn leave(self) -> Self {
        self.sub(SEARCHING).sub(THREADS)
    }

    /// Whether there are more threads than are kept ready.
    pub const fn is_large(self, size: Size) -> bool {
        self.threads() - self.count(BLOCKED) > size.workers
    }

    /// A searching thread that nobody needs ends. `None`: it is needed.
    pub const fn shrink(self, size: Size) -> Option<Self> {
        if self.is_large(size) { Some(self.leave()) } else { None }
    }

    pub const fn block(self) -> Self {
        self.add(BLOCKED)
    }

    pub const fn unblock(self) -> Self {
        self.sub(BLOCKED)
    }

    /// See `Home::can_start`.
    pub const fn can_start(self, waiting: u32, size: Size) -> bool {
        self.threads() > self.count(BLOCKED) + waiting || self.threads() < size.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const SIZE: Size = Size { workers: 2, most: 3 };

    /// Every transition that some thread could take in that state.
    fn next(pool: Pool) -> Vec<Pool> {
        let running = pool.threads() - pool.searching() - pool.count(SLEEPING) - pool.count(BLOCKED);
        let mut all = vec![pool.summon(SIZE).0];
        all.extend(pool.first());
        if running > 0 {
            all.extend(pool.search());
            all.push(pool.block());
            all.push(pool.sleep(false));
        }
        if pool.searching() > 0 {
            all.extend([pool.found(), pool.sleep(true), pool.leave()]);
            all.extend(pool.shrink(SIZE));
        }
        all.extend(pool.rise());
        if pool.count(BLOCKED) > 0 {
            all.push(pool.unblock());
        }
        all
    }

    #[test]
    fn no_reachable_count_goes_below_zero_or_past_the_size() {
        let mut seen = HashSet::from([Pool(0)]);
        let mut todo = vec![Pool(0)];
        while let Some(pool) = todo.pop() {
            assert!(pool.threads() <= SIZE.most, "{pool:?}");
            let parts = pool.searching() + pool.count(SLEEPING) + pool.count(BLOCKED);
            assert!(parts <= pool.threads(), "{pool:?}");
            for after in next(pool) {
                if seen.insert(after) {
                    todo.push(after);
                }
            }
        }
        println!("{} reachable words", seen.len());
        assert!(seen.len() > 30, "{}", seen.len());
    }

    #[test]
    fn work_is_never_left_to_nobody_while_a_thread_could_serve_it() {
        let (one, summons) = Pool(0).summon(SIZE);
        assert_eq!(summons, Summons::Start);
        assert_eq!(one.summon(SIZE).1, Summons::Nobody, "the new thread searches");
        assert_eq!(one.sleep(true).summon(SIZE).1, Summons::Wake);
        let blocked = one.found().summon(SIZE).0.found().block().block();
        assert_eq!(blocked.summon(SIZE).1, Summons::Start, "in the place of a blocked one");
        let full = blocked.summon(SIZE).0.found().block();
        assert_eq!(full.summon(SIZE).1, Summons::Nobody);
        assert!(!full.can_start(0, SIZE));
    }
}
