//! What waits to be written: bounded in bytes, and no request waits for longer than it must.
//!
//! The channels of std and tokio are bounded in entries, whatever the size of each, and cannot say since when their reader
//! has been at the same piece of work.

use core::ops::RangeInclusive;
use core::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use core::time::Duration;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::session::OpId;

/// How many bytes of lines about reads may wait, and how many of lines about anything else that changes nothing: so reads
/// do not push out a refusal.
pub(super) const READS: usize = 4 * 1024 * 1024;
pub(super) const OTHERS: usize = 4 * 1024 * 1024;

/// A line that decides nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Other,
}

/// What somebody waits for.
#[derive(Debug)]
pub(super) enum Work {
    /// To write lines.
    Write {
        lines: Vec<u8>,
        durably: bool,
        /// The changes that they tell of, if these can be withdrawn.
        revisions: Option<RangeInclusive<u64>>,
    },
    /// To write the lines of intents, and not to return before they are on disk.
    Intents(Vec<(OpId, Vec<u8>)>),
    /// To open the file by its name again.
    Reopen,
    /// To find out whether lines can be written.
    TryOut,
}

/// What is done with the outcome.
pub(super) type Tell = Box<dyn FnOnce(io::Result<()>) + Send>;

/// How far work is that is waited for.
const WAITING: u8 = 0;
const TAKEN: u8 = 1;
const DONE: u8 = 2;
const ABANDONED: u8 = 3;

/// Whether anybody still waits for it.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted(Arc<AtomicU8>);

impl Wanted {
    fn goes(&self, from: u8, to: u8) -> bool {
        self.0.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// The work begins, unless no request waits for it any more.
    pub(super) fn take(&self) -> bool {
        self.goes(WAITING, TAKEN)
    }

    /// The work is done; tells whether it was waited for until now.
    pub(super) fn done(&self) -> bool {
        self.goes(TAKEN, DONE)
    }

    /// The request no longer waits. Returns whether that is in time for it to count as not done.
    pub(super) fn abandon(&self) -> bool {
        self.goes(WAITING, ABANDONED) || self.goes(TAKEN, ABANDONED)
    }
}

/// Work that somebody waits for.
pub(super) struct Ask {
    pub(super) work: Work,
    pub(super) wanted: Wanted,
    pub(super) tell: Tell,
}

impl core::fmt::Debug for Ask {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Ask").field("work", &self.work).finish_non_exhaustive()
    }
}

/// The line about what became of a change whose intent was written.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) op: OpId,
    pub(super) line: Vec<u8>,
    /// Whether nothing more is to be found out about the change.
    pub(super) is_final: bool,
}

#[derive(Debug)]
pub(super) enum Entry {
    Line(Vec<u8>),
    Outcome(Outcome),
    Ask(Ask),
}

#[derive(Debug, Default)]
struct Waiting {
    entries: VecDeque<Entry>,
    reads: usize,
    others: usize,
    /// Lines that are lost, and no line says so yet.
    lost: u64,
    /// Since when the thread has been at the same piece of work.
    busy_since: Option<Instant>,
    is_closed: bool,
    /// The thread has ended.
    is_over: bool,
}

/// The queue between requests and the thread that writes.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    came: Condvar,
    over: Condvar,
    /// All lines that were ever lost.
    lost: AtomicU64,
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a line that decides nothing, or counts it as lost. Never waits.
    pub(super) fn line(&self, kind: Kind, line: Vec<u8>) {
        let mut waiting = self.waiting();
        let (bytes, most) = match kind {
            Kind::Read => (&mut waiting.reads, READS),
            Kind::Other => (&mut waiting.others, OTHERS),
        };
        if *bytes + line.len() > most {
            self.lose(&mut waiting, 1);
            return;
        }
        *bytes += line.len();
        waiting.entries.push_back(Entry::Line(line));
        drop(waiting);
        self.came.notify_one();
    }

    /// Takes the line about what became of a change. It is never lost, and there are few of them: each follows an intent
    /// for which a request waits, or which the store still has in memory, where its bytes are bounded.
    pub(super) fn outcome(&self, outcome: Outcome) {
        let mut waiting = self.waiting();
        if !waiting.is_over {
            waiting.entries.push_back(Entry::Outcome(outcome));
            drop(waiting);
            self.came.notify_one();
        }
    }

    fn lose(&self, waiting: &mut Waiting, lines: u64) {
        waiting.lost += lines;
        self.lost.fetch_add(lines, Ordering::Relaxed);
    }

    /// These lines could not be written.
    pub(super) fn lost(&self, lines: u64) {
        self.lose(&mut self.waiting(), lines);
    }

    pub(super) fn all_lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Takes work that is waited for.
    ///
    /// # Errors
    ///
    /// If it would not be done in time, or never.
    pub(super) fn ask(&self, ask: Ask, patience: Duration) -> io::Result<()> {
        let mut waiting = self.waiting();
        if waiting.is_over {
            return Err(io::Error::other("the thread that writes it has ended"));
        }
        let stalled = waiting.busy_since.is_some_and(|since| since.elapsed() >= patience);
        // A file is opened again as soon as that is possible, however long it takes.
        if stalled && !matches!(ask.work, Work::Reopen) {
            return Err(late());
        }
        waiting.entries.push_back(Entry::Ask(ask));
        drop(waiting);
        self.came.notify_one();
        Ok(())
    }

    /// Everything that waits, and how many lines were lost after it; `None` if nothing will come any more.
    pub(super) fn take(&self) -> Option<(VecDeque<Entry>, u64)> {
        let mut waiting = self.waiting();
        waiting.busy_since = None;
        while waiting.entries.is_empty() && waiting.lost == 0 && !waiting.is_closed {
            waiting = self.came.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        if waiting.entries.is_empty() && waiting.is_closed {
            return None;
        }
        (waiting.reads, waiting.others, waiting.busy_since) = (0, 0, Some(Instant::now()));
        Some((core::mem::take(&mut waiting.entries), core::mem::take(&mut waiting.lost)))
    }

    /// The thread goes on to its next piece of work.
    pub(super) fn goes_on(&self) {
        self.waiting().busy_since = Some(Instant::now());
    }

    /// Nothing will come any more. Waits until all that waits is written, but not for longer than that.
    pub(super) fn close(&self, patience: Duration) {
        let mut waiting = self.waiting();
        waiting.is_closed = true;
        self.came.notify_one();
        let stalled = waiting.busy_since.is_some_and(|since| since.elapsed() >= patience);
        let patience = if stalled { Duration::ZERO } else { patience };
        let _ = self.over.wait_timeout_while(waiting, patience, |waiting| !waiting.is_over);
    }

    /// The thread has ended: what waits for work learns so by its drop.
    pub(super) fn over(&self) {
        let mut waiting = self.waiting();
        waiting.is_over = true;
        let entries = core::mem::take(&mut waiting.entries);
        drop(waiting);
        drop(entries);
        self.over.notify_all();
    }
}

/// Why something was not done.
pub(super) fn late() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "its disk or its reader stands still")
}
