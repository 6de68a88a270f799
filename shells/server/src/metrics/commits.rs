//! What a store counts that commits groups of changes to a disk.

use super::histogram::Histogram;

/// Times and sizes of commits.
#[derive(Debug)]
pub struct Commits {
    /// How long a commit took, until the disk had it.
    pub times: Histogram,
    /// How many changes it held.
    pub sizes: Histogram,
}

impl Default for Commits {
    fn default() -> Self {
        Self::new()
    }
}

impl Commits {
    /// None so far.
    #[must_use]
    pub const fn new() -> Self {
        Self { times: Histogram::of_times(), sizes: Histogram::of_sizes() }
    }

    /// Counts a commit of `changes` changes.
    pub fn committed(&self, time: core::time::Duration, changes: usize) {
        self.times.time(time);
        self.sizes.size(changes);
    }
}
