//! Code that is loaded into this process, and where this code itself was loaded from.

use std::ffi::{CStr, OsString, c_void};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::ptr;

/// A shared object. It stays loaded.
#[derive(Clone, Copy)]
pub struct Library(*mut c_void);

impl Library {
    /// Loads it, or says why it cannot be.
    pub fn load(path: &CStr) -> Result<Self, String> {
        // SAFETY: the path ends with a NUL; what the object's own constructors do is the program's affair.
        let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        if handle.is_null() { Err(complaint()) } else { Ok(Self(handle)) }
    }

    /// The address of a symbol in it.
    pub fn symbol(self, name: &CStr) -> Option<*mut c_void> {
        // SAFETY: the object is loaded, and the name ends with a NUL.
        let found = unsafe { libc::dlsym(self.0, name.as_ptr()) };
        (!found.is_null()).then_some(found)
    }
}

fn complaint() -> String {
    // SAFETY: NULL, or a text that stays until this thread's next call.
    let text = unsafe { libc::dlerror() };
    if text.is_null() {
        return "it cannot be loaded".to_owned();
    }
    // SAFETY: as above.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// The folder of the file that this code was loaded from: the shared library, or the program that it was linked
/// into.
pub fn own_folder() -> Option<PathBuf> {
    // A program is called as whoever started it liked, and one that is static altogether not at all.
    let file = own_file().filter(|name| name.contains(&b'/'));
    let file = file.map_or_else(|| PathBuf::from("/proc/self/exe"), |name| PathBuf::from(OsString::from_vec(name)));
    std::fs::canonicalize(file).ok()?.parent().map(PathBuf::from)
}

/// The name of that file, as the loader has it.
fn own_file() -> Option<Vec<u8>> {
    let mut about = libc::Dl_info {
        dli_fname: ptr::null(),
        dli_fbase: ptr::null_mut(),
        dli_sname: ptr::null(),
        dli_saddr: ptr::null_mut(),
    };
    // SAFETY: any address may be asked for.
    let found = unsafe { libc::dladdr(own_file as *const c_void, &raw mut about) };
    if found == 0 || about.dli_fname.is_null() {
        return None;
    }
    // SAFETY: the loader's text, which stays while this code is loaded.
    Some(unsafe { CStr::from_ptr(about.dli_fname) }.to_bytes().to_vec())
}
