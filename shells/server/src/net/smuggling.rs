//! Bodies of HTTP/1.1 whose end two servers in a row might see in different places: what request smuggling lives on.
//!
//! The library refuses most of it. Left to do, by RFC 9112, section 6: a request with both a length and chunks is read by
//! its chunks, but must be the last of its connection; and a coding that is not decoded here is refused.

use core::sync::atomic::{AtomicBool, Ordering};

use axum::http::HeaderMap;
use axum::http::header::TRANSFER_ENCODING;
use memchr::memchr;

/// Whether any line that came so far began as a length does. The library drops a length that comes with chunks, so the
/// bytes must tell.
///
/// It does not know where a head ends: a line of a body counts, too, and so does that of a request before. That costs such
/// a client a new connection after its chunks, and nothing else.
#[derive(Debug, Default)]
pub(super) struct Lengths(AtomicBool);

const NAME: &[u8] = b"content-length";

/// How much of the name the line in hand began with; `None` if it began otherwise.
#[derive(Debug)]
pub(super) struct LinePosition(Option<usize>);

impl LinePosition {
    pub(super) const fn first() -> Self {
        Self(Some(0))
    }
}

impl Lengths {
    /// Looks at more bytes.
    pub(super) fn watch(&self, line: &mut LinePosition, mut bytes: &[u8]) {
        while !self.seen() {
            let Some(matched) = line.0 else {
                let Some(end) = memchr(b'\n', bytes) else { return };
                bytes = bytes.get(end + 1..).unwrap_or_default();
                line.0 = Some(0);
                continue;
            };
            let Some((&byte, rest)) = bytes.split_first() else { return };
            match NAME.get(matched) {
                Some(&expected) if byte.to_ascii_lowercase() == expected => {
                    line.0 = Some(matched + 1);
                    bytes = rest;
                }
                // An empty line, maybe: the byte has not been looked at as an end.
                Some(_) => line.0 = None,
                None => self.0.store(true, Ordering::Relaxed),
            }
        }
    }

    pub(super) fn seen(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How the end of a body is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// By a length, or there is no body.
    Length,
    /// By chunks alone.
    Chunks,
    /// In a way that is not undone here.
    Unknown,
}

impl Framing {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
        match (codings.next(), codings.next()) {
            (None, _) => Self::Length,
            (Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => Self::Chunks,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(pieces: &[&[u8]]) -> bool {
        let (lengths, mut line) = (Lengths::default(), LinePosition::first());
        pieces.iter().for_each(|piece| lengths.watch(&mut line, piece));
        lengths.seen()
    }

    #[test]
    fn a_length_is_seen_at_the_begin_of_a_line_however_it_is_cut() {
        let head = b"POST / HTTP/1.1\r\nHost: content-length\r\nContent-LENGTH: 5\r\n\r\n";
        assert!(seen(&[head]));
        for one in 0..head.len() {
            for other in one..head.len() {
                assert!(seen(&[&head[..one], &head[one..other], &head[other..]]));
            }
        }
        let bytes: Vec<_> = head.chunks(1).collect();
        assert!(seen(&bytes));
        // Bare line feeds end lines, too.
        assert!(seen(&[b"GET / HTTP/1.1\n\ncontent-length:"]));
        for none in [
            &b"GET / HTTP/1.1\r\nX-Content-Length: 5\r\n\r\n"[..],
            b"GET / HTTP/1.1\r\nContent-Type: content-length: 5\r\n\r\n",
            b"GET /?\rcontent-length: 5 HTTP/1.1\r\n\r\n",
            b"content-\nlength: 5",
        ] {
            for cut in 0..none.len() {
                assert!(!seen(&[&none[..cut], &none[cut..]]), "{cut}");
            }
        }
    }
}
