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

mod kept;
mod long;
pub use kept::{LEAST as LARGE, release as release_kept};
use long::Many;
pub use long::{Long, Room};

const IN_PLACE: usize = 64;

/// The length that says: the bytes are on the heap.
const LONG: u8 = u8::MAX;

/// The short form, one cache line, aligned for any type; or the long one, where the length is [`LONG`].
#[repr(C, align(64))]
pub union Place {
    short: [u8; IN_PLACE],
    long: ManuallyDrop<Heap>,
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
        let (long, to) = self.grow(more.len())?;
        // SAFETY: there is room for them. The program may add what it wrote into a room that was reserved.
        unsafe {
            to.copy_from(more.as_ptr(), more.len());
            long.advance(more.len());
        }
        Ok(())
    }

    /// Makes it long.
    fn put_long(&mut self, long: Box<Long>) {
        self.again().clear();
        self.place.long = ManuallyDrop::new(Some(long));
        *self.len = LONG;
    }

    /// Makes it long, with room for `more` bytes at that place.
    fn grow(mut self, more: usize) -> Result<(&'a mut Long, *mut u8), Failure> {
        let len = *self.len as usize;
        if let Ok(short) = self.again().short() {
            let long = Long::with_room(&short[..len], more)?;
            self.put_long(Box::new(long));
        }
        let long = self.short().err().and_then(Option::as_deref_mut).ok_or(Failure::from(E_OUTOFMEMORY))?;
        let to = long.spare(more)?;
        Ok((long, to))
    }

    /// Makes it long, in a room that has space for what is there.
    pub fn move_to(mut self, room: Room) {
        let len = *self.len as usize;
        if let Ok(short) = self.again().short() {
            let many = Many::of(&short[..len], room);
            self.put_long(Box::new(Long::Many(many)));
        }
    }

    /// Room for `more` bytes at the end, to be written in place and then taken with
    /// [`Bytes::commit`].
    pub fn reserve(self, more: usize) -> Result<*mut u8, Failure> {
        let (long, to) = self.grow(more)?;
        if let Some(reserved) = long.reserved() {
            *reserved = more;
        }
        Ok(to)
    }

    /// Takes `more` of the bytes that were reserved.
    pub fn commit(self, more: usize) -> Result<(), Failure> {
        let long = self.short().err().and_then(Option::as_deref_mut);
        match long.and_then(|long| (more <= *long.reserved()?).then_some(long)) {
            Some(long) => {
                // SAFETY: that much room was reserved since the last change; by the header's
                // contract the program wrote what it commits.
                unsafe { long.advance(more) };
                Ok(())
            }
            None if more == 0 => Ok(()),
            None => Err(Failure::because(E_INVALIDARG, "more is committed than was reserved")),
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
        Ok(Self { bytes, long: Some(Box::new(Long::with_room(bytes, 0)?)) })
    }

    /// A copy of many, in a room that has space for them.
    pub fn in_room(bytes: &'a [u8], room: Room) -> Self {
        Self { bytes, long: Some(Box::new(Long::Many(Many::of(bytes, room)))) }
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

    #[cfg(test)]
    pub fn read(&self) -> &[u8] {
        self.long.as_deref().map_or(self.bytes, |long| long)
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
    use super::kept::LEAST;
    use super::*;
    use crate::process::{Mapping, share_memory};
    use crate::sync::{Arc, close_descriptor};

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

    fn shared(len: usize) -> Arc<Mapping> {
        let (mapping, file) = share_memory(len, true).expect("memory");
        close_descriptor(file);
        Arc::new(mapping)
    }

    fn pattern(len: usize) -> Vec<u8> {
        (0..len).map(|at| (at * 31 + at / 251) as u8).collect()
    }

    #[test]
    fn few_bytes_become_many_piece_by_piece() {
        let mut buffer = Buffer::new();
        let all = pattern(3 * LEAST);
        for piece in all.chunks(LEAST / 3 + 1) {
            buffer.bytes().append(piece).expect("memory");
        }
        assert_eq!(buffer.bytes().read(), all);
        assert!(!buffer.bytes().is_short());
    }

    #[test]
    fn an_output_goes_on_in_the_room_that_it_is_lent_and_leaves_it_when_it_is_full() {
        let (all, mapping) = (pattern(2 * LEAST), shared(LEAST));
        let mut buffer = Buffer::new();
        buffer.bytes().append(&all[..5]).expect("room");
        buffer.bytes().move_to(Room::Lent(Arc::clone(&mapping)));
        buffer.bytes().append(&all[5..1000]).expect("room");
        let place = buffer.bytes().reserve(LEAST - 1000).expect("room");
        // SAFETY: reserved.
        unsafe { place.copy_from_nonoverlapping(all[1000..].as_ptr(), LEAST - 1000) };
        assert!(buffer.bytes().commit(LEAST - 999).is_err());
        buffer.bytes().commit(LEAST - 1000).expect("reserved");
        assert_eq!(buffer.bytes().read(), &all[..LEAST]);
        assert_eq!(buffer.bytes().read().as_ptr(), mapping.base(), "not a byte was moved");
        assert_eq!(Arc::downgrade(&mapping).strong_count(), 2);
        buffer.bytes().append(&all[LEAST..]).expect("memory");
        assert_eq!(Arc::downgrade(&mapping).strong_count(), 1, "given back");
        assert_eq!(buffer.bytes().read(), all);
    }

    #[test]
    fn an_input_is_copied_into_the_room_that_it_is_lent() {
        let (all, mapping) = (pattern(LEAST), shared(LEAST));
        let mut buffer = Buffer::new();
        Input::in_room(&all, Room::Lent(Arc::clone(&mapping))).fill(buffer.bytes());
        assert_eq!(buffer.bytes().read(), all);
        assert_eq!(buffer.bytes().read().as_ptr(), mapping.base());
        drop(buffer);
        assert_eq!(Arc::downgrade(&mapping).strong_count(), 1, "given back");
    }
}
