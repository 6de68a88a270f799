//! Agents by pattern: `sip:*@domain.com` is every user of that domain. Which requesters a pattern is for is in section 12 of
//! the protocol. Source: OURS.
//!
//! This is the server's and not the core's. The core is given the fact whether a requester is an agent; a gateway, whose
//! agents are a table of fixed size with a place for each, has no room for those whom a pattern lets in.

use core::fmt;
use core::str::FromStr;

use recording_core::wire::{FieldErrorKind, SipUri};

/// A pattern for the URIs of one domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentPattern {
    /// What is before the `*`: the scheme at least.
    before: Box<str>,
    /// What is after it: `@` and the domain at least.
    after: Box<str>,
}

/// Why a text is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternError {
    /// It is no URI either.
    Uri(FieldErrorKind),
    /// It has no `*`, or several.
    NotOneStar,
    /// Its `*` is in the domain.
    StarInDomain,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uri(kind) => kind.fmt(f),
            Self::NotOneStar => f.write_str("has not exactly one '*'"),
            Self::StarInDomain => f.write_str("has its '*' after the '@'; a pattern is for the users of one domain"),
        }
    }
}

impl core::error::Error for PatternError {}

impl FromStr for AgentPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        // So there is one `@`, and something on both sides of it.
        SipUri::new(text).map_err(|error| PatternError::Uri(error.kind))?;
        let (before, after) = text.split_once('*').ok_or(PatternError::NotOneStar)?;
        if after.contains('*') {
            return Err(PatternError::NotOneStar);
        }
        if !after.contains('@') {
            return Err(PatternError::StarInDomain);
        }
        Ok(Self { before: before.into(), after: after.into() })
    }
}

impl fmt::Display for AgentPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}*{}", self.before, self.after)
    }
}

impl AgentPattern {
    /// Whether the pattern is for this requester.
    #[must_use]
    pub fn matches(&self, requester: SipUri<'_>) -> bool {
        let uri = requester.as_str().as_bytes();
        let Some((before, rest)) = uri.split_at_checked(self.before.len()) else { return false };
        // The `@` of the pattern is in what comes after, so the only one of the URI is there as well, and the domains are equal.
        let Some((user, after)) = rest.len().checked_sub(self.after.len()).and_then(|at| rest.split_at_checked(at))
        else {
            return false;
        };
        !user.is_empty()
            && user.iter().copied().all(is_for_star)
            && before.eq_ignore_ascii_case(self.before.as_bytes())
            && after.eq_ignore_ascii_case(self.after.as_bytes())
    }
}

/// What a `*` may be: RFC 3261's characters of a user that need no escape, but for `;`, `?` and `/`, which begin something else
/// in other places of a URI. So no escape, which another reader may decode to an `@`, and no password.
const fn is_for_star(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')' | b'&' | b'=' | b'+' | b'$' | b','
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> AgentPattern {
        text.parse().unwrap()
    }

    fn lets_in(one: &AgentPattern, uri: &str) -> bool {
        // What is no URI never reaches the directory.
        SipUri::new(uri).is_ok_and(|uri| one.matches(uri))
    }

    /// By the definition: some word of allowed characters in place of the `*` makes the URI.
    fn naive(pattern: &str, uri: &str) -> bool {
        const ALLOWED: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!~*'()&=+$,";
        let Ok(uri) = SipUri::new(uri) else { return false };
        let text = uri.as_str();
        (0..text.len()).any(|begin| {
            (begin + 1..=text.len()).any(|end| {
                let word = &text[begin..end];
                let is_allowed = word.chars().all(|char| ALLOWED.contains(char));
                let made = pattern.replacen('*', word, 1);
                is_allowed && SipUri::new(&made).is_ok_and(|made| made == uri)
            })
        })
    }

    /// Every URI of up to five characters after the scheme, made of those that could confuse, against the definition; and none
    /// of another domain gets in.
    #[test]
    fn every_short_uri_is_judged_as_the_definition_says() {
        const CHARS: &[u8] = b"aB@d;%*:";
        let patterns =
            ["sip:*@d", "sip:*@D", "sip:a*@d", "sip:*a@d", "sip:a*B@d", "sips:*@d", "sip:*@d;a", "sip:%*@d:a"];
        let parsed = patterns.map(pattern);
        let (mut yes, mut no) = (0, 0);
        for len in 0..=5 {
            for number in 0..CHARS.len().pow(len) {
                let rest = (0..len).map(|at| char::from(CHARS[number / CHARS.len().pow(at) % CHARS.len()]));
                let rest: String = rest.collect();
                for scheme in ["sip:", "sips:", "SIP:"] {
                    let uri = format!("{scheme}{rest}");
                    for (text, pattern) in patterns.iter().zip(&parsed) {
                        let found = lets_in(pattern, &uri);
                        // The definition is slow: what is plainly of another domain is judged by the domain alone.
                        let domain = text.split_once('@').unwrap().1;
                        let is_of_domain =
                            uri.rsplit_once('@').is_some_and(|(_, of_uri)| of_uri.eq_ignore_ascii_case(domain));
                        assert!(!found || is_of_domain, "{text} {uri}");
                        if is_of_domain {
                            assert_eq!(found, naive(text, &uri), "{text} {uri}");
                        }
                        if found { yes += 1 } else { no += 1 }
                    }
                }
            }
        }
        assert!(yes > 500 && no > 100_000, "{yes} {no}");
    }

    /// Every byte as a user, and in a user.
    #[test]
    fn every_character_is_judged_as_the_definition_says() {
        let text = "sip:*@domain.com";
        let pattern = pattern(text);
        let mut found = String::new();
        for byte in 0..=255_u8 {
            let char = char::from(byte);
            for user in [char.to_string(), format!("a{char}"), format!("{char}a"), format!("a{char}a")] {
                let uri = format!("sip:{user}@domain.com");
                assert_eq!(lets_in(&pattern, &uri), naive(text, &uri), "{uri:?}");
            }
            if lets_in(&pattern, &format!("sip:{char}@domain.com")) {
                found.push(char);
            }
        }
        assert_eq!(found, "!$&'()*+,-.0123456789=ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~");
    }

    #[test]
    fn no_requester_of_another_domain_gets_in() {
        let one = pattern("sip:*@domain.com");
        for uri in [
            "sip:anna@domain.com",
            "SIP:ANNA@DOMAIN.COM",
            "sip:a@domain.com",
            "sip:*@domain.com",
            "sip:+49-30.1@domain.com",
        ] {
            assert!(lets_in(&one, uri), "{uri}");
        }
        for uri in [
            "sip:a@evil.com;x=@domain.com",
            "sip:a@evil.com?x=@domain.com",
            "sip:a%40evil.com@domain.com",
            "sip:a%40@domain.com",
            "sip:evil.com;x=a@domain.com",
            "sip:evil.com/a@domain.com",
            "sip:evil.com?a@domain.com",
            "sip:evil.com#a@domain.com",
            "sip:evil.com\\@domain.com",
            "sip:a:password@domain.com",
            "sip:a@domain.com:5060",
            "sip:a@domain.com;transport=tls",
            "sip:a@domain.com.evil.com",
            "sip:a@evil-domain.com",
            "sip:a@evil.domain.com",
            "sip:a@domain.co",
            "sip:a@domain.comm",
            "sip:a@domain.com.",
            "sip:a@domainXcom",
            "sip:a@@domain.com",
            "sip:@domain.com",
            "sip:domain.com",
            "sips:a@domain.com",
            "tel:a@domain.com",
            "a@domain.com",
            "",
        ] {
            assert!(!lets_in(&one, uri), "{uri}");
        }
        // The pattern says what is before the `*` to the letter, whatever that is.
        let one = pattern("sip:agent-*@domain.com:5061");
        assert!(lets_in(&one, "sip:Agent-7@domain.com:5061"));
        for uri in [
            "sip:agent-@domain.com:5061",
            "sip:agent7@domain.com:5061",
            "sip:xagent-7@domain.com:5061",
            "sip:agent-7@domain.com",
        ] {
            assert!(!lets_in(&one, uri), "{uri}");
        }
        let longest = format!("sip:{}@domain.com", "a".repeat(SipUri::MAX_LEN - "sip:@domain.com".len()));
        assert!(lets_in(&pattern("sip:*@domain.com"), &longest));
    }

    #[test]
    fn a_pattern_is_for_one_domain() {
        let wrong = |text: &str| text.parse::<AgentPattern>().unwrap_err();
        for text in ["sip:agent@domain.com", "sip:*.*@domain.com", "sip:*@*.com", "sip:*@domain.com;x=*"] {
            assert_eq!(wrong(text), PatternError::NotOneStar, "{text}");
        }
        for text in ["sip:agent@*.com", "sip:agent@domain.com;x=*", "sip:agent@*"] {
            assert_eq!(wrong(text), PatternError::StarInDomain, "{text}");
        }
        for text in [
            "",
            "*",
            "*:a@domain.com",
            "s*:a@domain.com",
            "sip:*",
            "sip:*@",
            "sip:@*",
            "sip:*@a@b",
            "sip:* @a",
            "sip:*@ä",
        ] {
            let kind = SipUri::new(text).unwrap_err().kind;
            assert_eq!(wrong(text), PatternError::Uri(kind), "{text}");
        }
        assert_eq!(pattern("SIPS:Agent-*x@Domain.com").to_string(), "SIPS:Agent-*x@Domain.com");
    }
}
