//! The supervisor as this process sees it: one thread that hears of every death, and keeps the pools in shape.

use super::obituary::Obituary;
use super::pool::Pool;
use super::wire::{Reader, Writer};
use super::{HOST, PROTOCOL, SOCKET, VERSION, word};
use crate::hresult::{CO_E_SERVER_EXEC_FAILURE, Complaint, Failure};
use crate::monitor;
use crate::process::{self, Start, milliseconds_to, own_folder, pair, poll_many, receive, send, spawn, watch_process};
use crate::signal::Kept;
use crate::sync::{
    Arc, AtomicU32, AtomicU64, Global, Mutex, Ordering, Weak, clear_descriptor, close_descriptor, lock,
    open_descriptor, raise_descriptor, wake_all,
};
use crate::time::Deadline;
use std::collections::HashMap;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;

/// See the module.
pub struct Warden {
    socket: Kept,
    /// Readable while the pools are to be looked after.
    errand: Kept,
    lives: Mutex<HashMap<u64, Arc<Life>>>,
    /// 1: the supervisor is gone.
    gone: AtomicU32,
}

/// Whether a child lives.
pub struct Life {
    pub id: u64,
    /// 0: as far as is known.
    dead: AtomicU32,
    obituary: Mutex<Option<Obituary>>,
}

impl Life {
    pub fn is_over(&self) -> bool {
        self.dead.load(Ordering::SeqCst) != 0
    }

    /// What who waits for its end sleeps on.
    pub fn word(&self) -> &AtomicU32 {
        &self.dead
    }

    pub fn obituary(&self) -> Obituary {
        lock(&self.obituary).clone().unwrap_or(Obituary::UNKNOWN)
    }

    fn end(&self, obituary: Obituary) {
        *lock(&self.obituary) = Some(obituary);
        self.dead.store(1, Ordering::SeqCst);
        wake_all(&self.dead);
    }
}

/// What the process has of wardens.
struct Office {
    desk: Mutex<Desk>,
    pools: Mutex<Vec<Weak<Pool>>>,
}

#[derive(Default)]
struct Desk {
    current: Option<Arc<Warden>>,
    attempts: Vec<Arc<Attempt>>,
}

impl Desk {
    fn current(&self) -> Option<Arc<Warden>> {
        self.current.as_ref().filter(|warden| warden.gone.load(Ordering::SeqCst) == 0).cloned()
    }
}

/// A supervisor that is being started out of that program, and what came of it. Whoever wants one of the same program
/// waits for this one, by the lock; nobody else does.
struct Attempt {
    host: CString,
    outcome: Mutex<Option<Result<Arc<Warden>, Complaint>>>,
}

static OFFICE: Global<Office> = Global::new();
/// The numbers of children, over the whole life of the process.
static NUMBERS: AtomicU64 = AtomicU64::new(1);

/// In the child of a fork: the supervisor is the parent's, and its socket is closed here.
pub fn forget() {
    OFFICE.forget();
}

fn office() -> &'static Office {
    OFFICE.get_or_make(|| Office { desk: Mutex::new(Desk::default()), pools: Mutex::new(Vec::new()) })
}

const NAME: &str = "call-host";

/// The program that supervises and serves: beside the file that this code is in, or where it is installed.
pub fn host_program() -> Result<CString, Complaint> {
    let folder = own_folder();
    let places = folder.iter().flat_map(|folder| {
        [
            folder.join(NAME),
            folder.join("../libexec/libcall").join(NAME),
            folder.join("../../libexec/libcall").join(NAME),
        ]
    });
    let found = places.into_iter().find(|place| place.is_file());
    let name = found.and_then(|place| CString::new(place.as_os_str().as_bytes()).ok());
    name.ok_or_else(|| {
        let folder = folder.unwrap_or_default();
        Complaint::new(
            CO_E_SERVER_EXEC_FAILURE,
            format!("there is no {NAME} beside the library, in {}", folder.display()),
        )
    })
}

fn no_supervisor(why: &str) -> Complaint {
    Complaint::new(CO_E_SERVER_EXEC_FAILURE, format!("no supervisor: {why}"))
}

/// How long a supervisor may take to say that it is there, in milliseconds.
const PATIENCE: u32 = 20_000;

/// The supervisor, started if there is none.
pub fn warden(host: &CString) -> Result<Arc<Warden>, Complaint> {
    let attempt = {
        let mut desk = lock(&office().desk);
        if let Some(current) = desk.current() {
            return Ok(current);
        }
        let same = desk.attempts.iter().find(|attempt| attempt.host == *host).cloned();
        same.unwrap_or_else(|| {
            desk.attempts.push(Arc::new(Attempt { host: host.clone(), outcome: Mutex::new(None) }));
            Arc::clone(&desk.attempts[desk.attempts.len() - 1])
        })
    };
    let mut outcome = lock(&attempt.outcome);
    if let Some(outcome) = outcome.as_ref() {
        return outcome.clone();
    }
    let made = start(host).and_then(engage);
    *outcome = Some(made.clone());
    lock(&office().desk).attempts.retain(|other| !Arc::ptr_eq(other, &attempt));
    made
}

/// Makes it the one of this process, unless another program's was sooner.
fn engage(warden: Arc<Warden>) -> Result<Arc<Warden>, Complaint> {
    let mut desk = lock(&office().desk);
    if let Some(current) = desk.current() {
        return Ok(current);
    }
    let mine = Arc::clone(&warden);
    monitor::spawn("call warden", move || mine.watch()).map_err(|_| no_supervisor("no thread to talk to it"))?;
    desk.current = Some(Arc::clone(&warden));
    Ok(warden)
}

fn start(host: &CString) -> Result<Arc<Warden>, Complaint> {
    let none = |failure: Failure| Complaint::from(failure);
    let (ours, theirs) = pair().ok_or_else(|| no_supervisor("no socket"))?;
    let ours = Kept::new(ours).map_err(none)?;
    let theirs = Kept::new(process::lift(theirs)).map_err(none)?;
    let errand = open_descriptor().map(process::off_streams).ok_or_else(|| no_supervisor("no descriptor"))?;
    let errand = Kept::new(errand).map_err(none)?;
    let me = watch_process(process::process_id()).map(process::lift).ok_or_else(|| no_supervisor("no descriptor"))?;
    let arguments = [host.clone(), c"--supervise".to_owned()];
    let descriptors = &[(theirs.number(), SOCKET), (me, HOST)];
    let started = spawn(&Start { program: host, arguments: &arguments, environment: None, descriptors, group: true });
    close_descriptor(me);
    drop(theirs);
    let heard = started.map_err(|error| std::io::Error::from_raw_os_error(error).to_string()).and_then(|first| {
        let patience = Deadline::after_ms(PATIENCE);
        let heard = await_hello(ours.number(), patience);
        // It starts the supervisor, which so is no child of ours, and ends.
        process::await_child(first, if heard.is_ok() { patience } else { Deadline::after_ms(0) });
        heard
    });
    heard.map_err(|why| no_supervisor(&format!("{}: {why}", host.to_string_lossy())))?;
    let (lives, gone) = (Mutex::new(HashMap::new()), AtomicU32::new(0));
    Ok(Arc::new(Warden { socket: ours, errand, lives, gone }))
}

/// Waits until who was started has said that it supervises, and talks as this library does; or says why not.
fn await_hello(socket: i32, patience: Deadline) -> Result<(), String> {
    while !poll_many(&[socket], milliseconds_to(patience))[0] {
        if patience.passed() {
            return Err(format!("it has said nothing for {} seconds", PATIENCE / 1000));
        }
    }
    let mut bytes = [0; 256];
    let received = receive(socket, &mut bytes, false).filter(|received| received.len > 0);
    let received = received.ok_or("it went without a word")?;
    received.descriptors.into_iter().for_each(close_descriptor);
    let mut reader = Reader(&bytes[..received.len.min(bytes.len())]);
    match (reader.byte(), reader.number(), reader.text()) {
        (Some(word::HELLO), Some(PROTOCOL), _) => Ok(()),
        (Some(word::HELLO), Some(protocol), Some(version)) => {
            let version = String::from_utf8_lossy(version);
            Err(format!("it is of libcall {version}, protocol {protocol}, and this is {VERSION}, protocol {PROTOCOL}"))
        }
        _ => Err("it is no supervisor".to_owned()),
    }
}

impl Warden {
    /// Has a child started, with the other end of its socket.
    pub fn spawn(&self, plan: (i32, u64), socket: i32) -> Arc<Life> {
        let id = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let life = Arc::new(Life { id, dead: AtomicU32::new(0), obituary: Mutex::new(None) });
        lock(&self.lives).insert(id, Arc::clone(&life));
        let message = Writer::default().byte(word::SPAWN).number(id).number(plan.1).0;
        let sent = send(self.socket.number(), &message, &[plan.0, socket], true);
        if !sent || self.gone.load(Ordering::SeqCst) != 0 {
            self.bury(id, Obituary::UNKNOWN);
        }
        life
    }

    /// Has it asked to end, and killed so many milliseconds later.
    pub fn kill(&self, life: &Life, wait_ms: u32) {
        let message = Writer::default().byte(word::KILL).number(life.id).number(wait_ms.into()).0;
        send(self.socket.number(), &message, &[], true);
    }

    /// It was told to go.
    pub fn retire(&self, life: &Life) {
        let message = Writer::default().byte(word::RETIRE).number(life.id).0;
        send(self.socket.number(), &message, &[], true);
    }

    /// Somebody should look after the pools.
    pub fn send_errand(&self) {
        raise_descriptor(self.errand.number());
    }

    fn bury(&self, id: u64, obituary: Obituary) {
        let life = lock(&self.lives).remove(&id);
        if let Some(life) = life {
            life.end(obituary);
        }
    }

    /// The thread's life.
    fn watch(&self) {
        let mut bytes = vec![0; 8192];
        let mut next = Deadline::NEVER;
        loop {
            let ready = poll_many(&[self.socket.number(), self.errand.number()], milliseconds_to(next));
            if ready[0] {
                match receive(self.socket.number(), &mut bytes, false) {
                    Some(received) if received.len == 0 => break,
                    Some(received) => self.hear(&bytes[..received.len.min(bytes.len())]),
                    None => {}
                }
            }
            if ready[1] || next.passed() {
                clear_descriptor(self.errand.number());
                next = look_after_pools();
            }
        }
        self.gone.store(1, Ordering::SeqCst);
        let all: Vec<u64> = lock(&self.lives).keys().copied().collect();
        for id in all {
            self.bury(id, Obituary::UNKNOWN);
        }
    }

    fn hear(&self, message: &[u8]) {
        let mut reader = Reader(message);
        if let (Some(word::DIED), Some(id)) = (reader.byte(), reader.number()) {
            self.bury(id, Obituary::read(&mut reader).unwrap_or(Obituary::UNKNOWN));
        }
    }
}

/// From now on somebody looks after that pool.
pub fn look_after(pool: &Arc<Pool>) {
    lock(&office().pools).push(Arc::downgrade(pool));
}

/// Gives the time of the next look.
fn look_after_pools() -> Deadline {
    let pools = {
        let mut pools = lock(&office().pools);
        pools.retain(|pool| pool.strong_count() > 0);
        pools.clone()
    };
    let look = |pool: Arc<Pool>| pool.look_after();
    pools.iter().filter_map(Weak::upgrade).map(look).min().unwrap_or(Deadline::NEVER)
}
