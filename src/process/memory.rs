//! Memory shared with another process: a file without a name, sealed so that nobody can take it from under
//! who has mapped it.

use super::control::off_streams;
use std::ptr;

/// Memory of a file, mapped into this process and no child of a fork of it.
pub struct Mapping {
    base: *mut u8,
    len: usize,
}

// SAFETY: memory, whoever looks at it; what is in it is reached by pointer, by those who know whose it is.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    pub fn base(&self) -> *mut u8 {
        self.base
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// Maps a file that another process made: only if it cannot shrink, and has `len` bytes at least.
    pub fn of(file: i32, len: usize, writable: bool) -> Option<Self> {
        // SAFETY: plain data, filled by the call.
        let mut about: libc::stat = unsafe { std::mem::zeroed() };
        // SAFETY: takes a number and a place to write to.
        let (seals, known) = unsafe { (libc::fcntl(file, libc::F_GET_SEALS), libc::fstat(file, &raw mut about)) };
        let size = usize::try_from(about.st_size).ok().filter(|_| known == 0)?;
        if seals < 0 || seals & libc::F_SEAL_SHRINK == 0 || size < len || len == 0 {
            return None;
        }
        Self::map(file, len, writable)
    }

    fn map(file: i32, len: usize, writable: bool) -> Option<Self> {
        let access = if writable { libc::PROT_READ | libc::PROT_WRITE } else { libc::PROT_READ };
        // SAFETY: asks for new memory, and touches none.
        let base = unsafe { libc::mmap(ptr::null_mut(), len, access, libc::MAP_SHARED, file, 0) };
        if base == libc::MAP_FAILED {
            return None;
        }
        // SAFETY: the memory that was just mapped.
        unsafe { libc::madvise(base, len, libc::MADV_DONTFORK) };
        Some(Self { base: base.cast(), len })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped above, and nobody uses it any more.
        unsafe { libc::munmap(self.base.cast(), self.len) };
    }
}

/// A new file of that length, zero, mapped here; its descriptor is the caller's. Nobody can shrink it, and with
/// `alone` nobody else can write to it.
pub fn share_memory(len: usize, alone: bool) -> Option<(Mapping, i32)> {
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    // SAFETY: the name ends with a NUL.
    let file = unsafe { libc::memfd_create(c"libcall".as_ptr(), flags) };
    if file < 0 {
        return None;
    }
    let file = off_streams(file);
    let mut seals = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW;
    if alone {
        seals |= libc::F_SEAL_FUTURE_WRITE;
    }
    // SAFETY: takes numbers.
    let sized = unsafe { libc::ftruncate(file, len.try_into().unwrap_or(libc::off_t::MAX)) } == 0;
    let mapping = Mapping::map(file, len, true).filter(|_| sized);
    // SAFETY: takes numbers.
    let sealed = unsafe { libc::fcntl(file, libc::F_ADD_SEALS, seals | libc::F_SEAL_SEAL) } == 0;
    if let Some(mapping) = mapping.filter(|_| sealed) {
        return Some((mapping, file));
    }
    // SAFETY: made above, and given to nobody.
    unsafe { libc::close(file) };
    None
}
