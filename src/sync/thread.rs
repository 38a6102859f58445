//! Threads of the library: named, with every signal blocked, so that the program's handlers run on
//! the program's threads and a broken pipe cannot kill it from here.

use std::{io, mem, ptr, thread};

/// Starts a thread of the library; nobody joins it.
pub fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let builder = thread::Builder::new().name(name.to_owned());
    with_signals_blocked(|| builder.spawn(run)).map(drop)
}

/// A new thread inherits the mask of the one that starts it.
fn with_signals_blocked<T>(run: impl FnOnce() -> T) -> T {
    // SAFETY: the sets are plain data, filled before they are read.
    unsafe {
        let mut all: libc::sigset_t = mem::zeroed();
        let mut before: libc::sigset_t = mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
        let value = run();
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, ptr::null_mut());
        value
    }
}

/// How many CPUs the program may use; at least one.
pub fn online_cpus() -> u32 {
    thread::available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(u32::MAX))
}
