//! Apartments.

use super::object::sized;
use super::types::{call_apartment_options_t, call_apartment_t, call_hresult_t};
use super::{clear, guard, text};
use crate::apartment::{self, APARTMENTS, Settings, Staff};
use crate::fork;
use crate::hresult::{E_INVALIDARG, Failure, S_FALSE, S_OK};
use crate::time::Deadline;

const SERIAL: u32 = 2;

/// Makes an apartment. NULL options are the defaults: `CALL_APARTMENT_MULTI`, one thread per CPU.
/// The library's threads start with the first calls, more of them while methods wait for calls.
/// `CALL_APARTMENT_SINGLE` belongs to the calling thread, which serves it by `call_apartment_pump` and
/// whenever it waits for a call; when that thread ends the apartment is closed.
/// `CALL_APARTMENT_SERIAL` has one thread, runs one method at a time, and others while that one waits
/// for a call.
///
/// Threads: any. Blocks: no. Ownership: the caller releases the apartment with
/// `call_apartment_release`.
///
/// Returns `S_OK`. `E_POINTER`: `apartment_out` is NULL. `E_INVALIDARG`: the options' size, kind, flags,
/// reserved field or numbers of workers. `E_OUTOFMEMORY`.
///
/// # Safety
/// `options` is NULL or points to options of the size that they say; `apartment_out` is NULL or writable.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_apartment_create(
    options: *const call_apartment_options_t,
    apartment_out: *mut call_apartment_t,
) -> call_hresult_t {
    guard(|| {
        // SAFETY: the caller's promise.
        let out = unsafe { clear(apartment_out) }?;
        // SAFETY: the caller's promise.
        let settings = if options.is_null() { Settings::default() } else { unsafe { settings(options) }? };
        fork::watch();
        out.id = apartment::create(settings)?;
        Ok(S_OK)
    })
}

/// # Safety
/// `options` points to options of the size that they say.
unsafe fn settings(options: *const call_apartment_options_t) -> Result<Settings, Failure> {
    // SAFETY: the caller's promise.
    let given = unsafe { sized(options) }?;
    let too_many = given.workers > Settings::LIMIT || given.max_workers > Settings::LIMIT;
    let upside_down = given.max_workers != 0 && given.max_workers < given.workers;
    if given.kind > SERIAL || given.flags != 0 || given.reserved != 0 || too_many || upside_down {
        return Err(Failure::because(E_INVALIDARG, "kind, flags, reserved field or numbers of workers"));
    }
    let staff = [Staff::Multi, Staff::Single, Staff::Serial][given.kind as usize];
    let name = if given.name.is_null() {
        Settings::default().name
    } else {
        // SAFETY: not NULL, and the caller's promise.
        unsafe { text(given.name) }?.to_string_lossy().into_owned()
    };
    Ok(Settings {
        staff,
        workers: given.workers,
        max_workers: given.max_workers,
        queue_limit: given.queue_limit,
        name,
        remote: None,
    })
}

/// Serves an apartment of kind `CALL_APARTMENT_SINGLE` on the thread that made it: runs what is queued,
/// or waits for something to come and runs that.
///
/// `served_out` gets the number of methods run; it may be NULL.
///
/// Threads: the one that made the apartment. Blocks: up to `timeout_ms` milliseconds while nothing was
/// served, and as long as the methods take; `CALL_INFINITE` without end.
///
/// Returns `S_OK`, also when nothing came. `RPC_E_WRONG_THREAD`: another thread made it, or it is of
/// another kind. `RPC_E_DISCONNECTED`: the apartment is closed. `E_HANDLE`: not a living apartment.
///
/// # Safety
/// `served_out` is NULL or writable.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_apartment_pump(
    apartment: call_apartment_t,
    timeout_ms: u32,
    served_out: *mut u32,
) -> call_hresult_t {
    guard(|| {
        if !served_out.is_null() {
            // SAFETY: not NULL, and the caller's promise.
            unsafe { clear(served_out) }?;
        }
        let served = apartment::pump(apartment.id, Deadline::after_ms(timeout_ms))?;
        if !served_out.is_null() {
            // SAFETY: not NULL, and the caller's promise.
            unsafe { served_out.write(served) };
        }
        Ok(S_OK)
    })
}

/// A descriptor that is readable while calls are queued in an apartment of kind
/// `CALL_APARTMENT_SINGLE`, and once it is closed, for the event loop of the thread that made it: pump when it is readable.
/// Level-triggered, made on first use.
///
/// Threads: any. Blocks: no. Ownership: the library closes it with the apartment; do not read, write
/// or close it. On failure `fd_out` is -1, as 0 is a descriptor.
///
/// Returns `S_OK`. `RPC_E_WRONG_THREAD`: the apartment is of another kind. `RPC_E_OUT_OF_RESOURCES`: no
/// descriptor is left. `E_POINTER`: `fd_out` is NULL. `E_HANDLE`: not a living apartment.
///
/// # Safety
/// `fd_out` is NULL or writable.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_apartment_get_fd(apartment: call_apartment_t, fd_out: *mut i32) -> call_hresult_t {
    guard(|| {
        // SAFETY: the caller's promise.
        let out = unsafe { clear(fd_out) }?;
        *out = -1;
        *out = apartment::descriptor(apartment.id)?;
        Ok(S_OK)
    })
}

/// Closes an apartment: begins are refused from now on (`RPC_E_DISCONNECTED`), queued calls end with
/// `RPC_E_DISCONNECTED` and never start, running ones are canceled with the timeout as their grace
/// period and then abandoned (`RPC_E_DISCONNECTED`). May be called again, to wait longer. From one of
/// the apartment's own methods it does not wait.
///
/// `remaining_out` gets the number of methods that still run; it may be NULL.
///
/// Threads: any. Blocks: until no method runs, and up to `timeout_ms` milliseconds; `CALL_INFINITE`
/// without end, unless all that run can only end after the calling method.
///
/// Returns `S_OK`: no method runs. `S_FALSE`: some do, and the apartment lives until they end.
/// `E_HANDLE`: not a living apartment. `RPC_E_OUT_OF_RESOURCES`: the thread that ends grace periods
/// could not be started; nothing was closed.
///
/// # Safety
/// `remaining_out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_apartment_close(
    apartment: call_apartment_t,
    timeout_ms: u32,
    remaining_out: *mut u32,
) -> call_hresult_t {
    guard(|| {
        if !remaining_out.is_null() {
            // SAFETY: not NULL, and the caller's promise.
            unsafe { clear(remaining_out) }?;
        }
        fork::watch();
        let remaining = apartment::close(apartment.id, timeout_ms)?;
        if !remaining_out.is_null() {
            // SAFETY: not NULL, and the caller's promise.
            unsafe { remaining_out.write(remaining) };
        }
        Ok(if remaining == 0 { S_OK } else { S_FALSE })
    })
}

/// Gives back the apartment's handle. The apartment lives while an object lives in it; then its
/// threads end.
///
/// Threads: any. Blocks: no.
///
/// Returns `S_OK`. `E_HANDLE`: not a living apartment.
#[unsafe(no_mangle)]
pub extern "C" fn call_apartment_release(apartment: call_apartment_t) -> call_hresult_t {
    guard(|| APARTMENTS.release(apartment.id).map(|_| S_OK))
}
