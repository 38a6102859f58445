//! Bytes of a call: short ones in place, long ones on the heap.

use crate::hresult::{E_OUTOFMEMORY, Failure};

const IN_PLACE: usize = 64;

/// Zero bytes are a valid, empty buffer. Short contents stand in place, aligned for any type.
#[repr(C, align(16))]
pub struct Buffer {
    place: [u8; IN_PLACE],
    len: usize,
    /// The long form, which then holds all of it.
    #[allow(clippy::box_collection, reason = "zero bytes must be `None`, which they are for a Box alone")]
    heap: Option<Box<Vec<u8>>>,
}

impl Buffer {
    #[cfg(test)]
    fn new() -> Self {
        Self { place: [0; IN_PLACE], len: 0, heap: None }
    }

    /// What was put in.
    pub fn bytes(&self) -> &[u8] {
        match &self.heap {
            Some(long) => long,
            None => &self.place[..self.len],
        }
    }

    /// Adds to the end.
    pub fn append(&mut self, more: &[u8]) -> Result<(), Failure> {
        if self.heap.is_none() && self.len + more.len() <= IN_PLACE {
            self.place[self.len..self.len + more.len()].copy_from_slice(more);
            self.len += more.len();
            return Ok(());
        }
        self.append_long(more)
    }

    #[cold]
    fn append_long(&mut self, more: &[u8]) -> Result<(), Failure> {
        let full = |_| Failure::from(E_OUTOFMEMORY);
        if let Some(long) = &mut self.heap {
            long.try_reserve(more.len()).map_err(full)?;
            long.extend_from_slice(more);
            return Ok(());
        }
        let mut long = Vec::new();
        long.try_reserve(self.len + more.len()).map_err(full)?;
        long.extend_from_slice(&self.place[..self.len]);
        long.extend_from_slice(more);
        self.heap = Some(Box::new(long));
        Ok(())
    }

    /// Empties it and gives long memory back.
    #[inline]
    pub fn clear(&mut self) {
        self.len = 0;
        self.heap = None;
    }
}

/// The bytes of a begin, with the memory that they need: to be moved into a buffer without failing.
pub struct Input<'a> {
    bytes: &'a [u8],
    #[allow(clippy::box_collection, reason = "moved into the buffer as it is")]
    long: Option<Box<Vec<u8>>>,
}

impl<'a> Input<'a> {
    pub fn of(bytes: &'a [u8]) -> Result<Self, Failure> {
        if bytes.len() <= IN_PLACE {
            return Ok(Self { bytes, long: None });
        }
        let mut long = Vec::new();
        long.try_reserve_exact(bytes.len()).map_err(|_| Failure::from(E_OUTOFMEMORY))?;
        long.extend_from_slice(bytes);
        Ok(Self { bytes, long: Some(Box::new(long)) })
    }

    /// Replaces the contents of `buffer`.
    #[inline]
    pub fn fill(self, buffer: &mut Buffer) {
        buffer.heap = self.long;
        buffer.len = 0;
        if buffer.heap.is_none() {
            buffer.place[..self.bytes.len()].copy_from_slice(self.bytes);
            buffer.len = self.bytes.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_replaces_what_was_there() {
        let mut buffer = Buffer::new();
        for len in [0, 1, IN_PLACE, IN_PLACE + 1, 5000, 3] {
            let bytes: Vec<u8> = (0..len).map(|at| at as u8).collect();
            Input::of(&bytes).expect("memory").fill(&mut buffer);
            assert_eq!(buffer.bytes(), bytes);
            assert_eq!(buffer.bytes().as_ptr() as usize % 16, 0, "aligned for any type");
        }
    }

    #[test]
    fn contents_are_kept_in_order_across_the_step_to_the_heap() {
        let mut buffer = Buffer::new();
        let mut expected = Vec::new();
        for step in 0..40_u8 {
            let piece = vec![step; usize::from(step)];
            buffer.append(&piece).expect("memory");
            expected.extend_from_slice(&piece);
            assert_eq!(buffer.bytes(), expected);
        }
        buffer.clear();
        assert_eq!(buffer.bytes(), b"");
        buffer.append(&[7; IN_PLACE]).expect("memory");
        assert!(buffer.heap.is_none(), "what fits stays in place");
        assert_eq!(buffer.bytes(), [7; IN_PLACE]);
    }
}
