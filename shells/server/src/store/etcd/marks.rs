//! The marks of ends, which say whose change deleted a session: those of the last starts stay, those of older ones are removed.
//!
//! While etcd's history has the revision of an end, its mark is found there, whether the key is still there or not. The keys
//! themselves are looked at by one reader alone: a server that was killed, has an audit trail, and starts again after etcd has
//! dropped that history. Without them its trail says `unknown` of an end whose session is not open, and never anything that is not
//! so: a newer end of the same start may have taken the place of any mark, too.
//!
//! No late request writes the marks of an ended start again: each group of changes compares the fence of its start, which is
//! removed before the marks are. A start that lives finds its fence gone, writes it again, and marks its next end as ever.

use std::collections::HashMap;

use etcd_kv::messages::{DeleteRangeRequest, Op, RangeRequest, TxnRequest, prefix_end};
use etcd_kv::{Client, Error};
use tracing::{info, warn};

use super::carry::revision;
use super::keys::Keys;

/// Of how many starts the marks stay: of those that marked an end last. Each has up to 120.
pub(super) const KEPT: usize = 64;

/// How many keys one answer has at most.
const PAGE: i64 = 1000;

/// Of how many starts one request removes the marks.
const TOGETHER: usize = 100;

/// Removes the marks of all starts but the last ones, after their fences were removed. If that fails, the next start does it.
pub(super) async fn remove_old(client: &Client, keys: &Keys) {
    match try_remove_old(client, keys).await {
        Ok(0) => {}
        Ok(starts) => info!(target: "recording", starts, "marks of ends that old starts had left were removed"),
        Err(error) => {
            warn!(target: "recording", reason = error.to_string(), "marks of ends that old starts have left stay in etcd");
        }
    }
}

/// Of how many starts they were removed.
async fn try_remove_old(client: &Client, keys: &Keys) -> Result<usize, Error> {
    let old = old(last_ends(client, keys).await?);
    for starts in old.chunks(TOGETHER) {
        let remove = starts.iter().map(|start| {
            let key = keys.ends(*start);
            Op::DeleteRange(DeleteRangeRequest { range_end: prefix_end(&key), key, ..DeleteRangeRequest::default() })
                .into()
        });
        client.txn(TxnRequest { success: remove.collect(), ..TxnRequest::default() }).await?;
    }
    Ok(old.len())
}

/// The starts that have marks, with the revision of the last of each.
async fn last_ends(client: &Client, keys: &Keys) -> Result<HashMap<u64, u64>, Error> {
    let prefix = keys.all_ends();
    let (mut first, end) = (prefix.clone(), prefix_end(&prefix));
    let mut last = HashMap::new();
    loop {
        let page = RangeRequest { limit: PAGE, keys_only: true, ..RangeRequest::between(first, end.clone()) };
        let answer = client.range(page).await?;
        for kv in &answer.kvs {
            if let Some(start) = keys.start_of_end(&kv.key) {
                let at = last.entry(start).or_default();
                *at = revision(kv.mod_revision).max(*at);
            }
        }
        match answer.kvs.last().filter(|_| answer.more) {
            Some(kv) => first = [&kv.key[..], &[0]].concat().into(),
            None => return Ok(last),
        }
    }
}

/// All but the [last](KEPT) of these starts.
fn old(last: HashMap<u64, u64>) -> Vec<u64> {
    let mut starts: Vec<_> = last.into_iter().map(|(start, at)| (at, start)).collect();
    starts.sort_unstable();
    starts.truncate(starts.len().saturating_sub(KEPT));
    starts.into_iter().map(|(_, start)| start).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_starts_stay() {
        for count in [0, 1, KEPT - 1, KEPT, KEPT + 1, 3 * KEPT] {
            // The greater its number, the longer ago it ended a session.
            let last = (0..count as u64).map(|start| (start, 1000 - start)).collect();
            let expected: Vec<_> = (KEPT as u64..count as u64).rev().collect();
            assert_eq!(old(last), expected);
        }
    }
}
