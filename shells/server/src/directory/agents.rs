//! A set of agents. Each takes what its URI takes and four bytes, since a file may have very many.

use core::cmp::Ordering;
use std::sync::OnceLock;

use recording_core::recorder::Holder;
use recording_core::wire::SipUri;

/// Agents, each once, compared as the core compares URIs.
#[derive(Debug, Clone, Default)]
pub struct Agents {
    /// The URIs in order, without regard to case, one after the other.
    text: Box<str>,
    /// Where each ends.
    ends: Box<[u32]>,
    /// The agents as holds know them, in order. Made when it is first asked for: most sessions have no holds.
    holders: OnceLock<Box<[(Holder, u32)]>>,
}

/// The beginning of the SHA-256 of a URI in lower case: as holds know whom it names.
pub(super) fn holder(uri: &str) -> Holder {
    let hash = ring::digest::digest(&ring::digest::SHA256, uri.to_ascii_lowercase().as_bytes());
    let (bytes, _) = hash.as_ref().as_chunks::<{ Holder::LEN }>();
    Holder::new(bytes.first().copied().unwrap_or_default())
}

impl<'a> FromIterator<SipUri<'a>> for Agents {
    /// The set of these. Of those that are equal, the first one is kept.
    fn from_iter<T: IntoIterator<Item = SipUri<'a>>>(uris: T) -> Self {
        let mut uris: Vec<_> = uris.into_iter().collect();
        uris.sort();
        uris.dedup();
        let mut text = String::with_capacity(uris.iter().map(|uri| uri.as_str().len()).sum());
        let mut ends = Vec::with_capacity(uris.len());
        for uri in uris {
            text.push_str(uri.as_str());
            // What agents are read from has less than 4 GiB.
            ends.push(text.len() as u32);
        }
        Self { text: text.into(), ends: ends.into(), holders: OnceLock::new() }
    }
}

impl Agents {
    /// Whether `requester` is one of them.
    #[must_use]
    pub fn contains(&self, requester: SipUri<'_>) -> bool {
        let (mut low, mut high) = (0, self.ends.len());
        while low < high {
            let middle = low.midpoint(high);
            let found = self.get(middle);
            match order(found, requester.as_str()) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                // That they are the same agent is for the core to say.
                Ordering::Equal => return requester.eq_bytes(found.as_bytes()),
            }
        }
        false
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Their URIs, in order, as they were written.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|at| self.get(at))
    }

    /// The URI of the agent that a hold knows as this.
    #[must_use]
    pub fn holder_uri(&self, known: Holder) -> Option<&str> {
        let holders = self.holders.get_or_init(|| {
            let mut holders: Vec<_> = self.iter().map(holder).zip(0..).collect();
            holders.sort_unstable();
            holders.into()
        });
        let at = holders.binary_search_by_key(&known, |&(holder, _)| holder).ok()?;
        holders.get(at).map(|&(_, at)| self.get(at as usize))
    }

    fn get(&self, at: usize) -> &str {
        let end = |at: usize| self.ends.get(at).map_or(0, |&end| end as usize);
        let begin = at.checked_sub(1).map_or(0, end);
        self.text.get(begin..end(at)).unwrap_or_default()
    }
}

/// As the core orders URIs.
fn order(one: &str, other: &str) -> Ordering {
    one.bytes().map(|byte| byte.to_ascii_lowercase()).cmp(other.bytes().map(|byte| byte.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use recording_core::wire::SipUriBuf;

    use super::*;

    fn uri(text: &str) -> SipUri<'_> {
        SipUri::new(text).unwrap()
    }

    /// Every set of these, against a set of the core's own type.
    #[test]
    fn it_is_a_set_of_uris() {
        let uris = ["sip:a@b", "SIP:A@B", "sips:a@b", "sip:a@bc", "sip:ab@c", "sip:A@bc", "sip:[@b", "sip:_@b"];
        for mask in 0_u32..1 << uris.len() {
            let some: Vec<_> =
                uris.iter().enumerate().filter(|(at, _)| mask >> at & 1 == 1).map(|(_, uri)| *uri).collect();
            let agents: Agents = some.iter().copied().map(uri).collect();
            let model: HashSet<_> = some.iter().map(|text| SipUriBuf::new(text).unwrap()).collect();
            assert_eq!((agents.len(), agents.is_empty()), (model.len(), model.is_empty()));
            for text in uris {
                let is_in = model.contains(&SipUriBuf::new(text).unwrap());
                assert_eq!(agents.contains(uri(text)), is_in, "{text} in {some:?}");
                let known = agents.holder_uri(holder(text));
                assert_eq!(known.is_some_and(|known| uri(known) == uri(text)), is_in);
                assert_eq!(known.is_some(), is_in);
            }
            let listed: Vec<_> = agents.iter().map(uri).collect();
            assert!(listed.is_sorted() && listed.iter().all(|uri| some.contains(&uri.as_str())));
        }
    }
}
