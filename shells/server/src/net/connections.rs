//! The connections of a listener, so that one too many can take the place of another.

use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::progress::Progress;

#[derive(Debug, Default)]
pub(super) struct Connections {
    open: Mutex<Open>,
    one_ended: Notify,
}

#[derive(Debug, Default)]
struct Open {
    last_id: u64,
    by_id: HashMap<u64, Arc<Progress>>,
}

/// A connection's place, until dropped.
#[derive(Debug)]
pub(super) struct Place {
    connections: Arc<Connections>,
    id: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.open().by_id.remove(&self.id);
        self.connections.one_ended.notify_one();
    }
}

impl Connections {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn len(&self) -> usize {
        self.open().by_id.len()
    }

    /// Takes a place.
    pub(super) fn add(self: &Arc<Self>, progress: Arc<Progress>) -> Place {
        let mut open = self.open();
        open.last_id += 1;
        let id = open.last_id;
        open.by_id.insert(id, progress);
        Place { connections: Arc::clone(self), id }
    }

    /// Asks the connection to end that has waited longest for its client, if it has waited as long as this. None is asked
    /// whose request is there, and none while another one is about to end: on a busy machine that may take a while, and
    /// one is enough.
    pub(super) fn evict_one(&self, waited: Duration) {
        let open = self.open();
        if open.by_id.values().any(|progress| progress.is_leaving()) {
            return;
        }
        let waiting = open.by_id.values().filter_map(|progress| Some((progress.waiting_since()?, progress)));
        if let Some((since, progress)) = waiting.min_by_key(|(since, _)| *since)
            && u128::from(progress.now().saturating_sub(since)) >= waited.as_micros()
        {
            progress.evict();
        }
    }

    /// Waits until a place is given up.
    pub(super) async fn one_ended(&self) {
        self.one_ended.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::time::Instant;

    use super::{Connections, Duration, Progress};
    use crate::net::Limits;

    /// Where perhaps nobody waits for its place, a connection that has just come is not asked to end.
    #[test]
    fn only_who_has_waited_as_long_goes() {
        let connections = Arc::<Connections>::default();
        let progress = Arc::new(Progress::new(Limits::default(), Instant::now()));
        let _place = connections.add(Arc::clone(&progress));
        connections.evict_one(Duration::from_secs(3600));
        assert!(!progress.is_leaving());
        connections.evict_one(Duration::ZERO);
        assert!(progress.is_leaving());
    }
}
