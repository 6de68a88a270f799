//! What the trail says of groups of changes.

use std::io;

use super::group::Group;
use crate::audit::{Trail, withdraw};

/// The trail, and what it is still to be told.
#[derive(Debug)]
pub(super) struct Journal {
    trail: Option<Trail>,
    /// Withdrawals that are not written yet. Nothing is written before them.
    owed: Vec<u8>,
}

impl Journal {
    pub(super) const fn new(trail: Option<Trail>) -> Self {
        Self { trail, owed: Vec::new() }
    }

    /// Tells of the changes of a group, and does not return before that is on disk.
    pub(super) fn tell(&mut self, group: &Group) -> io::Result<()> {
        let Some(trail) = &self.trail else { return Ok(()) };
        trail.giving(group.last_revision());
        if self.owed.is_empty() {
            // What nobody wants told leaves nothing to wait for.
            return if group.lines().is_empty() {
                Ok(())
            } else {
                trail.write_durably(group.lines().to_vec(), Some(group.revisions()))
            };
        }
        trail.write_durably([&self.owed, group.lines()].concat(), Some(group.revisions()))?;
        self.owed.clear();
        Ok(())
    }

    /// The store has all up to this revision, and lines beyond it are withdrawn unless it is owed.
    pub(super) fn settled(&self, stored: u64) {
        if let (Some(trail), true) = (&self.trail, self.owed.is_empty()) {
            trail.settled(stored);
        }
    }

    /// Withdraws the lines of a group, as soon as that can be written.
    pub(super) fn withdraw(&mut self, group: &Group) {
        if !group.lines().is_empty() {
            withdraw(group.revisions(), "It could not be stored.", &mut self.owed);
        }
    }

    /// Writes what is owed.
    pub(super) fn settle(&mut self) {
        if let (Some(trail), false) = (&self.trail, self.owed.is_empty())
            && trail.write_durably(self.owed.clone(), None).is_ok()
        {
            self.owed.clear();
        }
    }
}
