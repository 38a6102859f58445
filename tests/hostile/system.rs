//! The system, as somebody uses it who does not keep to what is agreed.
#![allow(clippy::undocumented_unsafe_blocks, reason = "each pointer is to a value or buffer of the function")]

use std::sync::atomic::AtomicU32;
use std::time::{Duration, Instant};
use std::{mem, ptr};

/// Room for eight descriptors beside a message.
#[repr(C, align(8))]
struct Room([u8; 64]);

/// A pair of sockets that keep messages apart; `inherited`: programs that are started have the second one too.
pub fn pair(inherited: bool) -> [i32; 2] {
    let mut ends = [-1; 2];
    let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC;
    let made = unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, ends.as_mut_ptr()) };
    assert_eq!(made, 0, "no sockets");
    if inherited {
        // With a number that no program is given one at.
        let lifted = unsafe { libc::fcntl(ends[1], libc::F_DUPFD, 64) };
        close(std::mem::replace(&mut ends[1], lifted));
    }
    ends
}

/// Sends a message with up to eight descriptors, if there is room for it and somebody to take it.
pub fn send(socket: i32, bytes: &[u8], descriptors: &[i32]) -> bool {
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let mut room = Room([0; 64]);
    unsafe {
        let mut message: libc::msghdr = mem::zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        if !descriptors.is_empty() {
            let size = mem::size_of_val(descriptors) as u32;
            message.msg_control = (&raw mut room).cast();
            message.msg_controllen = libc::CMSG_SPACE(size) as usize;
            let head = libc::CMSG_FIRSTHDR(&raw const message);
            (*head).cmsg_level = libc::SOL_SOCKET;
            (*head).cmsg_type = libc::SCM_RIGHTS;
            (*head).cmsg_len = libc::CMSG_LEN(size) as usize;
            ptr::copy_nonoverlapping(descriptors.as_ptr(), libc::CMSG_DATA(head).cast(), descriptors.len());
        }
        libc::sendmsg(socket, &raw const message, libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT) >= 0
    }
}

/// Waits for a message of at most 256 bytes; empty: nobody is there any more.
pub fn receive(socket: i32) -> (Vec<u8>, Vec<i32>) {
    let (mut bytes, mut room, mut descriptors) = ([0_u8; 256], Room([0; 64]), Vec::new());
    let mut part = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    let len = unsafe {
        let mut message: libc::msghdr = mem::zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = (&raw mut room).cast();
        message.msg_controllen = size_of::<Room>();
        let len = libc::recvmsg(socket, &raw mut message, libc::MSG_CMSG_CLOEXEC);
        let head = if len < 0 { ptr::null_mut() } else { libc::CMSG_FIRSTHDR(&raw const message) };
        if !head.is_null() {
            let data: *const i32 = libc::CMSG_DATA(head).cast();
            let count = ((*head).cmsg_len - libc::CMSG_LEN(0) as usize) / size_of::<i32>();
            descriptors.extend((0..count).map(|at| data.add(at).read_unaligned()));
        }
        len
    };
    (bytes[..usize::try_from(len).unwrap_or(0)].to_vec(), descriptors)
}

pub fn close(descriptor: i32) {
    unsafe { libc::close(descriptor) };
}

pub fn shut(socket: i32) {
    unsafe { libc::shutdown(socket, libc::SHUT_RDWR) };
}

/// A file in memory, of that length and with those seals.
pub fn memory(len: usize, seals: i32) -> i32 {
    unsafe {
        let file = libc::memfd_create(c"hostile".as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING);
        assert!(file >= 0 && libc::ftruncate(file, len.cast_signed() as libc::off_t) == 0, "no memory to share");
        libc::fcntl(file, libc::F_ADD_SEALS, seals);
        file
    }
}

/// Makes a file shorter, if it lets itself be made.
pub fn shrink(file: i32) {
    unsafe { libc::ftruncate(file, 1) };
}

/// Something that is no file in memory.
pub fn nothing() -> i32 {
    unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) }
}

/// Memory of a file.
pub struct Mapping {
    base: *mut u8,
    len: usize,
}

impl Mapping {
    pub fn of(file: i32, len: usize, writable: bool) -> Option<Self> {
        let access = if writable { libc::PROT_READ | libc::PROT_WRITE } else { libc::PROT_READ };
        let base = unsafe { libc::mmap(ptr::null_mut(), len, access, libc::MAP_SHARED, file, 0) };
        (base != libc::MAP_FAILED).then(|| Self { base: base.cast(), len })
    }

    /// The beginning, as words of that type.
    pub fn words<T>(&self) -> &T {
        assert!(size_of::<T>() <= self.len);
        unsafe { &*self.base.cast() }
    }

    pub fn word(&self, at: usize) -> &AtomicU32 {
        assert!(at * 4 + 4 <= self.len);
        unsafe { &*ptr::from_ref(self.words::<AtomicU32>()).add(at) }
    }

    pub fn fill(&self, from: usize, len: usize, byte: u8) {
        let from = from.min(self.len);
        unsafe { self.base.add(from).write_bytes(byte, len.min(self.len - from)) };
    }

    pub fn put(&self, from: usize, bytes: &[u8]) {
        assert!(from + bytes.len() <= self.len);
        unsafe { self.base.add(from).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        unsafe { libc::munmap(self.base.cast(), self.len) };
    }
}

/// Sleeps while the word is what it was, a millisecond at most.
pub fn doze(word: &AtomicU32, seen: u32) {
    let span = libc::timespec { tv_sec: 0, tv_nsec: 1_000_000 };
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, seen, &raw const span) };
}

pub fn wake(word: &AtomicU32) {
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, i32::MAX) };
}

pub fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// Looks now and then until it is so; no: it hangs.
pub fn comes_about(mut look: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !look() {
        if start.elapsed() > Duration::from_millis(super::GUARD_MS) {
            return false;
        }
        std::thread::sleep(Duration::from_micros(50));
    }
    true
}
