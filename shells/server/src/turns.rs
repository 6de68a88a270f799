//! Whose turn it is: requests for one session, one after the other.

use core::hash::BuildHasher;
use std::collections::hash_map::RandomState;

use tokio::sync::{Mutex, MutexGuard};

use crate::store::SessionKey;

/// One lock for every session, shared by the few whose hashes meet.
///
/// The store's compare-and-set alone keeps transitions from being lost, from this server and from others. What it
/// cannot do is keep events in order: of two changes that were stored one after the other, the second might be published
/// first. So on one server the whole way from looking up to publishing is taken by one request of a session at a time.
#[derive(Debug)]
pub(crate) struct Turns {
    locks: Box<[Mutex<()>]>,
    /// Keyed at random, so that no stranger can pick ids that share a lock.
    hasher: RandomState,
}

/// Far more than there are requests at work at once, so that strangers hardly ever wait for each other.
const LOCKS: usize = 1024;

impl Turns {
    pub(crate) fn new() -> Self {
        Self { locks: (0..LOCKS).map(|_| Mutex::new(())).collect(), hasher: RandomState::new() }
    }

    /// Waits for the turn of `key`; it lasts until the guard is dropped. First come, first served.
    pub(crate) async fn of(&self, key: &SessionKey) -> MutexGuard<'_, ()> {
        let hash = self.hasher.hash_one(key) as usize;
        self.locks[hash % LOCKS].lock().await
    }
}
