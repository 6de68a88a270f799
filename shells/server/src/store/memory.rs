//! Sessions in memory: gone when the server ends.

use core::hash::BuildHasher as _;
use core::sync::atomic::{AtomicU64, Ordering};
use std::hash::RandomState;

use recording_core::recorder::Epoch;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::image::Image;
use super::{Found, Revision, Session, SessionKey, Store, StoreError, Swap};
use super::{epochs, form};
use crate::audit::{Note, Trail};

/// Sessions in memory.
#[derive(Debug)]
pub struct MemoryStore {
    sessions: Image,
    /// The last revision given out, to any session: so none comes again, not even when a session begins again.
    last_revision: AtomicU64,
    /// The epochs that were issued.
    epochs: AtomicU64,
    id: u64,
    trail: Option<Trail>,
    /// Held from before a line is written until its change is made: so no line is written of what cannot be made.
    telling: Mutex<()>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// A store without sessions.
    #[must_use]
    pub fn new() -> Self {
        Self {
            sessions: Image::default(),
            last_revision: AtomicU64::new(0),
            epochs: AtomicU64::new(epochs::by_the_clock()),
            id: RandomState::new().hash_one(()),
            trail: None,
            telling: Mutex::default(),
        }
    }

    /// A store without sessions that tells this trail of changes.
    #[must_use]
    pub fn audited(trail: Trail) -> Self {
        Self { trail: Some(trail), ..Self::new() }
    }

    fn replace(&self, key: &SessionKey, expected: Option<Revision>, session: Option<Session>) -> Swap {
        let new = session.map(|session| Found { session, revision: self.next_revision() });
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
        session: Option<Session>,
        note: Note,
    ) -> Result<Swap, StoreError> {
        form::check(session.as_ref())?;
        let Some(trail) = self.trail.as_ref().filter(|_| !note.is_none()) else {
            return Ok(self.replace(key, expected, session));
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
        Ok(self.replace(key, expected, session))
    }

    fn trail(&self) -> Option<&Trail> {
        self.trail.as_ref()
    }

    async fn page(&self, after: Option<&SessionKey>, limit: usize) -> Result<Vec<(SessionKey, Session)>, StoreError> {
        Ok(self.sessions.page(after, limit))
    }

    async fn epoch(&self) -> Result<Epoch, StoreError> {
        epochs::epoch(self.epochs.fetch_add(1, Ordering::Relaxed))
    }

    fn id(&self) -> u64 {
        self.id
    }

    async fn open_sessions(&self) -> Result<usize, StoreError> {
        Ok(self.sessions.len())
    }

    async fn ready(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
