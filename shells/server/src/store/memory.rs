//! Sessions in memory: gone when the server ends.

use core::sync::atomic::{AtomicU64, Ordering};

use recording_core::State;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::image::Image;
use super::{Found, Revision, SessionKey, Store, StoreError, Swap};
use crate::audit::{Note, Trail};

/// Sessions in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    sessions: Image,
    /// The last revision given out, to any session: so none comes again, not even when a session begins again.
    last_revision: AtomicU64,
    trail: Option<Trail>,
    /// Held from before a line is written until its change is made: so no line is written of what cannot be made.
    telling: Mutex<()>,
}

impl MemoryStore {
    /// A store without sessions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A store without sessions that tells this trail of changes.
    #[must_use]
    pub fn audited(trail: Trail) -> Self {
        Self { trail: Some(trail), ..Self::default() }
    }

    fn replace(&self, key: &SessionKey, expected: Option<Revision>, state: Option<State>) -> Swap {
        let new = state.map(|state| Found { state, revision: self.next_revision() });
        if self.sessions.replace(key, expected, new) { Swap::Stored } else { Swap::Conflict }
    }

    fn next_revision(&self) -> Revision {
        Revision(self.last_revision.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

impl Store for MemoryStore {
    async fn read(&self, key: &SessionKey) -> Result<Option<Found>, StoreError> {
        Ok(self.sessions.read(key))
    }

    async fn compare_and_set(
        &self,
        key: &SessionKey,
        expected: Option<Revision>,
        state: Option<State>,
        note: Note,
    ) -> Result<Swap, StoreError> {
        let Some(trail) = self.trail.as_ref().filter(|_| !note.is_none()) else {
            return Ok(self.replace(key, expected, state));
        };
        let refused = |why: &dyn core::fmt::Display| StoreError::new(format!("the audit trail: {why}"));
        let _telling = match self.telling.try_lock() {
            Ok(telling) => telling,
            // Those before this one wait no longer than that, either.
            Err(_) => timeout(trail.patience(), self.telling.lock())
                .await
                .map_err(|_| refused(&"the changes before this one wait for their lines"))?,
        };
        if self.sessions.read(key).map(|found| found.revision) != expected {
            return Ok(Swap::Conflict);
        }
        trail.write(note.into_line()).await.map_err(|error| refused(&error))?;
        Ok(self.replace(key, expected, state))
    }

    fn trail(&self) -> Option<&Trail> {
        self.trail.as_ref()
    }

    async fn page(&self, after: Option<&SessionKey>, limit: usize) -> Result<Vec<(SessionKey, State)>, StoreError> {
        Ok(self.sessions.page(after, limit).into_iter().map(|(key, found)| (key, found.state)).collect())
    }

    async fn open_sessions(&self) -> Result<usize, StoreError> {
        Ok(self.sessions.len())
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

    use recording_core::wire::{CorrelationId, FieldError, UccName};

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
        let revision = || now(store.read(&key)).map(|found| found.revision);
        let set = |expected, state| now(store.compare_and_set(&key, expected, state, Note::none()));
        assert_eq!(revision(), None);
        assert_eq!(set(Some(Revision(0)), Some(a)), Swap::Conflict);
        assert_eq!(set(None, Some(a)), Swap::Stored);
        let first = revision();
        assert_eq!(set(first, Some(b)), Swap::Stored);
        assert_eq!(set(None, Some(a)), Swap::Conflict);
        // Neither the same state again nor the session begun anew brings the revision back.
        let second = revision();
        assert_eq!(set(second, Some(a)), Swap::Stored);
        assert_eq!(set(first, Some(b)), Swap::Conflict);
        assert_eq!(set(first, None), Swap::Conflict);
        let third = revision();
        assert_eq!(set(third, None), Swap::Stored);
        assert_eq!(set(third, None), Swap::Conflict);
        assert_eq!(set(second, Some(b)), Swap::Conflict);
        assert_eq!(set(None, Some(a)), Swap::Stored);
        assert_eq!(set(first, Some(b)), Swap::Conflict);
        assert_eq!(now(store.read(&key)).map(|found| found.state), Some(a));
        assert_eq!([first, second, third, revision()].into_iter().collect::<HashSet<_>>().len(), 4);
        Ok(())
    }

    /// Threads without turns, as servers would be that share a store: no revision is ever replaced twice.
    #[test]
    fn each_revision_is_replaced_at_most_once() -> Result<(), FieldError> {
        let (store, key) = (MemoryStore::new(), key()?);
        assert_eq!(now(store.begin(&key, State::INITIAL)), Swap::Stored);
        let replaced: Vec<Revision> = thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let tries = State::ALL.iter().cycle().take(5000).filter_map(|&state| {
                            let found = now(store.read(&key))?;
                            let set = store.compare_and_set(&key, Some(found.revision), Some(state), Note::none());
                            let swap = now(set);
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
