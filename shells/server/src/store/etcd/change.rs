//! A change on its way, and the transactions that make it.

use std::sync::Arc;

use etcd_kv::messages::{Answer, Compare, KeyValue, RequestOp, ResponseOp, TxnRequest};

use super::journal::Journal;
use super::keys::Keys;
use super::known::Known;
use super::value::Value;
use crate::audit::{Became, Intent, Note};
use crate::session::{OpId, Revision, SessionKey};
use crate::store::{StoreError, Swap, Tell};

/// A change that somebody waits for.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) op: OpId,
    pub(super) key: SessionKey,
    pub(super) expected: Option<Revision>,
    /// `None` if it ends the session.
    pub(super) value: Option<Value>,
    /// What is written of it before it is asked for.
    pub(super) note: Note,
    pub(super) waiting: Waiting,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// It was made, at this revision.
    Made(u64),
    /// The session was not as expected.
    Conflict,
}

/// Who waits, and the change's place among those on their way. If it is dropped, what became of the change is not known.
#[derive(Debug)]
pub(super) struct Waiting {
    tell: Option<Tell>,
    known: Arc<Known>,
    journal: Arc<Journal>,
    op: OpId,
    key: SessionKey,
}

impl Waiting {
    /// For a change that has [taken off](Known::take_off).
    pub(super) fn new(tell: Tell, (known, journal): (Arc<Known>, Arc<Journal>), (op, key): (OpId, SessionKey)) -> Self {
        Self { tell: Some(tell), known, journal, op, key }
    }

    /// What became of it. The next change of the session may take off then.
    pub(super) fn tell(mut self, outcome: Result<Told, StoreError>) {
        self.land(outcome);
    }

    fn land(&mut self, outcome: Result<Told, StoreError>) {
        if let Some(tell) = self.tell.take() {
            // That is not waited for: if the line is lost with the server, the next start finds the intent, and out what became of
            // the change.
            self.journal.became(
                self.op,
                &match &outcome {
                    Ok(Told::Made(revision)) => Became::Made(*revision),
                    Ok(Told::Conflict) => Became::Conflict,
                    Err(error) if error.is_unknown() => Became::Unknown(error.to_string()),
                    Err(error) => Became::NotMade(error.to_string()),
                },
            );
            self.known.land(&self.key);
            if outcome.as_ref().is_err_and(StoreError::is_unknown) {
                self.known.lost();
            }
            tell.send(outcome.map(|told| match told {
                Told::Made(_) => Swap::Stored,
                Told::Conflict => Swap::Conflict,
            }));
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

    /// What is written of it before it is asked for; `None` if nothing is. `known` is a revision that it exceeds if it is made.
    pub(super) fn intent(&self, known: u64) -> Option<Intent> {
        (!self.note.is_none()).then(|| Intent::new(self.op, self.key.clone(), known, self.note.clone()))
    }

    /// Whether it ends a session.
    pub(super) const fn is_end(&self) -> bool {
        self.value.is_none()
    }

    /// The change with its comparison. `place` is its place in its group: an end is marked there.
    pub(super) fn txn(&self, keys: &Keys, place: usize) -> TxnRequest {
        let key = keys.session(&self.key);
        let compare = match self.expected {
            // No revision of etcd is greater than what fits.
            Some(Revision(revision)) => Compare::changed_at(key.clone(), i64::try_from(revision).unwrap_or(i64::MAX)),
            None => Compare::absent(key.clone()),
        };
        let success = match &self.value {
            Some(value) => vec![RequestOp::put(key.clone(), value.to_bytes())],
            None => {
                let mark = RequestOp::put(keys.ended(self.op.start, place), end_mark(self.op, &key));
                vec![RequestOp::delete(key.clone()), mark]
            }
        };
        TxnRequest { compare: vec![compare], success, failure: vec![RequestOp::get(key)] }
    }
}

/// What says which change deleted a key.
fn end_mark(op: OpId, key: &[u8]) -> Vec<u8> {
    [format!("{op} ").as_bytes(), key].concat()
}

/// Reads it: the change, and the key that it deleted.
pub(super) fn read_end_mark(value: &[u8]) -> Option<(OpId, &[u8])> {
    let at = value.iter().position(|byte| *byte == b' ')?;
    let op = core::str::from_utf8(&value[..at]).ok()?.parse().ok()?;
    Some((op, &value[at + 1..]))
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
