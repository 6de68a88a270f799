//! Many changes in one transaction, each with a comparison of its own: how a store commits in groups.

use etcd_kv::messages::{Answer, RequestOp, TxnRequest};
use etcd_kv::{Kind, Outcome};

use crate::support::{all, client, get, inner, one, patient, put, revision, swap};

#[tokio::test]
async fn a_stale_one_fails_alone_and_answers_what_is_there() {
    let cluster = one();
    let client = client(&cluster, patient());
    let begun =
        client.txn(all([swap("a", None, "1"), swap("b", None, "1"), swap("c", None, "1")])).await.expect("begun");
    assert!(inner(&begun).iter().all(|one| one.succeeded));
    let first = revision(&begun);
    let newer = put(&client, "b", "someone's").await.expect("written");

    let delete = TxnRequest { success: vec![RequestOp::delete("c")], ..swap("c", Some(first), "") };
    let answer =
        client.txn(all([swap("a", Some(first), "2"), swap("b", Some(first), "2"), delete])).await.expect("an answer");
    let each = inner(&answer);
    assert_eq!(each.iter().map(|one| one.succeeded).collect::<Vec<_>>(), [true, false, true]);
    let Some(Answer::Range(found)) = &each[1].responses[0].answer else { panic!("{each:?}") };
    assert_eq!((&found.kvs[0].value[..], found.kvs[0].mod_revision), (&b"someone's"[..], newer));
    assert_eq!(get(&client, "a").await.expect("read").expect("a key").mod_revision, revision(&answer));
    assert_eq!(get(&client, "b").await.expect("read").expect("a key").mod_revision, newer);
    assert_eq!(get(&client, "c").await, Ok(None));
}

#[tokio::test]
async fn all_of_a_group_have_one_revision_and_a_group_that_changes_nothing_has_none() {
    let cluster = one();
    let client = client(&cluster, patient());
    let answer = client.txn(all((0..120).map(|n| swap(&format!("g/{n}"), None, "1")))).await.expect("an answer");
    assert!(inner(&answer).iter().all(|one| one.succeeded));
    for n in [0, 60, 119] {
        let found = get(&client, &format!("g/{n}")).await.expect("read").expect("a key");
        assert_eq!(found.mod_revision, revision(&answer));
    }
    let nothing = client.txn(all((0..120).map(|n| swap(&format!("g/{n}"), None, "2")))).await.expect("an answer");
    assert!(inner(&nothing).iter().all(|one| !one.succeeded));
    assert_eq!(revision(&nothing), revision(&answer));
}

#[tokio::test]
async fn what_cannot_be_in_one_group_is_refused_as_a_whole() {
    let cluster = one();
    let client = client(&cluster, patient());
    let refused = [
        all([swap("x", None, "1"), swap("y", None, "1"), swap("x", Some(1), "2")]),
        all((0..129).map(|n| swap(&format!("{n}"), None, "1"))),
    ];
    for request in refused {
        let error = client.txn(request).await.expect_err("it is refused");
        assert_eq!((error.kind(), error.outcome()), (Kind::Invalid, Outcome::NotDone), "{error}");
    }
    assert_eq!((get(&client, "y").await, get(&client, "0").await), (Ok(None), Ok(None)));
}

/// The laws of compare-and-set under contention: of all who change one key from the same revision, one wins.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_change_a_key_from_one_revision_one_wins() {
    let cluster = one();
    let client = client(&cluster, patient());
    let mut expected = revision(&client.txn(swap("hot", None, "0")).await.expect("begun"));
    for round in 0..20 {
        let tasks: Vec<_> = (0..8)
            .map(|who| {
                let client = client.clone();
                let own = format!("own/{round}/{who}");
                let request = all([swap("hot", Some(expected), &format!("{round}/{who}")), swap(&own, None, "1")]);
                tokio::spawn(async move { client.txn(request).await.expect("an answer") })
            })
            .collect();
        let mut winners = vec![];
        for task in tasks {
            let answer = task.await.expect("a task");
            let each = inner(&answer);
            assert!(each[1].succeeded, "a change of another key is not touched");
            winners.extend(each[0].succeeded.then(|| revision(&answer)));
        }
        assert_eq!(winners.len(), 1, "round {round}");
        assert_eq!(get(&client, "hot").await.expect("read").expect("a key").mod_revision, winners[0]);
        expected = winners[0];
    }
}
