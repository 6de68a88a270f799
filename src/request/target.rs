//! Request targets: which call a path means, and percent codes both ways.

use core::str;

use crate::bytes::{BY_WORDS, Special};
use crate::json::Writer;
use crate::rejection::Allow;
use crate::{BufferTooSmall, CapabilitiesRequest, CorrelationId, Fault, Field, FieldError, StateRequest, UccName};

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
        let target = if target.first() == Some(&b'/') { target } else { path_of_absolute(target)? };
        let path = target.strip_prefix(PREFIX)?;
        let path = path.strip_prefix(VERSION).unwrap_or(path).strip_prefix(RECORDING)?;
        if BY_WORDS && let Some(usual) = usual(path) {
            return Some(usual);
        }
        let (first, behind) = part(path);
        let Some(behind) = behind else {
            return if first == SET { Some(Self::Set) } else { None };
        };
        match part(behind) {
            (second, None) if !first.is_empty() && !second.is_empty() => Some(match first {
                CAPABILITIES => Self::Capabilities { ucc: second },
                ucc => Self::State { ucc, correlation_id: second },
            }),
            _ => None,
        }
    }

    pub(super) const fn allow(&self) -> Allow {
        match self {
            Self::Usual(_) | Self::State { .. } | Self::Capabilities { .. } => Allow::GetHead,
            Self::Set => Allow::Post,
        }
    }
}

/// A read whose name needs no decoding and whose id is hyphenated, without a query, in one pass. Everything else is left
/// to those who take all that is sound: this decides nothing.
#[inline]
fn usual(path: &[u8]) -> Option<Route<'_>> {
    // What ends a part, and what a name does not hold as it stands. Flipping moves `%` next to the control characters.
    const SPECIAL: Special = Special { equal: [b'/', b'?'], flip: b'%' ^ b' ', below: b' ' + 1, from_del: true };
    let (ucc, [b'/', correlation_id @ ..]) = path.split_at_checked(SPECIAL.first_in_all(path))? else { return None };
    let correlation_id = CorrelationId::from_hyphenated(correlation_id.try_into().ok()?)?;
    let request = StateRequest { ucc: UccName::of_clean(ucc)?, correlation_id };
    if ucc == CAPABILITIES { None } else { Some(Route::Usual(request)) }
}

/// The first part of a path, and what stands behind its `/`, if there is one before the query.
fn part(path: &[u8]) -> (&[u8], Option<&[u8]>) {
    const SPECIAL: Special = Special { equal: [b'/', b'?'], flip: 0, below: 0, from_del: false };
    match path.split_at_checked(SPECIAL.first_in_all(path)) {
        Some((part, [b'/', behind @ ..])) => (part, Some(behind)),
        Some((part, _)) => (part, None),
        None => (path, None),
    }
}

/// From the path on, of a target in absolute form (`http://host/path`), which RFC 9112 has every server accept; that it
/// is served by its path alone is OURS.
#[inline(never)]
fn path_of_absolute(target: &[u8]) -> Option<&[u8]> {
    let scheme_end = target.iter().position(|&byte| byte == b':')?;
    let (scheme, rest) = target.split_at_checked(scheme_end)?;
    let known = scheme.eq_ignore_ascii_case(b"http") || scheme.eq_ignore_ascii_case(b"https");
    let rest = rest.strip_prefix(b"://").filter(|_| known)?;
    match part(rest) {
        (authority, Some(_)) if !authority.is_empty() => rest.get(authority.len()..),
        _ => None,
    }
}

/// Decodes a UCC's name from a path.
pub(super) fn ucc<'a>(part: &'a [u8], buffer: &'a mut [u8]) -> Result<UccName<'a>, FieldError> {
    UccName::new(decode(part, buffer, UccName::TOO_LONG).map_err(|fault| fault.of(Field::UccName))?)
}

/// Decodes a correlation id from a path.
pub(super) fn correlation_id(part: &[u8]) -> Result<CorrelationId, FieldError> {
    let id = CorrelationId::from_bytes(part).or_else(|| {
        let mut buffer = [0; CorrelationId::READ_MAX];
        let len = decode_into(part, &mut buffer, Fault::NotAGuid).ok()?;
        CorrelationId::from_bytes(buffer.get(..len)?)
    });
    id.ok_or(Fault::NotAGuid.of(Field::CorrelationId))
}

/// What a part means: itself if it holds no percent code, else what the buffer then holds.
fn decode<'a>(part: &'a [u8], buffer: &'a mut [u8], too_long: Fault) -> Result<&'a str, Fault> {
    const PERCENT: Special = Special { equal: [b'%', b'%'], flip: 0, below: 0, from_del: false };
    let bytes = if PERCENT.first_in_all(part) == part.len() {
        part
    } else {
        let len = decode_into(part, buffer, too_long)?;
        buffer.get(..len).unwrap_or_default()
    };
    str::from_utf8(bytes).map_err(|_| Fault::NotUtf8)
}

#[inline(never)]
fn decode_into(part: &[u8], buffer: &mut [u8], too_long: Fault) -> Result<usize, Fault> {
    let mut bytes = part.iter();
    let mut len = 0;
    while let Some(&byte) = bytes.next() {
        let mut digit = || char::from(*bytes.next()?).to_digit(16);
        let meant = match byte {
            b'%' => match (digit(), digit()) {
                (Some(high), Some(low)) => (high << 4 | low) as u8,
                _ => return Err(Fault::PercentCode),
            },
            itself => itself,
        };
        *buffer.get_mut(len).ok_or(too_long)? = meant;
        len += 1;
    }
    Ok(len)
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
        writer.raw(self.correlation_id.text().as_bytes());
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

    use std::format;
    use std::vec::Vec;

    use super::*;

    const ID: &str = "1d6c6a58-6739-4f0c-98ff-0968292c8c30";

    /// What a path means by the way that takes all paths.
    fn by_parts(path: &[u8]) -> Option<StateRequest<'_>> {
        let (first, Some(behind)) = part(path) else { return None };
        let (second, None) = part(behind) else { return None };
        if first.is_empty() || first == CAPABILITIES || first.contains(&b'%') {
            return None;
        }
        let ucc = UccName::new(str::from_utf8(first).ok()?).ok()?;
        Some(StateRequest { ucc, correlation_id: correlation_id(second).ok()? })
    }

    /// Every byte in every place of a path, left out, put in or changed: what is read in one pass is what its parts say.
    #[test]
    fn in_one_pass_as_by_parts() {
        let (mut tried, mut read) = (0, 0);
        let mut try_path = |path: &[u8]| {
            tried += 1;
            if let Some(Route::Usual(request)) = usual(path) {
                assert_eq!(by_parts(path), Some(request), "{}", path.escape_ascii());
                read += 1;
            }
        };
        for name in ["ucc-demo-name", "u", "capabilitie", "set", &"n".repeat(UccName::MAX_LEN)] {
            let path = format!("{name}/{ID}").into_bytes();
            for at in 0..=path.len() {
                let (before, behind) = path.split_at(at);
                try_path(before);
                for byte in 0..=u8::MAX {
                    try_path(&[before, &[byte], behind].concat());
                    try_path(&[before, &[byte], behind.get(1..).unwrap_or_default()].concat());
                }
                try_path(&[before, behind.get(1..).unwrap_or_default()].concat());
            }
        }
        std::println!("usual paths with one change: {tried}, {read} of them still read in one pass");
        assert!(read > tried / 20 && read < tried);
    }

    #[test]
    fn which_paths_are_usual() {
        let usual = |name: &str, id: &str| usual(format!("{name}/{id}").as_bytes()).is_some();
        for byte in 0..=u8::MAX {
            let name = Vec::from([b'a', byte]);
            let path = [name.as_slice(), b"/", ID.as_bytes()].concat();
            let expected = byte.is_ascii() && !byte.is_ascii_control() && !b"/?%".contains(&byte);
            assert_eq!(super::usual(&path).is_some(), expected, "{byte}");
        }
        assert!(usual("u", ID) && usual("set", ID) && usual("capabilitiez", ID) && usual(&"n".repeat(64), ID));
        assert!(!usual("", ID) && !usual("capabilities", ID) && !usual(&"n".repeat(65), ID) && !usual("u", &ID[1..]));
    }
}
