//! What every store keeps to, whatever it keeps sessions in.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use recording_core::State;
use recording_core::recorder::Kept;
use recording_core::wire::{CorrelationId, UccName};
use tokio::task::JoinSet;

use super::file::tests::Scratch;
use super::{FileStore, MemoryStore, Session, SessionKey, Store, Swap};
use crate::audit::Note;
use crate::session::{Binding, Bound};

/// Makes a test of each law for each store.
macro_rules! laws {
    ($($law:ident)*) => {
        mod memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $law() {
                super::$law(super::Arc::new(super::MemoryStore::new())).await;
            })*
        }

        mod file {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $law() {
                let scratch = super::Scratch::new(concat!("law-", stringify!($law)));
                super::$law(super::Arc::new(super::FileStore::open(&scratch.file(), None).unwrap())).await;
            })*
        }

        #[cfg(feature = "etcd")]
        mod etcd {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            #[ignore = "needs members of etcd: cargo xtask cluster store"]
            async fn $law() {
                let cluster = super::super::etcd::tests::members(1);
                super::$law(super::Arc::new(super::super::etcd::tests::store(&cluster).await)).await;
            })*
        }
    };
}

laws! {
    an_old_revision_stays_old
    each_revision_is_replaced_at_most_once
    what_was_stored_is_found_whatever_it_is
    a_change_is_decided_from_all_before_it
    a_page_has_all_sessions_in_order
    what_could_not_be_read_again_is_refused
    no_epoch_comes_twice
    a_store_keeps_its_id
}

fn key_in(ucc: &str, number: u128) -> SessionKey {
    SessionKey::new(UccName::new(ucc).unwrap(), CorrelationId::from_u128(number))
}

fn key() -> SessionKey {
    key_in("ucc", 7)
}

pub(super) fn bound(kept: Kept, recorder: &str, call: &str) -> Session {
    let binding = Arc::new(Binding { recorder: recorder.into(), call: call.into() });
    Session::Bound(Arc::new(Bound { kept, binding }))
}

/// Everything that the core can keep of a session, with few values for each number: so many bytes are tried, and those kept that
/// it reads.
pub(super) fn all_kept() -> Vec<Kept> {
    let mut all = Vec::new();
    let places: Vec<u8> = (1..=128).collect();
    for state in State::ALL {
        for order in 0..=3 {
            for closing in 0..=3 {
                for (resume, mask) in [(0, 0), (1, 0), (1, 0b1), (1, 0xff)] {
                    for (epoch, record, paused) in
                        [(1_u64, 0_u64, 0_u64), (1 << 39, 0, 0), (7, 7 << 24, 0), (7, 0, 1_800_000_000_000)]
                    {
                        let mut bytes = vec![state.to_byte(), Kept::VERSION, order, closing, resume, mask, 0, 0];
                        bytes.extend([epoch, record, paused].into_iter().flat_map(u64::to_le_bytes));
                        bytes.extend(places.iter().map(|byte| if mask == 0xff { *byte } else { 0 }));
                        if mask == 1 {
                            bytes[32..48].fill(9);
                        }
                        all.extend(Kept::from_bytes(&bytes).ok());
                    }
                }
            }
        }
    }
    all
}

/// Sessions with a recorder and without one: every state, and every value that the core can keep.
pub(super) fn all_sessions() -> Vec<Session> {
    let longest = format!(r#"{{"CallId":"{}"}}"#, "x".repeat(Binding::CALL_MAX - 13));
    assert_eq!(longest.len(), Binding::CALL_MAX);
    let calls = ["{}", r#"{"CallId":"1@host","Name":"Zürich"}"#, &longest];
    let names = ["r", "proxy-a", &"n".repeat(Binding::RECORDER_MAX)];
    let texts = names.iter().flat_map(|name| calls.map(|call| (name, call))).cycle();
    let with = all_kept().into_iter().zip(texts).map(|(kept, (name, call))| bound(kept, name, call));
    State::ALL.into_iter().map(Session::Plain).chain(with).collect()
}

async fn found(store: &impl Store, key: &SessionKey) -> Option<Session> {
    store.read(key).await.unwrap().map(|found| found.session)
}

async fn an_old_revision_stays_old(store: Arc<impl Store>) {
    let key = key();
    let [a, b, ..] = State::ALL;
    let revision = async || store.read(&key).await.unwrap().map(|found| found.revision);
    let set = async |expected, state: Option<State>| {
        store.compare_and_set(&key, expected, state.map(Into::into), Note::none()).await.unwrap()
    };
    assert_eq!(revision().await, None);
    assert_eq!(set(Some(super::Revision(0)), Some(a)).await, Swap::Conflict);
    assert_eq!(set(None, Some(a)).await, Swap::Stored);
    let first = revision().await;
    assert_eq!(set(first, Some(b)).await, Swap::Stored);
    assert_eq!(set(None, Some(a)).await, Swap::Conflict);
    // Neither the same state again nor the session begun again brings the revision back.
    let second = revision().await;
    assert_eq!(set(second, Some(a)).await, Swap::Stored);
    assert_eq!(set(first, Some(b)).await, Swap::Conflict);
    assert_eq!(set(first, None).await, Swap::Conflict);
    let third = revision().await;
    assert_eq!(set(third, None).await, Swap::Stored);
    assert_eq!(set(third, None).await, Swap::Conflict);
    assert_eq!(set(second, Some(b)).await, Swap::Conflict);
    assert_eq!(set(None, Some(a)).await, Swap::Stored);
    assert_eq!(set(first, Some(b)).await, Swap::Conflict);
    assert_eq!(found(&*store, &key).await, Some(a.into()));
    assert_eq!([first, second, third, revision().await].into_iter().collect::<HashSet<_>>().len(), 4);
}

/// Threads without turns, as servers would be that share a store.
async fn each_revision_is_replaced_at_most_once(store: Arc<impl Store>) {
    const TRIES: usize = 500;
    let key = key();
    assert_eq!(store.begin(&key, State::INITIAL).await, Ok(Swap::Stored));
    let mut tasks = JoinSet::new();
    for _ in 0..4 {
        let (store, key) = (Arc::clone(&store), key.clone());
        tasks.spawn(async move {
            let mut replaced = Vec::new();
            for &state in State::ALL.iter().cycle().take(TRIES) {
                let revision = store.latest(&key).await.unwrap().found.unwrap().revision;
                let set = store.compare_and_set(&key, Some(revision), Some(state.into()), Note::none());
                replaced.extend((set.await == Ok(Swap::Stored)).then_some(revision));
            }
            replaced
        });
    }
    let replaced = tasks.join_all().await.concat();
    // Whoever meets a conflict was overtaken, and one change overtakes three at most.
    assert!(replaced.len() >= TRIES, "{}", replaced.len());
    assert_eq!(replaced.iter().copied().collect::<HashSet<_>>().len(), replaced.len());
}

/// Each session is begun, and then replaced by the next one.
async fn what_was_stored_is_found_whatever_it_is(store: Arc<impl Store>) {
    let all = all_sessions();
    assert!(all.iter().filter(|session| session.state().is_none()).count() > 50);
    let turned = || all.iter().skip(1).chain(&all[..1]);
    let mut storing = Vec::new();
    for (number, session) in (0..).zip(&all) {
        storing.push(store.ask(&key_in("ucc", number), None, Some(session.clone()), Note::none()).await.unwrap());
    }
    for (number, next) in (0..).zip(turned()) {
        let key = key_in("ucc", number);
        let revision = store.latest(&key).await.unwrap().found.map(|found| found.revision);
        storing.push(store.ask(&key, revision, Some(next.clone()), Note::none()).await.unwrap());
    }
    for storing in storing {
        assert_eq!(storing.await, Ok(Swap::Stored));
    }
    let page = store.page(None, usize::MAX).await.unwrap();
    assert!(page.iter().map(|(_, session)| session).eq(turned()));
    assert_eq!(store.open_sessions().await, Ok(all.len()));
    for (key, session) in page {
        assert_eq!(found(&*store, &key).await, Some(session));
    }
}

async fn a_change_is_decided_from_all_before_it(store: Arc<impl Store>) {
    let key = key();
    let sessions: Vec<_> = all_sessions().into_iter().step_by(7).take(100).collect();
    let mut storing = Vec::new();
    for session in &sessions {
        let latest = store.latest(&key).await.unwrap();
        let revision = latest.found.map(|found| found.revision);
        storing.push(store.ask(&key, revision, Some(session.clone()), Note::none()).await.unwrap());
        let latest = store.latest(&key).await.unwrap();
        assert_eq!(latest.found.as_ref().map(|found| &found.session), Some(session));
        // Compared with the latest, and not with what is stored.
        let late = store.ask(&key, revision, None, Note::none()).await.unwrap();
        assert_eq!(late.await, Ok(Swap::Conflict));
        let told = store.until_stored(&key, &latest);
        if latest.may_be_old {
            // It is so now; after the next change it is not.
            assert_eq!(told.await, Ok(Swap::Stored));
        } else {
            storing.push(told);
        }
    }
    for storing in storing {
        assert_eq!(storing.await, Ok(Swap::Stored));
    }
    assert_eq!(found(&*store, &key).await.as_ref(), sessions.last());
    let latest = store.latest(&key).await.unwrap();
    assert_eq!((latest.found, latest.not_yet), (store.read(&key).await.unwrap(), None));
}

async fn a_page_has_all_sessions_in_order(store: Arc<impl Store>) {
    let mut model = BTreeMap::new();
    for (number, session) in (0_u128..).zip(all_sessions().into_iter().step_by(11).take(60)) {
        let key = key_in(["ucc", "b", "Zürich"][number as usize % 3], number.wrapping_mul(0x9e37_79b9) % 40);
        model.entry(key.clone()).or_insert_with(|| session.clone());
        let _ = store.begin(&key, session).await.unwrap();
    }
    for limit in 1..=model.len() + 1 {
        let (mut pages, mut after) = (Vec::new(), None);
        loop {
            let page = store.page(after.as_ref(), limit).await.unwrap();
            assert!(page.len() <= limit);
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            pages.extend(page);
        }
        assert!(pages.iter().map(|(key, session)| (key, session)).eq(&model), "{limit}");
    }
}

/// At the next start it would take all others with it.
async fn what_could_not_be_read_again_is_refused(store: Arc<impl Store>) {
    let key = key();
    let kept = all_kept()[0];
    let long = "n".repeat(Binding::RECORDER_MAX + 1);
    let call = format!(r#"{{"CallId":"{}"}}"#, "x".repeat(Binding::CALL_MAX));
    for (name, call) in [("", "{}"), (&long, "{}"), ("r", &call), ("r", ""), ("r", "[]"), ("r", "{"), ("r", "{}{}")] {
        assert!(store.begin(&key, bound(kept, name, call)).await.is_err(), "{name} {call}");
        assert_eq!(store.latest(&key).await.unwrap().found, None);
    }
    assert_eq!(store.begin(&key, bound(kept, "r", "{}")).await, Ok(Swap::Stored));
    let before = store.read(&key).await.unwrap();
    let revision = before.as_ref().map(|found| found.revision);
    let set = store.compare_and_set(&key, revision, Some(bound(kept, "r", "null")), Note::none());
    assert!(set.await.is_err());
    assert_eq!(store.read(&key).await.unwrap(), before);
}

async fn no_epoch_comes_twice(store: Arc<impl Store>) {
    let mut tasks = JoinSet::new();
    for _ in 0..4 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let mut epochs = Vec::new();
            for _ in 0..3000 {
                epochs.push(store.epoch().await.unwrap());
            }
            assert!(epochs.is_sorted_by(|a, b| a < b));
            epochs
        });
    }
    let epochs = tasks.join_all().await.concat();
    assert_eq!(epochs.iter().copied().collect::<HashSet<_>>().len(), 12_000);
    assert!(store.epoch().await.unwrap() > epochs.into_iter().max().unwrap());
}

async fn a_store_keeps_its_id(store: Arc<impl Store>) {
    let id = store.id();
    let _ = store.begin(&key(), State::INITIAL).await.unwrap();
    let _ = store.epoch().await.unwrap();
    assert_eq!(store.id(), id);
    assert_ne!(MemoryStore::new().id(), id);
}
