//! What a client accepts, as RFC 9110, section 12.5.1, says it: a list, on however many lines, of kinds with weights.

/// How well a kind of content is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Accepted {
    /// In thousandths; 0 is not at all.
    pub(super) weight: u16,
    /// Whether the kind was named, and not only met by a `*`.
    pub(super) is_named: bool,
}

/// How well content of the type `kind` (in lower case) with this `version` is accepted. The most exact of what is said of
/// it counts. Who says nothing at all takes everything.
pub(super) fn accepted(lines: &[&[u8]], kind: &str, version: &str) -> Accepted {
    let (mut best, mut found, mut said) = (0, Accepted { weight: 0, is_named: false }, false);
    for element in lines.iter().flat_map(|line| split(line, b',')) {
        let mut parts = split(element, b';');
        let Some(range) = parts.next().filter(|range| !range.is_empty()) else { continue };
        said = true;
        let (mut weight, mut exactness) = (1000, match_of(range, kind));
        for (name, value) in parts.filter_map(parameter) {
            if name.eq_ignore_ascii_case(b"q") {
                weight = self::weight(value);
                // What comes behind the weight says nothing of the kind.
                break;
            }
            // Others, such as the character set, make no difference here.
            if name.eq_ignore_ascii_case(b"version") {
                exactness = if value == version.as_bytes() { exactness.map(|exact| exact + 1) } else { None };
            }
        }
        match exactness {
            // Of two that are as exact the better one.
            Some(exact) if exact > best || (exact == best && weight > found.weight) => {
                (best, found) = (exact, Accepted { weight, is_named: exact > 2 });
            }
            _ => {}
        }
    }
    if said { found } else { Accepted { weight: 1000, is_named: false } }
}

/// How exactly a range names a kind: `*/*`, `text/*`, `text/plain`.
fn match_of(range: &[u8], kind: &str) -> Option<u8> {
    let range = range.to_ascii_lowercase();
    let main = kind.split('/').next().unwrap_or_default();
    match range.as_slice() {
        b"*/*" => Some(1),
        _ if range.strip_suffix(b"/*").is_some_and(|of| of == main.as_bytes()) => Some(2),
        _ if range == kind.as_bytes() => Some(3),
        _ => None,
    }
}

/// `0` to `1` with at most three digits after the dot, in thousandths. What is none counts as not accepted.
fn weight(value: &[u8]) -> u16 {
    let (whole, rest) = value.split_first().unwrap_or((&b'0', &[]));
    let digits = rest.strip_prefix(b".").unwrap_or(rest);
    let sound =
        digits.len() <= 3 && digits.iter().all(u8::is_ascii_digit) && (rest.is_empty() || rest.starts_with(b"."));
    let fraction = digits.iter().chain(&[b'0'; 3]).take(3).fold(0, |sum, digit| sum * 10 + u16::from(digit & 0xf));
    match whole {
        b'1' if sound && fraction == 0 => 1000,
        b'0' if sound => fraction,
        _ => 0,
    }
}

/// `name=value`, the value without its quotes.
fn parameter(part: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = part.iter().position(|&byte| byte == b'=')?;
    let (name, value) = part.split_at_checked(at)?;
    let value = value.get(1..)?.trim_ascii();
    let value = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
    Some((name.trim_ascii(), value))
}

/// The parts between these, but for those within quotes.
fn split(text: &[u8], by: u8) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |&byte| {
        let ends = byte == by && !quoted;
        quoted ^= byte == b'"' && !escaped;
        escaped = quoted && byte == b'\\' && !escaped;
        ends
    })
    .map(<[u8]>::trim_ascii)
}
