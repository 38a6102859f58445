//! Isolated apartments: objects whose methods run in child processes.
//!
//! ```text
//!   this process                            supervisor (call-host)         child (call-host)
//!   a client, or a thread of the apartment --- shared memory ------------- runs the method
//!   warden, one thread        --- socket ---> starts, kills, reaps ------> its children too
//! ```
//!
//! A [`Pool`] keeps the children of one object. Who begins a call sends it to one of them (`Child`) through a
//! [`channel`], by the short way (`lane`), or a thread of the object's apartment does; that one kills a child, too. Who
//! starts and ends processes is the supervisor, a process of its own; the [`warden`] talks to it.

mod baton;
pub mod channel;
mod child;
mod lane;
mod obituary;
mod plan;
mod pool;
mod warden;
pub mod wire;

pub use obituary::{How, Obituary};
pub use plan::Plan;
pub use pool::{Pool, Terms};
pub use warden::forget;

/// What the host asks of the supervisor, and what it is told; the first byte of a message.
pub mod word {
    /// Start a child: its number, its plan, its socket.
    pub const SPAWN: u8 = 1;
    /// End a child: its number, and how long it has after it was asked to.
    pub const KILL: u8 = 2;
    /// A child was told to go: kill it where it does not.
    pub const RETIRE: u8 = 3;
    /// A child is gone: its number, and how.
    pub const DIED: u8 = 4;
    /// To a child: its plan and its two regions.
    pub const SETUP: u8 = 5;
    /// Between host and child: a larger region.
    pub const REGION: u8 = 6;
    /// From the supervisor, before anything else: its protocol, and its library's version.
    pub const HELLO: u8 = 7;
}

/// How host, supervisor and child talk: these words, [`Plan`], and what `channel` has in memory. Another number with
/// each change of these.
pub const PROTOCOL: u64 = 1;
/// For a person.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The number that the socket to its host has in a child.
pub const SOCKET: i32 = 3;
/// The number that the host's process has in the supervisor.
pub const HOST: i32 = 4;
