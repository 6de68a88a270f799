//! A byte at a time: the smallest code.

use core::slice::IterMut;

use super::{ByteSet, hex, hex_digit};

#[inline(never)]
pub(crate) fn equal(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one == other)
}

#[inline(never)]
pub(crate) fn strip_prefix<'a>(bytes: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = bytes.split_at_checked(prefix.len())?;
    if equal(start, prefix) { Some(rest) } else { None }
}

#[inline(never)]
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, usize> {
    match bytes.utf8_chunks().next() {
        None => Ok(""),
        Some(chunk) if chunk.invalid().is_empty() => Ok(chunk.valid()),
        Some(chunk) => Err(chunk.valid().len()),
    }
}

#[inline(never)]
pub(crate) const fn find(bytes: &[u8], set: ByteSet) -> usize {
    let [a, b] = set.equal;
    let mut rest = bytes;
    while let Some((&byte, others)) = rest.split_first() {
        let is_below = byte ^ set.flip < set.below;
        if byte == a || byte == b || is_below || set.from_del && byte >= 0x7f {
            break;
        }
        rest = others;
    }
    bytes.len() - rest.len()
}

/// Eight groups of four digits, with hyphens after the second to the fifth or without any.
pub(crate) fn read_guid(text: &[u8]) -> Option<[u32; 4]> {
    let (mut rest, hyphenated) = match text {
        [b'{', inside @ .., b'}'] => (inside, true),
        _ => (text, text.len() > 32),
    };
    let mut groups = 0;
    let mut words = [0; 4];
    for word in &mut words {
        for _ in 0..2 {
            if hyphenated && matches!(groups, 2..=5) {
                rest = strip_prefix(rest, b"-")?;
            }
            let (digits, others) = rest.split_first_chunk::<4>()?;
            *word = *word << 16 | hex(digits)?;
            rest = others;
            groups += 1;
        }
    }
    if rest.is_empty() { Some(words) } else { None }
}

#[inline(never)]
pub(crate) fn put(buffer: &mut [u8], at: usize, bytes: &[u8]) {
    let mut places = buffer.get_mut(at..).unwrap_or_default().iter_mut();
    for &byte in bytes {
        put_next(&mut places, byte);
    }
}

/// Byte by byte, since a loop that is seen to copy becomes a call of `memcpy`, which is large.
#[inline(never)]
fn put_next(places: &mut IterMut<'_, u8>, byte: u8) {
    if let Some(place) = places.next() {
        *place = byte;
    }
}

#[inline(never)]
pub(crate) fn put_guid(buffer: &mut [u8], at: usize, words: [u32; 4]) {
    let mut places = buffer.get_mut(at..).unwrap_or_default().iter_mut();
    let mut groups = 0;
    for mut word in words {
        for _ in 0..2 {
            if matches!(groups, 2..=5) {
                put_next(&mut places, b'-');
            }
            for _ in 0..4 {
                put_next(&mut places, hex_digit((word >> 28) as u8));
                word <<= 4;
            }
            groups += 1;
        }
    }
}
