//! The audit trail: every decision as one line of JSON, in a file that rotates.
//!
//! The log (see `audit`) is for those who run the server; the trail is evidence. So a change whose line cannot be written
//! is not made, and the line comes first:
//!
//! 1. The line is written, with the [revision](crate::store::Revision) that the change will have. If sessions are kept
//!    in a file, the line is on disk before anything else happens.
//! 2. The change is made.
//! 3. If it cannot be made after all, another line says so: `withdrawn`, with the same revision.
//!
//! A server that is killed between 1 and 3 writes the third line when it starts again (`Trail::settle`). So the trail
//! misses no change, and claims none that was not made without saying so.
//!
//! What changes nothing (repeats, refusals, reads) has its line written before the reply, too, but is answered even if
//! that fails; the log tells of it.
//!
//! Only what the core understood of a request gets here, where it came from, and the name of whose token it had: no
//! header, so no credential.

mod file;
mod files;
mod guards;
mod line;
mod past;
mod rotation;
#[cfg(test)]
mod tests;
mod time;

use core::sync::atomic::{AtomicBool, Ordering};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use file::TrailFile;
use files::Machine;
pub use line::Note;
pub(crate) use line::{already_open, begun, capabilities, changed, ended, not_changed, not_decided, not_done, state};
use tracing::{error, info};

use crate::place;

/// How much is written before a line says again up to which revision everything is settled.
const EVERY: u64 = 4 * 1024 * 1024;

/// Where the trail goes, and how much of it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The file. The ones before it are next to it, with `.1` (the newest) and so on appended.
    pub path: PathBuf,
    /// How large a file grows, in bytes.
    pub max_bytes: u64,
    /// How many files are kept besides the one that is written.
    pub keep: u32,
    /// Whether reads get a line, too.
    pub reads: bool,
}

/// No path, 100 MiB a file, ten more files, reads as well.
impl Default for Settings {
    fn default() -> Self {
        Self { path: PathBuf::new(), max_bytes: 100 * 1024 * 1024, keep: 10, reads: true }
    }
}

/// What a store in a file says of itself: its id, the last revision that was given out, and the last one that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Revisions {
    id: u64,
    given: u64,
    stored: u64,
}

/// What the trail knows of the store.
#[derive(Debug, Default)]
struct Known {
    /// Where sessions are kept, in words.
    store: String,
    /// If in a file.
    revisions: Option<Revisions>,
    /// Whether a change was told of that is neither stored nor withdrawn.
    is_open: bool,
    /// How much was written since a line said all this.
    unsaid: u64,
}

/// The trail, shared by all who write to it.
#[derive(Debug, Clone)]
pub struct Trail(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: Mutex<TrailFile<Machine>>,
    known: Mutex<Known>,
    /// The last thing that was to be written was not.
    is_failing: AtomicBool,
    reads: bool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Trail {
    /// Opens the trail, and begins it if there is none. What a server that was killed left of a last line is cut off: what
    /// it was to tell of was not done. If the path is a symbolic link, the file that it leads to now is the trail.
    ///
    /// # Errors
    ///
    /// If the file cannot be written, or another server writes it.
    pub fn open(settings: &Settings) -> io::Result<Self> {
        let file = TrailFile::open(Machine, place::real(&settings.path)?, settings)?;
        Ok(Self(Arc::new(Inner {
            file: Mutex::new(file),
            known: Mutex::default(),
            is_failing: AtomicBool::new(false),
            reads: settings.reads,
        })))
    }

    fn file(&self) -> MutexGuard<'_, TrailFile<Machine>> {
        locked(&self.0.file)
    }

    /// Whether reads get a line.
    #[must_use]
    pub fn has_reads(&self) -> bool {
        self.0.reads
    }

    /// Writes lines, all of them or none.
    ///
    /// # Errors
    ///
    /// If they cannot be written: then nothing of them is in the file.
    pub(crate) fn write(&self, lines: &[u8]) -> io::Result<()> {
        self.write_by(lines, false)
    }

    /// The same, and does not return before they are on disk.
    pub(crate) fn write_durably(&self, lines: &[u8]) -> io::Result<()> {
        self.write_by(lines, true)
    }

    fn write_by(&self, lines: &[u8], durably: bool) -> io::Result<()> {
        let mut file = self.file();
        let written = if durably { file.write_durably(lines) } else { file.write(lines) };
        // Told when it begins and when it ends, not for every line.
        let was_failing = self.0.is_failing.swap(written.is_err(), Ordering::AcqRel);
        match &written {
            Err(reason) if !was_failing => {
                error!(target: "recording", reason = reason.to_string(), "the audit trail cannot be written");
            }
            Ok(()) if was_failing => info!(target: "recording", "the audit trail is written again"),
            _ => {}
        }
        if written.is_ok() {
            self.say_now_and_then(&mut file, lines.len() as u64);
        }
        written
    }

    /// Whether the last thing that was to be written was not.
    pub(crate) fn is_failing(&self) -> bool {
        self.0.is_failing.load(Ordering::Acquire)
    }

    /// Whether lines can be written again, after some could not be. It leaves the file as it was.
    ///
    /// # Errors
    ///
    /// If not.
    pub(crate) fn try_out(&self) -> io::Result<()> {
        let mut file = self.file();
        if self.is_failing() {
            file.try_out()?;
            self.0.is_failing.store(false, Ordering::Release);
            info!(target: "recording", "the audit trail is written again");
        }
        Ok(())
    }

    /// After so much, a line says up to where everything is settled: so the next start need not read farther back.
    fn say_now_and_then(&self, file: &mut TrailFile<Machine>, len: u64) {
        let mut known = locked(&self.0.known);
        known.unsaid += len;
        if known.unsaid > EVERY && known.revisions.is_some() && !known.is_open {
            known.unsaid = 0;
            // If it cannot be written, the next start reads farther.
            let _ = file.write(&line::server("running", &known.store, known.revisions));
        }
    }

    /// The lines of changes up to revision `given` are written next: until they are stored or withdrawn, they are open.
    pub(crate) fn giving(&self, given: u64) {
        let mut known = locked(&self.0.known);
        known.is_open = true;
        if let Some(revisions) = &mut known.revisions {
            revisions.given = given;
        }
    }

    /// All changes that were told of are stored or withdrawn, and the last revision that the store has is this one.
    pub(crate) fn settled(&self, stored: u64) {
        let mut known = locked(&self.0.known);
        known.is_open = false;
        if let Some(revisions) = &mut known.revisions {
            revisions.stored = stored;
        }
    }

    /// Writes a line about something that changes nothing; if that fails, the log tells.
    pub(crate) fn tell(&self, line: &[u8]) {
        let _ = self.write(line);
    }

    /// Opens the file by its name again, after somebody else has moved it away.
    ///
    /// # Errors
    ///
    /// If that fails; the old file is written on.
    pub fn reopen(&self) -> io::Result<()> {
        self.file().reopen()
    }

    /// Says that a server starts, and where it keeps sessions.
    ///
    /// # Errors
    ///
    /// If the line cannot be written.
    pub fn started(&self, store: &str) -> io::Result<()> {
        let revisions = {
            let mut known = locked(&self.0.known);
            store.clone_into(&mut known.store);
            known.revisions
        };
        self.file().write_durably(&line::server("started", store, revisions))
    }

    /// Says that the server has ended; if sessions are kept in a file, with the last revision that was given out.
    ///
    /// # Errors
    ///
    /// If the line cannot be written.
    pub fn ended(&self) -> io::Result<()> {
        let line = {
            let known = locked(&self.0.known);
            line::server("ended", &known.store, known.revisions)
        };
        self.file().write_durably(&line)
    }

    /// Withdraws the lines of changes that an earlier server wrote and that the store does not have: those above `stored`,
    /// the last revision that it has. Gives the last revision that was ever given out.
    pub(crate) fn settle(&self, stored: u64, store_id: u64) -> io::Result<u64> {
        let path = self.file().path().to_owned();
        let past::Past { open, last, .. } = past::of(&path, stored, store_id)?;
        if !open.is_empty() {
            let mut lines = Vec::new();
            withdraw(
                open.iter().copied(),
                "The store does not have it: it was not made, or an older store was put back.",
                &mut lines,
            );
            self.file().write_durably(&lines)?;
            info!(target: "recording", changes = open.len(), "withdrew lines of the audit trail: the store does not have what they tell of");
        }
        let given = last.max(stored);
        locked(&self.0.known).revisions = Some(Revisions { id: store_id, given, stored });
        Ok(given)
    }
}

/// What must be said of changes whose lines were written and that were not made.
pub(crate) fn withdraw(revisions: impl Iterator<Item = u64>, reason: &str, lines: &mut Vec<u8>) {
    for revision in revisions {
        line::withdrawn(revision, reason, lines);
    }
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}
