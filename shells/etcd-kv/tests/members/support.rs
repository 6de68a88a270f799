//! Clusters and clients of them.

use core::time::Duration;

use etcd_kv::messages::{Answer, Compare, Event, KeyValue, RangeRequest, RequestOp, TxnRequest, TxnResponse};
use etcd_kv::{Client, Error, Options, Watch};
use etcd_members::{Cluster, Setup};

/// Waits are long, so that a busy machine fails no test: none of them is waited out when all is well.
pub(crate) fn patient() -> Options {
    let seconds = Duration::from_secs;
    Options { connect: seconds(10), attempt: seconds(20), total: seconds(40), ..Options::default() }
}

pub(crate) fn one() -> Cluster {
    Cluster::start(1, &Setup::default()).expect("a member")
}

pub(crate) fn three() -> Cluster {
    Cluster::start(3, &Setup::default()).expect("three members")
}

pub(crate) fn client(cluster: &Cluster, options: Options) -> Client {
    client_of(&cluster.endpoints(), options)
}

pub(crate) fn client_of(endpoints: &[String], options: Options) -> Client {
    Client::new(endpoints.iter().map(|one| one.parse().expect("an endpoint")).collect(), options)
}

/// A change of one key: only if it was last changed at `expected`, or if there is none and that is `None`.
pub(crate) fn swap(key: &str, expected: Option<i64>, value: &str) -> TxnRequest {
    let key = key.to_owned();
    TxnRequest {
        compare: vec![match expected {
            Some(revision) => Compare::changed_at(key.clone(), revision),
            None => Compare::absent(key.clone()),
        }],
        success: vec![RequestOp::put(key.clone(), value.to_owned())],
        failure: vec![RequestOp::get(key)],
    }
}

pub(crate) fn all(changes: impl IntoIterator<Item = TxnRequest>) -> TxnRequest {
    TxnRequest::group(changes, "counted")
}

/// Writes a key, whatever it was, and gives the revision.
pub(crate) async fn put(client: &Client, key: &str, value: &str) -> Result<i64, Error> {
    let request =
        TxnRequest { success: vec![RequestOp::put(key.to_owned(), value.to_owned())], ..TxnRequest::default() };
    Ok(revision(&client.txn(request).await?))
}

pub(crate) async fn get(client: &Client, key: &str) -> Result<Option<KeyValue>, Error> {
    Ok(client.range(RangeRequest::key(key.to_owned())).await?.kvs.pop())
}

pub(crate) fn revision(response: &TxnResponse) -> i64 {
    response.header.expect("a header").revision
}

/// The answers of the transactions in one.
pub(crate) fn inner(response: &TxnResponse) -> Vec<TxnResponse> {
    let inner = response.responses.iter().map(|one| match &one.answer {
        Some(Answer::Txn(txn)) => txn.clone(),
        other => panic!("no transaction: {other:?}"),
    });
    inner.collect()
}

/// The next `count` events.
pub(crate) async fn events(watch: &mut Watch, count: usize) -> Result<Vec<Event>, Error> {
    let mut events = vec![];
    while events.len() < count {
        events.extend(watch.next().await?.events);
    }
    Ok(events)
}

/// The keys of events with the revisions that changed them.
pub(crate) fn changes(events: &[Event]) -> Vec<(String, i64)> {
    let kvs = events.iter().map(|event| event.kv.as_ref().expect("a key"));
    kvs.map(|kv| (String::from_utf8(kv.key.to_vec()).expect("a text"), kv.mod_revision)).collect()
}
