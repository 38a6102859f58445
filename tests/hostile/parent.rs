//! A child with the library's own code, and a host that writes what it likes: each run forks a process that serves,
//! and plays its host. However that process ends, it is by itself.
#![allow(clippy::undocumented_unsafe_blocks, reason = "each pointer is to a value or buffer of the function")]

use super::Checked;
use super::bindings::*;
use super::cue::{Cue, message};
use super::system::{self, Mapping, comes_about, doze, wake};
use call::channel::{LENGTH, Plan, ToChild, ToHost, word};
use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::Ordering::SeqCst;

const ROOM: usize = LENGTH - (1 << 16);
/// What is added to the status of a process that ends by itself; nothing else ends with such a status.
const BY_ITSELF: c_int = 0x40;
/// The statuses: served, refused, and that the host is not what it should be.
const STATUSES: [c_int; 3] = [0, 1, 3];
const METHODS: u32 = 6;

unsafe extern "C-unwind" fn serve(
    _: *mut c_void,
    context: call_context_t,
    method: u32,
    input: *const c_void,
    len: usize,
) -> call_hresult_t {
    let bytes = if len == 0 { &[][..] } else { unsafe { std::slice::from_raw_parts(input.cast::<u8>(), len) } };
    // The host may write to it at any time; whatever it is, it is there.
    let sum = std::hint::black_box(bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)));
    match method {
        0 => unsafe { call_context_write(context, input, len) },
        1 => {
            let output = vec![sum; Cue::length(sum)];
            unsafe { call_context_write(context, output.as_ptr().cast(), output.len()) }
        }
        2 => call_context_wait_cancel(context, 2),
        3 => {
            let entered = call_context_disable_cancel(context);
            let _ = call_context_wait_cancel(context, 1);
            if entered < 0 { entered } else { call_context_enable_cancel(context) }
        }
        4 => {
            let _ = call_context_set_progress(context, sum.into(), 9);
            let _ = unsafe { call_context_set_error(context, c"as it was told".as_ptr()) };
            E_FAIL
        }
        _ => call_context_test_cancel(context),
    }
}

unsafe extern "C-unwind" fn register(module: call_module_t) -> call_hresult_t {
    let names = [c"a", c"b", c"c", c"d", c"e", c"f"].map(std::ffi::CStr::as_ptr);
    let class = call_class_t {
        size: size_of::<call_class_t>(),
        methods: names.as_ptr(),
        method_count: METHODS,
        flags: 0,
        invoke: Some(serve),
        begin: None,
        cancel: None,
        destroy: None,
    };
    unsafe { call_module_register(module, c"Good".as_ptr(), &raw const class, None, ptr::null_mut()) }
}

unsafe extern "C" {
    fn on_exit(function: extern "C" fn(c_int, *mut c_void), argument: *mut c_void) -> c_int;
}

extern "C" fn end_by_itself(status: c_int, _: *mut c_void) {
    unsafe { libc::_exit(BY_ITSELF + status) }
}

/// The life of the process that serves.
fn be_a_child(socket: i32) -> ! {
    unsafe {
        on_exit(end_by_itself, ptr::null_mut());
        let served = call_host_serve(socket, Some(register));
        assert_ne!(served, E_UNEXPECTED, "a panic");
        libc::exit(c_int::from(served < 0));
    }
}

/// The host of a process.
struct Host {
    socket: i32,
    own: Mapping,
    theirs: Mapping,
    files: [i32; 2],
    turn: u32,
    room: u32,
}

/// The plan, and how it is spoiled.
fn plan(cue: Cue) -> Vec<u8> {
    let class = if cue.0[1] == 1 { &b"Bad"[..] } else { b"Good" };
    let plan = Plan { program: b"/p".to_vec(), class: class.to_vec(), descriptors: 64, ..Plan::default() };
    let mut bytes = plan.write();
    match cue.0[0] % 16 {
        12 => bytes.truncate(cue.0[2] as usize % bytes.len() + 1),
        13 => {
            let at = cue.0[2] as usize % bytes.len();
            bytes[at] = cue.0[3];
        }
        14 => {
            let at = cue.0[2] as usize % (bytes.len() - 8);
            bytes[at..at + 8].fill(cue.0[3]);
        }
        _ => {}
    }
    // A process of so little would end for that.
    match Plan::read(&bytes) {
        Some(read) if read.memory != 0 || read.cpu != 0 => plan.write(),
        _ => bytes,
    }
}

impl Host {
    /// Tells the child what it is to be, right or wrong.
    fn of(socket: i32, how: [Cue; 2]) -> Self {
        let seals = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW;
        let [kind, ..] = how[1].0;
        let other = Cue::length(how[1].0[1]);
        let files = [
            system::memory(if kind == 1 { other } else { LENGTH }, if kind == 2 { 0 } else { seals }),
            system::memory(if kind == 3 { other } else { LENGTH }, if kind == 4 { 0 } else { seals }),
        ];
        let plan = plan(how[0]);
        let plan_file = system::memory(plan.len(), if kind == 5 { 0 } else { seals });
        // What is too short, or will be, is not written to here.
        let map = |file| {
            let file = if (1..5).contains(&kind) { system::memory(LENGTH, seals) } else { file };
            let mapping = Mapping::of(file, LENGTH, true).expect("what was just made");
            if (1..5).contains(&kind) {
                system::close(file);
            }
            mapping
        };
        if let Some(mapping) = Mapping::of(plan_file, plan.len(), true) {
            mapping.put(0, &plan);
        }
        let said = match kind {
            6 => how[1].long_value(0),
            _ => plan.len() as u64,
        };
        let mut setup = message(if kind == 7 { how[1].0[1] } else { word::SETUP }, &[said]);
        if kind == 8 {
            setup.truncate(how[1].0[1] as usize % 9 + 1);
        }
        let nothing = system::nothing();
        let all = [plan_file, files[0], files[1], nothing, nothing, plan_file];
        let given = match kind {
            9 => &all[..how[1].0[1] as usize % 7],
            10 => &all[1..4],
            11 => &all[2..5],
            _ => &all[..3],
        };
        system::send(socket, &setup, given);
        system::close(plan_file);
        system::close(nothing);
        Self { socket, own: map(files[0]), theirs: map(files[1]), files, turn: 0, room: 0 }
    }

    fn words(&self) -> &ToChild {
        self.own.words()
    }

    /// A request as it should be, but for what the cue says.
    fn ask(&mut self, cue: Cue) {
        let [_, method, len, other] = cue.0;
        self.turn = self.turn.wrapping_add(1) & 0x7FFF_FFFF;
        let words = self.words();
        words.method.store(u32::from(method) % (METHODS + 1), SeqCst);
        words.room.store(self.room, SeqCst);
        words.length.store(Cue::length(len).min(1 << 16) as u64, SeqCst);
        words.deadline.store(if other & 7 == 7 { cue.long_value(0) } else { 0 }, SeqCst);
        words.turn.store(self.turn, SeqCst);
        wake(&words.turn);
    }

    /// Gives it a moment to answer.
    fn listen(&self) {
        let theirs: &ToHost = self.theirs.words();
        for _ in 0..4 {
            let bell = theirs.bell.load(SeqCst);
            if theirs.answered.load(SeqCst) == self.turn {
                return;
            }
            self.words().waiting.store(1, SeqCst);
            doze(&theirs.bell, bell);
        }
    }

    fn play(&mut self, cue: Cue) {
        let [what, first, ..] = cue.0;
        let (words, turn) = (self.words(), self.turn);
        let short = [&words.turn, &words.canceled, &words.waiting, &words.grace_ms, &words.method, &words.room];
        let long = [&words.length, &words.deadline];
        match what % 20 {
            0..5 => {
                self.ask(cue);
                self.listen();
            }
            5 | 6 => self.ask(cue),
            7 | 8 => {
                words.grace_ms.store(u32::from(cue.0[2]) % 4, SeqCst);
                words.canceled.store(turn << 1 | u32::from(first & 1), SeqCst);
                wake(&words.canceled);
            }
            9 | 10 => short[first as usize % short.len()].store(cue.value(turn), SeqCst),
            11 => long[first as usize % long.len()].store(cue.long_value(turn), SeqCst),
            12 => {
                wake(&words.turn);
                wake(&words.canceled);
            }
            13 => {
                let (room, files) = cue.room(self.room.wrapping_add(1));
                system::send(self.socket, &room, &files);
                files.into_iter().for_each(system::close);
                self.room = self.room.wrapping_add(1);
            }
            14 => drop(system::send(self.socket, &cue.garbage(), &self.files[..first as usize % 3])),
            15 => self.make_noise(cue),
            16 => {
                let theirs: &ToHost = self.theirs.words();
                theirs.rare.barrier.store(cue.value(turn), SeqCst);
            }
            17 => self.own.fill(ROOM, Cue::length(first), cue.0[2]),
            18 if first % 8 == 0 => system::shut(self.socket),
            18 => self.files.into_iter().for_each(system::shrink),
            _ => self.listen(),
        }
    }

    /// Any of its words, in any order, and of the child's.
    fn make_noise(&self, cue: Cue) {
        let mut random = u64::from(u32::from_le_bytes(cue.0));
        let (whose, count) = if cue.0[1] & 1 == 0 {
            (&self.own, size_of::<ToChild>() / 4)
        } else {
            (&self.theirs, size_of::<ToHost>() / 4)
        };
        for _ in 0..=cue.0[1] {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            whose.word((random >> 20) as usize % count).store((random >> 33) as u32, SeqCst);
        }
    }
}

/// Plays a run.
pub fn run(bytes: &[u8]) -> Checked {
    let [ours, theirs] = system::pair(false);
    let process = unsafe { libc::fork() };
    if process == 0 {
        system::close(ours);
        be_a_child(theirs);
    }
    system::close(theirs);
    let cues = Cue::all(bytes, 82);
    let cue = |at: usize| cues.get(at).copied().unwrap_or(Cue([0; 4]));
    let mut host = Host::of(ours, [cue(0), cue(1)]);
    for &cue in cues.iter().skip(2) {
        host.play(cue);
    }
    let outcome = see_it_end(process, &host, cue(1).0[3] & 1 == 0);
    host.files.into_iter().for_each(system::close);
    outcome
}

/// The host goes; so does the child, by itself.
fn see_it_end(process: i32, host: &Host, says_so: bool) -> Checked {
    if says_so {
        host.words().over.store(1, SeqCst);
        host.words().turn.fetch_xor(1 << 31, SeqCst);
    }
    system::close(host.socket);
    let mut status = 0;
    let ended = comes_about(|| {
        wake(&host.words().turn);
        unsafe { libc::waitpid(process, &raw mut status, libc::WNOHANG) == process }
    });
    if !ended {
        unsafe { libc::kill(process, libc::SIGKILL) };
        unsafe { libc::waitpid(process, &raw mut status, 0) };
        return Err("a child without a host does not end".to_owned());
    }
    let by_itself = libc::WIFEXITED(status) && STATUSES.contains(&(libc::WEXITSTATUS(status) - BY_ITSELF));
    if by_itself { Ok(()) } else { Err(format!("the child ended with the status 0x{status:X}")) }
}
