//! Sessions in a file: what is answered with success is there after whatever may happen to the server.
//!
//! All open sessions are in memory too, as they are on disk: reads cost no disk, and never tell what is not stored yet.
//! Changes go to one thread, which commits all that have come meanwhile in one transaction, and only then makes them
//! visible and tells those who wait. A change is compared with what those before it will have made of its session, so many
//! changes of one session share a commit, too.
//!
//! The file is a database of the crate `redb`, whose commits are atomic. Each is made in two phases: first all that is
//! new, forced to the disk, then the one byte that makes it valid, forced to the disk as well. So nothing half done can be
//! found valid, and a valid part with a wrong checksum is damage for certain, and not the remains of a crash.

mod ahead;
mod backend;
mod condition;
mod contents;
mod disk;
mod error;
mod group;
#[cfg(test)]
mod interleavings;
mod journal;
#[cfg(test)]
mod pause_first;
#[cfg(test)]
pub(in crate::store) mod tests;
mod writer;

use core::ops::Range;
use core::time::Duration;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use ahead::Ahead;
use condition::Condition;
use disk::Disk;
pub use error::OpenError;
use error::Reason;
use group::{Asked, Change};
use journal::Journal;
use recording_core::recorder::Epoch;
use tokio::sync::{Mutex, oneshot, watch};
use writer::{Groups, Writer};

use super::image::Image;
use super::{Found, Latest, Revision, Session, SessionKey, Store, StoreError, Storing, Swap, epochs, form};
use crate::audit::{Note, Trail};
use crate::metrics::Commits;
use crate::place;

/// Sessions in a file.
///
/// Dropping it waits until everything that was asked for is stored, and closes the file.
#[derive(Debug)]
pub struct FileStore {
    id: u64,
    image: Arc<Image>,
    ahead: Arc<Ahead>,
    /// Epochs that are reserved and not issued. Locked while more are being reserved.
    epochs: Mutex<Range<u64>>,
    commits: Arc<Commits>,
    condition: Arc<Condition>,
    trail: Option<Trail>,
    /// Closed when the thread that writes has ended, however that came about.
    life: watch::Receiver<()>,
    /// `None` while it is being dropped.
    asked: Option<mpsc::Sender<Asked>>,
    writer: Option<JoinHandle<()>>,
    /// Locked as long as the store is open.
    _lock: File,
}

impl FileStore {
    /// Opens the store in the file `path`, after checking every byte of it that means anything; begins one without
    /// sessions if there is no such file.
    ///
    /// Two more files may appear next to it: `path` with `.lock` appended, which a server holds locked and which is never
    /// removed, and with `.new` appended while the file is rewritten.
    ///
    /// If there is a `trail`, it gets a line of every change before that is stored, and what a killed server wrote and did not
    /// store is withdrawn first.
    ///
    /// # Errors
    ///
    /// [`OpenError`], if another server has it open, if it cannot be read and written, or if it is not what this program
    /// wrote.
    pub fn open(path: &Path, trail: Option<Trail>) -> Result<Self, OpenError> {
        Self::open_with(path, trail, backend::Faults::default(), writer::PAUSE)
    }

    fn open_with(
        path: &Path,
        trail: Option<Trail>,
        faults: backend::Faults,
        pause: Duration,
    ) -> Result<Self, OpenError> {
        let failed = |reason| OpenError::new(path, reason);
        // A file that is written anew is renamed, which must happen where the file is and not where a link to it is.
        let real = place::real(path).map_err(|error| failed(error.into()))?;
        let lock = disk::lock(&real).map_err(failed)?;
        let (disk, image) = Disk::open(&real, faults).map_err(failed)?;
        let id = disk.id();
        let last_given = match &trail {
            None => disk.last_revision(),
            Some(trail) => {
                trail.settle(disk.last_revision(), id).map_err(|error| OpenError::new(path, Reason::Trail(error)))?
            }
        };
        let (image, commits) = (Arc::new(image), Arc::<Commits>::default());
        let ahead = Arc::new(Ahead::new(last_given));
        let groups = Groups { image: Arc::clone(&image), ahead: Arc::clone(&ahead), lost: last_given };
        let condition = Arc::<Condition>::default();
        let (alive, life) = watch::channel(());
        let journal = Journal::new(trail.clone());
        let (asked, queue) = mpsc::channel();
        let writer = Writer::new(disk, groups, journal, Arc::clone(&commits), Arc::clone(&condition), pause);
        let writer = std::thread::Builder::new().name("store".into()).spawn(move || {
            let _alive = alive;
            writer.run(&queue);
        });
        let writer = writer.map_err(|error| failed(error.into()))?;
        let (asked, writer) = (Some(asked), Some(writer));
        let epochs = Mutex::default();
        Ok(Self { id, image, ahead, epochs, commits, condition, trail, life, asked, writer, _lock: lock })
    }

    /// Hands something on to the thread that writes.
    fn hand_on(&self, asked: Asked) -> Result<(), StoreError> {
        let gone = || StoreError::new("the thread that writes has ended");
        self.asked.as_ref().ok_or_else(gone)?.send(asked).map_err(|_| gone())
    }

    /// The last revision that was given out so far.
    #[must_use]
    pub fn last_revision(&self) -> Revision {
        Revision(self.ahead.last_given())
    }

    /// How many sessions are open.
    #[must_use]
    pub fn len(&self) -> usize {
        self.image.len()
    }

    /// Whether no session is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Drop for FileStore {
    fn drop(&mut self) {
        drop(self.asked.take());
        if let Some(writer) = self.writer.take() {
            // It catches what panics there may be; if one came through, there is nothing left to save.
            let _ = writer.join();
        }
    }
}

impl Store for FileStore {
    async fn read(&self, key: &SessionKey) -> Result<Option<Found>, StoreError> {
        Ok(self.image.read(key))
    }

    async fn compare_and_set(
        &self,
        key: &SessionKey,
        expected: Option<Revision>,
        session: Option<Session>,
        note: Note,
    ) -> Result<Swap, StoreError> {
        self.ask(key, expected, session, note).await?.await
    }

    async fn latest(&self, key: &SessionKey) -> Result<Latest, StoreError> {
        Ok(self.ahead.latest(key, &self.image))
    }

    async fn ask(
        &self,
        key: &SessionKey,
        expected: Option<Revision>,
        session: Option<Session>,
        note: Note,
    ) -> Result<Storing, StoreError> {
        form::check(session.as_ref())?;
        let (tell, storing) = Storing::to_be_told();
        let (key_of_change, session_of_change) = (key.clone(), session.clone());
        let hand_on = |revision| {
            let (key, session) = (key_of_change, session_of_change);
            self.hand_on(Asked::Change(Change { key, revision, session, note, tell }))
        };
        let asked = self.ahead.ask(&self.image, (key, expected, session), hand_on)?;
        Ok(asked.map_or(Storing::known(Swap::Conflict), |()| storing))
    }

    fn until_stored(&self, _: &SessionKey, latest: &Latest) -> Storing {
        let Some(revision) = latest.not_yet else { return Storing::known(Swap::Stored) };
        let (tell, storing) = Storing::to_be_told();
        // If that fails, so does waiting.
        let _ = self.hand_on(Asked::UntilStored(revision, tell));
        storing
    }

    async fn page(&self, after: Option<&SessionKey>, limit: usize) -> Result<Vec<(SessionKey, Session)>, StoreError> {
        Ok(self.image.page(after, limit))
    }

    async fn epoch(&self) -> Result<Epoch, StoreError> {
        let mut left = self.epochs.lock().await;
        if left.is_empty() {
            let (tell, told) = oneshot::channel();
            self.hand_on(Asked::Epochs(tell))?;
            *left = told.await.map_err(|_| StoreError::new("the thread that writes has ended"))??;
        }
        epochs::epoch(left.next().unwrap_or_default())
    }

    fn id(&self) -> u64 {
        self.id
    }

    async fn open_sessions(&self) -> Result<usize, StoreError> {
        Ok(self.image.len())
    }

    async fn ready(&self) -> Result<(), StoreError> {
        if self.condition.is_stuck() {
            return Err(StoreError::new("a commit takes too long"));
        }
        if self.condition.is_well() {
            return Ok(());
        }
        // Perhaps the disk is well again, and no change has been asked for since.
        let (tell, told) = oneshot::channel();
        self.hand_on(Asked::TryOut(tell))?;
        told.await.unwrap_or_else(|_| Err(StoreError::new("the thread that writes has ended")))
    }

    fn ended(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut life = self.life.clone();
        async move { while life.changed().await.is_ok() {} }
    }

    fn trail(&self) -> Option<&Trail> {
        self.trail.as_ref()
    }

    fn commits(&self) -> Option<&Commits> {
        Some(&self.commits)
    }
}

/// `path` with something appended to its name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
