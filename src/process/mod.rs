//! The only door to other processes: starting and ending them, memory and descriptors shared with them,
//! and code loaded into this one. Linux.

mod control;
mod loader;
mod memory;
mod sleep;
mod socket;
mod spawn;

pub use control::{
    Limit, Reaped, await_child, become_reaper, cannot_gain_privileges, change_folder, children, detach,
    die_with_parent, end_process, go_on_in_child, keep_to_oneself, kill_group, kill_process, lift, lift_copy, limit,
    milliseconds_to, off_streams, open_streams, pipe, poll_many, process_id, read_some, reap, reset_signals, this_cpu,
    unread, watch_children, watch_process, write_if_room,
};
pub use loader::{Library, own_folder};
pub use memory::{Mapping, share_memory};
pub use sleep::{wait_for_some, wait_shared, wake_shared};
pub use socket::{close_other_descriptors, is_alone, pair, receive, send};
pub use spawn::{Start, spawn};
