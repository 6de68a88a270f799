//! Where in etcd things are.

use bytes::Bytes;
use recording_core::wire::{CorrelationId, UccName};

use crate::session::SessionKey;

/// The digits of an id.
const DIGITS: usize = 32;

/// The keys under one prefix.
///
/// | key | what |
/// |---|---|
/// | `PREFIX/s/<the id's 32 hex digits>/<UCC>` | an open session |
/// | `PREFIX/meta/…` | what the servers agree on |
/// | `PREFIX/e/<start>/<place>` | which change ended a session: a mark of the last ends that a start of a server asked for |
///
/// Sessions have the order of [`SessionKey`] there, and since the UCC comes last, none of its characters matters.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    prefix: Box<str>,
}

impl Keys {
    /// The greatest length of a prefix, in bytes.
    const LONGEST: usize = 64;

    pub(super) fn new(prefix: &str) -> Result<Self, String> {
        let is_plain = prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte));
        if prefix.is_empty() || prefix.len() > Self::LONGEST || !is_plain || prefix.ends_with('/') {
            return Err(format!(
                "{prefix:?} is no prefix: it has 1 to {} letters, digits and -_./, and does not end with /",
                Self::LONGEST
            ));
        }
        Ok(Self { prefix: prefix.into() })
    }

    /// What all keys begin with.
    pub(super) fn all(&self) -> Bytes {
        format!("{}/", self.prefix).into()
    }

    /// What all sessions begin with whose ids begin with these digits.
    pub(super) fn sessions(&self, digits: &str) -> Bytes {
        format!("{}/s/{digits}", self.prefix).into()
    }

    pub(super) fn session(&self, key: &SessionKey) -> Bytes {
        format!("{}/s/{:032x}/{}", self.prefix, key.correlation_id.to_u128(), key.ucc.as_str()).into()
    }

    pub(super) fn meta(&self, name: &str) -> Bytes {
        format!("{}/meta/{name}", self.prefix).into()
    }

    /// The mark of an end at this place of a group of changes. It is written at the revision at which the session is deleted,
    /// which leaves nothing else that could say whose change that was.
    pub(super) fn ended(&self, start: u64, place: usize) -> Bytes {
        format!("{}/e/{start:016x}/{place}", self.prefix).into()
    }

    /// All marks of ends that this start asked for.
    pub(super) fn ends(&self, start: u64) -> Bytes {
        format!("{}/e/{start:016x}/", self.prefix).into()
    }

    /// All marks of ends.
    pub(super) fn all_ends(&self) -> Bytes {
        format!("{}/e/", self.prefix).into()
    }

    /// Whether this is the key of a mark of an end.
    pub(super) fn is_of_end(&self, key: &[u8]) -> bool {
        key.strip_prefix(self.prefix.as_bytes()).is_some_and(|rest| rest.starts_with(b"/e/"))
    }

    /// The start that asked for the end whose mark has this key; `None` if it is no such key.
    pub(super) fn start_of_end(&self, key: &[u8]) -> Option<u64> {
        let rest = core::str::from_utf8(key.strip_prefix(self.all_ends().as_ref())?).ok()?;
        let start = u64::from_str_radix(rest.split_once('/')?.0, 16).ok()?;
        // One that is written in another way is not removed by that number.
        key.starts_with(&self.ends(start)).then_some(start)
    }

    /// What keeps late changes of a start of a server from being made: see [`super::fence`].
    pub(super) fn fence(&self, start: u64) -> Bytes {
        self.meta(&format!("fence/{start:016x}"))
    }

    /// The session whose key this is; `None` if it is another key of ours.
    pub(super) fn read(&self, key: &[u8]) -> Result<Option<SessionKey>, String> {
        let wrong = || format!("{:?} is no key of a session", String::from_utf8_lossy(key));
        let Some(rest) = key.strip_prefix(self.sessions("").as_ref()) else { return Ok(None) };
        let rest = core::str::from_utf8(rest).map_err(|_| wrong())?;
        let (id, ucc) = rest.split_once('/').filter(|(id, _)| id.len() == DIGITS).ok_or_else(wrong)?;
        let number = u128::from_str_radix(id, 16).map_err(|_| wrong())?;
        let read = SessionKey::new(UccName::new(ucc).map_err(|_| wrong())?, CorrelationId::from_u128(number));
        // One that is written in another way would be there twice.
        if self.session(&read) == key { Ok(Some(read)) } else { Err(wrong()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: u128, ucc: &str) -> SessionKey {
        SessionKey::new(UccName::new(ucc).expect("a name"), CorrelationId::from_u128(id))
    }

    #[test]
    fn keys_are_read_again_and_have_the_order_of_sessions() {
        let keys = Keys::new("a/b").expect("a prefix");
        let mut all: Vec<_> = [0, 1, 9, 10, 1 << 64, u128::MAX]
            .into_iter()
            .flat_map(|id| ["a", "ab", "b", "Zürich", "z z"].map(|ucc| key(id, ucc)))
            .collect();
        all.sort();
        let bytes: Vec<_> = all.iter().map(|key| keys.session(key)).collect();
        assert!(bytes.is_sorted());
        for (key, bytes) in all.iter().zip(&bytes) {
            assert_eq!(keys.read(bytes), Ok(Some(key.clone())));
            assert!(bytes.starts_with(&keys.all()) && bytes.starts_with(&keys.sessions("")));
        }
        assert_eq!(keys.read(&keys.meta("format")), Ok(None));
        for start in [0, 1, u64::MAX] {
            assert_eq!(keys.start_of_end(&keys.ended(start, 119)), Some(start));
        }
        for wrong in ["a/b/e/", "a/b/e/1/0", "a/b/e/0123456789ABCDEF/0", "a/b/e/0123456789abcdef", "a/b/meta/format"] {
            assert_eq!(keys.start_of_end(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_no_key_of_ours_is_said() {
        let keys = Keys::new("p").expect("a prefix");
        let id = "0123456789abcdef0123456789abcdef";
        for wrong in [
            "p/s/",
            "p/s/1/ucc",
            &format!("p/s/{id}"),
            &format!("p/s/{id}/"),
            &format!("p/s/{}/u", id.to_uppercase()),
            &format!("p/s/+{}/u", &id[1..]),
        ] {
            assert!(keys.read(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(keys.read(format!("p/s/{id}/u").as_bytes()).is_ok());
        for wrong in ["", "/", "a/", "a b", "ä", &"x".repeat(65)] {
            assert!(Keys::new(wrong).is_err(), "{wrong}");
        }
    }
}
