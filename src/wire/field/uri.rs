//! The SIP URI of a requester.

use core::cmp::Ordering;
use core::hash::{Hash, Hasher};

use super::text_field;
use crate::scan::{ByteSet, SHORTCUTS, equal, find};
use crate::wire::{Field, FieldError, FieldErrorKind};

/// The SIP URI that names an agent, borrowed from a request.
///
/// ASCII, at most 255 bytes: `sip:` or `sips:` in any case, then exactly one `@` with something on both sides. No more
/// of RFC 3261 is checked. Echoed as it was sent, compared and hashed without regard to ASCII case, since the identities
/// come from a directory (OURS).
///
/// ```
/// use recording_core::wire::SipUri;
///
/// assert_eq!(SipUri::new("sip:Agent@domain.com")?, SipUri::new("SIP:agent@DOMAIN.com")?);
/// assert!(SipUri::new("agent@domain.com").is_err());
/// # Ok::<(), recording_core::wire::FieldError>(())
/// ```
#[derive(Clone, Copy)]
pub struct SipUri<'a>(&'a str);

/// The SIP URI that names an agent, stored: 255 bytes and its length.
#[derive(Clone)]
pub struct SipUriBuf(heapless::String<{ SipUri::MAX_LEN }>);

impl<'a> SipUri<'a> {
    /// The longest URI, in bytes. [Protocol](crate#protocol): OURS.
    pub const MAX_LEN: usize = 255;

    pub(crate) const TOO_LONG: FieldErrorKind = FieldErrorKind::TooLong { max: Self::MAX_LEN as u32 };

    /// The longest URI as the inside of a JSON string: all but `sip:` and `@` may take two bytes.
    pub(crate) const MAX_ESCAPED_LEN: usize = 2 * Self::MAX_LEN - b"sip:@".len();

    /// Checks the URI.
    ///
    /// # Errors
    ///
    /// [`FieldErrorKind::TooLong`], [`FieldErrorKind::NotAscii`], [`FieldErrorKind::ControlCharacter`], [`FieldErrorKind::WhiteSpace`],
    /// [`FieldErrorKind::NoSipScheme`] or [`FieldErrorKind::NoUserAtHost`].
    pub const fn new(uri: &'a str) -> Result<Self, FieldError> {
        match Self::checked(uri) {
            Ok(uri) => Ok(uri),
            Err(fault) => Err(fault.of(Field::RequesterSipUri)),
        }
    }

    /// The URI at the start of `text`, and its length: up to the first byte that no URI contains or that JSON strings
    /// escape. It leaves some out that have `#`.
    #[inline]
    pub(crate) fn at_start(text: &'a str) -> Option<(Self, usize)> {
        // Space and `@` are next to what ends a string, but for the `!` that is there without them: it moves out, and `#`
        // in.
        const END: ByteSet = ByteSet { equal: [b'@', b'\\'], below: b'"' + 1, from_del: true, ..ByteSet::IN_STRING };
        let rest = after_scheme(text.as_bytes())?;
        let user = find(rest, END);
        let [b'@', host @ ..] = rest.get(user..)? else { return None };
        let host_len = find(host, END);
        let len = text.len() - host.len() + host_len;
        if user == 0 || host_len == 0 || len > Self::MAX_LEN { None } else { Some((Self(text.get(..len)?), len)) }
    }

    pub(crate) const fn checked(uri: &'a str) -> Result<Self, FieldErrorKind> {
        match fault(uri.as_bytes()) {
            None => Ok(Self(uri)),
            Some(fault) => Err(fault),
        }
    }

    /// Whether these bytes are a URI that names the same agent: for shells that keep URIs as bytes.
    #[must_use]
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn eq_bytes(self, uri: &[u8]) -> bool {
        let own = self.0.as_bytes();
        // The same letters first: that is nearly always so, and quicker to see.
        SHORTCUTS && equal(own, uri) || own.eq_ignore_ascii_case(uri)
    }
}

/// What is wrong with a URI.
#[inline(never)]
const fn fault(uri: &[u8]) -> Option<FieldErrorKind> {
    if uri.len() > SipUri::MAX_LEN {
        return Some(SipUri::TOO_LONG);
    }
    let Some(rest_of_uri) = after_scheme(uri) else { return Some(FieldErrorKind::NoSipScheme) };
    let mut ats = 0;
    let mut rest = rest_of_uri;
    while let Some((&byte, others)) = rest.split_first() {
        match byte {
            b'@' => ats += 1,
            b'!'..=b'~' => {}
            b' ' | b'\t'..=b'\r' => return Some(FieldErrorKind::WhiteSpace),
            0x80.. => return Some(FieldErrorKind::NotAscii),
            _ => return Some(FieldErrorKind::ControlCharacter),
        }
        rest = others;
    }
    match rest_of_uri {
        [b'@', ..] | [.., b'@'] => Some(FieldErrorKind::NoUserAtHost),
        _ if ats == 1 => None,
        _ => Some(FieldErrorKind::NoUserAtHost),
    }
}

#[inline]
const fn after_scheme(uri: &[u8]) -> Option<&[u8]> {
    match uri {
        [b's' | b'S', b'i' | b'I', b'p' | b'P', b':', rest @ ..] => Some(rest),
        [b's' | b'S', b'i' | b'I', b'p' | b'P', b's' | b'S', b':', rest @ ..] => Some(rest),
        _ => None,
    }
}

impl PartialEq for SipUri<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.eq_bytes(other.0.as_bytes())
    }
}

impl Eq for SipUri<'_> {}

/// Without regard to ASCII case, as equality is.
impl Ord for SipUri<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let lower = |uri: &Self| uri.0.bytes().map(|byte| byte.to_ascii_lowercase());
        lower(self).cmp(lower(other))
    }
}

impl PartialOrd for SipUri<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for SipUri<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for byte in self.0.bytes() {
            state.write_u8(byte.to_ascii_lowercase());
        }
        state.write_u8(0xff);
    }
}

text_field!(SipUri, SipUriBuf, SipUri::MAX_LEN);

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;
    use crate::testing;

    /// Every byte in every place of a URI, left out, put in or changed: what is taken from the start of a text is a URI, and
    /// nearly every URI is taken.
    #[test]
    fn uris_at_the_start_are_uris() {
        let (mut taken, mut left) = (0, 0);
        let mut try_text = |text: &[u8]| {
            let Ok(text) = core::str::from_utf8(text) else { return };
            if let Some((uri, len)) = SipUri::at_start(text) {
                assert_eq!(uri.as_str(), &text[..len]);
                assert!(fault(uri.as_str().as_bytes()).is_none(), "{text}");
                assert!(!uri.as_str().contains(['"', '\\']));
                taken += 1;
            } else if fault(text.as_bytes()).is_none() {
                assert!(text.contains(['"', '\\', '#']), "{text}");
                left += 1;
            }
        };
        for uri in ["sip:agent@domain.com", "SIPS:a@b", "sip:a@"] {
            for at in 0..=uri.len() {
                let (before, after) = uri.as_bytes().split_at(at);
                try_text(before);
                for byte in testing::bytes() {
                    try_text(&[before, &[byte], after].concat());
                    try_text(&[before, &[byte], after.get(1..).unwrap_or_default()].concat());
                }
                try_text(&[before, after.get(1..).unwrap_or_default()].concat());
            }
        }
        for len in SipUri::MAX_LEN - 1..=SipUri::MAX_LEN + 1 {
            let mut uri = Vec::from(*b"sip:u@");
            uri.resize(len, b'h');
            try_text(&uri);
        }
        assert!(taken > 10 * left && left > 0);
    }
}
