extern crate std;

use core::str;
use std::format;

use super::{ByteSet, GUID_LEN, bytewise, hex, hex_digit, split_once, wordwise};
use crate::testing;
use crate::wire::CorrelationId;

const WORD: usize = size_of::<usize>();

/// Every byte in every place, with neighbours that borrow, against a plain search.
#[test]
fn find_is_a_plain_search() {
    const FILLERS: [u8; 10] = [b'a', 0x00, 0x1f, 0x20, 0x21, 0x23, 0x7e, 0x7f, 0x80, 0xff];
    for equal in [[b'"', b'\\'], [0x7f, b'/'], [b'%', b'%'], [0, 0xff]] {
        for (below, from_del) in [(0, false), (0x20, true), (0x21, false), (0x80, true)] {
            let set = ByteSet { equal, flip: 0, below, from_del };
            for &filler in FILLERS.iter().step_by(testing::STEP) {
                for byte in testing::bytes() {
                    for place in (0..=2 * WORD + 2).step_by(testing::STEP) {
                        let mut bytes = [filler; 2 * WORD + 3];
                        bytes[..place].fill(b'a');
                        bytes[place] = byte;
                        let is = |byte: u8| equal.contains(&byte) || byte < below || from_del && byte >= 0x7f;
                        for len in [place, place + 1, bytes.len()] {
                            let expected = bytes[..len].iter().position(|&byte| is(byte)).unwrap_or(len);
                            let found = [wordwise::find(&bytes[..len], set), bytewise::find(&bytes[..len], set)];
                            assert_eq!(found, [expected; 2], "{:?}", &bytes[..len]);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn what_ends_a_string_or_must_be_escaped() {
    for byte in testing::bytes() {
        let expected = byte == b'"' || byte == b'\\' || byte < 0x20;
        for place in 0..2 * WORD {
            let mut bytes = [b'!'; 2 * WORD];
            bytes[place] = byte;
            let expected = if expected { place } else { 2 * WORD };
            let found = [wordwise::find(&bytes, ByteSet::IN_STRING), bytewise::find(&bytes, ByteSet::IN_STRING)];
            assert_eq!(found, [expected; 2], "{byte}");
        }
    }
}

#[test]
fn split_at_one_byte() {
    assert_eq!(split_once(b"a/b/c", b'/'), (&b"a"[..], Some(&b"b/c"[..])));
    assert_eq!(split_once(b"a/", b'/'), (&b"a"[..], Some(&b""[..])));
    assert_eq!(split_once(b"abc", b'/'), (&b"abc"[..], None));
    assert_eq!(split_once(b"", b'/'), (&b""[..], None));
}

#[test]
fn the_same_texts() {
    for one in ["", "a", "b", "ab", "ba", "abcdefghi"] {
        for other in ["", "a", "b", "ab", "ba", "abcdefghi"] {
            let (one, other) = (one.as_bytes(), other.as_bytes());
            assert_eq!([wordwise::equal(one, other), bytewise::equal(one, other)], [one == other; 2]);
            let rest = [wordwise::strip_prefix(one, other), bytewise::strip_prefix(one, other)];
            assert_eq!(rest, [one.strip_prefix(other); 2]);
        }
    }
}

/// Every byte in every place of a text that has characters of every length.
#[test]
fn text_or_how_much_of_it() {
    let text = "a\u{7f}\u{80}\u{7ff}\u{800}\u{ffff}\u{10000}\u{10ffff}z".as_bytes();
    for place in 0..=text.len() {
        let (before, after) = text.split_at(place);
        for byte in testing::bytes() {
            let bytes = [before, &[byte], after].concat();
            let expected = str::from_utf8(&bytes).map_err(|error| error.valid_up_to());
            assert_eq!([wordwise::utf8(&bytes), bytewise::utf8(&bytes)], [expected; 2]);
        }
        let expected = str::from_utf8(before).map_err(|error| error.valid_up_to());
        assert_eq!([wordwise::utf8(before), bytewise::utf8(before)], [expected; 2]);
    }
}

#[test]
fn digits_of_both_cases() {
    assert_eq!(hex(b""), Some(0));
    for value in 0..16 {
        let digit = hex_digit(value);
        assert_eq!(hex(&[b'F', digit]), Some(0xf0 + u32::from(value)));
        assert_eq!(hex(&[digit.to_ascii_uppercase(), b'0']), Some(u32::from(value) << 4));
    }
    assert_eq!([hex(b"g"), hex(b" 1"), hex(b"+1"), hex(b"1/"), hex(b":")], [None; 5]);
}

/// Into every part of a buffer, and beyond its end.
#[test]
fn puts_what_fits() {
    for put in [wordwise::put, bytewise::put] {
        for at in 0..6 {
            for len in 0..6 {
                let (mut buffer, mut expected) = ([0; 4], [0; 4]);
                put(&mut buffer, at, &b"abcdef"[..len]);
                if at + len <= buffer.len() {
                    expected[at..at + len].copy_from_slice(&b"abcdef"[..len]);
                    assert_eq!(buffer, expected);
                }
                assert_eq!(buffer[..at.min(4)], [0; 4][..at.min(4)]);
            }
        }
    }
}

/// Two wrong digits are as wrong as one, wherever they are.
#[test]
fn two_wrong_digits() {
    for first in 0..32 {
        for second in 0..32 {
            for wrong in *b"g/:@`\x80\xff" {
                let mut digits = *b"01a9fF5c89AbcdEF0edcb09876543210";
                digits[first] = wrong;
                digits[second] = wrong;
                assert_eq!(wordwise::read_guid(&digits), None, "{}", digits.escape_ascii());
            }
        }
    }
}

/// Every byte in every place of all forms, and every nibble in every place of the number.
#[test]
fn guids() {
    let hyphenated = "01a9fF5c-89Ab-cdEF-0edc-b09876543210";
    let plain = hyphenated.replace('-', "");
    let expected = u128::from_str_radix(&plain, 16).ok().map(|value| CorrelationId::from_u128(value).words());
    let read = |text: &[u8]| [wordwise::read_guid(text), bytewise::read_guid(text)];
    for form in [hyphenated, &plain, &format!("{{{hyphenated}}}"), &format!("{{{plain}}}")] {
        let valid = if form.len() == 34 { None } else { expected };
        assert_eq!(read(form.as_bytes()), [valid; 2], "{form}");
        for place in 0..=form.len() {
            let (before, after) = form.as_bytes().split_at(place);
            for byte in testing::bytes() {
                for text in
                    [[before, &[byte], after].concat(), [before, &[byte], after.get(1..).unwrap_or_default()].concat()]
                {
                    let [words, digits] = read(&text);
                    assert_eq!(words, digits, "{}", text.escape_ascii());
                }
            }
            for part in [before, after] {
                let [words, digits] = read(part);
                assert_eq!(words, digits, "{}", part.escape_ascii());
            }
        }
    }
    for place in 0..32 {
        for nibble in 0..16_u128 {
            let words = CorrelationId::from_u128(nibble << (4 * place)).words();
            let [mut written, mut same] = [[0; GUID_LEN]; 2];
            wordwise::put_guid(&mut written, 0, words);
            bytewise::put_guid(&mut same, 0, words);
            assert_eq!(written, same);
            assert_eq!(read(&written), [Some(words); 2]);
        }
    }
}
