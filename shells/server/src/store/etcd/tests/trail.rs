//! The audit trail of servers that share etcd: what it says is what etcd's history has.

use core::time::Duration;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use etcd_kv::messages::{RangeRequest, WatchCreateRequest};
use etcd_kv::{Client, Options};
use etcd_members::Cluster;
use recording_core::wire::{CorrelationId, SetRequest, SipUri, UccName};
use recording_core::{Action, State};
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::proxy::{Proxy, Way};
use super::{key, members, revision, store_at};
use crate::audit::{Note, Trail, TrailSettings};
use crate::caller::Caller;
use crate::occurrence::Change;
use crate::session::{Revision, Session, SessionKey};
use crate::store::etcd::EtcdStore;
use crate::store::{Store, StoreError, Swap};

const ATTEMPT: Duration = Duration::from_millis(700);

/// A directory of this test, gone when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("recording-etcd-trail-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        Self(directory)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn trail(&self, name: &str) -> Trail {
        Trail::open(&TrailSettings { path: self.path(name), ..TrailSettings::default() }).unwrap()
    }

    fn lines(&self, name: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.path(name)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What became of each change in the end, by its id; revisions of those that were made.
    fn outcomes(&self, name: &str) -> BTreeMap<String, (String, Option<u64>)> {
        let mut outcomes = BTreeMap::new();
        for line in self.lines(name) {
            if let Some(op) = line["Op"].as_str() {
                let outcome = (line["Outcome"].as_str().unwrap().to_owned(), line["Revision"].as_u64());
                let before = outcomes.insert(op.to_owned(), outcome.clone());
                let is_next = match before.as_ref().map(|(before, _)| before.as_str()) {
                    None => outcome.0 == "intent",
                    Some("intent") => true,
                    Some("unknown") => outcome.0 != "intent" && !line["Settled"].is_null(),
                    Some(_) => false,
                };
                assert!(is_next, "{before:?} {line}");
            }
        }
        outcomes
    }

    /// Waits until what became of so many changes is written.
    async fn until(&self, name: &str, count: usize) -> Vec<(String, Option<u64>)> {
        loop {
            let outcomes: Vec<_> = self.outcomes(name).into_values().collect();
            if outcomes.iter().filter(|(outcome, _)| outcome != "intent" && outcome != "unknown").count() >= count {
                return outcomes;
            }
            sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn audited(endpoints: &[String], trail: Trail) -> EtcdStore {
    store_at(endpoints, ATTEMPT).await.audited(trail).await.unwrap()
}

async fn change(store: &EtcdStore, key: &SessionKey, after: Option<State>) -> Result<Swap, StoreError> {
    let found = store.read(key).await.unwrap();
    change_at(store, key, found.map(|found| (found.revision, found.session)), after).await
}

/// Sets, begins or ends, with the line that the service makes of it.
async fn change_at(
    store: &EtcdStore,
    key: &SessionKey,
    before: Option<(Revision, Session)>,
    after: Option<State>,
) -> Result<Swap, StoreError> {
    let ucc = UccName::new("ucc").unwrap();
    let requester = SipUri::new("sip:agent@domain.com").unwrap();
    let request = SetRequest { action: Action::Pause, requester, correlation_id: key.correlation_id, ucc };
    let state = before.as_ref().map(|(_, session)| session.kept_state());
    let note = match (state, after) {
        (None, Some(state)) => Trail::note(&Change::Begin { key, state, recorder: None }, Caller::default()),
        (Some(before), Some(after)) => {
            Trail::note(&Change::Set { request: &request, before, after }, Caller::default()).because_of(Action::Pause)
        }
        (state, None) => {
            let state = state.unwrap_or(State::INITIAL);
            let disposition = recording_core::state::Disposition::of(state, true);
            Trail::note(&Change::End { key, state, disposition }, Caller::default())
        }
    };
    store.compare_and_set(key, before.map(|(revision, _)| revision), after.map(Into::into), note).await
}

/// The revisions of all changes of sessions, from etcd itself.
async fn history(cluster: &Cluster) -> Vec<u64> {
    let client = Client::new(vec![cluster.endpoint(0).parse().unwrap()], Options::default());
    let now = client.range(RangeRequest::key("none")).await.unwrap().header.unwrap().revision;
    let mut watch = client.watch(WatchCreateRequest::prefix("test/s/", 1)).await.unwrap();
    let mut all = Vec::new();
    loop {
        let Ok(news) = timeout(Duration::from_millis(50), watch.next()).await else {
            watch.ask_progress().unwrap();
            continue;
        };
        let news = news.unwrap();
        all.extend(news.events.iter().map(|event| event.kv.as_ref().unwrap().mod_revision as u64));
        if news.events.is_empty() && news.revision >= now {
            return all;
        }
    }
}

/// One server's changes of every kind; then the next start at every line at which it may have been killed.
#[tokio::test]
#[ignore = "needs members of etcd: cargo xtask cluster store"]
async fn wherever_a_server_is_killed_its_trail_becomes_the_history() {
    let cluster = members(1);
    let scratch = Scratch::new("killed");
    let store = audited(&cluster.endpoints(), scratch.trail("whole")).await;
    let state = |at: usize| Some(State::ALL[at]);
    for number in 1..=2 {
        assert_eq!(change(&store, &key(number), state(0)).await, Ok(Swap::Stored));
    }
    assert_eq!(change(&store, &key(1), state(1)).await, Ok(Swap::Stored));
    assert_eq!(
        change_at(&store, &key(1), Some((Revision(1), State::ALL[1].into())), state(2)).await,
        Ok(Swap::Conflict)
    );
    assert_eq!(change(&store, &key(1), None).await, Ok(Swap::Stored));
    assert_eq!(change(&store, &key(2), state(3)).await, Ok(Swap::Stored));
    assert_eq!(change(&store, &key(1), state(2)).await, Ok(Swap::Stored));
    let whole = scratch.until("whole", 7).await;
    let made: Vec<_> = whole.iter().filter_map(|(_, revision)| *revision).collect();
    assert_eq!(made.len(), 6);
    assert_eq!(whole.iter().map(|(outcome, _)| &outcome[..]).filter(|outcome| *outcome == "conflict").count(), 1);
    drop(store);

    let text = fs::read_to_string(scratch.path("whole")).unwrap();
    for (number, (end, _)) in text.match_indices('\n').enumerate() {
        let name = format!("cut-{number}");
        fs::write(scratch.path(&name), &text[..=end]).unwrap();
        let intents = text[..=end].matches(r#""Outcome":"intent""#).count();
        let store = audited(&cluster.endpoints(), scratch.trail(&name)).await;
        let outcomes: Vec<_> = scratch.outcomes(&name).into_values().collect();
        assert_eq!(outcomes.len(), intents);
        for (outcome, expected) in outcomes.iter().zip(&whole) {
            // A conflict that was not written is a change that the history does not have.
            let is_same = outcome == expected || (outcome.0 == "not stored" && expected.0 == "conflict");
            assert!(is_same, "{outcome:?} {expected:?} at {}", &text[..=end]);
        }
        drop(store);
    }
    // Compacted, an old trail says no more than what is there now, and never something else.
    let now = made.last().unwrap().to_string();
    cluster.etcdctl(&["compact", &now]).expect("compacted");
    let mut unknown = 0;
    for (number, (end, _)) in text.match_indices('\n').enumerate() {
        let name = format!("compacted-{number}");
        fs::write(scratch.path(&name), &text[..=end]).unwrap();
        drop(audited(&cluster.endpoints(), scratch.trail(&name)).await);
        for (outcome, expected) in scratch.outcomes(&name).into_values().zip(&whole) {
            unknown += usize::from(outcome.0 == "unknown");
            let is_same = outcome == *expected || outcome.0 == "unknown";
            assert!(is_same || (outcome.0 == "not stored" && expected.0 == "conflict"), "{outcome:?} {expected:?}");
        }
    }
    assert!(unknown > 0);
}

/// Answers are lost and requests are late: the trail says unknown, and then what came of it.
#[tokio::test]
#[ignore = "needs members of etcd: cargo xtask cluster store"]
async fn what_was_not_answered_is_settled_when_etcd_answers_again() {
    let cluster = members(1);
    let scratch = Scratch::new("unanswered");
    let proxy = Proxy::before(&cluster.endpoint(0)).await;
    let store = audited(core::slice::from_ref(&proxy.endpoint), scratch.trail("trail")).await;
    for number in 1..=3 {
        assert_eq!(change(&store, &key(number), Some(State::INITIAL)).await, Ok(Swap::Stored));
    }
    let found = store.read(&key(1)).await.unwrap().map(|found| (found.revision, found.session));
    let found_3 = store.read(&key(3)).await.unwrap().map(|found| (found.revision, found.session));
    let set = Some(State::ALL[3]);
    // Made, and not answered.
    proxy.replies(Way::Held);
    assert!(change_at(&store, &key(1), found.clone(), set).await.unwrap_err().is_unknown());
    proxy.replies(Way::Open);
    // An end, too.
    let outcomes = scratch.until("trail", 4).await;
    assert_eq!(outcomes[3], ("changed".to_owned(), revision(&store, &key(1)).await.map(|revision| revision.0)));
    proxy.replies(Way::Held);
    assert!(change_at(&store, &key(3), found_3, None).await.unwrap_err().is_unknown());
    proxy.replies(Way::Open);
    assert_eq!(scratch.until("trail", 5).await[4].0, "ended");
    // Not made: no request arrives before it is given up, and none is carried out after it is settled.
    let found = store.read(&key(2)).await.unwrap().map(|found| (found.revision, found.session));
    proxy.requests(Way::Held);
    assert!(change_at(&store, &key(2), found.clone(), set).await.unwrap_err().is_unknown());
    let late = proxy.held();
    proxy.cut();
    proxy.requests(Way::Open);
    let outcomes = scratch.until("trail", 6).await;
    assert!(late > 0 && outcomes[5] == ("not stored".to_owned(), None), "{late} {outcomes:?}");
    let made: Vec<_> = outcomes.iter().filter_map(|(_, revision)| *revision).collect();
    assert_eq!(made, history(&cluster).await);
}

/// A request of a killed server is still on its way when the next start settles it: it is kept out, whatever kind it is of.
#[tokio::test]
#[ignore = "needs members of etcd: cargo xtask cluster store"]
async fn what_a_killed_server_left_on_its_way_is_never_made() {
    let cluster = members(1);
    let scratch = Scratch::new("late");
    let proxy = Proxy::before(&cluster.endpoint(0)).await;
    // It watches at the member, so that only changes are held.
    let store = audited(core::slice::from_ref(&proxy.endpoint), scratch.trail("killed")).await;
    for number in 1..=2 {
        assert_eq!(change(&store, &key(number), Some(State::INITIAL)).await, Ok(Swap::Stored));
    }
    scratch.until("killed", 2).await;
    let mut found = Vec::new();
    for number in 1..=3 {
        let at = store.read(&key(number)).await.unwrap();
        found.push(at.map(|found| (found.revision, found.session)));
    }
    let [set, end, begin] = found.try_into().expect("three");
    proxy.requests(Way::Held);
    let keys = [key(1), key(2), key(3)];
    let killed = timeout(Duration::from_millis(500), async {
        tokio::join!(
            change_at(&store, &keys[0], set, Some(State::ALL[5])),
            change_at(&store, &keys[1], end, None),
            change_at(&store, &keys[2], begin, Some(State::INITIAL)),
        )
    });
    killed.await.expect_err("it is held");
    let held = proxy.held();
    assert!(held > 0);
    // As it is on disk now: the server has not said what became of them.
    fs::copy(scratch.path("killed"), scratch.path("next")).unwrap();
    assert_eq!(scratch.outcomes("next").values().filter(|(outcome, _)| outcome == "intent").count(), 3);
    let next = audited(&cluster.endpoints(), scratch.trail("next")).await;
    let outcomes = scratch.outcomes("next");
    assert_eq!(outcomes.values().filter(|(outcome, _)| outcome == "not stored").count(), 3, "{outcomes:?}");
    let before = history(&cluster).await;
    // The requests arrive. (What the server asks for after it has found its fence gone was not on its way.)
    proxy.requests(Way::ThoseHeld(held));
    proxy.replies(Way::Held);
    sleep(Duration::from_millis(300)).await;
    drop(store);
    assert_eq!(history(&cluster).await, before);
    assert_eq!(revision(&next, &key(3)).await, None);
    // The next start changes them as ever.
    assert_eq!(change(&next, &key(1), Some(State::ALL[5])).await, Ok(Swap::Stored));
    assert_eq!(change(&next, &key(3), Some(State::INITIAL)).await, Ok(Swap::Stored));
}

/// Two servers end the same session at the same time, and one of them is not answered: one has ended it, and no more than one
/// says so.
#[tokio::test]
#[ignore = "needs members of etcd: cargo xtask cluster store"]
async fn a_session_is_ended_by_one_server() {
    let cluster = members(1);
    let scratch = Scratch::new("ends");
    let proxy = Proxy::before(&cluster.endpoint(0)).await;
    let ours = audited(&[proxy.endpoint.clone(), cluster.endpoint(0)], scratch.trail("ours")).await;
    let theirs = audited(&cluster.endpoints(), scratch.trail("theirs")).await;
    for (number, way) in [(1, true), (2, false)] {
        assert_eq!(change(&theirs, &key(number), Some(State::INITIAL)).await, Ok(Swap::Stored));
        let found = theirs.read(&key(number)).await.unwrap().map(|found| (found.revision, found.session));
        // Of the first, our request does not arrive; of the second, the answer.
        if way {
            proxy.requests(Way::Held);
        } else {
            proxy.replies(Way::Held);
        }
        let key = key(number);
        let late = async {
            if !way {
                // Ours is first.
                while revision(&theirs, &key).await.is_some() {
                    sleep(Duration::from_millis(5)).await;
                }
            }
            change_at(&theirs, &key, found.clone(), None).await
        };
        let (our_end, their_end) = tokio::join!(change_at(&ours, &key, found.clone(), None), late);
        let expected = if way { (Swap::Conflict, Swap::Stored) } else { (Swap::Stored, Swap::Conflict) };
        assert_eq!((our_end, their_end), (Ok(expected.0), Ok(expected.1)));
        proxy.cut();
        proxy.requests(Way::Open);
        proxy.replies(Way::Open);
        sleep(Duration::from_millis(1100)).await;
    }
    let mut made: Vec<_> = scratch.until("ours", 2).await.iter().filter_map(|(_, revision)| *revision).collect();
    made.extend(scratch.until("theirs", 4).await.iter().filter_map(|(_, revision)| *revision));
    made.sort_unstable();
    assert_eq!(made, history(&cluster).await);
}

/// A begin is made, not answered, and its session ended by another server before it is asked for again: it is not made again.
#[tokio::test]
#[ignore = "needs members of etcd: cargo xtask cluster store"]
async fn a_begin_whose_session_has_ended_since_is_not_made_again() {
    let cluster = members(1);
    let proxy = Proxy::before(&cluster.endpoint(0)).await;
    let store = store_at(&[proxy.endpoint.clone(), cluster.endpoint(0)], ATTEMPT).await;
    let other = super::store(&cluster).await;
    proxy.replies(Way::Held);
    let key = key(1);
    let ends = async {
        let found = loop {
            match other.read(&key).await.unwrap() {
                Some(found) => break found,
                None => sleep(Duration::from_millis(5)).await,
            }
        };
        other.compare_and_set(&key, Some(found.revision), None, Note::none()).await
    };
    let (begun, ended) = tokio::join!(store.begin(&key, State::INITIAL), ends);
    assert_eq!((begun, ended), (Ok(Swap::Stored), Ok(Swap::Stored)));
    assert_eq!(revision(&other, &key).await, None);
    assert_eq!(history(&cluster).await.len(), 2);
}

/// A change whose intent cannot be written is not asked for.
#[cfg(target_os = "linux")]
#[tokio::test]
#[ignore = "needs members of etcd: cargo xtask cluster store"]
async fn without_an_intent_nothing_is_asked_for() {
    let cluster = members(1);
    let trail = Trail::open(&TrailSettings { path: "/dev/full".into(), ..TrailSettings::default() }).unwrap();
    let endpoint = cluster.endpoint(0).parse().unwrap();
    let store =
        EtcdStore::open(vec![endpoint], "test", Options::default()).await.unwrap().audited(trail).await.unwrap();
    let key = SessionKey::new(UccName::new("ucc").unwrap(), CorrelationId::from_u128(1));
    let error = change(&store, &key, Some(State::INITIAL)).await.unwrap_err();
    assert!(!error.is_unknown() && error.to_string().starts_with("the audit trail: "), "{error}");
    // Without a line there is nothing to write.
    assert_eq!(store.begin(&key, State::INITIAL).await, Ok(Swap::Stored));
    assert!(change(&store, &key, None).await.is_err());
    assert_eq!(history(&cluster).await.len(), 1);
}
