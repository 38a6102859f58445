//! Modules, and programs that serve a host.

use super::object::class;
use super::types::{call_class_t, call_hresult_t, call_make_fn, call_module_main_fn, call_module_t};
use super::{guard, text};
use crate::hresult::{E_INVALIDARG, E_POINTER, Failure};
use crate::module::{MainFn, Registered};
use crate::{fork, host, module};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem;

/// Registers a class of a module, under the name that monikers use. Class and name are copied.
///
/// `make` makes the pointer of a new object, which is the object's until its class's destroy runs; NULL:
/// each object has the pointer `user`.
///
/// Threads: any, while `call_module_main` runs. Blocks: no.
///
/// Returns `S_OK`. `E_POINTER`: `name` or `cls` is NULL, or a name in it. `E_INVALIDARG`: no name, one that is
/// registered, or the class, as in `call_object_create`. `E_HANDLE`: not a module whose `call_module_main`
/// runs.
///
/// # Safety
/// `name` is NULL or ends with a NUL; `cls` is NULL or a class as in `call_object_create`; `make` may be called
/// with `user`, and its functions with what it makes.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_module_register(
    module: call_module_t,
    name: *const c_char,
    cls: *const call_class_t,
    make: call_make_fn,
    user: *mut c_void,
) -> call_hresult_t {
    guard(|| {
        // SAFETY: the caller's promise.
        let (name, class) = unsafe { (text(name)?, class(cls)?) };
        module::register(module.id, name, Registered { class, make, user })
    })
}

/// Serves a host as its child process, until the host goes: what a program does that was named as program
/// of an isolated object, such as an interpreter. `main_fn` registers its classes, as `call_module_main`
/// does. The calling thread runs the methods.
///
/// Threads: any, once in a process. Blocks: until the host goes.
///
/// Returns `S_OK`: the host has gone. `E_POINTER`: `main_fn` is NULL. `E_INVALIDARG`: no host is behind `fd`,
/// which is `CALL_HOST_FD` in a program that was started as a child. `CO_E_SERVER_EXEC_FAILURE`: the host is of
/// another version of this library. Other codes, which the host has been
/// told: `main_fn` failed, or it did not register the host's class.
///
/// # Safety
/// `main_fn` registers classes as `call_module_register` asks for.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_host_serve(fd: c_int, main_fn: call_module_main_fn) -> call_hresult_t {
    guard(|| {
        let main = main_fn.ok_or(Failure::from(E_POINTER))?;
        // SAFETY: `call_module_t` and `ModuleId` are both one u64 in a C struct.
        let main = unsafe { mem::transmute::<*const (), MainFn>(main as *const ()) };
        fork::watch();
        host::serve(fd, Some(main))
    })
}

/// All that the program `call-host` does: with the argument `--supervise` it starts and ends the children of
/// the process that started it, with `--work` it is such a child. For a program that is to take its place.
///
/// Threads: the main one, first thing in the program. Blocks: until the host goes; then it ends the process.
///
/// Returns only `E_INVALIDARG`: other arguments. `E_POINTER`: `argv` is NULL.
///
/// # Safety
/// `argv` is NULL or has `count` texts that end with a NUL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_host_main(count: c_int, argv: *const *const c_char) -> call_hresult_t {
    guard(|| {
        if argv.is_null() {
            return Err(E_POINTER.into());
        }
        // SAFETY: not NULL, and the caller's promise.
        let first = if count == 2 { unsafe { text(*argv.add(1)) }? } else { c"" };
        match CStr::to_bytes(first) {
            b"--supervise" => host::supervise(),
            b"--work" => {
                fork::watch();
                host::work()
            }
            _ => Err(Failure::because(E_INVALIDARG, "neither --supervise nor --work")),
        }
    })
}
