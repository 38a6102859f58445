//! Bytes of a call: short ones in place, long ones on the heap.
//!
//! The parts of a buffer lie apart, because an execution keeps what both sides touch in as few cache
//! lines as it can: the length among its hot fields, the bytes in a line of their own, where the long form's
//! box takes their place.

use crate::handle::{Kind, Table};
use crate::hresult::{E_INVALIDARG, E_OUTOFMEMORY, Failure};
use crate::unwind;
use std::ffi::c_void;
use std::mem::{self, ManuallyDrop};
use std::ops::Deref;
use std::slice;

mod kept;
pub use kept::release as release_kept;

const IN_PLACE: usize = 64;

/// The length that says: the bytes are on the heap.
const LONG: u8 = u8::MAX;

/// The short form, one cache line, aligned for any type; or the long one, where the length is [`LONG`].
#[repr(C, align(64))]
pub union Place {
    short: [u8; IN_PLACE],
    long: ManuallyDrop<Heap>,
}

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

impl Ours {
    /// None yet, with room for so many.
    fn with_room(len: usize) -> Result<Self, Failure> {
        let mut bytes = if len >= kept::LEAST { kept::take(len) } else { None }.unwrap_or_default();
        bytes.try_reserve_exact(len).map_err(|_| Failure::from(E_OUTOFMEMORY))?;
        Ok(Self { bytes, reserved: 0 })
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        if self.bytes.capacity() >= kept::LEAST {
            kept::give(mem::take(&mut self.bytes));
        }
    }
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

/// The long form. `None`: it was handed out.
type Heap = Option<Box<Long>>;

/// The buffers that were handed out to the program.
pub static BUFFERS: Table<Box<Long>> = Table::new(Kind::Buffer);

/// In the child of a fork.
pub fn forget() {
    BUFFERS.forget();
    kept::forget();
}

/// The two parts of a buffer. All zero is an empty one.
pub struct Bytes<'a> {
    pub len: &'a mut u8,
    pub place: &'a mut Place,
}

impl<'a> Bytes<'a> {
    /// The bytes in place, or else the long form.
    #[inline]
    fn short(self) -> Result<&'a mut [u8; IN_PLACE], &'a mut Heap> {
        // SAFETY: the length says which of the two it is, and any bytes are the first.
        unsafe { if *self.len == LONG { Err(&mut self.place.long) } else { Ok(&mut self.place.short) } }
    }

    /// The same for a while.
    #[inline]
    fn again(&mut self) -> Bytes<'_> {
        Bytes { len: self.len, place: self.place }
    }

    /// Whether the bytes, if any, are in place.
    #[inline]
    pub fn is_short(&self) -> bool {
        *self.len != LONG
    }

    /// What was put in.
    #[inline]
    pub fn read(self) -> &'a [u8] {
        let len = *self.len as usize;
        match self.short() {
            Ok(short) => &short[..len],
            Err(heap) => heap.as_ref().map_or(&[], |long| long),
        }
    }

    /// Adds to the end.
    #[inline]
    pub fn append(mut self, more: &[u8]) -> Result<(), Failure> {
        let len = *self.len as usize;
        if let Ok(short) = self.again().short()
            && more.len() <= IN_PLACE - len
        {
            short[len..len + more.len()].copy_from_slice(more);
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

    /// Makes it long.
    fn put_long(&mut self, long: Box<Long>) {
        self.again().clear();
        self.place.long = ManuallyDrop::new(Some(long));
        *self.len = LONG;
    }

    /// Makes it long, with room for `more` bytes.
    fn grow(mut self, more: usize) -> Result<&'a mut Ours, Failure> {
        let len = *self.len as usize;
        if let Ok(short) = self.again().short() {
            let short = &short[..len];
            let mut ours = Ours::with_room(short.len().checked_add(more).ok_or(Failure::from(E_OUTOFMEMORY))?)?;
            ours.bytes.extend_from_slice(short);
            self.put_long(Box::new(Long::Ours(ours)));
        }
        let Some(Long::Ours(long)) = self.short().err().and_then(Option::as_deref_mut) else {
            return Err(E_OUTOFMEMORY.into());
        };
        long.bytes.try_reserve(more).map_err(|_| Failure::from(E_OUTOFMEMORY))?;
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
        match self.short().err().and_then(Option::as_deref_mut) {
            Some(Long::Ours(long)) if more <= long.reserved => {
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
        if *self.len != LONG {
            return *self.len == 0;
        }
        // SAFETY: the length says so.
        unsafe { &self.place.long }.as_ref().is_none_or(|long| long.is_empty())
    }

    /// Hands all of it out, as long bytes; what `to` refuses stays.
    pub fn hand_out<T>(mut self, to: impl FnOnce(Box<Long>) -> Result<T, (Failure, Box<Long>)>) -> Result<T, Failure> {
        if *self.len != LONG {
            self.again().grow(0)?;
        }
        let long = self.again().short().err().and_then(Option::take).ok_or(Failure::from(E_OUTOFMEMORY))?;
        *self.len = 0;
        to(long).map_err(|(failure, long)| {
            self.put_long(long);
            failure
        })
    }

    /// Empties it and gives long memory back.
    #[inline]
    pub fn clear(self) {
        let Bytes { len, place } = self;
        if *len == LONG {
            // SAFETY: the length says so; it is nobody's from here on.
            drop(unsafe { ManuallyDrop::take(&mut place.long) });
        }
        *len = 0;
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
        let mut ours = Ours::with_room(bytes.len())?;
        ours.bytes.extend_from_slice(bytes);
        Ok(Self { bytes, long: Some(Box::new(Long::Ours(ours))) })
    }

    /// A buffer of the program's, taken over. If the begin fails it is handed back.
    pub fn owned(owned: Owned) -> Input<'static> {
        Input { bytes: &[], long: Some(Box::new(Long::Theirs(owned))) }
    }

    /// Hands back what was taken over, without freeing it.
    pub fn give_back(self) {
        if let Some(Long::Theirs(owned)) = self.long.map(|long| *long) {
            mem::forget(owned);
        }
    }

    /// Replaces the contents of a buffer.
    #[inline]
    pub fn fill(self, mut to: Bytes) {
        if let Some(long) = self.long {
            return to.put_long(long);
        }
        to.again().clear();
        if let Ok(place) = to.again().short() {
            place[..self.bytes.len()].copy_from_slice(self.bytes);
        }
        *to.len = self.bytes.len() as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Buffer(u8, Place);

    impl Buffer {
        fn new() -> Self {
            Self(0, Place { short: [0; IN_PLACE] })
        }

        fn bytes(&mut self) -> Bytes<'_> {
            Bytes { len: &mut self.0, place: &mut self.1 }
        }
    }

    impl Drop for Buffer {
        fn drop(&mut self) {
            self.bytes().clear();
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
            assert_eq!(buffer.0 == LONG, len > IN_PLACE, "no long memory is kept");
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
        assert!(buffer.0 != LONG, "what fits stays in place");
        assert_eq!(buffer.bytes().read(), [7; IN_PLACE]);
    }
}
