//! The open sessions in memory: all there is to a store in memory, and what a store on disk reads from.

use core::ops::Bound;
use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use recording_core::State;

use super::{Found, Revision, SessionKey};

/// Open sessions by key.
///
/// Beginning and ending take the map for themselves; reading and changing share it, and a change is one hardware
/// compare-exchange on the session's own word.
#[derive(Debug, Default)]
pub(super) struct Image(RwLock<BTreeMap<SessionKey, Slot>>);

/// Revision in the upper 56 bits, state in the lower 8.
#[derive(Debug)]
struct Slot(AtomicU64);

const fn pack(found: Found) -> u64 {
    found.revision.0 << 8 | found.state.to_byte() as u64
}

impl Slot {
    const fn new(found: Found) -> Self {
        Self(AtomicU64::new(pack(found)))
    }

    fn load(&self) -> Found {
        let word = self.0.load(Ordering::Acquire);
        // Only `pack` makes these words, so the byte is a state's.
        Found { state: State::from_byte(word as u8).unwrap_or(State::INITIAL), revision: Revision(word >> 8) }
    }
}

/// Whether the same sessions are open, in the same states, with the same revisions.
impl PartialEq for Image {
    fn eq(&self, other: &Self) -> bool {
        let (these, those) = (self.shared(), other.shared());
        let found = |(key, slot): (&SessionKey, &Slot)| (key.clone(), slot.load());
        these.len() == those.len() && these.iter().map(found).eq(those.iter().map(found))
    }
}

impl Image {
    pub(super) fn of(sessions: Vec<(SessionKey, Found)>) -> Self {
        Self(RwLock::new(sessions.into_iter().map(|(key, found)| (key, Slot::new(found))).collect()))
    }

    // Nothing under these locks can panic half-way: the map is good even if the lock is poisoned.
    fn shared(&self) -> RwLockReadGuard<'_, BTreeMap<SessionKey, Slot>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn exclusive(&self) -> RwLockWriteGuard<'_, BTreeMap<SessionKey, Slot>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn read(&self, key: &SessionKey) -> Option<Found> {
        self.shared().get(key).map(Slot::load)
    }

    /// Makes the session what `new` says, if it is what `expected` says; tells whether it did.
    pub(super) fn replace(&self, key: &SessionKey, expected: Option<Revision>, new: Option<Found>) -> bool {
        if let (Some(expected), Some(new)) = (expected, new) {
            let sessions = self.shared();
            let Some(slot) = sessions.get(key) else { return false };
            // No revision comes twice: if the word holds another one by now, the exchange fails.
            let old = Found { state: slot.load().state, revision: expected };
            return slot.0.compare_exchange(pack(old), pack(new), Ordering::AcqRel, Ordering::Acquire).is_ok();
        }
        let mut sessions = self.exclusive();
        if sessions.get(key).map(|slot| slot.load().revision) != expected {
            return false;
        }
        put(&mut sessions, key, new);
        true
    }

    /// Makes all these sessions what is said, for every reader at once if any of them begins or ends.
    pub(super) fn put_all(&self, changes: &[(SessionKey, Option<Found>)]) {
        let mut sessions = self.exclusive();
        for (key, new) in changes {
            put(&mut sessions, key, *new);
        }
    }

    pub(super) fn page(&self, after: Option<&SessionKey>, limit: usize) -> Vec<(SessionKey, Found)> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let sessions = self.shared();
        let behind = sessions.range::<SessionKey, _>((start, Bound::Unbounded));
        behind.take(limit).map(|(key, slot)| (key.clone(), slot.load())).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.shared().len()
    }

    /// Shows every session, in order.
    pub(super) fn each<E>(&self, mut show: impl FnMut(&SessionKey, Found) -> Result<(), E>) -> Result<(), E> {
        self.shared().iter().try_for_each(|(key, slot)| show(key, slot.load()))
    }
}

fn put(sessions: &mut BTreeMap<SessionKey, Slot>, key: &SessionKey, new: Option<Found>) {
    match new {
        None => drop(sessions.remove(key)),
        Some(new) => match sessions.get(key) {
            Some(slot) => slot.0.store(pack(new), Ordering::Release),
            None => drop(sessions.insert(key.clone(), Slot::new(new))),
        },
    }
}
