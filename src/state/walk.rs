//! Walks every word that the threads around an execution can bring about, and holds each to what
//! the module promises. The threads are played by [`World`]: what each has in hand, and so which
//! transitions it may ask for.

use super::transition::*;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::LazyLock;

/// The word, and what the threads around it have in hand.
#[allow(clippy::struct_excessive_bools, reason = "each is one thread's hands")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct World {
    state: State,
    /// In the apartment's queue.
    queued: bool,
    /// `invoke` has been entered and has not returned.
    inside: bool,
    /// A thread, of the server or of the client, holds the lock.
    locked: Option<Side>,
    /// Threads that hold the execution to see it end, or to work on it from outside.
    holding: u8,
    /// A thread tells the method of a cancel.
    telling: bool,
    /// A thread asks the class to cancel the call.
    asking: bool,
    /// A thread tells those who are to know of the completion, or a queue keeps it.
    notifying: bool,
    /// The timer's thread is to do that.
    later: bool,
    /// The cancel is to be reported.
    reporting: bool,
    /// Somebody is to know of the completion.
    observed: bool,
    /// Times that somebody was to be told of it.
    noticed: u8,
    /// The class was told, which is done once.
    told: u8,
    /// The call object still has it.
    attached: bool,
    /// Terminal transitions so far.
    delivered: u8,
    /// Times that somebody was told to free it.
    freed: u8,
}

impl Hash for World {
    /// The word tells most worlds apart.
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.state.0 | u64::from(self.told) << 40 | u64::from(self.holding) << 48);
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Side {
    Server,
    Client,
    /// Who begins a call for this one.
    Adopter,
}

const NEW: World = World {
    state: State(0),
    queued: false,
    inside: false,
    locked: None,
    holding: 0,
    telling: false,
    asking: false,
    notifying: false,
    later: false,
    reporting: false,
    observed: false,
    noticed: 0,
    told: 0,
    attached: true,
    delivered: 0,
    freed: 0,
};

impl World {
    /// The same with another word; counts what the transition owes.
    fn to(self, next: State) -> Self {
        let (next, noticed) = next.noticed();
        let done = next.has(DONE) && !self.state.has(DONE);
        let freed = next.vacant() && !self.state.vacant();
        Self {
            state: next,
            delivered: self.delivered + u8::from(done),
            freed: self.freed + u8::from(freed),
            notifying: self.notifying || noticed,
            noticed: self.noticed + u8::from(noticed),
            ..self
        }
    }

    /// Everything that some thread may do now.
    fn next(self) -> Vec<World> {
        let mut all = Vec::new();
        self.client(&mut all);
        self.cancelers(&mut all);
        self.worker(&mut all);
        self.server(&mut all);
        self.notifiers(&mut all);
        all
    }

    fn client(self, all: &mut Vec<World>) {
        if !self.attached {
            return;
        }
        if !self.state.has(BEGUN) {
            for bits in [0, TELLS, DIRECT, DIRECT | CANCELABLE, OBSERVED, TELLS | OBSERVED, DIRECT | OBSERVED] {
                let observed = bits & OBSERVED != 0;
                all.push(World { queued: true, observed, ..self.to(self.state.reopened().begin(bits)) });
            }
        }
        all.extend(self.state.finish().ok().map(|(next, ())| self.to(next)));
        all.push(World { attached: false, ..self.to(self.state.detach()) });
        if self.locked.is_none()
            && let Ok((next, ())) = self.state.lock_for_client()
        {
            all.push(World { locked: Some(Side::Client), ..self.to(next) });
        }
    }

    /// Who tells of the completion, here or on the timer's thread.
    fn notifiers(self, all: &mut Vec<World>) {
        if self.notifying && !self.later {
            all.push(World { notifying: false, ..self.to(self.state.notified()) });
            all.push(World { later: true, ..self.to(self.state.notify_later()) });
        }
        if let Ok((next, ())) = self.state.notify_now() {
            all.push(World { later: false, ..self.to(next) });
        }
    }

    fn cancelers(self, all: &mut Vec<World>) {
        for cause in [Cause::Cancel, Cause::Deadline, Cause::Disconnect] {
            for (at_once, hold, asked) in
                [(true, false, false), (false, false, false), (false, true, false), (false, false, true)]
            {
                if hold && self.holding == 2 {
                    continue;
                }
                for (reporting, watched) in [(false, false), (false, true), (true, false), (true, true)] {
                    let request = Request { cause, at_once, hold, asked, report: reporting, watched };
                    if let Ok((next, owed)) = self.state.request_cancel(request) {
                        let held = u8::from(owed == Cancel::Held);
                        let reporting = self.reporting || reporting;
                        all.push(World { holding: self.holding + held, reporting, ..self.to(next) });
                    }
                }
            }
        }
        if self.reporting {
            all.push(World { reporting: false, ..self.to(self.state.reported()) });
        }
        all.extend(self.state.abandon().ok().map(|(next, ())| self.to(next)));
        if self.holding > 0 {
            all.push(World { holding: self.holding - 1, ..self.to(self.state.unhold()) });
        }
        if self.holding < 2
            && let Ok((next, ())) = self.state.hold()
        {
            all.push(World { holding: self.holding + 1, ..self.to(next) });
        }
        if self.holding < 2
            && let Ok((next, ())) = self.state.ask()
        {
            all.push(World { asking: true, ..self.to(next) });
        }
        if self.asking {
            all.push(World { asking: false, ..self.to(self.state.refused()) });
            for (at_once, hold) in [(true, false), (false, false), (false, true)] {
                let request =
                    Request { cause: Cause::Cancel, at_once, hold, asked: true, report: false, watched: true };
                let (next, owed) = self.state.agreed(request).expect("who asked may answer");
                let held = u8::from(owed == Ok(Cancel::Held));
                if self.holding + held <= 2 {
                    all.push(World { asking: false, holding: self.holding + held, ..self.to(next) });
                }
            }
        }
        all.extend(self.state.ask_later().ok().map(|(next, ())| self.to(next)));
        if let Ok((next, ())) = self.state.tell() {
            all.push(World { telling: true, told: (self.told + 1).min(3), ..self.to(next) });
        }
        if self.telling {
            all.push(World { telling: false, ..self.to(self.state.told()) });
        }
        match self.locked {
            None => {
                all.extend(
                    self.state
                        .lock_to_look()
                        .ok()
                        .map(|(next, ())| World { locked: Some(Side::Client), ..self.to(next) }),
                );
                all.extend(
                    self.state
                        .lock_to_adopt()
                        .ok()
                        .map(|(next, ())| World { locked: Some(Side::Adopter), ..self.to(next) }),
                );
            }
            Some(Side::Client) => all.push(World { locked: None, ..self.to(self.state.unlock(0)) }),
            Some(Side::Adopter) => all.push(World { locked: None, ..self.to(self.state.unlock(TELLS)) }),
            Some(Side::Server) => {}
        }
    }

    fn worker(self, all: &mut Vec<World>) {
        if self.queued
            && let Ok((next, start)) = self.state.start()
        {
            all.push(World { queued: false, inside: start == Start::Run, ..self.to(next) });
        }
        if self.inside {
            for canceled in [false, true] {
                if let Ok((next, _)) = self.state.leave(canceled) {
                    all.push(World { inside: false, ..self.to(next) });
                }
            }
            let (next, _) = self.state.defer().expect("invoke may always return");
            all.push(World { inside: false, ..self.to(next) });
        }
    }

    fn server(self, all: &mut Vec<World>) {
        for lock in [self.state.lock_for_server(), self.state.lock_to_end(false)] {
            all.extend(lock.ok().map(|(next, ())| World { locked: Some(Side::Server), ..self.to(next) }));
        }
        for region in [self.state.disable(), self.state.enable()] {
            all.extend(region.ok().map(|(next, _)| self.to(next)));
        }
        if self.locked == Some(Side::Server) {
            for bits in [0, ERROR, PROGRESS, TELLS] {
                all.push(World { locked: None, ..self.to(self.state.unlock(bits)) });
            }
            for canceled in [false, true] {
                let completed = self.state.complete(canceled, self.telling);
                all.extend(completed.ok().map(|(next, _)| World { locked: None, ..self.to(next) }));
            }
            // Whoever waits for a method elsewhere is inside, and not on the client's thread.
            for (entered, forced) in [(false, false), (true, false), (true, true)] {
                if self.inside && !self.state.has(DIRECT) {
                    let lost = self.state.lose(entered, forced, self.telling);
                    all.extend(lost.ok().map(|(next, _)| World { locked: None, ..self.to(next) }));
                }
            }
        }
    }

    /// What holds of every word.
    fn check(self) {
        let state = self.state;
        assert!(self.delivered <= 1, "two terminal transitions: {self:?}");
        assert_eq!(self.delivered == 1, state.has(DONE), "{self:?}");
        assert_eq!(self.freed, u8::from(state.vacant()), "freed once, when vacant: {self:?}");
        assert_eq!(state.has(LOCKED), self.locked.is_some(), "{self:?}");
        assert_eq!(state.has(TELLING), self.telling, "{self:?}");
        assert_eq!(state.has(ASKING), self.asking, "{self:?}");
        assert!(!state.has(TELLING) || state.has(CANCEL), "told of what did not happen: {self:?}");
        let polled = State(state.0 & !KILLED);
        assert!(state.has(CANCEL) || polled.0.trailing_zeros() >= 8, "the byte that methods poll: {self:?}");
        assert!(!state.has(KILLED) || state.has(ENDED), "only a method that is over was killed: {self:?}");
        assert_eq!(state.has(NOTIFYING), self.notifying, "{self:?}");
        assert_eq!(state.has(NOTIFY_LATER), self.later, "{self:?}");
        assert_eq!(state.has(UNREPORTED), self.reporting, "{self:?}");
        let due = self.observed && state.has(DONE) && !state.has(LOCKED);
        assert!(self.noticed == u8::from(self.observed && (due || self.noticed == 1)), "told of it once: {self:?}");
        assert_eq!(state.has(ON_STACK), self.inside, "the input lives while invoke runs: {self:?}");
        assert!(!state.has(ENDED | DEFERRED) || state.has(COMPLETED), "only complete ends a deferred one: {self:?}");
        assert!(!state.has(FINISHED) || state.has(DONE), "{self:?}");
        let stopped = state.has(STOPPED) && !state.has(KILLED);
        assert!(!stopped || (state.has(ENDED) && state.any(CANCEL | CANCELABLE)), "{self:?}");
        assert!(!state.has(ABANDONED) || state.cause().is_some(), "{self:?}");
        assert!(!(state.has(STARTED) && self.queued), "{self:?}");
        if state.vacant() {
            let hands = self.holding > 0 || self.telling || self.asking || self.notifying || self.reporting;
            let idle = !self.queued && !self.inside && self.locked.is_none() && !hands;
            assert!(idle && !self.attached, "freed under somebody's hands: {self:?}");
        }
        if state.parkable() || state.is_just_queued() {
            let hands = self.holding > 0 || self.telling || self.asking || self.notifying || self.reporting;
            let idle = !self.inside && self.locked.is_none() && !hands && (self.attached || self.queued);
            assert!(idle && self.queued != state.parkable(), "somebody has to do with it: {self:?}");
        }
        if state.reusable() && state.has(BEGUN) {
            let hands = self.holding > 0 || self.notifying || self.reporting;
            assert!(!self.queued && !self.inside && !hands, "begun again under somebody's hands: {self:?}");
        }
        let fate = state.fate();
        assert_eq!(fate == Fate::None, !state.has(DONE), "{self:?}");
        let never = !state.has(STARTED) || state.has(KILLED | STOPPED);
        assert_eq!(fate == Fate::NeverStarted, state.has(DONE) && never, "{self:?}");
        assert_eq!(fate == Fate::Running, state.has(DONE | STARTED) && !state.has(ENDED), "{self:?}");
        assert_eq!(fate == Fate::Killed, state.has(KILLED) && !state.has(STOPPED), "{self:?}");
    }
}

/// Every world that can come about, each with the numbers of those that can follow it.
struct Reachable {
    worlds: Vec<World>,
    next: Vec<Vec<u32>>,
}

impl Reachable {
    /// From the new one. A vacant one is an end.
    fn walk() -> Self {
        let mut numbers = HashMap::from([(NEW, 0)]);
        let (mut worlds, mut next) = (vec![NEW], Vec::new());
        while let Some(&world) = worlds.get(next.len()) {
            world.check();
            let after = if world.state.vacant() { Vec::new() } else { world.next() };
            let number = |world| {
                *numbers.entry(world).or_insert_with(|| {
                    worlds.push(world);
                    worlds.len() as u32 - 1
                })
            };
            next.push(after.into_iter().map(number).collect());
        }
        Self { worlds, next }
    }

    /// Every step from one world to another.
    fn steps(&self) -> impl Iterator<Item = (&World, &World)> {
        let after = |&number: &u32| &self.worlds[number as usize];
        self.worlds.iter().zip(&self.next).flat_map(move |(world, next)| next.iter().map(move |to| (world, after(to))))
    }
}

static REACHABLE: LazyLock<Reachable> = LazyLock::new(Reachable::walk);

#[test]
fn every_reachable_word_keeps_the_promises() {
    let Reachable { worlds, .. } = &*REACHABLE;
    println!("{} worlds, {} words", worlds.len(), worlds.iter().map(|world| world.state).collect::<HashSet<_>>().len());
    for fate in [Fate::None, Fate::NeverStarted, Fate::Running, Fate::Completed, Fate::Stopped, Fate::Killed] {
        assert!(worlds.iter().any(|world| world.state.fate() == fate), "{fate:?} does not occur");
    }
}

#[test]
fn every_word_can_end_and_be_freed() {
    let Reachable { worlds, next } = &*REACHABLE;
    let mut before = vec![Vec::new(); worlds.len()];
    for (number, next) in (0_u32..).zip(next) {
        for &after in next {
            before[after as usize].push(number);
        }
    }
    let mut ending: Vec<bool> = worlds.iter().map(|world| world.state.vacant()).collect();
    let mut todo: Vec<u32> = (0..).zip(&ending).filter_map(|(number, ends)| ends.then_some(number)).collect();
    while let Some(number) = todo.pop() {
        for &earlier in &before[number as usize] {
            if !std::mem::replace(&mut ending[earlier as usize], true) {
                todo.push(earlier);
            }
        }
    }
    let stuck = worlds.iter().zip(ending).find(|(_, ends)| !ends);
    assert!(stuck.is_none(), "can never end: {stuck:?}");
}

#[test]
fn the_terminal_transition_settles_whose_the_result_is() {
    for (world, after) in REACHABLE.steps() {
        if world.state.has(DONE) {
            assert_eq!(world.state.has(ABANDONED), after.state.has(ABANDONED), "{world:?} {after:?}");
        }
        if world.state.reusable() && world.state.has(BEGUN) {
            assert!(after.state.reusable(), "a cancel handle may name its next begin: {world:?} {after:?}");
        }
        if world.state.any(CANCEL) {
            assert_eq!(world.state.cause(), after.state.cause(), "the first cause stays: {world:?} {after:?}");
        }
    }
}

#[test]
fn a_fate_once_final_never_changes_and_running_changes_only_when_the_method_ends() {
    for (world, after) in REACHABLE.steps() {
        let (was, is) = (world.state.fate(), after.state.fate());
        match was {
            Fate::None => {}
            Fate::Running => {
                let end = matches!(is, Fate::Completed | Fate::Stopped | Fate::Killed);
                assert!(is == was || end, "{was:?} {is:?}");
            }
            _ => assert_eq!(was, is, "{world:?} {after:?}"),
        }
    }
}
