//! What a connection has received and not yet answered: a body that is put together in front, raw bytes after it.

use core::cell::Cell;

/// Room for one whole request: the longest body and the framing that follows it in chunks, or a head of the same size.
pub(crate) const ROOM: usize = recording_core::wire::SetRequest::MAX_BODY_LEN + 128;

#[derive(Debug)]
pub(crate) struct Input {
    bytes: [u8; ROOM],
    /// Bytes of body in front.
    kept: usize,
    /// Bytes at all.
    len: usize,
}

impl Input {
    pub(crate) const fn new() -> Self {
        Self { bytes: [0; ROOM], kept: 0, len: 0 }
    }

    pub(crate) const fn clear(&mut self) {
        self.kept = 0;
        self.len = 0;
    }

    /// Where received bytes go.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.len..).unwrap_or_default()
    }

    pub(crate) fn received(&mut self, count: usize) {
        self.len = self.len.saturating_add(count).min(ROOM);
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.len == ROOM
    }

    /// The raw bytes.
    pub(crate) fn raw(&self) -> &[u8] {
        self.bytes.get(self.kept..self.len).unwrap_or_default()
    }

    /// The body, as far as it is put together.
    pub(crate) fn body(&self) -> &[u8] {
        self.bytes.get(..self.kept).unwrap_or_default()
    }

    /// The next `count` raw bytes belong to the body.
    pub(crate) fn keep(&mut self, count: usize) {
        self.kept = self.kept.saturating_add(count).min(self.len);
    }

    /// The next `count` raw bytes are done with.
    pub(crate) fn drop(&mut self, count: usize) {
        self.remove(self.kept, count);
    }

    /// The body is done with.
    pub(crate) fn drop_body(&mut self) {
        let body = self.kept;
        self.kept = 0;
        self.remove(0, body);
    }

    fn remove(&mut self, at: usize, count: usize) {
        let tail = self.bytes.get_mut(at..self.len).unwrap_or_default();
        let count = count.min(tail.len());
        // Byte by byte: `copy_within` cannot be shown not to panic.
        let tail = Cell::from_mut(tail).as_slice_of_cells();
        for (to, from) in tail.iter().zip(tail.get(count..).unwrap_or_default()) {
            to.set(from.get());
        }
        self.len -= count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> Input {
        let mut input = Input::new();
        input.room()[..bytes.len()].copy_from_slice(bytes);
        input.received(bytes.len());
        input
    }

    #[test]
    fn a_body_is_put_together_of_chunks() {
        let mut input = of(b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\nGET");
        input.drop(3);
        input.keep(2);
        input.drop(5);
        input.keep(1);
        assert_eq!(input.body(), b"abc");
        input.drop(7);
        assert_eq!(input.raw(), b"GET");
        input.drop_body();
        assert_eq!((input.body(), input.raw()), (&b""[..], &b"GET"[..]));
    }

    #[test]
    fn more_than_there_is_cannot_be_dropped_or_kept() {
        let mut input = of(b"abc");
        input.keep(9);
        assert_eq!((input.body(), input.raw()), (&b"abc"[..], &b""[..]));
        input.drop(9);
        assert_eq!(input.body(), b"abc");
        input.drop_body();
        assert!(input.body().is_empty() && input.raw().is_empty());
        let mut input = of(b"abc");
        input.drop(9);
        assert!(input.raw().is_empty());
    }

    #[test]
    fn it_is_full_when_there_is_no_room() {
        let mut input = of(&[b'x'; ROOM]);
        assert!(input.is_full() && input.room().is_empty());
        input.received(1);
        assert_eq!(input.raw().len(), ROOM);
        input.drop(1);
        assert!(!input.is_full());
        assert_eq!(input.room().len(), 1);
    }
}
