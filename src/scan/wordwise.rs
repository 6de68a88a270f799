//! A word at a time: the fastest code.

use core::str;

use super::{ByteSet, GUID_LEN};

#[inline]
pub(crate) fn equal(one: &[u8], other: &[u8]) -> bool {
    one == other
}

#[inline]
pub(crate) fn strip_prefix<'a>(bytes: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    bytes.strip_prefix(prefix)
}

#[inline]
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, usize> {
    str::from_utf8(bytes).map_err(|error| error.valid_up_to())
}

const WORD: usize = size_of::<usize>();
const ONES: usize = usize::MAX / 255;
const HIGHS: usize = ONES << 7;

#[inline(always)]
pub(crate) const fn find(bytes: &[u8], set: ByteSet) -> usize {
    let mut rest = bytes;
    let mut at = 0;
    while let Some((word, others)) = rest.split_first_chunk::<WORD>() {
        if let Some(inside) = find_in_word(usize::from_le_bytes(*word), set) {
            return at + inside;
        }
        at += WORD;
        rest = others;
    }
    if rest.is_empty() {
        return at;
    }
    // The last bytes as a word of their own, with zeros above them. Zeros may be in the set: then the first of them is
    // found, one after the last byte, which is the length.
    match find_in_word(last_word(bytes, rest), set) {
        Some(inside) => at + inside,
        None => at + rest.len(),
    }
}

/// Where in a word the first byte of the set is.
///
/// The high bits of the bytes mark them. The lowest byte that is marked is marked rightly; those above it may be marked
/// falsely, since the arithmetic borrows and carries from below.
#[inline(always)]
const fn find_in_word(word: usize, set: ByteSet) -> Option<usize> {
    let [a, b] = set.equal;
    let (a, b) = (word ^ (ONES * a as usize), word ^ (ONES * b as usize));
    let flipped = word ^ (ONES * set.flip as usize);
    let below = flipped.wrapping_sub(ONES * set.below as usize) & !flipped;
    let from_del = if set.from_del { word | word.wrapping_add(ONES) } else { 0 };
    let marks = (a.wrapping_sub(ONES) & !a | b.wrapping_sub(ONES) & !b | below | from_del) & HIGHS;
    if marks == 0 { None } else { Some(marks.trailing_zeros() as usize / 8) }
}

/// The last bytes of `all`, fewer than a word and at least one, as the lower bytes of a word.
#[inline(always)]
const fn last_word(all: &[u8], last: &[u8]) -> usize {
    if let Some(overlapping) = all.last_chunk::<WORD>() {
        return usize::from_le_bytes(*overlapping) >> (8 * ((WORD - last.len()) % WORD));
    }
    let mut word = 0;
    let mut rest = last;
    while let Some((&byte, before)) = rest.split_last() {
        word = word << 8 | byte as usize;
        rest = before;
    }
    word
}

/// Any of the three forms.
pub(crate) fn read_guid(text: &[u8]) -> Option<[u32; 4]> {
    match text {
        [b'{', hyphenated @ .., b'}'] => from_hyphenated(hyphenated.try_into().ok()?),
        text => match text.try_into() {
            Ok(hyphenated) => from_hyphenated(hyphenated),
            Err(_) => from_digits(text.try_into().ok()?),
        },
    }
}

#[inline]
fn from_hyphenated(text: &[u8; GUID_LEN]) -> Option<[u32; 4]> {
    let hyphens = [8, 13, 18, 23].iter().all(|&at| text.get(at) == Some(&b'-'));
    let two = |first, second| u64::from(four(text, first)) | u64::from(four(text, second)) << 32;
    if hyphens { value_of([eight(text, 0), two(9, 14), two(19, 24), eight(text, 28)]) } else { None }
}

#[inline]
fn from_digits(text: &[u8; 32]) -> Option<[u32; 4]> {
    value_of([eight(text, 0), eight(text, 8), eight(text, 16), eight(text, 24)])
}

/// The value of 32 digits, eight a word, the first of them lowest.
#[inline]
fn value_of(digits: [u64; 4]) -> Option<[u32; 4]> {
    let [a, b, c, d] = digits;
    // Only digits, all of them, before any is worth something.
    if (wrong_digits(a) | wrong_digits(b) | wrong_digits(c) | wrong_digits(d)) != 0 {
        return None;
    }
    Some(digits.map(hex_value))
}

#[inline(always)]
pub(crate) fn put(buffer: &mut [u8], at: usize, bytes: &[u8]) {
    copy(buffer.get_mut(at..).unwrap_or_default(), bytes);
}

/// Copies `from` to the beginning of `to`, if it fits.
///
/// `copy_from_slice` would do, but keeps a reachable panic when it is optimised for size.
#[inline(always)]
fn copy(to: &mut [u8], from: &[u8]) {
    let Some(place) = to.get_mut(..from.len()) else { return };
    for (to, from) in place.iter_mut().zip(from) {
        *to = *from;
    }
}

#[inline(always)]
pub(crate) fn put_guid(buffer: &mut [u8], at: usize, words: [u32; 4]) {
    let [a, b, c, d] = words.map(hex_digits);
    let mut text = [b'-'; GUID_LEN];
    copy_at(&mut text, 0, &a);
    let [b0, b1] = halves(b);
    copy_at(&mut text, 9, &b0);
    copy_at(&mut text, 14, &b1);
    let [c0, c1] = halves(c);
    copy_at(&mut text, 19, &c0);
    copy_at(&mut text, 24, &c1);
    copy_at(&mut text, 28, &d);
    put(buffer, at, &text);
}

#[inline]
fn eight(text: &[u8], at: usize) -> u64 {
    u64::from(four(text, at)) | u64::from(four(text, at + 4)) << 32
}

#[inline]
fn four(text: &[u8], at: usize) -> u32 {
    text.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |four| u32::from_le_bytes(*four))
}

fn copy_at(text: &mut [u8; GUID_LEN], at: usize, digits: &[u8]) {
    copy(text.get_mut(at..).unwrap_or_default(), digits);
}

const fn halves([a, b, c, d, e, f, g, h]: [u8; 8]) -> [[u8; 4]; 2] {
    [[a, b, c, d], [e, f, g, h]]
}

const ONES_64: u64 = u64::MAX / 255;
const HIGHS_64: u64 = ONES_64 << 7;

/// Not zero if any of eight bytes is no hexadecimal digit, in any case.
#[inline]
const fn wrong_digits(x: u64) -> u64 {
    let letters = x | (ONES_64 * 0x20);
    let digit = at_least(x, b'0') & !at_least(x, b'9' + 1);
    let letter = at_least(letters, b'a') & !at_least(letters, b'f' + 1);
    (!(digit | letter) | x) & HIGHS_64
}

/// The value of eight hexadecimal digits in any case, the first of them lowest, all eight at once.
#[inline]
const fn hex_value(x: u64) -> u32 {
    // Bit 6 tells letters from digits.
    let nibbles = (x & (ONES_64 * 15)) + (x >> 6 & ONES_64) * 9;
    // Pairs of nibbles to bytes, bytes to 16 and then to 32 bits; what came first is worth most.
    let bytes = (nibbles << 4 | nibbles >> 8) & 0x00ff_00ff_00ff_00ff;
    let words = (bytes | bytes >> 8) & 0x0000_ffff_0000_ffff;
    ((words | words >> 16) as u32).swap_bytes()
}

/// Sets the high bit of each byte below 128 that is at least `least`; says nothing about other bytes.
const fn at_least(x: u64, least: u8) -> u64 {
    (x | HIGHS_64) - ONES_64 * least as u64
}

/// The eight digits of a number, in lower case, all eight at once.
const fn hex_digits(value: u32) -> [u8; 8] {
    let x = value.swap_bytes() as u64;
    let words = (x | x << 16) & 0x0000_ffff_0000_ffff;
    let bytes = (words | words << 8) & 0x00ff_00ff_00ff_00ff;
    let nibbles = (bytes >> 4 | bytes << 8) & (ONES_64 * 15);
    let letters = (nibbles + ONES_64 * 6) >> 4 & ONES_64;
    (nibbles + ONES_64 * 0x30 + letters * 39).to_le_bytes()
}

#[cfg(test)]
mod tests {
    extern crate std;

    use core::str;

    use super::*;
    use crate::testing;

    #[test]
    fn every_byte_in_every_place_is_a_digit_or_not() {
        for place in 0..8 {
            for byte in testing::bytes() {
                let mut digits = *b"01a9fF5c";
                digits[place] = byte;
                let expected = str::from_utf8(&digits)
                    .ok()
                    .filter(|text| !text.starts_with('+'))
                    .and_then(|text| u32::from_str_radix(text, 16).ok());
                let word = u64::from_le_bytes(digits);
                assert_eq!((wrong_digits(word) == 0).then(|| hex_value(word)), expected, "{digits:?}");
            }
        }
    }

    #[test]
    fn every_nibble_in_every_place_is_written() {
        for place in 0..8 {
            for nibble in 0..16u32 {
                let digits = hex_digits(nibble << (4 * place));
                assert_eq!(hex_value(u64::from_le_bytes(digits)), nibble << (4 * place));
                assert!(digits.iter().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(digit)));
            }
        }
    }
}
