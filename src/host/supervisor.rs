//! The supervisor: starts children, hears of their ends, kills them with all that they have started, and goes
//! when its host goes. One process, one thread; it holds no lock and waits for nobody.
//!
//! It has a keeper, the process that started it: should it be killed itself, that one kills what it leaves.
//!
//! Children and what they start are its descendants, wherever they put themselves: each child collects the orphans
//! among its own, and when it ends they come here, where whatever is not a child is killed.

use crate::isolated::wire::{Reader, Writer};
use crate::isolated::word;
use crate::isolated::{HOST, How, Obituary, PROTOCOL, Plan, SOCKET, VERSION};
use crate::process::{
    self, Mapping, Reaped, Start, become_reaper, children, close_other_descriptors, detach, end_process,
    go_on_in_child, keep_to_oneself, kill_group, kill_process, open_streams, pipe, poll_many, read_some, reap, receive,
    reset_signals, send, spawn, unread, watch_children, write_if_room,
};
use crate::sync::close_descriptor;
use crate::time::{Deadline, now};
use std::collections::VecDeque;
use std::ffi::CString;

/// How much of a child's standard error is kept.
const LAST_WORDS: usize = 2048;
/// How long a child may take to go by itself, in milliseconds.
const FAREWELL: u32 = 5_000;
/// How often orphans are looked for before the end of their child is told of.
const ROUNDS: u32 = 200;

/// How much of what a child writes is read before it is another's turn: what a pipe holds.
const SHARE: usize = 1 << 16;

/// `EINVAL`: what the host asks for makes no sense.
const NONSENSE: i32 = 22;
/// `EMFILE`: no pipe, or what the host has sent with its message could not be taken in.
const NO_DESCRIPTORS: i32 = 24;

/// A child.
struct Ward {
    id: u64,
    process: i32,
    /// Its standard error.
    errors: i32,
    quiet: bool,
    last_words: VecDeque<u8>,
    /// When it is killed.
    doom: Deadline,
}

impl Ward {
    /// Takes in what it wrote, up to so many bytes and a few.
    fn listen(&mut self, most: usize) {
        let mut bytes = [0; 4096];
        let mut heard = 0;
        while heard < most {
            let Some(len) = read_some(self.errors, &mut bytes) else { return };
            if len == 0 {
                // Nobody writes to it any more.
                close_descriptor(self.errors);
                self.errors = -1;
                return;
            }
            heard += len;
            if !self.quiet {
                write_if_room(2, &bytes[..len]);
            }
            self.last_words.extend(&bytes[..len]);
            let excess = self.last_words.len().saturating_sub(LAST_WORDS);
            self.last_words.drain(..excess);
        }
    }

    fn kill(&self) {
        kill_group(self.process, true);
        kill_process(self.process, true);
    }
}

struct Supervisor {
    wards: Vec<Ward>,
    /// What the host has not taken yet.
    outgoing: VecDeque<Vec<u8>>,
}

/// The life of the supervisor; its host is behind the descriptors [`SOCKET`] and [`HOST`].
pub fn supervise() -> ! {
    close_other_descriptors(HOST.cast_unsigned() + 1);
    open_streams();
    [SOCKET, HOST].into_iter().for_each(keep_to_oneself);
    detach();
    reset_signals();
    become_reaper();
    if let Some(supervisor) = go_on_in_child() {
        outlive(supervisor);
    }
    become_reaper();
    let Some(deaths) = watch_children() else { end_process(1) };
    greet();
    let mut supervisor = Supervisor { wards: Vec::new(), outgoing: VecDeque::new() };
    while supervisor.turn(deaths) {}
    supervisor.end_all();
    end_process(0)
}

/// What stays when the supervisor is killed comes to this process, which started it and does nothing else: it is
/// killed here. The host hears of the end when that is done: its socket is open in this process, too.
fn outlive(supervisor: i32) -> ! {
    while reap(None, true).is_some_and(|reaped| reaped.process != supervisor) {}
    for _ in 0..10 * ROUNDS {
        let left = children();
        if left.is_empty() {
            break;
        }
        for process in left {
            kill_process(process, true);
        }
        poll_many(&[], 1);
        while reap(None, false).is_some() {}
    }
    end_process(0)
}

/// Says to the host who is there.
fn greet() {
    let hello = Writer::default().byte(word::HELLO).number(PROTOCOL).text(VERSION.as_bytes()).0;
    send(SOCKET, &hello, &[], false);
}

impl Supervisor {
    /// Waits for something and does what it asks for; no: the host is gone.
    fn turn(&mut self, deaths: i32) -> bool {
        let mut watched = vec![SOCKET, HOST, deaths];
        watched.extend(self.wards.iter().map(|ward| ward.errors));
        let ready = poll_many(&watched, self.patience());
        if ready[1] {
            return false;
        }
        for (ward, _) in self.wards.iter_mut().zip(&ready[3..]).filter(|(_, ready)| **ready) {
            ward.listen(SHARE);
        }
        if ready[2] {
            let _ = read_some(deaths, &mut [0; 1024]);
        }
        self.collect();
        if ready[0] && !self.obey() {
            return false;
        }
        for ward in self.wards.iter_mut().filter(|ward| ward.doom.passed()) {
            ward.kill();
            ward.doom = Deadline::NEVER;
        }
        self.report();
        true
    }

    /// How long there is nothing to do, in milliseconds.
    fn patience(&self) -> i32 {
        if !self.outgoing.is_empty() {
            return 10;
        }
        let next = self.wards.iter().map(|ward| ward.doom).min().unwrap_or(Deadline::NEVER);
        next.remaining(now()).map_or(-1, |left| i32::try_from(left / 1_000_000 + 1).unwrap_or(i32::MAX))
    }

    /// Does what the host asks for; no: it is gone.
    fn obey(&mut self) -> bool {
        let mut bytes = [0; 256];
        while let Some(received) = receive(SOCKET, &mut bytes, false) {
            if received.len == 0 {
                return false;
            }
            let mut reader = Reader(&bytes[..received.len.min(bytes.len())]);
            let (asked, id) = (reader.byte(), reader.number().unwrap_or(0));
            match (asked, received.descriptors.as_slice()) {
                (Some(word::SPAWN), given) => {
                    let len = reader.number().unwrap_or(0) as usize;
                    let started = match *given {
                        [plan, socket] => self.start(id, (plan, len), socket),
                        _ => Err(NO_DESCRIPTORS),
                    };
                    if let Err(error) = started {
                        self.tell(id, &Obituary { how: How::Unborn(error), process: 0, last_words: Vec::new() });
                    }
                }
                (Some(word::KILL), _) => self.doom(id, reader.number().unwrap_or(0) as u32, true),
                (Some(word::RETIRE), _) => self.doom(id, FAREWELL, false),
                _ => {}
            }
            received.descriptors.into_iter().for_each(close_descriptor);
        }
        true
    }

    /// Starts a child; fails with an error's number.
    fn start(&mut self, id: u64, (plan, len): (i32, usize), socket: i32) -> Result<(), i32> {
        let mapping = Mapping::of(plan, len, false).ok_or(NONSENSE)?;
        // SAFETY: that long, and nobody can write to it any more.
        let bytes = unsafe { std::slice::from_raw_parts(mapping.base(), len) };
        let plan = Plan::read(bytes).ok_or(NONSENSE)?;
        let text = |bytes: &[u8]| CString::new(bytes).map_err(|_| NONSENSE);
        let program = text(&plan.program)?;
        let arguments: Vec<CString> = plan.arguments.iter().map(|it| text(it)).collect::<Result<_, _>>()?;
        let environment = environment(&plan)?;
        let (reads, writes) = pipe().ok_or(NO_DESCRIPTORS)?;
        let (writes, socket) = (process::lift(writes), process::lift_copy(socket));
        let descriptors = [(writes, 2), (socket, SOCKET)];
        let environment = Some(&environment[..]);
        let started = spawn(&Start {
            program: &program,
            arguments: &arguments,
            environment,
            descriptors: &descriptors,
            group: true,
        });
        close_descriptor(writes);
        close_descriptor(socket);
        let process = started.inspect_err(|_| close_descriptor(reads))?;
        let (quiet, last_words, doom) = (plan.quiet, VecDeque::new(), Deadline::NEVER);
        self.wards.push(Ward { id, process, errors: reads, quiet, last_words, doom });
        Ok(())
    }

    /// A child is to be killed so many milliseconds from now; `ask`: it and its group are asked to end before. One
    /// that is not there is gone.
    fn doom(&mut self, id: u64, wait_ms: u32, ask: bool) {
        let Some(ward) = self.wards.iter_mut().find(|ward| ward.id == id) else {
            return self.tell(id, &Obituary::UNKNOWN);
        };
        if wait_ms == 0 {
            return ward.kill();
        }
        if ask {
            kill_group(ward.process, false);
        }
        ward.doom = ward.doom.min(Deadline::after_ms(wait_ms));
    }

    /// Collects children that have ended, and kills what they leave.
    fn collect(&mut self) {
        let mut dead = Vec::new();
        while let Some(reaped) = reap(None, false) {
            dead.extend(self.lay_out(&reaped));
        }
        if dead.is_empty() {
            return;
        }
        for _ in 0..ROUNDS {
            let orphans = self.orphans();
            if orphans.is_empty() {
                break;
            }
            for &process in &orphans {
                kill_process(process, true);
            }
            poll_many(&[], 1);
            while let Some(reaped) = reap(None, false) {
                dead.extend(self.lay_out(&reaped));
            }
        }
        for (id, obituary) in dead {
            self.tell(id, &obituary);
        }
    }

    /// A process has ended: if it was a child, how.
    fn lay_out(&mut self, reaped: &Reaped) -> Option<(u64, Obituary)> {
        let at = self.wards.iter().position(|ward| ward.process == reaped.process)?;
        let mut ward = self.wards.swap_remove(at);
        // What it has left may still write there: no more is read than what is there now.
        ward.listen(unread(ward.errors));
        close_descriptor(ward.errors);
        let how = if reaped.by_signal { How::Signal(reaped.value) } else { How::Exit(reaped.value) };
        let last_words = ward.last_words.into();
        Some((ward.id, Obituary { how, process: u64::from(ward.process.cast_unsigned()), last_words }))
    }

    /// Children of this process that are nobody's any more.
    fn orphans(&self) -> Vec<i32> {
        let known = |process: &i32| self.wards.iter().any(|ward| ward.process == *process);
        children().into_iter().filter(|process| !known(process)).collect()
    }

    fn tell(&mut self, id: u64, obituary: &Obituary) {
        self.outgoing.push_back(obituary.write(Writer::default().byte(word::DIED).number(id)).0);
        self.report();
    }

    /// Sends what there is to tell, as far as the host takes it.
    fn report(&mut self) {
        while let Some(message) = self.outgoing.front() {
            if !send(SOCKET, message, &[], false) {
                return;
            }
            self.outgoing.pop_front();
        }
    }

    /// The host is gone: so is everything that was started for it.
    fn end_all(&mut self) {
        for _ in 0..10 * ROUNDS {
            self.wards.iter().for_each(Ward::kill);
            let all = children();
            if all.is_empty() {
                return;
            }
            for process in all {
                kill_process(process, true);
            }
            poll_many(&[], 1);
            while let Some(reaped) = reap(None, false) {
                drop(self.lay_out(&reaped));
            }
        }
    }
}

/// The environment of a child: this process's, with what the plan has instead or besides.
fn environment(plan: &Plan) -> Result<Vec<CString>, i32> {
    use std::os::unix::ffi::OsStringExt;
    let name = |entry: &[u8]| entry.split(|&byte| byte == b'=').next().unwrap_or_default().to_vec();
    let given: Vec<Vec<u8>> = plan.environment.iter().map(|entry| name(entry)).collect();
    let inherited = std::env::vars_os().map(|(name, value)| [name.into_vec(), value.into_vec()].join(&b'='));
    let kept = inherited.filter(|entry| !given.contains(&name(entry)));
    kept.chain(plan.environment.iter().cloned()).map(|entry| CString::new(entry).map_err(|_| NONSENSE)).collect()
}
