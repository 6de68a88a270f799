//! Writes JSON into a caller's buffer, and counts on when it is full, so that the error can say what would have done.

use crate::BufferTooSmall;
use crate::bytes::{Special, copy};
use crate::sink::{Pieces, Sink, decimal};

/// Writes into a buffer. Whatever does not fit is only counted.
pub(crate) struct Writer<'b> {
    buffer: &'b mut [u8],
    len: usize,
}

impl<'b> Writer<'b> {
    pub(crate) const fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, len: 0 }
    }

    /// What was written.
    pub(crate) fn finish(self) -> Result<&'b [u8], BufferTooSmall> {
        let too_small = BufferTooSmall { needed: self.len, given: self.buffer.len() };
        self.buffer.get(..self.len).ok_or(too_small)
    }

    /// Bytes as they are: what is known to need no escape.
    #[inline]
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        copy(self.buffer.get_mut(self.len..).unwrap_or_default(), bytes);
        self.len += bytes.len();
    }

    /// A number in decimal.
    pub(crate) fn decimal(&mut self, number: i32) {
        if number < 0 {
            self.raw(b"-");
        }
        self.raw(decimal(number.unsigned_abs() as usize, &mut [0; 20]).as_bytes());
    }

    /// A single digit.
    #[inline]
    pub(crate) fn digit(&mut self, digit: u8) {
        self.raw(&[b'0' + digit]);
    }

    /// The inside of a string: escapes `"`, `\` and the control characters below U+0020, and nothing else.
    #[inline]
    pub(crate) fn escaped(&mut self, text: &str) {
        let mut rest = text.as_bytes();
        // Nothing is to be escaped in most texts.
        while let Some((clean, [byte, behind @ ..])) = rest.split_at_checked(first_to_escape(rest)) {
            self.raw(clean);
            self.escape(*byte);
            rest = behind;
        }
        self.raw(rest);
    }

    #[cold]
    fn escape(&mut self, byte: u8) {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let short = match byte {
            b'"' => b'"',
            b'\\' => b'\\',
            0x08 => b'b',
            0x0c => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            _ => {
                let low = HEX.get(usize::from(byte & 15)).copied().unwrap_or_default();
                return self.raw(&[b'\\', b'u', b'0', b'0', b'0' + (byte >> 4), low]);
            }
        };
        self.raw(&[b'\\', short]);
    }

    /// A string in quotes that is made of pieces.
    pub(crate) fn pieces(&mut self, text: &impl Pieces) {
        self.raw(b"\"");
        text.pieces(self);
        self.raw(b"\"");
    }
}

/// Inside a string.
impl Sink for Writer<'_> {
    fn plain(&mut self, piece: &str) {
        self.raw(piece.as_bytes());
    }

    fn any(&mut self, piece: &str) {
        self.escaped(piece);
    }
}

/// Where the first byte stands that a string must escape.
#[inline]
const fn first_to_escape(bytes: &[u8]) -> usize {
    Special::IN_STRING.first_in_all(bytes)
}
