//! A descriptor that is readable while it is raised: Linux's eventfd. Another system needs these four
//! functions (a pipe does).
//!
//! They keep `errno`: a signal handler may call what calls them.

use super::futex::keeping_errno;

/// Opens one, not raised; it is not inherited by programs started later. `None`: there is no more.
pub fn open_descriptor() -> Option<i32> {
    // SAFETY: takes two numbers.
    let descriptor = keeping_errno(|| unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) });
    (descriptor >= 0).then_some(descriptor)
}

/// Makes it readable.
pub fn raise_descriptor(descriptor: i32) {
    let one = 1_u64;
    // SAFETY: eight bytes are there to be read. A full counter is as readable as it can be.
    keeping_errno(|| unsafe { libc::write(descriptor, (&raw const one).cast(), 8) });
}

/// Makes it unreadable.
pub fn clear_descriptor(descriptor: i32) {
    let mut count = 0_u64;
    // SAFETY: eight bytes are there to be written.
    keeping_errno(|| unsafe { libc::read(descriptor, (&raw mut count).cast(), 8) });
}

/// Writes all of it to a descriptor of the program's; false: that failed.
pub fn write_descriptor(descriptor: i32, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        // SAFETY: that many bytes are there to be read.
        let written = keeping_errno(|| unsafe { libc::write(descriptor, bytes.as_ptr().cast(), bytes.len()) });
        match usize::try_from(written) {
            Ok(0) | Err(_) => return false,
            Ok(count) => bytes = &bytes[count..],
        }
    }
    true
}

/// Closes it.
pub fn close_descriptor(descriptor: i32) {
    // SAFETY: the caller owns the descriptor and uses it no more.
    keeping_errno(|| unsafe { libc::close(descriptor) });
}
