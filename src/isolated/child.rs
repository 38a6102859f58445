//! One child as its host sees it: it is started, asked to run one method after the other, and killed.

use super::channel::{FAILED, Fault, IN_REGION, Inbox, KILLING, Outbox, READY, REGION_OPEN, Region};
use super::pool::{Pool, Terms};
use super::warden::{Life, Warden};
use super::wire::{Reader, Writer};
use super::word;
use crate::buffer::Room;
use crate::execution::{ErrandPlace, Server, say_canceled};
use crate::frame;
use crate::hresult::{
    CALL_S_DEFERRED, CO_E_SERVER_EXEC_FAILURE, Complaint, E_OUTOFMEMORY, Failure, Hresult, RPC_E_INVALID_DATA,
    RPC_E_SERVER_DIED, RPC_E_SERVER_DIED_DNE,
};
use crate::process::{pair, send, this_cpu, wait_for_some, wake_shared};
use crate::signal::Kept;
use crate::spin::Spinner;
use crate::state::{CANCEL, DONE, State};
use crate::sync::{Arc, AtomicU32, Ordering, Weak, close_descriptor};
use crate::time::{Deadline, Nanoseconds, now};

/// See the module.
pub struct Child {
    pub pool: Weak<Pool>,
    warden: Arc<Warden>,
    pub(super) life: Arc<Life>,
    socket: Kept,
    /// Before what its words are in.
    place: ErrandPlace,
    ours: Region,
    pub(super) theirs: Arc<Region>,
    outbox: Outbox,
    inbox: Inbox,
    turn: u32,
    /// Methods that it has run.
    pub calls: u32,
    /// When it last had something to do, as far as that matters.
    pub idle_since: Nanoseconds,
    born: Nanoseconds,
    spinner: Spinner,
}

/// How far a child is that was started.
pub enum Stage {
    Starting,
    Ready,
    /// It says that it cannot serve.
    Refused(Complaint),
    Dead,
}

/// The most that a child may say before its first call, and in a message.
const MOST_WORDS: u64 = 1 << 16;

/// What one method came to.
pub enum Work {
    /// There is no memory for its input: the child has not heard of it.
    NoRoom,
    /// It ended with that result.
    Answered(Hresult),
    /// The child said that it was not entered.
    NotEntered,
    /// The child is gone, or must go: it sent what makes no sense.
    Lost { entered: bool, rubbish: bool, forced: bool },
}

/// What one look at a child came to.
pub enum Glance {
    Ended(Work),
    /// Canceled, or the child is gone: somebody has to stay with it.
    Disturbed,
}

impl Child {
    /// Has one started; it is ready some time later.
    pub fn start(pool: Weak<Pool>, warden: Arc<Warden>, plan: (i32, u64)) -> Result<Self, Complaint> {
        let none = |what: &str| Complaint::new(CO_E_SERVER_EXEC_FAILURE, format!("no child process: no {what}"));
        let (socket, their_socket) = pair().ok_or_else(|| none("socket"))?;
        let socket = Kept::new(socket).inspect_err(|_| close_descriptor(their_socket))?;
        let their_socket = Kept::new(their_socket)?;
        let (ours, our_file) = Region::make(true).ok_or_else(|| none("memory"))?;
        let our_file = Kept::new(our_file)?;
        let (theirs, their_file) = Region::make(false).ok_or_else(|| none("memory"))?;
        let their_file = Kept::new(their_file)?;
        let setup = Writer::default().byte(word::SETUP).number(plan.1).0;
        send(socket.number(), &setup, &[plan.0, our_file.number(), their_file.number()], true);
        let life = warden.spawn(plan, their_socket.number());
        let theirs = Arc::new(theirs);
        let (head, hark) = (ours.to_child(), &raw const theirs.to_host().rare.hark);
        // SAFETY: the words are in mappings that go after the place, as the fields say.
        let place = unsafe { ErrandPlace::new(&raw const head.canceled, &raw const head.grace_ms, hark) };
        let (outbox, inbox, spinner) = (Outbox::default(), Inbox::default(), Spinner::new());
        let (turn, calls, idle_since, born) = (0, 0, 0, now());
        Ok(Self {
            pool,
            warden,
            life,
            socket,
            place,
            ours,
            theirs,
            outbox,
            inbox,
            turn,
            calls,
            idle_since,
            born,
            spinner,
        })
    }

    pub fn stage(&mut self) -> Stage {
        match self.theirs.to_host().rare.stage.load(Ordering::SeqCst) {
            READY => Stage::Ready,
            FAILED => Stage::Refused(self.refusal()),
            _ if self.life.is_over() => Stage::Dead,
            _ => Stage::Starting,
        }
    }

    /// What a child that failed says of that.
    fn refusal(&mut self) -> Complaint {
        let said = self.first_words();
        let mut reader = Reader(&said);
        let code = reader.number().map(|code| Hresult((code as u32).cast_signed()));
        let text = reader.text().map(|text| String::from_utf8_lossy(text).into_owned());
        match (code, text) {
            (Some(code), Some(text)) if code.0 < 0 => Complaint::new(code, text),
            _ => rubbish(),
        }
    }

    /// The names of the methods of a child that is ready.
    pub fn methods(&mut self) -> Result<Vec<Box<[u8]>>, Complaint> {
        let said = self.first_words();
        let names = Reader(&said).texts().map(|names| names.into_iter().map(Box::from).collect());
        names.ok_or_else(rubbish)
    }

    fn first_words(&mut self) -> Vec<u8> {
        let head = self.theirs.to_host();
        let (room, len) = (head.room.load(Ordering::Acquire), head.length.load(Ordering::Acquire));
        let mut said = Vec::new();
        if len <= MOST_WORDS
            && let Ok(from) = self.inbox.find(&self.theirs, self.socket.number(), room, len)
            && said.try_reserve_exact(len as usize).is_ok()
        {
            // SAFETY: that many bytes are mapped there, and that much was reserved.
            unsafe {
                from.copy_to_nonoverlapping(said.as_mut_ptr(), len as usize);
                said.set_len(len as usize);
            }
        }
        said
    }

    /// Sleeps a little while it starts; with `other`, until that word changes.
    pub fn await_start(&self, other: Option<(&AtomicU32, u32)>, deadline: Deadline) {
        let head = self.theirs.to_host();
        let rung = self.rung();
        // A child may write there what it likes.
        if ![READY, FAILED].contains(&head.rare.stage.load(Ordering::SeqCst)) {
            self.sleep(rung, other, deadline);
        }
    }

    /// Kills it and sleeps until it is dead, whatever it writes meanwhile.
    pub fn end(&self) {
        self.kill(0);
        while !self.is_dead() {
            let rung = self.rung();
            self.sleep(rung, None, Deadline::after_ms(100));
        }
    }

    /// When it should have been ready.
    pub fn patience(&self, start_ms: u32) -> Deadline {
        Deadline::at(self.born.saturating_add(u64::from(start_ms) * 1_000_000))
    }

    pub fn is_dead(&self) -> bool {
        self.life.is_over()
    }

    /// How it ended, for a person.
    pub fn last_words(&self) -> String {
        self.life.obituary().text()
    }

    /// Has it killed.
    pub fn kill(&self, wait_ms: u32) {
        self.warden.kill(&self.life, wait_ms);
    }

    /// Has it run a method, and waits for its end.
    pub fn work(&mut self, terms: &Terms, server: Server, method: u32, input: &[u8]) -> Work {
        match self.post(server, method, input) {
            Ok(mut errand) => self.attend(terms, server, &mut errand),
            Err(work) => work,
        }
    }

    /// Has it run a method.
    pub fn post(&mut self, server: Server, method: u32, input: &[u8]) -> Result<Errand, Work> {
        self.turn = self.turn.wrapping_add(1) & 0x7FFF_FFFF;
        let turn = self.turn;
        let room = match self.outbox.put(&self.ours, self.socket.number(), &[input]) {
            Ok(room) => room,
            Err(Fault::NoMemory) => return Err(Work::NoRoom),
            Err(_) => return Err(Work::Lost { entered: false, rubbish: false, forced: false }),
        };
        let errand = Errand { turn, canceled: 0, reports: self.theirs.to_host().reports.load(Ordering::Relaxed) };
        let head = self.ours.to_child();
        head.method.store(method, Ordering::Relaxed);
        head.room.store(room, Ordering::Relaxed);
        head.length.store(input.len() as u64, Ordering::Relaxed);
        head.deadline.store(server.execution.expiry(server.generation).to_bits(), Ordering::Relaxed);
        head.cpu.store(this_cpu(), Ordering::Relaxed);
        self.place.set_out(server.execution, server.generation, turn);
        head.turn.store(turn, Ordering::SeqCst);
        if self.theirs.to_host().asleep.load(Ordering::SeqCst) != 0 {
            wake_shared(&head.turn);
        }
        Ok(errand)
    }

    /// Where a large input can be written for it.
    pub fn lend(&self, len: usize) -> Option<Room> {
        self.outbox.lend(len)
    }

    /// One look at it: what the method came to, if it has ended. `None`: nothing is to be done.
    pub fn look(&mut self, server: Server, errand: &mut Errand) -> Option<Glance> {
        self.report_progress(server, errand);
        if self.has_answered(errand.turn) {
            self.report_progress(server, errand);
            let work = self.answer(server, errand.turn);
            if matches!(work, Work::Answered(_)) {
                // Before the next one wants the room.
                // SAFETY: the worker's (1), and what was answered is not run again.
                unsafe { server.drop_input() };
            }
            return Some(Glance::Ended(work));
        }
        let state = server.execution.state_of(server.generation).unwrap_or(State(CANCEL | DONE));
        if state.has(CANCEL) {
            self.pass_cancel(server, state, errand);
            return Some(Glance::Disturbed);
        }
        self.life.is_over().then_some(Glance::Disturbed)
    }

    /// Sleeps until something may be seen that [`Child::look`] did not see, or until the deadline.
    pub fn sleep_beside(&self, server: Server, rung: Rung, watched: (&AtomicU32, u32), deadline: Deadline) {
        let state = server.execution.state_of(server.generation).unwrap_or(State(CANCEL | DONE));
        if !state.any(CANCEL | DONE) && server.execution.keep_watch(server.generation, state) {
            self.sleep(rung, Some(watched), deadline);
        }
    }

    /// The processor that it ran on when it last said so.
    pub fn cpu(&self) -> u32 {
        self.theirs.to_host().cpu.load(Ordering::Relaxed)
    }

    /// Whether it runs on the calling thread's processor: then it goes on only if this thread sleeps.
    pub fn is_beside(&self) -> bool {
        self.cpu() == this_cpu()
    }

    /// What it has rung and answered: to be read before a look, and to sleep by.
    pub fn rung(&self) -> Rung {
        rung_of(&self.theirs)
    }

    /// Waits for the end of the method, and passes on what happens meanwhile.
    pub fn attend(&mut self, terms: &Terms, server: Server, errand: &mut Errand) -> Work {
        self.ours.to_child().rare.attended.store(1, Ordering::SeqCst);
        let work = self.wait_for_end(terms, server, errand);
        self.ours.to_child().rare.attended.store(0, Ordering::SeqCst);
        work
    }

    fn wait_for_end(&mut self, terms: &Terms, server: Server, errand: &mut Errand) -> Work {
        let turn = errand.turn;
        loop {
            let rung = self.rung();
            let watched = server.execution.watch();
            self.report_progress(server, errand);
            if self.has_answered(turn) {
                self.report_progress(server, errand);
                return self.answer(server, turn);
            }
            if self.life.is_over() {
                return self.after_death(server, turn);
            }
            let state = server.execution.state_of(server.generation).unwrap_or(State(CANCEL | DONE));
            if let Some(work) = self.pass_on(terms, server, state, errand) {
                return work;
            }
            let news = || {
                let now = server.execution.state_of(server.generation).unwrap_or(State(CANCEL | DONE));
                // The end of a grace period is no change of the word: who sleeps is woken for that.
                rung_of(&self.theirs) != rung || (now.0 ^ state.0) & (CANCEL | DONE) != 0 || self.life.is_over()
            };
            let mut spinner = std::mem::replace(&mut self.spinner, Spinner::new());
            let spun = !self.is_beside() && spinner.spin(news);
            self.spinner = spinner;
            if !spun && server.execution.keep_watch(server.generation, state) {
                self.sleep(rung, Some(watched), Deadline::NEVER);
            }
        }
    }

    /// Sleeps until the child rings, is gone, or another word is not what it was.
    fn sleep(&self, rung: Rung, other: Option<(&AtomicU32, u32)>, deadline: Deadline) {
        self.ours.to_child().waiting.store(1, Ordering::SeqCst);
        let head = self.theirs.to_host();
        if self.rung() == rung {
            let mut words = vec![(&head.bell, rung.bell, true), (self.life.word(), 0, false)];
            words.extend(other.map(|(word, seen)| (word, seen, false)));
            wait_for_some(&words, deadline, false);
        }
        self.ours.to_child().waiting.store(0, Ordering::SeqCst);
    }

    fn report_progress(&self, server: Server, errand: &mut Errand) {
        let head = self.theirs.to_host();
        let reports = head.reports.load(Ordering::Acquire);
        if reports != errand.reports {
            errand.reports = reports;
            let (done, total) = (head.rare.done.load(Ordering::Relaxed), head.rare.total.load(Ordering::Relaxed));
            // Refused only where nobody wants to know any more.
            let _ = server.set_progress(done, total);
        }
    }

    /// Passes a cancel on to the child; kills it when the client has gone on.
    fn pass_on(&mut self, terms: &Terms, server: Server, state: State, errand: &mut Errand) -> Option<Work> {
        let over = state.has(CANCEL) && (state.has(DONE) || server.execution.is_out_of_grace(server.generation));
        let wanted = self.pass_cancel(server, state, errand);
        let turn = errand.turn;
        if !over || (terms.abandon && wanted < 2) {
            return None;
        }
        Some(if terms.abandon { self.wait_abandoned(server, turn) } else { self.force(terms, server, turn) })
    }

    /// Passes a cancel on to the child: 1; and that the client has gone on: 2.
    fn pass_cancel(&self, server: Server, state: State, errand: &mut Errand) -> u32 {
        let wanted = u32::from(state.has(CANCEL)) + u32::from(state.has(CANCEL | DONE));
        if wanted > errand.canceled {
            errand.canceled = wanted;
            let head = self.ours.to_child();
            say_canceled((&head.canceled, &head.grace_ms), errand.turn, wanted, server.execution.grace().1);
            wake_shared(&head.canceled);
        }
        wanted
    }

    /// The client has gone on, and the method goes on too: the apartment does without this thread until it ends.
    fn wait_abandoned(&mut self, server: Server, turn: u32) -> Work {
        do_without(true);
        loop {
            let rung = self.rung();
            if self.has_answered(turn) || self.life.is_over() {
                break;
            }
            self.sleep(rung, None, Deadline::NEVER);
        }
        do_without(false);
        self.after_death(server, turn)
    }

    /// Kills the child; an answer that is there before its end is one.
    fn force(&mut self, terms: &Terms, server: Server, turn: u32) -> Work {
        do_without(true);
        self.await_region(terms, turn);
        self.kill(terms.term_ms);
        while !self.life.is_over() {
            wait_for_some(&[(self.life.word(), 0, false)], Deadline::NEVER, false);
        }
        do_without(false);
        match self.after_death(server, turn) {
            Work::Lost { entered, rubbish, .. } => Work::Lost { entered, rubbish, forced: true },
            answered => answered,
        }
    }

    /// Waits until the method is in no region that a cancel must not interrupt, but not for ever.
    fn await_region(&self, terms: &Terms, turn: u32) {
        let end = Deadline::after_ms(terms.region_ms);
        let head = self.theirs.to_host();
        loop {
            let rung = self.rung();
            let barrier = head.rare.barrier.compare_exchange(REGION_OPEN, KILLING, Ordering::SeqCst, Ordering::SeqCst);
            if barrier != Err(IN_REGION) || self.has_answered(turn) || self.life.is_over() || end.passed() {
                return;
            }
            if head.rare.barrier.load(Ordering::SeqCst) == IN_REGION {
                self.sleep(rung, None, end);
            }
        }
    }

    fn has_answered(&self, turn: u32) -> bool {
        self.theirs.to_host().answered.load(Ordering::SeqCst) == turn
    }

    fn has_entered(&self, turn: u32) -> bool {
        self.theirs.to_host().rare.entered.load(Ordering::SeqCst) == turn
    }

    fn after_death(&mut self, server: Server, turn: u32) -> Work {
        if self.has_answered(turn) {
            return self.answer(server, turn);
        }
        Work::Lost { entered: self.has_entered(turn), rubbish: false, forced: false }
    }

    /// Takes the answer over.
    fn answer(&mut self, server: Server, turn: u32) -> Work {
        self.calls += 1;
        self.place.return_home();
        self.ours.to_child().rare.collected.store(turn, Ordering::SeqCst);
        let head = self.theirs.to_host();
        let result = Hresult(head.result.load(Ordering::Acquire).cast_signed());
        let (len, message) = (head.length.load(Ordering::Relaxed), head.message.load(Ordering::Relaxed));
        let room = head.room.load(Ordering::Relaxed);
        if head.ran.load(Ordering::Relaxed) != turn {
            return Work::NotEntered;
        }
        let both = len.checked_add(message).ok_or(Fault::Rubbish);
        let found = both.and_then(|both| self.inbox.find(&self.theirs, self.socket.number(), room, both));
        let (Ok(from), false) = (found, result == CALL_S_DEFERRED) else {
            return Work::Lost { entered: true, rubbish: true, forced: false };
        };
        // SAFETY: that many bytes are mapped there.
        unsafe { deliver(server, from, len as usize, message.min(MOST_WORDS) as usize) }
            .map_or_else(Work::Answered, |()| Work::Answered(result))
    }
}

/// The apartment does without this thread for a while.
fn do_without(absent: bool) {
    frame::at_home(|home| {
        if let Some(home) = home {
            if absent { home.block() } else { home.unblock() }
        }
    });
}

/// See [`Child::rung`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Rung {
    bell: u32,
    answered: u32,
}

fn rung_of(theirs: &Region) -> Rung {
    let head = theirs.to_host();
    Rung { bell: head.bell.load(Ordering::SeqCst), answered: head.answered.load(Ordering::SeqCst) }
}

/// One request to a child.
pub struct Errand {
    turn: u32,
    /// 1: that it is canceled; 2: that its client has gone on.
    canceled: u32,
    reports: u32,
}

/// Output and message of a method. Fails where there is no memory for them.
///
/// # Safety
/// `from` points to as many mapped bytes, which may change meanwhile.
unsafe fn deliver(server: Server, from: *const u8, len: usize, message: usize) -> Result<(), Hresult> {
    const SHORT: usize = 64;
    if len > 0 && len <= SHORT {
        let mut copy = [0; SHORT];
        // SAFETY: the caller's promise.
        unsafe { from.copy_to_nonoverlapping(copy.as_mut_ptr(), len) };
        // Refused only where nobody will read it, as below.
        let _ = server.write(&copy[..len]);
    } else if len > 0 {
        match server.reserve(len) {
            Ok(room) => {
                // SAFETY: the caller's promise, and that much was reserved.
                unsafe { from.copy_to_nonoverlapping(room, len) };
                let _ = server.commit(len);
            }
            Err(Failure { code: E_OUTOFMEMORY, .. }) => return Err(E_OUTOFMEMORY),
            Err(_) => {}
        }
    }
    if message > 0 {
        let mut text = Vec::new();
        text.try_reserve_exact(message).map_err(|_| E_OUTOFMEMORY)?;
        // SAFETY: the caller's promise, and that much was reserved.
        unsafe {
            from.add(len).copy_to_nonoverlapping(text.as_mut_ptr(), message);
            text.set_len(message);
        }
        let _ = server.set_error(String::from_utf8_lossy(&text).into_owned());
    }
    Ok(())
}

fn rubbish() -> Complaint {
    Complaint::new(RPC_E_INVALID_DATA, "the child process says what makes no sense".to_owned())
}

/// The result of a call whose child is gone.
pub fn lost_result(entered: bool, rubbish: bool) -> Hresult {
    match (rubbish, entered) {
        (true, _) => RPC_E_INVALID_DATA,
        (_, true) => RPC_E_SERVER_DIED,
        (_, false) => RPC_E_SERVER_DIED_DNE,
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.life.is_over() {
            let head = self.ours.to_child();
            head.over.store(1, Ordering::SeqCst);
            head.turn.fetch_xor(1 << 31, Ordering::SeqCst);
            wake_shared(&head.turn);
            self.warden.retire(&self.life);
        }
    }
}
