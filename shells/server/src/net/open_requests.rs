//! How many requests of a connection are open that may have many at once.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The counts, shared by the tasks of the requests: holding the lock, each task changes them and what follows from them.
#[derive(Debug, Default)]
pub(super) struct OpenRequests(Mutex<Counts>);

/// How many requests are open, by what they wait for.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Their bodies are still to come.
    pub(super) arriving: usize,
    /// The server is at work on them.
    pub(super) at_work: usize,
}

impl OpenRequests {
    // Nothing under this lock can panic half-way.
    pub(super) fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
