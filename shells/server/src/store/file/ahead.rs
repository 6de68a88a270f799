//! What was asked for and is not on the disk yet.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::store::image::Image;
use crate::store::{Found, Latest, Revision, Session, SessionKey, StoreError};

/// The sessions with changes on their way to the disk, as they will be when all of those are there.
///
/// From here the next change of a session is decided, so that changes of one session can share a commit. No client learns of
/// what stands here before it is on the disk.
#[derive(Debug)]
pub(super) struct Ahead(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    /// The last change on its way of each session.
    last: HashMap<SessionKey, Last>,
    last_given: u64,
}

#[derive(Debug)]
struct Last {
    revision: Revision,
    /// `None` if it ends the session.
    session: Option<Session>,
}

impl Last {
    fn found(&self) -> Option<Found> {
        self.session.clone().map(|session| Found { session, revision: self.revision })
    }
}

impl Ahead {
    pub(super) fn new(last_given: u64) -> Self {
        Self(Mutex::new(Inner { last: HashMap::new(), last_given }))
    }

    // Nothing under this lock can panic half-way.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last revision that was given out, to a change that was stored or not: none comes again.
    pub(super) fn last_given(&self) -> u64 {
        self.lock().last_given
    }

    pub(super) fn latest(&self, key: &SessionKey, image: &Image) -> Latest {
        let inner = self.lock();
        inner.latest(key, image)
    }

    /// Gives a change its revision and hands it on, if the session is as `expected` after all changes that were handed on
    /// before; `None` if it is not. The lock is held meanwhile: changes are handed on in the order of their revisions.
    pub(super) fn ask<T>(
        &self,
        image: &Image,
        (key, expected, session): (&SessionKey, Option<Revision>, Option<Session>),
        hand_on: impl FnOnce(Revision) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut inner = self.lock();
        if inner.latest(key, image).found.map(|found| found.revision) != expected {
            return Ok(None);
        }
        let revision = Revision(inner.last_given + 1);
        let handed_on = hand_on(revision)?;
        inner.last_given = revision.0;
        inner.last.insert(key.clone(), Last { revision, session });
        Ok(Some(handed_on))
    }

    /// These changes are on the disk, and in the image.
    pub(super) fn stored(&self, changes: &[(SessionKey, Option<Found>)], last_revision: u64) {
        let mut inner = self.lock();
        for (key, _) in changes {
            if inner.last.get(key).is_some_and(|last| last.revision.0 <= last_revision) {
                inner.last.remove(key);
            }
        }
    }

    /// Something could not be stored: what is on its way may rest on it, so nothing that was asked for up to now is to be
    /// stored. Gives the last revision of all that.
    pub(super) fn failed(&self) -> u64 {
        let mut inner = self.lock();
        inner.last.clear();
        inner.last_given
    }
}

impl Inner {
    fn latest(&self, key: &SessionKey, image: &Image) -> Latest {
        match self.last.get(key) {
            Some(last) => Latest { found: last.found(), not_yet: Some(last.revision), may_be_old: false },
            None => Latest { found: image.read(key), ..Latest::default() },
        }
    }
}
