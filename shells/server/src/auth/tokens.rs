//! Static tokens: long random texts, of which a file holds nothing but the hashes.
//!
//! ```text
//! # name    SHA-256 of the token, in hex                                      what it is good for: both, if not said
//! payments  9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08  api
//! wallboard 60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752  hub
//! ```
//!
//! A plain hash is enough, since what it hides cannot be guessed: [`make`] draws 256 random bits.

use core::fmt::{self, Write as _};
use core::hash::{Hash, Hasher};
use std::collections::{HashMap, HashSet};
use std::path::Path;

use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom as _, SystemRandom};
use subtle::ConstantTimeEq as _;

use super::{FileError, Parse, Part, Principal};

/// What every token begins with, so that one that leaked is found by searching.
const PREFIX: &str = "rec_";

const HASH_LEN: usize = 32;
const NAME_MAX: usize = 64;

/// The tokens of a file.
#[derive(Debug, Default)]
pub struct Tokens(HashMap<Digest, Token>);

#[derive(Debug)]
struct Token {
    principal: Principal,
    parts: Parts,
}

/// The SHA-256 of a token.
///
/// It is looked up under a key that was drawn at random and is never shown, and compared in constant time: how long
/// that takes says nothing of how much of a token was guessed.
#[derive(Debug, Clone, Copy, Eq)]
struct Digest([u8; HASH_LEN]);

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Hash for Digest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.0);
    }
}

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Parts {
    api: bool,
    hub: bool,
}

impl Tokens {
    /// The bearer of `token`, and whether it is good for `part`.
    ///
    /// How long that takes depends neither on how many tokens there are nor on how much of one was guessed.
    #[must_use]
    pub fn find(&self, token: &[u8], part: Part) -> Option<(&Principal, bool)> {
        let token = self.0.get(&hash(token))?;
        let good = match part {
            Part::Api => token.parts.api,
            Part::Hub => token.parts.hub,
            Part::Admin => true,
        };
        Some((&token.principal, good))
    }
}

impl Parse for Tokens {
    fn parse(file: &Path, text: &str) -> Result<Self, FileError> {
        let (mut tokens, mut names) = (HashMap::new(), HashSet::new());
        for (number, line) in (1..).zip(text.lines()) {
            let wrong = |reason: &dyn fmt::Display| FileError::in_line(file, number, reason);
            let mut words = line.split_whitespace();
            let Some(name) = words.next().filter(|word| !word.starts_with('#')) else { continue };
            if let Some(reason) = mistaken(line) {
                return Err(wrong(&reason));
            }
            check_name(name).map_err(|reason| wrong(&reason))?;
            let hash = words.next().and_then(from_hex);
            let hash = hash.ok_or_else(|| wrong(&"after the name must come a SHA-256 in hex: 64 digits"))?;
            let mut parts = Parts { api: false, hub: false };
            for word in words.take_while(|word| !word.starts_with('#')) {
                match word {
                    "api" => parts.api = true,
                    "hub" => parts.hub = true,
                    _ => return Err(wrong(&"after the hash may come 'api' and 'hub', nothing else")),
                }
            }
            if !parts.api && !parts.hub {
                parts = Parts { api: true, hub: true };
            }
            if !names.insert(name) {
                return Err(wrong(&format_args!("the name '{name}' is there twice")));
            }
            let token = Token { principal: Principal::new(name), parts };
            if tokens.insert(Digest(hash), token).is_some() {
                return Err(wrong(&"this hash is there twice"));
            }
        }
        Ok(Self(tokens))
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

/// A new token, and the line of it for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The token: shown once, kept by its bearer alone.
    pub token: String,
    /// What the file needs of it.
    pub line: String,
}

/// Makes a token of 256 random bits.
///
/// # Errors
///
/// If the name is none, or the system has no randomness.
pub fn make(name: &str) -> Result<Made, String> {
    check_name(name)?;
    let mut random = [0; 32];
    SystemRandom::new().fill(&mut random).map_err(|_| "the system gives no random numbers".to_owned())?;
    let token = format!("{PREFIX}{}", hex(&random));
    let line = format!("{name} {}", hex(&hash(token.as_bytes()).0));
    Ok(Made { token, line })
}

/// Whether this is what a token looks like.
pub(crate) fn is_token(word: &str) -> bool {
    let digits = word.strip_prefix(PREFIX).map(str::as_bytes).unwrap_or_default();
    digits.len() == 2 * HASH_LEN && digits.iter().all(u8::is_ascii_hexdigit)
}

/// What an invalid line has instead, if it is something that people put there: never the line itself, it may be a token.
fn mistaken(line: &str) -> Option<&'static str> {
    if line.trim_end().ends_with(':') {
        return Some("this is the whole output of --make-token; the file takes its last line only: a name and a hash");
    }
    line.split_whitespace().any(is_token).then_some(
        "this is a token itself, which only its bearer may have; the file takes the line that --make-token prints with it: \
         a name and a hash",
    )
}

fn check_name(name: &str) -> Result<(), String> {
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if name.is_empty() || name.len() > NAME_MAX || !name.bytes().all(sound) {
        return Err(format!("a name has 1 to {NAME_MAX} letters, digits, dots, dashes or underscores"));
    }
    Ok(())
}

fn hash(token: &[u8]) -> Digest {
    let mut bytes = [0; HASH_LEN];
    bytes.copy_from_slice(digest(&SHA256, token).as_ref());
    Digest(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn from_hex(text: &str) -> Option<[u8; HASH_LEN]> {
    let mut bytes = [0; HASH_LEN];
    let digits: Vec<u8> =
        text.chars().map(|digit| digit.to_digit(16).map(|digit| digit as u8)).collect::<Option<_>>()?;
    if digits.len() != 2 * HASH_LEN {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair.iter().fold(0, |byte, digit| byte << 4 | digit);
    }
    Some(bytes)
}
