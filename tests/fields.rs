//! The fields by themselves: every character of a name, every byte in every role of a URI, every form of an id.

use core::hash::{BuildHasher, BuildHasherDefault};
use std::collections::HashSet;
use std::hash::DefaultHasher;

use recording_core::Action;
use recording_core::wire::{CorrelationId, Field, FieldError, FieldErrorKind, SipUri, SipUriBuf, UccName, UccNameBuf};
use recording_test_support::{naive, report};

const ID: &str = "1d6c6a58-6739-4f0c-98ff-0968292c8c30";

/// A name by crate and model; whether it is one.
fn name(text: &str) -> bool {
    let read = UccName::new(text);
    assert_eq!(read.is_ok(), naive::ucc_name_ok(text), "{text:?}");
    match read {
        Ok(name) => assert!(name.as_str() == text && UccNameBuf::new(text).is_ok_and(|name| name.as_str() == text)),
        Err(error) => {
            assert!(error.field == Field::UccName && error.to_string().starts_with("UCCName "), "{error}");
            assert_eq!(UccNameBuf::new(text).map(drop), Err(error));
        }
    }
    read.is_ok()
}

#[test]
fn every_character_as_a_name() {
    let (mut all, mut refused) = (0, 0);
    for c in '\0'..=char::MAX {
        let ok = name(c.encode_utf8(&mut [0; 4]));
        // 65 control characters and the slash.
        assert_eq!(ok, !c.is_control() && c != '/', "{c:?}");
        all += 1;
        refused += u32::from(!ok);
    }
    assert_eq!((all, refused), (0x11_0000 - 0x800, 66));
    report(format_args!("names: all {all} characters, {refused} of them refused"));
}

#[test]
fn every_length_of_a_name() {
    for unit in ["a", "é", "€", "😀", " ", "\"", "\u{80}", "/"] {
        for len in 0..=70 {
            for tail in ["", "b", "\u{a0}", "\0", "/", "\u{9f}"] {
                name(&format!("{}{tail}", unit.repeat(len)));
            }
        }
    }
    let fault = |text: &str| UccName::new(text).map(drop).map_err(|error| error.kind);
    assert_eq!(fault(""), Err(FieldErrorKind::Empty));
    assert_eq!(fault(&"é".repeat(32)), Ok(()));
    assert_eq!(fault(&"é".repeat(33)), Err(FieldErrorKind::TooLong { max: 64 }));
    assert_eq!(fault("\u{9f}"), Err(FieldErrorKind::ControlCharacter));
    assert_eq!(fault("a/b"), Err(FieldErrorKind::Slash));
    // Names are compared exactly, and composed and decomposed letters are two.
    assert!(UccName::new("u") != UccName::new("U") && UccName::new("é") != UccName::new("e\u{301}"));
}

/// A URI by crate and model; whether it is one.
fn uri(text: &str) -> bool {
    let read = SipUri::new(text);
    assert_eq!(read.is_ok(), naive::sip_ok(text), "{text:?}");
    match read {
        Ok(uri) => assert!(uri.as_str() == text && SipUriBuf::new(text).is_ok_and(|uri| uri.as_str() == text)),
        Err(error) => {
            assert_eq!(error, FieldError { field: Field::RequesterSipUri, kind: fault_of_uri(text) }, "{text:?}");
            assert!(error.to_string().starts_with("RequesterSipUri "), "{error}");
        }
    }
    read.is_ok()
}

/// What is said of a text that is no URI: its length, its scheme, then the first character that no URI has.
fn fault_of_uri(text: &str) -> FieldErrorKind {
    let behind = |scheme: &str| match text.split_at_checked(scheme.len()) {
        Some((before, behind)) if before.eq_ignore_ascii_case(scheme) => Some(behind),
        _ => None,
    };
    if text.len() > 255 {
        return FieldErrorKind::TooLong { max: 255 };
    }
    let Some(behind) = behind("sip:").or_else(|| behind("sips:")) else { return FieldErrorKind::NoSipScheme };
    match behind.chars().find(|c| !c.is_ascii_graphic()) {
        // The vertical tab is white space to Unicode alone.
        Some(c) if c.is_ascii() && c.is_whitespace() => FieldErrorKind::WhiteSpace,
        Some(c) if c.is_ascii() => FieldErrorKind::ControlCharacter,
        Some(_) => FieldErrorKind::NotAscii,
        None => FieldErrorKind::NoUserAtHost,
    }
}

#[test]
fn every_byte_in_every_role_of_a_uri() {
    let (mut all, mut accepted) = (0, 0);
    for base in ["sip:u@h", "sips:u@h", "SIP:ab@cd", "sIpS:a:b@c:5060;x=y?z", "sip:@", "sip:a", "sip:a@b@c", "a@b", ""]
    {
        for at in 0..=base.len() {
            for c in (0..=u8::MAX).map(char::from).chain(['\u{17f}', '\u{130}', '\u{2028}', '😀']) {
                let (before, behind) = base.split_at(at);
                let mut texts = vec![format!("{before}{c}{behind}"), format!("{before}{c}{c}{behind}")];
                if !behind.is_empty() {
                    texts.push(format!("{before}{c}{}", &behind[1..]));
                }
                for text in texts {
                    all += 1;
                    accepted += u32::from(uri(&text));
                }
            }
        }
        for end in 0..=base.len() {
            for begin in 0..=end {
                uri(&base[begin..end]);
            }
        }
    }
    report(format_args!("URIs: {all} with each byte in each place, {accepted} of them accepted"));
}

#[test]
fn every_length_and_every_case_of_a_uri() {
    for len in 245..=265 {
        for (scheme, fill) in [("sip:", "x"), ("sips:", "%"), ("SIP:", "\"")] {
            for text in [
                format!("{scheme}u@{}", fill.repeat(len - scheme.len() - 2)),
                format!("{scheme}{}@h", fill.repeat(len - scheme.len() - 2)),
                format!("{scheme}@{}", fill.repeat(len - scheme.len() - 1)),
            ] {
                assert_eq!(text.len(), len);
                assert_eq!(uri(&text), len <= 255 && !text.contains(":@"), "{text}");
            }
        }
    }
    let mut schemes = 0;
    for letters in ["sip", "sips"] {
        for bits in 0..1 << letters.len() {
            let upper = |(at, c): (usize, char)| if bits >> at & 1 == 1 { c.to_ascii_uppercase() } else { c };
            let scheme: String = letters.chars().enumerate().map(upper).collect();
            assert!(uri(&format!("{scheme}:u@h")), "{scheme}");
            for not in
                [format!("{scheme}u@h"), format!("{scheme};u@h"), format!("{scheme} :u@h"), format!(" {scheme}:u@h")]
            {
                assert!(!uri(&not), "{not}");
            }
            schemes += 1;
        }
    }
    assert_eq!(schemes, 8 + 16);
}

#[test]
fn uris_are_compared_and_hashed_without_ascii_case() {
    let texts = [
        "sip:u@h", "SIP:u@h", "sip:U@H", "sips:u@h", "SIPS:U@h", "sip:u@h.", "sip:[@h", "sip:{@h", "sip:`@h", "sip:@@h",
    ];
    let uris: Vec<_> = texts.iter().filter_map(|text| SipUriBuf::new(text).ok()).collect();
    assert_eq!(uris.len(), texts.len() - 1);
    for one in &uris {
        for other in &uris {
            let same = naive::sip_same(one.as_str(), other.as_str());
            assert_eq!(one.to_ref() == other.to_ref(), same, "{one} {other}");
            assert_eq!(one == other, same, "{one} {other}");
            assert_eq!(HashSet::from([one.clone(), other.clone()]).len(), if same { 1 } else { 2 });
            assert_eq!(HashSet::from([one.to_ref()]).contains(&other.to_ref()), same);
            let hash = |uri| BuildHasherDefault::<DefaultHasher>::default().hash_one(uri);
            assert_eq!(hash(one.to_ref()) == hash(other.to_ref()), same, "{one} {other}");
        }
    }
}

fn id(text: &str) -> bool {
    let read = CorrelationId::parse(text);
    let expected = naive::guid(text).ok_or(FieldError { field: Field::CorrelationId, kind: FieldErrorKind::NotAGuid });
    assert_eq!(read.map(|id| id.to_string()), expected, "{text:?}");
    if let Ok(id) = read {
        let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
        assert_eq!(id, CorrelationId::from_u128(u128::from_str_radix(&digits, 16).expect("digits")));
        assert_eq!(CorrelationId::from_u128(id.to_u128()), id);
        assert_eq!(
            (id.hyphenated().as_str(), id.hyphenated().as_bytes().len()),
            (id.to_string().as_str(), CorrelationId::HYPHENATED_LEN)
        );
        assert_eq!(text.parse(), Ok(id));
    }
    read.is_ok()
}

#[test]
fn every_byte_in_every_place_of_an_id() {
    let forms = [ID.to_string(), ID.replace('-', ""), format!("{{{ID}}}")];
    let other_forms =
        [format!("({ID})"), format!("{{{}}}", ID.replace('-', "")), format!("urn:uuid:{ID}"), ID.replacen('-', "", 1)];
    assert!(forms.iter().all(|form| id(form) && id(&form.to_uppercase())) && !other_forms.iter().any(|form| id(form)));
    let (mut all, mut accepted) = (0, 0);
    for form in &forms {
        for at in 0..form.len() {
            for c in (0..=u8::MAX).map(char::from).chain(['\u{661}', '\u{ff11}', '😀']) {
                // Changed, put in, and in the place of as many bytes, so that the length stays right.
                let behind = (at + c.len_utf8()).min(form.len());
                for text in [
                    format!("{}{c}{}", &form[..at], &form[at + 1..]),
                    format!("{}{c}{}", &form[..at], &form[at..]),
                    format!("{}{c}{}", &form[..at], &form[behind..]),
                ] {
                    all += 1;
                    accepted += u32::from(id(&text));
                }
            }
            assert!(!id(&form[..at]) && (at == 0 || !id(&form[at..])), "{form} {at}");
            // Two neighbours that change places.
            if at > 0 {
                let mut bytes = form.clone().into_bytes();
                bytes.swap(at, at - 1);
                id(str::from_utf8(&bytes).expect("ASCII"));
            }
        }
        for space in [" ", "\t", "\n", "\0"] {
            assert!(!id(&format!("{form}{space}")) && !id(&format!("{space}{form}")));
        }
    }
    report(format_args!("ids: {all} with each byte in each place, {accepted} of them accepted"));
}

#[test]
fn names_of_actions_are_read_in_any_case() {
    for &action in Action::ALL {
        let name = naive::action_name(action.code());
        for bits in 0..1 << name.len() {
            let swap = |(at, c): (usize, char)| {
                if bits >> at & 1 == 1 { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }
            };
            let spelt: String = name.chars().enumerate().map(swap).collect();
            assert_eq!(Action::from_name(&spelt), Some(action), "{spelt}");
        }
        for not in [format!(" {name}"), format!("{name}s"), name[1..].to_string(), name.replace(['k', 's'], "\u{212a}")]
        {
            assert_eq!(Action::from_name(&not), if not == name { Some(action) } else { None }, "{not}");
        }
    }
}
