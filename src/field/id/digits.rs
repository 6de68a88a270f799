//! Ids from digits to numbers and back, a digit at a time: the smallest code.

use crate::bytes::{behind, hex, hex_digit};

/// Any of the three forms: eight groups of four digits, with hyphens behind the second to the fifth or without any.
pub(super) fn read(text: &[u8]) -> Option<[u32; 4]> {
    let (mut rest, hyphenated) = match text {
        [b'{', inside @ .., b'}'] => (inside, true),
        _ => (text, text.len() > 32),
    };
    let mut groups = 0;
    let mut words = [0; 4];
    for word in &mut words {
        for _ in 0..2 {
            if hyphenated && matches!(groups, 2..=5) {
                rest = behind(rest, b"-")?;
            }
            let (digits, others) = rest.split_first_chunk::<4>()?;
            *word = *word << 16 | hex(digits)?;
            rest = others;
            groups += 1;
        }
    }
    if rest.is_empty() { Some(words) } else { None }
}

/// Gives the written form, byte by byte.
pub(super) fn each(words: [u32; 4], mut take: impl FnMut(u8)) {
    let mut groups = 0;
    for mut word in words {
        for _ in 0..2 {
            if matches!(groups, 2..=5) {
                take(b'-');
            }
            for _ in 0..4 {
                take(hex_digit((word >> 28) as u8));
                word <<= 4;
            }
            groups += 1;
        }
    }
}

pub(super) fn text(words: [u32; 4]) -> [u8; 36] {
    let mut text = [b'-'; 36];
    let mut places = text.iter_mut();
    each(words, |byte| places.next().into_iter().for_each(|place| *place = byte));
    text
}
