//! The threads that programs run on, and the guard against hanging.

use std::io::Write as _;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take before it counts as hanging.
fn guard() -> Duration {
    static GUARD: OnceLock<Duration> = OnceLock::new();
    *GUARD.get_or_init(|| {
        let seconds = std::env::var("CALL_HANG_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
        Duration::from_secs(seconds.unwrap_or(100))
    })
}

type Job = Box<dyn FnOnce() + Send>;

/// What runs now, for the report of a hang.
static RUNNING: Mutex<String> = Mutex::new(String::new());

/// Notes what runs now.
pub fn note(what: String) {
    *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = what;
}

/// Nothing goes on: threads cannot be taken back, so the process ends here.
pub fn hang(what: &str) -> ! {
    let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    // Past the test harness, which would keep it.
    let _ = writeln!(std::io::stderr(), "HANG: {what}\nin {running}");
    std::process::abort()
}

/// Waits for something that is bound to come.
pub fn until(what: impl Fn() -> String, ready: impl Fn() -> bool) {
    let start = Instant::now();
    let mut looks = 0_u32;
    while !ready() {
        looks += 1;
        if looks < 200 {
            thread::yield_now();
        } else {
            thread::sleep(Duration::from_micros(50));
            if start.elapsed() > guard() {
                hang(&what());
            }
        }
    }
}

fn actors() -> &'static [Sender<Job>] {
    static ACTORS: OnceLock<Vec<Sender<Job>>> = OnceLock::new();
    ACTORS.get_or_init(|| {
        let start = |_| {
            let (sender, jobs) = channel::<Job>();
            thread::spawn(move || jobs.into_iter().for_each(|job| job()));
            sender
        };
        (0..=super::program::ACTORS).map(start).collect()
    })
}

/// Gives an actor's thread something to run; the answer comes through what is returned.
pub fn send<T: Send + 'static>(actor: usize, run: impl FnOnce() -> T + Send + 'static) -> impl FnOnce() -> T {
    let (sender, answer) = channel();
    let job = move || {
        let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
        // Nobody listens when the program has failed already.
        let _ = sender.send(ran);
    };
    let sent = actors()[actor].send(Box::new(job));
    assert!(sent.is_ok(), "actors live as long as the process");
    move || match answer.recv_timeout(guard()) {
        Ok(Ok(value)) => value,
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(RecvTimeoutError::Timeout) => hang("a function does not return"),
        Err(RecvTimeoutError::Disconnected) => unreachable!("the job sends or the actor is gone"),
    }
}

/// Runs something on an actor's thread.
pub fn on<T: Send + 'static>(actor: usize, run: impl FnOnce() -> T + Send + 'static) -> T {
    send(actor, run)()
}
