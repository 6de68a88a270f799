//! The store with real members. `cargo xtask cluster store` gets etcd and runs these.

mod faults;
mod marks;
mod proxy;
mod reports;
mod trail;

use core::time::Duration;
use std::sync::{Arc, Mutex};

use etcd_kv::Options;
use etcd_members::{Cluster, Setup};
use recording_core::wire::{CorrelationId, UccName};
use recording_core::{Action, State};

use super::EtcdStore;
use crate::audit::Note;
use crate::session::{Revision, SessionKey};
use crate::store::{Made, Store, StoreError, Swap, Watcher};

pub(in crate::store) fn members(count: usize) -> Cluster {
    Cluster::start(count, &Setup::default()).expect("members")
}

/// A store with all members.
pub(in crate::store) async fn store(cluster: &Cluster) -> EtcdStore {
    store_at(&cluster.endpoints(), Duration::from_secs(10)).await
}

/// A store that asks the first of these endpoints, and watches at the second.
async fn store_at(endpoints: &[String], attempt: Duration) -> EtcdStore {
    let endpoints = endpoints.iter().map(|one| one.parse().expect("an endpoint")).collect();
    let options =
        Options { connect: Duration::from_secs(5), attempt, total: Duration::from_secs(20), ..Options::default() };
    EtcdStore::open(endpoints, "test", options).await.expect("a store")
}

fn key(number: u128) -> SessionKey {
    SessionKey::new(UccName::new("ucc").expect("a name"), CorrelationId::from_u128(number))
}

async fn set(
    store: &EtcdStore,
    key: &SessionKey,
    expected: Option<Revision>,
    action: Action,
) -> Result<Swap, StoreError> {
    let state = State::ALL[usize::from(action.code())];
    store.compare_and_set(key, expected, Some(state.into()), Note::none().because_of(action)).await
}

async fn revision(store: &EtcdStore, key: &SessionKey) -> Option<Revision> {
    store.read(key).await.expect("read").map(|found| found.revision)
}

/// What a watcher was shown; `None` where changes may be missing. And how each of the changes was made.
#[derive(Debug, Default)]
struct Shown(Mutex<Vec<Option<(SessionKey, Action)>>>, Mutex<Vec<Made>>);

impl Watcher for Shown {
    fn changed(&self, key: &SessionKey, action: Action, made: Made) {
        self.1.lock().expect("sound").push(made);
        self.0.lock().expect("sound").push(Some((key.clone(), action)));
    }

    fn missed(&self) {
        self.0.lock().expect("sound").push(None);
    }
}

impl Shown {
    fn to(store: &EtcdStore) -> Arc<Self> {
        let shown = Arc::<Self>::default();
        assert!(store.watched_by(Arc::<Self>::clone(&shown) as _));
        shown
    }

    fn all(&self) -> Vec<Option<(SessionKey, Action)>> {
        self.0.lock().expect("sound").clone()
    }

    /// How each was made, of those that were shown so far.
    fn made(&self) -> Vec<Made> {
        self.1.lock().expect("sound").clone()
    }

    /// Waits until there are so many.
    async fn wait(&self, count: usize) -> Vec<Option<(SessionKey, Action)>> {
        for _ in 0..3000 {
            if self.all().len() >= count {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.all()
    }
}
