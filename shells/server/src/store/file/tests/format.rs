//! Files of other formats.

use core::time::Duration;
use std::fs;
use std::path::Path;

use recording_core::State;
use recording_core::wire::CorrelationId;
use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};

use super::{Faults, FileStore, Model, Scratch, contents, put, session};
use crate::store::{Session, SessionKey, Store as _};

/// The file of a server of format 1 that was killed, and what it had listed before.
const OLD: &[u8] = include_bytes!("format-1");
const LISTED: &str = include_str!("format-1.txt");

const FACTS: TableDefinition<'_, &str, u64> = TableDefinition::new("facts");
const OLD_SESSIONS: TableDefinition<'_, (u128, &str), (u64, u8)> = TableDefinition::new("sessions");
const SESSIONS: TableDefinition<'_, (u128, &str), (u64, &[u8])> = TableDefinition::new("sessions");

/// All that is in a file: sessions with revision and bytes, and facts.
type Rows = (Vec<((u128, String), u64, Vec<u8>)>, Vec<(String, u64)>);

fn rows(file: &Path, is_old: bool) -> Rows {
    let database = Database::create(file).unwrap();
    let transaction = database.begin_read().unwrap();
    let key = |(id, ucc): (u128, &str)| (id, ucc.to_owned());
    let (mut sessions, mut facts) = (Vec::new(), Vec::new());
    if is_old {
        for row in transaction.open_table(OLD_SESSIONS).unwrap().iter().unwrap() {
            let (at, value) = row.unwrap();
            sessions.push((key(at.value()), value.value().0, vec![value.value().1]));
        }
    } else {
        for row in transaction.open_table(SESSIONS).unwrap().iter().unwrap() {
            let (at, value) = row.unwrap();
            sessions.push((key(at.value()), value.value().0, value.value().1.to_vec()));
        }
    }
    for row in transaction.open_table(FACTS).unwrap().iter().unwrap() {
        let (name, value) = row.unwrap();
        facts.push((name.value().to_owned(), value.value()));
    }
    (sessions, facts)
}

fn fact(rows: &Rows, name: &str) -> Option<u64> {
    rows.1.iter().find(|(fact, _)| fact == name).map(|(_, value)| *value)
}

/// What the old server listed.
fn listed() -> Vec<(SessionKey, Session)> {
    let lines = LISTED.lines().filter(|line| !line.starts_with('#'));
    let session = |line: &str| {
        let mut words = line.splitn(5, ' ');
        let mut word = || words.next().unwrap();
        let id = CorrelationId::parse(word()).unwrap();
        let [recording, marking, saving] = [(); 3].map(|()| word().parse::<u8>().unwrap());
        let state = State::from_byte(recording | marking << 2 | saving << 4).unwrap();
        (SessionKey::new(recording_core::wire::UccName::new(word()).unwrap(), id), state.into())
    };
    lines.map(session).collect()
}

#[tokio::test]
async fn a_file_of_format_1_is_moved_on_and_nothing_else_changes() {
    let scratch = Scratch::new("format");
    fs::write(scratch.file(), OLD).unwrap();
    let before = rows(&scratch.file(), true);
    assert_eq!((fact(&before, "format"), before.0.len()), (Some(1), 62));

    fs::write(scratch.file(), OLD).unwrap();
    let store = FileStore::open(&scratch.file(), None).unwrap();
    assert_eq!(store.page(None, usize::MAX).await.unwrap(), listed());
    assert_eq!(Some(store.id()), fact(&before, "id"));
    assert_eq!(Some(store.last_revision().0), fact(&before, "last revision"));
    drop(store);

    // Sessions, revisions and states are the same to the byte, and so are the facts but for what is new.
    let (sessions, facts) = rows(&scratch.file(), false);
    assert_eq!(sessions, before.0);
    let mut expected = before.1.clone();
    expected.push(("next epoch".to_owned(), 0));
    expected.iter_mut().filter(|(name, _)| name == "format").for_each(|(_, format)| *format = 2);
    expected.sort();
    assert_eq!(facts, expected);

    // And it is a store like any other.
    let store = FileStore::open(&scratch.file(), None).unwrap();
    for number in 0..40 {
        put(&store, &mut Model::new(), number, Some(session(number as usize))).await.unwrap();
    }
    assert!(store.epoch().await.is_ok());
    let after = contents(&store).await;
    drop(store);
    let store = FileStore::open(&scratch.file(), None).unwrap();
    assert_eq!((contents(&store).await, store.len()), (after, 102));
}

/// A file of format 1 in which a session has what it cannot have is refused, and not moved on.
#[test]
fn a_damaged_file_of_format_1_stays_one() {
    let scratch = Scratch::new("format-damaged");
    for (revision, state) in [(1, 255), (1, 0b00_1100), (u64::MAX, 0)] {
        fs::write(scratch.file(), OLD).unwrap();
        let database = Database::create(scratch.file()).unwrap();
        let transaction = database.begin_write().unwrap();
        transaction.open_table(OLD_SESSIONS).unwrap().insert((9, "ucc"), (revision, state)).unwrap();
        transaction.commit().unwrap();
        drop(database);
        let before = rows(&scratch.file(), true);
        let error = FileStore::open(&scratch.file(), None).map(drop).unwrap_err().to_string();
        assert!(error.contains("is damaged: "), "{error}");
        assert_eq!(rows(&scratch.file(), true), before);
    }
}

/// The disk fails at each operation, once or from then on, as if the server were killed there: the file is of one format or the
/// other, with everything that was in it.
#[tokio::test]
async fn whatever_fails_while_a_file_is_moved_on_it_is_whole() {
    let scratch = Scratch::new("format-fails");
    let (mut refused, mut opened) = (0, 0);
    for at in 0.. {
        let mut failures = 0;
        for until in [at + 1, u64::MAX] {
            fs::write(scratch.file(), OLD).unwrap();
            let faults = Faults::default();
            faults.0.plan(at, until);
            match FileStore::open_with(&scratch.file(), None, faults, Duration::ZERO) {
                Ok(store) => {
                    opened += 1;
                    assert_eq!(store.page(None, usize::MAX).await.unwrap(), listed(), "operation {at}");
                }
                Err(error) => {
                    failures += 1;
                    assert!(error.to_string().contains("cannot be read and written"), "{error}");
                }
            }
            let store = FileStore::open(&scratch.file(), None).unwrap();
            assert_eq!(store.page(None, usize::MAX).await.unwrap(), listed(), "operation {at}");
        }
        refused += failures;
        if failures == 0 && at > 40 {
            break;
        }
    }
    println!("a file moved on, with operations on the disk made to fail: refused {refused} times, opened {opened}");
    assert!(refused > 20, "{refused}");
}

/// The number is what an older server refuses the file by, and says so.
#[test]
fn a_new_file_has_the_number_of_this_format() {
    let scratch = Scratch::new("format-number");
    drop(FileStore::open(&scratch.file(), None).unwrap());
    assert_eq!(fact(&rows(&scratch.file(), false), "format"), Some(2));
}
