//! Threads of the library: named, with every signal blocked, so that the program's handlers run on
//! the program's threads and a broken pipe cannot kill it from here.

use std::{io, mem, ptr, thread};

/// Starts a thread of the library; nobody joins it.
#[cfg(not(call_tsan))]
pub fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let builder = thread::Builder::new().name(name.to_owned());
    with_signals_blocked(|| builder.spawn(run)).map(drop)
}

/// The same where a sanitizer looks on, who would not see how the standard library's threads share
/// what they leave behind for a join.
#[cfg(call_tsan)]
pub fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    extern "C" fn main(first: *mut libc::c_void) -> *mut libc::c_void {
        // SAFETY: the pointer is the one below, handed to this thread alone.
        let (name, run) = *unsafe { Box::from_raw(first.cast::<First>()) };
        // SAFETY: a string of at most 15 bytes and its end.
        unsafe { libc::pthread_setname_np(libc::pthread_self(), name.as_ptr().cast()) };
        run();
        ptr::null_mut()
    }

    let mut short = [0; 16];
    let length = name.len().min(15);
    short[..length].copy_from_slice(&name.as_bytes()[..length]);
    let first: *mut First = Box::into_raw(Box::new((short, Box::new(run))));
    let mut thread = mem::MaybeUninit::uninit();
    // SAFETY: the thread takes the box over if it starts, and is detached: nobody joins it.
    unsafe {
        let error = with_signals_blocked(|| libc::pthread_create(thread.as_mut_ptr(), ptr::null(), main, first.cast()));
        if error != 0 {
            drop(Box::from_raw(first));
            return Err(io::Error::from_raw_os_error(error));
        }
        libc::pthread_detach(thread.assume_init());
    }
    Ok(())
}

/// Its name, and what it runs.
#[cfg(call_tsan)]
type First = ([u8; 16], Box<dyn FnOnce() + Send>);

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
