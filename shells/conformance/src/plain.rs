//! What a server said, as a terminal may be given it: nothing in it moves a cursor, changes a colour or the direction of
//! writing, or is longer than anybody reads.

/// How many bytes of a text are shown.
const MOST: usize = 600;

/// Whether a terminal or an editor would not show this character as one that stands where it is.
fn is_raw(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// A text as it may be printed: such characters as `\u{1b}`, and no more than some hundred bytes.
#[must_use]
pub fn shown(text: &str) -> String {
    let mut out = String::new();
    for (at, c) in text.char_indices() {
        if out.len() >= MOST {
            out.push_str(&format!("… (and {} more bytes)", text.len() - at));
            break;
        }
        if is_raw(c) { out.push_str(&format!("\\u{{{:x}}}", u32::from(c))) } else { out.push(c) }
    }
    out
}

/// A JSON document with such characters as escapes: where its writer leaves them as they are, they are in strings.
#[must_use]
pub fn json(document: &str) -> String {
    let mut out = String::new();
    for c in document.chars() {
        if is_raw(c) && c != '\n' {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{MOST, is_raw, json, shown};

    #[test]
    fn nothing_raw() {
        assert_eq!(
            shown("a\u{1b}[2Jb\r\n\u{9b}1m\u{202e}x\u{7f}é…🙂"),
            "a\\u{1b}[2Jb\\u{d}\\u{a}\\u{9b}1m\\u{202e}x\\u{7f}é…🙂"
        );
        for c in (0..=0x10_ffff).filter_map(char::from_u32) {
            let told = shown(&c.to_string());
            assert!(!told.chars().any(is_raw) && !told.is_empty(), "{c:?}");
            let value = serde_json::Value::from(c.to_string());
            let document = json(&value.to_string());
            assert!(!document.chars().any(is_raw), "{c:?}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&document).unwrap(), value);
        }
        for text in ["x".repeat(1 << 20), "\u{1b}".repeat(1 << 20), "🙂".repeat(1 << 18)] {
            let told = shown(&text);
            assert!(told.len() < MOST + 60 && told.ends_with("more bytes)"), "{}", told.len());
        }
        assert_eq!(shown(&"x".repeat(MOST)), "x".repeat(MOST));
    }
}
