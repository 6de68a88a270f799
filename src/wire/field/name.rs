//! The name of a UCC.

use super::text_field;
use crate::scan::{ByteSet, find};
use crate::wire::{Field, FieldError, FieldErrorKind};

/// The name of a UCC (Unified Contact Center), borrowed from a request.
///
/// 1 to 64 bytes of UTF-8 without control characters and without `/`; compared exactly (OURS).
///
/// ```
/// use recording_core::wire::{FieldErrorKind, UccName};
///
/// let ucc = UccName::new("ucc-demo-name")?;
/// assert_ne!(ucc, UccName::new("UCC-demo-name")?);
/// assert!(UccName::new("a/b").is_err_and(|error| error.kind == FieldErrorKind::Slash));
/// # Ok::<(), recording_core::wire::FieldError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UccName<'a>(&'a str);

/// The name of a UCC, stored: 64 bytes and its length.
#[derive(Clone)]
pub struct UccNameBuf(heapless::String<{ UccName::MAX_LEN }>);

impl<'a> UccName<'a> {
    /// The longest name, in bytes of UTF-8 after decoding. [Protocol](crate#protocol): OURS.
    pub const MAX_LEN: usize = 64;

    pub(crate) const TOO_LONG: FieldErrorKind = FieldErrorKind::TooLong { max: Self::MAX_LEN as u32 };

    /// The longest name as the inside of a JSON string: nothing in it but `"` and `\`, each of which takes two bytes.
    pub(crate) const MAX_ESCAPED_LEN: usize = 2 * Self::MAX_LEN;

    /// Checks the name.
    ///
    /// # Errors
    ///
    /// [`FieldErrorKind::Empty`], [`FieldErrorKind::TooLong`], [`FieldErrorKind::ControlCharacter`] or [`FieldErrorKind::Slash`].
    pub const fn new(name: &'a str) -> Result<Self, FieldError> {
        match Self::checked(name) {
            Ok(name) => Ok(name),
            Err(fault) => Err(fault.of(Field::UccName)),
        }
    }

    /// Whether a client can ask for the UCC of this name: not for `.` and `..`, which browsers, curl and others take out
    /// of a path before they send it. The wire knows such names; no gateway has a UCC of one. OURS.
    ///
    /// ```
    /// # use recording_core::wire::UccName;
    /// assert!(!UccName::new("..")?.is_reachable() && UccName::new("...")?.is_reachable());
    /// # Ok::<(), recording_core::wire::FieldError>(())
    /// ```
    #[must_use]
    pub const fn is_reachable(self) -> bool {
        !matches!(self.0.as_bytes(), b"." | b"..")
    }

    /// The name at the start of `text`, and its length: up to the first byte that is not ASCII, that no name contains, or
    /// that JSON strings escape.
    #[inline]
    pub(crate) fn at_start(text: &'a str) -> Option<(Self, usize)> {
        const END: ByteSet = ByteSet { equal: [b'/', b'\\'], from_del: true, ..ByteSet::IN_STRING };
        let len = find(text.as_bytes(), END);
        if len == 0 || len > Self::MAX_LEN { None } else { Some((Self(text.get(..len)?), len)) }
    }

    pub(crate) const fn checked(name: &'a str) -> Result<Self, FieldErrorKind> {
        match fault(name.as_bytes()) {
            None => Ok(Self(name)),
            Some(fault) => Err(fault),
        }
    }
}

/// What is wrong with a name, which is UTF-8.
#[inline(never)]
const fn fault(name: &[u8]) -> Option<FieldErrorKind> {
    if name.is_empty() {
        return Some(FieldErrorKind::Empty);
    }
    if name.len() > UccName::MAX_LEN {
        return Some(UccName::TOO_LONG);
    }
    let mut before = 0;
    let mut rest = name;
    while let Some((&byte, after)) = rest.split_first() {
        match byte {
            0..=0x1f | 0x7f => return Some(FieldErrorKind::ControlCharacter),
            // U+0080 to U+009F.
            0x80..=0x9f if before == 0xc2 => return Some(FieldErrorKind::ControlCharacter),
            b'/' => return Some(FieldErrorKind::Slash),
            _ => {}
        }
        before = byte;
        rest = after;
    }
    None
}

text_field!(UccName, UccNameBuf, UccName::MAX_LEN);

#[cfg(test)]
mod tests {
    extern crate std;

    use std::string::String;

    use super::*;
    use crate::testing;

    /// Every byte at the end of names of every length: a name that is taken from the start of a text is one, and one that
    /// is not taken has a byte that strings or names treat in another way.
    #[test]
    fn names_at_the_start_are_names() {
        for byte in testing::bytes().filter(u8::is_ascii) {
            for len in 0..=UccName::MAX_LEN + 1 {
                let mut text = String::from_iter(core::iter::repeat_n('x', len));
                text.push(char::from(byte));
                let taken = UccName::at_start(&text).map(|(name, len)| (name.as_str().len(), len));
                let ends = matches!(byte, 0..0x20 | 0x7f | b'"' | b'\\' | b'/');
                let expected = if ends { len } else { len + 1 };
                let valid = (1..=UccName::MAX_LEN).contains(&expected);
                assert_eq!(taken, valid.then_some((expected, expected)), "{text}");
                assert!(!valid || UccName::new(&text[..expected]).is_ok());
            }
        }
        assert_eq!(UccName::at_start(""), None);
        assert_eq!(UccName::at_start("é"), None);
    }
}
