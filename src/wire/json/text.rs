//! A JSON string as it is written, and what it means.

use super::ESCAPES;
use super::error::JsonErrorKind;
use crate::scan::{SHORTCUTS, hex, utf8};

/// The inside of a JSON string, checked by the reader and not yet unescaped.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    pub(super) raw: &'a str,
    /// Whether there is a backslash in it: the reader has seen that in passing.
    pub(super) escaped: bool,
}

impl<'a> Text<'a> {
    /// The inside of a string of a document that the reader has passed.
    #[cfg(feature = "serde-json-core")]
    pub(crate) fn of_checked(raw: &'a str) -> Self {
        Self { raw, escaped: raw.as_bytes().contains(&b'\\') }
    }

    /// A text without escapes.
    pub(super) const fn plain_of(raw: &'a str) -> Self {
        Self { raw, escaped: false }
    }

    /// As it is written.
    pub(crate) const fn as_written(self) -> &'a str {
        self.raw
    }

    /// Whether the string means exactly `other`.
    #[must_use]
    pub fn eq_str(self, other: &str) -> bool {
        self.chars().eq(other.chars())
    }

    /// The string as it is written, if it contains no escape: nothing needs to be copied.
    #[must_use]
    pub const fn plain(self) -> Option<&'a str> {
        if self.escaped { None } else { Some(self.raw) }
    }

    /// The characters that the string means.
    #[must_use]
    pub const fn chars(self) -> Chars<'a> {
        Chars { rest: self.raw }
    }

    /// Whether the string means `other`, without regard to ASCII case.
    #[must_use]
    pub fn eq_ignore_ascii_case(self, other: &str) -> bool {
        if SHORTCUTS && let Some(plain) = self.plain() {
            return plain.eq_ignore_ascii_case(other);
        }
        let mut others = other.bytes();
        self.bytes().all(|byte| others.next().is_some_and(|other| other.eq_ignore_ascii_case(&byte)))
            && others.next().is_none()
    }

    /// Copies the string that is meant into `buffer` and says how long it is. `None` if it does not fit.
    #[must_use]
    pub fn copy_to(self, buffer: &mut [u8]) -> Option<usize> {
        let mut len = 0;
        for byte in self.bytes() {
            *buffer.get_mut(len)? = byte;
            len += 1;
        }
        Some(len)
    }

    const fn bytes(self) -> Bytes<'a> {
        Bytes { rest: self.raw.as_bytes(), encoded: 0, left: 0 }
    }
}

/// A buffer that strings are unescaped into, one after the other.
#[derive(Debug)]
pub(crate) struct Unescaped<'a> {
    rest: &'a mut [u8],
}

impl<'a> Unescaped<'a> {
    pub(crate) const fn into(buffer: &'a mut [u8]) -> Self {
        Self { rest: buffer }
    }

    /// How many bytes still fit.
    pub(crate) fn room(&self) -> u32 {
        self.rest.len().try_into().unwrap_or(u32::MAX)
    }

    /// The string that is meant: borrowed from the source if it contains no escape, else put into the buffer. `None` if
    /// there is no room for it.
    #[inline]
    pub(crate) fn text(&mut self, text: Text<'a>) -> Option<&'a str> {
        match text.plain() {
            None => self.unescape(text),
            plain => plain,
        }
    }

    #[inline(never)]
    fn unescape(&mut self, text: Text<'_>) -> Option<&'a str> {
        let len = text.copy_to(self.rest)?;
        let (meant, rest) = core::mem::take(&mut self.rest).split_at_mut_checked(len)?;
        self.rest = rest;
        utf8(meant).ok()
    }
}

/// The characters that a [`Text`] means, one after the other.
#[derive(Debug, Clone)]
pub struct Chars<'a> {
    rest: &'a str,
}

impl Iterator for Chars<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let mut c = chars.next()?;
        self.rest = chars.as_str();
        if c == '\\' {
            let len;
            (c, len) = escape(self.rest.as_bytes()).ok()?;
            self.rest = self.rest.get(len.into()..)?;
        }
        Some(c)
    }
}

/// The bytes that a [`Text`] means, one after the other.
struct Bytes<'a> {
    rest: &'a [u8],
    /// Bytes of a character that was escaped, the next one lowest, and how many there are.
    encoded: u32,
    left: usize,
}

impl Iterator for Bytes<'_> {
    type Item = u8;

    #[inline(never)]
    fn next(&mut self) -> Option<u8> {
        if self.left == 0 {
            let (&byte, after) = self.rest.split_first()?;
            self.rest = after;
            if byte != b'\\' {
                return Some(byte);
            }
            let (c, len) = escape(after).ok()?;
            self.rest = after.get(len.into()..)?;
            let mut utf8 = [0; 4];
            self.left = c.encode_utf8(&mut utf8).len();
            self.encoded = u32::from_le_bytes(utf8);
        }
        let byte = self.encoded as u8;
        self.encoded >>= 8;
        self.left -= 1;
        Some(byte)
    }
}

/// An escape sequence, from after its backslash on: what it means and how long it is. That of a surrogate includes its
/// other half.
#[inline(never)]
pub(super) fn escape(text: &[u8]) -> Result<(char, u8), JsonErrorKind> {
    let kind = text.first().copied().unwrap_or_default();
    if kind != b'u' {
        return match ESCAPES.iter().find(|(letter, _)| *letter == kind) {
            Some(&(_, meant)) => Ok((meant.into(), 1)),
            None => Err(JsonErrorKind::Escape),
        };
    }
    let high = unit(text).ok_or(JsonErrorKind::Escape)?;
    if let Some(c) = char::from_u32(high) {
        return Ok((c, UNIT_LEN as u8));
    }
    let other_half = match text.get(UNIT_LEN..) {
        Some([b'\\', other_half @ ..]) => unit(other_half),
        _ => None,
    };
    match (high, other_half) {
        (0xd800..0xdc00, Some(low @ 0xdc00..0xe000)) => {
            let c = char::from_u32(0x1_0000 + ((high & 0x3ff) << 10) + (low & 0x3ff));
            Ok((c.unwrap_or_default(), 2 * UNIT_LEN as u8 + 1))
        }
        _ => Err(JsonErrorKind::LoneSurrogate),
    }
}

/// `u` and four hexadecimal digits.
const UNIT_LEN: usize = 5;

fn unit(text: &[u8]) -> Option<u32> {
    match text.first_chunk::<UNIT_LEN>()? {
        [b'u', digits @ ..] => hex(digits),
        _ => None,
    }
}
