//! The name of a UCC.

use super::text_field;
use crate::bytes::Special;
use crate::{Fault, Field, FieldError};

/// The name of a UCC (Unified Contact Center), borrowed from a request.
///
/// 1 to 64 bytes of UTF-8 without control characters and without `/`; compared exactly (OURS).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UccName<'a>(&'a str);

/// The name of a UCC, stored: 64 bytes and its length.
#[derive(Clone)]
pub struct UccNameBuf(heapless::String<{ UccName::MAX_LEN }>);

impl<'a> UccName<'a> {
    /// The longest name, in bytes of UTF-8 after decoding. Source: OURS.
    pub const MAX_LEN: usize = 64;

    pub(crate) const TOO_LONG: Fault = Fault::TooLong { max: Self::MAX_LEN as u32 };

    /// The longest name as the inside of a JSON string: nothing in it but `"` and `\`, each of which takes two bytes.
    pub(crate) const ESCAPED_MAX: usize = 2 * Self::MAX_LEN;

    /// The name that stands before the quote that ends a JSON string, and the quote with what is behind it. `None` for
    /// what is no name, and for names that are looked at more closely: with escapes, or not all ASCII.
    #[inline]
    pub(crate) fn usual(inside: &'a str) -> Option<(Self, &'a str)> {
        const SPECIAL: Special = Special {
            equal: [b'/', b'\\'],
            flip: Special::IN_STRING.flip,
            below: Special::IN_STRING.below,
            from_del: true,
        };
        let (name, rest) = inside.split_at_checked(SPECIAL.first_in_all(inside.as_bytes()))?;
        if name.is_empty() || name.len() > Self::MAX_LEN || !rest.starts_with('"') {
            None
        } else {
            Some((Self(name), rest))
        }
    }

    /// The name, of bytes that were found to be ASCII and to hold nothing that a name must not, if it is neither empty nor
    /// too long.
    #[inline]
    pub(crate) fn of_clean(name: &'a [u8]) -> Option<Self> {
        if name.is_empty() || name.len() > Self::MAX_LEN { None } else { core::str::from_utf8(name).ok().map(Self) }
    }

    /// Checks the name.
    ///
    /// # Errors
    ///
    /// [`Fault::Empty`], [`Fault::TooLong`], [`Fault::ControlCharacter`] or [`Fault::Slash`].
    pub const fn new(name: &'a str) -> Result<Self, FieldError> {
        match Self::checked(name) {
            Ok(name) => Ok(name),
            Err(fault) => Err(fault.of(Field::UccName)),
        }
    }

    pub(crate) const fn checked(name: &'a str) -> Result<Self, Fault> {
        match fault(name.as_bytes()) {
            None => Ok(Self(name)),
            Some(fault) => Err(fault),
        }
    }
}

/// `name` is UTF-8.
const fn fault(name: &[u8]) -> Option<Fault> {
    if name.is_empty() {
        return Some(Fault::Empty);
    }
    if name.len() > UccName::MAX_LEN {
        return Some(UccName::TOO_LONG);
    }
    let mut before = 0;
    let mut rest = name;
    while let Some((&byte, behind)) = rest.split_first() {
        match byte {
            0..=0x1f | 0x7f => return Some(Fault::ControlCharacter),
            // U+0080 to U+009F.
            0x80..=0x9f if before == 0xc2 => return Some(Fault::ControlCharacter),
            b'/' => return Some(Fault::Slash),
            _ => {}
        }
        before = byte;
        rest = behind;
    }
    None
}

text_field!(UccName, UccNameBuf, UccName::MAX_LEN);

#[cfg(test)]
mod tests {
    extern crate std;

    use std::format;
    use std::string::String;

    use super::*;
    use crate::testing;

    /// What is taken for usual is what `new` takes.
    #[test]
    fn usual_names_are_names() {
        for byte in testing::bytes().filter(u8::is_ascii) {
            for len in 0..=UccName::MAX_LEN + 1 {
                let mut name = String::from_iter(core::iter::repeat_n('x', len));
                name.push(char::from(byte));
                let usual =
                    UccName::usual(&format!("{name}\"}}")).map(|(name, rest)| (name.as_str().len(), rest.len()));
                let expected = UccName::new(&name).ok().filter(|_| byte != b'\\' && byte != b'"');
                let expected = match expected {
                    None if byte == b'"' && (1..=UccName::MAX_LEN).contains(&len) => Some((len, 3)),
                    expected => expected.map(|name| (name.as_str().len(), 2)),
                };
                assert_eq!(usual, expected, "{name}");
            }
        }
        assert_eq!(UccName::usual("\""), None);
        assert_eq!(UccName::usual("name"), None);
    }
}
