//! Where sessions are kept.

mod epochs;
#[cfg(feature = "etcd")]
mod etcd;
mod file;
mod form;
mod image;
#[cfg(test)]
mod laws;
mod memory;
mod storing;

use core::fmt;
use core::future::Future;
use std::sync::Arc;

#[cfg(feature = "etcd")]
pub use etcd::{EtcdStore, NotOpened};
pub use file::{FileStore, OpenError};
pub use memory::MemoryStore;
use recording_core::Action;
use recording_core::recorder::Epoch;
pub use storing::{Storing, Tell};

use crate::audit::{Note, Trail};
use crate::fingerprint::Fingerprint;
use crate::metrics::{ClusterLevels, Commits};
pub use crate::session::{Found, Revision, Session, SessionKey};
pub use crate::store_error::StoreError;

/// What the next change of a session is to be decided from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Latest {
    /// The session as it is after all changes that were asked for, `None` if it is not open then.
    pub found: Option<Found>,
    /// Which of those changes comes last, if it is not stored yet. Until it is, no client may learn what it made: see
    /// [`Store::until_stored`].
    pub not_yet: Option<Revision>,
    /// The store has not asked whether another server has changed the session since. A change is compared anyway; before
    /// anything else is said of the session, [`Store::until_stored`] finds out.
    pub may_be_old: bool,
}

/// What became of a compare-and-set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Swap {
    /// The change is stored.
    Stored,
    /// The session is not as expected by now: nothing was stored.
    Conflict,
}

/// How a change that a store reports was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made {
    /// The session's revision since.
    pub revision: Revision,
    /// Whether this start of this server asked for it. Of each change, at most one server finds that it did.
    pub by_this_server: bool,
}

/// What wants to know of every change that a store keeps, whichever server made it. Its methods return at once.
pub trait Watcher: fmt::Debug + Send + Sync {
    /// An action changed the session.
    fn changed(&self, key: &SessionKey, action: Action, made: Made);

    /// The session was begun.
    fn begun(&self, key: &SessionKey) {
        let _ = key;
    }

    /// The session ended, and was this before.
    fn ended(&self, key: &SessionKey, last: &Session) {
        let _ = (key, last);
    }

    /// Changes may be missing here: which, nothing can say.
    fn missed(&self);
}

/// A place for sessions, shared by all requests and, if it is a distributed one, by several servers.
///
/// Every method is atomic, and what a read tells is stored for good. An error means that nothing was stored and nothing will
/// be, unless it [says](StoreError::is_unknown) that this is not known: a store that loses its connection tries to find out
/// before it returns. Every method must finish in bounded time, since requests for one session wait for each other.
pub trait Store: Send + Sync + 'static {
    /// A session, with its revision; `None` if it is not open. One that is [closing](recording_core::recorder::Kept::closing)
    /// is, to a store, as open as any.
    fn read(&self, key: &SessionKey) -> impl Future<Output = Result<Option<Found>, StoreError>> + Send;

    /// Changes a session if it still is as `expected`: with this revision, or not open if that is `None`. It is `session`
    /// then, or ended if that is `None`.
    ///
    /// Before it makes the change, and only if it is about to, it writes `note` to its [trail](Self::trail), if it has one;
    /// if that fails, nothing is changed. When this returns [`Swap::Stored`], the change is as safe as this store makes any.
    fn compare_and_set(
        &self,
        key: &SessionKey,
        expected: Option<Revision>,
        session: Option<Session>,
        note: Note,
    ) -> impl Future<Output = Result<Swap, StoreError>> + Send;

    /// The session as the next change of it finds it. A store that commits changes in groups includes those that it was
    /// asked for and has not committed yet: so the changes of one session need not wait for each other's commits.
    fn latest(&self, key: &SessionKey) -> impl Future<Output = Result<Latest, StoreError>> + Send {
        async { Ok(Latest { found: self.read(key).await?, ..Latest::default() }) }
    }

    /// Asks for a change as [`compare_and_set`](Self::compare_and_set) does, compared with the
    /// [latest](Self::latest) state, and does not wait until it is stored. That is for what this returns to tell.
    ///
    /// Changes of one session are stored in the order in which they were asked for, and their notes written in it. If
    /// one cannot be stored, none that was decided from it is: its [`Storing`] tells of an error, or of a conflict if it
    /// is worth asking again.
    fn ask(
        &self,
        key: &SessionKey,
        expected: Option<Revision>,
        session: Option<Session>,
        note: Note,
    ) -> impl Future<Output = Result<Storing, StoreError>> + Send {
        async move { Ok(Storing::known(self.compare_and_set(key, expected, session, note).await?)) }
    }

    /// Waits until what [`latest`](Self::latest) said of a session may be told: until the change that was not stored yet is, and
    /// until it is certain that no other server had changed the session before. A conflict if one had, or if the change
    /// never will be stored.
    fn until_stored(&self, key: &SessionKey, latest: &Latest) -> Storing {
        let _ = (key, latest);
        Storing::known(Swap::Stored)
    }

    /// Has the store report every change of every server to `watcher`, in the order in which they are stored, each session's
    /// without a gap or with a word that there is one. False if it does not: then the changes that this server makes are
    /// all there are, and the caller reports them.
    fn watched_by(&self, watcher: Arc<dyn Watcher>) -> bool {
        let _ = watcher;
        false
    }

    /// Waits until the [watcher](Self::watched_by) has heard of every change that this server knows of: of those that
    /// [`until_stored`](Self::until_stored) found, too. An error if that takes too long.
    fn reported(&self) -> impl Future<Output = Result<(), StoreError>> + Send {
        async { Ok(()) }
    }

    /// This server's config comes to this from now on. A store that several servers share compares it with the one that all of
    /// them are to have, and is not [ready](Self::ready) while the two differ.
    fn configured(&self, config: Fingerprint) {
        let _ = config;
    }

    /// Opens a session, unless it is open. The trail does not hear of it.
    fn begin(
        &self,
        key: &SessionKey,
        session: impl Into<Session>,
    ) -> impl Future<Output = Result<Swap, StoreError>> + Send {
        self.compare_and_set(key, None, Some(session.into()), Note::none())
    }

    /// The first `limit` open sessions after `after`, in the order of their keys.
    ///
    /// The order is what makes pages sound: whatever begins or ends meanwhile, a session that stays open is on
    /// exactly one page.
    fn page(
        &self,
        after: Option<&SessionKey>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<(SessionKey, Session)>, StoreError>> + Send;

    /// An epoch that this store has never issued before, greater than all that it has. That holds after a restart, however
    /// the server ended.
    fn epoch(&self) -> impl Future<Output = Result<Epoch, StoreError>> + Send;

    /// A number that no other store has, since this one was begun.
    fn id(&self) -> u64;

    /// How many sessions are open.
    fn open_sessions(&self) -> impl Future<Output = Result<usize, StoreError>> + Send;

    /// Whether sessions can be read and changes be stored. After a change that could not be stored it is not ready until one
    /// could be: if none is asked for, it tries by itself. Nor is it while a change takes longer than some seconds.
    fn ready(&self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Ends when the store can make no change any more, whatever is done: when the thread is gone that makes them.
    fn ended(&self) -> impl Future<Output = ()> + Send + 'static {
        core::future::pending()
    }

    /// The audit trail that this store writes notes to. The service writes there, too: it has no trail of its own, so
    /// the two cannot differ.
    fn trail(&self) -> Option<&Trail>;

    /// What a store that commits to a disk counts of that.
    fn commits(&self) -> Option<&Commits> {
        None
    }

    /// What a store in a cluster says of that.
    fn cluster(&self) -> Option<ClusterLevels> {
        None
    }
}
