//! The word itself: `generation:26 | state:38`, and the one compare-exchange loop.

use super::Refusal;
use super::transition::{LOCKED, State, Step, TIMED, WAITERS};
use crate::handle::Generation;
use crate::sync::{AtomicU64, Backoff, Ordering};

const SHIFT: u32 = 38;
const STATE: u64 = (1 << SHIFT) - 1;

/// See the module `state`.
pub struct Word(AtomicU64);

/// A transition that was taken.
pub struct Taken<T> {
    pub answer: T,
    /// The state before it.
    pub before: State,
    /// It made the execution vacant: the caller frees the slot.
    pub vacated: bool,
    /// It made it a completion that the caller tells those of who are to know. Not both.
    pub notify: bool,
}

/// The word moved on: the generation asked for is over, or has not come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gone {
    /// This generation was replaced by a later one.
    Over,
    /// This generation has not been opened.
    NotYet,
}

/// Why a transition of a given generation was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Missed {
    Gone(Gone),
    Refused(Refusal),
}

fn split(word: u64) -> (Generation, State) {
    (Generation((word >> SHIFT) as u32), State(word & STATE))
}

fn join(generation: Generation, state: State) -> u64 {
    u64::from(generation.0) << SHIFT | state.0
}

impl Word {
    /// Generation and state, now.
    #[inline]
    pub fn read(&self) -> (Generation, State) {
        split(self.0.load(Ordering::Acquire))
    }

    /// The state of that generation.
    #[inline]
    pub fn state(&self, generation: Generation) -> Result<State, Gone> {
        let (now, state) = self.read();
        compare(now, generation).map(|()| state)
    }

    /// The same, in the order of all sequentially consistent operations.
    pub fn state_in_order(&self, generation: Generation) -> Result<State, Gone> {
        let (now, state) = split(self.0.load(Ordering::SeqCst));
        compare(now, generation).map(|()| state)
    }

    /// Takes a transition of that generation.
    #[inline(always)]
    pub fn apply<T>(&self, generation: Generation, transition: impl Fn(State) -> Step<T>) -> Result<Taken<T>, Missed> {
        let mut word = self.0.load(Ordering::Acquire);
        loop {
            let (now, before) = split(word);
            compare(now, generation).map_err(Missed::Gone)?;
            let (next, answer) = transition(before).map_err(Missed::Refused)?;
            let (next, notify) = next.noticed();
            match self.0.compare_exchange_weak(word, join(now, next), Ordering::SeqCst, Ordering::Acquire) {
                Ok(_) => {
                    let vacated = next.vacant() && !before.vacant();
                    return Ok(Taken { answer, before, vacated, notify });
                }
                Err(seen) => word = seen,
            }
        }
    }

    /// Takes a transition of that very state, without a look whether it is the one. `None`: it is not, or the
    /// transition is refused.
    pub fn apply_to<T>(
        &self,
        generation: Generation,
        before: State,
        transition: impl FnOnce(State) -> Step<T>,
    ) -> Option<Taken<T>> {
        let (next, answer) = transition(before).ok()?;
        let (next, notify) = next.noticed();
        let vacated = next.vacant() && !before.vacant();
        self.exchange(generation, before, next).then_some(Taken { answer, before, vacated, notify })
    }

    /// As [`Word::apply`], waiting out a thread that works on the data.
    #[inline(always)]
    pub fn apply_unlocked<T>(
        &self,
        generation: Generation,
        transition: impl Fn(State) -> Step<T>,
    ) -> Result<Taken<T>, Missed> {
        let mut backoff = Backoff::new();
        loop {
            match self.apply(generation, &transition) {
                Err(Missed::Refused(Refusal::Locked)) => backoff.step(),
                other => return other,
            }
        }
    }

    /// A transition that always is one, by somebody who keeps the generation alive.
    #[inline]
    pub fn always(&self, generation: Generation, transition: impl Fn(State) -> State) -> Taken<()> {
        self.apply(generation, |state| Ok((transition(state), ())))
            .unwrap_or_else(|_| unreachable!("the caller keeps the generation"))
    }

    /// Puts a generation, not begun, on a slot that its caller owns.
    pub fn open(&self, generation: Generation) {
        self.replace(generation, State::reopened);
    }

    /// Waits out a thread that works on the data. Where the word is reusable, none comes after it that looks
    /// at what a begin writes.
    #[inline]
    pub fn await_unlocked(&self) {
        let mut backoff = Backoff::new();
        while self.read().1.has(LOCKED) {
            backoff.step();
        }
    }

    /// Begins a generation on a word that its caller found reusable and nobody else begins. Waits
    /// out a thread that still looks at the last one's data.
    #[inline]
    pub fn begin(&self, generation: Generation, bits: u64) {
        self.replace(generation, |state| state.reopened().begin(bits));
    }

    /// The byte that is zero until a cancel is requested; it is the lowest of the word.
    pub fn cancel_byte(&self) -> *const u8 {
        const { assert!(cfg!(target_endian = "little"), "the lowest byte comes first") };
        self.0.as_ptr().cast_const().cast()
    }

    #[inline]
    fn replace(&self, generation: Generation, transition: impl Fn(State) -> State) {
        let mut backoff = Backoff::new();
        let mut word = self.0.load(Ordering::Acquire);
        loop {
            let (_, state) = split(word);
            if state.has(LOCKED) {
                backoff.step();
                word = self.0.load(Ordering::Acquire);
                continue;
            }
            let next = join(generation, transition(state));
            match self.0.compare_exchange_weak(word, next, Ordering::SeqCst, Ordering::Acquire) {
                Ok(_) => return,
                Err(seen) => word = seen,
            }
        }
    }

    /// Changes that very state, if it still is the one.
    #[inline]
    pub fn exchange(&self, generation: Generation, seen: State, next: State) -> bool {
        let (seen, next) = (join(generation, seen), join(generation, next));
        self.0.compare_exchange(seen, next, Ordering::SeqCst, Ordering::Relaxed).is_ok()
    }

    /// Takes one of the [`usual`](super::usual) steps, if the state is the one before it.
    #[inline]
    pub fn usual(&self, generation: Generation, (before, after): (State, State)) -> bool {
        self.0.load(Ordering::Relaxed) == join(generation, before) && self.exchange(generation, before, after)
    }

    /// Opens a later generation in the place of that very state, if it still is the one.
    pub fn supersede(&self, generation: Generation, seen: State, next: Generation) -> bool {
        let (before, after) = (join(generation, seen), join(next, seen.reopened()));
        self.0.compare_exchange(before, after, Ordering::SeqCst, Ordering::Relaxed).is_ok()
    }

    /// Notes that a thread sleeps on the event. False: the word has changed, look again.
    pub fn add_waiter(&self, generation: Generation, seen: State) -> bool {
        seen.has(WAITERS) || self.exchange(generation, seen, State(seen.0 | WAITERS))
    }

    /// Puts it on the timer's list: false if it was there. Of any generation.
    pub fn link_timer(&self) -> bool {
        self.0.fetch_or(TIMED, Ordering::AcqRel) & TIMED == 0
    }

    /// Takes it off the timer's list.
    pub fn unlink_timer(&self) {
        self.0.fetch_and(!TIMED, Ordering::AcqRel);
    }
}

fn compare(now: Generation, asked: Generation) -> Result<(), Gone> {
    match now.cmp(&asked) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(Gone::Over),
        std::cmp::Ordering::Less => Err(Gone::NotYet),
    }
}

#[cfg(test)]
mod tests {
    use super::super::transition::{
        BEGUN, CANCEL, Cause, DETACHED, DONE, ERROR, NOTIFYING, OBSERVED, Request, STARTED, Start, usual,
    };
    use super::*;
    use std::sync::Barrier;
    use std::thread;
    use std::time::Duration;

    const OURS: Generation = Generation(7);

    fn opened() -> Word {
        let word = Word(AtomicU64::new(0));
        word.open(OURS);
        word
    }

    fn running() -> Word {
        let word = opened();
        word.begin(OURS, 0);
        assert!(word.apply(OURS, State::start).is_ok_and(|taken| taken.answer == Start::Run));
        word
    }

    #[test]
    fn generation_and_state_are_read_as_they_were_put() {
        let word = Word(AtomicU64::new(0));
        assert_eq!(word.read(), (Generation(0), State(0)));
        word.open(Generation::LAST);
        assert_eq!(word.read(), (Generation::LAST, State(0)));
        word.begin(Generation::LAST, STATE & !TIMED);
        assert_eq!(word.read(), (Generation::LAST, State(STATE & !TIMED | BEGUN)));
    }

    #[test]
    fn another_generation_is_over_or_has_not_come() {
        let word = opened();
        for (asked, answer) in [(Generation(6), Gone::Over), (Generation(8), Gone::NotYet)] {
            assert_eq!(word.state(asked), Err(answer));
            assert_eq!(word.apply(asked, |state| Ok((state, ()))).err(), Some(Missed::Gone(answer)));
            assert_eq!(word.apply_unlocked(asked, State::finish).err(), Some(Missed::Gone(answer)));
        }
        assert_eq!(word.state(OURS), Ok(State(0)));
    }

    #[test]
    fn a_transition_says_what_was_before_and_a_refusal_changes_nothing() {
        let word = opened();
        assert_eq!(word.apply(OURS, State::start).err(), Some(Missed::Refused(Refusal::NotRunning)));
        assert_eq!(word.read(), (OURS, State(0)));
        word.begin(OURS, 0);
        let Ok(taken) = word.apply(OURS, State::start) else { panic!("it was begun") };
        assert_eq!((taken.answer, taken.before, taken.vacated), (Start::Run, State(BEGUN), false));
        assert!(word.state(OURS).is_ok_and(|state| state.has(STARTED)));
    }

    #[test]
    fn only_the_transition_that_makes_it_vacant_says_so() {
        let word = opened();
        assert!(!word.always(OURS, |state| state).vacated);
        assert!(word.always(OURS, State::detach).vacated);
        let again = word.always(OURS, State::detach);
        assert_eq!((again.before, again.vacated), (State(DETACHED), false));
    }

    #[test]
    fn the_cancel_byte_is_the_words_lowest() {
        let word = running();
        assert_eq!(word.cancel_byte(), std::ptr::from_ref(&word).cast());
        let request =
            Request { cause: Cause::Cancel, at_once: false, hold: false, asked: false, report: false, watched: false };
        assert!(word.apply(OURS, |state| state.request_cancel(request)).is_ok());
        assert!(word.state(OURS).is_ok_and(|state| state.has(CANCEL) && state.0.to_le_bytes()[0] != 0));
    }

    #[test]
    fn a_waiter_is_noted_only_in_the_state_that_it_saw() {
        let word = opened();
        assert!(!word.add_waiter(OURS, State(BEGUN)), "it saw another state");
        assert!(!word.add_waiter(Generation(8), State(0)), "and another generation");
        assert_eq!(word.read(), (OURS, State(0)));
        assert!(word.add_waiter(OURS, State(0)));
        assert_eq!(word.read(), (OURS, State(WAITERS)));
        assert!(word.add_waiter(OURS, State(WAITERS)), "one is noted already");
        assert_eq!(word.read(), (OURS, State(WAITERS)));
    }

    #[test]
    fn a_state_is_exchanged_only_while_it_is_the_one_that_was_seen() {
        let word = opened();
        assert!(!word.exchange(OURS, State(BEGUN), State(CANCEL)));
        assert!(!word.exchange(Generation(8), State(0), State(CANCEL)));
        assert_eq!(word.read(), (OURS, State(0)));
        assert!(word.exchange(OURS, State(0), State(BEGUN)));
        assert_eq!(word.read(), (OURS, State(BEGUN)));
    }

    #[test]
    fn a_usual_step_is_taken_from_the_state_before_it_and_from_no_other() {
        let word = opened();
        word.begin(OURS, 0);
        assert!(!word.usual(Generation(8), usual::START));
        for step in [usual::START, usual::LOCK, usual::UNLOCK, usual::LEAVE, usual::FINISH] {
            assert!(word.usual(OURS, step));
            assert_eq!(word.read(), (OURS, step.1));
            assert!(!word.usual(OURS, step));
            assert_eq!(word.read(), (OURS, step.1));
        }
    }

    #[test]
    fn a_transition_of_a_state_that_was_guessed_is_taken_from_that_one_and_from_no_other() {
        let word = opened();
        let guess = |generation, before, next| {
            word.apply_to(generation, before, |_| Ok((State(next), next))).map(|it| (it.answer, it.vacated, it.notify))
        };
        assert_eq!(guess(OURS, State(BEGUN), CANCEL), None);
        assert_eq!(guess(Generation(8), State(0), CANCEL), None);
        assert!(word.apply_to(OURS, State(0), State::start).is_none(), "refused");
        assert_eq!(word.read(), (OURS, State(0)));
        assert_eq!(guess(OURS, State(0), BEGUN), Some((BEGUN, false, false)));
        assert_eq!(word.read(), (OURS, State(BEGUN)));
        assert_eq!(guess(OURS, State(BEGUN), BEGUN | DONE | OBSERVED), Some((BEGUN | DONE | OBSERVED, false, true)));
        let observed = word.read().1;
        assert!(observed.has(NOTIFYING) && !observed.has(OBSERVED));
        let word = opened();
        let vacated = word.apply_to(OURS, State(0), |state| Ok((state.detach(), ())));
        assert!(vacated.is_some_and(|taken| taken.vacated && taken.before == State(0)));
    }

    #[test]
    fn a_later_generation_takes_the_place_of_the_state_that_was_seen_and_of_no_other() {
        let word = opened();
        assert!(word.supersede(OURS, State(0), Generation(9)), "never begun");
        assert_eq!(word.read(), (Generation(9), State(0)));
        word.begin(Generation(9), 0);
        assert!(!word.supersede(Generation(9), State(BEGUN | STARTED), Generation(11)), "another state");
        assert!(!word.supersede(OURS, State(BEGUN), Generation(11)), "another generation");
        assert_eq!(word.read(), (Generation(9), State(BEGUN)));
        assert!(word.link_timer());
        assert!(word.supersede(Generation(9), State(BEGUN | TIMED), Generation(11)));
        assert_eq!(word.read(), (Generation(11), State(TIMED)), "its place on the list stays");
    }

    #[test]
    fn it_is_put_on_the_timers_list_once_and_stays_there_when_it_opens_again() {
        let word = running();
        let before = word.read();
        assert!(word.link_timer());
        assert!(!word.link_timer());
        word.open(Generation(8));
        assert_eq!(word.read(), (Generation(8), State(TIMED)));
        assert!(!word.link_timer());
        word.unlink_timer();
        assert_eq!(word.read(), (Generation(8), State(0)));
        word.unlink_timer();
        assert!(word.link_timer());
        assert_ne!(before, word.read());
    }

    /// Has another thread go for a word that is locked, and unlocks when it had every chance to go wrong.
    fn waits_out_the_lock(go: impl Fn(&Word) + Sync) -> Word {
        let word = running();
        assert!(word.apply(OURS, State::lock_for_server).is_ok());
        let ready = Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                ready.wait();
                go(&word);
            });
            ready.wait();
            thread::sleep(Duration::from_millis(30));
            assert!(word.state(OURS).is_ok_and(|state| state.has(LOCKED)));
            let unlocked = word.always(OURS, |state| state.unlock(ERROR));
            assert!(!unlocked.before.has(ERROR));
        });
        word
    }

    #[test]
    fn a_transition_that_finds_it_locked_is_taken_when_it_is_not() {
        let word = waits_out_the_lock(|word| {
            let Ok(taken) = word.apply_unlocked(OURS, State::lock_for_server) else { panic!("it runs") };
            assert!(taken.before.has(ERROR));
        });
        assert!(word.state(OURS).is_ok_and(|state| state.has(LOCKED | ERROR)));
    }

    #[test]
    fn who_waits_until_it_is_not_locked_finds_it_so() {
        waits_out_the_lock(|word| {
            word.await_unlocked();
            assert!(word.state(OURS).is_ok_and(|state| !state.has(LOCKED)));
        });
    }

    #[test]
    fn a_begin_that_finds_it_locked_begins_when_it_is_not() {
        let word = waits_out_the_lock(|word| word.begin(Generation(8), 0));
        assert_eq!(word.read(), (Generation(8), State(BEGUN)));
    }
}
