//! A change on its way, and the transactions that make it.

use std::sync::Arc;

use etcd_kv::messages::{Answer, Compare, KeyValue, RequestOp, ResponseOp, TxnRequest};

use super::keys::Keys;
use super::known::Known;
use super::value::Value;
use crate::session::{Revision, SessionKey};
use crate::store::{StoreError, Swap, Tell};

/// A change that somebody waits for.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) key: SessionKey,
    pub(super) expected: Option<Revision>,
    /// `None` if it ends the session.
    pub(super) value: Option<Value>,
    pub(super) waiting: Waiting,
}

/// Who waits, and the change's place among those on their way. If it is dropped, what became of the change is not known.
#[derive(Debug)]
pub(super) struct Waiting {
    tell: Option<Tell>,
    known: Arc<Known>,
    key: SessionKey,
}

impl Waiting {
    /// For a change that has [taken off](Known::take_off).
    pub(super) const fn new(tell: Tell, known: Arc<Known>, key: SessionKey) -> Self {
        Self { tell: Some(tell), known, key }
    }

    /// What became of it. The next change of the session may take off then.
    pub(super) fn tell(mut self, outcome: Result<Swap, StoreError>) {
        self.land(outcome);
    }

    fn land(&mut self, outcome: Result<Swap, StoreError>) {
        if let Some(tell) = self.tell.take() {
            self.known.land(&self.key);
            if outcome.as_ref().is_err_and(StoreError::is_unknown) {
                self.known.lost();
            }
            tell.send(outcome);
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.land(Err(StoreError::unknown("the server ended before etcd answered")));
    }
}

impl Change {
    /// Whether it begins a session: the only change whose comparison can hold again after it did not.
    pub(super) const fn is_begin(&self) -> bool {
        self.expected.is_none() && self.value.is_some()
    }

    /// The change with its comparison. `fence` is what a begin compares besides: see [`super::fence`].
    pub(super) fn txn(&self, keys: &Keys, fence: &Compare) -> TxnRequest {
        let key = keys.session(&self.key);
        let compare = match self.expected {
            // No revision of etcd is greater than what fits.
            Some(Revision(revision)) => {
                vec![Compare::changed_at(key.clone(), i64::try_from(revision).unwrap_or(i64::MAX))]
            }
            None if self.is_begin() => vec![Compare::absent(key.clone()), fence.clone()],
            None => vec![Compare::absent(key.clone())],
        };
        let success = match &self.value {
            Some(value) => RequestOp::put(key.clone(), value.to_bytes()),
            None => RequestOp::delete(key.clone()),
        };
        TxnRequest { compare, success: vec![success], failure: vec![RequestOp::get(key)] }
    }
}

/// What a nested transaction did.
#[derive(Debug)]
pub(super) enum Done {
    Made,
    /// It was not as expected: what is there.
    Found(Option<KeyValue>),
}

/// Reads the answer to [`Change::txn`]; `None` if it is none.
pub(super) fn read(response: ResponseOp) -> Option<Done> {
    let Some(Answer::Txn(mut txn)) = response.answer else { return None };
    let answer = txn.responses.pop()?.answer?;
    match (txn.succeeded, answer) {
        (true, Answer::Put(_) | Answer::DeleteRange(_)) => Some(Done::Made),
        (false, Answer::Range(mut range)) => Some(Done::Found(range.kvs.pop())),
        _ => None,
    }
}
