//! Reading and writing keys, and what a member says of itself.

use etcd_kv::messages::{Op, RangeRequest, RequestOp, TxnRequest};
use etcd_kv::{Kind, Outcome};

use crate::support::{client, get, one, patient, put, revision, swap, three};

#[tokio::test]
async fn a_key_begins_changes_and_ends_by_comparison() {
    let cluster = one();
    let client = client(&cluster, patient());
    let begun = client.txn(swap("k", None, "1")).await.expect("an answer");
    assert!(begun.succeeded);
    assert!(!client.txn(swap("k", None, "1")).await.expect("an answer").succeeded, "it is there already");

    let changed = client.txn(swap("k", Some(revision(&begun)), "2")).await.expect("an answer");
    assert!(changed.succeeded && revision(&changed) > revision(&begun));
    assert!(!client.txn(swap("k", Some(revision(&begun)), "3")).await.expect("an answer").succeeded);
    let found = get(&client, "k").await.expect("an answer").expect("the key");
    assert_eq!((&found.value[..], found.version), (&b"2"[..], 2));
    assert_eq!((found.create_revision, found.mod_revision), (revision(&begun), revision(&changed)));
    assert_eq!(cluster.etcdctl(&["get", "k", "--print-value-only"]).expect("etcdctl"), "2\n");

    let end = TxnRequest {
        compare: swap("k", Some(revision(&changed)), "").compare,
        success: vec![RequestOp::delete("k")],
        ..TxnRequest::default()
    };
    assert!(client.txn(end.clone()).await.expect("an answer").succeeded);
    assert!(!client.txn(end).await.expect("an answer").succeeded, "it is gone");
    assert_eq!(get(&client, "k").await, Ok(None));
    // Its version begins at 1 again, its revision does not.
    let again = client.txn(swap("k", None, "4")).await.expect("an answer");
    assert!(again.succeeded && revision(&again) > revision(&changed));
    assert_eq!(get(&client, "k").await.expect("an answer").expect("the key").version, 1);
}

#[tokio::test]
async fn pages_at_one_revision_have_each_key_once() {
    let cluster = one();
    let client = client(&cluster, patient());
    for number in 0..25 {
        put(&client, &format!("p/{number:02}"), "").await.expect("written");
    }
    let all = client.range(RangeRequest::prefix("p/")).await.expect("an answer");
    let pinned = all.header.expect("a header").revision;
    let mut seen = vec![];
    let mut first = b"p/".to_vec();
    loop {
        // Between two pages a key is deleted and one is made: the pages are of the old state.
        put(&client, &format!("p/{}-new", seen.len()), "").await.expect("written");
        let delete = TxnRequest {
            success: vec![RequestOp::delete(format!("p/{:02}", 24 - seen.len() / 10))],
            ..TxnRequest::default()
        };
        client.txn(delete).await.expect("deleted");
        let request = RangeRequest { limit: 10, revision: pinned, ..RangeRequest::between(first, "p0") };
        let page = client.range(request).await.expect("an answer");
        assert!(page.kvs.len() <= 10);
        let last = page.kvs.last().expect("a key").key.clone();
        seen.extend(page.kvs);
        if !page.more {
            break;
        }
        first = [&last[..], b"\0"].concat();
    }
    assert_eq!(seen, all.kvs);
    assert_eq!(all.count, 25);
}

#[tokio::test]
async fn counts_and_keys_alone() {
    let cluster = one();
    let client = client(&cluster, patient());
    for key in ["c/a", "c/b", "d"] {
        put(&client, key, "value").await.expect("written");
    }
    let count = RangeRequest { count_only: true, ..RangeRequest::prefix("c/") };
    let counted = client.range(count).await.expect("an answer");
    assert_eq!((counted.count, counted.kvs.len()), (2, 0));
    let keys = RangeRequest { keys_only: true, ..RangeRequest::prefix("") };
    let kvs = client.range(keys).await.expect("an answer").kvs;
    assert_eq!(kvs.iter().map(|kv| &kv.key[..]).collect::<Vec<_>>(), [&b"c/a"[..], b"c/b", b"d"]);
    assert!(kvs.iter().all(|kv| kv.value.is_empty()));
}

#[tokio::test]
async fn what_is_invalid_is_not_done() {
    let cluster = one();
    let client = client(&cluster, patient());
    let before = client.range(RangeRequest::key("x")).await.expect("an answer").header.expect("a header").revision;
    let invalid = [
        TxnRequest { success: vec![RequestOp::put("", "no key")], ..TxnRequest::default() },
        TxnRequest { success: vec![RequestOp::put("k", "1"), RequestOp::put("k", "2")], ..TxnRequest::default() },
        TxnRequest { success: vec![RequestOp::put("k", vec![b'x'; 3 << 20])], ..TxnRequest::default() },
        TxnRequest { success: (0..129).map(|n| RequestOp::put(format!("{n}"), "")).collect(), ..TxnRequest::default() },
    ];
    for request in invalid {
        let operations = request.success.len();
        let error = client.txn(request).await.expect_err("it is invalid");
        assert_eq!((error.kind(), error.outcome()), (Kind::Invalid, Outcome::NotDone), "{operations}: {error}");
    }
    let future = RangeRequest { revision: before + 100, ..RangeRequest::key("x") };
    assert_eq!(client.range(future).await.expect_err("it is to come").kind(), Kind::Invalid);
    let after = client.range(RangeRequest::key("x")).await.expect("an answer").header.expect("a header").revision;
    assert_eq!(before, after, "nothing was done");
}

#[tokio::test]
async fn a_revision_that_is_compacted_cannot_be_read() {
    let cluster = one();
    let client = client(&cluster, patient());
    let first = put(&client, "k", "1").await.expect("written");
    let second = put(&client, "k", "2").await.expect("written");
    cluster.etcdctl(&["compact", &second.to_string()]).expect("compacted");
    let old = RangeRequest { revision: first, ..RangeRequest::key("k") };
    assert!(matches!(client.range(old).await.expect_err("it is gone").kind(), Kind::Compacted(_)));
}

#[tokio::test]
async fn every_member_says_who_it_is_and_who_leads() {
    let cluster = three();
    let client = client(&cluster, patient());
    let mut states = vec![];
    for endpoint in 0..3 {
        states.push(client.status(endpoint).await.expect("an answer"));
    }
    let header = |index: usize| states[index].header.expect("a header");
    for (index, state) in states.iter().enumerate() {
        assert!(state.version.starts_with("3."), "{}", state.version);
        assert!(state.leader != 0 && state.leader == states[0].leader);
        assert!(state.db_size > 0 && state.db_size_in_use > 0 && state.errors.is_empty() && !state.is_learner);
        assert_eq!(header(index).cluster_id, header(0).cluster_id);
    }
    assert!((0..3).any(|index| header(index).member_id == states[0].leader));
    assert!(header(0).member_id != header(1).member_id && header(1).member_id != header(2).member_id);
    assert!(client.alarms().await.expect("an answer").alarms.is_empty());
}

#[tokio::test]
async fn a_transaction_answers_what_it_read_and_what_was_there_before() {
    use etcd_kv::messages::{Answer, DeleteRangeRequest, PutRequest};
    let cluster = one();
    let client = client(&cluster, patient());
    put(&client, "a", "1").await.expect("written");
    put(&client, "b", "1").await.expect("written");
    let request = TxnRequest {
        success: vec![
            RequestOp::get("b"),
            Op::Put(PutRequest { key: "a".into(), value: "2".into(), prev_kv: true, lease: 0 }).into(),
            Op::DeleteRange(DeleteRangeRequest { key: "b".into(), prev_kv: true, ..DeleteRangeRequest::default() })
                .into(),
            RequestOp::get("b"),
        ],
        ..TxnRequest::default()
    };
    let answers = client.txn(request).await.expect("an answer").responses;
    let [read, put, deleted, gone] = &answers[..] else { panic!("{answers:?}") };
    assert!(matches!(&read.answer, Some(Answer::Range(range)) if range.kvs[0].value == "1"));
    assert!(matches!(&put.answer, Some(Answer::Put(put)) if put.prev_kv.as_ref().is_some_and(|kv| kv.value == "1")));
    assert!(matches!(&deleted.answer, Some(Answer::DeleteRange(one)) if one.deleted == 1 && one.prev_kvs.len() == 1));
    assert!(matches!(&gone.answer, Some(Answer::Range(range)) if range.kvs.is_empty() && range.count == 0));
}
