//! Where a body ends.

use super::Fault;

/// How a head says how long its body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// So many bytes; 0 also if it says nothing.
    Length(u32),
    /// In chunks. They are read, and not answered with 411: RFC 9112, 7.1 asks that of every recipient, and the clients
    /// of .NET send JSON so.
    Chunked,
}

/// How much of a body is still to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// So many bytes.
    Length(u32),
    /// The line with the size of the next chunk.
    ChunkSize,
    /// So many bytes of a chunk.
    ChunkData(u32),
    /// The line end after a chunk.
    ChunkEnd,
    /// The trailers' next line; so many bytes of them are still read.
    Trailer(u16),
    /// Nothing.
    Over,
}

/// What the next raw bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// So many bytes of the body.
    Content(usize),
    /// So many bytes of framing.
    Framing(usize),
    /// Not to be said before more has come.
    Partial,
}

/// The longest line with the size of a chunk, extensions included.
const SIZE_LINE_MAX: usize = 64;
/// The longest line of a trailer.
const TRAILER_LINE_MAX: usize = 120;
/// The longest trailers.
const TRAILERS_MAX: u16 = 1024;

impl Body {
    /// A body of which nothing was taken yet.
    #[must_use]
    pub const fn of(framing: Framing) -> Self {
        match framing {
            Framing::Length(0) => Self::Over,
            Framing::Length(length) => Self::Length(length),
            Framing::Chunked => Self::ChunkSize,
        }
    }

    /// Takes the next piece of `raw`, which then counts as taken.
    ///
    /// # Errors
    ///
    /// If a chunk is not what the grammar allows, or its framing is too long.
    pub fn next(&mut self, raw: &[u8]) -> Result<Piece, Fault> {
        match *self {
            Self::Over => Ok(Piece::Partial),
            Self::Length(left) | Self::ChunkData(left) if raw.is_empty() && left > 0 => Ok(Piece::Partial),
            Self::Length(left) => {
                let count = raw.len().min(left as usize);
                *self = Self::of(Framing::Length(left.saturating_sub(count as u32)));
                Ok(Piece::Content(count))
            }
            Self::ChunkData(left) => {
                let count = raw.len().min(left as usize);
                let left = left.saturating_sub(count as u32);
                *self = if left == 0 { Self::ChunkEnd } else { Self::ChunkData(left) };
                Ok(Piece::Content(count))
            }
            Self::ChunkEnd => match raw {
                [b'\r', b'\n', ..] => {
                    *self = Self::ChunkSize;
                    Ok(Piece::Framing(2))
                }
                [] | [b'\r'] => Ok(Piece::Partial),
                _ => Err(Fault::Malformed),
            },
            Self::ChunkSize => {
                let Some(line) = line(raw, SIZE_LINE_MAX)? else { return Ok(Piece::Partial) };
                *self = match size(line)? {
                    0 => Self::Trailer(TRAILERS_MAX),
                    size => Self::ChunkData(size),
                };
                Ok(Piece::Framing(line.len().saturating_add(2)))
            }
            Self::Trailer(left) => {
                let Some(line) = line(raw, TRAILER_LINE_MAX)? else { return Ok(Piece::Partial) };
                let taken = line.len().saturating_add(2);
                *self = if line.is_empty() {
                    Self::Over
                } else {
                    Self::Trailer(left.checked_sub(taken as u16).ok_or(Fault::HeadTooLarge)?)
                };
                Ok(Piece::Framing(taken))
            }
        }
    }
}

/// The next line without its line end; `None` if that has not come yet.
fn line(raw: &[u8], max: usize) -> Result<Option<&[u8]>, Fault> {
    let Some(end) = raw.iter().take(max.saturating_add(2)).position(|&byte| byte == b'\n') else {
        return if raw.len() > max.saturating_add(1) { Err(Fault::Malformed) } else { Ok(None) };
    };
    match raw.get(..end) {
        Some([line @ .., b'\r']) if !line.iter().any(|&byte| byte < b' ' && byte != b'\t') => Ok(Some(line)),
        _ => Err(Fault::Malformed),
    }
}

/// The size of a chunk: hexadecimal digits, and extensions that mean nothing.
fn size(line: &[u8]) -> Result<u32, Fault> {
    let end = line.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(line.len());
    let (digits, extensions) = line.split_at_checked(end).ok_or(Fault::Malformed)?;
    if digits.is_empty() || !matches!(super::head::trim(extensions), [] | [b';', ..]) {
        return Err(Fault::Malformed);
    }
    let value = digits.iter().try_fold(0_u32, |value, &digit| {
        let digit = (digit as char).to_digit(16)?;
        value.checked_mul(16)?.checked_add(digit)
    });
    value.ok_or(Fault::TooMuch)
}
