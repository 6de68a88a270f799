//! The correlation id: which session is meant.

use core::{fmt, str};

use crate::bytes::copy;
use crate::{Fault, Field, FieldError};

/// The id of a session: a GUID.
///
/// Read hyphenated, as 32 digits, or hyphenated in braces, in any case; written hyphenated in lower case (OURS).
///
/// ```
/// use recording_core::CorrelationId;
///
/// let id: CorrelationId = "{1D6C6A58-6739-4F0C-98FF-0968292C8C30}".parse()?;
/// assert_eq!(id.to_string(), "1d6c6a58-6739-4f0c-98ff-0968292c8c30");
/// assert_eq!(id, "1d6c6a5867394f0c98ff0968292c8c30".parse()?);
/// assert!("urn:uuid:1d6c6a58-6739-4f0c-98ff-0968292c8c30".parse::<CorrelationId>().is_err());
/// # Ok::<(), recording_core::FieldError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CorrelationId(u128);

impl CorrelationId {
    /// How many bytes the written form takes.
    pub const TEXT_LEN: usize = 36;

    /// The longest form that is read: hyphenated in braces.
    pub(crate) const READ_MAX: usize = Self::TEXT_LEN + 2;

    /// The id whose 32 digits are those of `value`.
    #[must_use]
    pub const fn from_u128(value: u128) -> Self {
        Self(value)
    }

    /// The id as a number of 32 hexadecimal digits.
    #[must_use]
    pub const fn to_u128(self) -> u128 {
        self.0
    }

    /// Reads one of the three forms.
    ///
    /// # Errors
    ///
    /// [`Fault::NotAGuid`] for anything else, white space and `urn:uuid:` included.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        Self::from_bytes(text.as_bytes()).ok_or(Fault::NotAGuid.of(Field::CorrelationId))
    }

    pub(crate) fn from_bytes(text: &[u8]) -> Option<Self> {
        match text {
            [b'{', hyphenated @ .., b'}'] => Self::from_hyphenated(hyphenated.try_into().ok()?),
            text => match text.try_into() {
                Ok(hyphenated) => Self::from_hyphenated(hyphenated),
                Err(_) => {
                    let digits: &[u8; 32] = text.try_into().ok()?;
                    Self::from_digits([eight(digits, 0), eight(digits, 8), eight(digits, 16), eight(digits, 24)])
                }
            },
        }
    }

    /// From the hyphenated form.
    #[inline]
    pub(crate) fn from_hyphenated(text: &[u8; Self::TEXT_LEN]) -> Option<Self> {
        Self::from_digits(without_hyphens(text)?)
    }

    #[inline]
    const fn from_digits([a, b, c, d]: [u64; 4]) -> Option<Self> {
        // Only digits, all of them, before any is worth something.
        if (wrong_digits(a) | wrong_digits(b) | wrong_digits(c) | wrong_digits(d)) != 0 {
            return None;
        }
        let upper = (hex_value(a) as u64) << 32 | hex_value(b) as u64;
        let lower = (hex_value(c) as u64) << 32 | hex_value(d) as u64;
        Some(Self((upper as u128) << 64 | lower as u128))
    }

    /// The written form, as a value that can be borrowed as `&str`.
    #[must_use]
    pub fn text(self) -> IdText {
        let [a, b, c, d] = [96, 64, 32, 0].map(|shift| hex_digits((self.0 >> shift) as u32));
        let mut text = [b'-'; Self::TEXT_LEN];
        copy_at(&mut text, 0, &a);
        let [b0, b1] = halves(b);
        copy_at(&mut text, 9, &b0);
        copy_at(&mut text, 14, &b1);
        let [c0, c1] = halves(c);
        copy_at(&mut text, 19, &c0);
        copy_at(&mut text, 24, &c1);
        copy_at(&mut text, 28, &d);
        IdText(text)
    }
}

/// The 32 digits of the hyphenated form, eight a word, the first of them lowest.
#[inline]
fn without_hyphens(text: &[u8; CorrelationId::TEXT_LEN]) -> Option<[u64; 4]> {
    let hyphens = [8, 13, 18, 23].iter().all(|&at| text.get(at) == Some(&b'-'));
    let two = |first, second| u64::from(four(text, first)) | u64::from(four(text, second)) << 32;
    hyphens.then(|| [eight(text, 0), two(9, 14), two(19, 24), eight(text, 28)])
}

#[inline]
fn eight(text: &[u8], at: usize) -> u64 {
    u64::from(four(text, at)) | u64::from(four(text, at + 4)) << 32
}

#[inline]
fn four(text: &[u8], at: usize) -> u32 {
    text.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |four| u32::from_le_bytes(*four))
}

fn copy_at(text: &mut [u8; CorrelationId::TEXT_LEN], at: usize, digits: &[u8]) {
    copy(text.get_mut(at..).unwrap_or_default(), digits);
}

const fn halves([a, b, c, d, e, f, g, h]: [u8; 8]) -> [[u8; 4]; 2] {
    [[a, b, c, d], [e, f, g, h]]
}

const ONES: u64 = u64::MAX / 255;
const HIGHS: u64 = ONES << 7;

/// Not zero if any of eight bytes is no hexadecimal digit, in any case.
#[inline]
const fn wrong_digits(x: u64) -> u64 {
    let letters = x | (ONES * 0x20);
    let digit = at_least(x, b'0') & !at_least(x, b'9' + 1);
    let letter = at_least(letters, b'a') & !at_least(letters, b'f' + 1);
    (!(digit | letter) | x) & HIGHS
}

/// The value of eight hexadecimal digits in any case, the first of them lowest, all eight at once.
#[inline]
const fn hex_value(x: u64) -> u32 {
    // Bit 6 tells letters from digits.
    let nibbles = (x & (ONES * 15)) + (x >> 6 & ONES) * 9;
    // Pairs of nibbles to bytes, bytes to 16 and then to 32 bits; what came first is worth most.
    let bytes = (nibbles << 4 | nibbles >> 8) & 0x00ff_00ff_00ff_00ff;
    let words = (bytes | bytes >> 8) & 0x0000_ffff_0000_ffff;
    ((words | words >> 16) as u32).swap_bytes()
}

/// Sets the high bit of each byte below 128 that is at least `least`; says nothing about other bytes.
const fn at_least(x: u64, least: u8) -> u64 {
    (x | HIGHS) - ONES * least as u64
}

/// The eight digits of a number, in lower case, all eight at once.
const fn hex_digits(value: u32) -> [u8; 8] {
    let x = value.swap_bytes() as u64;
    let words = (x | x << 16) & 0x0000_ffff_0000_ffff;
    let bytes = (words | words << 8) & 0x00ff_00ff_00ff_00ff;
    let nibbles = (bytes >> 4 | bytes << 8) & (ONES * 15);
    let letters = (nibbles + ONES * 6) >> 4 & ONES;
    (nibbles + ONES * 0x30 + letters * 39).to_le_bytes()
}

/// A correlation id as it is written: hyphenated, in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdText([u8; CorrelationId::TEXT_LEN]);

impl IdText {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The text as ASCII bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; CorrelationId::TEXT_LEN] {
        &self.0
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text().as_str())
    }
}

impl fmt::Debug for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

impl str::FromStr for CorrelationId {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for CorrelationId {
    type Error = FieldError;

    fn try_from(text: &str) -> Result<Self, FieldError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_in_every_place_is_a_digit_or_not() {
        for place in 0..8 {
            for byte in 0..=u8::MAX {
                let mut digits = *b"01a9fF5c";
                digits[place] = byte;
                let expected = str::from_utf8(&digits)
                    .ok()
                    .filter(|text| !text.starts_with('+'))
                    .and_then(|text| u32::from_str_radix(text, 16).ok());
                let word = u64::from_le_bytes(digits);
                assert_eq!((wrong_digits(word) == 0).then(|| hex_value(word)), expected, "{digits:?}");
            }
        }
    }

    #[test]
    fn every_nibble_in_every_place_is_written() {
        for place in 0..8 {
            for nibble in 0..16u32 {
                let digits = hex_digits(nibble << (4 * place));
                assert_eq!(hex_value(u64::from_le_bytes(digits)), nibble << (4 * place));
                assert!(digits.iter().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(digit)));
            }
        }
    }
}
