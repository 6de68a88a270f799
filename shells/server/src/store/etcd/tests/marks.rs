//! The marks of ends that old starts left are removed, and nothing depends on them.

use core::time::Duration;

use etcd_kv::messages::{RangeRequest, RequestOp, TxnRequest};
use etcd_kv::{Client, Options};
use etcd_members::Cluster;
use recording_core::{Action, State};
use tokio::time::{sleep, timeout};

use super::proxy::{Proxy, Way};
use super::{key, members, revision, set, store, store_at};
use crate::audit::Note;
use crate::store::etcd::marks::KEPT;
use crate::store::{Store, Swap};

const ATTEMPT: Duration = Duration::from_millis(700);

fn plain(cluster: &Cluster) -> Client {
    Client::new(vec![cluster.endpoint(0).parse().expect("an endpoint")], Options::default())
}

/// The starts of all marks, each as often as it has some.
async fn starts(client: &Client) -> Vec<String> {
    let marks = client.range(RangeRequest::prefix("test/e/")).await.expect("marks").kvs;
    let start =
        |key: &[u8]| String::from_utf8_lossy(&key["test/e/".len()..]).split_once('/').expect("a start").0.to_owned();
    marks.iter().map(|kv| start(&kv.key)).collect()
}

/// Marks of this start, as many as a start has at most.
async fn leave(client: &Client, start: u64) {
    let put = |place| RequestOp::put(format!("test/e/{start:016x}/{place}"), "0-0 test/s/none");
    client.txn(TxnRequest { success: (0..120).map(put).collect(), ..TxnRequest::default() }).await.expect("written");
}

/// A start has left marks, and an end and a begin on their way; so many starts have come and gone that its marks are removed. Then
/// the requests arrive: they change nothing, and write no mark. One that lives, and whose marks were removed, goes on.
#[tokio::test]
#[ignore = "needs members of etcd: cargo xtask cluster store"]
async fn marks_of_old_starts_are_removed_and_their_late_requests_are_kept_out() {
    let cluster = members(1);
    let client = plain(&cluster);
    let proxy = Proxy::before(&cluster.endpoint(0)).await;
    let killed = store_at(core::slice::from_ref(&proxy.endpoint), ATTEMPT).await;
    let lives = store(&cluster).await;
    let end = async |store: &super::EtcdStore, number| {
        let expected = revision(store, &key(number)).await;
        store.compare_and_set(&key(number), expected, None, Note::none()).await
    };
    for (store, number) in [(&killed, 1), (&killed, 2), (&lives, 3), (&lives, 4), (&lives, 5)] {
        assert_eq!(store.begin(&key(number), State::INITIAL).await, Ok(Swap::Stored));
    }
    assert_eq!(end(&killed, 1).await, Ok(Swap::Stored));
    assert_eq!(end(&lives, 3).await, Ok(Swap::Stored));
    let of_both = starts(&client).await;
    assert_eq!(of_both.len(), 2);

    // An end and a begin of the first do not arrive before it is killed.
    let expected = revision(&killed, &key(2)).await;
    proxy.requests(Way::Held);
    let (ends, begins) = (key(2), key(1));
    let late = async {
        tokio::join!(killed.compare_and_set(&ends, expected, None, Note::none()), killed.begin(&begins, State::INITIAL),)
    };
    timeout(Duration::from_millis(500), late).await.expect_err("it is held");
    let held = proxy.held();
    assert!(held > 0);
    for start in 0..KEPT as u64 + 3 {
        leave(&client, start).await;
    }

    // The next start leaves those of the last ones, all of them.
    let next = store(&cluster).await;
    let expected: Vec<_> = (3..KEPT + 3).flat_map(|start| core::iter::repeat_n(format!("{start:016x}"), 120)).collect();
    timeout(Duration::from_secs(20), async {
        while starts(&client).await != expected {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("they are removed");

    // Now the requests arrive; what is asked for after the fence was found to be gone was not on its way.
    proxy.replies(Way::Held);
    proxy.requests(Way::ThoseHeld(held));
    sleep(Duration::from_millis(500)).await;
    assert_eq!(starts(&client).await, expected);
    let there = revision(&next, &key(2)).await;
    assert!(there.is_some() && there == revision(&lives, &key(2)).await, "it is open");
    assert_eq!(revision(&next, &key(1)).await, None, "it is not");

    // The one that lives ends sessions, and marks that.
    let at = revision(&lives, &key(4)).await;
    assert_eq!(set(&lives, &key(4), at, Action::Start).await, Ok(Swap::Stored));
    assert_eq!(end(&lives, 4).await, Ok(Swap::Stored));
    let now = starts(&client).await;
    assert!(now.len() == expected.len() + 1 && now.iter().any(|start| of_both.contains(start)), "{now:?}");
    assert_eq!(end(&next, 5).await, Ok(Swap::Stored));
    assert_eq!(next.open_sessions().await, Ok(1));
    assert_eq!((lives.lists(), next.lists()), (0, 0));
}
