//! Sessions in memory: gone when the server ends.

use core::ops::Bound;
use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use recording_core::State;

use super::{Begun, Found, Revision, SessionKey, Store, StoreError, Swap};

/// Sessions in memory.
///
/// Beginning and ending take the map for themselves; reading and changing share it, and a change is one hardware
/// compare-exchange on the session's own word.
#[derive(Debug, Default)]
pub struct MemoryStore {
    sessions: RwLock<BTreeMap<SessionKey, Slot>>,
    /// The last revision given out, to any session: so none comes again, not even when a session begins anew.
    last_revision: AtomicU64,
}

/// Revision in the upper 56 bits, state in the lower 8.
#[derive(Debug)]
struct Slot(AtomicU64);

const fn pack(revision: Revision, state: State) -> u64 {
    revision.0 << 8 | state.to_byte() as u64
}

impl Slot {
    fn load(&self) -> Found {
        let word = self.0.load(Ordering::Acquire);
        // Only `pack` makes these words, so the byte is a state's.
        Found { state: State::from_byte(word as u8).unwrap_or(State::INITIAL), revision: Revision(word >> 8) }
    }
}

impl MemoryStore {
    /// A store without sessions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn next_revision(&self) -> Revision {
        Revision(self.last_revision.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn shared(&self) -> RwLockReadGuard<'_, BTreeMap<SessionKey, Slot>> {
        self.sessions.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn exclusive(&self) -> RwLockWriteGuard<'_, BTreeMap<SessionKey, Slot>> {
        self.sessions.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    async fn read(&self, key: &SessionKey) -> Result<Option<Found>, StoreError> {
        Ok(self.shared().get(key).map(Slot::load))
    }

    async fn compare_and_set(&self, key: &SessionKey, expected: Revision, state: State) -> Result<Swap, StoreError> {
        let sessions = self.shared();
        let Some(slot) = sessions.get(key) else { return Ok(Swap::Conflict) };
        let found = slot.load();
        if found.revision != expected {
            return Ok(Swap::Conflict);
        }
        let (old, new) = (pack(expected, found.state), pack(self.next_revision(), state));
        match slot.0.compare_exchange(old, new, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Ok(Swap::Stored),
            Err(_) => Ok(Swap::Conflict),
        }
    }

    async fn begin(&self, key: &SessionKey, state: State) -> Result<Begun, StoreError> {
        let revision = self.next_revision();
        match self.exclusive().entry(key.clone()) {
            Entry::Vacant(place) => {
                place.insert(Slot(AtomicU64::new(pack(revision, state))));
                Ok(Begun::Opened)
            }
            Entry::Occupied(open) => Ok(Begun::AlreadyOpen(open.get().load().state)),
        }
    }

    async fn end(&self, key: &SessionKey) -> Result<Option<State>, StoreError> {
        Ok(self.exclusive().remove(key).map(|slot| slot.load().state))
    }

    async fn page(&self, after: Option<&SessionKey>, limit: usize) -> Result<Vec<(SessionKey, State)>, StoreError> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let sessions = self.shared();
        let behind = sessions.range::<SessionKey, _>((start, Bound::Unbounded));
        Ok(behind.take(limit).map(|(key, slot)| (key.clone(), slot.load().state)).collect())
    }
}
