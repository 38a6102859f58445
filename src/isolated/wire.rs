//! Numbers and texts one after the other, for what is sent once; whoever reads checks.

/// What is written so far.
#[derive(Default)]
pub struct Writer(pub Vec<u8>);

impl Writer {
    pub fn byte(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    pub fn number(mut self, value: u64) -> Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub fn text(self, value: &[u8]) -> Self {
        let mut next = self.number(value.len() as u64);
        next.0.extend_from_slice(value);
        next
    }

    pub fn texts<'a>(self, values: impl ExactSizeIterator<Item = &'a [u8]>) -> Self {
        let counted = self.number(values.len() as u64);
        values.fold(counted, Self::text)
    }
}

/// What is still to be read. `None` from any of its functions: it is not what was to come.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    pub fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|taken| taken[0])
    }

    pub fn number(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    pub fn text(&mut self) -> Option<&'a [u8]> {
        let len = self.number()?;
        self.take(usize::try_from(len).ok()?)
    }

    pub fn texts(&mut self) -> Option<Vec<&'a [u8]>> {
        // As many as are said may not be there: no memory is taken for them before.
        let count = self.number()?;
        let mut all = Vec::new();
        for _ in 0..count {
            all.push(self.text()?);
        }
        Some(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        let written = Writer::default().byte(7).number(u64::MAX).text(b"ab").texts([&b""[..], b"c"].into_iter()).0;
        let mut reader = Reader(&written);
        assert_eq!((reader.byte(), reader.number(), reader.text()), (Some(7), Some(u64::MAX), Some(&b"ab"[..])));
        assert_eq!(reader.texts(), Some(vec![&b""[..], b"c"]));
        assert_eq!((reader.byte(), reader.number()), (None, None));
        for cut in 0..written.len() {
            let mut reader = Reader(&written[..cut]);
            let whole = reader.byte().and(reader.number()).and(reader.text()).and(reader.texts());
            assert_eq!(whole, None, "cut at {cut}");
        }
        let endless = Writer::default().number(u64::MAX).0;
        assert_eq!((Reader(&endless).text(), Reader(&endless).texts()), (None, None));
    }
}
