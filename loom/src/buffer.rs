//! Bytes of a call, as the library's `buffer` has them, short ones only. Each use tells loom.

use crate::hresult::{E_OUTOFMEMORY, Failure};
use crate::sync::Tracked;

const IN_PLACE: usize = 64;

/// Nothing large is played here.
pub const LARGE: usize = 1 << 17;

pub fn release_kept() {}

#[repr(C, align(64))]
pub struct Place([u8; IN_PLACE]);

pub struct Bytes<'a> {
    pub len: &'a mut u8,
    pub place: &'a mut Place,
}

impl<'a> Bytes<'a> {
    fn tracked(&self) -> Tracked {
        Tracked::of(std::ptr::from_ref(self.place))
    }

    pub fn is_short(&self) -> bool {
        self.tracked().read();
        true
    }

    pub fn read(self) -> &'a [u8] {
        self.tracked().read();
        &self.place.0[..*self.len as usize]
    }

    pub fn append(self, more: &[u8]) -> Result<(), Failure> {
        self.tracked().write();
        let len = *self.len as usize;
        let room = self.place.0.get_mut(len..len + more.len()).ok_or(Failure::from(E_OUTOFMEMORY))?;
        room.copy_from_slice(more);
        *self.len += more.len() as u8;
        Ok(())
    }

    pub fn move_to(self, _: Room) {}

    pub fn reserve(self, _: usize) -> Result<*mut u8, Failure> {
        Err(E_OUTOFMEMORY.into())
    }

    pub fn commit(self, _: usize) -> Result<(), Failure> {
        Err(E_OUTOFMEMORY.into())
    }

    pub fn clear(self) {
        self.tracked().write();
        *self.len = 0;
    }
}

/// No model has one.
pub enum Room {}

pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub fn of(bytes: &'a [u8]) -> Result<Self, Failure> {
        if bytes.len() <= IN_PLACE { Ok(Self(bytes)) } else { Err(E_OUTOFMEMORY.into()) }
    }

    pub fn in_room(_: &'a [u8], room: Room) -> Self {
        match room {}
    }

    pub fn fill(self, to: Bytes) {
        to.tracked().write();
        to.place.0[..self.0.len()].copy_from_slice(self.0);
        *to.len = self.0.len() as u8;
    }
}
