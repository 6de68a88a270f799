//! Searching bytes, a word at a time where words are long, and copying that cannot panic.

use core::str;

/// Whether bytes are worked on a word at a time, and what is usual is read in a straight line of its own. Machines with
/// shorter words have less room for code than need for speed. What is read is the same: the tests here have both ways, and
/// all tests run on machines of both kinds.
pub(crate) const BY_WORDS: bool = usize::BITS >= 64;

/// Copies `from` to the beginning of `to`; `false`, and nothing copied, if it does not fit.
///
/// `copy_from_slice` would do, but keeps a reachable panic when it is optimised for size.
#[inline]
pub(crate) fn copy(to: &mut [u8], from: &[u8]) -> bool {
    let Some(place) = to.get_mut(..from.len()) else { return false };
    for (to, from) in place.iter_mut().zip(from) {
        *to = *from;
    }
    true
}

/// Whether two texts are the same.
#[inline]
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    if BY_WORDS { one == other } else { same_by_bytes(one, other) }
}

#[inline(never)]
fn same_by_bytes(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one == other)
}

/// What stands behind `start`, if the bytes begin with that.
#[inline]
pub(crate) fn behind<'a>(bytes: &'a [u8], start: &[u8]) -> Option<&'a [u8]> {
    if BY_WORDS { bytes.strip_prefix(start) } else { behind_by_bytes(bytes, start) }
}

#[inline(never)]
fn behind_by_bytes<'a>(bytes: &'a [u8], start: &[u8]) -> Option<&'a [u8]> {
    let (own_start, behind) = bytes.split_at_checked(start.len())?;
    if same_by_bytes(own_start, start) { Some(behind) } else { None }
}

/// The bytes as text.
///
/// # Errors
///
/// How many of them are text, if not all.
#[inline]
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, usize> {
    if BY_WORDS { str::from_utf8(bytes).map_err(|error| error.valid_up_to()) } else { utf8_in_little_code(bytes) }
}

#[inline(never)]
fn utf8_in_little_code(bytes: &[u8]) -> Result<&str, usize> {
    match bytes.utf8_chunks().next() {
        None => Ok(""),
        Some(chunk) if chunk.invalid().is_empty() => Ok(chunk.valid()),
        Some(chunk) => Err(chunk.valid().len()),
    }
}

/// Where the first such byte stands; the length if there is none.
pub(crate) const fn first(bytes: &[u8], byte: u8) -> usize {
    let mut rest = bytes;
    while let Some((&other, behind)) = rest.split_first() {
        if other == byte {
            break;
        }
        rest = behind;
    }
    bytes.len() - rest.len()
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

const WORD: usize = size_of::<usize>();
const ONES: usize = usize::MAX / 255;
const HIGHS: usize = ONES << 7;

/// A set of bytes to look for.
#[derive(Clone, Copy)]
pub(crate) struct Special {
    /// Two bytes; the same one twice for one.
    pub(crate) equal: [u8; 2],
    /// All bytes that are less than `below`, which is at most 128, when the bits of `flip` are flipped in them.
    pub(crate) flip: u8,
    /// 0 for none.
    pub(crate) below: u8,
    /// All bytes from 127 on: DEL and what is no ASCII.
    pub(crate) from_del: bool,
}

impl Special {
    /// What cannot stand in a JSON string as it is: `"`, `\` and the control characters below U+0020. Flipping bit 1
    /// moves the quote next to the control characters.
    pub(crate) const IN_STRING: Self =
        Self { equal: [b'\\', b'\\'], flip: b'"' ^ b' ', below: b' ' + 1, from_del: false };

    /// Where in a word the first of these bytes stands.
    ///
    /// The high bits of the bytes mark them. The lowest byte that is marked is marked rightly; those above it may be
    /// marked falsely, since the arithmetic borrows and carries from below.
    #[inline(always)]
    const fn first_in(self, word: usize) -> Option<usize> {
        let [a, b] = self.equal;
        let (a, b) = (word ^ (ONES * a as usize), word ^ (ONES * b as usize));
        let flipped = word ^ (ONES * self.flip as usize);
        let below = flipped.wrapping_sub(ONES * self.below as usize) & !flipped;
        let from_del = if self.from_del { word | word.wrapping_add(ONES) } else { 0 };
        let marks = (a.wrapping_sub(ONES) & !a | b.wrapping_sub(ONES) & !b | below | from_del) & HIGHS;
        if marks == 0 { None } else { Some(marks.trailing_zeros() as usize / 8) }
    }

    /// Where the first of these bytes stands; the length if there is none.
    #[inline(always)]
    pub(crate) const fn first_in_all(self, bytes: &[u8]) -> usize {
        if BY_WORDS { self.first_by_words(bytes) } else { self.first_by_bytes(bytes) }
    }

    #[inline(never)]
    const fn first_by_bytes(self, bytes: &[u8]) -> usize {
        let [a, b] = self.equal;
        let mut rest = bytes;
        while let Some((&byte, behind)) = rest.split_first() {
            let is_below = byte ^ self.flip < self.below;
            if byte == a || byte == b || is_below || self.from_del && byte >= 0x7f {
                break;
            }
            rest = behind;
        }
        bytes.len() - rest.len()
    }

    #[inline(always)]
    const fn first_by_words(self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        let mut at = 0;
        while let Some((word, behind)) = rest.split_first_chunk::<WORD>() {
            if let Some(inside) = self.first_in(usize::from_le_bytes(*word)) {
                return at + inside;
            }
            at += WORD;
            rest = behind;
        }
        if rest.is_empty() {
            return at;
        }
        // The tail as a word of its own. The zeros above it are looked for or not, all of them: what is found lies at most
        // one behind the last byte, which is the length.
        match self.first_in(tail(bytes, rest)) {
            Some(inside) => at + inside,
            None => at + rest.len(),
        }
    }
}

/// The last bytes of `all`, fewer than a word and at least one, as the lower bytes of a word.
#[inline(always)]
const fn tail(all: &[u8], last: &[u8]) -> usize {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn by_words_where_they_are_long() {
        assert_eq!(BY_WORDS, cfg!(target_pointer_width = "64"));
    }

    /// Every byte in every place, with neighbours that borrow, against a plain search.
    #[test]
    fn as_a_plain_search() {
        const FILLERS: [u8; 10] = [b'a', 0x00, 0x1f, 0x20, 0x21, 0x23, 0x7e, 0x7f, 0x80, 0xff];
        for equal in [[b'"', b'\\'], [0x7f, b'/'], [b'%', b'%'], [0, 0xff]] {
            for (below, from_del) in [(0, false), (0x20, true), (0x21, false), (0x80, true)] {
                let special = Special { equal, flip: 0, below, from_del };
                for &filler in FILLERS.iter().step_by(testing::STEP) {
                    for byte in testing::bytes() {
                        for place in (0..=2 * WORD + 2).step_by(testing::STEP) {
                            let mut bytes = [filler; 2 * WORD + 3];
                            bytes[..place].fill(b'a');
                            bytes[place] = byte;
                            let is = |byte: u8| equal.contains(&byte) || byte < below || from_del && byte >= 0x7f;
                            for len in [place, place + 1, bytes.len()] {
                                let expected = bytes[..len].iter().position(|&byte| is(byte)).unwrap_or(len);
                                assert_eq!(special.first_by_words(&bytes[..len]), expected, "{:?}", &bytes[..len]);
                                assert_eq!(special.first_by_bytes(&bytes[..len]), expected, "{:?}", &bytes[..len]);
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_a_string_must_escape() {
        for byte in testing::bytes() {
            let expected = byte == b'"' || byte == b'\\' || byte < 0x20;
            for place in 0..2 * WORD {
                let mut bytes = [b'!'; 2 * WORD];
                bytes[place] = byte;
                let expected = if expected { place } else { 2 * WORD };
                assert_eq!(Special::IN_STRING.first_by_words(&bytes), expected, "{byte}");
                assert_eq!(Special::IN_STRING.first_by_bytes(&bytes), expected, "{byte}");
            }
        }
    }

    #[test]
    fn the_same_texts() {
        for one in ["", "a", "b", "ab", "ba", "abcdefghi"] {
            for other in ["", "a", "b", "ab", "ba", "abcdefghi"] {
                let (one, other) = (one.as_bytes(), other.as_bytes());
                assert_eq!([same(one, other), same_by_bytes(one, other)], [one == other; 2]);
                assert_eq!([behind(one, other), behind_by_bytes(one, other)], [one.strip_prefix(other); 2]);
            }
        }
    }

    /// Every byte in every place of a text that has characters of every length.
    #[test]
    fn text_or_how_much_of_it() {
        let text = "a\u{7f}\u{80}\u{7ff}\u{800}\u{ffff}\u{10000}\u{10ffff}z".as_bytes();
        for place in 0..=text.len() {
            let (before, behind) = text.split_at(place);
            for byte in testing::bytes() {
                let bytes = [before, &[byte], behind].concat();
                let expected = str::from_utf8(&bytes).map_err(|error| error.valid_up_to());
                assert_eq!([utf8(&bytes), utf8_in_little_code(&bytes)], [expected; 2]);
            }
            let expected = str::from_utf8(before).map_err(|error| error.valid_up_to());
            assert_eq!([utf8(before), utf8_in_little_code(before)], [expected; 2]);
        }
    }

    #[test]
    fn digits_of_both_kinds() {
        assert_eq!(hex(b""), Some(0));
        for value in 0..16 {
            let digit = hex_digit(value);
            assert_eq!(hex(&[b'F', digit]), Some(0xf0 + u32::from(value)));
            assert_eq!(hex(&[digit.to_ascii_uppercase(), b'0']), Some(u32::from(value) << 4));
        }
        assert_eq!([hex(b"g"), hex(b" 1"), hex(b"+1"), hex(b"1/"), hex(b":")], [None; 5]);
    }

    #[test]
    fn copies_what_fits() {
        let mut to = [0; 3];
        assert!(copy(&mut to, b"ab") && to == *b"ab\0");
        assert!(!copy(&mut to, b"abcd") && to == *b"ab\0");
        assert!(copy(&mut [], b""));
    }
}
