//! The open sessions in memory: all there is to a store in memory, and what a store on disk reads from.

use core::ops::Bound;
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::{Found, Revision, Session, SessionKey};

type Sessions = BTreeMap<SessionKey, Found>;

/// Open sessions by key.
#[derive(Debug, Default)]
pub(super) struct Image(RwLock<Sessions>);

/// Whether the same sessions are open, in the same states, with the same revisions.
impl PartialEq for Image {
    fn eq(&self, other: &Self) -> bool {
        *self.shared() == *other.shared()
    }
}

impl Image {
    pub(super) fn of(sessions: Vec<(SessionKey, Found)>) -> Self {
        Self(RwLock::new(sessions.into_iter().collect()))
    }

    // Nothing under these locks can panic half-way: the map is good even if the lock is poisoned.
    fn shared(&self) -> RwLockReadGuard<'_, Sessions> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn exclusive(&self) -> RwLockWriteGuard<'_, Sessions> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn read(&self, key: &SessionKey) -> Option<Found> {
        self.shared().get(key).cloned()
    }

    /// Makes the session what `new` says, if it is what `expected` says; tells whether it did.
    pub(super) fn replace(&self, key: &SessionKey, expected: Option<Revision>, new: Option<Found>) -> bool {
        let mut sessions = self.exclusive();
        match (sessions.get_mut(key), new) {
            (found, _) if found.as_ref().map(|found| found.revision) != expected => return false,
            (Some(found), Some(new)) => *found = new,
            (_, new) => put(&mut sessions, key, new),
        }
        true
    }

    /// Makes all these sessions what is said, for every reader at once.
    pub(super) fn put_all(&self, changes: &[(SessionKey, Option<Found>)]) {
        let mut sessions = self.exclusive();
        for (key, new) in changes {
            put(&mut sessions, key, new.clone());
        }
    }

    pub(super) fn page(&self, after: Option<&SessionKey>, limit: usize) -> Vec<(SessionKey, Session)> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let sessions = self.shared();
        let behind = sessions.range::<SessionKey, _>((start, Bound::Unbounded));
        behind.take(limit).map(|(key, found)| (key.clone(), found.session.clone())).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.shared().len()
    }

    /// Shows every session, in order.
    pub(super) fn each<E>(&self, mut show: impl FnMut(&SessionKey, &Found) -> Result<(), E>) -> Result<(), E> {
        self.shared().iter().try_for_each(|(key, found)| show(key, found))
    }
}

fn put(sessions: &mut Sessions, key: &SessionKey, new: Option<Found>) {
    match new {
        None => drop(sessions.remove(key)),
        Some(new) => match sessions.get_mut(key) {
            Some(found) => *found = new,
            None => drop(sessions.insert(key.clone(), new)),
        },
    }
}
