//! Pairs of sockets that carry messages, and descriptors with them.

use super::control::off_streams;
use std::{mem, ptr};

/// How many descriptors come with one message.
const MOST: usize = 4;

/// Room for that many descriptors beside a message, aligned as the system wants it.
#[repr(C, align(8))]
struct Room([u8; 64]);

/// Two ends; what is written to one comes out of the other, message by message.
pub fn pair() -> Option<(i32, i32)> {
    let mut ends = [-1; 2];
    let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC;
    // SAFETY: two numbers are there to be written.
    let made = unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, ends.as_mut_ptr()) };
    (made == 0).then(|| (off_streams(ends[0]), off_streams(ends[1])))
}

/// Sends a message; false: nobody is there any more, or, unless it may `wait`, there is no room.
pub fn send(socket: i32, bytes: &[u8], descriptors: &[i32], wait: bool) -> bool {
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let mut room = Room([0; 64]);
    let flags = libc::MSG_NOSIGNAL | if wait { 0 } else { libc::MSG_DONTWAIT };
    // SAFETY: the message points to what is on this stack, and the room is as large as is said.
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
        loop {
            if libc::sendmsg(socket, &raw const message, flags) >= 0 {
                return true;
            }
            if *libc::__errno_location() != libc::EINTR {
                return false;
            }
        }
    }
}

/// What came, if anything did.
pub struct Received {
    /// 0: nobody is there any more.
    pub len: usize,
    /// The caller's to close.
    pub descriptors: Vec<i32>,
}

/// Receives a message into `bytes`; `None`: there is none now, or the socket is none.
pub fn receive(socket: i32, bytes: &mut [u8], wait: bool) -> Option<Received> {
    let mut part = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    let mut room = Room([0; 64]);
    let flags = libc::MSG_CMSG_CLOEXEC | if wait { 0 } else { libc::MSG_DONTWAIT };
    let mut descriptors = Vec::new();
    // SAFETY: the message points to what is on this stack; what the system put into the room is read by its
    // own macros, and no further than it says.
    let len = unsafe {
        let mut message: libc::msghdr = mem::zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = (&raw mut room).cast();
        message.msg_controllen = libc::CMSG_SPACE((MOST * mem::size_of::<i32>()) as u32) as usize;
        let len = loop {
            let len = libc::recvmsg(socket, &raw mut message, flags);
            if len >= 0 || *libc::__errno_location() != libc::EINTR {
                break len;
            }
        };
        let mut head = if len < 0 { ptr::null_mut() } else { libc::CMSG_FIRSTHDR(&raw const message) };
        while !head.is_null() {
            if (*head).cmsg_level == libc::SOL_SOCKET && (*head).cmsg_type == libc::SCM_RIGHTS {
                let data: *const i32 = libc::CMSG_DATA(head).cast();
                let count = ((*head).cmsg_len - libc::CMSG_LEN(0) as usize) / mem::size_of::<i32>();
                descriptors.extend((0..count).map(|at| off_streams(data.add(at).read_unaligned())));
            }
            head = libc::CMSG_NXTHDR(&raw const message, head);
        }
        len
    };
    let reset = len < 0 && std::io::Error::last_os_error().raw_os_error() == Some(libc::ECONNRESET);
    if reset {
        return Some(Received { len: 0, descriptors });
    }
    usize::try_from(len).ok().map(|len| Received { len, descriptors })
}

/// Whether nobody is at the other end any more, whatever came before and was not taken; that stays.
pub fn is_alone(socket: i32) -> bool {
    let mut entry = libc::pollfd { fd: socket, events: libc::POLLRDHUP, revents: 0 };
    // SAFETY: one entry is there.
    unsafe { libc::poll(&raw mut entry, 1, 0) > 0 }
}

/// Closes every descriptor from that number on.
pub fn close_other_descriptors(first: u32) {
    // SAFETY: takes numbers; the caller has none of them in use.
    unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, 0) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::close_descriptor;

    #[test]
    fn who_left_messages_behind_is_gone_all_the_same_and_they_stay() {
        let (ours, theirs) = pair().expect("sockets");
        assert!(!is_alone(ours));
        assert!(send(theirs, b"one", &[], true) && send(theirs, b"", &[], true));
        assert!(!is_alone(ours), "a message is no end, and an empty one neither");
        close_descriptor(theirs);
        assert!(is_alone(ours));
        let mut bytes = [0; 8];
        assert_eq!(receive(ours, &mut bytes, false).map(|received| received.len), Some(3));
        close_descriptor(ours);
    }

    #[test]
    fn who_left_without_taking_what_was_sent_is_gone() {
        let (ours, theirs) = pair().expect("sockets");
        assert!(send(ours, b"one", &[], true));
        close_descriptor(theirs);
        assert!(is_alone(ours) && is_alone(ours));
        close_descriptor(ours);
    }
}
