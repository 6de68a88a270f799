//! Epochs in a file, whatever happens to the server.

use core::sync::atomic::Ordering;
use core::time::Duration;
use std::fs;

use recording_core::recorder::Epoch;
use redb::{Database, ReadableTable as _, TableDefinition};

use super::{Faults, FileStore, Model, Scratch, put, session};
use crate::store::Store as _;

const FACTS: TableDefinition<'_, &str, u64> = TableDefinition::new("facts");

/// The disk fails from each operation on, which is what it looks like to a file when its server is killed: no epoch is issued
/// twice. As many are taken each time as are reserved at once, and more.
#[tokio::test]
async fn no_epoch_comes_twice_whenever_the_server_is_killed() {
    let scratch = Scratch::new("epochs");
    let (mut last, mut failures) = (0, 0);
    let mut model = Model::new();
    for at in 0.. {
        let store = FileStore::open(&scratch.file(), None).unwrap();
        drop(store);
        let faults = Faults::default();
        faults.0.plan(at, u64::MAX);
        let Ok(store) = FileStore::open_with(&scratch.file(), None, faults.clone(), Duration::ZERO) else {
            continue;
        };
        let mut is_killed = false;
        for count in 0..9000 {
            match store.epoch().await.map(Epoch::get) {
                Ok(epoch) => {
                    assert!(epoch > last, "{epoch} after {last}, killed at operation {at}");
                    last = epoch;
                }
                Err(_) => {
                    failures += 1;
                    is_killed = true;
                    break;
                }
            }
            if count == 5000 && put(&store, &mut model, 1, Some(session(at as usize))).await.is_err() {
                is_killed = true;
                break;
            }
        }
        if !is_killed {
            assert!(at > 20 && failures > 5, "{at} {failures}");
            return;
        }
    }
}

/// An operation fails once: no epoch is issued for that, and the next one is greater than all before.
#[tokio::test]
async fn a_disk_that_fails_issues_nothing() {
    let scratch = Scratch::new("epochs-fail");
    let mut failures = 0;
    for at in 0.. {
        let _ = fs::remove_file(scratch.file());
        let faults = Faults::default();
        let store = FileStore::open_with(&scratch.file(), None, faults.clone(), Duration::ZERO).unwrap();
        let mut model = Model::new();
        put(&store, &mut model, 1, Some(session(1))).await.unwrap();
        let begun = faults.0.count.load(Ordering::SeqCst);
        faults.0.plan(begun + at, begun + at + 1);
        let first = store.epoch().await.ok();
        let is_reached = faults.0.count.load(Ordering::SeqCst) > begun + at;
        failures += usize::from(first.is_none());
        if is_reached {
            put(&store, &mut model, 2, Some(session(2))).await.unwrap();
        }
        faults.0.plan(u64::MAX, u64::MAX);
        let second = store.epoch().await.unwrap();
        assert!(first.is_none_or(|first| first < second), "operation {at}");
        assert_eq!(super::contents(&store).await, model);
        if !is_reached {
            assert!(at > 3 && failures > 3, "{at} {failures}");
            return;
        }
    }
}

/// Servers without recorders pay nothing; what was reserved is never reserved again, even if the clock has gone back.
#[tokio::test]
async fn epochs_are_reserved_when_the_first_is_asked_for() {
    let scratch = Scratch::new("epochs-lazy");
    let next = |set: Option<u64>| {
        let database = Database::create(scratch.file()).unwrap();
        let transaction = database.begin_write().unwrap();
        let next = {
            let mut facts = transaction.open_table(FACTS).unwrap();
            if let Some(next) = set {
                facts.insert("next epoch", next).unwrap();
            }
            facts.get("next epoch").unwrap().unwrap().value()
        };
        transaction.commit().unwrap();
        next
    };
    let store = FileStore::open(&scratch.file(), None).unwrap();
    put(&store, &mut Model::new(), 1, Some(session(0))).await.unwrap();
    drop(store);
    assert_eq!(next(None), 0);

    let late = Epoch::MAX - 5000;
    next(Some(late));
    let store = FileStore::open(&scratch.file(), None).unwrap();
    assert_eq!(store.epoch().await.map(Epoch::get), Ok(late));
    drop(store);
    // What was reserved and not issued is lost; the last ones are still good, and then there are no more.
    let store = FileStore::open(&scratch.file(), None).unwrap();
    let mut epochs = Vec::new();
    while let Ok(epoch) = store.epoch().await {
        epochs.push(epoch.get());
    }
    assert_eq!((epochs.first(), epochs.last()), (Some(&(late + 4096)), Some(&Epoch::MAX)));
    assert!(store.epoch().await.is_err());
    assert_eq!(store.ready().await, Ok(()));
}
