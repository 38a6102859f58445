//! What every entry does: a panic becomes a code, an immediate failure is remembered for the
//! thread, pointers are checked.

use crate::hresult::{Complaint, E_POINTER, E_UNEXPECTED, Failure, Hresult, Outcome, RPC_S_CALLPENDING};
use crate::unwind;
use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_char, c_void};

thread_local! {
    /// This thread's last immediate failure, until it is read.
    static LAST: Cell<Option<Failure>> = const { Cell::new(None) };
    /// What it says in its own words, if it does.
    static WORDS: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs an entry whose failures have words of their own.
pub fn guard_with_words(run: impl FnOnce() -> Result<Hresult, Complaint>) -> i32 {
    let mut words = None;
    let code = guard(|| {
        run().map_err(|complaint| {
            words = Some(complaint.text);
            complaint.code.into()
        })
    });
    if words.is_some() {
        WORDS.set(words);
    }
    code
}

/// The words of the last failure, if it has its own.
pub fn with_words<T>(look: impl FnOnce(Option<&str>) -> T) -> T {
    WORDS.with_borrow(|words| look(words.as_deref()))
}

/// Runs an entry and gives its code.
#[inline]
pub fn guard(run: impl FnOnce() -> Outcome) -> i32 {
    match unwind::catch(run) {
        Ok(Ok(code)) => code.0,
        Ok(Err(failure)) => remember(failure),
        Err(_) => remember(Failure::because(E_UNEXPECTED, "a defect of the library")),
    }
}

/// As [`guard`], for what a signal handler may call: nothing is remembered.
pub fn guard_in_signal(run: impl FnOnce() -> Outcome) -> i32 {
    match unwind::catch(run) {
        Ok(outcome) => outcome.map_or_else(|failure| failure.code.0, |code| code.0),
        Err(_) => E_UNEXPECTED.0,
    }
}

#[cold]
fn remember(failure: Failure) -> i32 {
    if failure.code != RPC_S_CALLPENDING {
        LAST.set(Some(failure));
        WORDS.set(None);
    }
    failure.code.0
}

/// The thread's last immediate failure; it stays.
pub fn last() -> Option<Failure> {
    LAST.get()
}

/// Forgets the thread's last immediate failure.
pub fn forget_last() {
    LAST.set(None);
    WORDS.set(None);
}

/// An output pointer, cleared.
///
/// # Safety
/// `out` is NULL or writable.
pub unsafe fn clear<'a, T: Default>(out: *mut T) -> Result<&'a mut T, Failure> {
    if out.is_null() {
        return Err(Failure::because(E_POINTER, "an output pointer is NULL"));
    }
    // SAFETY: not NULL, and the caller's promise.
    unsafe {
        out.write(T::default());
        Ok(&mut *out)
    }
}

/// Input bytes.
///
/// # Safety
/// `data` is NULL or points to `len` readable bytes.
pub unsafe fn input<'a>(data: *const c_void, len: usize) -> Result<&'a [u8], Failure> {
    if len == 0 {
        return Ok(&[]);
    }
    if data.is_null() || isize::try_from(len).is_err() {
        return Err(Failure::because(E_POINTER, "a buffer is NULL, but its length is not 0"));
    }
    // SAFETY: not NULL, a possible length, and the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(data.cast(), len) })
}

/// A text of the program.
///
/// # Safety
/// `text` is NULL or points to characters up to a NUL.
pub unsafe fn text<'a>(text: *const c_char) -> Result<&'a CStr, Failure> {
    if text.is_null() {
        return Err(Failure::because(E_POINTER, "a text is NULL"));
    }
    // SAFETY: not NULL, and the caller's promise.
    Ok(unsafe { CStr::from_ptr(text) })
}
