//! The open sessions.

use super::directory::UccKey;
use super::index::{Hash, Index};
use crate::{CorrelationId, State};

/// The open sessions of a desk, at most `N`.
#[derive(Debug, Clone)]
pub(super) struct Sessions<const N: usize> {
    entries: heapless::Vec<Entry, N>,
    index: Index<N>,
}

/// A session: 24 bytes on a Cortex-M and elsewhere.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// The upper and the lower half of the id, which as one number would be aligned to 16 bytes.
    id: [u64; 2],
    ucc: UccKey,
    state: State,
}

impl Entry {
    const fn hash(&self) -> u32 {
        let [upper, lower] = self.id;
        let hash = Hash::new(self.ucc.0 as u32).word((upper >> 32) as u32).word(upper as u32);
        hash.word((lower >> 32) as u32).word(lower as u32).finish()
    }

    const fn new(ucc: UccKey, id: CorrelationId, state: State) -> Self {
        let id = id.to_u128();
        Self { id: [(id >> 64) as u64, id as u64], ucc, state }
    }

    const fn id(&self) -> CorrelationId {
        let [upper, lower] = self.id;
        CorrelationId::from_u128((upper as u128) << 64 | lower as u128)
    }

    fn is(&self, other: &Self) -> bool {
        self.id == other.id && self.ucc == other.ucc
    }
}

impl<const N: usize> Sessions<N> {
    pub(super) const fn new() -> Self {
        Self { entries: heapless::Vec::new(), index: Index::new() }
    }

    fn slot(&self, ucc: UccKey, id: CorrelationId) -> Option<usize> {
        let wanted = Entry::new(ucc, id, State::INITIAL);
        self.index.find(wanted.hash(), |slot| self.entries.get(slot).is_some_and(|entry| entry.is(&wanted)))
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
        let entry = Entry::new(ucc, id, state);
        let slot = self.entries.len();
        let has_room = self.entries.push(entry).is_ok();
        if has_room {
            self.index.insert(entry.hash(), slot);
        }
        has_room
    }

    /// Takes a session out. The last one moves to its place.
    pub(super) fn remove(&mut self, ucc: UccKey, id: CorrelationId) -> Option<State> {
        let slot = self.slot(ucc, id)?;
        let removed = *self.entries.get(slot)?;
        let last = self.entries.pop()?;
        self.index.remove(removed.hash(), slot);
        if let Some(place) = self.entries.get_mut(slot) {
            *place = last;
            let old_slot = self.entries.len();
            self.index.remove(last.hash(), old_slot);
            self.index.insert(last.hash(), slot);
        }
        Some(removed.state)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (UccKey, CorrelationId, State)> {
        self.entries.iter().map(|entry| (entry.ucc, entry.id(), entry.state))
    }
}
