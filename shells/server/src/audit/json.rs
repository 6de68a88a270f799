//! One line of JSON for every reader.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{CharEscape, Formatter};

/// Room for nearly every line.
const USUAL: usize = 480;

/// Writes a value without a line break.
pub(super) fn written(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(USUAL);
    // Writing to a vector does not fail, and a line has no keys but texts.
    let _ = value.serialize(&mut Serializer::with_formatter(&mut bytes, OneLine::default()));
    bytes
}

/// Writes texts as RFC 8259 has it, without its short escapes but for quotes and backslashes. What some readers take for the
/// end of a line, the separators of Unicode and the second set of control characters, is escaped as well.
#[derive(Default)]
struct OneLine {
    /// Keys are ours and need no escapes: they are half of all texts.
    is_key: bool,
}

/// What `serde_json` does not escape.
const fn parts_lines(char: char) -> bool {
    matches!(char, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}')
}

impl Formatter for OneLine {
    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, is_first: bool) -> io::Result<()> {
        self.is_key = true;
        if is_first { Ok(()) } else { writer.write_all(b",") }
    }

    fn end_object_key<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.is_key = false;
        Ok(())
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        // The bytes with which all of those begin. Texts are short: looking at all of each is faster than to stop at the first.
        let begins = |found, byte: &u8| found | matches!(byte, 0x7f | 0xc2 | 0xe2);
        if self.is_key || !fragment.as_bytes().iter().fold(false, begins) {
            return writer.write_all(fragment.as_bytes());
        }
        for part in fragment.split_inclusive(parts_lines) {
            let mut before = part.chars();
            match before.next_back() {
                Some(char) if parts_lines(char) => {
                    writer.write_all(before.as_str().as_bytes())?;
                    write!(writer, "\\u{:04x}", u32::from(char))?;
                }
                _ => writer.write_all(part.as_bytes())?,
            }
        }
        Ok(())
    }

    fn write_char_escape<W: ?Sized + Write>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()> {
        let byte = match escape {
            CharEscape::Quote => return writer.write_all(br#"\""#),
            CharEscape::ReverseSolidus => return writer.write_all(br"\\"),
            CharEscape::Solidus => b'/',
            CharEscape::Backspace => 0x08,
            CharEscape::Tab => b'\t',
            CharEscape::LineFeed => b'\n',
            CharEscape::FormFeed => 0x0c,
            CharEscape::CarriageReturn => b'\r',
            CharEscape::AsciiControl(byte) => byte,
        };
        write!(writer, "\\u{byte:04x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every character that there is, in a text: one line for every reader, and the same text after decoding.
    #[test]
    fn no_character_ends_a_line() {
        for char in '\0'..=char::MAX {
            let text = format!("a{char}b");
            let line = written(&text);
            let written = str::from_utf8(&line).unwrap();
            // Those at which Python's str.splitlines() parts a text, and all that a terminal obeys.
            let parts = |char: char| char.is_control() || matches!(char, '\u{2028}' | '\u{2029}');
            assert!(!written.contains(parts), "{written:?}");
            assert_eq!(serde_json::from_slice::<String>(&line).unwrap(), text);
            // Escaped is what must be, and by its number but for two.
            let escaped = match char {
                '"' | '\\' => format!("\\{char}"),
                char if parts(char) => format!("\\u{:04x}", u32::from(char)),
                char => char.to_string(),
            };
            assert_eq!(written, format!("\"a{escaped}b\""));
        }
    }
}
