//! What this server knows: the sessions as far as the watch has come, and what its own requests found out since.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout, timeout_at};

use crate::session::{Found, OpId, SessionKey};
use crate::store::image::Image;

/// How long the watch is given to come by itself before it is asked how far it is.
const BY_ITSELF: Duration = Duration::from_millis(20);

/// The sessions as far as the watch has come, and what this server's own requests found out since.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) image: Image,
    /// Newer than the image, until that has come so far.
    newer: Mutex<HashMap<SessionKey, Newer>>,
    /// The revision that the image has come to.
    applied: watch::Sender<u64>,
    /// Has the watch be asked how far it is.
    pub(super) ask_progress: Notify,
    /// The greatest revision that this server was answered.
    answered: Mutex<u64>,
    flights: Mutex<HashMap<SessionKey, Flight>>,
    /// Changes of unknown outcome.
    unknown: AtomicU64,
}

#[derive(Debug)]
struct Newer {
    /// At this revision it was so.
    at: u64,
    found: Option<Found>,
}

/// A change of this server on its way.
#[derive(Debug)]
struct Flight {
    op: OpId,
    /// The revision of the change, if the watch has shown that it was made.
    seen: Option<u64>,
    /// The watch missed something since it took off: that it has not been seen says nothing.
    out_of_sight: bool,
    /// Closed when it has landed.
    landed: watch::Sender<()>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing under these locks can panic half-way.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Known {
    pub(super) fn new(image: Image, applied: u64) -> Self {
        Self {
            image,
            newer: Mutex::default(),
            applied: watch::Sender::new(applied),
            ask_progress: Notify::new(),
            answered: Mutex::new(applied),
            flights: Mutex::default(),
            unknown: AtomicU64::new(0),
        }
    }

    /// The session, as far as this server knows.
    pub(super) fn latest(&self, key: &SessionKey) -> Option<Found> {
        // What is taken out of `newer` meanwhile is in the image by then.
        match locked(&self.newer).get(key) {
            Some(newer) => newer.found.clone(),
            None => self.image.read(key),
        }
    }

    /// At revision `at`, the session was as `found`.
    pub(super) fn found(&self, key: &SessionKey, at: u64, found: Option<Found>) {
        let mut newer = locked(&self.newer);
        let is_newer = at > *self.applied.borrow() && newer.get(key).is_none_or(|known| known.at < at);
        if is_newer {
            newer.insert(key.clone(), Newer { at, found });
        }
        drop(newer);
        let mut answered = locked(&self.answered);
        *answered = at.max(*answered);
    }

    /// The image has everything up to this revision.
    pub(super) fn applied(&self, revision: u64) {
        self.applied.send_modify(|applied| *applied = revision.max(*applied));
        locked(&self.newer).retain(|_, newer| newer.at > revision);
    }

    /// The same after the image was listed again, perhaps from an older cluster.
    pub(super) fn listed(&self, revision: u64) {
        for flight in locked(&self.flights).values_mut() {
            flight.out_of_sight = true;
        }
        locked(&self.newer).clear();
        *locked(&self.answered) = revision;
        self.applied.send_replace(revision);
    }

    pub(super) fn applied_revision(&self) -> u64 {
        *self.applied.borrow()
    }

    /// The greatest revision that this server was answered: what it told somebody is not newer.
    pub(super) fn answered_revision(&self) -> u64 {
        *locked(&self.answered)
    }

    /// Waits until the image has come to `revision`. False if it is too late then.
    pub(super) async fn reach(&self, revision: u64, end: Instant) -> bool {
        let mut applied = self.applied.subscribe();
        let reached = async {
            while timeout(BY_ITSELF, applied.wait_for(|applied| *applied >= revision)).await.is_err() {
                self.ask_progress.notify_one();
            }
        };
        timeout_at(end, reached).await.is_ok()
    }

    /// Begins a change, when no other of the session is on its way. False if it is too late then.
    pub(super) async fn take_off(&self, key: &SessionKey, op: OpId, end: Instant) -> bool {
        loop {
            let mut landed = {
                let mut flights = locked(&self.flights);
                match flights.get(key) {
                    None => {
                        let flight = Flight { op, seen: None, out_of_sight: false, landed: watch::Sender::new(()) };
                        flights.insert(key.clone(), flight);
                        return true;
                    }
                    Some(flight) => flight.landed.subscribe(),
                }
            };
            // An error says that it has landed.
            if timeout_at(end, landed.changed()).await.is_err() {
                return false;
            }
        }
    }

    /// Waits until no change of the session is on its way. False if it is too late then.
    pub(super) async fn quiet(&self, key: &SessionKey, end: Instant) -> bool {
        loop {
            let landed = locked(&self.flights).get(key).map(|flight| flight.landed.subscribe());
            let Some(mut landed) = landed else { return true };
            if timeout_at(end, landed.changed()).await.is_err() {
                return false;
            }
        }
    }

    /// The change of the session is over, whatever became of it.
    pub(super) fn land(&self, key: &SessionKey) {
        locked(&self.flights).remove(key);
    }

    /// It is not known what became of a change.
    pub(super) fn lost(&self) {
        self.unknown.fetch_add(1, Ordering::Relaxed);
    }

    /// How often that was so.
    pub(super) fn lost_changes(&self) -> u64 {
        self.unknown.load(Ordering::Relaxed)
    }

    /// Whether the watch has shown that this server's change of the session was made, and at which revision.
    pub(super) fn seen(&self, key: &SessionKey) -> Option<u64> {
        locked(&self.flights).get(key).and_then(|flight| flight.seen)
    }

    /// Whether the watch would have shown the change of the session, if it was made.
    pub(super) fn is_in_sight(&self, key: &SessionKey) -> bool {
        locked(&self.flights).get(key).is_some_and(|flight| !flight.out_of_sight)
    }

    /// The watch shows a change of a session, by `op` if it was made by a server.
    pub(super) fn shown(&self, key: &SessionKey, op: Option<OpId>, at: u64) {
        let mut flights = locked(&self.flights);
        if let Some(flight) = flights.get_mut(key).filter(|flight| op == Some(flight.op)) {
            flight.seen.get_or_insert(at);
        }
    }
}
