//! A host with the library's own code, and children that write what they like: its supervisor and its children are
//! threads of this process (see `relay`), so that what they do wrong is seen where it is read.
#![allow(clippy::undocumented_unsafe_blocks, reason = "each pointer is to a value or buffer of the function")]

use super::bindings::*;
use super::cue::{Cue, message, number};
use super::system::{self, Mapping, comes_about, doze, wake};
use super::{Checked, relay};
use call::channel::{FAILED, LENGTH, PROTOCOL, READY, ToChild, ToHost, word};
use std::collections::HashMap;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::{ptr, thread};

/// Where the first room of a region begins.
const ROOM: usize = LENGTH - (1 << 16);
/// Runs between two looks at what is left open.
const LOOK: usize = 64;
const METHODS: u8 = 2;
/// The births after which a child may never be ready.
const SLOW: [u8; 3] = [10, 11, 14];

/// What the children of a run do.
struct Play {
    birth: u8,
    cues: Vec<Cue>,
    next: AtomicUsize,
    /// The most bytes that there was room for.
    room: AtomicUsize,
    /// Every child goes, whatever its host says.
    over: AtomicBool,
}

impl Play {
    fn take(&self) -> Option<Cue> {
        self.cues.get(self.next.fetch_add(1, SeqCst)).copied()
    }
}

static PLAY: Mutex<Option<Arc<Play>>> = Mutex::new(None);
/// How many calls came to each fate: a run whose children cannot be had shows nothing.
pub static FATES: [AtomicUsize; 6] = [const { AtomicUsize::new(0) }; 6];
/// Children that have not ended.
static LIVING: AtomicUsize = AtomicUsize::new(0);
/// The socket of the supervisor.
static SUPERVISOR: Mutex<i32> = Mutex::new(-1);

fn playing() -> std::sync::MutexGuard<'static, Option<Arc<Play>>> {
    PLAY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The life of whoever plays the supervisor of a host.
fn supervise(socket: i32) {
    let mut wards = HashMap::new();
    *SUPERVISOR.lock().unwrap_or_else(PoisonError::into_inner) = socket;
    // What it is of: a version without a name.
    system::send(socket, &message(word::HELLO, &[PROTOCOL, 0]), &[]);
    loop {
        let (said, descriptors) = system::receive(socket);
        let id = number(&said, 0);
        match (said.first().copied(), descriptors.as_slice()) {
            (None, _) => break,
            (Some(word::SPAWN), &[plan, channel]) => {
                system::close(plan);
                let doomed = Arc::new(AtomicBool::new(false));
                wards.insert(id, Arc::clone(&doomed));
                LIVING.fetch_add(1, SeqCst);
                thread::spawn(move || {
                    let how = live(channel, &doomed).unwrap_or(9);
                    system::close(channel);
                    let mut obituary = message(word::DIED, &[id]);
                    obituary.push(how % 5);
                    obituary.extend(message(9, &[7, 3, 3]).drain(1..).chain(*b"\xFF!\n"));
                    if how < 250 {
                        system::send(socket, &obituary, &[]);
                    } else {
                        system::send(socket, &obituary[..9 + how as usize % 4], &[]);
                    }
                    LIVING.fetch_sub(1, SeqCst);
                });
            }
            (Some(_), _) => {
                if let Some(doomed) = wards.get(&id) {
                    doomed.store(true, SeqCst);
                }
            }
        }
    }
    for doomed in wards.values() {
        doomed.store(true, SeqCst);
    }
    comes_about(|| LIVING.load(SeqCst) == 0);
    system::close(socket);
}

/// The life of a child, and what is said of its end; `None`: it was killed.
fn live(channel: i32, doomed: &AtomicBool) -> Option<u8> {
    let play = playing().clone()?;
    let (_, files) = system::receive(channel);
    let map = |file, writable| Mapping::of(file, LENGTH, writable);
    let regions = files.get(1).zip(files.get(2)).map(|(&host, &own)| (map(host, false), map(own, true)));
    files.into_iter().for_each(system::close);
    let (Some(host), Some(own)) = regions? else { return None };
    let mut child = Child { host, own, channel, room: 0, play: &play, doomed };
    child.say_hello();
    let mut turn = 0;
    while let Some(next) = child.next_turn(turn) {
        turn = next;
        if let Some(how) = child.serve(turn) {
            return Some(how);
        }
    }
    None
}

struct Child<'a> {
    host: Mapping,
    own: Mapping,
    channel: i32,
    /// The number of the last room that was sent.
    room: u32,
    play: &'a Play,
    doomed: &'a AtomicBool,
}

impl Child<'_> {
    fn words(&self) -> &ToHost {
        self.own.words()
    }

    fn ring(&self) {
        self.words().bell.fetch_add(1, SeqCst);
        wake(&self.words().bell);
    }

    fn say_hello(&mut self) {
        let names = [message(0, &[2, 1]), b"a".to_vec(), message(0, &[1])[1..].to_vec(), b"b".to_vec()].concat();
        let names = &names[1..];
        let (mut stage, mut said, mut len) = (READY, names.to_vec(), names.len() as u64);
        match self.play.birth % 16 {
            0..8 => {}
            8 => (stage, said) = (FAILED, [&message(0, &[0x8007_0005, 2])[1..], b"no"].concat()),
            9 => stage = FAILED,
            10 => (0..3).for_each(|_| self.step(0)),
            11 => stage = 7,
            12 => len = 1 << (self.play.birth >> 4) << 8,
            13 => said = message(0, &[u64::MAX, u64::MAX])[1..].to_vec(),
            14 => stage = 0,
            _ => {
                let (room, files) = Cue([0, self.play.birth, 9, 0]).room(1);
                self.play.room.fetch_max(Cue::length(9), SeqCst);
                self.send(&room, files);
                self.words().room.store(1, SeqCst);
            }
        }
        self.own.put(ROOM, &said);
        if len == names.len() as u64 {
            len = said.len() as u64;
        }
        let words = self.words();
        words.asleep.store(1, SeqCst);
        words.length.store(len, SeqCst);
        words.rare.stage.store(stage, SeqCst);
        self.ring();
    }

    fn next_turn(&self, last: u32) -> Option<u32> {
        let words: &ToChild = self.host.words();
        while words.turn.load(SeqCst) == last {
            if self.doomed.load(SeqCst) || self.play.over.load(SeqCst) {
                return None;
            }
            doze(&words.turn, last);
        }
        (words.over.load(SeqCst) == 0).then(|| words.turn.load(SeqCst))
    }

    /// Plays until something ends the request; gives how the child ends, if it does.
    fn serve(&mut self, turn: u32) -> Option<u8> {
        loop {
            let Some(cue) = self.play.take() else {
                self.answer(turn, 3, 0, S_OK);
                return None;
            };
            match cue.0[0] % 20 {
                15 if cue.0[1] & 1 == 0 => {
                    self.await_cancel(turn);
                    self.answer(turn, Cue::length(cue.0[2]), 0, RPC_E_CALL_CANCELED);
                    return None;
                }
                16 => {
                    self.answer(turn, Cue::length(cue.0[1]), Cue::length(cue.0[2]), S_OK);
                    return None;
                }
                17 => {
                    let words = self.words();
                    if cue.0[1] & 4 != 0 {
                        words.length.store(cue.long_value(turn), SeqCst);
                    }
                    words.ran.store(if cue.0[1] & 1 == 0 { turn } else { turn.wrapping_sub(1) }, SeqCst);
                    words.answered.store(turn, SeqCst);
                    self.ring();
                    if cue.0[1] & 2 == 0 {
                        return None;
                    }
                }
                18 => return (cue.0[1] & 3 != 0).then_some(cue.0[2]),
                // It never answers.
                19 => return None,
                _ => self.play_cue(cue, turn),
            }
            if self.doomed.load(SeqCst) || self.play.over.load(SeqCst) {
                return None;
            }
        }
    }

    /// For a while.
    fn await_cancel(&self, turn: u32) {
        let words: &ToChild = self.host.words();
        for _ in 0..20 {
            let canceled = words.canceled.load(SeqCst);
            if canceled >> 1 == turn || self.doomed.load(SeqCst) || self.play.over.load(SeqCst) {
                return;
            }
            doze(&words.canceled, canceled);
        }
    }

    fn step(&mut self, turn: u32) {
        if let Some(cue) = self.play.take() {
            self.play_cue(cue, turn);
        }
    }

    fn play_cue(&mut self, cue: Cue, turn: u32) {
        let [what, first, ..] = cue.0;
        let words = self.words();
        let short = [&words.bell, &words.answered, &words.rare.entered, &words.asleep, &words.result, &words.room];
        let rare = [&words.rare.stage, &words.rare.barrier, &words.reports, &words.ran, &words.rare.hark];
        let long = [&words.length, &words.message, &words.rare.done, &words.rare.total];
        match what % 20 {
            0..3 => short[first as usize % short.len()].store(cue.value(turn), SeqCst),
            3 => rare[first as usize % rare.len()].store(cue.value(turn), SeqCst),
            4..6 => long[first as usize % long.len()].store(cue.long_value(turn), SeqCst),
            6 => {
                words.rare.barrier.store(u32::from(first & 1), SeqCst);
                self.ring();
            }
            7 | 8 => self.ring(),
            9 => (0..=first).for_each(|_| self.ring()),
            10 => {
                let (room, files) = cue.room(self.room.wrapping_add(1));
                self.play.room.fetch_max(Cue::length(cue.0[2]), SeqCst);
                self.send(&room, files);
                self.room = self.room.wrapping_add(1);
                self.words().room.store(self.room, SeqCst);
            }
            11 => self.send(&cue.garbage(), if first & 1 == 0 { vec![] } else { vec![system::nothing()] }),
            12 if first % 8 == 0 => system::shut(self.channel),
            12 | 13 => {
                words.reports.fetch_add(1, SeqCst);
                self.ring();
            }
            14 => self.make_noise(cue, turn),
            _ => self.own.fill(ROOM, Cue::length(first), cue.0[2]),
        }
    }

    /// Any of its words, in any order.
    fn make_noise(&self, cue: Cue, turn: u32) {
        let mut random = u64::from(u32::from_le_bytes(cue.0));
        for _ in 0..=cue.0[1] {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let value = if random >> 61 == 0 { turn } else { (random >> 33) as u32 };
            self.own.word((random >> 20) as usize % (size_of::<ToHost>() / 4)).store(value, SeqCst);
        }
    }

    fn send(&self, bytes: &[u8], descriptors: Vec<i32>) {
        system::send(self.channel, bytes, &descriptors);
        descriptors.into_iter().for_each(system::close);
    }

    /// As a child does that keeps to what is agreed.
    fn answer(&mut self, turn: u32, output: usize, message: usize, result: i32) {
        let len = output + message;
        if len > 1 << 16 {
            self.room = self.room.wrapping_add(1);
            let size = len.next_power_of_two();
            let file = system::memory(size, libc::F_SEAL_SHRINK);
            self.play.room.fetch_max(size, SeqCst);
            self.send(&super::cue::message(word::REGION, &[self.room.into(), size as u64]), vec![file]);
        }
        let words = self.words();
        words.rare.entered.store(turn, SeqCst);
        words.ran.store(turn, SeqCst);
        words.room.store(self.room, SeqCst);
        words.length.store(output as u64, SeqCst);
        words.message.store(message as u64, SeqCst);
        words.result.store(result.cast_unsigned(), SeqCst);
        words.answered.store(turn, SeqCst);
        self.ring();
    }
}

fn own_path() -> &'static CString {
    static PATH: OnceLock<CString> = OnceLock::new();
    PATH.get_or_init(|| {
        let path = std::env::current_exe().expect("this program is somewhere");
        CString::new(path.as_os_str().as_bytes()).expect("a path")
    })
}

fn bind(options: u8, birth: u8) -> Result<call_object_t, i32> {
    let flag = |bit: u8, yes: u32, no: u32| if options & bit != 0 { yes } else { no };
    let given = call_bind_options_t {
        size: size_of::<call_bind_options_t>(),
        flags: flag(1, CALL_BIND_ABANDON, 0) | CALL_BIND_QUIET,
        workers: flag(2, 2, 1),
        spares: flag(4, 1, CALL_BIND_NO_SPARES),
        calls_per_child: flag(8, 1, 0),
        idle_ms: flag(16, 1, 0),
        // Who never is ready is not waited for; who will be may take what a busy machine takes.
        start_ms: if SLOW.contains(&(birth % 16)) { 4 } else { 5_000 },
        term_ms: flag(64, 1, CALL_BIND_NO_TERM),
        region_ms: 2,
        host: own_path().as_ptr(),
        program: own_path().as_ptr(),
        ..unsafe { std::mem::zeroed() }
    };
    let mut object = call_object_t { id: 0 };
    match unsafe { call_object_bind(c"isolated:#Evil".as_ptr(), &raw const given, &raw mut object) } {
        S_OK => Ok(object),
        code => Err(code),
    }
}

/// A call of the host's.
#[derive(Clone, Copy)]
struct Asked {
    call: call_t,
    cancel: call_cancel_t,
    /// Somebody wanted it to end.
    canceled: bool,
}

struct Host {
    object: call_object_t,
    asked: Vec<Asked>,
    disconnected: bool,
    /// Its methods go on when their clients were freed.
    abandons: bool,
}

fn wrong<T>(what: &str, code: i32) -> Result<T, String> {
    Err(format!("{what}: {}", code_name(code)))
}

impl Host {
    fn begin(&mut self, cue: Cue) -> Checked {
        let input = vec![cue.0[3]; Cue::length(cue.0[2])];
        let mut asked = Asked { call: call_t::default(), cancel: call_cancel_t::default(), canceled: false };
        let created = unsafe { call_create(self.object, &raw mut asked.call) };
        if created != S_OK {
            return wrong("a call object is not made", created);
        }
        if cue.0[1] & 0xF0 == 0x10 {
            asked.canceled = true;
            let _ = call_set_timeout(asked.call, cue.0[1].into(), u32::from(cue.0[3]) % 4);
        }
        let method = u32::from(cue.0[1] % METHODS);
        let begun = unsafe { call_begin(asked.call, method, input.as_ptr().cast(), input.len()) };
        if begun != S_OK {
            call_release(asked.call);
            // The child may have said that it has no methods.
            let may_be = self.disconnected || begun == DISP_E_MEMBERNOTFOUND;
            return if may_be { Ok(()) } else { wrong("a call is not begun", begun) };
        }
        let queried = unsafe { call_query_cancel(asked.call, &raw mut asked.cancel) };
        if queried != S_OK {
            return wrong("a call cannot be canceled", queried);
        }
        self.asked.push(asked);
        Ok(())
    }

    fn play(&mut self, cue: Cue) -> Checked {
        let [what, which, how, _] = cue.0;
        if what % 12 < 4 && self.asked.len() < 4 {
            return self.begin(cue);
        }
        let at = which as usize % self.asked.len().max(1);
        let Some(asked) = self.asked.get_mut(at) else { return self.begin(cue) };
        match what % 12 {
            4 => drop(call_wait(asked.call, u32::from(how) % 3)),
            5 | 6 => {
                asked.canceled = true;
                let _ = call_request_cancel(asked.cancel, [0, 1, 2, CALL_INFINITE][how as usize % 4]);
            }
            7 => {
                asked.canceled = true;
                let _ = call_cancel(asked.cancel, 0);
            }
            8 => {
                let (mut done, mut total) = (0, 0);
                let _ = unsafe { call_get_progress(asked.call, &raw mut done, &raw mut total) };
            }
            9 if how % 8 == 0 => {
                self.disconnected = true;
                let _ = call_object_disconnect(self.object);
            }
            10 if how == 255 && which == 255 => {
                // Every child of it is as good as dead.
                system::shut(*SUPERVISOR.lock().unwrap_or_else(PoisonError::into_inner));
                self.asked.iter_mut().for_each(|asked| asked.canceled = true);
            }
            _ => {
                let asked = self.asked.remove(at);
                return self.end(asked);
            }
        }
        Ok(())
    }

    /// Waits a moment for its end and brings it about then; what it came to has to make sense.
    fn end(&self, mut asked: Asked) -> Checked {
        if call_wait(asked.call, 2) == RPC_S_CALLPENDING {
            asked.canceled = true;
            let _ = call_request_cancel(asked.cancel, 0);
        }
        if call_wait(asked.call, super::GUARD_MS as u32) == RPC_S_CALLPENDING {
            return Err("a call that is canceled does not end".to_owned());
        }
        let mut text = [0; 256];
        let _ = unsafe { call_get_error(asked.call, text.as_mut_ptr(), text.len(), ptr::null_mut()) };
        let mut buffer = call_buffer_t::default();
        let result = unsafe { call_finish_buffer(asked.call, &raw mut buffer) };
        if result == RPC_S_CALLPENDING || result == CALL_S_DEFERRED {
            return wrong("a call that is over ends with", result);
        }
        if buffer != call_buffer_t::default() {
            let (mut data, mut len) = (ptr::null(), 0);
            let _ = unsafe { call_buffer_get(buffer, &raw mut data, &raw mut len) };
            let room = playing().as_ref().map_or(0, |play| play.room.load(SeqCst));
            if len > room {
                return Err(format!("an output of {len} bytes, where there was room for {room}"));
            }
            let bytes = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), len) };
            // Each byte is the host's own by now.
            std::hint::black_box(bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)));
            call_buffer_release(buffer);
        }
        self.judge(&asked, result)?;
        call_cancel_release(asked.cancel);
        call_release(asked.call);
        Ok(())
    }

    fn judge(&self, asked: &Asked, result: i32) -> Checked {
        let mut now = fate::NONE;
        let settled = comes_about(|| {
            let _ = unsafe { call_get_fate(asked.call, &raw mut now) };
            if now == fate::RUNNING && self.abandons {
                // It may go on for ever.
                playing().iter().for_each(|play| play.over.store(true, SeqCst));
            }
            now != fate::RUNNING
        });
        if let Some(count) = usize::try_from(now).ok().and_then(|now| FATES.get(now)) {
            count.fetch_add(1, SeqCst);
        }
        let canceled = asked.canceled || self.disconnected;
        let makes_sense = match now {
            fate::COMPLETED => true,
            fate::STOPPED => canceled,
            fate::NEVER_STARTED => result < 0,
            fate::KILLED => {
                [RPC_E_INVALID_DATA, RPC_E_SERVER_DIED].contains(&result)
                    || (canceled && [RPC_E_CALL_CANCELED, RPC_E_TIMEOUT, RPC_E_DISCONNECTED].contains(&result))
            }
            _ => false,
        };
        if settled && makes_sense { Ok(()) } else { wrong(&format!("fate {now}, canceled {canceled}"), result) }
    }
}

/// Once in a process, after `relay::start`.
pub fn start() {
    thread::spawn(|| {
        loop {
            supervise(relay::next());
        }
    });
}

/// Plays a run.
pub fn run(bytes: &[u8]) -> Checked {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    static OPEN: AtomicUsize = AtomicUsize::new(0);
    let head: [u8; 4] = std::array::from_fn(|at| bytes.get(at).copied().unwrap_or(0));
    let cues = Cue::all(bytes.get(4..).unwrap_or(&[]), 80);
    let (own, theirs) = cues.split_at(cues.len().min(head[2] as usize % 8));
    let play = Play {
        birth: head[1],
        cues: theirs.to_vec(),
        next: AtomicUsize::new(0),
        room: AtomicUsize::new(1 << 16),
        over: AtomicBool::new(false),
    };
    let play = Arc::new(play);
    *playing() = Some(Arc::clone(&play));
    let outcome = match bind(head[0], head[1]) {
        Ok(object) => attend(object, head[0] & 1 != 0, own),
        Err(code) if code < 0 && code != E_UNEXPECTED => Ok(()),
        Err(code) => wrong("the object is not bound", code),
    };
    play.over.store(true, SeqCst);
    if !comes_about(|| LIVING.load(SeqCst) == 0) {
        return Err("a child is not let go".to_owned());
    }
    let run = RUNS.fetch_add(1, SeqCst);
    if run % LOOK == LOOK - 1 {
        // The threads that close what they had come to it by and by.
        if run < 2 * LOOK {
            OPEN.store(system::descriptors() + 8, SeqCst);
        } else if !comes_about(|| system::descriptors() <= OPEN.load(SeqCst)) {
            return Err(format!("{} descriptors are open", system::descriptors()));
        }
    }
    outcome
}

fn attend(object: call_object_t, abandons: bool, cues: &[Cue]) -> Checked {
    let mut host = Host { object, asked: Vec::new(), disconnected: false, abandons };
    let mut outcome = host.begin(Cue([0; 4]));
    for &cue in cues {
        outcome = outcome.and_then(|()| host.play(cue));
    }
    while let Some(asked) = host.asked.pop() {
        outcome = outcome.and_then(|()| host.end(asked));
    }
    call_object_release(object);
    outcome
}
