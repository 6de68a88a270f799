//! How the same thing can be written in other ways, one choice after the other taken from the input.

use arbitrary::Arbitrary;

/// Choices, taken from the input byte by byte; when it is used up, every choice is the plainest.
#[derive(Debug, Clone, Arbitrary)]
pub(crate) struct Choices {
    bytes: Vec<u8>,
}

impl Choices {
    /// One of `count`.
    pub(crate) fn of(&mut self, count: usize) -> usize {
        self.bytes.pop().map_or(0, |byte| usize::from(byte) % count)
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.of(from.len())]
    }
}

/// A JSON string that means `text`.
pub(crate) fn string(text: &str, choices: &mut Choices) -> String {
    let mut out = String::from("\"");
    // Mostly one way for the whole text, since a body has no room for escapes everywhere.
    let whole = choices.of(4);
    for c in text.chars() {
        let way = if whole == 3 { choices.of(4) } else { 0 };
        let escaped = |upper: bool| -> String {
            let code = |unit: &u16| if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") };
            c.encode_utf16(&mut [0; 2]).iter().map(code).collect()
        };
        match (way, c) {
            (2, _) => out += &escaped(false),
            (3, _) => out += &escaped(true),
            (_, '"' | '\\') => out.extend(['\\', c]),
            (1, '/') => out += "\\/",
            _ => out.push(c),
        }
    }
    out + "\""
}

/// `text` in other case.
pub(crate) fn case(text: &str, choices: &mut Choices) -> String {
    match choices.of(4) {
        0 | 1 => text.to_owned(),
        2 => text.to_ascii_lowercase(),
        _ => text.to_ascii_uppercase(),
    }
}

/// A correlation id in one of its three forms.
pub(crate) fn id(id: u128, choices: &mut Choices) -> String {
    let digits = format!("{id:032x}");
    let hyphenated = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-");
    let form = match choices.of(3) {
        0 => hyphenated,
        1 => digits,
        _ => format!("{{{hyphenated}}}"),
    };
    case(&form, choices)
}

/// White space of JSON, or none.
pub(crate) fn space(choices: &mut Choices) -> &'static str {
    choices.pick(&["", "", "", " ", "\t", "\r\n", "  "])
}

/// A member that no reader knows, however much it looks like one that it knows.
pub(crate) fn unknown(choices: &mut Choices) -> &'static str {
    choices.pick(&[
        r#""x":[1,{"Action":2}]"#,
        r#""":null"#,
        r#""Actio\u006e ":-1.5e-7"#,
        r#""UCCNam":"\ud83d\ude00""#,
        r#""deep":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]"#,
        r#""Action\u0000":3"#,
        r#""RequesterſipUri":{"":{}}"#,
        r#""v":true,"v":false"#,
    ])
}

/// A part of a path that means `text`. Nothing is in it as it is that would mean something else there.
pub(crate) fn part(text: &str, choices: &mut Choices) -> String {
    let whole = choices.of(3);
    let mut out = Vec::new();
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        // Bytes that are no ASCII may come as they are, and so may most others.
        let may_be_plain = plain || (whole == 1 && !b"%/?".contains(&byte));
        let way = if whole == 2 { choices.of(3) } else { 0 };
        match (way, may_be_plain) {
            (0, true) => out.push(byte),
            (1, _) => out.extend(format!("%{byte:02x}").bytes()),
            _ => out.extend(format!("%{byte:02X}").bytes()),
        }
    }
    String::from_utf8(out).expect("whole characters")
}

/// A target whose path ends in `call`.
pub(crate) fn target(call: &str, choices: &mut Choices) -> String {
    let host = choices.pick(&["", "", "", "http://host", "HTTPS://[::1]:8080"]);
    let version = choices.pick(&["", "", "v2/"]);
    let query = choices.pick(&["", "", "?", "?a=/b%zz?c"]);
    format!("{host}/attendantservice/api/{version}recording/{call}{query}")
}
