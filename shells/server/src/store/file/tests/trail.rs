//! The store and its trail together: after failures, an orderly end and a store that was put back.

use super::*;
use crate::audit::{Trail, TrailSettings};
use crate::caller::Caller;
use crate::occurrence::Change;

fn open(scratch: &Scratch, faults: &Faults) -> (FileStore, Trail) {
    let settings = TrailSettings { path: scratch.0.join("trail"), ..TrailSettings::default() };
    let trail = Trail::open(&settings).unwrap();
    let store = FileStore::open_with(&scratch.file(), Some(trail.clone()), faults.clone(), Duration::MAX).unwrap();
    trail.started("file:sessions").unwrap();
    (store, trail)
}

/// An orderly end: the store first, then the line about it.
fn end(store: FileStore, trail: Trail) {
    drop(store);
    trail.ended().unwrap();
    drop(trail);
}

async fn begin(store: &FileStore, number: u128) -> Result<u64, StoreError> {
    let key = key(number);
    let note =
        Trail::note(&Change::Begin { key: &key, state: session(1).kept_state(), recorder: None }, Caller::default());
    assert_eq!(store.compare_and_set(&key, None, Some(session(1)), note).await?, Swap::Stored);
    Ok(store.read(&key).await?.unwrap().revision.0)
}

/// Outcome and revision of each line that has one.
fn told(scratch: &Scratch) -> Vec<(String, u64)> {
    let text = fs::read_to_string(scratch.0.join("trail")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines.filter_map(|line| Some((line["Outcome"].as_str()?.to_owned(), line["Revision"].as_u64()?))).collect()
}

fn expected(lines: &[(&str, u64)]) -> Vec<(String, u64)> {
    lines.iter().map(|&(outcome, revision)| (outcome.to_owned(), revision)).collect()
}

#[tokio::test]
async fn a_copy_that_is_put_back_after_an_orderly_end() {
    let scratch = Scratch::new("trail-copy");
    let copy = scratch.0.join("copy");
    let (store, trail) = open(&scratch, &Faults::default());
    assert_eq!(begin(&store, 1).await, Ok(1));
    assert_eq!(begin(&store, 2).await, Ok(2));
    end(store, trail);
    fs::copy(scratch.file(), &copy).unwrap();
    let (store, trail) = open(&scratch, &Faults::default());
    assert_eq!(begin(&store, 3).await, Ok(3));
    assert_eq!(begin(&store, 4).await, Ok(4));
    end(store, trail);
    fs::copy(&copy, scratch.file()).unwrap();
    let (store, trail) = open(&scratch, &Faults::default());
    assert_eq!(begin(&store, 5).await, Ok(5));
    end(store, trail);
    let run =
        [("started", 0), ("opened", 1), ("opened", 2), ("ended", 2), ("started", 2), ("opened", 3), ("opened", 4)];
    let rest = [("ended", 4), ("withdrawn", 3), ("withdrawn", 4), ("started", 4), ("opened", 5), ("ended", 5)];
    assert_eq!(told(&scratch), expected(&[&run[..], &rest].concat()));
}

/// The store's disk fails and is well again before the end, however long it fails: what has a line and was not made is withdrawn
/// at the end, or if the disk does not come back at the next start; no number is given twice.
#[tokio::test]
async fn what_is_owed_is_withdrawn_at_an_orderly_end() {
    for (at, length) in (0..12).flat_map(|at| [(at, 1), (at, 3), (at, u64::MAX / 2)]) {
        let scratch = Scratch::new("trail-owed");
        let faults = Faults::default();
        let (store, trail) = open(&scratch, &faults);
        assert_eq!(begin(&store, 1).await, Ok(1));
        let now = faults.0.count.load(Ordering::SeqCst);
        faults.0.plan(now + at, (now + at).saturating_add(length));
        let second = begin(&store, 2).await;
        let is_over = length < 10;
        if is_over {
            faults.0.plan(u64::MAX, u64::MAX);
        }
        end(store, trail);
        faults.0.plan(u64::MAX, u64::MAX);
        let lines = told(&scratch);
        let is_told = lines.contains(&("opened".into(), 2));
        let is_withdrawn = lines.contains(&("withdrawn".into(), 2));
        if is_over {
            assert_eq!(is_told && second.is_err(), is_withdrawn, "{at}, {length}: {lines:?}");
        }
        assert!(second.is_err() || !is_withdrawn);
        let (store, trail) = open(&scratch, &Faults::default());
        let is_there = store.read(&key(2)).await.unwrap().is_some();
        assert_eq!(begin(&store, 3).await.is_ok_and(|revision| revision > 2), is_told, "{at}, {length}");
        end(store, trail);
        let lines = told(&scratch);
        let withdrawn = lines.iter().filter(|(outcome, revision)| outcome == "withdrawn" && *revision == 2).count();
        assert_eq!(withdrawn, usize::from(is_told && !is_there), "{at}, {length}: {lines:?}");
        let mut given: Vec<u64> = lines.iter().filter(|(outcome, _)| outcome == "opened").map(|line| line.1).collect();
        given.dedup();
        assert!(given.is_sorted_by(|a, b| a < b), "{lines:?}");
    }
}

/// A link to the file stays one, wherever a new file takes its place; and all files are for their user alone.
#[cfg(unix)]
#[tokio::test]
async fn a_link_stays_a_link_and_files_are_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let scratch = Scratch::new("trail-link");
    let there = scratch.0.join("there");
    fs::create_dir(&there).unwrap();
    std::os::unix::fs::symlink("there/sessions", scratch.file()).unwrap();
    let faults = Faults::default();
    let mut model = Model::new();
    for is_first in [true, false] {
        let store = FileStore::open_with(&scratch.file(), None, faults.clone(), Duration::ZERO).unwrap();
        // Settled by a new file: reading the old one fails as well.
        let now = faults.0.count.load(Ordering::SeqCst);
        faults.0.plan(now, now + 6);
        let _ = put(&store, &mut model, 1, Some(session(1))).await;
        faults.0.plan(u64::MAX, u64::MAX);
        assert_eq!(store.ready().await, Ok(()));
        put(&store, &mut model, 2, Some(session(2))).await.unwrap();
        drop(store);
        assert!(fs::symlink_metadata(scratch.file()).unwrap().is_symlink());
        let real = there.join("sessions");
        assert_eq!(mode(&real), if is_first { 0o600 } else { 0o640 });
        assert_eq!(mode(&there.join("sessions.lock")), 0o600);
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    }
}
