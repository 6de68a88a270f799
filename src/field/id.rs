//! The correlation id: which session is meant.

mod digits;
mod words;

use core::{fmt, str};

use crate::bytes::BY_WORDS;
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
pub struct CorrelationId(
    /// Eight digits a word, the first of them highest. As one number it would be aligned to 16 bytes.
    [u32; 4],
);

impl CorrelationId {
    /// How many bytes the written form takes.
    pub const TEXT_LEN: usize = 36;

    /// The longest form that is read: hyphenated in braces.
    pub(crate) const READ_MAX: usize = Self::TEXT_LEN + 2;

    /// The id whose 32 digits are those of `value`.
    #[must_use]
    pub const fn from_u128(value: u128) -> Self {
        Self([(value >> 96) as u32, (value >> 64) as u32, (value >> 32) as u32, value as u32])
    }

    /// The id as a number of 32 hexadecimal digits.
    #[must_use]
    pub const fn to_u128(self) -> u128 {
        let [a, b, c, d] = self.0;
        (a as u128) << 96 | (b as u128) << 64 | (c as u128) << 32 | d as u128
    }

    pub(crate) const fn words(self) -> [u32; 4] {
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

    #[inline]
    pub(crate) fn from_bytes(text: &[u8]) -> Option<Self> {
        if BY_WORDS { words::read(text) } else { digits::read(text) }.map(Self)
    }

    /// From the hyphenated form.
    #[inline]
    pub(crate) fn from_hyphenated(text: &[u8; Self::TEXT_LEN]) -> Option<Self> {
        words::from_hyphenated(text).map(Self)
    }

    /// The written form, as a value that can be borrowed as `&str`.
    #[must_use]
    pub fn text(self) -> IdText {
        IdText(if BY_WORDS { words::text(self.0) } else { digits::text(self.0) })
    }
}

impl CorrelationId {
    /// Gives the written form, byte by byte: the smaller way.
    pub(crate) fn each_byte(self, take: impl FnMut(u8)) {
        digits::each(self.0, take);
    }
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
