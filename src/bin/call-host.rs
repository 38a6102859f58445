//! `call-host`: the supervisor of a process's children, and such a child. All that it does is in the library, which
//! it loads from beside itself, so that a module finds that same library.

#![no_main]

use std::ffi::{CStr, CString, OsStr, c_char, c_int, c_void};
use std::mem;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

type MainFn = unsafe extern "C" fn(c_int, *const *const c_char) -> c_int;

/// The places of the library, from this program's own folder.
const PLACES: [&str; 4] = ["libcall.so.0", "libcall.so", "../../lib/libcall.so.0", "../lib/libcall.so.0"];

fn complain(text: &str) -> c_int {
    let line = format!("call-host: {text}\n");
    // SAFETY: that many bytes are there.
    unsafe { libc::write(2, line.as_ptr().cast(), line.len()) };
    127
}

fn own_folder() -> Option<PathBuf> {
    let own = std::fs::read_link("/proc/self/exe").ok()?;
    own.parent().map(Path::to_path_buf)
}

fn load(folder: &Path) -> Option<*mut c_void> {
    PLACES.iter().find_map(|place| {
        let path = CString::new(folder.join(place).as_os_str().as_bytes()).ok()?;
        // SAFETY: the path ends with a NUL.
        let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
        (!library.is_null()).then_some(library)
    })
}

fn why() -> String {
    // SAFETY: NULL, or a text that stays until the next call.
    let text = unsafe { libc::dlerror() };
    if text.is_null() {
        return "it is not there".to_owned();
    }
    // SAFETY: as above.
    OsStr::from_bytes(unsafe { CStr::from_ptr(text) }.to_bytes()).to_string_lossy().into_owned()
}

#[unsafe(no_mangle)]
extern "C" fn main(count: c_int, arguments: *const *const c_char) -> c_int {
    let Some(library) = own_folder().as_deref().and_then(load) else {
        return complain(&format!("no libcall.so beside it: {}", why()));
    };
    // SAFETY: the name ends with a NUL.
    let found = unsafe { libc::dlsym(library, c"call_host_main".as_ptr()) };
    if found.is_null() {
        return complain("the libcall.so beside it is another one");
    }
    // SAFETY: the library's function of that name, and what this program was started with.
    unsafe { mem::transmute::<*mut c_void, MainFn>(found)(count, arguments) };
    complain("libcall starts it, for its isolated objects")
}
