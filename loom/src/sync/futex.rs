//! Threads, and sleeping on a word: which threads sleep is known outside the model, as the kernel
//! knows it. A thread that sleeps when no other can go on is a deadlock, which loom reports.

use super::{AtomicU32, Ordering};
use crate::time::{self, Deadline};
use loom::thread::{self, Thread, ThreadId};
use std::cell::{Cell, RefCell};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

#[derive(PartialEq, Eq, Debug, Clone, Copy)]
pub enum Wake {
    Look,
    TimedOut,
}

std::thread_local! {
    static SLEEPERS: RefCell<Vec<(usize, Thread)>> = const { RefCell::new(Vec::new()) };
    static SLEEPS: RefCell<Vec<ThreadId>> = const { RefCell::new(Vec::new()) };
    static OVER: Cell<bool> = const { Cell::new(false) };
}

/// What ends a thread of the library's that would sleep for good.
struct Over;

pub fn forget() {
    SLEEPERS.take();
    SLEEPS.take();
    OVER.set(false);
}

/// How often this thread slept so far, and how often others did.
pub fn sleeps() -> (u32, u32) {
    let me = thread::current().id();
    SLEEPS.with_borrow(|sleeps| {
        let mine = sleeps.iter().filter(|thread| **thread == me).count();
        (mine as u32, (sleeps.len() - mine) as u32)
    })
}

/// How many threads sleep now.
pub fn sleepers() -> u32 {
    SLEEPERS.with_borrow(Vec::len) as u32
}

/// Ends the library's threads when they sleep.
pub fn model_is_over() {
    OVER.set(true);
    wake_where(usize::MAX, |_| true);
}

/// A sleep with an end is over at once: what others do before that end, they have done before the
/// sleep in another order of the threads.
pub fn wait(word: &AtomicU32, seen: u32, deadline: Deadline) -> Wake {
    // The kernel looks at the word itself, not at what this thread knows of it.
    if newest(word) != seen {
        return Wake::Look;
    }
    end_if_over();
    if deadline != Deadline::NEVER {
        time::advance_to(deadline);
        return Wake::TimedOut;
    }
    SLEEPS.with_borrow_mut(|sleeps| sleeps.push(thread::current().id()));
    SLEEPERS.with_borrow_mut(|sleepers| sleepers.push((address(word), thread::current())));
    thread::park();
    end_if_over();
    Wake::Look
}

fn end_if_over() {
    if OVER.get() {
        resume_unwind(Box::new(Over));
    }
}

pub fn wake_one(word: &AtomicU32) {
    newest(word);
    wake_where(1, |at| at == address(word));
}

pub fn wake_all(word: &AtomicU32) {
    newest(word);
    wake_where(usize::MAX, |at| at == address(word));
}

/// What an exchange finds, which is the newest value. Loom switches threads before it, and not
/// between it and the next use of an atomic.
fn newest(word: &AtomicU32) -> u32 {
    word.compare_exchange(u32::MAX, u32::MAX, Ordering::Relaxed, Ordering::Relaxed).unwrap_or_else(|value| value)
}

fn address(word: &AtomicU32) -> usize {
    word.as_ptr().addr()
}

fn wake_where(most: usize, woken: impl Fn(usize) -> bool) {
    let mut left = most;
    let mut wakes = |at: usize| {
        let wakes = left > 0 && woken(at);
        left -= usize::from(wakes);
        wakes
    };
    let all = SLEEPERS.take();
    let (up, asleep): (Vec<_>, Vec<_>) = all.into_iter().partition(|(at, _)| wakes(*at));
    SLEEPERS.set(asleep);
    for (_, thread) in up {
        thread.unpark();
    }
}

/// Starts a thread of the library's.
pub fn spawn(_: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::spawn(move || {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(run))
            && !panic.is::<Over>()
        {
            resume_unwind(panic);
        }
    });
    Ok(())
}
