//! Ids from digits to numbers and back, a digit at a time: the smallest code.

/// Where the hyphens stand.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

pub(super) fn from_hyphenated(text: &[u8; 36]) -> Option<u128> {
    let mut value = 0;
    for (at, &byte) in text.iter().enumerate() {
        if !HYPHENS.contains(&at) {
            value = with_digit(value, byte)?;
        } else if byte != b'-' {
            return None;
        }
    }
    Some(value)
}

pub(super) fn from_digits(text: &[u8; 32]) -> Option<u128> {
    text.iter().try_fold(0, |value, &byte| with_digit(value, byte))
}

fn with_digit(value: u128, byte: u8) -> Option<u128> {
    Some(value << 4 | u128::from(char::from(byte).to_digit(16)?))
}

pub(super) fn text(mut value: u128) -> [u8; 36] {
    let mut text = [b'-'; 36];
    for (at, place) in text.iter_mut().enumerate() {
        if !HYPHENS.contains(&at) {
            let digit = (value >> 124) as u8;
            value <<= 4;
            *place = digit + if digit < 10 { b'0' } else { b'a' - 10 };
        }
    }
    text
}
