//! The strict reader against `serde_json`: the same documents, the same values, but for what is named here.

use core::cell::Cell;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestRunner;
use recording_core::wire::json::{self, JsonError, JsonErrorKind, MAX_DEPTH, Object, Token, Value};
use recording_test_support::report;
use serde_json::Value as Theirs;

/// A number as `serde_json` spells it: with `arbitrary_precision` it keeps the digits, but writes every exponent with a
/// small `e` and a sign.
fn spelt(number: &str) -> String {
    let number = number.replace('E', "e");
    match number.split_once('e') {
        Some((base, exponent)) if !exponent.starts_with(['+', '-']) => format!("{base}e+{exponent}"),
        _ => number,
    }
}

/// What our reader hands out, all of it, in `serde_json`'s type. Of a key given twice the last value stays, as there.
fn walk(value: Value<'_>) -> Theirs {
    match value {
        Value::Null => Theirs::Null,
        Value::Bool(bool) => Theirs::Bool(bool),
        Value::Number(text) => {
            let number: serde_json::Number = text.parse().expect("a number");
            assert_eq!(number.as_str(), spelt(text));
            Theirs::Number(number)
        }
        Value::String(text) => Theirs::String(text.chars().collect()),
        Value::Array(mut elements) => Theirs::Array(core::iter::from_fn(|| elements.next()).map(walk).collect()),
        Value::Object(members) => walk_object(members).expect("an object is handed out only when it was checked"),
    }
}

fn walk_object(mut object: Object<'_>) -> Result<Theirs, JsonError> {
    let mut members = serde_json::Map::new();
    while let Some((key, value)) = object.next()? {
        members.insert(key.chars().collect(), walk(value));
    }
    Ok(Theirs::Object(members))
}

/// How deep the brackets of a valid document nest.
fn nesting(document: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string) = (0, 0, false);
    let mut bytes = document.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => in_string = !in_string,
            b'\\' => drop(bytes.next()),
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth -= 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// Both readers on one document; whether ours accepts it.
fn agree(document: &[u8]) -> bool {
    let shown = || String::from_utf8_lossy(document);
    let ours = json::read(document);
    let by_members = json::read_object(document).and_then(walk_object);
    // Two ways into one reader. They differ only before the first bracket.
    let begins = document.iter().find(|byte| !b" \t\r\n".contains(byte)) == Some(&b'{');
    match (&ours, &by_members) {
        (Ok(Value::Object(_)), Ok(_)) => {}
        (Err(one), Err(other)) if begins => assert_eq!(one, other, "{}", shown()),
        (_, Err(error)) if !begins => {
            use JsonErrorKind::{ByteOrderMark, Expected, NotUtf8};
            let known = matches!(error.kind, ByteOrderMark | NotUtf8 | Expected(Token::Object));
            assert!(known, "{error} {}", shown());
        }
        _ => panic!("{ours:?} {by_members:?}: {}", shown()),
    }
    match (ours, serde_json::from_slice::<Theirs>(document)) {
        (Ok(value), Ok(theirs)) => {
            let ours = walk(value);
            assert_eq!(ours, theirs, "{}", shown());
            assert!(nesting(document) <= MAX_DEPTH.into(), "{}", shown());
            assert_eq!(by_members.unwrap_or_else(|_| ours.clone()), ours);
            true
        }
        (Err(error), Ok(_)) => {
            assert_eq!(error.kind, JsonErrorKind::TooDeep, "{}", shown());
            assert!(nesting(document) > MAX_DEPTH.into(), "{}", shown());
            false
        }
        (Ok(_), Err(error)) => panic!("only we accept ({error}): {}", shown()),
        (Err(_), Err(_)) => false,
    }
}

/// Runs `agree` on many documents. Both verdicts must be met often enough for the law to say something.
fn law(name: &str, cases: u32, least: u32, documents: impl Strategy<Value = Vec<u8>>) {
    let (accepted, refused) = (Cell::new(0), Cell::new(0));
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) };
    let result = TestRunner::new(config).run(&documents, |document| {
        let count = if agree(&document) { &accepted } else { &refused };
        count.set(count.get() + 1);
        Ok(())
    });
    assert!(result.is_ok(), "{}", result.unwrap_err());
    let (accepted, refused) = (accepted.get(), refused.get());
    assert!(accepted >= least && refused >= least, "{name}: {accepted} accepted, {refused} refused");
    report(format_args!("json, {name}: {accepted} accepted and {refused} refused, as by serde_json"));
}

fn space() -> impl Strategy<Value = String> {
    prop_oneof![3 => Just(String::new()), 1 => "[ \t\r\n]{1,3}"]
}

/// One character of a string in one of its spellings; now and then one that is no character.
fn piece() -> impl Strategy<Value = String> {
    let code = |unit: u32, upper: bool| if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") };
    let utf16 = move |(c, upper): (char, bool)| -> String {
        c.encode_utf16(&mut [0; 2]).iter().map(|unit| code((*unit).into(), upper)).collect()
    };
    prop_oneof![
        20 => any::<char>().prop_filter("needs an escape", |c| *c >= ' ' && !['"', '\\'].contains(c)).prop_map(String::from),
        10 => "[a-zA-Z0-9 /]",
        10 => select(vec![r#"\""#, r"\\", r"\/", r"\b", r"\f", r"\n", r"\r", r"\t"]).prop_map(String::from),
        10 => (any::<char>(), any::<bool>()).prop_map(utf16),
        5 => (0x1_0000..=0x10_ffff_u32, any::<bool>()).prop_map(move |(c, upper)| utf16((char::from_u32(c).expect("a character"), upper))),
        1 => (0xd800..=0xdfff_u32, any::<bool>()).prop_map(move |(unit, upper)| code(unit, upper)),
    ]
}

fn string() -> impl Strategy<Value = String> {
    vec(piece(), 0..8).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

/// A document that is valid but for lone surrogates, and sometimes too deep.
fn document() -> impl Strategy<Value = Vec<u8>> {
    let number = "-?(0|[1-9][0-9]{0,24})([.][0-9]{1,20})?([eE][-+]?[0-9]{1,4})?";
    let word = select(vec!["null", "true", "false"]).prop_map(String::from);
    let leaf = prop_oneof![2 => word, 3 => number, 3 => string()];
    let value = leaf.prop_recursive(6, 48, 5, |inner| {
        let element = (space(), inner.clone(), space()).prop_map(|(a, value, b)| a + &value + &b);
        // Few different keys, so that some come twice.
        let key = prop_oneof![string(), select(vec![r#""a""#, r#""\u0061""#, r#""""#]).prop_map(String::from)];
        let member = (space(), key, space(), space(), inner, space());
        let member = member.prop_map(|(a, key, b, c, value, d)| format!("{a}{key}{b}:{c}{value}{d}"));
        let around = |open, close| {
            move |(parts, empty): (Vec<String>, String)| match parts.as_slice() {
                [] => format!("{open}{empty}{close}"),
                parts => format!("{open}{}{close}", parts.join(",")),
            }
        };
        prop_oneof![
            (vec(element, 0..5), space()).prop_map(around('[', ']')),
            (vec(member, 0..5), space()).prop_map(around('{', '}')),
        ]
    });
    let shells = prop_oneof![9 => Just(Vec::new()), 1 => vec(any::<bool>(), 8..20)];
    (space(), value, space(), shells).prop_map(|(a, mut value, b, shells)| {
        for object in shells {
            value = if object { format!("{{\"x\":{value}}}") } else { format!("[{value}]") };
        }
        format!("{a}{value}{b}").into_bytes()
    })
}

const TOKENS: [&[u8]; 40] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b",",
    b":",
    b" ",
    b"\n",
    b"\t",
    b"\r",
    b"0",
    b"1",
    b"-",
    b"+",
    b".",
    b"e",
    b"E",
    b"null",
    b"true",
    b"false",
    b"nul",
    b"\"a\":",
    b"\"\"",
    b"\"b\"",
    b"{}",
    b"[]",
    b"[1]",
    b"{\"a\":1}",
    b"\\u",
    b"d800",
    b"\\udc00",
    b"\xef\xbb\xbf",
    b"\xc3",
    b"\xa9",
    b"\x00",
    b"\x1f",
    b"\x7f",
    b"\x0c",
];

#[test]
fn printed_values_mean_the_same() {
    law("printed values", 1500, 80, document());
}

#[test]
fn mutated_documents_have_the_same_verdict() {
    let change = (any::<Index>(), 0..5, select(TOKENS.as_slice()), any::<u8>());
    let mutated = (document(), vec(change, 1..4)).prop_map(|(mut document, changes)| {
        for (place, kind, token, byte) in changes {
            let at = place.index(document.len() + 1);
            match kind {
                0 => drop(document.splice(at..at, token.iter().copied())),
                1 => document.truncate(at),
                _ if at == document.len() => document.push(byte),
                2 => drop(document.remove(at)),
                3 => document[at] = byte,
                // One bit: what looks nearly right.
                _ => document[at] ^= 1 << (byte & 7),
            }
        }
        document
    });
    law("mutated documents", 2500, 50, mutated);
}

#[test]
fn soup_has_the_same_verdict() {
    let soup = vec(select(TOKENS.as_slice()), 0..9).prop_map(|tokens| tokens.concat());
    law("soup of tokens", 15_000, 150, soup);
    let bytes = prop_oneof![vec(any::<u8>(), 0..3), vec(any::<u8>(), 0..40)];
    law("raw bytes", 6000, 5, bytes);
}

/// Every string of up to `longest` bytes of an alphabet.
fn each_over(alphabet: &[u8], longest: u32, mut visit: impl FnMut(&[u8])) {
    for len in 0..=longest {
        for number in 0..alphabet.len().pow(len) {
            let digit = |at| alphabet[number / alphabet.len().pow(at) % alphabet.len()];
            visit(&(0..len).map(digit).collect::<Vec<_>>());
        }
    }
}

#[test]
fn every_short_document() {
    let (mut all, mut accepted) = (0, 0);
    each_over(b"{}[]\"\\,:01-+.etrunl \x1f\xc3a", 4, |document| {
        all += 1;
        accepted += u32::from(agree(document));
    });
    assert_eq!(all, (0..=4).map(|len| 23_u32.pow(len)).sum::<u32>());
    // Counted by a third reader.
    assert_eq!(accepted, 606);
    report(format_args!("json: all {all} documents of up to 4 bytes out of 23, {accepted} of them valid"));
}

#[test]
fn every_two_bytes_in_a_string() {
    let every: Vec<u8> = (0..=u8::MAX).collect();
    let (mut all, mut accepted) = (0, 0);
    each_over(&every, 2, |inside| {
        all += 1;
        accepted += u32::from(agree(&[b"\"", inside, b"\""].concat()));
    });
    // 94 ASCII characters mean themselves, alone and in twos; 1920 characters take two bytes; 8 escapes.
    assert_eq!((all, accepted), (1 + 256 + 65536, 1 + 94 + 94 * 94 + 1920 + 8));
    // The same for every byte in the place of each hexadecimal digit.
    for place in 2..6 {
        for byte in 0..=u8::MAX {
            let mut inside = *b"\\u01eF";
            inside[place] = byte;
            assert_eq!(agree(&[b"\"", inside.as_slice(), b"\""].concat()), byte.is_ascii_hexdigit(), "{inside:?}");
        }
    }
}

#[test]
fn named_difference_depth() {
    // OURS: 16; theirs is 127.
    for (depth, ours, theirs) in [(16, true, true), (17, false, true), (127, false, true), (128, false, false)] {
        let document = "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(json::read(document.as_bytes()).is_ok(), ours, "{depth}");
        assert_eq!(serde_json::from_str::<Theirs>(&document).is_ok(), theirs, "{depth}");
    }
}

#[test]
fn named_difference_keys_given_twice() {
    // A grammar does not forbid them: our reader hands out both and leaves it to its caller to refuse.
    let document = br#"{"a":1,"b":2,"\u0061":3}"#;
    let Ok(Value::Object(mut object)) = json::read(document) else { panic!("an object") };
    let mut seen = Vec::new();
    while let Some((key, value)) = object.next().expect("valid") {
        seen.push((key.chars().collect::<String>(), walk(value)));
    }
    assert_eq!(seen, [("a".into(), 1.into()), ("b".into(), 2.into()), ("a".into(), 3.into())]);
    assert_eq!(serde_json::from_slice::<Theirs>(document).expect("valid"), serde_json::json!({"a": 3, "b": 2}));
}

#[test]
fn a_byte_order_mark_is_refused_by_both() {
    for document in ["\u{feff}1", "\u{feff}{}", "\u{feff}"] {
        let error = JsonError { kind: JsonErrorKind::ByteOrderMark, at: 0 };
        assert_eq!(json::read(document.as_bytes()).expect_err(document), error);
        assert_eq!(json::read_object(document.as_bytes()).expect_err(document), error);
        assert!(serde_json::from_str::<Theirs>(document).is_err());
    }
    // Anywhere else it is a character like others: in a string it may stand, outside it may not.
    assert!(agree("[\"\u{feff}\"]".as_bytes()) && !agree("[\u{feff}]".as_bytes()));
    // A part of one is none.
    assert_ne!(json::read(b"\xef\xbb").expect_err("no value").kind, JsonErrorKind::ByteOrderMark);
}

#[test]
fn named_difference_a_private_key() {
    // With `arbitrary_precision` this first key is how serde_json hands numbers on inside, so it takes an object for a
    // number, or for an error. By RFC 8259 both are plain objects.
    let key = "$serde_json::private::Number";
    let number = format!("{{\"{key}\":\"1\"}}");
    assert_eq!(serde_json::from_str::<Theirs>(&number).expect("taken"), serde_json::json!(1));
    let other = format!("{{\"{key}\":\"x\"}}");
    assert!(serde_json::from_str::<Theirs>(&other).is_err());
    for document in [number, other] {
        let value = walk(json::read(document.as_bytes()).expect("an object"));
        assert!(value.as_object().is_some_and(|members| members.len() == 1 && members.contains_key(key)));
    }
}
