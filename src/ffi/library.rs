//! The library itself: version, codes, the thread's last failure.

use super::guard::{forget_last, guard, guard_in_signal, last, with_words};
use super::types::call_hresult_t;
use crate::apartment;
use crate::fork;
use crate::hresult::{CALL_E_MORE_DATA, E_POINTER, Failure, Hresult, S_FALSE, S_OK};
use std::ffi::c_char;

/// The version of the loaded library, packed as `CALL_VERSION`.
///
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn call_version() -> u32 {
    const fn number(digits: &str) -> u32 {
        let (digits, mut at, mut value) = (digits.as_bytes(), 0, 0);
        while at < digits.len() {
            value = value * 10 + (digits[at] - b'0') as u32;
            at += 1;
        }
        value
    }
    const MAJOR: u32 = number(env!("CARGO_PKG_VERSION_MAJOR"));
    const MINOR: u32 = number(env!("CARGO_PKG_VERSION_MINOR"));
    const PATCH: u32 = number(env!("CARGO_PKG_VERSION_PATCH"));
    MAJOR << 16 | MINOR << 8 | PATCH
}

/// The name of a code's macro, such as "`RPC_E_CALL_CANCELED`"; "unknown HRESULT" for a code that is
/// not in this header.
///
/// Threads: any. Blocks: no. Ownership: the text is the library's, and stays.
#[unsafe(no_mangle)]
pub extern "C" fn call_hresult_name(code: call_hresult_t) -> *const c_char {
    Hresult(code).row().map_or(c"unknown HRESULT".as_ptr(), |row| row.for_c.0.as_ptr().cast())
}

/// One sentence that says what a code means; for a code that is not in this header, that it is
/// unknown.
///
/// Threads: any. Blocks: no. Ownership: the text is the library's, and stays.
#[unsafe(no_mangle)]
pub extern "C" fn call_hresult_message(code: call_hresult_t) -> *const c_char {
    let unknown = c"A code that this library does not know.";
    Hresult(code).row().map_or(unknown.as_ptr(), |row| row.for_c.1.as_ptr().cast())
}

/// The calling thread's last immediate failure: its code, and a message that says what it was
/// about. Reading moves it out. Successes and `RPC_S_CALLPENDING` leave it as it is, and so do
/// `call_request_cancel` and this function.
///
/// `len_out` gets the message's length with its NUL. Each pointer may be NULL, `message_out` with cap
/// 0: then the code alone is read, and the message is let go.
///
/// Threads: any; each has its own. Blocks: no.
///
/// Returns `S_OK`: there it is. `S_FALSE`: there is none (code `S_OK`, an empty message).
/// `CALL_E_MORE_DATA`: cap is too small for the message, the needed size is in `len_out`, nothing was
/// moved. `E_POINTER`: `message_out` is NULL, but cap is not 0.
///
/// # Safety
/// `message_out` is NULL or points to cap writable bytes; the others are NULL or writable.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_get_last_error(
    code_out: *mut call_hresult_t,
    message_out: *mut c_char,
    cap: usize,
    len_out: *mut usize,
) -> call_hresult_t {
    guard_in_signal(|| {
        // SAFETY: the caller's promise.
        unsafe { put(code_out, S_OK.0) };
        let failure = last();
        let text = failure.map_or("", Failure::text);
        // SAFETY: the caller's promise.
        let copy = |text: &str| unsafe { copy_text(text, message_out, cap, len_out) };
        match with_words(|words| copy(words.unwrap_or(text))) {
            Err(refused) if refused.code == CALL_E_MORE_DATA && message_out.is_null() && len_out.is_null() => {}
            copied => copied?,
        }
        // SAFETY: the caller's promise.
        unsafe { put(code_out, failure.map_or(S_OK.0, |failure| failure.code.0)) };
        forget_last();
        Ok(if failure.is_some() { S_OK } else { S_FALSE })
    })
}

/// Ends what is in progress, at the end of a program or of its use of the library: every apartment is
/// closed, queued calls end with `RPC_E_DISCONNECTED` and never start, all others are canceled with the
/// timeout as their grace period and then abandoned (a method that answers in time gives its own result). Handles stay valid and are released as ever; objects
/// made afterwards live in apartments made afterwards. Inside a method it does not wait. The end of the
/// process needs none of this: it is never delayed by the library.
///
/// `remaining_out` gets the number of methods that still run; it may be NULL.
///
/// Threads: any. Blocks: until no method runs, and up to `timeout_ms` milliseconds; `CALL_INFINITE` without
/// end.
///
/// Returns `S_OK`: no method runs. `S_FALSE`: some do. `RPC_E_OUT_OF_RESOURCES`: the thread that ends grace
/// periods could not be started; nothing was ended.
///
/// # Safety
/// `remaining_out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_shutdown(timeout_ms: u32, remaining_out: *mut u32) -> call_hresult_t {
    guard(|| {
        // SAFETY: the caller's promise.
        unsafe { put(remaining_out, 0) };
        fork::watch();
        let remaining = apartment::shutdown(timeout_ms)?;
        // SAFETY: as above.
        unsafe { put(remaining_out, remaining) };
        Ok(if remaining == 0 { S_OK } else { S_FALSE })
    })
}

/// Writes to an output that may be NULL.
///
/// # Safety
/// `out` is NULL or writable.
unsafe fn put<T>(out: *mut T, value: T) {
    if !out.is_null() {
        // SAFETY: the caller's promise.
        unsafe { out.write(value) };
    }
}

/// Copies a text with its NUL, or says how much room it needs.
///
/// # Safety
/// `message_out` is NULL or points to cap writable bytes; `len_out` is NULL or writable.
pub unsafe fn copy_text(text: &str, message_out: *mut c_char, cap: usize, len_out: *mut usize) -> Result<(), Failure> {
    // SAFETY: the caller's promise.
    unsafe { put(len_out, 0) };
    if message_out.is_null() && cap != 0 {
        return Err(Failure::because(E_POINTER, "message_out is NULL, but cap is not 0"));
    }
    // SAFETY: the caller's promise.
    unsafe { put(len_out, text.len() + 1) };
    if cap < text.len() + 1 {
        return Err(CALL_E_MORE_DATA.into());
    }
    // SAFETY: the buffer has room for the text and its NUL.
    unsafe {
        message_out.cast::<u8>().copy_from_nonoverlapping(text.as_ptr(), text.len());
        message_out.add(text.len()).write(0);
    }
    Ok(())
}
