//! The open sessions.

use super::directory::UccKey;
use super::index::{Hash, Index, Link};
use crate::State;
use crate::wire::CorrelationId;

/// The open sessions of a desk, at most `N`.
#[derive(Debug, Clone)]
pub(super) struct Sessions<const N: usize> {
    entries: heapless::Vec<Entry, N>,
    index: Index<[Link; N]>,
}

/// A session: 20 bytes.
#[derive(Debug, Clone, Copy)]
struct Entry {
    id: CorrelationId,
    ucc: UccKey,
    state: State,
}

fn hash(ucc: UccKey, id: CorrelationId) -> u32 {
    id.words().into_iter().fold(Hash::new(ucc.0.into()), Hash::word).finish()
}

impl<const N: usize> Sessions<N> {
    pub(super) const fn new() -> Self {
        Self { entries: heapless::Vec::new(), index: Index::new() }
    }

    fn slot(&self, ucc: UccKey, id: CorrelationId) -> Option<usize> {
        self.index.find(hash(ucc, id), |slot| {
            self.entries.get(slot).is_some_and(|entry| entry.ucc == ucc && entry.id.words().iter().eq(&id.words()))
        })
    }

    pub(super) fn get(&self, ucc: UccKey, id: CorrelationId) -> Option<State> {
        Some(self.entries.get(self.slot(ucc, id)?)?.state)
    }

    pub(super) fn get_mut(&mut self, ucc: UccKey, id: CorrelationId) -> Option<&mut State> {
        let slot = self.slot(ucc, id)?;
        Some(&mut self.entries.get_mut(slot)?.state)
    }

    /// Adds a session that is not there yet; `false` if there is no room.
    pub(super) fn add(&mut self, ucc: UccKey, id: CorrelationId, state: State) -> bool {
        let slot = self.entries.len();
        let has_room = self.entries.push(Entry { id, ucc, state }).is_ok();
        if has_room {
            self.index.insert(hash(ucc, id), slot);
        }
        has_room
    }

    /// Takes a session out. The last one moves to its place.
    pub(super) fn remove(&mut self, ucc: UccKey, id: CorrelationId) -> Option<State> {
        let slot = self.slot(ucc, id)?;
        let state = self.entries.get(slot)?.state;
        let last = self.entries.pop()?;
        self.index.remove(hash(ucc, id), slot);
        if let Some(place) = self.entries.get_mut(slot) {
            *place = last;
            let old_slot = self.entries.len();
            self.index.remove(hash(last.ucc, last.id), old_slot);
            self.index.insert(hash(last.ucc, last.id), slot);
        }
        Some(state)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (UccKey, CorrelationId, State)> {
        self.entries.iter().map(|entry| (entry.ucc, entry.id, entry.state))
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::collections::HashSet;

    use super::*;

    /// What is looked up quickly only because its hash distinguishes it.
    #[test]
    fn hashes_tell_sessions_apart() {
        let mut hashes = HashSet::new();
        for number in 1..=100 {
            for place in 0..4 {
                // The key and the first word begin the hash together.
                for ucc in 0..3 {
                    hashes.insert(hash(UccKey(ucc), CorrelationId::from_u128((4 * number) << (32 * place))));
                }
            }
        }
        assert_eq!(hashes.len(), 1200);
    }
}
