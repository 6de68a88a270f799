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

    /// What a JSON string that may be a name as it stands must not hold: what a string must escape, what a name must not
    /// hold, and what is no ASCII, which [`new`](Self::new) looks at more closely.
    pub(crate) const UNCOMMON: Special = Special {
        equal: [b'/', b'\\'],
        flip: Special::IN_STRING.flip,
        below: Special::IN_STRING.below,
        from_del: true,
    };

    /// The name, if it is neither empty nor too long. It must be ASCII and hold nothing that a name must not, as what has
    /// none of [`UNCOMMON`](Self::UNCOMMON) in it.
    #[inline]
    pub(crate) const fn of_common(name: &'a str) -> Option<Self> {
        if name.is_empty() || name.len() > Self::MAX_LEN { None } else { Some(Self(name)) }
    }

    /// Checks the name.
    ///
    /// # Errors
    ///
    /// [`Fault::Empty`], [`Fault::TooLong`], [`Fault::ControlCharacter`] or [`Fault::Slash`].
    pub const fn new(name: &'a str) -> Result<Self, FieldError> {
        match fault(name.as_bytes()) {
            None => Ok(Self(name)),
            Some(fault) => Err(fault.of(Field::UccName)),
        }
    }
}

/// `name` is UTF-8.
const fn fault(name: &[u8]) -> Option<Fault> {
    const SPECIAL: Special = Special { equal: [b'/', b'/'], flip: 0, below: 0x20, from_del: true };
    if name.len() > UccName::MAX_LEN {
        return Some(UccName::TOO_LONG);
    }
    if SPECIAL.first_in_all(name) == name.len() {
        return if name.is_empty() { Some(Fault::Empty) } else { None };
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

    use std::string::String;

    use super::*;

    /// What is taken for common is what `new` takes.
    #[test]
    fn common_names_are_names() {
        for byte in 0..=0x7f_u8 {
            for len in 0..=UccName::MAX_LEN + 1 {
                let mut name = String::from_iter(core::iter::repeat_n('x', len));
                name.push(char::from(byte));
                let common = UccName::UNCOMMON.first_in_all(name.as_bytes()) == name.len();
                let expected = UccName::new(&name);
                if common {
                    assert_eq!(UccName::of_common(&name), expected.ok(), "{name}");
                } else {
                    assert!(expected.is_err() || byte == b'\\' || byte == b'"', "{name}");
                }
            }
        }
        assert_eq!(UccName::of_common(""), None);
    }
}
