//! Headers that are lists: the lines of one name are one list, whatever is on which (RFC 9110, section 5.3).

use axum::http::header::{AsHeaderName, GetAll};
use axum::http::{HeaderMap, HeaderValue};

/// Whether a list has this element, compared without case.
pub(super) fn names(headers: &HeaderMap, header: impl AsHeaderName, element: &str) -> bool {
    let lines = headers.get_all(header);
    lines.into_iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(',')).any(|found| {
        // Spaces and tabs are what a list may have around its elements.
        found.trim_matches([' ', '\t']).eq_ignore_ascii_case(element)
    })
}

/// Whether an `Accept` names this media type, with a weight above 0.
///
/// Wildcards do not count: a client that accepts everything has not asked for a stream.
pub(super) fn accepts(lines: &GetAll<'_, HeaderValue>, media_type: &str) -> bool {
    let lines = lines.iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| split(line, ',')).any(|range| {
        let mut parts = split(range, ';').into_iter().map(|part| part.trim_matches([' ', '\t']));
        parts.next().is_some_and(|found| found.eq_ignore_ascii_case(media_type)) && !parts.any(is_zero_weight)
    })
}

/// Whether a parameter is a `q` of 0.
fn is_zero_weight(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return false };
    let digits = value.strip_prefix('0').map(|rest| rest.strip_prefix('.').unwrap_or(rest));
    name.eq_ignore_ascii_case("q") && digits.is_some_and(|digits| digits.bytes().all(|digit| digit == b'0'))
}

/// The parts between separators that are not quoted.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |at: char| {
        let separates = at == separator && !quoted;
        match at {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        separates
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use axum::http::header::{ACCEPT, CONNECTION};

    use super::*;

    fn of(name: &axum::http::HeaderName, lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (name.clone(), line.parse().expect("a value"))).collect()
    }

    #[test]
    fn the_lines_of_a_name_are_one_list() {
        for lines in [
            &["upgrade"][..],
            &["keep-alive, Upgrade"],
            &["keep-alive", "Upgrade"],
            &["Upgrade", "keep-alive"],
            &["", "close,\tUPGRADE ,"],
            &["a,b", "c", "d, upgrade, e"],
        ] {
            assert!(names(&of(&CONNECTION, lines), CONNECTION, "upgrade"), "{lines:?}");
        }
        for lines in [&[][..], &[""], &["keep-alive"], &["upgrades"], &["up", "grade"], &["upgrade keep-alive"]] {
            assert!(!names(&of(&CONNECTION, lines), CONNECTION, "upgrade"), "{lines:?}");
        }
    }

    #[test]
    fn a_weight_of_zero_is_a_no() {
        let wants = |lines: &[&str]| accepts(&of(&ACCEPT, lines).get_all(ACCEPT), "text/event-stream");
        for lines in [
            &["text/event-stream"][..],
            &["*/*, text/event-stream;q=0.9"],
            &["text/plain", "Text/Event-Stream ; Q=0.001"],
            &["text/event-stream;charset=utf-8"],
            &["text/event-stream;q=1.000"],
            &["a/b;c=\"x,y\\\",\", text/event-stream"],
        ] {
            assert!(wants(lines), "{lines:?}");
        }
        for lines in [
            &[][..],
            &["*/*"],
            &["text/*"],
            &["text/event-stream;q=0"],
            &["text/event-stream ;\tq=0.0"],
            &["text/event-stream;charset=utf-8;Q=0.000, */*"],
            &["text/event-stream;q=0."],
            &["a/b;c=\", text/event-stream\""],
            &["text/event-streams"],
        ] {
            assert!(!wants(lines), "{lines:?}");
        }
    }
}
