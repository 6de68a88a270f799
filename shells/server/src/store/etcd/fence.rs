//! What keeps a change that was given up from being made later.
//!
//! A request that was not answered may still be on its way: in a member that stands still, say. When it arrives, its comparison
//! decides. While this server lives, one with a revision is no danger: it is asked for again until its comparison has
//! failed, and can never hold again, since no revision comes twice. But a begin compares that there is no such session, which
//! is true again after the session was begun by another request, and ended: then the old one would open it once more, and
//! no call would end it. And of a server that was killed, any change may be on its way, with no server that would
//! ask for it again.
//!
//! So each group of changes compares a key of this server's start, the fence. It is written when the server starts, and once more
//! before a begin of unknown outcome is asked for again, or another one is asked for: from then on no older request can
//! change anything. What a killed server has left on its way is kept out when its fence is removed. The next start of any server
//! removes all there are: a server that lives finds its own gone, writes it again, and asks again.

use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use etcd_kv::messages::{Compare, DeleteRangeRequest, Op, RangeRequest, RequestOp, TxnRequest, prefix_end};
use etcd_kv::{Client, Error};

/// The fence of this start.
#[derive(Debug)]
pub(super) struct Fence {
    key: Bytes,
    /// The revision of its last change that this server knows of.
    revision: Mutex<i64>,
    /// A begin is of unknown outcome, and the fence was not written since.
    is_due: AtomicBool,
}

impl Fence {
    /// Writes the fence of a start for the first time, and removes all others, which begin with `prefix`: most are of starts that
    /// have ended.
    pub(super) async fn raised(client: &Client, key: Bytes, prefix: Bytes) -> Result<Self, Error> {
        let all = DeleteRangeRequest { range_end: prefix_end(&prefix), key: prefix, ..DeleteRangeRequest::default() };
        client.txn(TxnRequest { success: vec![Op::DeleteRange(all).into()], ..TxnRequest::default() }).await?;
        let fence = Self { key, revision: Mutex::new(0), is_due: AtomicBool::new(false) };
        fence.raise(client).await?;
        Ok(fence)
    }

    /// What a group of changes compares: that the fence is still at this revision.
    pub(super) fn compare(&self, revision: u64) -> Compare {
        Compare::changed_at(self.key.clone(), i64::try_from(revision).unwrap_or(i64::MAX))
    }

    /// Where it is, as far as this server knows. A request that compares an older one changes nothing after this revision.
    pub(super) fn revision(&self) -> u64 {
        super::carry::revision(*self.revision.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A begin is of unknown outcome.
    pub(super) fn due(&self) {
        self.is_due.store(true, Ordering::SeqCst);
    }

    /// Writes the fence if a begin is of unknown outcome. When this returns without an error, no begin that was asked for before
    /// can be made any more.
    pub(super) async fn write(&self, client: &Client) -> Result<(), Error> {
        if !self.is_due.load(Ordering::SeqCst) {
            return Ok(());
        }
        self.raise(client).await?;
        // What became due meanwhile was asked for with an older fence, and is kept out, too.
        self.is_due.store(false, Ordering::SeqCst);
        Ok(())
    }

    /// Writes the fence. When this returns a revision, no change that was asked for before can be made after that.
    pub(super) async fn raise(&self, client: &Client) -> Result<u64, Error> {
        let write = TxnRequest { success: vec![RequestOp::put(self.key.clone(), "")], ..TxnRequest::default() };
        let answer = client.txn(write).await?;
        let revision = answer.header.map_or(0, |header| header.revision);
        self.at(revision);
        Ok(super::carry::revision(revision))
    }

    /// A group has found another fence. That may be one whose writing was given up; if there is none, it is written again.
    pub(super) async fn found(&self, client: &Client) -> Result<(), Error> {
        let answer = client.range(RangeRequest::key(self.key.clone())).await?;
        match answer.kvs.first() {
            Some(kv) => self.at(kv.mod_revision),
            None => drop(self.raise(client).await?),
        }
        Ok(())
    }

    fn at(&self, revision: i64) {
        let mut known = self.revision.lock().unwrap_or_else(PoisonError::into_inner);
        *known = revision.max(*known);
    }
}

/// Removes the fences of other starts, which have ended. When this returns a revision, no change that they asked for can be made
/// after that.
pub(super) async fn remove(client: &Client, keys: impl Iterator<Item = Bytes>) -> Result<u64, Error> {
    let remove = TxnRequest { success: keys.map(RequestOp::delete).collect(), ..TxnRequest::default() };
    Ok(super::carry::revision(client.txn(remove).await?.header.map_or(0, |header| header.revision)))
}
