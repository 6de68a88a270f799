//! What all servers agree on: the format, which store it is, and the epochs.

use core::hash::BuildHasher as _;
use core::ops::Range;
use std::collections::HashMap;
use std::hash::RandomState;

use bytes::Bytes;
use etcd_kv::messages::{Compare, RangeRequest, RequestOp, TxnRequest};
use etcd_kv::{Client, Error, Outcome};

use super::NotOpened;
use super::keys::Keys;
use crate::store::{StoreError, epochs};

const FORMAT: &str = "1";

/// How many epochs a server takes for itself at once.
const EPOCHS: u64 = 1024;

/// Finds the store under the keys, or begins it, and gives its number.
///
/// `cluster` is etcd's own number of the cluster. A store that was copied to another cluster goes back in revisions, so it is
/// refused.
pub(super) async fn agree(client: &Client, keys: &Keys, cluster: u64) -> Result<u64, NotOpened> {
    let said = |error: Error| NotOpened::AtPresent(error.to_string());
    let wrong = |reason: String| Err(NotOpened::Wrong(reason));
    let begin = TxnRequest {
        compare: vec![Compare::absent(keys.meta("format"))],
        success: vec![
            RequestOp::put(keys.meta("format"), FORMAT),
            RequestOp::put(keys.meta("cluster"), format!("{cluster:016x}")),
            RequestOp::put(keys.meta("store"), format!("{:016x}", RandomState::new().hash_one(cluster))),
        ],
        failure: vec![],
    };
    match client.txn(begin).await {
        // What is there says more than whether this was it.
        Err(error) if error.outcome() == Outcome::NotDone => return Err(said(error)),
        _ => {}
    }
    let there = client.range(RangeRequest::prefix(keys.meta(""))).await.map_err(said)?;
    let prefix = keys.meta("").len();
    let there: HashMap<_, _> = there.kvs.iter().map(|kv| (&kv.key[prefix..], text(&kv.value))).collect();
    let get = |name: &str| there.get(name.as_bytes()).map(String::as_str);
    match get("format") {
        Some(FORMAT) => {}
        Some(other) => return wrong(format!("the store in etcd has format {other}, and only {FORMAT} is known")),
        None => return Err(NotOpened::AtPresent("the store in etcd could not be begun".to_owned())),
    }
    let own = format!("{cluster:016x}");
    match get("cluster") {
        Some(there) if there == own => {}
        there => {
            let there = there.unwrap_or("none");
            return wrong(format!("the store in etcd belongs to the cluster {there}, and this one is {own}"));
        }
    }
    let id = get("store").and_then(|id| u64::from_str_radix(id, 16).ok());
    id.map_or_else(|| wrong("the store in etcd has no number".to_owned()), Ok)
}

fn text(bytes: &Bytes) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Epochs that no server has had before.
pub(super) async fn epochs(client: &Client, keys: &Keys) -> Result<Range<u64>, StoreError> {
    let key = keys.meta("epoch");
    let said = |error: Error| StoreError::new(error.to_string());
    loop {
        let there = client.range(RangeRequest::key(key.clone())).await.map_err(said)?.kvs.pop();
        let (compare, issued) = match &there {
            None => (Compare::absent(key.clone()), 0),
            Some(kv) => {
                let issued = text(&kv.value).parse().map_err(|_| StoreError::new("etcd has no number of epochs"))?;
                (Compare::changed_at(key.clone(), kv.mod_revision), issued)
            }
        };
        let first = epochs::by_the_clock().max(issued);
        let put = RequestOp::put(key.clone(), (first + EPOCHS).to_string());
        let take = TxnRequest { compare: vec![compare], success: vec![put], failure: vec![] };
        // If that is not known, some are issued to no server at worst.
        if client.txn(take).await.map_err(said)?.succeeded {
            return Ok(first..first + EPOCHS);
        }
    }
}
