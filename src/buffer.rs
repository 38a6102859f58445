//! Bytes of a call: short ones in place, long ones on the heap.
//!
//! The parts of a buffer lie apart, because an execution keeps what both sides touch in as few cache
//! lines as it can: the length among its hot fields, the short form in a line of its own, the long
//! form among the cold ones.

use crate::handle::{Kind, Table};
use crate::hresult::{E_INVALIDARG, E_OUTOFMEMORY, Failure};
use crate::unwind;
use std::ffi::c_void;
use std::ops::Deref;
use std::slice;

const IN_PLACE: usize = 64;

/// The length that says: the bytes are on the heap.
const LONG: u8 = u8::MAX;

/// Room for the short form: one cache line, aligned for any type.
#[repr(C, align(64))]
pub struct Place([u8; IN_PLACE]);

/// Bytes on the heap: the library's, or the program's with what frees them.
pub enum Long {
    Ours(Ours),
    Theirs(Owned),
}

/// Bytes of the library's, and how many behind them are reserved for the program to write.
pub struct Ours {
    bytes: Vec<u8>,
    reserved: usize,
}

/// A buffer of the program's that the library has taken over; freed when this is dropped.
pub struct Owned {
    pub data: *mut c_void,
    pub len: usize,
    pub free: FreeFn,
    pub user: *mut c_void,
}

/// `call_free_fn`.
pub type FreeFn = unsafe extern "C-unwind" fn(data: *mut c_void, len: usize, user: *mut c_void);

// SAFETY: the program handed it over for any thread.
unsafe impl Send for Owned {}
// SAFETY: it is read alone.
unsafe impl Sync for Owned {}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: the program promised a function that frees this very buffer. A panic in it has
        // nobody to be told to.
        drop(unwind::catch(|| unsafe { (self.free)(self.data, self.len, self.user) }));
    }
}

impl Deref for Long {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Ours(ours) => &ours.bytes,
            Self::Theirs(owned) if owned.len == 0 => &[],
            // SAFETY: the program handed over `len` readable bytes.
            Self::Theirs(owned) => unsafe { slice::from_raw_parts(owned.data.cast(), owned.len) },
        }
    }
}

/// The long form. A box, because zero bytes must be `None`.
pub type Heap = Option<Box<Long>>;

/// The buffers that were handed out to the program.
pub static BUFFERS: Table<Box<Long>> = Table::new(Kind::Buffer);

/// The three parts of a buffer. All zero is an empty one.
pub struct Bytes<'a> {
    pub len: &'a mut u8,
    pub place: &'a mut Place,
    pub heap: &'a mut Heap,
}

impl<'a> Bytes<'a> {
    /// What was put in.
    #[inline]
    pub fn read(self) -> &'a [u8] {
        if *self.len == LONG {
            self.heap.as_ref().map_or(&[], |long| long)
        } else {
            &self.place.0[..*self.len as usize]
        }
    }

    /// Adds to the end.
    #[inline]
    pub fn append(self, more: &[u8]) -> Result<(), Failure> {
        let len = *self.len as usize;
        if *self.len != LONG && more.len() <= IN_PLACE - len {
            self.place.0[len..len + more.len()].copy_from_slice(more);
            *self.len += more.len() as u8;
            return Ok(());
        }
        self.append_long(more)
    }

    #[cold]
    fn append_long(self, more: &[u8]) -> Result<(), Failure> {
        let long = self.grow(more.len())?;
        long.bytes.extend_from_slice(more);
        long.reserved = 0;
        Ok(())
    }

    /// Makes it long, with room for `more` bytes.
    fn grow(self, more: usize) -> Result<&'a mut Ours, Failure> {
        let full = |_| Failure::from(E_OUTOFMEMORY);
        if *self.len != LONG {
            let short = &self.place.0[..*self.len as usize];
            let mut bytes = Vec::new();
            let room = short.len().checked_add(more).ok_or(Failure::from(E_OUTOFMEMORY))?;
            bytes.try_reserve(room).map_err(full)?;
            bytes.extend_from_slice(short);
            *self.heap = Some(Box::new(Long::Ours(Ours { bytes, reserved: 0 })));
            *self.len = LONG;
        }
        let Some(Long::Ours(long)) = self.heap.as_deref_mut() else { return Err(E_OUTOFMEMORY.into()) };
        long.bytes.try_reserve(more).map_err(full)?;
        Ok(long)
    }

    /// Room for `more` bytes at the end, to be written in place and then taken with
    /// [`Bytes::commit`].
    pub fn reserve(self, more: usize) -> Result<*mut u8, Failure> {
        let long = self.grow(more)?;
        long.reserved = more;
        Ok(long.bytes.spare_capacity_mut().as_mut_ptr().cast())
    }

    /// Takes `more` of the bytes that were reserved.
    pub fn commit(self, more: usize) -> Result<(), Failure> {
        match self.heap.as_deref_mut() {
            Some(Long::Ours(long)) if *self.len == LONG && more <= long.reserved => {
                long.reserved = 0;
                // SAFETY: that much room was reserved since the last change; by the header's
                // contract the program wrote what it commits.
                unsafe { long.bytes.set_len(long.bytes.len() + more) };
                Ok(())
            }
            _ if more == 0 => Ok(()),
            _ => Err(Failure::because(E_INVALIDARG, "more is committed than was reserved")),
        }
    }

    pub fn is_empty(&self) -> bool {
        match (*self.len, &self.heap) {
            (LONG, Some(long)) => long.is_empty(),
            (len, _) => len == 0,
        }
    }

    /// Hands all of it out, as long bytes; what `to` refuses stays.
    pub fn hand_out<T>(self, to: impl FnOnce(Box<Long>) -> Result<T, (Failure, Box<Long>)>) -> Result<T, Failure> {
        if *self.len != LONG {
            Bytes { len: &mut *self.len, place: &mut *self.place, heap: &mut *self.heap }.grow(0)?;
        }
        let long = self.heap.take().ok_or(Failure::from(E_OUTOFMEMORY))?;
        to(long)
            .map_err(|(failure, long)| {
                *self.heap = Some(long);
                failure
            })
            .inspect(|_| *self.len = 0)
    }

    /// Empties it and gives long memory back.
    #[inline]
    pub fn clear(self) {
        if *self.len == LONG {
            *self.heap = None;
        }
        *self.len = 0;
    }
}

/// The bytes of a begin, with the memory that they need: to be moved into a buffer without failing.
pub struct Input<'a> {
    bytes: &'a [u8],
    long: Heap,
}

impl<'a> Input<'a> {
    #[inline]
    pub fn of(bytes: &'a [u8]) -> Result<Self, Failure> {
        if bytes.len() <= IN_PLACE {
            return Ok(Self { bytes, long: None });
        }
        let mut long = Vec::new();
        long.try_reserve_exact(bytes.len()).map_err(|_| Failure::from(E_OUTOFMEMORY))?;
        long.extend_from_slice(bytes);
        Ok(Self { bytes, long: Some(Box::new(Long::Ours(Ours { bytes: long, reserved: 0 }))) })
    }

    /// A buffer of the program's, taken over. If the begin fails it is handed back.
    pub fn owned(owned: Owned) -> Input<'static> {
        Input { bytes: &[], long: Some(Box::new(Long::Theirs(owned))) }
    }

    /// Hands back what was taken over, without freeing it.
    pub fn give_back(self) {
        if let Some(Long::Theirs(owned)) = self.long.map(|long| *long) {
            std::mem::forget(owned);
        }
    }

    /// Replaces the contents of a buffer.
    #[inline]
    pub fn fill(self, to: Bytes) {
        if self.long.is_some() {
            *to.heap = self.long;
            *to.len = LONG;
            return;
        }
        to.place.0[..self.bytes.len()].copy_from_slice(self.bytes);
        let len = to.len;
        if *len == LONG {
            *to.heap = None;
        }
        *len = self.bytes.len() as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Buffer(u8, Place, Heap);

    impl Buffer {
        fn new() -> Self {
            Self(0, Place([0; IN_PLACE]), None)
        }

        fn bytes(&mut self) -> Bytes<'_> {
            Bytes { len: &mut self.0, place: &mut self.1, heap: &mut self.2 }
        }
    }

    #[test]
    fn an_input_replaces_what_was_there() {
        let mut buffer = Buffer::new();
        for len in [0, 1, IN_PLACE, IN_PLACE + 1, 5000, 3, 254, 255, 256] {
            let bytes: Vec<u8> = (0..len).map(|at| at as u8).collect();
            Input::of(&bytes).expect("memory").fill(buffer.bytes());
            assert_eq!(buffer.bytes().read(), bytes);
            assert_eq!(buffer.bytes().read().as_ptr() as usize % 16, 0, "aligned for any type");
            assert_eq!(buffer.2.is_some(), len > IN_PLACE, "no long memory is kept");
        }
    }

    #[test]
    fn contents_are_kept_in_order_across_the_step_to_the_heap() {
        let mut buffer = Buffer::new();
        let mut expected = Vec::new();
        for step in 0..40_u8 {
            let piece = vec![step; usize::from(step)];
            buffer.bytes().append(&piece).expect("memory");
            expected.extend_from_slice(&piece);
            assert_eq!(buffer.bytes().read(), expected);
        }
        buffer.bytes().clear();
        assert_eq!(buffer.bytes().read(), b"");
        buffer.bytes().append(&[7; IN_PLACE]).expect("memory");
        assert!(buffer.2.is_none(), "what fits stays in place");
        assert_eq!(buffer.bytes().read(), [7; IN_PLACE]);
    }
}
