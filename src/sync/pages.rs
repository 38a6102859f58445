//! Memory from the system, past the allocator: what a signal handler may ask for. POSIX's mmap.
//!
//! Both keep `errno`.

use super::futex::keeping_errno;
use std::ptr;

/// What such memory is aligned to, at least.
pub const PAGE: usize = 4096;

/// Zeroed memory; `None`: there is no more.
pub fn take_pages(len: usize) -> Option<*mut u8> {
    let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: asks for new memory, and touches none.
    let base = keeping_errno(|| unsafe { libc::mmap(ptr::null_mut(), len, access, kind, -1, 0) });
    (base != libc::MAP_FAILED).then_some(base.cast())
}

/// Gives it back, all of it.
pub fn give_pages(base: *mut u8, len: usize) {
    // SAFETY: the caller took it and uses it no more.
    keeping_errno(|| unsafe { libc::munmap(base.cast(), len) });
}
