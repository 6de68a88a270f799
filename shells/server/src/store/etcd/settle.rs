//! Finding out what became of changes whose answer did not come: while the server lives, or, of those that its trail has, after
//! it was killed.
//!
//! First the fence of the start that asked for them is written, or removed if that start has ended: no request of it that is
//! still on its way can change anything then. After that, etcd's history says what was made. If etcd has dropped it by
//! now, what is there is all that can be looked at.

use core::time::Duration;
use std::collections::{BTreeSet, HashMap, HashSet};

use etcd_kv::messages::{Answer, Event, EventKind, RangeRequest, RequestOp, TxnRequest, WatchCreateRequest};
use etcd_kv::{Client, Error, Kind};
use tokio::time::{Instant, sleep, timeout};
use tracing::{info, warn};

use super::carry::{Carrier, found, revision};
use super::change::read_end_mark;
use super::fence;
use super::keys::Keys;
use super::value::Value;
use crate::audit::{Became, Evidence, Intent, settle};
use crate::session::OpId;

/// How long a watch of the history may be silent.
const SILENCE: Duration = Duration::from_secs(5);

/// How often it is asked how far it is.
const ASK: Duration = Duration::from_millis(100);

/// How long the history is read at most. If there is more of it, what is there now has to do.
const LONGEST: Duration = Duration::from_secs(120);

/// Before something is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// How many keys one request has.
const TOGETHER: usize = 100;

/// Settles what earlier starts left open.
///
/// # Errors
///
/// If etcd does not answer.
pub(super) async fn of_earlier_starts(
    client: &Client,
    keys: &Keys,
    intents: Vec<Intent>,
) -> Result<Vec<(Intent, Became)>, String> {
    let starts: Vec<_> = intents.iter().map(|intent| intent.op.start).collect::<BTreeSet<_>>().into_iter().collect();
    let mut to = 0;
    for starts in starts.chunks(TOGETHER) {
        let removed = fence::remove(client, starts.iter().map(|start| keys.fence(*start))).await;
        to = removed.map_err(|error| error.to_string())?;
    }
    let evidence = evidence(client, keys, &intents, to).await?;
    let settled = judged(intents, &evidence);
    let count = |kind: fn(&Became) -> bool| settled.iter().filter(|(_, became)| kind(became)).count();
    let (made, not_made) =
        (count(|became| matches!(became, Became::Made(_))), count(|became| matches!(became, Became::NotMade(_))));
    info!(target: "recording", made, not_made, "settled changes that an earlier start left open in the audit trail");
    let unknown = count(|became| matches!(became, Became::Unknown(_)));
    if unknown > 0 {
        let text =
            "what became of changes that an earlier start left open in the audit trail cannot be found out any more";
        warn!(target: "recording", unknown, "{text}");
    }
    Ok(settled)
}

/// Settles what is not answered, for ever.
pub(super) async fn what_was_not_answered(carrier: &Carrier) {
    let Carrier { client, keys, fence, journal, .. } = carrier;
    loop {
        let intents = journal.unanswered().await;
        let evidence = loop {
            let evidence = match fence.raise(client).await {
                Ok(to) => evidence(client, keys, &intents, to).await,
                Err(error) => Err(error.to_string()),
            };
            match evidence {
                Ok(evidence) => break evidence,
                Err(_) => sleep(PAUSE).await,
            }
        };
        journal.settled(&judged(intents, &evidence));
    }
}

fn judged(intents: Vec<Intent>, evidence: &Evidence) -> Vec<(Intent, Became)> {
    let judged = intents.into_iter().map(|intent| {
        let became = settle(&intent, evidence);
        (intent, became)
    });
    judged.collect()
}

/// What etcd has of these changes, none of which can be made after revision `to`.
async fn evidence(client: &Client, keys: &Keys, intents: &[Intent], to: u64) -> Result<Evidence, String> {
    let known = intents.iter().map(|intent| intent.known).min().unwrap_or(to);
    if to < known {
        return now(client, keys, intents, true).await;
    }
    let ops: HashSet<_> = intents.iter().map(|intent| intent.op).collect();
    let mut history = History { keys, ops: &ops, made: HashMap::new(), next: known + 1 };
    let end = Instant::now() + LONGEST;
    while history.next <= to {
        match history.read(client, to, end).await {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), Kind::Compacted(_)) => return now(client, keys, intents, false).await,
            Err(error) if Instant::now() < end => {
                warn!(target: "recording", reason = %error, "etcd's history is read again from where that ended");
                sleep(PAUSE).await;
            }
            Err(error) => return Err(error.to_string()),
        }
        if history.next <= to && Instant::now() >= end {
            return now(client, keys, intents, false).await;
        }
    }
    Ok(Evidence::History(history.made))
}

/// The changes that were made, as far as the history was read.
struct History<'a> {
    keys: &'a Keys,
    ops: &'a HashSet<OpId>,
    made: HashMap<OpId, u64>,
    /// The first revision that was not read.
    next: u64,
}

impl History<'_> {
    /// Reads on to revision `to`, or for so long.
    async fn read(&mut self, client: &Client, to: u64, end: Instant) -> Result<(), Error> {
        let from = i64::try_from(self.next).unwrap_or(i64::MAX);
        let mut watch = client.watch(WatchCreateRequest::prefix(self.keys.all(), from)).await?;
        let mut heard = Instant::now();
        while self.next <= to && Instant::now() < end {
            let Ok(news) = timeout(ASK, watch.next()).await else {
                if heard.elapsed() > SILENCE {
                    // The next attempt may be at another member.
                    return Ok(());
                }
                watch.ask_progress()?;
                continue;
            };
            let news = news?;
            heard = Instant::now();
            news.events.iter().for_each(|event| self.take(event));
            let last = news.events.last().and_then(|event| event.kv.as_ref()).map(|kv| revision(kv.mod_revision));
            self.next = match last {
                // There may be more of the last revision.
                Some(last) if news.more => last,
                Some(last) => last + 1,
                None if news.more => self.next,
                None => revision(news.revision) + 1,
            }
            .max(self.next);
        }
        Ok(())
    }

    fn take(&mut self, event: &Event) {
        let Some(kv) = &event.kv else { return };
        let op = if self.keys.is_of_end(&kv.key) {
            read_end_mark(&kv.value).map(|(op, _)| op)
        } else if event.kind == i32::from(EventKind::Put) && matches!(self.keys.read(&kv.key), Ok(Some(_))) {
            Value::from_bytes(&kv.value).ok().map(|value| value.op)
        } else {
            None
        };
        if let Some(op) = op.filter(|op| self.ops.contains(op)) {
            self.made.insert(op, revision(kv.mod_revision));
        }
    }
}

/// What is there now.
async fn now(client: &Client, keys: &Keys, intents: &[Intent], is_older: bool) -> Result<Evidence, String> {
    let said = |error: Error| error.to_string();
    let (mut sessions, mut ends) = (HashMap::new(), HashMap::new());
    for intents in intents.chunks(TOGETHER) {
        let success = intents.iter().map(|intent| RequestOp::get(keys.session(&intent.key))).collect();
        let answer = client.txn(TxnRequest { success, ..TxnRequest::default() }).await.map_err(said)?;
        for (intent, response) in intents.iter().zip(answer.responses) {
            let Some(Answer::Range(range)) = response.answer else { continue };
            if let Some(kv) = range.kvs.first() {
                let (found, value) = found(kv)?;
                sessions.insert(intent.key.clone(), (value.op, found.revision.0));
            }
        }
    }
    for start in intents.iter().map(|intent| intent.op.start).collect::<BTreeSet<_>>() {
        for kv in client.range(RangeRequest::prefix(keys.ends(start))).await.map_err(said)?.kvs {
            ends.extend(read_end_mark(&kv.value).map(|(op, _)| (op, revision(kv.mod_revision))));
        }
    }
    Ok(Evidence::Now { sessions, ends, is_older })
}
