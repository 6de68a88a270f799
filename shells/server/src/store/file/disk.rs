//! The database in the file: opened and checked, committed to, and written again.

use core::hash::BuildHasher as _;
use core::ops::Range;
use core::panic::AssertUnwindSafe;
use std::collections::hash_map::RandomState;
use std::fs::{self, File, TryLockError};
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use redb::{Database, TableDefinition};

use super::backend::{Backend, Faults};
use super::beside;
use super::contents::{self, Facts, begin};
use super::error::Reason;
use super::group::Group;
use crate::place;
use crate::store::epochs;
use crate::store::image::Image;

/// How many epochs are reserved at once.
const EPOCHS: u64 = 4096;

/// Holds nothing but in [`Disk::try_out`], and is not there else. What a server that was killed left of it means nothing.
const TRIAL: TableDefinition<'_, (), &[u8]> = TableDefinition::new("trial");

/// How much room a trial takes: about that of a few changes.
const TRIAL_LEN: usize = 16 * 1024;

/// How much the database may keep in memory. Sessions are kept besides; this is for the pages that are written.
const CACHE: usize = 32 * 1024 * 1024;

/// The file and what is needed to open it again.
#[derive(Debug)]
pub(super) struct Disk {
    path: PathBuf,
    faults: Faults,
    /// `None` after a failure, until it is settled.
    database: Option<Database>,
    facts: Facts,
}

/// Takes the lock that says who may use the file.
///
/// It is on a file of its own, because the store's may be replaced.
pub(super) fn lock(path: &Path) -> Result<File, Reason> {
    let file = place::open(File::options().append(true), &beside(path, ".lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Reason::Locked),
        Err(TryLockError::Error(error)) => Err(Reason::Io(error)),
    }
}

/// What the database panics with is a reason, too: it does so on some damaged files.
fn caught<T>(work: impl FnOnce() -> Result<T, Reason>) -> Result<T, Reason> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
        let line: String = text.chars().take_while(|&char| char != '\n').collect();
        Err(Reason::Damaged(format!("the database gave up on it ({line})")))
    })
}

impl Disk {
    pub(super) fn open(path: &Path, faults: Faults) -> Result<(Self, Image), Reason> {
        let mut disk = Self { path: path.into(), faults, database: None, facts: Facts::default() };
        // What a server left behind that was killed while it wrote a file anew.
        let _ = fs::remove_file(beside(path, ".new"));
        let image = match fs::metadata(path) {
            Ok(metadata) if metadata.len() == 0 => return Err(Reason::Empty),
            Ok(_) => disk.read()?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let image = Image::default();
                disk.facts.id = RandomState::new().hash_one(path);
                disk.write_anew(&image)?;
                image
            }
            Err(error) => return Err(error.into()),
        };
        Ok((disk, image))
    }

    /// The last revision that is stored.
    pub(super) const fn last_revision(&self) -> u64 {
        self.facts.last_revision
    }

    /// The number of this store.
    pub(super) const fn id(&self) -> u64 {
        self.facts.id
    }

    pub(super) const fn is_open(&self) -> bool {
        self.database.is_some()
    }

    /// Opens the file, checks it, and gives what is in it.
    fn read(&mut self) -> Result<Image, Reason> {
        let (database, (image, facts)) = caught(|| {
            let file = File::options().read(true).write(true).open(&self.path)?;
            let mut database = builder().create_with_backend(Backend::new(file, self.faults.clone())?)?;
            // After a server that was killed the database has looked at all of it already; after one that ended it has
            // not, and would not see what happened to the file since.
            let checked = database.check_integrity().map_err(Reason::from);
            match checked.and_then(|_repaired| contents::move_on(&database)).and_then(|()| contents::load(&database)) {
                Ok(contents) => Ok((database, contents)),
                Err(reason) => {
                    // The database may panic in its end, which must not take the place of the reason.
                    let _ = catch_unwind(AssertUnwindSafe(|| drop(database)));
                    Err(reason)
                }
            }
        })?;
        self.database = Some(database);
        self.facts = facts;
        Ok(image)
    }

    /// Puts a new file with these sessions in the place of what is there.
    fn write_anew(&mut self, image: &Image) -> Result<(), Reason> {
        let new = beside(&self.path, ".new");
        let database = caught(|| {
            match fs::remove_file(&new) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
            let file = place::create(File::options().read(true).write(true), &new)?;
            // It takes the place of one whose mode somebody may have changed.
            if let Ok(old) = fs::metadata(&self.path) {
                let _ = file.set_permissions(old.permissions());
            }
            let database = builder().create_with_backend(Backend::new(file, self.faults.clone())?)?;
            let transaction = begin(&database)?;
            contents::write(&transaction, image, &self.facts)?;
            transaction.commit()?;
            self.faults.pass()?;
            fs::rename(&new, &self.path)?;
            // The name in its directory must be as safe as what is in the file.
            #[cfg(unix)]
            File::open(place::directory(&self.path))?.sync_all()?;
            Ok(database)
        });
        if database.is_err() {
            let _ = fs::remove_file(&new);
        }
        self.database = Some(database?);
        Ok(())
    }

    /// Stores these changes, all or none, after `ready` has agreed to it.
    ///
    /// An error of `ready` leaves everything as it was. After any other one the disk is closed, and it is not known what
    /// is in the file: see [`settle`](Self::settle).
    pub(super) fn commit<E>(
        &mut self,
        group: &Group,
        ready: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), CommitFailure<E>> {
        let Some(database) = &self.database else { return Err(CommitFailure::Disk(Reason::Damaged("closed".into()))) };
        let mut refused = None;
        let committed = caught(|| {
            let transaction = begin(database)?;
            contents::change(&transaction, group.sessions(), group.last_revision())?;
            match ready() {
                Ok(()) => transaction.commit()?,
                Err(error) => {
                    refused = Some(error);
                    transaction.abort()?;
                }
            }
            Ok(())
        });
        match (committed, refused) {
            (Ok(()), None) => {
                self.facts.last_revision = group.last_revision();
                Ok(())
            }
            (Ok(()), Some(error)) => Err(CommitFailure::Refused(error)),
            (Err(reason), _) => {
                self.close();
                Err(CommitFailure::Disk(reason))
            }
        }
    }

    /// Whether a commit succeeds that needs as much room as a few changes do. It leaves everything as it was.
    pub(super) fn try_out(&mut self) -> Result<(), Reason> {
        let Some(database) = &self.database else { return Err(Reason::Damaged("closed".into())) };
        let tried = caught(|| {
            let transaction = begin(database)?;
            transaction.open_table(TRIAL)?.insert((), &[0; TRIAL_LEN][..])?;
            transaction.commit()?;
            let transaction = begin(database)?;
            transaction.delete_table(TRIAL)?;
            transaction.commit()?;
            Ok(())
        });
        if tried.is_err() {
            self.close();
        }
        tried
    }

    /// Reserves epochs: once this has returned them, none of them is ever reserved again.
    ///
    /// After an error the disk is closed, as after one of [`commit`](Self::commit). Nothing of what may be reserved then is
    /// ever issued.
    pub(super) fn reserve(&mut self) -> Result<Range<u64>, Reason> {
        let Some(database) = &self.database else { return Err(Reason::Damaged("closed".into())) };
        let from = self.facts.next_epoch.max(epochs::by_the_clock());
        let next = from.saturating_add(EPOCHS);
        let reserved = caught(|| {
            let transaction = begin(database)?;
            contents::reserve(&transaction, next)?;
            transaction.commit()?;
            Ok(())
        });
        match reserved {
            Ok(()) => {
                self.facts.next_epoch = next;
                Ok(from..next)
            }
            Err(reason) => {
                self.close();
                Err(reason)
            }
        }
    }

    /// Closes the database, whatever it says to that.
    fn close(&mut self) {
        let database = self.database.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(database)));
    }

    /// After a failure: sees to it that the file holds these sessions and nothing else.
    ///
    /// If it does, it is used again. If it holds the change that could not be stored, or cannot be read, a new one takes
    /// its place: after a failed write it is not known what of the old one is on the disk.
    pub(super) fn settle(&mut self, image: &Image) -> Result<(), Reason> {
        let expected = self.facts;
        if let Ok(found) = self.read()
            && (self.facts.last_revision, self.facts.id) == (expected.last_revision, expected.id)
            // It may have more reserved than was learned.
            && self.facts.next_epoch >= expected.next_epoch
            && found == *image
        {
            return Ok(());
        }
        self.close();
        self.facts = expected;
        self.write_anew(image)
    }
}

/// Why nothing was stored.
#[derive(Debug)]
pub(super) enum CommitFailure<E> {
    /// It was not to be.
    Refused(E),
    /// The disk failed: what is in the file is not known.
    Disk(Reason),
}

fn builder() -> redb::Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE);
    builder
}
