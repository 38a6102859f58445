//! Objects.

use super::bind;
use super::guard::{guard_with_words, input};
use super::types::{call_apartment_t, call_bind_options_t, call_class_t, call_hresult_t, call_object_t};
use super::{clear, guard, text};
use crate::hresult::{E_INVALIDARG, E_POINTER, Failure, S_OK};
use crate::moniker::{self, Scheme};
use crate::object::{CancelFn, Class, DestroyFn, Manner, MethodFn, Object, ObjectHold};
use crate::sync::AtomicU32;
use crate::{apartment, fork, timer};
use std::ffi::{c_char, c_void};
use std::{mem, ptr};

const CUSTOM_MARSHALING: u32 = 1;

/// Makes an object: `self` with the functions of a class, living in an apartment. The null apartment
/// is a process-wide one of kind `CALL_APARTMENT_MULTI`, made on first use. The class is copied.
///
/// Threads: any. Blocks: no. Ownership: the caller releases the object with `call_object_release`;
/// `self` is the object's until destroy runs. If this fails destroy is not called.
///
/// Returns `S_OK`. `E_POINTER`: `object_out`, `cls`, the list of names or a name in it is NULL.
/// `E_INVALIDARG`: the class's size or flags, or not exactly one of invoke and begin, or custom
/// marshaling without begin. `RPC_E_DISCONNECTED`: the apartment is closed. `E_HANDLE`: not a living apartment. `E_OUTOFMEMORY`. `RPC_E_OUT_OF_RESOURCES`: the
/// class has a cancel, and the thread that tells of cancels could not be started.
///
/// # Safety
/// `cls` is NULL or points to a class of the size that it says, whose names end with a NUL and whose
/// functions may be called with `self` on the apartment's threads; `object_out` is NULL or writable.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_object_create(
    apartment: call_apartment_t,
    cls: *const call_class_t,
    self_: *mut c_void,
    object_out: *mut call_object_t,
) -> call_hresult_t {
    guard(|| {
        // SAFETY: the caller's promise.
        let out = unsafe { clear(object_out) }?;
        // SAFETY: the caller's promise.
        let class = unsafe { class(cls) }?;
        fork::watch();
        if class.cancel.is_some() {
            // Its thread tells objects of cancels.
            timer::start()?;
        }
        let lease = apartment::lease(apartment.id)?;
        out.id = Object { class, this: self_, lease, disconnected: AtomicU32::new(0) }.enter()?;
        Ok(S_OK)
    })
}

/// A checked copy of the program's class.
///
/// # Safety
/// As `call_object_create`.
pub unsafe fn class(cls: *const call_class_t) -> Result<Class, Failure> {
    // SAFETY: the caller's promise.
    let cls = unsafe { sized(cls) }?;
    let begins = cls.begin.is_some();
    if cls.flags & !CUSTOM_MARSHALING != 0 || cls.invoke.is_some() == begins || (cls.flags != 0 && !begins) {
        return Err(Failure::because(E_INVALIDARG, "a class has known flags and exactly one of invoke and begin"));
    }
    let manner = match (begins, cls.flags) {
        (false, _) => Manner::Invoke,
        (true, 0) => Manner::Begin,
        (true, _) => Manner::CustomBegin,
    };
    let Some(run) = cls.invoke.or(cls.begin) else { return Err(E_INVALIDARG.into()) };
    // SAFETY: the caller's promise.
    let methods = unsafe { names(cls.methods, cls.method_count) }?;
    // SAFETY: `call_context_t` and `ContextId` are both one u64 in a C struct.
    let run = unsafe { mem::transmute::<*const (), MethodFn>(run as *const ()) };
    // SAFETY: as above.
    let cancel = cls.cancel.map(|cancel| unsafe { mem::transmute::<*const (), CancelFn>(cancel as *const ()) });
    let destroy: Option<DestroyFn> = cls.destroy;
    Ok(Class { methods, manner, run, cancel, destroy, remote: None })
}

/// # Safety
/// `methods` is NULL or points to `count` names.
unsafe fn names(methods: *const *const c_char, count: u32) -> Result<Vec<Box<[u8]>>, Failure> {
    if count != 0 && methods.is_null() {
        return Err(Failure::because(E_POINTER, "the list of names is NULL"));
    }
    // SAFETY: the caller's promise.
    let name = |index| unsafe { text(*methods.add(index)) };
    (0..count as usize).map(|index| Ok(name(index)?.to_bytes().into())).collect()
}

/// A struct of the program's whose first field is its size: not smaller than ours, and zero beyond.
///
/// # Safety
/// `given` is NULL or points to as many bytes as its first field says.
pub unsafe fn sized<T: Copy>(given: *const T) -> Result<T, Failure> {
    if given.is_null() {
        return Err(E_POINTER.into());
    }
    // SAFETY: not NULL; the first field is a size_t by contract.
    let size = unsafe { given.cast::<usize>().read() };
    if size < mem::size_of::<T>() {
        return Err(Failure::because(E_INVALIDARG, "the size of a struct is smaller than this library's"));
    }
    // SAFETY: the caller's promise: that many bytes are there.
    let beyond = unsafe { input(given.add(1).cast(), size - mem::size_of::<T>()) }?;
    if beyond.iter().any(|&byte| byte != 0) {
        return Err(Failure::because(E_INVALIDARG, "a struct has fields that this library does not know"));
    }
    // SAFETY: at least as large as ours, and plain data.
    Ok(unsafe { ptr::read(given) })
}

/// Binds an object by its moniker, `SCHEME:PATH#CLASS`: an object of a class that a module registers.
///
/// `inproc:PATH#CLASS` loads the module into this process, and the object lives in an apartment of it.
/// `isolated:PATH#CLASS` has it loaded by child processes, which run the methods. Such a call is always
/// cancelable, and when its grace period is over the child is ended, with all that it has started, and another one
/// takes its place: the work has really stopped, fate `CALL_FATE_KILLED`. A path without a `/` is one in the
/// working directory. Where a program of one's own serves the class, the path may be empty.
///
/// Each isolated object has children of its own; releasing the object ends them, and so does the end of this
/// process, however it ends.
///
/// Threads: any. Blocks: while the module is loaded; an isolated object, until its first child is ready.
/// Ownership: the caller releases the object with `call_object_release`.
///
/// Returns `S_OK`. `E_POINTER`: `moniker` or `object_out` is NULL. `MK_E_SYNTAX`: not a moniker, or an unknown
/// scheme. `E_NOTIMPL`: a scheme of a later version. `E_INVALIDARG`: the options' size, flags, reserved field or
/// numbers. `CO_E_DLLNOTFOUND`: the module cannot be loaded. `CO_E_ERRORINDLL`: it has no `call_module_main`, or
/// that failed. `REGDB_E_CLASSNOTREG`: it has no such class. `CO_E_SERVER_EXEC_FAILURE`: no child could be
/// started. `RPC_E_SERVER_DIED_DNE`: none became ready. `RPC_E_DISCONNECTED`: the apartment is closed.
/// `E_HANDLE`: not a living apartment. `RPC_E_OUT_OF_RESOURCES`. Or the code with which the class made no object.
/// `call_get_last_error` says more of each.
///
/// # Safety
/// `moniker` is NULL or ends with a NUL; `options` is NULL or of the size that it says, with lists and texts that
/// are NULL or end as they should; `object_out` is NULL or writable. The module's functions are what it says.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_object_bind(
    moniker: *const c_char,
    options: *const call_bind_options_t,
    object_out: *mut call_object_t,
) -> call_hresult_t {
    guard_with_words(|| {
        // SAFETY: the caller's promise.
        let (out, text, given) = unsafe { (clear(object_out)?, text(moniker)?, bind::given(options)?) };
        let moniker = moniker::parse(text.to_bytes())?;
        fork::watch();
        out.id = match moniker.scheme {
            // SAFETY: the caller's promise.
            Scheme::InProcess => unsafe { bind::in_process(&moniker, given.as_ref()) }?,
            // SAFETY: as above.
            Scheme::Isolated => unsafe { bind::isolated(&moniker, given.as_ref()) }?,
        };
        Ok(S_OK)
    })
}

/// The number of a class's method by its name.
///
/// Threads: any. Blocks: no.
///
/// Returns `S_OK`. `DISP_E_UNKNOWNNAME`: the class has no method of that name. `E_POINTER`: `name` or
/// `method_out` is NULL. `E_HANDLE`: not a living object.
///
/// # Safety
/// `name` is NULL or ends with a NUL; `method_out` is NULL or writable.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call_object_find_method(
    object: call_object_t,
    name: *const c_char,
    method_out: *mut u32,
) -> call_hresult_t {
    guard(|| {
        // SAFETY: the caller's promise.
        let out = unsafe { clear(method_out) }?;
        // SAFETY: the caller's promise.
        let name = unsafe { text(name) }?;
        *out = ObjectHold::find(object.id)?.find_method(name.to_bytes())?;
        Ok(S_OK)
    })
}

/// One reference more to an object.
///
/// Threads: any. Blocks: no. Ownership: one `call_object_release` more.
///
/// Returns `S_OK`. `RPC_E_OUT_OF_RESOURCES`: a million references. `E_HANDLE`: not a living object.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn call_object_add_ref(object: call_object_t) -> call_hresult_t {
    guard(|| ObjectHold::add_ref(object.id).map(|()| S_OK))
}

/// Gives back a reference. With the last one the handle is dead; the object lives on while call
/// objects or running methods need it, and then destroy runs.
///
/// Threads: any. Blocks: no; destroy may run.
///
/// Returns `S_OK`. `E_HANDLE`: not a living object.
#[unsafe(no_mangle)]
pub extern "C" fn call_object_release(object: call_object_t) -> call_hresult_t {
    guard(|| ObjectHold::release(object.id).map(|()| S_OK))
}

/// Disconnects an object from its clients: begins are refused from now on (`RPC_E_DISCONNECTED`), and
/// calls in progress end with `RPC_E_DISCONNECTED` at once; their methods are told of a cancel. (FI-15)
///
/// Threads: any. Blocks: no.
///
/// Returns `S_OK`. `E_HANDLE`: not a living object. `RPC_E_OUT_OF_RESOURCES`: the thread that tells methods
/// of cancels could not be started; nothing was disconnected.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn call_object_disconnect(object: call_object_t) -> call_hresult_t {
    guard(|| {
        timer::start()?;
        ObjectHold::find(object.id)?.disconnect();
        Ok(S_OK)
    })
}
