//! Starting a program.

use std::ffi::{CStr, CString, c_char};
use std::{mem, ptr};

/// What is started, and with what.
pub struct Start<'a> {
    pub program: &'a CStr,
    /// The program's name first.
    pub arguments: &'a [CString],
    /// `None`: this process's.
    pub environment: Option<&'a [CString]>,
    /// Descriptors, and the numbers that they have in the program.
    pub descriptors: &'a [(i32, i32)],
    /// In a process group of its own.
    pub group: bool,
}

unsafe extern "C" {
    static environ: *const *mut c_char;
}

fn list(texts: &[CString]) -> Vec<*mut c_char> {
    texts.iter().map(|text| text.as_ptr().cast_mut()).chain([ptr::null_mut()]).collect()
}

/// Starts it, with no signal blocked and every one at its default; gives its process id, or the error's number.
pub fn spawn(start: &Start) -> Result<i32, i32> {
    let arguments = list(start.arguments);
    let environment = start.environment.map(list);
    let mut process = 0;
    // SAFETY: actions and attributes are made before they are used, and the lists end with NULL.
    let error = unsafe {
        let mut actions: libc::posix_spawn_file_actions_t = mem::zeroed();
        let mut attributes: libc::posix_spawnattr_t = mem::zeroed();
        libc::posix_spawn_file_actions_init(&raw mut actions);
        libc::posix_spawnattr_init(&raw mut attributes);
        for &(ours, theirs) in start.descriptors {
            libc::posix_spawn_file_actions_adddup2(&raw mut actions, ours, theirs);
        }
        let mut signals: libc::sigset_t = mem::zeroed();
        libc::sigemptyset(&raw mut signals);
        libc::posix_spawnattr_setsigmask(&raw mut attributes, &raw const signals);
        libc::sigfillset(&raw mut signals);
        libc::posix_spawnattr_setsigdefault(&raw mut attributes, &raw const signals);
        let group = if start.group { libc::POSIX_SPAWN_SETPGROUP } else { 0 };
        let flags = libc::POSIX_SPAWN_SETSIGMASK | libc::POSIX_SPAWN_SETSIGDEF | group;
        libc::posix_spawnattr_setflags(&raw mut attributes, flags as libc::c_short);
        let (actions_in, attributes_in) = (&raw const actions, &raw const attributes);
        let environment = environment.as_ref().map_or(environ, Vec::as_ptr);
        let program = start.program.as_ptr();
        let error =
            libc::posix_spawn(&raw mut process, program, actions_in, attributes_in, arguments.as_ptr(), environment);
        libc::posix_spawn_file_actions_destroy(&raw mut actions);
        libc::posix_spawnattr_destroy(&raw mut attributes);
        error
    };
    if error == 0 { Ok(process) } else { Err(error) }
}
