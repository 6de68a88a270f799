//! Comparing, searching and decoding bytes: word-at-a-time where words have 64 bits, byte-at-a-time elsewhere, where code
//! size matters more than speed.
//!
//! `wordwise` and `bytewise` have the same functions with the same results. This file picks one of them; the tests compare
//! the two function by function. Elsewhere only [`SHORTCUTS`] and `inline(always)` on 64 bits follow the same choice.

#[cfg(any(test, not(target_pointer_width = "64")))]
#[cfg_attr(test, allow(dead_code, reason = "only one of the two is in use"))]
mod bytewise;
#[cfg(test)]
mod tests;
#[cfg(any(test, target_pointer_width = "64"))]
#[cfg_attr(test, allow(dead_code, reason = "only one of the two is in use"))]
mod wordwise;

#[cfg(not(target_pointer_width = "64"))]
use bytewise as chosen;
#[cfg(target_pointer_width = "64")]
use wordwise as chosen;

/// - `equal(one, other)`: whether two texts are the same.
/// - `strip_prefix(bytes, prefix)`: what follows the prefix.
/// - `find(bytes, set)`: the index of the first byte of the set, or the length.
/// - `utf8(bytes)`: the bytes as text, or how many of them are text.
/// - `put(buffer, at, bytes)`: copies what fits; how much of something that does not fit is left open.
/// - `read_guid(text)`: any of the three forms of a GUID. `put_guid(buffer, at, guid)`: the hyphenated one.
pub(crate) use chosen::{equal, find, put, put_guid, read_guid, strip_prefix, utf8};

/// Whether shortcuts are worth their code. They never decide anything: what they do not take is done in the long way.
pub(crate) const SHORTCUTS: bool = cfg!(target_pointer_width = "64");

/// How long a hyphenated GUID is.
pub(crate) const GUID_LEN: usize = 36;

/// What comes before the first such byte, and what follows it, if it is there.
#[inline]
pub(crate) fn split_once(bytes: &[u8], byte: u8) -> (&[u8], Option<&[u8]>) {
    match bytes.split_at_checked(find(bytes, ByteSet::just(byte))) {
        Some((before, [_, after @ ..])) => (before, Some(after)),
        _ => (bytes, None),
    }
}

/// The value of hexadecimal digits in any case, at most eight of them; `None` if there is anything else.
pub(crate) fn hex(digits: &[u8]) -> Option<u32> {
    let mut value = 0;
    for &digit in digits {
        value = value << 4 | char::from(digit).to_digit(16)?;
    }
    Some(value)
}

/// A number below 16 as a hexadecimal digit in lower case.
pub(crate) const fn hex_digit(nibble: u8) -> u8 {
    nibble + if nibble < 10 { b'0' } else { b'a' - 10 }
}

/// A set of bytes to look for.
#[derive(Clone, Copy)]
pub(crate) struct ByteSet {
    /// Two bytes; the same one twice for one.
    pub(crate) equal: [u8; 2],
    /// All bytes that are less than `below`, which is at most 128, when the bits of `flip` are flipped in them.
    pub(crate) flip: u8,
    /// 0 for none.
    pub(crate) below: u8,
    /// All bytes from 127 on: DEL and everything that is not ASCII.
    pub(crate) from_del: bool,
}

impl ByteSet {
    /// What ends a JSON string or must be escaped in one: `"`, `\` and the control characters below U+0020. Flipping
    /// bit 1 moves the quote next to the control characters.
    pub(crate) const IN_STRING: Self =
        Self { equal: [b'\\', b'\\'], flip: b'"' ^ b' ', below: b' ' + 1, from_del: false };

    /// This byte.
    pub(crate) const fn just(byte: u8) -> Self {
        Self { equal: [byte, byte], flip: 0, below: 0, from_del: false }
    }
}
