//! Ids from digits to numbers and back, eight digits a word: the fastest code.

use crate::bytes::copy;

/// Any of the three forms.
pub(super) fn read(text: &[u8]) -> Option<[u32; 4]> {
    match text {
        [b'{', hyphenated @ .., b'}'] => from_hyphenated(hyphenated.try_into().ok()?),
        text => match text.try_into() {
            Ok(hyphenated) => from_hyphenated(hyphenated),
            Err(_) => from_digits(text.try_into().ok()?),
        },
    }
}

#[inline]
pub(super) fn from_hyphenated(text: &[u8; 36]) -> Option<[u32; 4]> {
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

#[inline]
pub(super) fn text(words: [u32; 4]) -> [u8; 36] {
    let [a, b, c, d] = words.map(hex_digits);
    let mut text = [b'-'; 36];
    copy_at(&mut text, 0, &a);
    let [b0, b1] = halves(b);
    copy_at(&mut text, 9, &b0);
    copy_at(&mut text, 14, &b1);
    let [c0, c1] = halves(c);
    copy_at(&mut text, 19, &c0);
    copy_at(&mut text, 24, &c1);
    copy_at(&mut text, 28, &d);
    text
}

#[inline]
fn eight(text: &[u8], at: usize) -> u64 {
    u64::from(four(text, at)) | u64::from(four(text, at + 4)) << 32
}

#[inline]
fn four(text: &[u8], at: usize) -> u32 {
    text.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |four| u32::from_le_bytes(*four))
}

fn copy_at(text: &mut [u8; 36], at: usize, digits: &[u8]) {
    copy(text.get_mut(at..).unwrap_or_default(), digits);
}

const fn halves([a, b, c, d, e, f, g, h]: [u8; 8]) -> [[u8; 4]; 2] {
    [[a, b, c, d], [e, f, g, h]]
}

const ONES: u64 = u64::MAX / 255;
const HIGHS: u64 = ONES << 7;

/// Not zero if any of eight bytes is no hexadecimal digit, in any case.
#[inline]
const fn wrong_digits(x: u64) -> u64 {
    let letters = x | (ONES * 0x20);
    let digit = at_least(x, b'0') & !at_least(x, b'9' + 1);
    let letter = at_least(letters, b'a') & !at_least(letters, b'f' + 1);
    (!(digit | letter) | x) & HIGHS
}

/// The value of eight hexadecimal digits in any case, the first of them lowest, all eight at once.
#[inline]
const fn hex_value(x: u64) -> u32 {
    // Bit 6 tells letters from digits.
    let nibbles = (x & (ONES * 15)) + (x >> 6 & ONES) * 9;
    // Pairs of nibbles to bytes, bytes to 16 and then to 32 bits; what came first is worth most.
    let bytes = (nibbles << 4 | nibbles >> 8) & 0x00ff_00ff_00ff_00ff;
    let words = (bytes | bytes >> 8) & 0x0000_ffff_0000_ffff;
    ((words | words >> 16) as u32).swap_bytes()
}

/// Sets the high bit of each byte below 128 that is at least `least`; says nothing about other bytes.
const fn at_least(x: u64, least: u8) -> u64 {
    (x | HIGHS) - ONES * least as u64
}

/// The eight digits of a number, in lower case, all eight at once.
const fn hex_digits(value: u32) -> [u8; 8] {
    let x = value.swap_bytes() as u64;
    let words = (x | x << 16) & 0x0000_ffff_0000_ffff;
    let bytes = (words | words << 8) & 0x00ff_00ff_00ff_00ff;
    let nibbles = (bytes >> 4 | bytes << 8) & (ONES * 15);
    let letters = (nibbles + ONES * 6) >> 4 & ONES;
    (nibbles + ONES * 0x30 + letters * 39).to_le_bytes()
}

#[cfg(test)]
mod tests {
    extern crate std;

    use core::str;
    use std::format;

    use super::super::{CorrelationId, digits};
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

    /// Two faults are not one less, wherever they are.
    #[test]
    fn two_wrong_digits() {
        for first in 0..32 {
            for second in 0..32 {
                for wrong in *b"g/:@`\x80\xff" {
                    let mut digits = *b"01a9fF5c89AbcdEF0edcb09876543210";
                    digits[first] = wrong;
                    digits[second] = wrong;
                    assert_eq!(read(&digits), None, "{}", digits.escape_ascii());
                }
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

    /// Every byte in every place of all forms, and every nibble in every place of the number.
    #[test]
    fn a_word_at_a_time_as_a_digit_at_a_time() {
        let hyphenated = "01a9fF5c-89Ab-cdEF-0edc-b09876543210";
        let plain = hyphenated.replace('-', "");
        let expected = u128::from_str_radix(&plain, 16).ok().map(|value| CorrelationId::from_u128(value).words());
        for form in [hyphenated, &plain, &format!("{{{hyphenated}}}"), &format!("{{{plain}}}")] {
            let valid = if form.len() == 34 { None } else { expected };
            assert_eq!([read(form.as_bytes()), digits::read(form.as_bytes())], [valid; 2], "{form}");
            for place in 0..=form.len() {
                let (before, behind) = form.as_bytes().split_at(place);
                for byte in testing::bytes() {
                    for text in [
                        [before, &[byte], behind].concat(),
                        [before, &[byte], behind.get(1..).unwrap_or_default()].concat(),
                    ] {
                        assert_eq!(read(&text), digits::read(&text), "{}", text.escape_ascii());
                    }
                }
                assert_eq!(read(before), digits::read(before), "{}", before.escape_ascii());
                assert_eq!(read(behind), digits::read(behind), "{}", behind.escape_ascii());
            }
        }
        for place in 0..32 {
            for nibble in 0..16_u128 {
                let words = CorrelationId::from_u128(nibble << (4 * place)).words();
                let written = text(words);
                assert_eq!(written, digits::text(words));
                assert_eq!(from_hyphenated(&written), Some(words));
            }
        }
    }
}
