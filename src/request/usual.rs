//! The body of a `set` as nearly everybody spells it, read in one straight line.
//!
//! This decides nothing: it takes the page's spelling (its keys in its order, no escapes, at most one space behind a
//! bracket, colon, comma or value) or leaves the body to the reader of members, which takes all that is sound and says what is wrong
//! with the rest. Both give the same request wherever this one gives any, which the tests below and the fuzz targets
//! hold.

use super::SetRequest;
use crate::{Action, CorrelationId, SipUri, UccName};

/// The request, if `body` has the usual spelling and all its fields are valid.
#[inline]
pub(super) fn read(body: &str) -> Option<SetRequest<'_>> {
    let rest = past(past(body, "{")?, r#""Action":"#)?;
    let (action, rest) = match rest.strip_prefix('"') {
        Some(named) => {
            let (name, rest) = named.split_once('"')?;
            (Action::from_name(name)?, rest)
        }
        None => {
            let (digit, rest) = rest.split_at_checked(1)?;
            let [digit @ b'1'..=b'7'] = digit.as_bytes() else { return None };
            (Action::from_code(digit - b'0')?, rest)
        }
    };
    let rest = past(past(rest, ",")?, r#""RequesterSipUri":"#)?.strip_prefix('"')?;
    let (requester, rest) = SipUri::usual(rest)?;
    let rest = past(past(rest, r#"","#)?, r#""CorrelationId":"#)?.strip_prefix('"')?;
    let (correlation_id, rest) = rest.split_at_checked(CorrelationId::TEXT_LEN)?;
    let correlation_id = CorrelationId::from_hyphenated(correlation_id.as_bytes().try_into().ok()?)?;
    let rest = past(past(rest, r#"","#)?, r#""UCCName":"#)?.strip_prefix('"')?;
    let (ucc, rest) = UccName::usual(rest)?;
    (past(rest, r#"""#)? == "}").then_some(SetRequest { action, requester, correlation_id, ucc })
}

/// Behind `fixed` and behind one space, if there is one.
#[inline]
fn past<'a>(text: &'a str, fixed: &str) -> Option<&'a str> {
    let rest = text.strip_prefix(fixed)?;
    Some(rest.strip_prefix(' ').unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::format;
    use std::string::String;
    use std::vec::Vec;

    use super::*;
    use crate::request::Scratch;
    use crate::testing;

    const NUMBERED: &str = r#"{"Action":1,"RequesterSipUri":"sip:agent@domain.com","CorrelationId":"1d6c6a58-6739-4f0c-98ff-0968292c8c30","UCCName":"ucc-demo-name"}"#;
    const NAMED: &str = r#"{ "Action": "unmark", "RequesterSipUri": "SIPS:a@b", "CorrelationId": "1D6C6A58-6739-4F0C-98FF-0968292C8C30", "UCCName": "x" }"#;

    /// What this way reads, the other reads alike. Says whether this way reads it.
    fn agree(body: &str) -> bool {
        let Some(usual) = read(body) else { return false };
        let mut scratch = Scratch::new();
        assert_eq!(SetRequest::read_members(body, &mut scratch, |request| request).ok(), Some(usual), "{body}");
        let spelt = (usual.requester.as_str(), usual.ucc.as_str());
        assert!(body.contains(spelt.0) && body.contains(spelt.1));
        true
    }

    #[test]
    fn the_usual_spellings_are_read_here() {
        for action in ["1", "7", r#""Start""#, r#""pAUSE""#] {
            for uri in ["sip:agent@domain.com", "sips:1@h", &format!("sip:{}@{}", "u".repeat(125), "h".repeat(125))] {
                for ucc in ["u", "ucc demo name", "x".repeat(UccName::MAX_LEN).as_str()] {
                    for [open, colon, comma, close] in
                        [["{", ":", ",", "}"], ["{ ", ": ", ", ", " }"], ["{", ": ", ", ", "}"]]
                    {
                        let body = [
                            open,
                            "\"Action\"",
                            colon,
                            action,
                            comma,
                            "\"RequesterSipUri\"",
                            colon,
                            "\"",
                            uri,
                            "\"",
                            comma,
                            "\"CorrelationId\"",
                            colon,
                            "\"1d6c6a58-6739-4f0c-98ff-0968292c8c30\"",
                            comma,
                            "\"UCCName\"",
                            colon,
                            "\"",
                            ucc,
                            "\"",
                            close,
                        ];
                        // Of a number, nothing but the comma is looked for behind it.
                        assert!(agree(&body.concat()), "{}", body.concat());
                    }
                }
            }
        }
    }

    /// Every byte of both spellings left out, doubled, or changed into each of ASCII and into a letter that is none.
    #[test]
    fn one_change_anywhere() {
        let (mut tried, mut usual) = (0, 0);
        for body in [NUMBERED, NAMED] {
            assert!(agree(body));
            let mut try_body = |changed: &str| {
                tried += 1;
                usual += usize::from(agree(changed));
            };
            for at in (0..=body.len()).step_by(testing::STEP) {
                let (before, behind) = body.split_at(at);
                try_body(before);
                for new in testing::bytes().filter(u8::is_ascii).map(char::from).chain(['é']) {
                    try_body(&format!("{before}{new}{behind}"));
                    if !behind.is_empty() {
                        try_body(&format!("{before}{new}{}", &behind[1..]));
                    }
                }
                if !behind.is_empty() {
                    try_body(&format!("{before}{}", &behind[1..]));
                }
            }
        }
        std::println!("usual bodies with one change: {tried}, {usual} of them still read in a straight line");
        assert!(usual > tried / 20 && usual < tried);
    }

    /// Fields at and beyond the limits of their length.
    #[test]
    fn limits() {
        for user in [0, 1, 120, 240, 249, 250, 251] {
            for host in [0, 1, 4, 5, 130, 131] {
                for ucc in [0, 1, 63, 64, 65] {
                    let uri = format!("sip:{}@{}", "u".repeat(user), "h".repeat(host));
                    let body =
                        NUMBERED.replace("sip:agent@domain.com", &uri).replace("ucc-demo-name", &"n".repeat(ucc));
                    let valid = SipUri::new(&uri).is_ok() && (1..=64).contains(&ucc);
                    assert_eq!(agree(&body), valid, "{user} {host} {ucc}");
                }
            }
        }
    }

    /// Members in every order: only the page's own is the usual one, and no member is taken for another.
    #[test]
    fn every_order() {
        let members: Vec<&str> = NUMBERED.trim_matches(['{', '}']).split(',').collect();
        let mut usual = 0;
        for order in 0..4_usize.pow(4) {
            let chosen: Vec<&str> = (0..4).map(|place| members[order >> (2 * place) & 3]).collect();
            usual += usize::from(agree(&(String::from("{") + &chosen.join(",") + "}")));
        }
        assert_eq!(usual, 1);
    }
}
