//! Bytes of a call: short ones in place, long ones on the heap.
//!
//! The parts of a buffer lie apart, because an execution keeps what both sides touch in as few cache
//! lines as it can: the length among its hot fields, the short form in a line of its own, the long
//! form among the cold ones.

use crate::hresult::{E_OUTOFMEMORY, Failure};

const IN_PLACE: usize = 64;

/// The length that says: the bytes are on the heap.
const LONG: u8 = u8::MAX;

/// Room for the short form: one cache line, aligned for any type.
#[repr(C, align(64))]
pub struct Place([u8; IN_PLACE]);

/// The long form. A box, because zero bytes must be `None`.
#[allow(clippy::box_collection, reason = "zero bytes are `None` for a box alone")]
pub type Heap = Option<Box<Vec<u8>>>;

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
        let full = |_| Failure::from(E_OUTOFMEMORY);
        if let (LONG, Some(long)) = (*self.len, &mut *self.heap) {
            long.try_reserve(more.len()).map_err(full)?;
            long.extend_from_slice(more);
            return Ok(());
        }
        let short = &self.place.0[..*self.len as usize];
        let mut long = Vec::new();
        long.try_reserve(short.len() + more.len()).map_err(full)?;
        long.extend_from_slice(short);
        long.extend_from_slice(more);
        *self.heap = Some(Box::new(long));
        *self.len = LONG;
        Ok(())
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
        Ok(Self { bytes, long: Some(Box::new(long)) })
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
