//! Answers that do not come: what is said of a change is true all the same.

use core::time::Duration;

use etcd_kv::messages::{Compare, RangeRequest, RequestOp, TxnRequest};
use etcd_kv::{Client, Options};
use etcd_members::{Cluster, Setup};
use recording_core::{Action, State};
use tokio::time::sleep;

use super::proxy::{Proxy, Way};
use super::{Shown, key, members, revision, set, store, store_at};
use crate::audit::Note;
use crate::store::etcd::{EtcdStore, NotOpened};
use crate::store::{Store, Swap};

/// How long a member is waited for here: a proxy that holds something costs as much.
const ATTEMPT: Duration = Duration::from_millis(700);

/// Waits until the proxy holds something and nothing more comes: a request, and not what is sent when it is given up.
async fn held(proxy: &Proxy) -> usize {
    while proxy.held() == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    sleep(Duration::from_millis(100)).await;
    proxy.held()
}

/// The answer is lost, and the change is made: it is asked for again, and found to be there.
#[tokio::test]
#[ignore = "needs members of etcd: cargo xtask cluster store"]
async fn a_change_whose_answer_is_lost_is_stored_once() {
    let cluster = members(1);
    let proxy = Proxy::before(&cluster.endpoint(0)).await;
    let store = store_at(&[proxy.endpoint.clone(), cluster.endpoint(0)], ATTEMPT).await;
    let shown = Shown::to(&store);
    assert_eq!(store.begin(&key(1), State::INITIAL).await, Ok(Swap::Stored));
    for (change, action) in (1..).zip([Action::Start, Action::Pause]) {
        let expected = revision(&store, &key(1)).await;
        proxy.replies(Way::Held);
        assert_eq!(set(&store, &key(1), expected, action).await, Ok(Swap::Stored));
        proxy.replies(Way::Open);
        assert_eq!(shown.wait(change).await.len(), change);
        let there = cluster.etcdctl(&["get", "test/s/", "--prefix", "--write-out=fields"]).expect("etcdctl");
        assert!(there.contains(&format!("\"Version\" : {}", change + 1)), "once: {there}");
    }
    // Ends and begins as well.
    proxy.replies(Way::Held);
    let expected = revision(&store, &key(1)).await;
    assert_eq!(store.compare_and_set(&key(1), expected, None, Note::none()).await, Ok(Swap::Stored));
    proxy.replies(Way::Open);
    sleep(Duration::from_millis(1100)).await;
    proxy.replies(Way::Held);
    assert_eq!(store.begin(&key(1), State::INITIAL).await, Ok(Swap::Stored));
    assert_eq!(store.open_sessions().await, Ok(1));
}

/// The answer is lost, the change is made, and another server changes the session at once: the watch has seen it.
#[tokio::test]
#[ignore = "needs members of etcd: cargo xtask cluster store"]
async fn a_change_that_is_overtaken_before_it_is_found_is_stored_all_the_same() {
    let cluster = members(1);
    let proxy = Proxy::before(&cluster.endpoint(0)).await;
    let store = store_at(&[proxy.endpoint.clone(), cluster.endpoint(0)], ATTEMPT).await;
    let other = super::store(&cluster).await;
    assert_eq!(store.begin(&key(1), State::INITIAL).await, Ok(Swap::Stored));
    let expected = revision(&store, &key(1)).await;
    proxy.replies(Way::Held);
    let overtakes = async {
        while revision(&other, &key(1)).await == expected {
            sleep(Duration::from_millis(5)).await;
        }
        let made = revision(&other, &key(1)).await;
        set(&other, &key(1), made, Action::Pause).await
    };
    let key = key(1);
    let (ours, theirs) = tokio::join!(set(&store, &key, expected, Action::Start), overtakes);
    assert_eq!((ours, theirs), (Ok(Swap::Stored), Ok(Swap::Stored)));
}

/// The request is lost, and another server changes the session: a conflict, and not unknown.
#[tokio::test]
#[ignore = "needs members of etcd: cargo xtask cluster store"]
async fn a_change_that_never_was_is_a_conflict() {
    let cluster = members(1);
    let proxy = Proxy::before(&cluster.endpoint(0)).await;
    let store = store_at(&[proxy.endpoint.clone(), cluster.endpoint(0)], ATTEMPT).await;
    let other = super::store(&cluster).await;
    assert_eq!(store.begin(&key(1), State::INITIAL).await, Ok(Swap::Stored));
    let expected = revision(&store, &key(1)).await;
    proxy.requests(Way::Held);
    let key = key(1);
    let (ours, theirs) =
        tokio::join!(set(&store, &key, expected, Action::Start), set(&other, &key, expected, Action::Pause));
    assert_eq!((ours, theirs), (Ok(Swap::Conflict), Ok(Swap::Stored)));
}

/// Nothing answers: that is said, and whether it was made is not.
#[tokio::test]
#[ignore = "needs members of etcd: cargo xtask cluster store"]
async fn without_any_answer_it_is_not_known() {
    let cluster = members(1);
    let proxy = Proxy::before(&cluster.endpoint(0)).await;
    let store = store_at(core::slice::from_ref(&proxy.endpoint), ATTEMPT).await;
    assert_eq!(store.begin(&key(1), State::INITIAL).await, Ok(Swap::Stored));
    let expected = revision(&store, &key(1)).await;
    proxy.replies(Way::Held);
    let error = set(&store, &key(1), expected, Action::Start).await.expect_err("nothing answers");
    assert!(error.is_unknown(), "{error}");
    proxy.replies(Way::Open);
    // And it was.
    assert_ne!(revision(&store, &key(1)).await, expected);
    // If nothing takes the request either, nothing was done.
    drop(proxy);
    // What is sent on a connection before it is known to be broken is not known to be lost.
    sleep(Duration::from_millis(500)).await;
    let error = set(&store, &key(1), expected, Action::Pause).await.expect_err("nothing listens");
    assert!(!error.is_unknown(), "{error}");
}

/// A begin that was given up arrives after the session was begun by another request, and ended. Without the fence it would open
/// the session again: what a plain client asks in the same way does.
#[tokio::test]
#[ignore = "needs members of etcd: cargo xtask cluster store"]
async fn a_late_begin_opens_nothing() {
    let cluster = members(1);
    let proxy = Proxy::before(&cluster.endpoint(0)).await;
    let store = store_at(&[proxy.endpoint.clone(), cluster.endpoint(0)], ATTEMPT).await;
    // Its connection is there before.
    assert_eq!(store.begin(&key(2), State::INITIAL).await, Ok(Swap::Stored));

    let plain = Proxy::before(&cluster.endpoint(0)).await;
    let options = Options { attempt: ATTEMPT, ..Options::default() };
    let client = Client::new(vec![plain.endpoint.parse().expect("an endpoint")], options);
    client.status(0).await.expect("a connection");
    plain.requests(Way::Held);
    let request = TxnRequest {
        compare: vec![Compare::absent("plain")],
        success: vec![RequestOp::put("plain", "late")],
        failure: vec![],
    };

    proxy.requests(Way::Held);
    let begins = key(1);
    let (begun, plainly, of_store, of_plain) =
        tokio::join!(store.begin(&begins, State::INITIAL), client.txn(request), held(&proxy), held(&plain));
    assert_eq!(begun, Ok(Swap::Stored), "by another request");
    plainly.expect_err("it is held");
    let expected = revision(&store, &key(1)).await;
    assert_eq!(store.compare_and_set(&key(1), expected, None, Note::none()).await, Ok(Swap::Stored));
    assert_eq!(revision(&store, &key(1)).await, None);

    // Now they arrive.
    proxy.requests(Way::ThoseHeld(of_store));
    plain.requests(Way::ThoseHeld(of_plain));
    let late = async || cluster.etcdctl(&["get", "plain", "--print-value-only"]).expect("etcdctl").contains("late");
    while !late().await {
        sleep(Duration::from_millis(20)).await;
    }
    sleep(Duration::from_millis(500)).await;
    assert_eq!(revision(&store, &key(1)).await, None, "it is not open");
    // The next begin is not kept out by the fence.
    assert_eq!(store.begin(&key(1), State::INITIAL).await, Ok(Swap::Stored));
}

/// The same of a begin that was answered to be unknown: the next one keeps it out.
#[tokio::test]
#[ignore = "needs members of etcd: cargo xtask cluster store"]
async fn a_begin_that_was_given_up_opens_nothing_later() {
    let cluster = members(1);
    let [late, other] = [Proxy::before(&cluster.endpoint(0)).await, Proxy::before(&cluster.endpoint(0)).await];
    let store = store_at(&[late.endpoint.clone(), other.endpoint.clone()], ATTEMPT).await;
    assert_eq!(store.begin(&key(2), State::INITIAL).await, Ok(Swap::Stored));
    late.requests(Way::Held);
    other.requests(Way::Held);
    let begins = key(1);
    let (begun, of_late) = tokio::join!(store.begin(&begins, State::INITIAL), held(&late));
    assert!(begun.expect_err("nothing answers").is_unknown());
    // What the other one holds is lost.
    other.cut();
    other.requests(Way::Open);
    let mut again = store.begin(&key(1), State::INITIAL).await;
    while again.is_err() {
        again = store.begin(&key(1), State::INITIAL).await;
    }
    assert_eq!(again, Ok(Swap::Stored));
    let expected = revision(&store, &key(1)).await;
    assert_eq!(store.compare_and_set(&key(1), expected, None, Note::none()).await, Ok(Swap::Stored));
    late.requests(Way::ThoseHeld(of_late));
    sleep(Duration::from_millis(700)).await;
    assert_eq!(revision(&store, &key(1)).await, None, "it is not open");
}

/// The same of a server that was killed, and has no trail: the next start of any server keeps it out, and holds up none that lives.
#[tokio::test]
#[ignore = "needs members of etcd: cargo xtask cluster store"]
async fn a_begin_of_a_killed_server_opens_nothing_after_the_next_start_of_any() {
    let cluster = members(1);
    let proxy = Proxy::before(&cluster.endpoint(0)).await;
    let killed = store_at(core::slice::from_ref(&proxy.endpoint), ATTEMPT).await;
    let lives = store(&cluster).await;
    for (store, number) in [(&killed, 2), (&lives, 3)] {
        assert_eq!(store.begin(&key(number), State::INITIAL).await, Ok(Swap::Stored));
    }
    proxy.requests(Way::Held);
    let begins = key(1);
    let begun = tokio::time::timeout(Duration::from_millis(500), killed.begin(&begins, State::INITIAL));
    begun.await.expect_err("it is held");
    let late = proxy.held();
    let next = store(&cluster).await;
    for store in [&lives, &next, &lives] {
        assert_eq!(store.begin(&key(1), State::INITIAL).await, Ok(Swap::Stored));
        let expected = revision(store, &key(1)).await;
        assert_eq!(store.compare_and_set(&key(1), expected, None, Note::none()).await, Ok(Swap::Stored));
    }
    // What it asks for after it has found its fence gone was not on its way.
    proxy.replies(Way::Held);
    proxy.requests(Way::ThoseHeld(late));
    sleep(Duration::from_millis(500)).await;
    assert_eq!(revision(&next, &key(1)).await, None, "it is not open");
    let expected = revision(&lives, &key(3)).await;
    assert_eq!(set(&lives, &key(3), expected, Action::Start).await, Ok(Swap::Stored));
}

#[tokio::test]
#[ignore = "needs members of etcd: cargo xtask cluster store"]
async fn without_space_nothing_begins_and_sessions_end() {
    let arguments = vec!["--quota-backend-bytes=4194304".to_owned()];
    let cluster = Cluster::start(1, &Setup { arguments, ..Setup::default() }).expect("a member");
    let store = store(&cluster).await;
    for number in [1, 3, 4] {
        assert_eq!(store.begin(&key(number), State::INITIAL).await, Ok(Swap::Stored));
    }
    let client = Client::new(vec![cluster.endpoint(0).parse().expect("an endpoint")], Options::default());
    let mut full = false;
    while !full {
        let put = RequestOp::put("filling", vec![b'x'; 100_000]);
        full = client.txn(TxnRequest { success: vec![put], ..TxnRequest::default() }).await.is_err();
    }
    let error = store.begin(&key(2), State::INITIAL).await.expect_err("there is no space");
    assert!(!error.is_unknown() && error.to_string().contains("space"), "{error}");
    assert_eq!(revision(&store, &key(2)).await, None);
    let expected = revision(&store, &key(1)).await;
    assert_eq!(store.compare_and_set(&key(1), expected, None, Note::none()).await, Ok(Swap::Stored));
    // Ends that come at the same time as what is refused.
    let (third, fourth) = (revision(&store, &key(3)).await, revision(&store, &key(4)).await);
    let [second, third_key, fourth_key] = [2, 3, 4].map(key);
    let (begun, ended, also_ended) = tokio::join!(
        store.begin(&second, State::INITIAL),
        store.compare_and_set(&third_key, third, None, Note::none()),
        store.compare_and_set(&fourth_key, fourth, None, Note::none()),
    );
    assert!(begun.is_err_and(|error| !error.is_unknown()));
    assert_eq!((ended, also_ended), (Ok(Swap::Stored), Ok(Swap::Stored)));
    let mut ready = store.ready().await;
    while ready.is_ok() {
        sleep(Duration::from_millis(100)).await;
        ready = store.ready().await;
    }
    let line = ready.expect_err("it is not ready").line().map(str::to_owned);
    assert!(line.as_deref().is_some_and(|line| line.contains("no space")), "{line:?}");

    // No server starts; when there is space again, the one that runs goes on.
    let endpoint = || cluster.endpoint(0).parse().expect("an endpoint");
    let refused = EtcdStore::open(vec![endpoint()], "test", Options::default()).await.expect_err("no space");
    assert!(matches!(&refused, NotOpened::AtPresent(reason) if reason.contains("no space")), "{refused}");
    let now = client.range(RangeRequest::key("filling")).await.expect("read").header.expect("a header").revision;
    for words in [&["compact", &now.to_string()][..], &["defrag"], &["alarm", "disarm"]] {
        cluster.etcdctl(words).expect("etcdctl");
    }
    assert_eq!(store.begin(&key(2), State::INITIAL).await, Ok(Swap::Stored));
    assert_eq!(store.open_sessions().await, Ok(1));
}

/// Members die and come back, one after the other: whatever is said to be stored is, and the watch misses nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs members of etcd: cargo xtask cluster store"]
async fn members_die_and_come_back() {
    let mut cluster = members(3);
    let store = store_at(&cluster.endpoints(), Duration::from_secs(1)).await;
    let shown = Shown::to(&store);
    assert_eq!(store.begin(&key(1), State::INITIAL).await, Ok(Swap::Stored));
    let (mut stored, mut unknown) = (Vec::new(), 0);
    for round in 0..4 {
        let killed = if round % 2 == 0 { cluster.leader().unwrap_or(0) } else { round % 3 };
        cluster.kill(killed).expect("killed");
        for &action in &Action::ALL[..5] {
            let Ok(expected) = store.read(&key(1)).await.map(|found| found.map(|found| found.revision)) else {
                continue;
            };
            match set(&store, &key(1), expected, action).await {
                Ok(Swap::Stored) => stored.push(Some((key(1), action))),
                Ok(Swap::Conflict) => {}
                Err(error) => unknown += usize::from(error.is_unknown()),
            }
        }
        cluster.restart(killed).expect("started");
        cluster.wait().expect("all serve");
    }
    assert!(stored.len() >= 10, "{} stored, {unknown} unknown", stored.len());
    let seen = shown.wait(stored.len()).await;
    assert!(
        seen.iter().all(Option::is_some) && seen.len() <= stored.len() + unknown,
        "{} of {}",
        seen.len(),
        stored.len()
    );
    // Those that are said to be stored are there, in their order.
    let mut rest = seen.iter();
    assert!(stored.iter().all(|one| rest.any(|seen| seen == one)), "{stored:?} in {seen:?}");
    println!("{} stored, {unknown} unknown, {} seen", stored.len(), seen.len());
}
