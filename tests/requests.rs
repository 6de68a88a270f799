//! The head of a request against the naive model: methods times targets times content types, enumerated.

use std::collections::BTreeMap;

use recording_core::wire::{Head, Rejection};
use recording_core::{Request, Scratch};
use recording_test_support::{naive, report};

const ID: &str = "1d6c6a58-6739-4f0c-98ff-0968292c8c30";
const BASE: &str = "/attendantservice/api/recording";
const BASE_V2: &str = "/attendantservice/api/v2/recording";

const METHODS: [&str; 14] =
    ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", "Post", "", "GET ", "GETS"];

#[rustfmt::skip]
const CONTENT_TYPES: [Option<&[u8]>; 20] = [
    None, Some(b""), Some(b"application/json"), Some(b"APPLICATION/Json"), Some(b"application/json; charset=utf-8"),
    Some(b"application/json;"), Some(b" \tapplication/json \t; q=\"a;b\""), Some(b"application/json ;\xff"),
    Some(b"application/json, application/json"), Some(b"text/json"), Some(b"application/problem+json"),
    Some(b"application/jsonx"), Some(b"application/jso"), Some(b"application /json"), Some(b"application/json charset=utf-8"),
    Some(b"text/plain;application/json"), Some(b";application/json"), Some(b"\xffapplication/json"), Some(b"application/json\0"),
    Some(b"\"application/json\""),
];

/// What the two parts after the base may be: UCC names and ids, good and bad.
fn parts() -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = [
        "u",
        "set",
        "v2",
        "capabilities",
        "recording",
        "%63apabilities",
        "Capabilities",
        "capabilities%20",
        "s%65t",
        ".",
        "..",
        "%2e",
        "%",
        "%4",
        "%4g",
        "%g4",
        "%%34",
        "a%",
        "%25",
        "%2541",
        "%2F",
        "a%2fb",
        "%00",
        "%1F",
        "%7f",
        "%C2%9f",
        "%c2%A0",
        "%C2",
        "%ff",
        "%C0%80",
        "%ED%A0%80",
        "%F0%9f%98%80",
        "é",
        "\u{9f}",
        "\u{7f}",
        "a b",
        "a+b",
        "a;b=c",
        "#",
        "a#b",
        "\"\\'",
        "%22",
        "%3F",
        "%+1",
        "%-1",
        "% 1",
        "",
    ]
    .map(|name| name.as_bytes().to_vec())
    .into();
    names.extend([
        b"\xff".to_vec(),
        b"\xc2%80".to_vec(),
        b"%c3\xa9".to_vec(),
        b"a\0".to_vec(),
        b"\xed\xa0\x80".to_vec(),
    ]);
    for len in [63, 64, 65, 319, 320, 1000] {
        // Raw bytes, percent codes and both: it is what they stand for that counts.
        names.extend(
            ["x".repeat(len), "%78".repeat(len), format!("{}%78", "x".repeat(len - 1))].map(String::into_bytes),
        );
        names.push("%C3%A9".repeat(len / 2).into_bytes());
    }
    let upper = ID.to_uppercase();
    let bare = ID.replace('-', "");
    names.extend([ID, &upper, &bare, &format!("{{{ID}}}"), &format!("%7B{ID}%7D")].map(|id| id.as_bytes().to_vec()));
    names.extend([ID.replace('-', "%2D"), ID.replace('-', "%2d%2D"), ID.replace('6', "%36")].map(String::into_bytes));
    names.extend(
        [&ID[1..], &format!("{ID}0"), &format!("{{{bare}}}"), &format!("{{{ID}")].map(|id| id.as_bytes().to_vec()),
    );
    let every_code: String = format!("{{{ID}}}").bytes().map(|byte| format!("%{byte:02x}")).collect();
    names.extend([every_code.clone(), every_code + "%20", format!("{ID}%"), format!(" {ID}")].map(String::into_bytes));
    names
}

fn targets() -> Vec<Vec<u8>> {
    let mut targets: Vec<Vec<u8>> = [
        "",
        "/",
        "*",
        "?",
        "//",
        "/set",
        "attendantservice/api/recording/set",
        "/attendantservice",
        "/attendantservice/api",
        "/attendantservice/api/",
        "/attendantservice/api/v2",
        "/attendantservice/api/v2/",
        "/attendantservice/api/set",
        "/attendantservice/api/v2/set",
        "/attendantservice/api/v1/recording/set",
        "/attendantservice/api/V2/recording/set",
        "/attendantservice/api/v2/v2/recording/set",
        "/attendantservice/api/%76%32/recording/set",
        "/attendantservice/api/v2/recording/v2/set",
        "/attendantservice/v2/api/recording/set",
        "/Attendantservice/api/recording/set",
        "/attendantservice/API/recording/set",
        "/attendantservice/api/Recording/set",
        "/%61ttendantservice/api/recording/set",
        "/attendantservice/%61pi/recording/set",
        "/attendantservice/api/%72ecording/set",
        "/attendantservice//api/recording/set",
        "//attendantservice/api/recording/set",
        "/attendantservice/api//recording/set",
        "/attendantservice/api/v2//recording/set",
        "/attendantservice/api/recordings/set",
        "/attendantservice/api/recording?/set",
        "/attendantservice/api/recordingset",
        "/x/attendantservice/api/recording/set",
        "http:",
        "http:/",
        "http://",
        "http:///",
        "http://h",
        "http://h/",
        "http://?/",
        "ftp://h/attendantservice/api/recording/set",
        "http:/attendantservice/api/recording/set",
        "h:80",
        "http://h?/attendantservice/api/recording/set",
        "://h/x",
        "http:///attendantservice/api/recording/set",
        "httpx://h/attendantservice/api/recording/set",
        " /attendantservice/api/recording/set",
        "https//h/attendantservice/api/recording/set",
    ]
    .map(|target| target.as_bytes().to_vec())
    .into();
    let mut add = |parts: &[&[u8]]| targets.push(parts.concat());
    let hosts = ["", "http://h", "HTTPS://u:p@[::1]:80", "hTtp://a:b", "https://\u{e9}"];
    let ends = ["", "/", "//", "?", "?/", "?a=%zz&b=/c?d", "#", "#f", "%", "%2F", "\0", " "];
    for host in hosts {
        for base in [BASE, BASE_V2] {
            for end in ends {
                for call in ["", "/", "/set", "/SET", "/s%65t", "/set/x", "/u/x", "/set/u/x", "//set", "//u", "/u//"] {
                    add(&[host.as_bytes(), base.as_bytes(), call.as_bytes(), end.as_bytes()]);
                }
                add(&[host.as_bytes(), base.as_bytes(), b"/u/", ID.as_bytes(), end.as_bytes()]);
                add(&[host.as_bytes(), base.as_bytes(), b"/capabilities/u", end.as_bytes()]);
            }
        }
    }
    for part in parts() {
        add(&[BASE.as_bytes(), b"/", &part]);
        for other in [b"u".as_slice(), b"capabilities", b"%2F", ID.as_bytes()] {
            add(&[BASE.as_bytes(), b"/", &part, b"/", other]);
            add(&[BASE_V2.as_bytes(), b"/", other, b"/", &part]);
            add(&[BASE.as_bytes(), b"/", other, b"/", &part, b"?q"]);
            add(&[BASE.as_bytes(), b"/", other, b"/", &part, b"/"]);
        }
    }
    targets
}

/// What the crate makes of a head, in the words of the naive model.
fn head(method: &str, target: &[u8], content_type: Option<&[u8]>) -> naive::Head {
    let status = |rejection: Rejection| {
        assert!(!rejection.to_string().is_empty());
        naive::Head::Status(rejection.status(), rejection.allow())
    };
    let head = match Head::read(method.as_bytes(), target, content_type) {
        Ok(head) => head,
        Err(rejection) => return status(rejection),
    };
    if head.wants_body() {
        return naive::Head::Set;
    }
    // An unwanted body decides nothing.
    match head.request(&[0xff; 3000], &mut Scratch::new()) {
        Ok(Request::State(r)) => naive::Head::State { ucc: r.ucc.to_string(), id: r.correlation_id.to_string() },
        Ok(Request::Capabilities(r)) => naive::Head::Capabilities { ucc: r.ucc.to_string() },
        Ok(Request::Set(set)) => panic!("{set:?}"),
        Err(rejection) if rejection.status() == 400 => {
            // It names the part that is at fault.
            let text = rejection.to_string();
            assert!(text.contains("UCCName") || text.contains("CorrelationId"), "{text}");
            naive::Head::Bad400
        }
        Err(rejection) => status(rejection),
    }
}

#[test]
fn every_head() {
    let targets = targets();
    let mut count = BTreeMap::new();
    for target in &targets {
        for method in METHODS {
            for content_type in CONTENT_TYPES {
                let expected = naive::head(method, target, content_type);
                let shown = || (method, String::from_utf8_lossy(target), content_type.map(String::from_utf8_lossy));
                assert_eq!(head(method, target, content_type), expected, "{:?}", shown());
                let kind = match expected {
                    naive::Head::Status(404, _) => "404",
                    naive::Head::Status(405, _) => "405",
                    naive::Head::Status(_, _) => "415",
                    naive::Head::Bad400 => "400",
                    naive::Head::State { .. } => "state",
                    naive::Head::Capabilities { .. } => "capabilities",
                    naive::Head::Set => "set",
                };
                *count.entry(kind).or_insert(0) += 1;
            }
        }
    }
    assert_eq!(count.len(), 7, "each is met: {count:?}");
    report(format_args!(
        "heads: {} methods x {} targets x {} content types = {}: {count:?}",
        METHODS.len(),
        targets.len(),
        CONTENT_TYPES.len(),
        METHODS.len() * targets.len() * CONTENT_TYPES.len(),
    ));
}

#[test]
fn the_model_itself_on_some_heads() {
    // Written out once more, so that two mistakes alike in code and model are seen.
    let state = |ucc: &str| naive::Head::State { ucc: ucc.into(), id: ID.into() };
    let capabilities = |ucc: &str| naive::Head::Capabilities { ucc: ucc.into() };
    let status = naive::Head::Status;
    let read_only = status(405, Some("GET, HEAD"));
    #[rustfmt::skip]
    let cases = [
        ("GET", format!("{BASE}/u/{ID}"), None, state("u")),
        ("HEAD", format!("{BASE_V2}/u/%7b{ID}%7d?x"), None, state("u")),
        ("GET", format!("{BASE}/capabilities/{ID}"), None, capabilities(ID)),
        ("GET", format!("{BASE}/%63apabilities/{ID}"), None, state("capabilities")),
        ("GET", format!("{BASE}/set/{ID}"), None, state("set")),
        ("GET", format!("{BASE}/a%2Fb/{ID}"), None, naive::Head::Bad400),
        ("GET", format!("{BASE}/u/{ID}/"), None, status(404, None)),
        ("GET", format!("{BASE}/{ID}"), None, status(404, None)),
        ("POST", format!("{BASE}/u/{ID}"), Some("text/plain"), read_only.clone()),
        ("POST", format!("{BASE}/%/%"), None, read_only),
        ("HEAD", format!("{BASE}/set"), None, status(405, Some("POST"))),
        ("POST", format!("{BASE}/set"), None, status(415, None)),
        ("POST", format!("{BASE}/s%65t"), None, status(404, None)),
        ("POST", format!("https://h{BASE}/set?"), Some("Application/JSON;a"), naive::Head::Set),
        ("POST", format!("ws://h{BASE}/set"), Some("application/json"), status(404, None)),
    ];
    for (method, target, content_type, expected) in cases {
        assert_eq!(head(method, target.as_bytes(), content_type.map(str::as_bytes)), expected, "{method} {target}");
    }
}

#[test]
fn every_byte_as_a_percent_code_and_raw() {
    let mut heads = 0;
    let mut compare = |target: &[u8]| {
        let shown = String::from_utf8_lossy(target);
        assert_eq!(head("GET", target, None), naive::head("GET", target, None), "{shown}");
        heads += 1;
    };
    for byte in 0..=u8::MAX {
        for part in
            [format!("%{byte:02x}").into_bytes(), format!("a%{byte:02X}b").into_bytes(), vec![byte], vec![b'a', byte]]
        {
            compare(&[BASE.as_bytes(), b"/", &part, b"/", ID.as_bytes()].concat());
            compare(&[BASE.as_bytes(), b"/capabilities/", &part].concat());
        }
        // As a digit of a percent code, and as the second byte of a character.
        for part in [[b'%', byte, b'1'].to_vec(), [b'%', b'4', byte].to_vec(), format!("%C2%{byte:02x}").into()] {
            compare(&[BASE.as_bytes(), b"/capabilities/", &part].concat());
        }
        // In each place of an id.
        for at in 0..ID.len() {
            let (before, after) = (&ID[..at], &ID[at + 1..]);
            compare(format!("{BASE}/u/{before}%{byte:02x}{after}").as_bytes());
            compare(&[format!("{BASE}/u/{before}").as_bytes(), &[byte], after.as_bytes()].concat());
        }
        // In each place of the fixed parts.
        let fixed = format!("{BASE_V2}/capabilities/u");
        for at in 0..fixed.len() {
            let mut target = fixed.clone().into_bytes();
            target[at] = byte;
            compare(&target);
        }
    }
    report(format_args!("heads: {heads} with one byte or one percent code changed"));
}

#[test]
fn only_the_white_space_of_headers_is_trimmed() {
    // Around a header's value HTTP knows blanks and tabs. Other control characters are part of the value, which then
    // is not `application/json`.
    let target = format!("{BASE}/set");
    for byte in 0..=b' ' {
        for content_type in
            [[&[byte], b"application/json".as_slice()].concat(), [b"application/json".as_slice(), &[byte]].concat()]
        {
            let got = head("POST", target.as_bytes(), Some(&content_type));
            assert_eq!(got, naive::head("POST", target.as_bytes(), Some(&content_type)), "{byte:#x}");
        }
    }
}
