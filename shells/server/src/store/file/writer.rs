//! The thread that writes.

use core::time::Duration;
use std::sync::{Arc, mpsc};
use std::time::Instant;

use tracing::{error, info};

use super::condition::Condition;
use super::disk::{CommitFailure, Disk};
use super::error::Reason;
use super::group::{Asked, Group};
use super::journal::Journal;
use crate::metrics::Commits;
use crate::store::StoreError;
use crate::store::image::Image;

/// How many changes a commit takes at most: so that nobody waits long for the others of the group.
const MOST: usize = 1024;

/// How long a disk that failed is left alone before it is tried again.
pub(super) const PAUSE: Duration = Duration::from_millis(500);

/// Commits changes in groups.
///
/// What is in memory is what everybody was told, and what is on disk follows it: after a failure the file is made to hold
/// exactly that again before anything else is written.
#[derive(Debug)]
pub(super) struct Writer {
    disk: Disk,
    image: Arc<Image>,
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
        image: Arc<Image>,
        journal: Journal,
        commits: Arc<Commits>,
        condition: Arc<Condition>,
        pause: Duration,
    ) -> Self {
        Self { disk, image, journal, commits, condition, failed: None, pause }
    }

    /// Works until nobody can ask any more.
    pub(super) fn run(mut self, queue: &mpsc::Receiver<Asked>) {
        while let Ok(first) = queue.recv() {
            let condition = Arc::clone(&self.condition);
            let _busy = condition.busy();
            // Whatever came while the last group was being committed.
            let mut changes = Vec::new();
            for asked in core::iter::once(first).chain(queue.try_iter()).take(MOST) {
                match asked {
                    Asked::Change(change) => changes.push(change),
                    Asked::TryOut(tell) => drop(tell.send(self.try_out())),
                }
            }
            let group = Group::of(changes, &self.image, self.journal.last_given());
            if !group.changes().is_empty() {
                let outcome = self.commit(&group);
                group.tell(&outcome);
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
                self.image.put_all(group.changes());
                self.journal.settled(self.disk.last_revision());
                self.commits.committed(began.elapsed(), group.changes().len());
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
        match self.disk.settle(&self.image) {
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
