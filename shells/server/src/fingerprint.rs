//! What a config comes to, in few bytes: so that several servers can find out whether theirs are the same.
//!
//! A server never sees the config of another one. Each compares its own fingerprint with the one that they share, which has a
//! hash for each part that can differ, so that a difference can be named. Names of UCCs are in it as they are; agents and
//! settings only as hashes.

use core::fmt::Write as _;
use std::collections::BTreeMap;

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

/// The version of the stored form.
const FORMAT: u32 = 1;

/// The most bytes of names and hashes that the stored form lists. A cluster takes 1.5 MiB in one request.
const MOST_LISTED: usize = 512 * 1024;

/// How many differences are named.
const MOST_NAMED: usize = 3;

/// A hash of one part: the first eight bytes of a SHA-256; 0 of a part without facts.
type Hash = u64;

/// What a config comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// Of each UCC, by its name.
    uccs: BTreeMap<Box<str>, Ucc>,
    /// Of everything that is not of one UCC; 0 if there is nothing.
    rest: Hash,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ucc {
    settings: Hash,
    agents: Hash,
}

/// One part of a config, fact by fact.
///
/// A fact that is new in this version must not be written while it has its default: otherwise an older and a newer server
/// disagree about the same file, and servers cannot be upgraded one after the other.
pub struct Facts {
    digest: Context,
    is_empty: bool,
}

impl core::fmt::Debug for Facts {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Facts").finish_non_exhaustive()
    }
}

impl Facts {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self { digest: Context::new(&SHA256), is_empty: true }
    }

    /// One more. The order matters.
    pub fn fact(&mut self, key: &str, value: &str) {
        for text in [key, value] {
            // With their lengths, so that no two lists of facts are the same bytes.
            self.digest.update(&(text.len() as u64).to_le_bytes());
            self.digest.update(text.as_bytes());
        }
        self.is_empty = false;
    }

    fn hash(self) -> Hash {
        if self.is_empty {
            return 0;
        }
        let hash = self.digest.finish();
        hash.as_ref().first_chunk().copied().map_or(0, u64::from_be_bytes)
    }
}

impl Default for Facts {
    fn default() -> Self {
        Self::new()
    }
}

/// As it is stored: JSON, in which an operator can look a UCC up.
#[derive(Serialize, Deserialize)]
struct Stored {
    format: u32,
    /// Of all the rest together.
    whole: String,
    rest: String,
    /// Left out if that is too long: then only `whole` says that a UCC differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    uccs: Option<BTreeMap<Box<str>, [String; 2]>>,
}

/// A fingerprint that was read, of another server's config perhaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadFingerprint {
    whole: String,
    rest: Hash,
    uccs: Option<BTreeMap<Box<str>, Ucc>>,
}

fn hex(hash: Hash) -> String {
    format!("{hash:016x}")
}

fn from_hex(text: &str) -> Option<Hash> {
    Hash::from_str_radix(text, 16).ok().filter(|_| text.len() == 16)
}

impl Fingerprint {
    /// Of what is not of one UCC.
    #[must_use]
    pub fn new(rest: Facts) -> Self {
        Self { uccs: BTreeMap::new(), rest: rest.hash() }
    }

    /// Adds a UCC.
    pub fn add(&mut self, name: &str, settings: Facts, agents: Facts) {
        self.uccs.insert(name.into(), Ucc { settings: settings.hash(), agents: agents.hash() });
    }

    fn whole(&self) -> String {
        let mut all = Context::new(&SHA256);
        for (name, ucc) in &self.uccs {
            all.update(&(name.len() as u64).to_le_bytes());
            all.update(name.as_bytes());
            all.update(&ucc.settings.to_be_bytes());
            all.update(&ucc.agents.to_be_bytes());
        }
        all.update(&self.rest.to_be_bytes());
        all.finish().as_ref().iter().fold(String::new(), |mut text, byte| {
            // Writing to a text does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// The stored form.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Quotes, brackets and 16 digits twice.
        let length: usize = self.uccs.keys().map(|name| name.len() + 44).sum();
        let listed = || self.uccs.iter().map(|(name, ucc)| (name.clone(), [hex(ucc.settings), hex(ucc.agents)]));
        let uccs = (length <= MOST_LISTED).then(|| listed().collect());
        let stored = Stored { format: FORMAT, whole: self.whole(), rest: hex(self.rest), uccs };
        serde_json::to_string(&stored).unwrap_or_default()
    }

    /// How this server's config differs from the one that all servers are to have, if it does.
    #[must_use]
    pub fn difference(&self, shared: &ReadFingerprint) -> Option<String> {
        if self.whole() == shared.whole {
            return None;
        }
        let Some(theirs) = &shared.uccs else {
            return Some(match self.rest == shared.rest {
                true => "UCCs, of which there are too many to say which".to_owned(),
                false => "the recorders, and perhaps UCCs".to_owned(),
            });
        };
        let mut parts = Vec::new();
        for (name, own) in &self.uccs {
            match theirs.get(name) {
                None => parts.push(format!("UCC '{name}' is only in this server's")),
                Some(their) if own != their => {
                    let part = match (own.settings == their.settings, own.agents == their.agents) {
                        (true, _) => "agents",
                        (false, true) => "settings",
                        (false, false) => "settings and agents",
                    };
                    parts.push(format!("the {part} of UCC '{name}'"));
                }
                Some(_) => {}
            }
        }
        let gone = theirs.keys().filter(|name| !self.uccs.contains_key(*name));
        parts.extend(gone.map(|name| format!("UCC '{name}' is not in this server's")));
        if self.rest != shared.rest {
            parts.push("the recorders".to_owned());
        }
        let more = parts.len().saturating_sub(MOST_NAMED);
        parts.truncate(MOST_NAMED);
        let named = parts.join(", ");
        Some(if more > 0 { format!("{named}, and {more} more") } else { named })
    }
}

impl ReadFingerprint {
    /// Reads the stored form; `None` if [`Fingerprint::to_json`] of this version never wrote it.
    #[must_use]
    pub fn from_json(json: &[u8]) -> Option<Self> {
        let Stored { format, whole, rest, uccs } = serde_json::from_slice(json).ok()?;
        let ucc =
            |[settings, agents]: [String; 2]| Some(Ucc { settings: from_hex(&settings)?, agents: from_hex(&agents)? });
        let uccs = uccs.map(|uccs| uccs.into_iter().map(|(name, hashes)| Some((name, ucc(hashes)?))).collect());
        let uccs: Option<Option<_>> = uccs;
        let uccs = match uccs {
            None => None,
            Some(read) => Some(read?),
        };
        (format == FORMAT).then_some(Self { whole, rest: from_hex(&rest)?, uccs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(value: &str) -> Facts {
        let mut facts = Facts::new();
        facts.fact("key", value);
        facts
    }

    fn of(uccs: &[(&str, &str, &str)], rest: &str) -> Fingerprint {
        let mut all = Fingerprint::new(if rest.is_empty() { Facts::new() } else { facts(rest) });
        for (name, settings, agents) in uccs {
            all.add(name, facts(settings), facts(agents));
        }
        all
    }

    fn read(fingerprint: &Fingerprint) -> ReadFingerprint {
        ReadFingerprint::from_json(fingerprint.to_json().as_bytes()).expect("what was written")
    }

    /// Each part that can differ, from either side.
    #[test]
    fn the_part_that_differs_is_named() {
        let base = of(&[("a", "1", "2"), ("b", "1", "2")], "");
        let says = |other: &Fingerprint| (base.difference(&read(other)), other.difference(&read(&base)));
        let both = |text: &str| (Some(text.to_owned()), Some(text.to_owned()));
        assert_eq!(says(&of(&[("b", "1", "2"), ("a", "1", "2")], "")), (None, None));
        assert_eq!(says(&of(&[("a", "x", "2"), ("b", "1", "2")], "")), both("the settings of UCC 'a'"));
        assert_eq!(says(&of(&[("a", "1", "2"), ("b", "1", "x")], "")), both("the agents of UCC 'b'"));
        assert_eq!(says(&of(&[("a", "x", "x"), ("b", "1", "2")], "")), both("the settings and agents of UCC 'a'"));
        assert_eq!(says(&of(&[("a", "1", "2"), ("b", "1", "2")], "r")), both("the recorders"));
        let (ours, theirs) = says(&of(&[("a", "1", "2")], ""));
        assert_eq!(ours.as_deref(), Some("UCC 'b' is only in this server's"));
        assert_eq!(theirs.as_deref(), Some("UCC 'b' is not in this server's"));
        // The same hashes under the other name.
        let (ours, _) = says(&of(&[("a", "1", "2"), ("c", "1", "2")], ""));
        assert_eq!(ours.as_deref(), Some("UCC 'b' is only in this server's, UCC 'c' is not in this server's"));
        let (ours, _) = says(&of(&[("c", "1", "2"), ("d", "1", "2"), ("e", "", "")], ""));
        assert_eq!(
            ours.as_deref(),
            Some(
                "UCC 'a' is only in this server's, UCC 'b' is only in this server's, UCC 'c' is not in this server's, and 2 more"
            )
        );
    }

    /// No two lists of facts are the same bytes.
    #[test]
    fn facts_do_not_run_into_each_other() {
        let of = |list: &[(&str, &str)]| {
            let mut facts = Facts::new();
            list.iter().for_each(|(key, value)| facts.fact(key, value));
            facts.hash()
        };
        let all = [
            of(&[]),
            of(&[("a", "b")]),
            of(&[("ab", "")]),
            of(&[("", "ab")]),
            of(&[("a", ""), ("b", "")]),
            of(&[("a", "b"), ("c", "d")]),
            of(&[("c", "d"), ("a", "b")]),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[..at].contains(one), "{at}");
        }
    }

    /// However many UCCs there are, a cluster takes it in one request, and a difference is noticed.
    #[test]
    fn it_is_bounded_in_bytes() {
        let names: Vec<_> = (0..40_000).map(|number| format!("{number:064}")).collect();
        let many = |agents| of(&names.iter().map(|name| (&**name, "1", agents)).collect::<Vec<_>>(), "");
        let (one, other) = (many("2"), many("3"));
        assert!(one.to_json().len() < 1000);
        assert_eq!(one.difference(&read(&one)), None);
        assert_eq!(one.difference(&read(&other)).as_deref(), Some("UCCs, of which there are too many to say which"));
        let fits = of(&names[..4500].iter().map(|name| (&**name, "1", "2")).collect::<Vec<_>>(), "");
        assert!((400_000..=MOST_LISTED + 200).contains(&fits.to_json().len()), "{}", fits.to_json().len());
    }

    #[test]
    fn what_was_never_written_is_not_read() {
        let json = of(&[("a", "1", "2")], "").to_json();
        assert!(ReadFingerprint::from_json(json.as_bytes()).is_some());
        for wrong in ["", "{}", &json.replace("\"format\":1", "\"format\":2"), &json.replace("[\"", "[\"0"), &json[1..]]
        {
            assert_eq!(ReadFingerprint::from_json(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
