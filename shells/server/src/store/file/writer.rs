//! The thread that writes.

use core::ops::Range;
use core::time::Duration;
use std::sync::{Arc, mpsc};
use std::time::Instant;

use tracing::{error, info};

use super::ahead::Ahead;
use super::condition::Condition;
use super::disk::{CommitFailure, Disk};
use super::error::Reason;
use super::group::{Asked, Group};
use super::journal::Journal;
use crate::metrics::Commits;
use crate::store::StoreError;
use crate::store::image::Image;

/// How long a disk that failed is left alone before it is tried again.
pub(super) const PAUSE: Duration = Duration::from_millis(500);

/// Makes groups of changes, and makes true in memory what became of them.
#[derive(Debug)]
pub(super) struct Groups {
    pub(super) image: Arc<Image>,
    pub(super) ahead: Arc<Ahead>,
    /// No change up to this revision is to be made any more: it may rest on one that could not be stored.
    pub(super) lost: u64,
}

impl Groups {
    pub(super) fn begin(&self) -> Group {
        Group::new(self.lost)
    }

    pub(super) fn end(&mut self, group: Group, outcome: &Result<(), StoreError>) {
        match outcome {
            Ok(()) => {
                self.image.put_all(group.sessions());
                self.ahead.stored(group.sessions(), group.last_revision());
            }
            Err(_) => self.lost = self.ahead.failed(),
        }
        group.tell(outcome);
    }
}

/// Commits changes in groups.
///
/// What is in memory is what clients have learned, and what is on disk follows it: after a failure the file is made to hold
/// exactly that again before anything else is written.
#[derive(Debug)]
pub(super) struct Writer {
    disk: Disk,
    groups: Groups,
    journal: Journal,
    commits: Arc<Commits>,
    condition: Arc<Condition>,
    /// When the disk failed last.
    failed: Option<Instant>,
    pause: Duration,
}

impl Writer {
    pub(super) const fn new(
        disk: Disk,
        groups: Groups,
        journal: Journal,
        commits: Arc<Commits>,
        condition: Arc<Condition>,
        pause: Duration,
    ) -> Self {
        Self { disk, groups, journal, commits, condition, failed: None, pause }
    }

    /// Works until the store is dropped.
    pub(super) fn run(mut self, queue: &mpsc::Receiver<Asked>) {
        while let Ok(first) = queue.recv() {
            let condition = Arc::clone(&self.condition);
            let _busy = condition.busy();
            // Whatever came while the last group was being committed.
            let mut group = self.groups.begin();
            let mut next = Some(first);
            while let Some(asked) = next {
                match asked {
                    Asked::Change(change) => group.add(change),
                    Asked::UntilStored(revision, tell) => group.tell_of(revision, tell),
                    Asked::Epochs(tell) => drop(tell.send(self.reserve())),
                    Asked::TryOut(tell) => drop(tell.send(self.try_out())),
                }
                next = if group.is_full() { None } else { queue.try_recv().ok() };
            }
            if !group.is_empty() {
                let outcome = self.commit(&group);
                self.groups.end(group, &outcome);
            }
        }
        // An orderly end owes nothing: the next start would believe what is not withdrawn. If the disk is still closed, what
        // was told of the last group may be found stored, which only the next start can see.
        if self.disk.is_open() || self.settle_now().is_ok() {
            self.journal.settle();
        }
    }

    fn commit(&mut self, group: &Group) -> Result<(), StoreError> {
        self.settle()?;
        let began = Instant::now();
        match self.disk.commit(group, || self.journal.tell(group)) {
            Ok(()) => {
                self.condition.well(true);
                self.journal.settled(self.disk.last_revision());
                self.commits.committed(began.elapsed(), group.len());
                Ok(())
            }
            Err(CommitFailure::Refused(error)) => {
                // Of lines that could not be written nothing is there.
                self.journal.settled(self.disk.last_revision());
                Err(StoreError::new(format!("the audit trail: {error}")))
            }
            Err(CommitFailure::Disk(reason)) => {
                let failure = self.failure(&reason);
                self.journal.withdraw(group);
                // At once, if that is possible: then it is known that nothing was stored.
                let _ = self.settle_now();
                Err(failure)
            }
        }
    }

    /// Reserves epochs.
    fn reserve(&mut self) -> Result<Range<u64>, StoreError> {
        self.settle()?;
        match self.disk.reserve() {
            Ok(reserved) => {
                self.condition.well(true);
                Ok(reserved)
            }
            Err(reason) => {
                let failure = self.failure(&reason);
                let _ = self.settle_now();
                Err(failure)
            }
        }
    }

    /// Whether the disk takes changes again, after one that it did not take.
    fn try_out(&mut self) -> Result<(), StoreError> {
        self.settle()?;
        if self.condition.is_well() {
            return Ok(());
        }
        match self.disk.try_out() {
            Ok(()) => {
                self.condition.well(true);
                Ok(())
            }
            Err(reason) => Err(self.failure(&reason)),
        }
    }

    /// Sees to it that the file holds what is in memory, if the last commit failed.
    fn settle(&mut self) -> Result<(), StoreError> {
        if self.disk.is_open() {
            return Ok(());
        }
        if self.failed.is_some_and(|at| at.elapsed() < self.pause) {
            return Err(StoreError::new("the disk failed a moment ago"));
        }
        self.settle_now()
    }

    fn settle_now(&mut self) -> Result<(), StoreError> {
        match self.disk.settle(&self.groups.image) {
            Ok(()) => {
                self.failed = None;
                self.journal.settle();
                self.journal.settled(self.disk.last_revision());
                info!(target: "recording", "the store's file holds the sessions again");
                Ok(())
            }
            Err(reason) => Err(self.failure(&reason)),
        }
    }

    fn failure(&mut self, reason: &Reason) -> StoreError {
        self.failed = Some(Instant::now());
        self.condition.well(false);
        let reason = reason.to_string();
        error!(target: "recording", outcome = "store failed", reason);
        StoreError::new(reason)
    }
}
