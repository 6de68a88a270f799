//! The head of a request: the request line and the few headers that mean something here.

use super::{Fault, Framing};

/// A head that is whole and sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head<'a> {
    /// The method.
    pub method: &'a [u8],
    /// The request target as it came.
    pub target: &'a [u8],
    /// The value of `Content-Type`; of several lines a value that is no media type, since joined they are none.
    pub content_type: Option<&'a [u8]>,
    /// How long the body is.
    pub framing: Framing,
    /// Whether the client waits for `100 Continue` before it sends the body.
    pub expects_continue: bool,
    /// Whether this is the connection's last request.
    pub closes: bool,
}

/// What became of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read<'a> {
    /// The head is not whole yet.
    Partial,
    /// The head, and how many bytes it takes.
    Whole(Head<'a>, usize),
    /// There is no head here.
    Faulty(Fault),
}

/// The longest target. A name takes 192 bytes in percent codes, an id 38.
pub const TARGET_MAX: usize = 1024;

/// Where a head that begins `bytes` ends: after its empty line. `from` is how far it was looked for before.
#[must_use]
pub fn end(bytes: &[u8], from: usize) -> Option<usize> {
    let from = from.saturating_sub(3);
    let found = bytes.get(from..)?.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some(from.saturating_add(found).saturating_add(4))
}

/// How many bytes of empty lines are before a request line: they are passed over (RFC 9112, 2.2).
#[must_use]
pub fn leading(bytes: &[u8]) -> usize {
    bytes.chunks_exact(2).take_while(|pair| pair == b"\r\n").count().saturating_mul(2)
}

/// Why a head that has no end within the room there is does not fit.
#[must_use]
pub fn too_large(bytes: &[u8]) -> Fault {
    let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
    if line.len() > TARGET_MAX { Fault::TargetTooLong } else { Fault::HeadTooLarge }
}

/// Reads the head that begins `bytes`; `from` as for [`end`].
#[must_use]
pub fn read(bytes: &[u8], from: usize) -> Read<'_> {
    let Some(end) = end(bytes, from) else { return Read::Partial };
    let lines = bytes.get(..end.saturating_sub(2)).unwrap_or_default();
    match whole(lines) {
        Ok(head) => Read::Whole(head, end),
        Err(fault) => Read::Faulty(fault),
    }
}

/// The lines of a head, each with its line end.
fn whole(lines: &[u8]) -> Result<Head<'_>, Fault> {
    let (line, mut rest) = next_line(lines).ok_or(Fault::Malformed)?;
    let (method, line) = word(line).ok_or(Fault::Malformed)?;
    let (target, version) = word(line).ok_or(Fault::Malformed)?;
    if method.is_empty() || !method.iter().all(|&byte| is_token(byte)) {
        return Err(Fault::Malformed);
    }
    if target.len() > TARGET_MAX {
        return Err(Fault::TargetTooLong);
    }
    if target.is_empty() || !target.iter().all(|&byte| byte > b' ' && byte != 0x7f) {
        return Err(Fault::Malformed);
    }
    let old = match version {
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor @ b'0'..=b'9'] => *minor == b'0',
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => return Err(Fault::Version),
        _ => return Err(Fault::Malformed),
    };
    let mut fields = Fields::default();
    while let Some((line, behind)) = next_line(rest) {
        fields.take(line)?;
        rest = behind;
    }
    fields.head(method, target, old)
}

/// What the headers say.
#[derive(Default)]
struct Fields<'a> {
    hosts: u8,
    content_type: Option<&'a [u8]>,
    length: Option<u32>,
    coding: Option<bool>,
    expects_continue: bool,
    closes: bool,
}

impl<'a> Fields<'a> {
    fn take(&mut self, line: &'a [u8]) -> Result<(), Fault> {
        // A line that begins with white space would belong to the one before: obsolete, and refused (RFC 9112, 5.2).
        let colon = line.iter().position(|&byte| byte == b':').ok_or(Fault::Malformed)?;
        let (name, value) = line.split_at_checked(colon).ok_or(Fault::Malformed)?;
        let value = trim(value.get(1..).unwrap_or_default());
        if name.is_empty() || !name.iter().all(|&byte| is_token(byte)) || !value.iter().all(|&byte| is_text(byte)) {
            return Err(Fault::Malformed);
        }
        let is = |other: &[u8]| name.eq_ignore_ascii_case(other);
        if is(b"host") {
            self.hosts = self.hosts.saturating_add(1);
        } else if is(b"content-type") {
            // OURS: joined they are no media type, whatever the first one is.
            self.content_type = Some(if self.content_type.is_some() { b"," } else { value });
        } else if is(b"content-length") {
            // A second one is refused even if it says the same: no client has a reason to send it.
            if self.length.is_some() {
                return Err(Fault::Malformed);
            }
            self.length = Some(decimal(value).ok_or(Fault::Malformed)?);
        } else if is(b"transfer-encoding") {
            let chunked = value.eq_ignore_ascii_case(b"chunked");
            self.coding = Some(chunked && self.coding.is_none());
        } else if is(b"expect") {
            if !value.eq_ignore_ascii_case(b"100-continue") {
                return Err(Fault::Expectation);
            }
            self.expects_continue = true;
        } else if is(b"connection") {
            self.closes |= value.split(|&byte| byte == b',').any(|token| trim(token).eq_ignore_ascii_case(b"close"));
        }
        Ok(())
    }

    fn head(self, method: &'a [u8], target: &'a [u8], old: bool) -> Result<Head<'a>, Fault> {
        // RFC 9112, 3.2: exactly one, but that HTTP/1.0 knows none.
        if self.hosts > 1 || (self.hosts == 0 && !old) {
            return Err(Fault::Malformed);
        }
        let framing = match (self.length, self.coding) {
            // Two lengths are the stuff of smuggling, and HTTP/1.0 knows no codings (RFC 9112, 6.1 and 6.3).
            (Some(_), Some(_)) => return Err(Fault::Malformed),
            (None, Some(_)) if old => return Err(Fault::Malformed),
            (None, Some(true)) => Framing::Chunked,
            (None, Some(false)) => return Err(Fault::TransferCoding),
            (length, None) => Framing::Length(length.unwrap_or_default()),
        };
        let expects_continue = self.expects_continue && !old && framing != Framing::Length(0);
        // A client of HTTP/1.0 is answered once: `keep-alive` was never a part of that version.
        let closes = self.closes || old;
        Ok(Head { method, target, content_type: self.content_type, framing, expects_continue, closes })
    }
}

/// The next line without its line end. A line end is both bytes; either alone makes the head unsound where it is found,
/// since neither is allowed in what a line holds.
fn next_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.windows(2).position(|window| window == b"\r\n")?;
    Some((bytes.get(..end)?, bytes.get(end.saturating_add(2)..)?))
}

/// What is before the first space, and what after it.
fn word(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = line.iter().position(|&byte| byte == b' ')?;
    Some((line.get(..space)?, line.get(space.saturating_add(1)..)?))
}

/// A length of at most `u32::MAX`: longer ones count as that. Digits and nothing else.
fn decimal(digits: &[u8]) -> Option<u32> {
    let value = digits.iter().try_fold(0_u32, |value, &digit| match digit {
        b'0'..=b'9' => Some(value.saturating_mul(10).saturating_add(u32::from(digit - b'0'))),
        _ => None,
    });
    value.filter(|_| !digits.is_empty())
}

/// Without the white space of headers around it.
pub(super) fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// What names are made of (RFC 9110, 5.6.2).
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        )
}

/// What values are made of (RFC 9110, 5.5).
const fn is_text(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}
