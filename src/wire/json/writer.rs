//! Writes JSON into a caller's buffer, and counts on when it is full, so that the error can say what would have done.

use crate::pieces::Sink;
use crate::scan::{ByteSet, find, hex_digit, put, put_guid};
use crate::wire::{BufferTooSmall, CorrelationId};

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
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        put(self.buffer, self.len, bytes);
        self.len += bytes.len();
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn byte(&mut self, byte: u8) {
        self.raw(&[byte]);
    }

    /// An id.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn id(&mut self, id: CorrelationId) {
        put_guid(self.buffer, self.len, id.words());
        self.len += CorrelationId::HYPHENATED_LEN;
    }

    /// A number in decimal.
    pub(crate) fn decimal(&mut self, number: i32) {
        if number < 0 {
            self.raw(b"-");
        }
        self.number(number.unsigned_abs() as usize);
    }

    /// A single digit.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn digit(&mut self, digit: u8) {
        self.byte(b'0' + digit);
    }

    /// The inside of a string: escapes `"`, `\` and the control characters below U+0020, and nothing else.
    #[inline]
    pub(crate) fn escaped(&mut self, text: &str) {
        let text = text.as_bytes();
        // Nothing is to be escaped in most texts.
        let (clean, rest) = text.split_at_checked(find(text, ByteSet::IN_STRING)).unwrap_or_default();
        self.raw(clean);
        if !rest.is_empty() {
            self.escaped_by_bytes(rest);
        }
    }

    #[inline(never)]
    fn escaped_by_bytes(&mut self, text: &[u8]) {
        for &byte in text {
            match byte {
                b'"' | b'\\' | 0..0x20 => self.byte(b'\\'),
                _ => {}
            }
            let last = match byte {
                0x08 => b'b',
                0x0c => b'f',
                b'\n' => b'n',
                b'\r' => b'r',
                b'\t' => b't',
                0..0x20 => {
                    self.byte(b'u');
                    self.byte(b'0');
                    self.byte(b'0');
                    self.byte(b'0' + (byte >> 4));
                    hex_digit(byte & 15)
                }
                itself => itself,
            };
            self.byte(last);
        }
    }
}

/// Inside a string.
impl Sink for Writer<'_> {
    fn text(&mut self, piece: &str) {
        self.escaped(piece);
    }

    fn id(&mut self, id: CorrelationId) {
        Self::id(self, id);
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::string::String;
    use std::vec::Vec;

    use super::*;
    use crate::testing;

    const ID: CorrelationId = CorrelationId::from_u128(0x0123_4567_89ab_cdef_fedc_ba98_7654_3210);

    /// Skipping over clean text and writing byte by byte give the same, into buffers of every length, and the length that
    /// would have done.
    #[test]
    fn clean_text_is_skipped_over() {
        let every: String = (0..=0xff_u8).map(char::from).collect();
        for text in ["", "plain", "\"", "a longer text \\ with escapes \u{1f}\u{7f}\n after", &every] {
            for len in (0..=2 * text.len() + 80).step_by(testing::STEP) {
                let write = |write: fn(&mut Writer<'_>, &str)| {
                    let mut buffer = std::vec![0; len];
                    let mut writer = Writer::new(&mut buffer);
                    write(&mut writer, text);
                    writer.finish().map(Vec::from)
                };
                let skipping = write(|writer, text| {
                    writer.raw(text.as_bytes());
                    writer.escaped(text);
                    writer.id(ID);
                });
                let by_bytes = write(|writer, text| {
                    text.bytes().for_each(|byte| writer.byte(byte));
                    writer.escaped_by_bytes(text.as_bytes());
                    writer.escaped_by_bytes(ID.hyphenated().as_bytes());
                });
                assert_eq!(skipping, by_bytes);
            }
        }
    }
}
