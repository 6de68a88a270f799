//! A database that is as large as it may get.

use etcd_kv::messages::{AlarmKind, RangeRequest, RequestOp, TxnRequest};
use etcd_kv::{Client, Kind, Outcome};
use etcd_members::{Cluster, Setup};

use crate::support::{all, client, get, one, patient, swap};

fn small() -> Cluster {
    let arguments = vec!["--quota-backend-bytes=4194304".to_owned()];
    Cluster::start(1, &Setup { arguments, ..Setup::default() }).expect("a member")
}

async fn count(client: &Client) -> i64 {
    client.range(RangeRequest { count_only: true, ..RangeRequest::prefix("q/") }).await.expect("an answer").count
}

#[tokio::test]
async fn no_space_is_settled_and_an_alarm() {
    let cluster = small();
    let client = client(&cluster, patient());
    let mut written = 0;
    let error = loop {
        let put = RequestOp::put(format!("q/{written}"), vec![b'x'; 100_000]);
        match client.txn(TxnRequest { success: vec![put], ..TxnRequest::default() }).await {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 200, "the quota does nothing");
    };
    assert_eq!((error.kind(), error.outcome()), (Kind::NoSpace, Outcome::Settled), "{error}");
    let alarms = client.alarms().await.expect("an answer").alarms;
    assert_eq!(alarms.iter().map(|alarm| alarm.alarm).collect::<Vec<_>>(), [i32::from(AlarmKind::NoSpace)]);
    assert!(client.status(0).await.expect("an answer").errors.iter().any(|one| one.contains("NOSPACE")));
}

/// etcd does not count what nested transactions write: a group has to have something that it counts.
#[tokio::test]
async fn a_group_is_refused_when_there_is_no_space() {
    let cluster = small();
    let client = client(&cluster, patient());
    let mut written = 0;
    let error = loop {
        match client.txn(all([swap(&format!("q/{written}"), None, &"x".repeat(100_000))])).await {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 1_000, "the quota does nothing");
    };
    assert_eq!((error.kind(), error.outcome()), (Kind::NoSpace, Outcome::Settled), "{error}");
    // From now on nothing is written, however small.
    let kept = count(&client).await;
    for _ in 0..3 {
        let refused = client.txn(all([swap("q/last", None, "x")])).await.expect_err("there is an alarm");
        assert_eq!(refused.kind(), Kind::NoSpace);
    }
    assert_eq!(count(&client).await, kept);
    // What only deletes is done all the same.
    let end = |key: &str| TxnRequest { success: vec![RequestOp::delete(key.to_owned())], ..TxnRequest::default() };
    client.txn(all([end("q/0"), end("q/1")])).await.expect("deleted");
    assert_eq!(count(&client).await, kept - 2);
}

#[tokio::test]
async fn what_a_group_is_counted_by_is_not_written() {
    let cluster = one();
    let client = client(&cluster, patient());
    client.txn(TxnRequest::group([swap("a", None, "1"), swap("a2", Some(1), "1")], "counted")).await.expect("written");
    assert_eq!(get(&client, "counted").await, Ok(None));
    assert!(get(&client, "a").await.expect("read").is_some());
}
