//! Bytes that do not fit into an execution: on the heap, in a block, in memory that another process reads, or in a
//! buffer of the program's.

use super::Owned;
use super::kept::{Block, LEAST};
use crate::hresult::{E_OUTOFMEMORY, Failure};
use crate::process::Mapping;
use crate::sync::Arc;
use std::ops::Deref;
use std::slice;

/// Bytes elsewhere: the library's, few or many, or the program's with what frees them.
pub enum Long {
    Few(Few),
    Many(Many),
    Theirs(Owned),
}

/// Fewer bytes than the smallest block has, and how many behind them are reserved for the program to write.
pub struct Few {
    bytes: Vec<u8>,
    reserved: usize,
}

/// Bytes in a block, or where another process reads them.
pub struct Many {
    room: Room,
    len: usize,
    reserved: usize,
}

/// Where many bytes lie.
pub enum Room {
    Own(Block),
    /// Shared with another process. Nobody else writes there while it is lent.
    Lent(Arc<Mapping>),
}

impl Room {
    fn base(&self) -> *mut u8 {
        match self {
            Self::Own(block) => block.base(),
            Self::Lent(mapping) => mapping.base(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Own(block) => block.len(),
            Self::Lent(mapping) => mapping.len(),
        }
    }
}

impl Many {
    /// In a room that has space for them.
    pub(super) fn of(bytes: &[u8], room: Room) -> Self {
        assert!(bytes.len() <= room.len(), "the room is too small");
        // SAFETY: there is space for as many, and a block is one's own, as is a room that was lent (`Outbox::lend`).
        unsafe { room.base().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        Self { room, len: bytes.len(), reserved: 0 }
    }
}

const FULL: Failure = Failure::because(E_OUTOFMEMORY, "no memory for the bytes of a call");

impl Deref for Long {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Few(few) => &few.bytes,
            // SAFETY: so many were written there, and nobody writes there now.
            Self::Many(many) => unsafe { slice::from_raw_parts(many.room.base(), many.len) },
            Self::Theirs(owned) if owned.len == 0 => &[],
            // SAFETY: the program handed over `len` readable bytes.
            Self::Theirs(owned) => unsafe { slice::from_raw_parts(owned.data.cast(), owned.len) },
        }
    }
}

impl Long {
    /// A copy, with room for `more` bytes behind it.
    pub(super) fn with_room(bytes: &[u8], more: usize) -> Result<Self, Failure> {
        let room = bytes.len().checked_add(more).ok_or(FULL)?;
        if room >= LEAST {
            return Ok(Self::Many(Many::of(bytes, Room::Own(Block::of(room).ok_or(FULL)?))));
        }
        let mut copy = Vec::new();
        copy.try_reserve_exact(room).map_err(|_| FULL)?;
        copy.extend_from_slice(bytes);
        Ok(Self::Few(Few { bytes: copy, reserved: 0 }))
    }

    /// Room for `more` bytes at the end.
    pub(super) fn spare(&mut self, more: usize) -> Result<*mut u8, Failure> {
        let len = self.len();
        match self {
            Self::Few(few) if more < LEAST - len => {
                few.bytes.try_reserve(more).map_err(|_| FULL)?;
                Ok(few.bytes.spare_capacity_mut().as_mut_ptr().cast())
            }
            // SAFETY: within the room.
            Self::Many(many) if more <= many.room.len() - len => Ok(unsafe { many.room.base().add(len) }),
            Self::Theirs(_) => Err(E_OUTOFMEMORY.into()),
            _ => {
                // As much again, so that what comes piece by piece is not copied with each.
                *self = Self::with_room(self, more.max(len))?;
                self.spare(more)
            }
        }
    }

    /// How many bytes the program may commit. `None`: nothing is added to what was taken over.
    pub(super) fn reserved(&mut self) -> Option<&mut usize> {
        match self {
            Self::Few(Few { reserved, .. }) | Self::Many(Many { reserved, .. }) => Some(reserved),
            Self::Theirs(_) => None,
        }
    }

    /// Takes `more` bytes in; nothing is reserved any more.
    ///
    /// # Safety
    /// `spare` gave room for as many since the last change, and they were written.
    pub(super) unsafe fn advance(&mut self, more: usize) {
        match self {
            Self::Few(Few { bytes, reserved }) => {
                *reserved = 0;
                // SAFETY: the caller's promise.
                unsafe { bytes.set_len(bytes.len() + more) };
            }
            Self::Many(Many { len, reserved, .. }) => (*len, *reserved) = (*len + more, 0),
            Self::Theirs(_) => {}
        }
    }
}
