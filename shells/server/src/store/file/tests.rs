//! The file store against a model, against disks that fail, and against files that are not what they should be.

mod epochs;
mod format;
mod trail;

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, LazyLock, Mutex};

use recording_core::wire::{CorrelationId, UccName};
use redb::{Database, TableDefinition};

use super::backend::Faults;
use super::{FileStore, beside};
use crate::audit::Note;
use crate::store::laws::all_sessions;
use crate::store::{Session, SessionKey, Store, StoreError, Swap};

/// Operations on the file that fail: those counted `from` to `to`.
#[derive(Debug)]
pub(super) struct Planned {
    count: AtomicU64,
    from: AtomicU64,
    to: AtomicU64,
    /// While it is held, operations wait.
    held: Mutex<bool>,
    let_go: Condvar,
}

impl Default for Planned {
    fn default() -> Self {
        let never = || AtomicU64::new(u64::MAX);
        Self { count: AtomicU64::new(0), from: never(), to: never(), held: Mutex::new(false), let_go: Condvar::new() }
    }
}

impl Planned {
    pub(super) fn pass(&self) -> io::Result<()> {
        drop(self.let_go.wait_while(self.held.lock().unwrap(), |held| *held).unwrap());
        let at = self.count.fetch_add(1, Ordering::SeqCst);
        let fails = at >= self.from.load(Ordering::SeqCst) && at < self.to.load(Ordering::SeqCst);
        if fails { Err(io::Error::from(io::ErrorKind::StorageFull)) } else { Ok(()) }
    }

    pub(super) fn hold(&self, held: bool) {
        *self.held.lock().unwrap() = held;
        self.let_go.notify_all();
    }

    pub(super) fn plan(&self, from: u64, to: u64) {
        self.from.store(from, Ordering::SeqCst);
        self.to.store(to, Ordering::SeqCst);
    }
}

/// A directory of this test, gone when dropped.
pub(in crate::store) struct Scratch(PathBuf);

impl Scratch {
    pub(in crate::store) fn new(name: &str) -> Self {
        // In memory where there is such a place: what is tested is not whether a disk keeps its word.
        let memory = Path::new("/dev/shm");
        let place = if memory.is_dir() { memory.into() } else { std::env::temp_dir() };
        let directory = place.join(format!("recording-store-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        Self(directory)
    }

    pub(in crate::store) fn file(&self) -> PathBuf {
        self.0.join("sessions")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(super) fn key(number: u128) -> SessionKey {
    SessionKey::new(UccName::new("ucc").unwrap(), CorrelationId::from_u128(number))
}

/// Sessions in every state, with and without a recorder in turns.
fn session(number: usize) -> Session {
    static ALL: LazyLock<Vec<Session>> = LazyLock::new(|| {
        let (without, with): (Vec<_>, Vec<_>) = all_sessions().into_iter().partition(|all| all.bound().is_none());
        let with = with.into_iter().step_by(31);
        without.into_iter().zip(with).flat_map(|(without, with)| [with, without]).collect()
    });
    ALL[number % ALL.len()].clone()
}

/// What all clients have learned.
type Model = BTreeMap<u128, Session>;

async fn contents(store: &FileStore) -> Model {
    let page = store.page(None, usize::MAX).await.unwrap();
    page.into_iter().map(|(key, session)| (key.correlation_id.to_u128(), session)).collect()
}

/// Makes the session what is said, whatever it was, and notes that if it succeeded.
async fn put(store: &FileStore, model: &mut Model, number: u128, session: Option<Session>) -> Result<(), StoreError> {
    let found = store.read(&key(number)).await?.map(|found| found.revision);
    assert_eq!(store.compare_and_set(&key(number), found, session.clone(), Note::none()).await?, Swap::Stored);
    match session {
        Some(session) => model.insert(number, session),
        None => model.remove(&number),
    };
    Ok(())
}

/// A few sessions begun, changed and ended.
const SCRIPT: [(u128, Option<usize>); 9] = [
    (1, Some(0)),
    (2, Some(1)),
    (1, Some(5)),
    (1, Some(6)),
    (2, None),
    (3, Some(7)),
    (2, Some(8)),
    (1, None),
    (3, Some(9)),
];

#[tokio::test]
async fn what_was_told_is_there_after_opening_again() {
    let scratch = Scratch::new("again");
    let mut model = Model::new();
    let mut revisions = Vec::new();
    for (number, to) in SCRIPT.into_iter().cycle().take(40) {
        let store = FileStore::open(&scratch.file(), None).unwrap();
        assert_eq!(contents(&store).await, model);
        put(&store, &mut model, number, to.map(session)).await.unwrap();
        assert_eq!(contents(&store).await, model);
        // No revision comes again, not even after the file was closed and the session ended.
        let revision = store.read(&key(number)).await.unwrap().map(|found| found.revision.0);
        revisions.extend(revision);
    }
    assert!(revisions.is_sorted_by(|a, b| a < b), "{revisions:?}");
}

#[tokio::test]
async fn a_change_of_what_is_not_as_expected_is_a_conflict() {
    let scratch = Scratch::new("conflict");
    let store = FileStore::open(&scratch.file(), None).unwrap();
    assert_eq!(store.begin(&key(1), session(1)).await, Ok(Swap::Stored));
    assert_eq!(store.begin(&key(1), session(2)).await, Ok(Swap::Conflict));
    let first = store.read(&key(1)).await.unwrap().unwrap();
    assert_eq!(
        store.compare_and_set(&key(1), Some(first.revision), Some(session(3)), Note::none()).await,
        Ok(Swap::Stored)
    );
    for expected in [None, Some(first.revision)] {
        for to in [None, Some(session(4))] {
            assert_eq!(store.compare_and_set(&key(1), expected, to, Note::none()).await, Ok(Swap::Conflict));
        }
    }
    assert_eq!(contents(&store).await, Model::from([(1, session(3))]));
}

/// Of many who change the same session at once, each revision lets one through; and they share commits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_changes_are_committed_together() {
    let scratch = Scratch::new("together");
    let store = Arc::new(FileStore::open(&scratch.file(), None).unwrap());
    let tasks: Vec<_> = (0..64)
        .map(|task: u128| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut stored = 0;
                for number in 0..20 {
                    // Half of them contend for one session, the others have one each.
                    let key = if task.is_multiple_of(2) { key(0) } else { key(task) };
                    let found = store.read(&key).await.unwrap().map(|found| found.revision);
                    let swap = store.compare_and_set(&key, found, Some(session(number)), Note::none()).await.unwrap();
                    stored += u64::from(swap == Swap::Stored);
                }
                stored
            })
        })
        .collect();
    let mut stored = 0;
    for task in tasks {
        stored += task.await.unwrap();
    }
    let (sizes, sum) = store.commits().unwrap().sizes.read();
    let commits: u64 = sizes.iter().map(|&(_, count)| count).sum();
    assert!(stored > 32 * 20, "{stored}");
    assert_eq!(sum as u64, stored);
    assert!(commits * 4 < stored, "{commits} commits of {stored} changes");
    assert_eq!(contents(&store).await.len(), 33);
}

/// Each operation on the disk fails once, or from then on until the end of the script, one after the other: a client that learns
/// of an error finds everything as it was, and the store goes on when the disk does.
#[tokio::test]
async fn whatever_fails_on_the_disk_leaves_what_was_told() {
    let scratch = Scratch::new("faults");
    let (mut at, mut failures) = (0, 0);
    loop {
        let mut reached = false;
        for length in [1, 2, 7, u64::MAX / 2] {
            let _ = fs::remove_file(scratch.file());
            let faults = Faults::default();
            let store = FileStore::open_with(&scratch.file(), None, faults.clone(), Duration::ZERO).unwrap();
            let begun = faults.0.count.load(Ordering::SeqCst);
            faults.0.plan(begun + at, (begun + at).saturating_add(length));
            let mut model = Model::new();
            for (number, to) in SCRIPT {
                let told = put(&store, &mut model, number, to.map(session)).await;
                failures += usize::from(told.is_err());
                assert_eq!(contents(&store).await, model, "operation {at}, for {length}");
            }
            reached |= faults.0.count.load(Ordering::SeqCst) > begun + at;
            faults.0.plan(u64::MAX, u64::MAX);
            assert_eq!(store.ready().await, Ok(()), "operation {at}, for {length}");
            put(&store, &mut model, 9, Some(session(4))).await.unwrap();
            put(&store, &mut model, 1, Some(session(3))).await.unwrap();
            assert_eq!(contents(&store).await, model, "operation {at}, for {length}");
            drop(store);
            let store = FileStore::open(&scratch.file(), None).unwrap();
            assert_eq!(contents(&store).await, model, "operation {at}, for {length}, opened again");
        }
        if !reached {
            break;
        }
        at += 1;
    }
    println!("{at} operations on the disk made to fail, in 4 ways each: {failures} changes told as not stored");
    assert!(at > 30, "{at}");
    assert!(failures > 100, "{failures}");
}

/// A disk that fails when the store is begun is an error, and leaves nothing that would be taken for a store.
#[test]
fn a_disk_that_fails_at_the_beginning_leaves_no_store() {
    let scratch = Scratch::new("beginning");
    for at in 0.. {
        let faults = Faults::default();
        faults.0.plan(at, u64::MAX);
        let opened = FileStore::open_with(&scratch.file(), None, faults, Duration::ZERO);
        let Err(error) = opened else {
            assert!(at > 5);
            return;
        };
        assert!(error.to_string().contains("cannot be read and written"), "{error}");
        assert!(!scratch.file().exists() && !beside(&scratch.file(), ".new").exists());
    }
}

/// A store with some sessions, closed; gives its bytes.
async fn bytes(file: &Path, sessions: u128) -> (Vec<u8>, Model) {
    let store = FileStore::open(file, None).unwrap();
    let mut model = Model::new();
    for number in 0..sessions {
        put(&store, &mut model, number, Some(session(number as usize))).await.unwrap();
    }
    drop(store);
    (fs::read(file).unwrap(), model)
}

fn refused(file: &Path) -> String {
    let error = FileStore::open(file, None).map(drop).unwrap_err().to_string();
    assert!(!error.contains('\n'), "{error}");
    let rest = error.strip_prefix(&format!("the store {}: ", file.display()));
    rest.unwrap_or_else(|| panic!("{error}")).to_owned()
}

#[tokio::test]
async fn what_is_no_store_is_refused_and_left_alone() {
    let scratch = Scratch::new("refused");
    let file = scratch.file();
    let (good, _) = bytes(&file, 3).await;
    let instead = "; put a backup in its place, or remove it to begin without sessions";

    let check = |contents: &[u8], reason: &str| {
        fs::write(&file, contents).unwrap();
        let refusal = refused(&file);
        assert!(refusal.starts_with(reason), "{refusal}");
        assert!(fs::read(&file).unwrap() == contents, "{reason}: the file was changed");
    };
    check(b"", &format!("is an empty file, which no store is{instead}"));
    check(b"[[ucc]]\n", "is not a store of this server: ");
    check(&[b'x'; 100_000], "is not a store of this server: ");

    fs::remove_file(&file).unwrap();
    let other = Database::create(&file).unwrap();
    drop(other);
    assert_eq!(refused(&file), "is not a store of this server: it is a database of something else");

    fs::write(&file, &good).unwrap();
    let later = Database::create(&file).unwrap();
    let transaction = later.begin_write().unwrap();
    let facts: TableDefinition<'_, &str, u64> = TableDefinition::new("facts");
    transaction.open_table(facts).unwrap().insert("format", 3).unwrap();
    transaction.commit().unwrap();
    drop(later);
    assert_eq!(refused(&file), "has format 3, and this version reads formats 1 to 2 only");

    fs::write(&file, &good).unwrap();
    let store = FileStore::open(&file, None).unwrap();
    assert_eq!(refused(&file), "another server has it open");
    drop(store);
    assert_eq!(FileStore::open(&file, None).unwrap().len(), 3);

    let nowhere = scratch.0.join("no/such/directory");
    assert_eq!(refused(&nowhere), "cannot be read and written: No such file or directory (os error 2)");
}

/// Whatever happens to the bytes of a file, a store that opens has exactly the sessions that were in it.
#[tokio::test]
async fn a_damaged_file_is_refused_or_has_all_its_sessions() {
    let scratch = Scratch::new("damaged");
    let file = scratch.file();
    let (good, model) = bytes(&file, 40).await;
    let hook = std::panic::take_hook();
    // The database panics on some of them, which is caught.
    std::panic::set_hook(Box::new(|_| {}));
    let (mut opened, mut refusals) = (0, 0);
    let mut verdict = async |damaged: &[u8], what: &str| {
        fs::write(&file, damaged).unwrap();
        match FileStore::open(&file, None) {
            Ok(store) => {
                opened += 1;
                (contents(&store).await == model, what.to_owned())
            }
            Err(error) => {
                refusals += 1;
                (!error.to_string().contains('\n'), what.to_owned())
            }
        }
    };
    let mut verdicts = Vec::new();
    // Every byte of the database's header, and of all others that are not zero so many that it does not take minutes.
    let places = (0..320).chain((320..good.len()).filter(|&at| good[at] != 0).step_by(101));
    for at in places {
        let mut damaged = good.clone();
        damaged[at] ^= 1 << (at % 8);
        verdicts.push(verdict(&damaged, &format!("byte {at} of {}", good.len())).await);
    }
    for length in (1..good.len()).step_by(good.len() / 20) {
        verdicts.push(verdict(&good[..length], &format!("{length} bytes of {}", good.len())).await);
    }
    for page in 0..good.len() / 4096 {
        if good[page * 4096..][..4096].iter().any(|&byte| byte != 0) {
            let mut damaged = good.clone();
            damaged[page * 4096..][..4096].fill(0);
            verdicts.push(verdict(&damaged, &format!("page {page} lost")).await);
        }
    }
    std::panic::set_hook(hook);
    println!("{} damaged files: {refusals} refused, {opened} with all their sessions", verdicts.len());
    let wrong: Vec<_> = verdicts.iter().filter(|(right, _)| !right).collect();
    assert!(wrong.is_empty(), "{} of {}: {wrong:?}", wrong.len(), verdicts.len());
    assert!(refusals > 100, "{refusals}");
}

/// What watches the thread that writes learns when it is gone.
#[tokio::test]
async fn the_end_of_the_thread_that_writes_is_noticed() {
    let scratch = Scratch::new("thread");
    let mut store = FileStore::open(&scratch.file(), None).unwrap();
    let mut ended = Box::pin(store.ended());
    assert!(tokio::time::timeout(Duration::from_millis(20), &mut ended).await.is_err());
    drop(store.asked.take());
    tokio::time::timeout(Duration::from_secs(20), ended).await.unwrap();
    assert!(put(&store, &mut Model::new(), 1, Some(session(1))).await.is_err());
}

/// Not ready from a commit that failed, until one succeeds, be it one that was made to find out.
#[tokio::test]
async fn ready_is_what_the_last_commit_was() {
    let scratch = Scratch::new("ready");
    let faults = Faults::default();
    let store = FileStore::open_with(&scratch.file(), None, faults.clone(), Duration::ZERO).unwrap();
    let mut model = Model::new();
    for is_asked in [false, true] {
        assert_eq!(store.ready().await, Ok(()));
        faults.0.plan(0, u64::MAX);
        assert!(put(&store, &mut model, 1, Some(session(1))).await.is_err());
        for _ in 0..3 {
            assert!(store.ready().await.is_err());
        }
        faults.0.plan(u64::MAX, u64::MAX);
        // Either the question finds out, or a change does.
        if !is_asked {
            put(&store, &mut model, 1, Some(session(2))).await.unwrap();
            let before = faults.0.count.load(Ordering::SeqCst);
            assert_eq!(store.ready().await, Ok(()));
            assert_eq!(faults.0.count.load(Ordering::SeqCst), before, "there is nothing to find out");
        }
        assert_eq!(store.ready().await, Ok(()));
    }
    drop(store);
    assert_eq!(contents(&FileStore::open(&scratch.file(), None).unwrap()).await, model);
}
