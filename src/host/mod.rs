//! The other side of isolated apartments: the program `call-host`, as the supervisor of a process's children or
//! as one of them, and other programs that serve classes of their own.

mod sandbox;
mod seat;
mod serve;
mod supervisor;
mod worker;

pub use serve::serve;
pub use supervisor::supervise;
pub use worker::work;
