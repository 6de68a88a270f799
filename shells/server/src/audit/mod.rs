//! The audit trail: every decision as one line of JSON, in a file that rotates.
//!
//! The log (see `log`) is for those who run the server; the trail is evidence. So a change whose line cannot be written
//! is not made, and the line comes first:
//!
//! 1. The line is written, with the [revision](crate::session::Revision) that the change will have. If sessions are kept
//!    in a file, the line is on disk before anything else happens.
//! 2. The change is made.
//! 3. If it cannot be made after all, another line says so: `withdrawn`, with the same revision.
//!
//! A server that is killed between 1 and 3 writes the third line when it starts again (`Trail::settle`). So the trail
//! misses no change, and claims none that was not made without saying so.
//!
//! One thread writes (`writer`), so a disk or a reader of a pipe that stands still holds up no other: a change that cannot
//! have its line in time is not made. Repeats and refusals wait for their line as long, and are answered whatever becomes of
//! it. Reads wait for nothing: their lines are in a queue that is bounded in bytes (`queue`). Lines that are lost are
//! counted, and a line says how many.
//!
//! Only what the core understood of a request gets here, where it came from, and the name of whose token it had: no
//! header, so no credential.

mod file;
mod files;
mod guards;
mod intents;
mod json;
mod line;
mod observe;
mod past;
mod queue;
mod rotation;
#[cfg_attr(not(any(test, feature = "etcd")), allow(dead_code, reason = "no store in this build is shared"))]
mod settling;
mod shift;
#[cfg(test)]
mod tests;
pub(crate) mod time;
mod writer;

use core::future::Future;
use core::ops::RangeInclusive;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};

use file::TrailFile;
use files::{Files, Machine};
pub use line::Note;
use line::intent::SharedStore;
#[cfg_attr(not(any(test, feature = "etcd")), allow(unused_imports, reason = "no store in this build is shared"))]
pub(crate) use line::intent::{Became, Intent};
use queue::{Ask, Kind, Queue, Wanted, Work};
#[cfg(any(test, feature = "etcd"))]
pub(crate) use settling::{Evidence, settle};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};
use writer::TrailWriter;

use crate::place;

/// How much is written before a line says again up to which revision everything is settled.
const EVERY: u64 = 4 * 1024 * 1024;

/// Where the trail goes, and how much of it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailSettings {
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
impl Default for TrailSettings {
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
    /// If several servers share it.
    shared: Option<SharedStore>,
    /// Whether a line was written of a change that is neither stored nor withdrawn.
    is_open: bool,
    /// How much was written since a line said all this.
    unsaid: u64,
}

impl Known {
    /// A line about the server itself; with a store that others share, so many intents are open, if that is said.
    fn line(&self, outcome: &'static str, open: Option<usize>) -> Vec<u8> {
        match self.shared {
            None => line::server(outcome, &self.store, self.revisions),
            Some(shared) => line::intent::server(outcome, &self.store, shared, open),
        }
    }
}

/// How long a change waits for its line. Then it is not made, and its line is taken back or withdrawn.
const PATIENCE: Duration = Duration::from_secs(5);

/// The trail, shared by all who write to it. When the last of them lets go of it, what waits is written.
#[derive(Debug, Clone)]
pub struct Trail(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    /// Cancelled when the thread that writes has ended.
    over: CancellationToken,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.queue.close(self.shared.patience);
    }
}

/// What requests and the thread that writes have in common.
#[derive(Debug)]
struct Shared {
    queue: Queue,
    known: Mutex<Known>,
    /// The last thing that was to be written was not.
    is_failing: AtomicBool,
    path: PathBuf,
    reads: bool,
    patience: Duration,
}

impl Shared {
    fn is_failing(&self) -> bool {
        self.is_failing.load(Ordering::Acquire)
    }

    /// Logged when it begins to fail and when that ends, not for every line.
    fn outcome(&self, written: &io::Result<()>) {
        match (written, self.is_failing.swap(written.is_err(), Ordering::AcqRel)) {
            (Err(reason), false) => {
                error!(target: "recording", reason = reason.to_string(), "the audit trail cannot be written");
            }
            (Ok(()), true) => info!(target: "recording", "the audit trail is written again"),
            _ => {}
        }
    }

    fn late(&self) -> io::Result<()> {
        let late = Err(queue::late());
        self.outcome(&late);
        late
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// That a file that is there is a trail: of another one the end would be cut off, and lines would be added to it.
fn begins_as_a_trail(path: &Path) -> io::Result<()> {
    // What is no file has no beginning, and what cannot be read is reported by who opens it to write.
    if !std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) {
        return Ok(());
    }
    let Ok(file) = File::open(path) else { return Ok(()) };
    let mut beginning = Vec::new();
    file.take(line::BEGINNING.len() as u64).read_to_end(&mut beginning)?;
    // Before the first line there may be what is left of it after a machine went down, or of a trial of the disk.
    let is_left_over = |byte: u8| beginning.iter().all(|&found| found == byte);
    if line::BEGINNING.starts_with(&beginning) || is_left_over(0) || is_left_over(b' ') {
        return Ok(());
    }
    Err(io::Error::other("there is a file of something else at this path, and it stays as it is"))
}

fn gone() -> io::Error {
    io::Error::other("the thread that writes it has ended")
}

impl Trail {
    /// Opens the trail, and begins it if there is none. What a server that was killed left of a last line is cut off: what
    /// it was to tell of was not done. If the path is a symbolic link, the file that it leads to now is the trail.
    ///
    /// # Errors
    ///
    /// If the file cannot be written, another server writes it, or it is a file of something else.
    pub fn open(settings: &TrailSettings) -> io::Result<Self> {
        begins_as_a_trail(&settings.path)?;
        Self::over(Machine, settings, PATIENCE)
    }

    fn over<F>(files: F, settings: &TrailSettings, patience: Duration) -> io::Result<Self>
    where
        F: Files<File: Send> + Send + 'static,
    {
        let path = place::real(&settings.path)?;
        let file = TrailFile::open(files, path.clone(), settings)?;
        let shared = Arc::new(Shared {
            queue: Queue::default(),
            known: Mutex::default(),
            is_failing: AtomicBool::new(false),
            path,
            reads: settings.reads,
            patience,
        });
        let over = CancellationToken::new();
        let ends = over.clone().drop_guard();
        let writer = TrailWriter::new(file, Arc::clone(&shared));
        std::thread::Builder::new().name("trail".into()).spawn(move || {
            writer.run();
            drop(ends);
        })?;
        Ok(Self(Arc::new(Inner { shared, over })))
    }

    /// Ends when no line can be written any more, whatever is done: when the thread is gone that writes them.
    pub(crate) fn is_gone(&self) -> impl Future<Output = ()> + Send + 'static {
        self.0.over.clone().cancelled_owned()
    }

    /// Has the thread do something, and waits for it as long as anybody may have to.
    fn ask(&self, work: Work) -> io::Result<()> {
        let shared = &self.0.shared;
        let (tell, told) = mpsc::sync_channel(1);
        let wanted = Wanted::default();
        let tell = Box::new(move |outcome| drop(tell.send(outcome)));
        shared.queue.ask(Ask { work, wanted: wanted.clone(), tell }, shared.patience)?;
        match told.recv_timeout(shared.patience) {
            Ok(outcome) => outcome,
            Err(mpsc::RecvTimeoutError::Timeout) if wanted.abandon() => shared.late(),
            Err(_) => told.recv().unwrap_or_else(|_| Err(gone())),
        }
    }

    /// The same, without a thread that waits.
    async fn ask_async(&self, work: Work) -> io::Result<()> {
        let shared = &self.0.shared;
        let (tell, mut told) = oneshot::channel();
        let wanted = Wanted::default();
        let tell = Box::new(move |outcome| drop(tell.send(outcome)));
        shared.queue.ask(Ask { work, wanted: wanted.clone(), tell }, shared.patience)?;
        match timeout(shared.patience, &mut told).await {
            Ok(outcome) => outcome.unwrap_or_else(|_| Err(gone())),
            Err(_) if wanted.abandon() => shared.late(),
            Err(_) => told.await.unwrap_or_else(|_| Err(gone())),
        }
    }

    /// How long anybody waits for a line.
    pub(crate) fn patience(&self) -> Duration {
        self.0.shared.patience
    }

    /// Whether reads get a line.
    #[must_use]
    pub fn has_reads(&self) -> bool {
        self.0.shared.reads
    }

    /// Writes lines, all of them or none: handed to the system, not necessarily on disk.
    ///
    /// # Errors
    ///
    /// If they cannot be written, or not in time: then nothing of them is in the file.
    pub(crate) async fn write(&self, lines: Vec<u8>) -> io::Result<()> {
        self.ask_async(Work::Write { lines, durably: false, revisions: None }).await
    }

    /// The same, and does not return before they are on disk. A pipe takes nothing back: there these revisions are
    /// withdrawn if it is too late.
    pub(crate) fn write_durably(&self, lines: Vec<u8>, revisions: Option<RangeInclusive<u64>>) -> io::Result<()> {
        self.ask(Work::Write { lines, durably: true, revisions })
    }

    /// Whether the last thing that was to be written was not.
    pub(crate) fn is_failing(&self) -> bool {
        self.0.shared.is_failing()
    }

    /// Whether lines can be written again, after some could not be. It leaves the file as it was.
    ///
    /// # Errors
    ///
    /// If not.
    pub(crate) fn try_out(&self) -> io::Result<()> {
        if self.is_failing() { self.ask(Work::TryOut) } else { Ok(()) }
    }

    /// Has a line written about something that was asked for and changes nothing. Waits for it as long as a change would,
    /// and no longer: if it cannot be written it counts as lost.
    pub(crate) async fn tell(&self, line: Vec<u8>) {
        if self.write(line).await.is_err() {
            self.0.shared.queue.lost(1);
        }
    }

    /// Has a line written, soon, about something that was not done; if there is no room for it, it counts as lost.
    pub(crate) fn tell_soon(&self, line: Vec<u8>) {
        self.0.shared.queue.line(Kind::Other, line);
    }

    /// The same of a read. Reads never wait for the disk.
    pub(crate) fn tell_read(&self, line: Vec<u8>) {
        self.0.shared.queue.line(Kind::Read, line);
    }

    /// How many lines about what changes nothing could not be written, or not in time.
    pub(crate) fn lost(&self) -> u64 {
        self.0.shared.queue.all_lost()
    }

    /// The lines of changes up to revision `given` are written next: until they are stored or withdrawn, they are open.
    pub(crate) fn giving(&self, given: u64) {
        let mut known = locked(&self.0.shared.known);
        known.is_open = true;
        if let Some(revisions) = &mut known.revisions {
            revisions.given = given;
        }
    }

    /// All changes that have a line are stored or withdrawn, and the last revision that the store has is this one.
    pub(crate) fn settled(&self, stored: u64) {
        let mut known = locked(&self.0.shared.known);
        known.is_open = false;
        if let Some(revisions) = &mut known.revisions {
            revisions.stored = stored;
        }
    }

    /// Opens the file by its name again, after somebody else has moved it away.
    ///
    /// # Errors
    ///
    /// If that fails; the old file is written on.
    pub fn reopen(&self) -> io::Result<()> {
        self.ask(Work::Reopen)
    }

    /// Says that a server starts, and where it keeps sessions.
    ///
    /// # Errors
    ///
    /// If the line cannot be written.
    pub fn started(&self, store: &str) -> io::Result<()> {
        let line = {
            let mut known = locked(&self.0.shared.known);
            store.clone_into(&mut known.store);
            // What an earlier server left open is settled by now.
            known.line("started", Some(0))
        };
        self.write_durably(line, None)
    }

    /// Says that the server has ended; if sessions are kept in a file, with the last revision that was given out.
    ///
    /// # Errors
    ///
    /// If the line cannot be written.
    pub fn ended(&self) -> io::Result<()> {
        let line = locked(&self.0.shared.known).line("ended", None);
        self.write_durably(line, None)
    }

    /// Withdraws the lines of changes that an earlier server wrote and that the store does not have: those above `stored`,
    /// the last revision that it has. Gives the last revision that was ever given out.
    pub(crate) fn settle(&self, stored: u64, store_id: u64) -> io::Result<u64> {
        let past::Past { open, last, .. } = past::of(&self.0.shared.path, stored, store_id)?;
        if !open.is_empty() {
            let mut lines = Vec::new();
            withdraw(
                open.iter().copied(),
                "The store does not have it: it was not made, or an older store was put back.",
                &mut lines,
            );
            self.write_durably(lines, None)?;
            info!(target: "recording", changes = open.len(), "withdrew lines of the audit trail: the store does not have what they tell of");
        }
        let given = last.max(stored);
        locked(&self.0.shared.known).revisions = Some(Revisions { id: store_id, given, stored });
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
