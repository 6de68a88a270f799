//! The body of a set: fields missing, repeated, of a wrong type, escaped, in every order, as long as they may be.

use recording_core::wire::{Head, Rejection, SetRequest};
use recording_core::{Action, Request, Scratch};
use recording_test_support::{naive, report};

const ID: &str = "1d6c6a58-6739-4f0c-98ff-0968292c8c30";
const KEYS: [&str; 4] = ["Action", "RequesterSipUri", "CorrelationId", "UCCName"];
/// A sound value for each key.
const VALUES: [&str; 4] = ["3", "\"sip:a@b\"", "\"1d6c6a58-6739-4f0c-98ff-0968292c8c30\"", "\"u\""];
/// A value of each JSON type; none of them is a sound one for any key.
const TYPES: [&str; 9] = ["null", "true", "false", "0", "1.5", "\"\"", "[]", "{}", "[{\"a\":[1]}]"];

/// What was understood, as plain values.
type Understood = (u8, String, String, String);

fn read(body: &[u8]) -> Result<Understood, Rejection> {
    let mut scratch = Scratch::new();
    let understood = SetRequest::read(body, &mut scratch).map(|set| {
        let texts = [set.requester.to_string(), set.correlation_id.to_string(), set.ucc.to_string()];
        let [requester, id, ucc] = texts;
        (set.action.code(), requester, id, ucc)
    });
    // The long way round gives the same.
    let mut scratch = Scratch::new();
    let head = Head::read(b"POST", SetRequest::TARGET.as_bytes(), Some(b"application/json")).expect("a set");
    match head.request(body, &mut scratch) {
        Ok(Request::Set(set)) => assert_eq!(understood.as_ref().map(|set| set.0), Ok(set.action.code())),
        Ok(other) => panic!("{other:?}"),
        Err(rejection) => assert_eq!(understood, Err(rejection)),
    }
    understood
}

fn object(members: &[(impl AsRef<str>, impl AsRef<str>)]) -> String {
    let members: Vec<_> =
        members.iter().map(|(key, value)| format!("\"{}\":{}", key.as_ref(), value.as_ref())).collect();
    format!("{{{}}}", members.join(","))
}

fn sound() -> Vec<(&'static str, &'static str)> {
    KEYS.into_iter().zip(VALUES).collect()
}

fn understood() -> Understood {
    (3, "sip:a@b".into(), ID.into(), "u".into())
}

fn accepted(body: &str) {
    assert_eq!(read(body.as_bytes()), Ok(understood()), "{body}");
}

/// Refused as 400, with a text that names the field.
fn refused(body: &str, field: &str) {
    let rejection = read(body.as_bytes()).expect_err(body);
    let text = rejection.to_string();
    assert_eq!(rejection.status(), 400, "{body}");
    assert!(text.starts_with(&format!("The request could not be understood: {field} ")), "{text}: {body}");
}

/// Refused as 400, as no JSON.
fn no_json(body: &[u8]) {
    let shown = String::from_utf8_lossy(body);
    let rejection = read(body).expect_err(&shown);
    assert_eq!(rejection.status(), 400, "{shown}");
    assert!(rejection.to_string().contains("invalid JSON at byte "), "{rejection}: {shown}");
}

/// Every character of a text as an escape.
fn escaped(text: &str) -> String {
    text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()
}

fn orders() -> Vec<[usize; 4]> {
    let all = (0..256).map(|n| [n & 3, n >> 2 & 3, n >> 4 & 3, n >> 6]);
    all.filter(|order| (0..4).all(|at| order.contains(&at))).collect()
}

#[test]
fn every_order_and_every_spelling_of_the_keys() {
    let spellings: [fn(&str) -> String; 7] = [
        str::to_string,
        str::to_ascii_lowercase,
        str::to_ascii_uppercase,
        escaped,
        |key| escaped(key).to_uppercase().replace("\\U", "\\u"),
        |key| escaped(&key.to_ascii_uppercase()),
        |key| format!("{}{}", escaped(&key[..1]), key[1..].to_ascii_lowercase()),
    ];
    assert_eq!(orders().len(), 24);
    let mut bodies = 0;
    for order in orders() {
        for spelling in spellings {
            let members = order.map(|at| (spelling(KEYS[at]), VALUES[at]));
            accepted(&object(&members));
            accepted(&object(&members).replace(',', " ,\t").replace(':', "\r\n:\n").replace("sip\r\n:\n", "sip:"));
            bodies += 2;
        }
    }
    report(format_args!("set bodies: {bodies} orders and spellings of the keys"));
}

#[test]
fn keys_that_only_look_like_the_known_ones() {
    for (at, key) in KEYS.into_iter().enumerate() {
        // Case is that of ASCII: the Kelvin sign is no `k`, the long `s` no `s`.
        let mut others =
            vec![format!("{key} "), format!(" {key}"), format!("{key}\\u0000"), key[1..].into(), String::new()];
        others.extend([
            key.replace('s', "ſ"),
            key.replace('S', "\\u017f"),
            key.replace('i', "ı"),
            key.replace('A', "А"),
        ]);
        for other in others.iter().filter(|other| *other != key) {
            let mut members = sound();
            members[at].0 = other;
            refused(&object(&members), key);
            // Next to the true one it is a key like any unknown one.
            members.push((key, VALUES[at]));
            accepted(&object(&members));
        }
    }
}

#[test]
fn any_fields_missing() {
    for present in 0..15 {
        let members: Vec<_> =
            sound().into_iter().enumerate().filter(|(at, _)| present >> at & 1 == 1).map(|(_, m)| m).collect();
        let text = read(object(&members).as_bytes()).expect_err("something is missing").to_string();
        let named: Vec<_> = KEYS.into_iter().filter(|key| text.contains(&format!(": {key} is missing."))).collect();
        assert!(named.len() == 1 && members.iter().all(|(key, _)| *key != named[0]), "{present}: {text}");
    }
}

#[test]
fn every_field_repeated() {
    for (at, (key, value)) in sound().into_iter().enumerate() {
        for again in [key.into(), key.to_lowercase(), key.to_uppercase(), escaped(key), escaped(&key.to_lowercase())] {
            for value in [value, "null", "{}", "\"x\""] {
                for place in 0..=4 {
                    let mut members = sound();
                    members.insert(place, (&again, value));
                    refused(&object(&members), key);
                }
            }
        }
        // Two bad ones are no better than one.
        let mut members = sound();
        members[at].1 = "null";
        members.push((key, value));
        refused(&object(&members), key);
    }
    // What is unknown may be there as often as it likes.
    let mut members = sound();
    members.extend([("x", "1"), ("x", "2"), ("X", "{\"x\":1,\"x\":2}"), ("UccNames", "1")]);
    accepted(&object(&members));
    // Only the outermost object has fields.
    let inner = object(&sound());
    members.push(("Request", &inner));
    accepted(&object(&members));
}

#[test]
fn every_field_of_every_wrong_type() {
    let mut bodies = 0;
    for order in orders() {
        for (wrong, key) in KEYS.into_iter().enumerate() {
            for value in TYPES {
                let members = order.map(|at| (KEYS[at], if at == wrong { value } else { VALUES[at] }));
                refused(&object(&members), key);
                bodies += 1;
            }
        }
    }
    for body in TYPES.iter().filter(|body| **body != "{}").chain(&["[{}]", "\"{}\"", "1"]) {
        no_json(body.as_bytes());
    }
    report(format_args!("set bodies: {bodies} with a field of a wrong type"));
}

#[test]
fn actions() {
    let body = |action: &str| object(&[(KEYS[0], action), sound()[1], sound()[2], sound()[3]]);
    let code = |action: &str| read(body(action).as_bytes()).map(|set| set.0);
    for &action in Action::ALL {
        assert_eq!(code(&action.code().to_string()), Ok(action.code()));
        let name = naive::action_name(action.code());
        for name in
            [name.to_string(), name.to_lowercase(), name.to_uppercase(), escaped(name), escaped(&name.to_uppercase())]
        {
            assert_eq!(code(&format!("\"{name}\"")), Ok(action.code()), "{name}");
        }
    }
    #[rustfmt::skip]
    let mut others: Vec<String> = [
        "0", "8", "9", "10", "11", "17", "-1", "-0", "-3", "1.0", "3.0", "1e0", "3E0", "30e-1", "0.3e1", "1E+0", "256", "257",
        "259", "65537", "4294967297", "18446744073709551617", "18446744073709551619", "1e400", "1e-400",
        "\"\"", "\"1\"", "\"3\"", "\"01\"", "\" Start\"", "\"Start \"", "\"Sta rt\"", "\"Resume\"", "\"Starts\"", "\"Star\"",
        "\"Start\\u0000\"", "\"\\u0000Start\"", "\"S\\ttart\"", "\"\u{17f}tart\"", "\"\\u017fTOP\"", "\"Mar\u{212a}\"", "\"Un Mark\"",
        "\"Uninitialized\"", "\"Started\"", "\"Paused\"", "\"None\"", "\"Start,Stop\"", "\"StartStop\"", "\"RecorderSetToStartByAgent\"",
        "true", "false", "null", "[]", "{}", "[1]", "[\"Start\"]", "{\"Action\":1}", "{\"value\":\"Start\"}",
    ].map(String::from).into();
    others.extend([
        format!("1{}", "0".repeat(1000)),
        format!("0.{}", "3".repeat(1000)),
        format!("\"{}\"", "Start".repeat(200)),
    ]);
    for other in &others {
        refused(&body(other), "Action");
    }
    // These are no JSON at all; which of the two faults is reported is left open.
    for other in
        ["01", "+1", "0x1", "1.", ".1", "1e", "Start", "'Start'", "NaN", "Infinity", "", "1 1", "\"Start", "1,"]
    {
        let text = read(body(other).as_bytes()).expect_err(other).to_string();
        assert!(text.contains(": Action ") || text.contains(": invalid JSON at byte "), "{text}: {other}");
    }
    for number in 0..=999 {
        assert_eq!(code(&number.to_string()).ok(), u8::try_from(number).ok().filter(|n| naive::actions().contains(n)));
    }
    report(format_args!("set bodies: {} spellings of an action refused", others.len()));
}

/// A body with these texts, already written as the inside of a string.
fn texts(requester: &str, id: &str, ucc: &str) -> String {
    let [requester, id, ucc] = [requester, id, ucc].map(|text| format!("\"{text}\""));
    object(&[(KEYS[0], "3"), (KEYS[1], &requester), (KEYS[2], &id), (KEYS[3], &ucc)])
}

#[test]
fn fields_as_long_as_they_may_be() {
    let uri = |len: usize| format!("sip:{}@h", "u".repeat(len - 6));
    let braced = format!("{{{ID}}}");
    let understood = |requester: &str, id: &str, ucc: &str, wanted: (&str, &str)| {
        let body = texts(requester, id, ucc);
        assert!(body.len() <= SetRequest::MAX_BODY_LEN, "{}", body.len());
        assert_eq!(read(body.as_bytes()), Ok((3, wanted.0.into(), ID.into(), wanted.1.into())), "{body}");
    };
    let names =
        ["n".repeat(64), "\u{a0}".repeat(32), "é".repeat(32), "€".repeat(21) + "x", "😀".repeat(16), "\"".repeat(64)];
    for name in &names {
        assert_eq!(name.len(), 64);
        let spelt = if name.starts_with('"') { name.replace('"', "\\\"") } else { name.clone() };
        // Both all escapes: together they fill a body nearly, and the scratch to its last byte.
        understood(&escaped(&uri(255)), ID, &escaped(name), (&uri(255), name));
        understood(&uri(255), &escaped(&braced), &escaped(name), (&uri(255), name));
        understood(&escaped(&uri(255)), &braced, &spelt, (&uri(255), name));
        understood(&uri(255), ID, &spelt, (&uri(255), name));
        // One byte more of one of them is too long, whatever the other one does.
        for (requester, id) in [(uri(255), ID.into()), (escaped(&uri(255)), ID.into()), (uri(7), escaped(&braced))] {
            for more in ["x", "\\u0078", "\\u00e9", "é"] {
                refused(&texts(&requester, &id, &format!("{}{more}", escaped(name))), "UCCName");
                refused(&texts(&requester, &id, &format!("{more}{spelt}")), "UCCName");
            }
        }
        for len in [256, 257, 300] {
            refused(&texts(&uri(len), ID, &escaped(name)), "RequesterSipUri");
            refused(&texts(&format!("{}\\u0040h", &uri(len)[..len - 2]), ID, &escaped(name)), "RequesterSipUri");
        }
        refused(&texts(&escaped(&uri(256)), ID, "n"), "RequesterSipUri");
    }
    // All three as escapes do not fit into a body: 413, whatever they mean.
    let body = texts(&escaped(&uri(255)), &escaped(&braced), &escaped(&names[0]));
    assert_eq!(read(body.as_bytes()), Err(Rejection::BodyTooLarge));
    // An id that is longer than any, by escapes or without, is no GUID; and so is one of other characters.
    for id in [
        format!("{braced}\\u007d"),
        escaped(&format!("{braced}}}")),
        "0".repeat(300),
        escaped(&"é".repeat(16)),
        "\\u0000".repeat(32),
    ] {
        refused(&texts("sip:a@b", &id, "u"), "CorrelationId");
    }
}

#[test]
fn fields_are_judged_by_what_they_mean() {
    for (ucc, meant) in
        [("\\u002e", "."), ("a\\\"b\\\\c", "a\"b\\c"), ("\\ud83d\\uDE00", "😀"), ("%2F", "%2F"), ("\\u00A0", "\u{a0}")]
    {
        assert_eq!(read(texts("sip:a@b", ID, ucc).as_bytes()).map(|set| set.3), Ok(meant.into()));
    }
    for ucc in
        ["", "/", "a\\/b", "\\u002f", "\\n", "\\b", "\\u0000", "\\u007F", "\u{7f}", "\u{80}", "\\u009f", "a\\u0085"]
    {
        refused(&texts("sip:a@b", ID, ucc), "UCCName");
    }
    assert_eq!(read(texts("\\u0053iP:a\\\"\\\\@b\\/", ID, "u").as_bytes()).map(|set| set.1), Ok("SiP:a\"\\@b/".into()));
    for requester in [
        "",
        "a@b",
        "sip:a",
        "sip:@b",
        "sip:a@",
        "sip:a@b@c",
        "sip:a @b",
        "sip:a\\u0020@b",
        "sip:a@\\u00e9",
        "sip:é@b",
        "sip:a\\n@b",
        "sip:a@b\\u0000",
        " sip:a@b",
        "sip\\u003ba@b",
        "tel:a@b",
    ] {
        refused(&texts(requester, ID, "u"), "RequesterSipUri");
    }
    for spelt in [ID.to_uppercase(), ID.replace('-', ""), format!("{{{ID}}}"), escaped(ID), ID.replace('-', "\\u002D")]
    {
        accepted(&texts("sip:a@b", &spelt, "u"));
    }
    for id in [
        "",
        " ",
        &format!("urn:uuid:{ID}"),
        &format!("{ID} "),
        &format!("{ID}\\u0000"),
        &ID[1..],
        &ID.replace('6', "\\u0661"),
    ] {
        refused(&texts("sip:a@b", id, "u"), "CorrelationId");
    }
}

#[test]
fn bodies_as_long_as_they_may_be() {
    let body = object(&sound());
    for len in [2047, 2048, 2049, 2050, 4096] {
        let room = len - body.len();
        let fill = " ".repeat(room);
        let unknown = format!("\"x\":\"{}\",", "y".repeat(room - "\"x\":\"\",".len()));
        let digits = format!("\"x\":{},", "7".repeat(room - "\"x\":,".len()));
        for long in [
            format!("{fill}{body}"),
            format!("{body}{fill}"),
            format!("{{{fill}{}", &body[1..]),
            format!("{{{unknown}{}", &body[1..]),
            format!("{{{digits}{}", &body[1..]),
        ] {
            assert_eq!(long.len(), len);
            let expected = if len <= 2048 { Ok(understood()) } else { Err(Rejection::BodyTooLarge) };
            assert_eq!(read(long.as_bytes()), expected, "{len}");
        }
        // The length is looked at first.
        for garbage in [vec![0xff; len], vec![b'['; len], vec![b' '; len]] {
            assert_eq!(read(&garbage).expect_err("garbage").status(), if len <= 2048 { 400 } else { 413 });
        }
    }
}

#[test]
fn unknown_keys_with_whatever_value() {
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let objects = |levels: usize| format!("{}1{}", "{\"Action\":".repeat(levels), "}".repeat(levels));
    let mut values: Vec<String> = TYPES.map(String::from).into();
    values.extend([
        deep(15),
        objects(15),
        format!("[{},{}]", deep(14), objects(14)),
        "\"\\ud83d\\ude00\\\"]}\"".into(),
        "-0.0e-0".into(),
    ]);
    #[rustfmt::skip]
    let bad: [&[u8]; 24] = [
        b"\"\x1f\"", b"\"\n\"", b"[\"\\x\"]", b"01", b"[01]", b"[1,]", b"{\"a\":1,}", b"{\"a\"}", b"{a:1}", b"[", b"]", b"{", b"nul",
        b"1.", b"-", b"\"\\ud800\"", b"{\"\\udc00\":1}", b"[[\"\\ud83d\\ud83d\"]]", b"\"\xc3\"", b"\xef\xbb\xbf", b"\"\xed\xa0\x80\"", b"",
        b"/**/1", b"[1}",
    ];
    for place in 0..=4 {
        let with = |key: &str, value: &[u8]| {
            let mut members: Vec<Vec<u8>> =
                sound().iter().map(|(key, value)| format!("\"{key}\":{value}").into_bytes()).collect();
            members.insert(place, [b"\"", key.as_bytes(), b"\":", value].concat());
            [b"{", members.join(b",".as_slice()).as_slice(), b"}"].concat()
        };
        for value in &values {
            for key in ["x", "", "action ", "Ucc", "\\u0000", "ä", "Actions"] {
                assert_eq!(read(&with(key, value.as_bytes())), Ok(understood()), "{key} {value}");
            }
        }
        for value in bad.into_iter().chain([deep(16).as_bytes(), objects(16).as_bytes()]) {
            no_json(&with("x", value));
            // Nor is it better under a key that is known; but that it is given twice may be reported first.
            assert_eq!(read(&with("Action", value)).expect_err("two faults").status(), 400);
        }
        no_json(&with("\\ud800", b"1"));
        no_json(&with("\t", b"1"));
    }
    let body = object(&sound());
    for around in ["{}x", "{},", "{}{}", "{}null", "\u{feff}{}", "{}\0", "[{}]", "x{}", "{}]", "{}}"] {
        no_json(around.replace("{}", &body).as_bytes());
    }
}
