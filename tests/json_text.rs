//! The strict reader by itself: how deep, which error and where, and what its strings mean.

use recording_core::wire::json::{self, JsonError, JsonErrorKind, MAX_DEPTH, Token, Value};
use recording_test_support::report;

/// Takes all members of an object, and of the objects in it.
fn take_all(document: &[u8]) -> Result<usize, JsonError> {
    fn members(mut object: json::Object<'_>) -> Result<usize, JsonError> {
        let mut count = 0;
        while let Some((_, value)) = object.next()? {
            count += 1 + if let Value::Object(inner) = value { members(inner)? } else { 0 };
        }
        Ok(count)
    }
    members(json::read_object(document)?)
}

/// `depth` levels, level by level an object or an array, with nothing inside; and where the innermost one opens.
fn nested(depth: usize, is_object: impl Fn(usize) -> bool) -> (String, usize) {
    let (mut open, mut close) = (String::new(), String::new());
    for level in 1..=depth {
        let last = level == depth;
        open += if !is_object(level) {
            "["
        } else if last {
            "{"
        } else {
            "{\"x\":"
        };
        close.insert(0, if is_object(level) { '}' } else { ']' });
    }
    (open.clone() + &close, open.len() - 1)
}

#[test]
fn sixteen_levels_and_no_more() {
    assert_eq!(MAX_DEPTH, 16);
    type Kind = fn(usize) -> bool;
    let kinds: [Kind; 5] = [|_| true, |_| false, |at| at % 2 == 0, |at| at % 2 == 1, |at| at == 1];
    for kind in kinds {
        for depth in 1..=40 {
            let (document, innermost) = nested(depth, kind);
            let (_, seventeenth) = nested(depth.min(17), kind);
            let too_deep = JsonError { kind: JsonErrorKind::TooDeep, at: seventeenth };
            assert_eq!(json::read(document.as_bytes()).err(), (depth > 16).then_some(too_deep), "{document}");
            if kind(1) {
                assert_eq!(take_all(document.as_bytes()).err(), (depth > 16).then_some(too_deep), "{document}");
                // After a member that is as deep as may be, the count begins again.
                let (first, _) = nested(15, |at| !kind(at));
                let more = format!("{{\"first\":{first},{}", &document[1..]);
                if depth > 1 {
                    assert_eq!(take_all(more.as_bytes()).is_ok(), depth <= 16, "{more}");
                }
            }
            // What is at level 16 may hold anything but a level.
            let full = format!("{}[1,\"[[{{{{\"]{}", &document[..=innermost], &document[innermost + 1..]);
            if !kind(depth) {
                assert_eq!(json::read(full.as_bytes()).is_ok(), depth < 16, "{full}");
            }
        }
    }
    // Under an unknown key, at its side, and after it: 15 levels there and the object's own.
    for (levels, fits) in [(15, true), (16, false)] {
        for brackets in ["[]", "{}"] {
            let deep = match brackets {
                "[]" => nested(levels, |_| false).0,
                _ => nested(levels, |_| true).0,
            };
            for document in [
                format!("{{\"u\":{deep}}}"),
                format!("{{\"u\":{deep},\"v\":{deep}}}"),
                format!("{{\"a\":1,\"u\":{deep},\"b\":[]}}"),
                format!(" {{ \"u\" : {deep} }} "),
            ] {
                assert_eq!(take_all(document.as_bytes()).is_ok(), fits, "{document}");
                assert_eq!(json::read(document.as_bytes()).is_ok(), fits, "{document}");
            }
        }
    }
}

#[test]
fn no_depth_overflows_a_small_stack() {
    let endless = [b"[".repeat(1 << 20), b"{\"\":".repeat(1 << 18), b"[{\"a\":".repeat(1 << 18), b"{".repeat(1 << 20)];
    let read = move || endless.iter().all(|document| json::read(document).is_err() && take_all(document).is_err());
    // Little enough that a level costing 100 bytes would show.
    let thread = std::thread::Builder::new().stack_size(64 << 10).spawn(read).expect("a thread");
    assert!(thread.join().expect("no overflow"));
}

/// Written out again, as the text of a reply must not change with the code.
fn token_text(token: Token) -> &'static str {
    match token {
        Token::Object => "an object",
        Token::Key => "a key",
        Token::Colon => "':'",
        Token::Value => "a value",
        Token::CommaOrBrace => "',' or '}'",
        Token::CommaOrBracket => "',' or ']'",
        Token::Digit => "a digit",
        Token::EndOfString => "the end of the string",
        _ => panic!("a new token: {token:?}"),
    }
}

#[test]
fn every_error_says_what_and_where() {
    use JsonErrorKind::*;
    let (value, key, digit) = (Expected(Token::Value), Expected(Token::Key), Expected(Token::Digit));
    let (colon, quote) = (Expected(Token::Colon), Expected(Token::EndOfString));
    let (in_array, in_object) = (Expected(Token::CommaOrBracket), Expected(Token::CommaOrBrace));
    #[rustfmt::skip]
    let cases: &[(&[u8], JsonErrorKind, usize)] = &[
        (b"", value, 0), (b" \t\r\n", value, 4), (b"?", value, 0), (b"]", value, 0), (b"\x0c1", value, 0),
        (b"nul", value, 0), (b" True", value, 1), (b"[1,nulL]", value, 3), (b"[,1]", value, 1), (b"[1,]", value, 3),
        (b"[", value, 1), (b"[1,", value, 3), (b"{\"a\":}", value, 5), (b"{\"a\":", value, 5), (b"+1", value, 0),
        (b".5", value, 0), (b"'a'", value, 0), (b"NaN", value, 0), (b"/**/1", value, 0), (b"\xc2\xa01", value, 0),
        (b"-", digit, 1), (b"-a", digit, 1), (b"1.", digit, 2), (b"1.e5", digit, 2), (b"[1e]", digit, 3),
        (b"1E+", digit, 3), (b"-.5", digit, 1), (b"1e-x", digit, 3), (b"--1", digit, 1), (b"-Infinity", digit, 1),
        (b"01", TrailingText, 1), (b"-01", TrailingText, 2), (b"1 2", TrailingText, 2), (b"{} {}", TrailingText, 3),
        (b"[]]", TrailingText, 2), (b"nulll", TrailingText, 4), (b"1\x00", TrailingText, 1), (b"0x1", TrailingText, 1),
        (b"[01]", in_array, 2), (b"[1 2]", in_array, 3), (b"[1", in_array, 2), (b"[1}", in_array, 2),
        (b"[[]", in_array, 3), (b"[{}", in_array, 3), (b"[\"\"\"\"]", in_array, 3), (b"[1:2]", in_array, 2),
        (b"{\"a\":1", in_object, 6), (b"{\"a\":1]", in_object, 6), (b"{\"a\":1 \"b\":2}", in_object, 7),
        (b"{\"a\":01}", in_object, 6), (b"{\"a\":[]", in_object, 7), (b"{\"a\":{}", in_object, 7),
        (b"{", key, 1), (b"{1:2}", key, 1), (b"{,}", key, 1), (b"{a:1}", key, 1), (b"{\"a\":1,}", key, 7),
        (b"{\"a\":1, ,", key, 8), (b"{null:1}", key, 1), (b"{]", key, 1), (b"[{\"a\":1,]}", key, 8),
        (b"{\"a\"}", colon, 4), (b"{\"a\" 1}", colon, 5), (b"{\"a\"", colon, 4),
        (b"{\"a\",1}", colon, 4), (b"[{\"a\"=1}]", colon, 5),
        (b"\"", quote, 1), (b"\"abc", quote, 4), (b"\"\\\"", quote, 3),
        (b"{\"abc:1}", quote, 8), (b"[\"0123456789abcdef", quote, 18),
        (b"\"a\nb\"", ControlCharacter, 2), (b"\"\x00\"", ControlCharacter, 1), (b"{\"\t\":1}", ControlCharacter, 2),
        (b"[\"\\n\x1f\"]", ControlCharacter, 4), (b"\"\r", ControlCharacter, 1),
        (b"\"\\x41\"", Escape, 1), (b"\"a\\", Escape, 2), (b"\"\\'\"", Escape, 1), (b"\"\\u\"", Escape, 1),
        (b"\"\\u12\"", Escape, 1), (b"\"\\u123\"", Escape, 1), (b"\"\\u12g4\"", Escape, 1), (b"\"\\U0041\"", Escape, 1),
        (b"\"\\u+123\"", Escape, 1), (b"\"\\u 123\"", Escape, 1), (b"\"\\\n\"", Escape, 1), (b"\"\\N\"", Escape, 1),
        (b"{\"k\\0\":1}", Escape, 3), (b"\"\\u12\xc3\xa9\"", Escape, 1), (b"\"\\\xc3\xa9\"", Escape, 1),
        (b"\"\\ud800\"", LoneSurrogate, 1), (b"\"\\uDFFF\"", LoneSurrogate, 1), (b"\"\\udc00\\ud800\"", LoneSurrogate, 1),
        (b"\"\\ud800\\u0041\"", LoneSurrogate, 1), (b"\"\\ud800\\ud800\\udc00\"", LoneSurrogate, 1),
        (b"\"\\ud83d\\n\"", LoneSurrogate, 1), (b"\"\\ud83d\\\"", LoneSurrogate, 1), (b"\"ab\\udbffx\"", LoneSurrogate, 3),
        (b"{\"\\udead\":1}", LoneSurrogate, 2), (b"\"\\ud83d\\ude00\\ude00\"", LoneSurrogate, 13),
        (b"[[[[[[[[[[[[[[[[[", TooDeep, 16), (b"\xef\xbb\xbf1", ByteOrderMark, 0), (b"\xef\xbb\xbf\xff", ByteOrderMark, 0),
        (b"[1\xc3\xa9]", in_array, 2),
        (b"[1,\"\xc3\"]", NotUtf8, 4), (b"\"\xed\xa0\x80\"", NotUtf8, 1), (b"\"\xc0\x80\"", NotUtf8, 1),
        (b"\"\xf4\x90\x80\x80\"", NotUtf8, 1), (b"\"\xc3\xa9\xe2\x82\"", NotUtf8, 3), (b"{\"ab\xff\":1}", NotUtf8, 4),
        (b"\"\xe2\\n\x82\xac\"", NotUtf8, 1), (b"\"\xe2\x82\\u00ac\"", NotUtf8, 1), (b"\"0123456789\x80\"", NotUtf8, 11),
    ];
    for &(document, kind, at) in cases {
        let shown = String::from_utf8_lossy(document);
        let error = json::read(document).expect_err(&shown);
        assert_eq!(error, JsonError { kind, at }, "{shown}");
        let what = match kind {
            NotUtf8 => "not UTF-8",
            ByteOrderMark => "a byte order mark",
            Expected(token) => &format!("expected {}", token_text(token)),
            ControlCharacter => "a control character in a string",
            Escape => "not an escape sequence",
            LoneSurrogate => "half of a surrogate pair",
            TooDeep => "nested deeper than 16 levels",
            TrailingText => "text behind the document",
            _ => panic!("a new kind: {kind:?}"),
        };
        assert_eq!(error.to_string(), format!("invalid JSON at byte {at}: {what}"));
        // Under an unknown key the same fault is five bytes later, and as a value to skip it is none less.
        if !matches!(kind, ByteOrderMark | TooDeep | TrailingText) && at < document.len() {
            let error = take_all(&[b"{\"u\":", document, b"}"].concat()).expect_err(&shown);
            assert_eq!(error, JsonError { kind, at: at + 5 }, "{shown}");
        }
    }
    report(format_args!("json: {} errors by kind, place and text", cases.len()));
}

#[test]
fn bytes_that_are_no_utf8_are_refused_anywhere() {
    // Outside of strings it is for the reader to say what is wrong with them, but not where.
    #[rustfmt::skip]
    let cases: [(&[u8], usize); 10] = [
        (b"\xff", 0), (b"1\x80", 1), (b"\xef\xbb", 0), (b"{\xff", 1), (b"{\"a\"\xff", 4), (b"{\"a\":1\xff", 6), (b"1.\xff", 2),
        (b"[1,2]\xc3", 5), (b"{}\x80", 2), (b"{\"a\":\xc3", 5),
    ];
    for (document, at) in cases {
        let shown = String::from_utf8_lossy(document);
        assert_eq!(json::read(document).expect_err(&shown).at, at, "{shown}");
        if document.starts_with(b"{") {
            assert_eq!(take_all(document).expect_err(&shown).at, at, "{shown}");
        }
    }
    // Every byte from 128 on, by itself, in every place of a document: none is taken.
    let document = b" { \"k\" : [ 1 , \"v\\n\" , true ] } ";
    assert!(json::read(document).is_ok());
    for at in 0..=document.len() {
        for byte in 0x80..=u8::MAX {
            let (before, behind) = document.split_at(at);
            assert!(json::read(&[before, &[byte], behind].concat()).is_err(), "{byte} at {at}");
        }
    }
}

#[test]
fn what_stands_before_a_fault_is_handed_out() {
    // The reader is lazy member by member: `None` alone says that the document is sound.
    let cases: [(&str, usize, &str); 9] = [
        (r#"{"a":1}x"#, 1, "invalid JSON at byte 7: text behind the document"),
        (r#"{"a":1} {"#, 1, "invalid JSON at byte 8: text behind the document"),
        (r"{}}", 0, "invalid JSON at byte 2: text behind the document"),
        (r#"{"a":1,}"#, 1, "invalid JSON at byte 7: expected a key"),
        (r#"{"a":1;"b":2}"#, 1, "invalid JSON at byte 6: expected ',' or '}'"),
        (r#"{"a":1,"b":[1,}"#, 1, "invalid JSON at byte 14: expected a value"),
        (r#"{"a":{"b":1},"c":{"d":tru}}"#, 1, "invalid JSON at byte 22: expected a value"),
        (r#"{"a":1,"b":2"#, 2, "invalid JSON at byte 12: expected ',' or '}'"),
        (r#"{"a":1,"b":2,"c"}"#, 2, "invalid JSON at byte 16: expected ':'"),
    ];
    for (document, sound, text) in cases {
        let mut object = json::read_object(document.as_bytes()).expect(document);
        for _ in 0..sound {
            assert!(object.next().expect(document).is_some(), "{document}");
        }
        assert_eq!(object.next().expect_err(document).to_string(), text, "{document}");
        assert_eq!(json::read(document.as_bytes()).expect_err(document).to_string(), text);
    }
    for document in ["", "[]", "1", "null", "\"{}\"", "  x", "\u{c}{}"] {
        let at = document.len() - document.trim_start_matches(' ').len();
        let error = json::read_object(document.as_bytes()).expect_err(document);
        assert_eq!(error, JsonError { kind: JsonErrorKind::Expected(Token::Object), at }, "{document}");
    }
    // After the end there stays nothing.
    let mut object = json::read_object(b" { \"a\" : [ ] } \n").expect("an object");
    let (key, value) = object.next().expect("sound").expect("a member");
    assert!(key.eq_str("a") && value.kind().text() == "an array");
    for _ in 0..3 {
        assert!(object.next().expect("sound").is_none());
    }
}

#[test]
fn kinds_have_names() {
    let kinds = ["null", "a boolean", "a boolean", "a number", "a string", "an array", "an object"];
    for (document, kind) in ["null", "true", "false", "-0.0e-0", "\"\"", "[ ]", "{ }"].into_iter().zip(kinds) {
        assert_eq!(json::read(document.as_bytes()).expect(document).kind().text(), kind);
    }
}
