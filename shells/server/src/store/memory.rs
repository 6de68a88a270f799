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
        // No revision comes twice: if the word holds another one by now, the exchange fails.
        let (old, new) = (pack(expected, slot.load().state), pack(self.next_revision(), state));
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

    async fn open_sessions(&self) -> Result<usize, StoreError> {
        Ok(self.shared().len())
    }

    async fn ready(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use core::future::Future;
    use core::pin::pin;
    use core::task::{Context, Poll, Waker};
    use std::collections::HashSet;
    use std::thread;

    use recording_core::{CorrelationId, FieldError, UccName};

    use super::*;

    /// This store never waits.
    fn now<T>(work: impl Future<Output = Result<T, StoreError>>) -> T {
        match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(done)) => done,
            _ => panic!("the store in memory waits or fails"),
        }
    }

    fn key() -> Result<SessionKey, FieldError> {
        Ok(SessionKey::new(UccName::new("ucc")?, CorrelationId::from_u128(7)))
    }

    #[test]
    fn an_old_revision_stays_old() -> Result<(), FieldError> {
        let (store, key) = (MemoryStore::new(), key()?);
        let [a, b, ..] = State::ALL;
        assert_eq!(now(store.read(&key)), None);
        assert_eq!(now(store.begin(&key, a)), Begun::Opened);
        let first = now(store.read(&key)).map(|found| found.revision).unwrap_or(Revision(0));
        assert_eq!(now(store.compare_and_set(&key, first, b)), Swap::Stored);
        assert_eq!(now(store.begin(&key, a)), Begun::AlreadyOpen(b));
        // Neither the same state again nor the session begun anew brings the revision back.
        let second = now(store.read(&key)).map(|found| found.revision).unwrap_or(Revision(0));
        assert_eq!(now(store.compare_and_set(&key, second, a)), Swap::Stored);
        assert_eq!(now(store.compare_and_set(&key, first, b)), Swap::Conflict);
        assert_eq!(now(store.end(&key)), Some(a));
        assert_eq!(now(store.compare_and_set(&key, second, b)), Swap::Conflict);
        assert_eq!(now(store.begin(&key, a)), Begun::Opened);
        assert_eq!(now(store.compare_and_set(&key, first, b)), Swap::Conflict);
        assert_eq!(now(store.read(&key)).map(|found| found.state), Some(a));
        Ok(())
    }

    /// Threads without turns, as servers would be that share a store: no revision is ever replaced twice.
    #[test]
    fn each_revision_is_replaced_at_most_once() -> Result<(), FieldError> {
        let (store, key) = (MemoryStore::new(), key()?);
        let _ = now(store.begin(&key, State::INITIAL));
        let replaced: Vec<Revision> = thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let tries = State::ALL.iter().cycle().take(5000).filter_map(|&state| {
                            let found = now(store.read(&key))?;
                            let swap = now(store.compare_and_set(&key, found.revision, state));
                            (swap == Swap::Stored).then_some(found.revision)
                        });
                        tries.collect::<Vec<_>>()
                    })
                })
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
        });
        assert!(replaced.len() >= 5000);
        assert_eq!(replaced.iter().copied().collect::<HashSet<_>>().len(), replaced.len());
        Ok(())
    }
}
