//! What keeps a begin that was given up from being made later.
//!
//! A request that was not answered may still be on its way: in a member that stands still, say. When it arrives, its comparison
//! decides. One with a revision can never hold again after it did not, since no revision comes twice. But a begin compares
//! that there is no such session, which is true again after the session was begun by another request, and ended: then the
//! old one would open it once more, and no call would end it.
//!
//! So a begin also compares a key of this server's start, the fence. It is absent at first. Before a begin of unknown outcome
//! is asked for again, or another one is asked for, the fence is written: from then on no older begin can be made.

use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use etcd_kv::messages::{Compare, RangeRequest, RequestOp, TxnRequest};
use etcd_kv::{Client, Error};

/// The fence of this start.
#[derive(Debug)]
pub(super) struct Fence {
    key: Bytes,
    /// The revision of its last change that this server knows of; 0 if there was none.
    revision: Mutex<i64>,
    /// A begin is of unknown outcome, and the fence was not written since.
    is_due: AtomicBool,
}

impl Fence {
    pub(super) const fn new(key: Bytes) -> Self {
        Self { key, revision: Mutex::new(0), is_due: AtomicBool::new(false) }
    }

    /// What a begin compares.
    pub(super) fn compare(&self) -> Compare {
        match *self.revision.lock().unwrap_or_else(PoisonError::into_inner) {
            0 => Compare::absent(self.key.clone()),
            revision => Compare::changed_at(self.key.clone(), revision),
        }
    }

    /// A begin is of unknown outcome.
    pub(super) fn due(&self) {
        self.is_due.store(true, Ordering::SeqCst);
    }

    /// Writes the fence if a begin is of unknown outcome. When this returns without an error, no begin that was asked for before can be made any more.
    pub(super) async fn write(&self, client: &Client) -> Result<(), Error> {
        if !self.is_due.load(Ordering::SeqCst) {
            return Ok(());
        }
        let write = TxnRequest { success: vec![RequestOp::put(self.key.clone(), "")], ..TxnRequest::default() };
        let answer = client.txn(write).await?;
        self.at(answer.header.map_or(0, |header| header.revision));
        // What became due meanwhile was asked for with an older fence, and is kept out, too.
        self.is_due.store(false, Ordering::SeqCst);
        Ok(())
    }

    /// Finds out where it is: a write of it that was given up may have been made.
    pub(super) async fn read(&self, client: &Client) -> Result<(), Error> {
        let answer = client.range(RangeRequest::key(self.key.clone())).await?;
        self.at(answer.kvs.first().map_or(0, |kv| kv.mod_revision));
        Ok(())
    }

    fn at(&self, revision: i64) {
        let mut known = self.revision.lock().unwrap_or_else(PoisonError::into_inner);
        *known = revision.max(*known);
    }
}
