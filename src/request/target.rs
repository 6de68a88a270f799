//! Request targets: which call a path means, and percent codes both ways.

use crate::bytes::{BY_WORDS, Special, behind, first, hex, same, utf8};
use crate::json::Writer;
use crate::rejection::Allow;
use crate::{
    BufferTooSmall, CapabilitiesRequest, CorrelationId, Fault, Field, FieldError, SetRequest, StateRequest, UccName,
};

const PREFIX: &[u8] = b"/attendantservice/api/";
const VERSION: &[u8] = b"v2/";
const RECORDING: &[u8] = b"recording/";
const SET: &[u8] = b"set";
const CAPABILITIES: &[u8] = b"capabilities";

/// What a path means, its variable parts as they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// A read as nearly everybody spells it: see [`usual`].
    Usual(StateRequest<'a>),
    State {
        ucc: &'a [u8],
        correlation_id: &'a [u8],
    },
    Set,
    Capabilities {
        ucc: &'a [u8],
    },
}

impl<'a> Route<'a> {
    /// Fixed parts match as they stand, before percent-decoding, in their own case; a query is ignored; an empty part
    /// makes the path unknown. OURS.
    pub(super) fn of(target: &'a [u8]) -> Option<Self> {
        if BY_WORDS && let Some(usual) = usual(target) { Some(usual) } else { Self::by_parts(target) }
    }

    fn by_parts(target: &'a [u8]) -> Option<Self> {
        let (target, _query) = parted(target, b'?');
        let path = if target.first() == Some(&b'/') { target } else { path_of_absolute(target)? };
        let path = behind(path, PREFIX)?;
        let path = behind(behind(path, VERSION).unwrap_or(path), RECORDING)?;
        let (ucc, second) = parted(path, b'/');
        let Some(second) = second else {
            return if same(ucc, SET) { Some(Self::Set) } else { None };
        };
        if ucc.is_empty() || second.is_empty() || first(second, b'/') < second.len() {
            None
        } else if same(ucc, CAPABILITIES) {
            Some(Self::Capabilities { ucc: second })
        } else {
            Some(Self::State { ucc, correlation_id: second })
        }
    }

    pub(super) const fn allow(&self) -> Allow {
        match self {
            Self::Usual(_) | Self::State { .. } | Self::Capabilities { .. } => Allow::GetHead,
            Self::Set => Allow::Post,
        }
    }
}

/// The target of a `set` as nearly everybody spells it, or a read whose name needs no decoding and whose id is
/// hyphenated, without a query, in one pass. Everything else is left to those who take all that is sound: this decides
/// nothing.
#[inline]
fn usual(target: &[u8]) -> Option<Route<'_>> {
    if target == SetRequest::TARGET.as_bytes() {
        return Some(Route::Set);
    }
    let path = target.strip_prefix(PREFIX)?;
    let path = path.strip_prefix(VERSION).unwrap_or(path).strip_prefix(RECORDING)?;
    // What ends a part, and what a name does not hold as it stands. Flipping moves `%` next to the control characters.
    const SPECIAL: Special = Special { equal: [b'/', b'?'], flip: b'%' ^ b' ', below: b' ' + 1, from_del: true };
    let (ucc, [b'/', correlation_id @ ..]) = path.split_at_checked(SPECIAL.first_in_all(path))? else { return None };
    let correlation_id = CorrelationId::from_hyphenated(correlation_id.try_into().ok()?)?;
    let request = StateRequest { ucc: UccName::of_clean(ucc)?, correlation_id };
    if ucc == CAPABILITIES { None } else { Some(Route::Usual(request)) }
}

/// What stands before the first such byte, and what behind it, if it is there.
pub(super) fn parted(bytes: &[u8], mark: u8) -> (&[u8], Option<&[u8]>) {
    match bytes.split_at_checked(first(bytes, mark)) {
        Some((before, [_, behind @ ..])) => (before, Some(behind)),
        _ => (bytes, None),
    }
}

/// From the path on, of a target in absolute form (`http://host/path`), which RFC 9112 has every server accept; that it
/// is served by its path alone is OURS.
fn path_of_absolute(target: &[u8]) -> Option<&[u8]> {
    let (scheme, Some([b'/', b'/', rest @ ..])) = parted(target, b':') else { return None };
    let authority = first(rest, b'/');
    let known = scheme.eq_ignore_ascii_case(b"http") || scheme.eq_ignore_ascii_case(b"https");
    if known && authority > 0 { rest.get(authority..) } else { None }
}

/// Decodes a UCC's name from a path, and gives what is left of the buffer.
pub(super) fn ucc<'a>(part: &'a [u8], buffer: &'a mut [u8]) -> Result<UccName<'a>, FieldError> {
    UccName::new(decode(part, buffer, UccName::TOO_LONG).map_err(|fault| fault.of(Field::UccName))?)
}

/// Decodes a correlation id from a path.
pub(super) fn correlation_id(part: &[u8], buffer: &mut [u8]) -> Result<CorrelationId, FieldError> {
    let text = decode(part, buffer, Fault::NotAGuid);
    let id = text.ok().and_then(|text| CorrelationId::from_bytes(text.as_bytes()));
    id.ok_or(Fault::NotAGuid.of(Field::CorrelationId))
}

/// What a part means: itself if it holds no percent code, else what the buffer then holds.
#[inline(never)]
fn decode<'a>(part: &'a [u8], buffer: &'a mut [u8], too_long: Fault) -> Result<&'a str, Fault> {
    let mut meant = part;
    if first(part, b'%') < part.len() {
        let mut rest = part;
        let mut len = 0;
        while let Some((&byte, others)) = rest.split_first() {
            let place = buffer.get_mut(len).ok_or(too_long)?;
            *place = byte;
            rest = others;
            if byte == b'%' {
                let (digits, others) = rest.split_first_chunk::<2>().ok_or(Fault::PercentCode)?;
                *place = hex(digits).ok_or(Fault::PercentCode)? as u8;
                rest = others;
            }
            len += 1;
        }
        meant = buffer.get(..len).unwrap_or_default();
    }
    utf8(meant).map_err(|_| Fault::NotUtf8)
}

/// Writes `text` as a part of a path: everything but the unreserved characters of RFC 3986 as percent codes.
fn encode(writer: &mut Writer<'_>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let hex = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or_default();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => writer.raw(&[byte]),
            _ => writer.raw(&[b'%', hex(byte >> 4), hex(byte & 15)]),
        }
    }
}

fn begin(writer: &mut Writer<'_>) {
    writer.raw(PREFIX);
    writer.raw(RECORDING);
}

impl StateRequest<'_> {
    /// The longest target that is written.
    pub const TARGET_MAX: usize = PREFIX.len() + RECORDING.len() + 3 * UccName::MAX_LEN + 1 + CorrelationId::TEXT_LEN;

    /// Writes the request target that asks this, of the path's version without a number. For clients.
    ///
    /// # Errors
    ///
    /// If the buffer is too small; never with [`TARGET_MAX`](Self::TARGET_MAX) bytes.
    pub fn write_target<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], BufferTooSmall> {
        let mut writer = Writer::new(buffer);
        begin(&mut writer);
        match self.ucc.as_str() {
            // A UCC of this name is reached by its first letter as a percent code: see `Route::of`.
            "capabilities" => writer.raw(b"%63apabilities"),
            name => encode(&mut writer, name),
        }
        writer.raw(b"/");
        writer.id(self.correlation_id);
        writer.finish()
    }
}

impl CapabilitiesRequest<'_> {
    /// The longest target that is written.
    pub const TARGET_MAX: usize = PREFIX.len() + RECORDING.len() + CAPABILITIES.len() + 1 + 3 * UccName::MAX_LEN;

    /// Writes the request target that asks this, of the path's version without a number. For clients.
    ///
    /// # Errors
    ///
    /// If the buffer is too small; never with [`TARGET_MAX`](Self::TARGET_MAX) bytes.
    pub fn write_target<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], BufferTooSmall> {
        let mut writer = Writer::new(buffer);
        begin(&mut writer);
        writer.raw(CAPABILITIES);
        writer.raw(b"/");
        encode(&mut writer, self.ucc.as_str());
        writer.finish()
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use core::str;
    use std::format;
    use std::string::String;
    use std::vec::Vec;

    use super::*;
    use crate::testing;

    const ID: &str = "1d6c6a58-6739-4f0c-98ff-0968292c8c30";

    /// What a target means by the way that takes all of them.
    fn by_parts(target: &[u8]) -> Option<Route<'_>> {
        match Route::by_parts(target)? {
            Route::State { ucc, correlation_id } if !ucc.contains(&b'%') => {
                let correlation_id = super::correlation_id(correlation_id, &mut [0; 64]).ok()?;
                let ucc = UccName::new(str::from_utf8(ucc).ok()?).ok()?;
                Some(Route::Usual(StateRequest { ucc, correlation_id }))
            }
            other => Some(other),
        }
    }

    /// Every byte in every place of a target, left out, put in or changed: what is read in one pass is what its parts say.
    #[test]
    fn in_one_pass_as_by_parts() {
        let (mut tried, mut read) = (0, 0);
        let mut try_target = |target: &[u8]| {
            tried += 1;
            if let Some(route) = usual(target) {
                assert_eq!(by_parts(target), Some(route), "{}", target.escape_ascii());
                read += 1;
            }
        };
        let reads = ["ucc-demo-name", "u", "capabilitie", "set", &"n".repeat(UccName::MAX_LEN)]
            .map(|name| format!("/attendantservice/api/v2/recording/{name}/{ID}"));
        for target in reads.iter().map(String::as_str).chain([SetRequest::TARGET]) {
            let target = target.as_bytes();
            for at in (0..=target.len()).step_by(testing::STEP) {
                let (before, behind) = target.split_at(at);
                try_target(before);
                for byte in testing::bytes() {
                    try_target(&[before, &[byte], behind].concat());
                    try_target(&[before, &[byte], behind.get(1..).unwrap_or_default()].concat());
                }
                try_target(&[before, behind.get(1..).unwrap_or_default()].concat());
            }
        }
        std::println!("usual targets with one change: {tried}, {read} of them still read in one pass");
        assert!(read > tried / 20 && read < tried);
    }

    #[test]
    fn which_paths_are_usual() {
        const START: &str = "/attendantservice/api/recording/";
        let usual = |name: &str, id: &str| usual(format!("{START}{name}/{id}").as_bytes()).is_some();
        for byte in testing::bytes() {
            let name = Vec::from([b'a', byte]);
            let path = [START.as_bytes(), &name, b"/", ID.as_bytes()].concat();
            let expected = byte.is_ascii() && !byte.is_ascii_control() && !b"/?%".contains(&byte);
            assert_eq!(super::usual(&path).is_some(), expected, "{byte}");
        }
        assert!(usual("u", ID) && usual("set", ID) && usual("capabilitiez", ID) && usual(&"n".repeat(64), ID));
        assert!(!usual("", ID) && !usual("capabilities", ID) && !usual(&"n".repeat(65), ID) && !usual("u", &ID[1..]));
    }
}
