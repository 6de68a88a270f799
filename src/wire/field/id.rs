//! The correlation id: which session is meant.

use core::{fmt, str};

use crate::scan;
use crate::wire::{Field, FieldError, FieldErrorKind};

/// The id of a session: a GUID.
///
/// Read hyphenated, as 32 digits, or hyphenated in braces, in any case; written hyphenated in lower case (OURS).
///
/// ```
/// use recording_core::wire::CorrelationId;
///
/// let id: CorrelationId = "{1D6C6A58-6739-4F0C-98FF-0968292C8C30}".parse()?;
/// assert_eq!(id.to_string(), "1d6c6a58-6739-4f0c-98ff-0968292c8c30");
/// assert_eq!(id, "1d6c6a5867394f0c98ff0968292c8c30".parse()?);
/// assert!("urn:uuid:1d6c6a58-6739-4f0c-98ff-0968292c8c30".parse::<CorrelationId>().is_err());
/// # Ok::<(), recording_core::wire::FieldError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CorrelationId(
    /// Eight digits a word, the first of them highest. As one number it would be aligned to 16 bytes.
    [u32; 4],
);

impl CorrelationId {
    /// How many bytes the written form takes.
    pub const HYPHENATED_LEN: usize = scan::GUID_LEN;

    /// The longest form that is read: hyphenated in braces.
    pub(crate) const MAX_READ_LEN: usize = Self::HYPHENATED_LEN + 2;

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

    pub(crate) const fn from_words(words: [u32; 4]) -> Self {
        Self(words)
    }

    /// Reads one of the three forms.
    ///
    /// # Errors
    ///
    /// [`FieldErrorKind::NotAGuid`] for anything else, white space and `urn:uuid:` included.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        Self::from_bytes(text.as_bytes()).ok_or(FieldErrorKind::NotAGuid.of(Field::CorrelationId))
    }

    #[inline]
    pub(crate) fn from_bytes(text: &[u8]) -> Option<Self> {
        scan::read_guid(text).map(Self)
    }

    /// The hyphenated id at the start of `text`, and its length.
    #[inline]
    pub(crate) fn at_start(text: &str) -> Option<(Self, usize)> {
        let id = text.as_bytes().first_chunk::<{ Self::HYPHENATED_LEN }>()?;
        Some((Self::from_bytes(id)?, Self::HYPHENATED_LEN))
    }

    /// The written form, as a value that can be borrowed as `&str`.
    #[must_use]
    pub fn hyphenated(self) -> Hyphenated {
        let mut text = [0; Self::HYPHENATED_LEN];
        scan::put_guid(&mut text, 0, self.0);
        Hyphenated(text)
    }
}

/// A correlation id as it is written: hyphenated, in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hyphenated([u8; CorrelationId::HYPHENATED_LEN]);

impl Hyphenated {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The text as ASCII bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; CorrelationId::HYPHENATED_LEN] {
        &self.0
    }
}

impl AsRef<str> for Hyphenated {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Hyphenated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.hyphenated().as_str())
    }
}

impl fmt::Debug for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.hyphenated().as_str())
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
