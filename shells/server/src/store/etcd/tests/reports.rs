//! Every server's watcher is shown every change once, in order, or that some may be missing.

use core::time::Duration;
use std::collections::HashMap;
use std::sync::Arc;

use etcd_kv::messages::{RequestOp, TxnRequest};
use etcd_kv::{Client, Options};
use recording_core::{Action, State};
use tokio::task::JoinSet;

use super::proxy::{Proxy, Way};
use super::{Shown, key, members, revision, set, store, store_at};
use crate::audit::Note;
use crate::store::{Made, Store, Swap};

const NEEDS: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs members of etcd: cargo xtask cluster store"]
async fn every_server_is_shown_every_change_once_and_in_order() {
    const SESSIONS: u128 = 5;
    const CHANGES: usize = 30;
    let cluster = members(1);
    let stores = [Arc::new(store(&cluster).await), Arc::new(store(&cluster).await)];
    let shown = stores.each_ref().map(|store| Shown::to(store));
    for number in 0..SESSIONS {
        assert_eq!(stores[0].begin(&key(number), State::INITIAL).await, Ok(Swap::Stored));
    }
    let mut tasks = JoinSet::new();
    for (who, store) in stores.iter().enumerate() {
        for number in 0..SESSIONS {
            let store = Arc::clone(store);
            tasks.spawn(async move {
                let mut made = Vec::new();
                while made.len() < CHANGES {
                    let action = Action::ALL[(made.len() + who) % Action::ALL.len()];
                    let expected = store.latest(&key(number)).await.unwrap().found.map(|found| found.revision);
                    if set(&store, &key(number), expected, action).await.unwrap() == Swap::Stored {
                        made.push(action);
                    }
                }
                (number, made)
            });
        }
    }
    let mut made: HashMap<_, Vec<_>> = HashMap::new();
    for (number, actions) in tasks.join_all().await {
        made.entry(key(number)).or_default().extend(actions);
    }
    let all = 2 * CHANGES * SESSIONS as usize;
    let (first, second) = (shown[0].wait(all).await, shown[1].wait(all).await);
    assert_eq!(first.len(), all, "once");
    assert_eq!(first, second, "in one order");
    // Each is one server's own, at that server and nowhere else, and both have the same revisions, which only grow.
    let how = shown.each_ref().map(|shown| shown.made());
    let own = |made: &[Made]| made.iter().filter(|made| made.by_this_server).count();
    assert_eq!([own(&how[0]), own(&how[1])], [all / 2; 2]);
    for (one, other) in how[0].iter().zip(&how[1]) {
        assert!(one.revision == other.revision && one.by_this_server != other.by_this_server, "{one:?} {other:?}");
    }
    for key in made.keys() {
        let of_key = first.iter().zip(&how[0]).filter(|(shown, _)| shown.as_ref().is_some_and(|(one, _)| one == key));
        assert!(of_key.map(|(_, made)| made.revision.0).is_sorted_by(|one, other| one < other));
    }
    for (key, mut made) in made {
        let mut seen: Vec<_> =
            first.iter().flatten().filter(|(one, _)| *one == key).map(|(_, action)| *action).collect();
        seen.sort();
        made.sort();
        assert_eq!(seen, made);
    }
    for store in &stores {
        assert_eq!((store.open_sessions().await, store.lists()), (Ok(SESSIONS as usize), 0));
    }
}

/// A session that is deleted and written by someone else between two changes of ours, none of which the watch can show any more.
#[tokio::test]
#[ignore = "needs members of etcd: cargo xtask cluster store"]
async fn what_the_watch_cannot_show_any_more_is_reported_as_missing() {
    let cluster = members(1);
    let proxy = Proxy::before(&cluster.endpoint(0)).await;
    // It asks the member, and watches through the proxy.
    let blind = store_at(&[cluster.endpoint(0), proxy.endpoint.clone()], NEEDS).await;
    let other = store(&cluster).await;
    let shown = Shown::to(&blind);
    for number in 0..4 {
        assert_eq!(other.begin(&key(number), State::INITIAL).await, Ok(Swap::Stored));
    }
    while blind.open_sessions().await != Ok(4) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    proxy.replies(Way::Held);
    let mut last = None;
    for number in 0..3 {
        let begun = revision(&other, &key(number)).await;
        assert_eq!(set(&other, &key(number), begun, Action::Start).await, Ok(Swap::Stored));
        last = revision(&other, &key(number)).await;
    }
    let ended = other.compare_and_set(&key(2), last, None, Note::none()).await;
    assert_eq!(ended, Ok(Swap::Stored));
    assert_eq!(other.begin(&key(9), State::INITIAL).await, Ok(Swap::Stored));
    let now = revision(&other, &key(9)).await.unwrap().0;
    cluster.etcdctl(&["compact", &now.to_string()]).expect("compacted");
    // What was held is lost with its connection.
    proxy.cut();
    proxy.replies(Way::Open);
    assert_eq!(shown.wait(1).await, [None]);
    assert_eq!(blind.lists(), 1);
    let page = async |store: &super::EtcdStore| store.page(None, 10).await.unwrap();
    assert_eq!(page(&blind).await, page(&other).await);
    assert_eq!(page(&blind).await.len(), 4);
    // And it goes on.
    let at = revision(&other, &key(1)).await;
    assert_eq!(set(&other, &key(1), at, Action::Pause).await, Ok(Swap::Stored));
    assert_eq!(shown.wait(2).await, [None, Some((key(1), Action::Pause))]);
}

/// A watch that breaks is begun again where it was: nothing is missing and nothing comes twice.
#[tokio::test]
#[ignore = "needs members of etcd: cargo xtask cluster store"]
async fn a_watch_that_breaks_misses_nothing() {
    let cluster = members(1);
    let proxy = Proxy::before(&cluster.endpoint(0)).await;
    let store = store_at(&[cluster.endpoint(0), proxy.endpoint.clone()], NEEDS).await;
    let shown = Shown::to(&store);
    assert_eq!(store.begin(&key(1), State::INITIAL).await, Ok(Swap::Stored));
    let mut made = Vec::new();
    for &action in Action::ALL.iter().cycle().take(40) {
        let expected = revision(&store, &key(1)).await;
        assert_eq!(set(&store, &key(1), expected, action).await, Ok(Swap::Stored));
        made.push(Some((key(1), action)));
        if made.len() % 8 == 0 {
            proxy.cut();
        }
    }
    assert_eq!(shown.wait(made.len()).await, made);
    assert_eq!(store.lists(), 0);
}

/// Ten thousand sessions are too many for one answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs members of etcd: cargo xtask cluster store"]
async fn many_sessions_are_all_listed() {
    const MANY: u128 = 10_000;
    let cluster = members(1);
    let first = Arc::new(store(&cluster).await);
    let mut tasks = JoinSet::new();
    for part in 0..8 {
        let store = Arc::clone(&first);
        tasks.spawn(async move {
            for number in (part..MANY).step_by(8) {
                // A third has ids that begin alike, as those of a counter do.
                let id = if number % 3 == 0 {
                    number
                } else {
                    number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
                };
                assert_eq!(store.begin(&key(id), State::INITIAL).await, Ok(Swap::Stored));
            }
        });
    }
    tasks.join_all().await;
    let second = store(&cluster).await;
    assert_eq!(second.open_sessions().await, Ok(MANY as usize));
    assert_eq!(second.page(None, usize::MAX).await, first.page(None, usize::MAX).await);
}

/// What is under the prefix and of something else stops the start, and is named.
#[tokio::test]
#[ignore = "needs members of etcd: cargo xtask cluster store"]
async fn what_is_of_something_else_is_refused() {
    let cluster = members(1);
    let open = async || {
        let endpoint = cluster.endpoint(0).parse().expect("an endpoint");
        super::EtcdStore::open(vec![endpoint], "test", Options::default()).await.map(drop)
    };
    let client = Client::new(vec![cluster.endpoint(0).parse().expect("an endpoint")], Options::default());
    let put = async |key: &str, value: &str| {
        let put = RequestOp::put(key.to_owned(), value.to_owned());
        client.txn(TxnRequest { success: vec![put], ..TxnRequest::default() }).await.expect("written");
    };
    open().await.expect("a store");
    open().await.expect("the same");
    let cluster_id = cluster.etcdctl(&["get", "test/meta/cluster", "--print-value-only"]).expect("etcdctl");
    put("test/meta/cluster", "1234").await;
    assert!(open().await.expect_err("another cluster").to_string().contains("belongs to the cluster 1234"));
    put("test/meta/cluster", cluster_id.trim()).await;
    put("test/meta/format", "2").await;
    assert!(open().await.expect_err("another format").to_string().contains("has format 2"));
    put("test/meta/format", "1").await;
    put("test/s/x", "").await;
    assert!(open().await.expect_err("no session").to_string().contains("test/s/x"));
}
