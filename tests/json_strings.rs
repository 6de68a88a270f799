//! What the strict reader's strings mean, for every escape and every place of a special byte.

use recording_core::wire::json::{self, JsonError, JsonErrorKind, Text, Value};
use recording_test_support::report;

fn read(document: &str) -> Result<Text<'_>, JsonError> {
    match json::read(document.as_bytes())? {
        Value::String(text) => Ok(text),
        other => panic!("{other:?}"),
    }
}

/// Every method of a text against what it should mean. `spelling` is the inside of the string.
fn check(spelling: &str, meant: &str) {
    let document = format!("\"{spelling}\"");
    let text = read(&document).unwrap_or_else(|error| panic!("{spelling}: {error}"));
    assert!(text.chars().eq(meant.chars()), "{spelling}");
    assert_eq!(text.plain(), (!spelling.contains('\\')).then_some(meant), "{spelling}");
    assert!(text.eq_str(meant) && text.eq_ignore_ascii_case(meant), "{spelling}");
    assert!(text.eq_ignore_ascii_case(&meant.to_ascii_uppercase()), "{spelling}");
    assert!(text.eq_ignore_ascii_case(&meant.to_ascii_lowercase()), "{spelling}");
    // Neither more nor less, and no other case than ASCII's.
    let longer = format!("{meant}x");
    assert!(!text.eq_str(&longer) && !text.eq_ignore_ascii_case(&longer), "{spelling}");
    if let Some(last) = meant.chars().last() {
        let shorter = &meant[..meant.len() - last.len_utf8()];
        assert!(!text.eq_str(shorter) && !text.eq_ignore_ascii_case(shorter), "{spelling}");
        let other = format!("{shorter}{}", if last == '!' { '?' } else { '!' });
        assert!(!text.eq_str(&other) && !text.eq_ignore_ascii_case(&other), "{spelling}");
    }
    for swapped in [meant.to_ascii_uppercase(), meant.to_ascii_lowercase(), meant.to_uppercase()] {
        assert_eq!(text.eq_str(&swapped), swapped == meant, "{spelling}");
        assert_eq!(text.eq_ignore_ascii_case(&swapped), swapped.eq_ignore_ascii_case(meant), "{spelling}");
    }
    // Whatever room there is: enough for all of it or `None`, and nothing written after it.
    for room in 0..meant.len() + 3 {
        let mut buffer = vec![0xee; room];
        let len = text.copy_to(&mut buffer);
        assert_eq!(len, (room >= meant.len()).then_some(meant.len()), "{spelling} {room}");
        if let Some(len) = len {
            assert_eq!(&buffer[..len], meant.as_bytes(), "{spelling}");
            assert!(buffer[len..].iter().all(|byte| *byte == 0xee), "{spelling}");
        }
    }
}

#[test]
fn every_short_escape_and_mixtures() {
    let short = [
        (r#"\""#, "\""),
        (r"\\", "\\"),
        (r"\/", "/"),
        (r"\b", "\u{8}"),
        (r"\f", "\u{c}"),
        (r"\n", "\n"),
        (r"\r", "\r"),
        (r"\t", "\t"),
        (r"\u0000", "\0"),
        (r"\ud83D\uDe00", "😀"),
        (r"\u00e9", "é"),
        ("", ""),
        ("a", "a"),
        ("Ab/é😀\u{7f}", "Ab/é😀\u{7f}"),
        ("\u{17f}\u{212a}", "\u{17f}\u{212a}"),
        (r"\u017f\u212a", "\u{17f}\u{212a}"),
    ];
    for (one, meant) in short {
        check(one, meant);
        for (other, behind) in short {
            check(&format!("{one}{other}"), &format!("{meant}{behind}"));
            check(&format!("x{one}yz{other}w"), &format!("x{meant}yz{behind}w"));
        }
    }
    // Case is that of ASCII only: these become `s` and `k` where all of Unicode is regarded.
    for (spelling, ascii) in [("\u{17f}", "s"), (r"\u017f", "s"), ("\u{212a}", "k"), (r"\u212A", "k"), ("É", "é")] {
        let document = format!("\"{spelling}\"");
        assert!(!read(&document).expect("a string").eq_ignore_ascii_case(ascii), "{spelling}");
    }
    // A backslash that is escaped begins nothing.
    check(r"\\u0041", r"\u0041");
    check(r"\\\u0041", r"\A");
    check(r"\\n", r"\n");
}

#[test]
fn every_code_unit_escaped() {
    let mut characters = 0;
    for unit in 0..=0xffff_u32 {
        for spelling in [format!("\\u{unit:04x}"), format!("\\u{unit:04X}")] {
            match char::from_u32(unit) {
                Some(c) => {
                    check(&spelling, c.encode_utf8(&mut [0; 4]));
                    characters += 1;
                }
                None => {
                    let error = read(&format!("\"{spelling}\"")).map(drop);
                    assert_eq!(error, Err(JsonError { kind: JsonErrorKind::LoneSurrogate, at: 1 }), "{spelling}");
                }
            }
        }
    }
    assert_eq!(characters, 2 * (65536 - 2048));
    report(format_args!("json: all 65536 code units as escapes, in both cases of their digits"));
}

#[test]
fn surrogates_in_pairs() {
    let mut pairs = 0;
    let mut pair = |high: u32, low: u32| {
        let meant = char::from_u32(0x1_0000 + (high - 0xd800) * 0x400 + (low - 0xdc00)).expect("a character");
        let units: Vec<u32> = meant.encode_utf16(&mut [0; 2]).iter().map(|unit| (*unit).into()).collect();
        assert_eq!(units, [high, low]);
        check(&format!("\\u{high:04x}\\u{low:04X}"), meant.encode_utf8(&mut [0; 4]));
        pairs += 1;
    };
    for high in 0xd800..=0xdbff {
        for low in [0xdc00, 0xdc01, 0xddff, 0xde00, 0xdffe, 0xdfff] {
            pair(high, low);
        }
    }
    for low in 0xdc00..=0xdfff {
        for high in [0xd800, 0xd801, 0xd9ff, 0xda00, 0xdbfe, 0xdbff] {
            pair(high, low);
        }
    }
    // A high half and anything else than a low one after it; a low half with anything before it.
    let corners = [0x0000, 0x0041, 0xd7ff, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xe000, 0xffff];
    for first in corners {
        for second in corners {
            let (first_high, second_low) = ((0xd800..0xdc00).contains(&first), (0xdc00..0xe000).contains(&second));
            let first_lone = (0xd800..0xe000).contains(&first) && !(first_high && second_low);
            let second_lone = (0xd800..0xe000).contains(&second) && !(first_high && second_low);
            let at = if first_lone { Some(1) } else { second_lone.then_some(7) };
            let error = at.map(|at| JsonError { kind: JsonErrorKind::LoneSurrogate, at });
            let document = format!("\"\\u{first:04x}\\u{second:04x}\"");
            assert_eq!(read(&document).err(), error, "{document}");
        }
    }
    report(format_args!("json: {pairs} pairs of surrogates"));
}

/// Strings are passed a word at a time. Each byte that ends a run is at every offset to the words, among bytes that
/// look nearly like one: a bit away, with the high bit set, or just above the borrow of a subtraction.
#[test]
fn a_special_byte_at_every_offset() {
    let fillers =
        ["a", " ", "!", "#", "[", "]", "\u{7f}", "é", "\u{80}", "\u{a2}", "\u{dc}", "€", "\u{10ffff}", "#!", "] ["];
    let mut strings = 0;
    for filler in fillers {
        for before in 0..=20 {
            for after in 0..=9 {
                let (before, after) = (filler.repeat(before), filler.repeat(after));
                check(&format!("{before}{after}"), &format!("{before}{after}"));
                check(&format!("{before}\\n{after}"), &format!("{before}\n{after}"));
                check(&format!("{before}\\u0022{after}"), &format!("{before}\"{after}"));
                check(&format!("{before}\\\\\\\"{after}"), &format!("{before}\\\"{after}"));
                let at = before.len() + 1;
                let fault = |inside: &str, kind| {
                    let document = format!("\"{before}{inside}{after}\"");
                    assert_eq!(read(&document).err(), Some(JsonError { kind, at }), "{document:?}");
                };
                for control in '\0'..=' ' {
                    // A second one after it, in the same word or in the next, changes nothing.
                    let two = format!("{control}{control}");
                    if control == ' ' {
                        check(&format!("{before}{two}{after}"), &format!("{before}{two}{after}"));
                    } else {
                        fault(&control.to_string(), JsonErrorKind::ControlCharacter);
                        fault(&two, JsonErrorKind::ControlCharacter);
                    }
                }
                fault("\u{1f}\"", JsonErrorKind::ControlCharacter);
                fault("\\ ", JsonErrorKind::Escape);
                if !after.is_empty() {
                    let document = format!("\"{before}\"{after}\"");
                    let error = read(&document).expect_err(&document);
                    let spaces = after.len() - after.trim_start_matches(' ').len();
                    assert_eq!(
                        error,
                        JsonError { kind: JsonErrorKind::TrailingText, at: at + 1 + spaces },
                        "{document:?}"
                    );
                }
                strings += 1;
            }
        }
    }
    report(format_args!("json: {strings} strings with each special byte at each offset to a word"));
}
