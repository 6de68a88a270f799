//! The SIP URI of a requester.

use core::hash::{Hash, Hasher};

use super::text_field;
use crate::bytes::{BY_WORDS, Special};
use crate::{Fault, Field, FieldError};

/// The SIP URI that names an agent, borrowed from a request.
///
/// ASCII, at most 255 bytes: `sip:` or `sips:` in any case, then exactly one `@` with something on both sides. No more
/// of RFC 3261 is checked. Echoed as it was sent, compared and hashed without regard to ASCII case, since the identities
/// come from a directory (OURS).
///
/// ```
/// use recording_core::SipUri;
///
/// assert_eq!(SipUri::new("sip:Agent@domain.com")?, SipUri::new("SIP:agent@DOMAIN.com")?);
/// assert!(SipUri::new("agent@domain.com").is_err());
/// # Ok::<(), recording_core::FieldError>(())
/// ```
#[derive(Clone, Copy)]
pub struct SipUri<'a>(&'a str);

/// The SIP URI that names an agent, stored: 255 bytes and its length.
#[derive(Clone)]
pub struct SipUriBuf(heapless::String<{ SipUri::MAX_LEN }>);

impl<'a> SipUri<'a> {
    /// The longest URI, in bytes. Source: OURS.
    pub const MAX_LEN: usize = 255;

    pub(crate) const TOO_LONG: Fault = Fault::TooLong { max: Self::MAX_LEN as u32 };

    /// The longest URI as the inside of a JSON string: all but `sip:` and `@` may take two bytes.
    pub(crate) const ESCAPED_MAX: usize = 2 * Self::MAX_LEN - b"sip:@".len();

    /// Checks the URI.
    ///
    /// # Errors
    ///
    /// [`Fault::TooLong`], [`Fault::NotAscii`], [`Fault::ControlCharacter`], [`Fault::WhiteSpace`],
    /// [`Fault::NoSipScheme`] or [`Fault::NoUserAtHost`].
    pub const fn new(uri: &'a str) -> Result<Self, FieldError> {
        match Self::checked(uri) {
            Ok(uri) => Ok(uri),
            Err(fault) => Err(fault.of(Field::RequesterSipUri)),
        }
    }

    pub(crate) const fn checked(uri: &'a str) -> Result<Self, Fault> {
        match fault(uri.as_bytes()) {
            None => Ok(Self(uri)),
            Some(fault) => Err(fault),
        }
    }

    /// The URI that stands before the quote that ends a JSON string, and the quote with what is behind it. `None` for
    /// what is no URI, and for some that are looked at more closely, as those with escapes.
    #[inline]
    pub(crate) fn usual(inside: &'a str) -> Option<(Self, &'a str)> {
        // As for any JSON string, with the space and `@` beside them. Flipping moves `!` out and `#` in: that is seldom.
        const SPECIAL: Special =
            Special { equal: [b'@', b'\\'], flip: Special::IN_STRING.flip, below: b'"' + 1, from_del: true };
        let behind = behind_scheme(inside.as_bytes())?;
        let at = SPECIAL.first_in_all(behind);
        let [b'@', host @ ..] = behind.get(at..)? else { return None };
        let host_len = SPECIAL.first_in_all(host);
        let uri_len = inside.len() - host.len() + host_len;
        let (uri, rest) = inside.split_at_checked(uri_len)?;
        if at == 0 || host_len == 0 || uri_len > Self::MAX_LEN || !rest.starts_with('"') {
            None
        } else {
            Some((Self(uri), rest))
        }
    }

    /// Whether these are the bytes of a URI that names the same agent: for shells that keep URIs as bytes.
    #[must_use]
    pub fn is(self, uri: &[u8]) -> bool {
        let own = self.0.as_bytes();
        // The same spelling first: a comparison of words.
        BY_WORDS && own == uri || own.eq_ignore_ascii_case(uri)
    }
}

const fn fault(uri: &[u8]) -> Option<Fault> {
    if uri.len() > SipUri::MAX_LEN {
        return Some(SipUri::TOO_LONG);
    }
    let Some(behind) = behind_scheme(uri) else { return Some(Fault::NoSipScheme) };
    let mut ats = 0;
    let mut rest = behind;
    while let Some((&byte, others)) = rest.split_first() {
        match byte {
            b'@' => ats += 1,
            b'!'..=b'~' => {}
            b' ' | b'\t'..=b'\r' => return Some(Fault::WhiteSpace),
            0x80.. => return Some(Fault::NotAscii),
            _ => return Some(Fault::ControlCharacter),
        }
        rest = others;
    }
    match behind {
        [b'@', ..] | [.., b'@'] => Some(Fault::NoUserAtHost),
        _ if ats == 1 => None,
        _ => Some(Fault::NoUserAtHost),
    }
}

#[inline]
const fn behind_scheme(uri: &[u8]) -> Option<&[u8]> {
    match uri {
        [b's' | b'S', b'i' | b'I', b'p' | b'P', b':', behind @ ..] => Some(behind),
        [b's' | b'S', b'i' | b'I', b'p' | b'P', b's' | b'S', b':', behind @ ..] => Some(behind),
        _ => None,
    }
}

impl PartialEq for SipUri<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.is(other.0.as_bytes())
    }
}

impl Eq for SipUri<'_> {}

impl Hash for SipUri<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for byte in self.0.bytes() {
            state.write_u8(byte.to_ascii_lowercase());
        }
        state.write_u8(0xff);
    }
}

text_field!(SipUri, SipUriBuf, SipUri::MAX_LEN);
