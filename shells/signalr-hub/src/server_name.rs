//! What a server is called by those that choose a server for a request.

use core::fmt;
use core::str::FromStr;

/// The name that a server's connection tokens begin with, before a dot: so a balancer that routes by `id=` can tell whose
/// a request is. 1 to 32 ASCII letters, digits and hyphens, which no query writes in another way.
///
/// It keeps no secret and adds nothing to one: what cannot be guessed comes after the dot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerName(Box<str>);

/// A text that cannot be the name of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAServerName;

/// The letters of a random name: 32 of them, 5 bits each.
const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

impl ServerName {
    /// How many characters a name may have.
    pub const MAX_LEN: usize = 32;

    /// A name of 12 random letters and digits, which no other server has by chance.
    ///
    /// # Errors
    ///
    /// If the system has no random numbers to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bits = [0; 12];
        getrandom::fill(&mut bits)?;
        let letter = |bits: &u8| LETTERS.get(usize::from(bits % 32)).map_or('a', |&letter| char::from(letter));
        Ok(Self(bits.iter().map(letter).collect::<String>().into()))
    }

    /// The name as text.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ServerName {
    type Err = NotAServerName;

    fn from_str(text: &str) -> Result<Self, NotAServerName> {
        let is_good = (1..=Self::MAX_LEN).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if is_good { Ok(Self(text.into())) } else { Err(NotAServerName) }
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for NotAServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name of 1 to 32 letters, digits and hyphens")
    }
}

impl core::error::Error for NotAServerName {}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Each character of ASCII and others, at each end of a name and alone; each length up to one too many.
    #[test]
    fn a_name_has_letters_digits_and_hyphens_alone() {
        for character in (0..=255).map(char::from).chain(['ſ', '\u{ff41}', '\u{1d7d8}']) {
            let good = matches!(character, 'a'..='z' | 'A'..='Z' | '0'..='9' | '-');
            for text in
                [format!("{character}"), format!("{character}b"), format!("b{character}"), format!("a{character}b")]
            {
                assert_eq!(text.parse::<ServerName>().is_ok(), good, "{text:?}");
            }
        }
        for length in 0..=34 {
            let text = "b".repeat(length);
            let expected =
                if (1..=32).contains(&length) { Ok(ServerName(text.as_str().into())) } else { Err(NotAServerName) };
            assert_eq!(text.parse(), expected, "{length}");
        }
    }

    #[test]
    fn random_names_are_names_and_differ() {
        let mut seen = HashSet::new();
        let mut letters = HashSet::new();
        for _ in 0..1000 {
            let name = ServerName::random().expect("random numbers");
            assert_eq!((name.as_str().len(), name.as_str().parse().as_ref()), (12, Ok(&name)));
            letters.extend(name.as_str().bytes());
            assert!(seen.insert(name.to_string()));
        }
        assert_eq!(letters.len(), LETTERS.len(), "every letter comes");
    }
}
