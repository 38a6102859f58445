//! In the place of the supervisor: this program, started as `call-host`, hands its end of the host's socket back to
//! the process that started it, and ends. So a thread of the host's own process can play the supervisor and its
//! children, and thousands of them cost no process.
#![allow(clippy::undocumented_unsafe_blocks, reason = "the variable is set before there are threads")]

use super::system;
use std::sync::OnceLock;

const VARIABLE: &str = "HOSTILE_RELAY";
/// The number of the socket to the host.
const SOCKET: i32 = 3;

static OURS: OnceLock<i32> = OnceLock::new();

/// First thing in the program: does what was said and ends, if it was started as a supervisor.
pub fn start() {
    if std::env::args().nth(1).as_deref() == Some("--supervise") {
        let way = std::env::var(VARIABLE).ok().and_then(|number| number.parse().ok());
        way.map(|way| system::send(way, b"here", &[SOCKET]));
        unsafe { libc::_exit(0) };
    }
    let [ours, theirs] = system::pair(true);
    unsafe { std::env::set_var(VARIABLE, theirs.to_string()) };
    OURS.set(ours).expect("started once");
}

/// Waits for the next socket to a host.
pub fn next() -> i32 {
    let (_, descriptors) = system::receive(*OURS.get().expect("started"));
    descriptors[0]
}
