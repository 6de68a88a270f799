//! Sessions in a file: what is answered with success is there after whatever may happen to the server.
//!
//! All open sessions are in memory too, as they are on disk: reads cost no disk, and never tell what is not stored yet.
//! Changes go to one thread, which commits all that have come meanwhile in one transaction, and only then makes them
//! visible and tells those who wait.
//!
//! The file is a database of the crate `redb`, whose commits are atomic. Each is made in two phases: first all that is
//! new, forced to the disk, then the one byte that makes it valid, forced to the disk as well. So nothing half done can be
//! found valid, and a valid part whose checksum does not hold is damage for certain, and not the remains of a crash.

mod backend;
mod condition;
mod disk;
mod error;
mod group;
mod journal;
#[cfg(test)]
mod tests;
mod writer;

use core::time::Duration;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use condition::Condition;
use disk::Disk;
pub use error::OpenError;
use error::Reason;
use group::{Asked, Change};
use journal::Journal;
use recording_core::State;
use tokio::sync::{oneshot, watch};
use writer::Writer;

use super::image::Image;
use super::{Found, Revision, SessionKey, Store, StoreError, Swap};
use crate::metrics::Commits;
use crate::place;
use crate::trail::{Note, Trail};

/// Sessions in a file.
///
/// Dropping it waits until everything that was asked for is stored, and closes the file.
#[derive(Debug)]
pub struct FileStore {
    id: u64,
    last_given: u64,
    image: Arc<Image>,
    commits: Arc<Commits>,
    condition: Arc<Condition>,
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
    /// Two more files may appear beside it: `path` with `.lock` appended, which a server holds locked and which is never
    /// removed, and with `.new` appended while a file is written anew.
    ///
    /// If there is a `trail`, it is told of every change before that is stored, and what a killed server told and did not
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
        let condition = Arc::<Condition>::default();
        let (alive, life) = watch::channel(());
        let journal = Journal::new(trail, last_given);
        let (asked, queue) = mpsc::channel();
        let writer =
            Writer::new(disk, Arc::clone(&image), journal, Arc::clone(&commits), Arc::clone(&condition), pause);
        let writer = std::thread::Builder::new().name("store".into()).spawn(move || {
            let _alive = alive;
            writer.run(&queue);
        });
        let writer = writer.map_err(|error| failed(error.into()))?;
        Ok(Self {
            id,
            last_given,
            image,
            commits,
            condition,
            life,
            asked: Some(asked),
            writer: Some(writer),
            _lock: lock,
        })
    }

    /// Asks the thread that writes, and waits for what it tells.
    async fn ask<T>(&self, asked: Asked, told: oneshot::Receiver<Result<T, StoreError>>) -> Result<T, StoreError> {
        let gone = || StoreError::new("the thread that writes has ended");
        self.asked.as_ref().ok_or_else(gone)?.send(asked).map_err(|_| gone())?;
        told.await.map_err(|_| gone())?
    }

    /// A number that no other store has, since this one was begun.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// The last revision that was given out before it was opened.
    #[must_use]
    pub const fn last_revision(&self) -> Revision {
        Revision(self.last_given)
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
        state: Option<State>,
        note: Note,
    ) -> Result<Swap, StoreError> {
        let (tell, told) = oneshot::channel();
        let change = Change { key: key.clone(), expected, state, note, tell };
        self.ask(Asked::Change(change), told).await
    }

    async fn page(&self, after: Option<&SessionKey>, limit: usize) -> Result<Vec<(SessionKey, State)>, StoreError> {
        Ok(self.image.page(after, limit).into_iter().map(|(key, found)| (key, found.state)).collect())
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
        self.ask(Asked::TryOut(tell), told).await
    }

    fn ended(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut life = self.life.clone();
        async move { while life.changed().await.is_ok() {} }
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
