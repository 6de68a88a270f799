//! A JSON string as it stands in the source, and what it means.

use core::str;

use crate::Fault;
use crate::bytes::copy;

/// The inside of a JSON string, checked by the reader and not yet unescaped.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    raw: &'a str,
    escaped: bool,
}

impl<'a> Text<'a> {
    pub(super) const fn new(raw: &'a str, escaped: bool) -> Self {
        Self { raw, escaped }
    }

    /// The inside of a string of a document that the reader has passed, as another decoder cut it out.
    #[cfg(feature = "serde-json-core")]
    pub(crate) fn of_checked(raw: &'a str) -> Self {
        Self { raw, escaped: raw.contains('\\') }
    }

    /// Whether the string means exactly `other`.
    #[must_use]
    pub fn is(self, other: &str) -> bool {
        if self.escaped { self.chars().eq(other.chars()) } else { self.raw == other }
    }

    /// The string as it stands, if it holds no escape: nothing needs to be copied.
    #[must_use]
    pub const fn plain(self) -> Option<&'a str> {
        if self.escaped { None } else { Some(self.raw) }
    }

    /// The characters that the string means.
    #[must_use]
    pub fn chars(self) -> Chars<'a> {
        Chars { rest: self.raw.chars() }
    }

    /// Whether the string means `other`, without regard to ASCII case.
    #[must_use]
    pub fn eq_ignore_ascii_case(self, other: &str) -> bool {
        if !self.escaped {
            return self.raw.eq_ignore_ascii_case(other);
        }
        let mut others = other.chars();
        self.chars().all(|c| others.next().is_some_and(|o| o.eq_ignore_ascii_case(&c))) && others.next().is_none()
    }

    /// Copies the string that is meant into `buffer` and says how long it is. `None` if it does not fit.
    #[must_use]
    pub fn copy_to(self, buffer: &mut [u8]) -> Option<usize> {
        let mut len = 0;
        for c in self.chars() {
            let mut utf8 = [0; 4];
            let utf8 = c.encode_utf8(&mut utf8).as_bytes();
            if !copy(buffer.get_mut(len..)?, utf8) {
                return None;
            }
            len += utf8.len();
        }
        Some(len)
    }
}

/// A buffer that strings are unescaped into, one behind the other.
#[derive(Debug)]
pub(crate) struct Unescaped<'a> {
    rest: &'a mut [u8],
}

impl<'a> Unescaped<'a> {
    pub(crate) const fn into(buffer: &'a mut [u8]) -> Self {
        Self { rest: buffer }
    }

    /// The string that is meant: borrowed from the source if it holds no escape, else put into the buffer.
    ///
    /// # Errors
    ///
    /// [`Fault::TooLong`] if it does not fit into what is left of the buffer.
    pub(crate) fn text(&mut self, text: Text<'a>) -> Result<&'a str, Fault> {
        if let Some(plain) = text.plain() {
            return Ok(plain);
        }
        let too_long = Fault::TooLong { max: self.rest.len().try_into().unwrap_or(u32::MAX) };
        let len = text.copy_to(self.rest).ok_or(too_long)?;
        let (meant, rest) = core::mem::take(&mut self.rest).split_at_mut_checked(len).ok_or(too_long)?;
        self.rest = rest;
        str::from_utf8(meant).map_err(|_| Fault::NotUtf8)
    }
}

/// The characters that a [`Text`] means, one after the other.
#[derive(Debug, Clone)]
pub struct Chars<'a> {
    rest: str::Chars<'a>,
}

impl Iterator for Chars<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        if c != '\\' {
            return Some(c);
        }
        // The reader let only whole escapes pass.
        Some(match self.rest.next()? {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => self.code_point()?,
            itself => itself,
        })
    }
}

impl Chars<'_> {
    fn code_point(&mut self) -> Option<char> {
        let first = self.unit()?;
        if let Some(c) = char::from_u32(first) {
            return Some(c);
        }
        // A surrogate, and never a lone one: behind it stand `\u` and its other half.
        self.rest.nth(1)?;
        char::from_u32(pair(first, self.unit()?))
    }

    fn unit(&mut self) -> Option<u32> {
        let mut unit = 0;
        for _ in 0..4 {
            unit = unit << 4 | self.rest.next()?.to_digit(16)?;
        }
        Some(unit)
    }
}

/// The code point that two surrogates stand for.
const fn pair(high: u32, low: u32) -> u32 {
    0x1_0000 + ((high & 0x3ff) << 10) + (low & 0x3ff)
}
