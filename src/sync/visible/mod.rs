//! What `std::sync` gives, built on atomics of this crate alone, for `ThreadSanitizer` (`--cfg call_tsan`,
//! `make tsan`). It does not see what the compiled standard library does inside: the slow half of a
//! `Mutex`, and the fence with which the last `Arc` meets the threads that let go before. With those
//! it would report races that are none. The orderings are the standard library's, not stronger ones.

mod arc;
mod mutex;

pub use arc::{Arc, Weak};
pub use mutex::{Mutex, MutexGuard};
