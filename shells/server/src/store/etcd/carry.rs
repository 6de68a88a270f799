//! Carrying changes to etcd: asking until it is known what became of each, or the time is over.

use core::time::Duration;
use std::sync::Arc;

use etcd_kv::messages::{Answer, KeyValue, RequestOp, TxnRequest, TxnResponse};
use etcd_kv::{Client, Error, Kind, Outcome};
use tokio::time::{Instant, sleep};

use super::change::{Change, Done, Told, read};
use super::fence::Fence;
use super::journal::Journal;
use super::keys::Keys;
use super::known::Known;
use super::value::Value;
use crate::metrics::Commits;
use crate::session::{Found, Revision};
use crate::store::StoreError;

/// How long after it was first asked for a change is given up. Its client is answered then that it is not known.
pub(super) const PATIENCE: Duration = Duration::from_secs(4);

/// Between two requests for the same change.
const PAUSE: Duration = Duration::from_millis(20);

/// What is needed to ask for changes.
#[derive(Debug)]
pub(super) struct Carrier {
    pub(super) client: Client,
    pub(super) keys: Keys,
    pub(super) fence: Fence,
    pub(super) known: Arc<Known>,
    pub(super) commits: Arc<Commits>,
    pub(super) journal: Arc<Journal>,
}

/// A revision of etcd, which is never negative.
pub(super) fn revision(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// What is at a key.
pub(super) fn found(kv: &KeyValue) -> Result<(Found, Value), String> {
    let value = Value::from_bytes(&kv.value)?;
    Ok((Found { session: value.session.clone(), revision: Revision(revision(kv.mod_revision)) }, value))
}

/// Changes of which it is not known what becomes of them.
struct Open {
    changes: Vec<Change>,
    /// A request for them may have been carried out without an answer, or may be yet.
    maybe: bool,
    /// The fence of the last request for them.
    fence: u64,
    end: Instant,
}

impl Carrier {
    /// Asks for these changes, each of another session, until it is known what became of them.
    pub(super) async fn carry(&self, changes: Vec<Change>) {
        let known = self.known.applied_revision();
        let intents = changes.iter().filter_map(|change| change.intent(known)).collect();
        if let Err(error) = self.journal.intend(intents).await {
            for change in changes {
                change.waiting.tell(Err(StoreError::new(format!("the audit trail: {error}"))));
            }
            return;
        }
        let began = std::time::Instant::now();
        let count = changes.len();
        let mut open = Open { changes, maybe: false, fence: 0, end: Instant::now() + PATIENCE };
        let mut last = String::new();
        while !open.changes.is_empty() && Instant::now() < open.end {
            if open.changes.iter().any(Change::is_begin) {
                match self.before_begins(&open).await {
                    Ok(at) if open.maybe => open = self.begun(open, at).await,
                    Ok(_) => {}
                    Err(error) => {
                        last = error.to_string();
                        sleep(PAUSE).await;
                        continue;
                    }
                }
                if open.changes.is_empty() {
                    break;
                }
            }
            open.fence = self.fence.revision();
            match self.client.txn(self.group(&open)).await {
                Ok(answer) => {
                    if answer.succeeded {
                        self.commits.committed(began.elapsed(), count);
                    }
                    open = self.answered(open, answer).await;
                }
                Err(error) => {
                    last = error.to_string();
                    if error.outcome() == Outcome::Unknown && open.changes.iter().any(Change::is_begin) {
                        self.fence.due();
                    }
                    open = self.failed(open, &error).await;
                    sleep(PAUSE).await;
                }
            }
        }
        for change in open.changes {
            match (self.known.seen(&change.key), open.maybe) {
                (Some(at), _) => self.stored(change, at),
                (None, true) => change.waiting.tell(Err(StoreError::unknown(last.clone()))),
                (None, false) => change.waiting.tell(Err(StoreError::new(last.clone()))),
            }
        }
    }

    /// Keeps out all requests for these begins that were given up. Gives the revision from which that is so.
    async fn before_begins(&self, open: &Open) -> Result<u64, Error> {
        self.fence.write(&self.client).await?;
        if open.maybe && self.fence.revision() <= open.fence {
            self.fence.raise(&self.client).await?;
        }
        Ok(self.fence.revision())
    }

    /// Finds out which of these begins were made by a request that was given up, none of which can be made after the revision `at`.
    /// One that was made must not be asked for again: its session may have been ended since, and would be open once more.
    async fn begun(&self, open: Open, at: u64) -> Open {
        let is_reached = self.known.reach(at, open.end).await;
        let mut changes = Vec::new();
        for change in open.changes {
            match self.known.seen(&change.key).filter(|_| change.is_begin()) {
                Some(at) => self.stored(change, at),
                None if change.is_begin() && is_reached && !self.known.is_in_sight(&change.key) => {
                    change.waiting.tell(Err(StoreError::unknown("the watch missed what became of it")));
                }
                // If it is not reached, the time is over.
                None => changes.push(change),
            }
        }
        Open { changes, ..open }
    }

    fn group(&self, Open { changes, fence, .. }: &Open) -> TxnRequest {
        let each = changes.iter().enumerate().map(|(place, change)| change.txn(&self.keys, place));
        let mut group = TxnRequest::group(each, self.keys.meta("counted"));
        group.compare.push(self.fence.compare(*fence));
        if changes.iter().all(Change::is_end) {
            // Ends are never refused for lack of space, and the marks that they leave are few.
            group.failure.clear();
        }
        group
    }

    /// Tells what became of the changes by an answer to them. If it is that the fence is another by now, all remain.
    async fn answered(&self, open: Open, answer: TxnResponse) -> Open {
        if !answer.succeeded {
            // If that fails, the next answer says so again.
            let _ = self.fence.found(&self.client).await;
            return open;
        }
        let Open { changes, maybe, fence, end } = open;
        let at = answer.header.map_or(0, |header| revision(header.revision));
        let mut overtaken = Vec::new();
        let mut responses = answer.responses.into_iter();
        for change in changes {
            match responses.next().and_then(read) {
                Some(Done::Made) => self.stored(change, at),
                Some(Done::Found(kv)) => match kv.as_ref().map(found).transpose() {
                    Ok(Some((found, value))) if change.value.as_ref().is_some_and(|own| own.op == value.op) => {
                        self.stored(change, found.revision.0);
                    }
                    Ok(found) => {
                        self.known.found(&change.key, at, found.map(|(found, _)| found));
                        if maybe { overtaken.push(change) } else { change.waiting.tell(Ok(Told::Conflict)) }
                    }
                    Err(error) => change.waiting.tell(Err(StoreError::new(error))),
                },
                None => change.waiting.tell(Err(StoreError::unknown("etcd's answer is not understood"))),
            }
        }
        // It may have been made by an earlier request, and been changed by another server since: the watch has it then.
        if !overtaken.is_empty() && self.known.reach(at, end).await {
            for change in overtaken.drain(..) {
                match self.known.seen(&change.key) {
                    Some(at) => self.stored(change, at),
                    None if self.known.is_in_sight(&change.key) => change.waiting.tell(Ok(Told::Conflict)),
                    None => change.waiting.tell(Err(StoreError::unknown("the watch missed what became of it"))),
                }
            }
        }
        Open { changes: overtaken, maybe, fence, end }
    }

    /// What an error says of the changes.
    async fn failed(&self, open: Open, error: &Error) -> Open {
        let Open { mut changes, mut maybe, fence, end } = open;
        match error.outcome() {
            Outcome::NotDone if !maybe && is_final(error.kind()) => {
                for change in changes.drain(..) {
                    change.waiting.tell(Err(StoreError::new(error.to_string())));
                }
            }
            Outcome::NotDone => {}
            Outcome::Settled if !maybe => return self.settled(Open { changes, maybe, fence, end }, error).await,
            Outcome::Settled | Outcome::Unknown => maybe = true,
        }
        // Perhaps the watch has shown already that they were made.
        let mut unseen = Vec::new();
        for change in changes {
            match self.known.seen(&change.key) {
                Some(at) => self.stored(change, at),
                None => unseen.push(change),
            }
        }
        Open { changes: unseen, maybe, fence, end }
    }

    /// The request is over, and was carried out or not: what is there says which.
    async fn settled(&self, open: Open, error: &Error) -> Open {
        let Open { changes, fence, end, .. } = open;
        let gets = changes.iter().map(|change| RequestOp::get(self.keys.session(&change.key))).collect();
        let Ok(answer) = self.client.txn(TxnRequest { success: gets, ..TxnRequest::default() }).await else {
            return Open { changes, maybe: true, fence, end };
        };
        let at = answer.header.map_or(0, |header| revision(header.revision));
        let reached = self.known.reach(at, end).await;
        let mut responses = answer.responses.into_iter();
        // Ends are made without space if they are asked for without the others. They were not made, and never will be by that request.
        let are_refused = |change: &Change| error.kind() == Kind::NoSpace && change.is_end();
        let is_mixed = !changes.iter().all(Change::is_end);
        let mut again = Vec::new();
        for change in changes {
            let kv = match responses.next().and_then(|response| response.answer) {
                Some(Answer::Range(mut range)) => range.kvs.pop(),
                _ => None,
            };
            let there = kv.as_ref().and_then(|kv| found(kv).ok());
            let own = there.filter(|(_, value)| change.value.as_ref().is_some_and(|own| own.op == value.op));
            let in_sight = reached && self.known.is_in_sight(&change.key);
            match (own.map(|(found, _)| found.revision.0).or_else(|| self.known.seen(&change.key)), in_sight) {
                (Some(at), _) => self.stored(change, at),
                (None, true) if is_mixed && are_refused(&change) => again.push(change),
                (None, true) => change.waiting.tell(Err(StoreError::new(error.to_string()))),
                (None, false) => change.waiting.tell(Err(StoreError::unknown(error.to_string()))),
            }
        }
        Open { changes: again, maybe: false, fence, end }
    }

    fn stored(&self, change: Change, at: u64) {
        let session = change.value.map(|value| value.session);
        let found = session.map(|session| Found { session, revision: Revision(at) });
        self.known.found(&change.key, at, found);
        change.waiting.tell(Ok(Told::Made(at)));
    }
}

/// Whether asking again would be answered in the same way.
const fn is_final(kind: Kind) -> bool {
    matches!(kind, Kind::Invalid | Kind::PermissionDenied | Kind::Unauthenticated | Kind::NoSpace | Kind::Protocol)
}
