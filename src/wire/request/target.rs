//! Request targets: which call a path means, and percent codes both ways.

use crate::scan::{ByteSet, equal, find, hex, split_once, strip_prefix, utf8};
use crate::wire::json::Writer;
use crate::wire::rejection::Allow;
use crate::wire::{
    BufferTooSmall, CapabilitiesRequest, CorrelationId, Field, FieldError, FieldErrorKind, StateRequest, UccName,
};

const PREFIX: &[u8] = b"/attendantservice/api/";
const VERSION: &[u8] = b"v2/";
const RECORDING: &[u8] = b"recording/";
const SET: &[u8] = b"set";
const CAPABILITIES: &[u8] = b"capabilities";

/// What a path means, its variable parts as they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Route<'a> {
    State { ucc: &'a [u8], correlation_id: &'a [u8] },
    Set,
    Capabilities { ucc: &'a [u8] },
}

impl<'a> Route<'a> {
    /// Fixed parts match as they are written, before percent-decoding, in their own case; a query is ignored; an empty
    /// part makes the path unknown. OURS.
    #[inline]
    pub(super) fn of(target: &'a [u8]) -> Option<Self> {
        let path = if target.first() == Some(&b'/') { target } else { path_of_absolute(target)? };
        let path = strip_prefix(path, PREFIX)?;
        let path = strip_prefix(strip_prefix(path, VERSION).unwrap_or(path), RECORDING)?;
        let (ucc, rest) = part(path);
        let [b'/', rest @ ..] = rest else {
            return if equal(ucc, SET) { Some(Self::Set) } else { None };
        };
        let (second, rest) = part(rest);
        if ucc.is_empty() || second.is_empty() || rest.first() == Some(&b'/') {
            None
        } else if equal(ucc, CAPABILITIES) {
            Some(Self::Capabilities { ucc: second })
        } else {
            Some(Self::State { ucc, correlation_id: second })
        }
    }

    pub(super) const fn allow(&self) -> Allow {
        match self {
            Self::State { .. } | Self::Capabilities { .. } => Allow::GetHead,
            Self::Set => Allow::Post,
        }
    }
}

/// The first part of a path, and what follows: another part from its slash on, a query from its `?` on, or nothing.
#[inline]
fn part(path: &[u8]) -> (&[u8], &[u8]) {
    const END: ByteSet = ByteSet { equal: [b'/', b'?'], flip: 0, below: 0, from_del: false };
    path.split_at_checked(find(path, END)).unwrap_or_default()
}

/// From the path on, of a target in absolute form (`http://host/path`), which RFC 9112 has every server accept; that it
/// is served by its path alone is OURS.
fn path_of_absolute(target: &[u8]) -> Option<&[u8]> {
    let (scheme, Some([b'/', b'/', rest @ ..])) = split_once(target, b':') else { return None };
    let authority = part(rest).0.len();
    let known = scheme.eq_ignore_ascii_case(b"http") || scheme.eq_ignore_ascii_case(b"https");
    if known && authority > 0 { rest.get(authority..) } else { None }
}

/// Decodes a UCC's name from a path, and gives what is left of the buffer.
pub(super) fn ucc<'a>(part: &'a [u8], buffer: &'a mut [u8]) -> Result<UccName<'a>, FieldError> {
    UccName::new(decode(part, buffer, UccName::TOO_LONG).map_err(|fault| fault.of(Field::UccName))?)
}

/// Decodes a correlation id from a path.
pub(super) fn correlation_id(part: &[u8], buffer: &mut [u8]) -> Result<CorrelationId, FieldError> {
    // Without percent codes first: nothing that is a GUID has any.
    let id = CorrelationId::from_bytes(part).or_else(|| decoded_correlation_id(part, buffer));
    id.ok_or(FieldErrorKind::NotAGuid.of(Field::CorrelationId))
}

#[inline(never)]
fn decoded_correlation_id(part: &[u8], buffer: &mut [u8]) -> Option<CorrelationId> {
    CorrelationId::from_bytes(decode(part, buffer, FieldErrorKind::NotAGuid).ok()?.as_bytes())
}

/// Decodes a part of a path: returns the part itself if it contains no percent code, else decodes it into the buffer.
#[inline(never)]
fn decode<'a>(part: &'a [u8], buffer: &'a mut [u8], too_long: FieldErrorKind) -> Result<&'a str, FieldErrorKind> {
    let mut meant = part;
    if find(part, ByteSet::just(b'%')) < part.len() {
        let mut rest = part;
        let mut len = 0;
        while let Some((&byte, others)) = rest.split_first() {
            let place = buffer.get_mut(len).ok_or(too_long)?;
            *place = byte;
            rest = others;
            if byte == b'%' {
                let (digits, others) = rest.split_first_chunk::<2>().ok_or(FieldErrorKind::PercentCode)?;
                *place = hex(digits).ok_or(FieldErrorKind::PercentCode)? as u8;
                rest = others;
            }
            len += 1;
        }
        meant = buffer.get(..len).unwrap_or_default();
    }
    utf8(meant).map_err(|_| FieldErrorKind::NotUtf8)
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
    pub const MAX_TARGET_LEN: usize =
        PREFIX.len() + RECORDING.len() + 3 * UccName::MAX_LEN + 1 + CorrelationId::HYPHENATED_LEN;

    /// Writes the request target that asks this, of the path's version without a number. For clients.
    ///
    /// # Errors
    ///
    /// If the buffer is too small; never with [`MAX_TARGET_LEN`](Self::MAX_TARGET_LEN) bytes.
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
    pub const MAX_TARGET_LEN: usize = PREFIX.len() + RECORDING.len() + CAPABILITIES.len() + 1 + 3 * UccName::MAX_LEN;

    /// Writes the request target that asks this, of the path's version without a number. For clients.
    ///
    /// # Errors
    ///
    /// If the buffer is too small; never with [`MAX_TARGET_LEN`](Self::MAX_TARGET_LEN) bytes.
    pub fn write_target<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], BufferTooSmall> {
        let mut writer = Writer::new(buffer);
        begin(&mut writer);
        writer.raw(CAPABILITIES);
        writer.raw(b"/");
        encode(&mut writer, self.ucc.as_str());
        writer.finish()
    }
}
