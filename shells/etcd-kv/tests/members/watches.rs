//! Watches: nothing missing, nothing twice, in order; and an error where that cannot be promised.

use etcd_kv::messages::{EventKind, RequestOp, TxnRequest, WatchCreateRequest};
use etcd_kv::{Error, Kind};

use crate::support::{all, changes, client, events, inner, one, patient, put, revision, swap};

#[tokio::test]
async fn events_come_in_order_with_what_was_there_before() {
    let cluster = one();
    let client = client(&cluster, patient());
    let mut watch = client.watch(WatchCreateRequest::prefix("w/", 0)).await.expect("a watch");
    assert!(watch.begun_at() > 0 && watch.endpoint().is_some());
    put(&client, "other", "1").await.expect("written");
    let first = put(&client, "w/a", "1").await.expect("written");
    let second = put(&client, "w/a", "2").await.expect("written");
    let delete = TxnRequest { success: vec![RequestOp::delete("w/a")], ..TxnRequest::default() };
    let third = revision(&client.txn(delete).await.expect("deleted"));
    let fourth = put(&client, "w/a", "3").await.expect("written");

    let seen = events(&mut watch, 4).await.expect("events");
    let key = || "w/a".to_owned();
    assert_eq!(changes(&seen), [(key(), first), (key(), second), (key(), third), (key(), fourth)]);
    let before: Vec<_> =
        seen.iter().map(|event| event.prev_kv.as_ref().map(|kv| (kv.mod_revision, &kv.value[..]))).collect();
    assert_eq!(before, [None, Some((first, &b"1"[..])), Some((second, b"2")), None]);
    assert_eq!(seen.iter().map(|event| event.kind).collect::<Vec<_>>(), [0, 0, EventKind::Delete.into(), 0]);
    assert_eq!(seen[3].kv.as_ref().expect("a key").version, 1);
}

#[tokio::test]
async fn the_changes_of_a_group_come_together() {
    let cluster = one();
    let client = client(&cluster, patient());
    let mut watch = client.watch(WatchCreateRequest::prefix("w/", 0)).await.expect("a watch");
    let answer = client.txn(all((0..50).map(|n| swap(&format!("w/{n:02}"), None, "1")))).await.expect("an answer");
    assert_eq!(inner(&answer).len(), 50);
    let news = watch.next().await.expect("news");
    assert!(!news.more && news.events.len() == 50, "{}", news.events.len());
    assert!(changes(&news.events).iter().all(|(_, at)| *at == revision(&answer)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_that_is_begun_again_misses_nothing_and_repeats_nothing() {
    let cluster = one();
    let client = client(&cluster, patient());
    let writer = {
        let client = client.clone();
        tokio::spawn(async move {
            let mut written = vec![];
            for n in 0..300 {
                let key = format!("w/{}", n % 7);
                written.push((key.clone(), put(&client, &key, "x").await.expect("written")));
            }
            written
        })
    };
    let mut seen = vec![];
    let mut from = 1;
    while seen.len() < 300 {
        let mut watch = client.watch(WatchCreateRequest::prefix("w/", from)).await.expect("a watch");
        for _ in 0..3 {
            if seen.len() < 300 {
                seen.extend(changes(&watch.next().await.expect("news").events));
            }
        }
        from = seen.last().map_or(1, |(_, revision)| revision + 1);
    }
    assert_eq!(seen, writer.await.expect("a task"));
}

#[tokio::test]
async fn what_is_compacted_is_an_error_with_the_first_revision_that_is_kept() {
    let cluster = one();
    let client = client(&cluster, patient());
    let first = put(&client, "w/a", "1").await.expect("written");
    let last = put(&client, "w/a", "2").await.expect("written");
    cluster.etcdctl(&["compact", &last.to_string()]).expect("compacted");
    // The watch begins before it finds out.
    let mut watch = client.watch(WatchCreateRequest::prefix("w/", first)).await.expect("a watch");
    let error = loop {
        match watch.next().await {
            Ok(news) => assert!(news.events.is_empty(), "{news:?}"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), Kind::Compacted(last), "{error}");
    // From what is kept on it works: compaction keeps the state at its revision.
    let mut watch = client.watch(WatchCreateRequest::prefix("w/", last)).await.expect("a watch");
    assert_eq!(changes(&events(&mut watch, 1).await.expect("events")), [("w/a".to_owned(), last)]);
}

#[tokio::test]
async fn progress_is_answered_after_all_events_up_to_it() {
    let cluster = one();
    let client = client(&cluster, patient());
    let mut watch = client.watch(WatchCreateRequest::prefix("w/", 0)).await.expect("a watch");
    for n in 0..20 {
        put(&client, "w/a", &n.to_string()).await.expect("written");
    }
    let last = put(&client, "other", "1").await.expect("written");
    watch.ask_progress().expect("asked");
    let mut seen = 0;
    loop {
        let news = watch.next().await.expect("news");
        seen += news.events.len();
        if news.events.is_empty() && news.revision >= last {
            break;
        }
        if news.events.is_empty() {
            watch.ask_progress().expect("asked");
        }
    }
    assert_eq!(seen, 20);
}

/// Of more than fits into one message, each part says whether more of it follows.
#[tokio::test]
async fn a_long_answer_comes_in_parts_that_say_so() {
    let cluster = one();
    let client = client(&cluster, patient());
    let value = "x".repeat(200_000);
    let first = put(&client, "w/00", &value).await.expect("written");
    for n in 1..30 {
        put(&client, &format!("w/{n:02}"), &value).await.expect("written");
    }
    let mut watch = client.watch(WatchCreateRequest::prefix("w/", first)).await.expect("a watch");
    let (mut seen, mut parts) = (vec![], vec![]);
    while seen.len() < 30 {
        let news = watch.next().await.expect("news");
        seen.extend(changes(&news.events));
        parts.push(news.more);
    }
    assert!(parts.len() > 1 && parts.contains(&true) && parts.last() == Some(&false), "{parts:?}");
    assert!(seen.is_sorted_by_key(|(_, revision)| *revision));
}

#[tokio::test]
async fn a_watch_ends_with_its_member() {
    let mut cluster = one();
    let client = client(&cluster, patient());
    let mut watch = client.watch(WatchCreateRequest::prefix("w/", 0)).await.expect("a watch");
    cluster.kill(0).expect("killed");
    let error: Error = watch.next().await.expect_err("it has ended");
    assert_eq!(error.endpoint(), Some(cluster.endpoint(0).as_str()));
    assert!(matches!(error.kind(), Kind::Lost), "{error:?}");
}
