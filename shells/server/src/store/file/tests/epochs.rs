//! Epochs in a file, whatever happens to the server.

use core::sync::atomic::Ordering;
use core::time::Duration;
use std::fs;

use recording_core::recorder::Epoch;
use redb::{Database, ReadableTable as _, TableDefinition};

use super::{Faults, FileStore, Model, Scratch, contents, put, session};
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

/// Operations fail for a while, until the file is written again in some of the cases: no epoch is issued meanwhile, and the next
/// ones are greater than all before, also after a start. So many are taken that the clock alone would not see to that.
#[tokio::test]
async fn a_disk_that_fails_issues_nothing() {
    let scratch = Scratch::new("epochs-fail");
    let mut failures = 0;
    for (length, at) in [1, 2, 7].into_iter().flat_map(|length| (0..12).map(move |at| (length, at))) {
        let _ = fs::remove_file(scratch.file());
        let faults = Faults::default();
        let store = FileStore::open_with(&scratch.file(), None, faults.clone(), Duration::ZERO).unwrap();
        let mut model = Model::new();
        put(&store, &mut model, 1, Some(session(1))).await.unwrap();
        let begun = faults.0.count.load(Ordering::SeqCst);
        faults.0.plan(begun + at, begun + at + length);
        let mut epochs = Vec::new();
        for number in 0..2 {
            match store.epoch().await {
                Ok(epoch) => epochs.push(epoch.get()),
                Err(_) => failures += 1,
            }
            let _ = put(&store, &mut model, number, Some(session(2))).await;
        }
        faults.0.plan(u64::MAX, u64::MAX);
        for _ in 0..3000 {
            epochs.push(store.epoch().await.unwrap().get());
        }
        assert_eq!(contents(&store).await, model);
        drop(store);
        let store = FileStore::open(&scratch.file(), None).unwrap();
        epochs.push(store.epoch().await.unwrap().get());
        assert!(epochs.is_sorted_by(|a, b| a < b), "operation {at}, for {length}");
    }
    assert!(failures > 10, "{failures}");
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
