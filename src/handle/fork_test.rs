//! The count of forks in a handle, by children that do nothing but look at it.

use super::layout::{Generation, Handle, Kind, forked, process};
use crate::hresult::{E_HANDLE, Hresult, RPC_E_DISCONNECTED};
use std::panic::{AssertUnwindSafe, catch_unwind};

const HANDLE: Handle = Handle { slot: 3, generation: Generation(9) };

/// Runs `body` in a child of this process, which has no thread but its own and must not allocate.
fn in_a_child(body: impl FnOnce() -> bool) {
    let mut status = 0;
    // SAFETY: the child touches atomics and its stack, and leaves without a destructor or a handler; the parent waits
    // for it alone.
    unsafe {
        let child = libc::fork();
        if child == 0 {
            libc::_exit(i32::from(!catch_unwind(AssertUnwindSafe(body)).unwrap_or(false)));
        }
        assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
    }
    assert_eq!(status, 0, "the child's own checks failed, or it crashed");
}

fn refused_with(id: u64, code: Hresult) -> bool {
    Handle::decode(id, Kind::Call).is_err_and(|failure| failure.code == code)
}

#[test]
fn in_a_child_the_handles_of_its_parents_are_disconnected_and_its_own_are_good() {
    let of_parent = HANDLE.encode(Kind::Call);
    in_a_child(|| {
        forked();
        let of_child = HANDLE.encode(Kind::Call);
        let child = refused_with(of_parent, RPC_E_DISCONNECTED) && Handle::decode(of_child, Kind::Call) == Ok(HANDLE);
        forked();
        child && refused_with(of_parent, RPC_E_DISCONNECTED) && refused_with(of_child, RPC_E_DISCONNECTED)
    });
}

#[test]
fn in_a_child_a_number_that_was_no_handle_of_its_parents_is_none() {
    let of_another_kind = HANDLE.encode(Kind::Object);
    let of_no_generation = Handle { generation: Generation(0), ..HANDLE }.encode(Kind::Call);
    in_a_child(|| {
        forked();
        refused_with(of_another_kind, E_HANDLE) && refused_with(of_no_generation, E_HANDLE)
    });
}

#[test]
fn each_child_has_a_number_of_its_own() {
    in_a_child(|| {
        let of_parent = process();
        forked();
        let of_child = process();
        forked();
        of_child != of_parent && ![of_parent, of_child].contains(&process())
    });
}

#[test]
fn a_handle_of_a_later_fork_is_no_handle() {
    in_a_child(|| {
        forked();
        refused_with(HANDLE.encode(Kind::Call) | 1 << 58, E_HANDLE)
    });
}

#[test]
fn after_more_forks_than_can_be_counted_handles_are_still_good() {
    in_a_child(|| {
        let of_parent = HANDLE.encode(Kind::Call);
        (0..100).for_each(|_| forked());
        let last = HANDLE.encode(Kind::Call);
        let keeps = |kind: Kind| HANDLE.encode(kind) >> 60 == kind as u64;
        keeps(Kind::Cancel)
            && keeps(Kind::Call)
            && refused_with(of_parent, RPC_E_DISCONNECTED)
            && Handle::decode(last, Kind::Call) == Ok(HANDLE)
    });
}
