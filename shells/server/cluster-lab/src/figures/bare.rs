//! Changes of etcd without a server: nested transactions in groups, as many together and as many on their way as the server has.

use super::load::{Load, gather, own, spread};
use super::stats::Times;
use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use core::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use core::time::Duration;
use etcd_kv::Client;
use etcd_kv::messages::{Answer, Compare, RequestOp, TxnRequest, WatchCreateRequest};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};

/// As the server's committer has them.
const MOST_TOGETHER: usize = 120;
const MOST_ON_THE_WAY: usize = 4;
const MOST_WAITING: usize = 4096;

/// A prefix as long as the servers' own, which their watches do not see.
const PREFIX: &str = "raw";

/// A value as long as a session's.
const VALUE: [u8; 19] = [1; 19];

/// A change, and who waits for its revision.
struct Change {
    key: Bytes,
    expected: i64,
    tell: oneshot::Sender<Result<i64>>,
}

impl Change {
    fn txn(&self) -> TxnRequest {
        let compare = match self.expected {
            0 => Compare::absent(self.key.clone()),
            revision => Compare::changed_at(self.key.clone(), revision),
        };
        let put = RequestOp::put(self.key.clone(), Bytes::from_static(&VALUE));
        TxnRequest { compare: vec![compare], success: vec![put], failure: vec![RequestOp::get(self.key.clone())] }
    }
}

/// Keys, each with the revision of its last change.
#[derive(Clone, Debug)]
pub(super) struct Keys(Arc<Vec<AtomicI64>>);

impl Keys {
    pub(super) fn new(count: usize) -> Self {
        Self(Arc::new((0..count).map(|_| AtomicI64::new(0)).collect()))
    }
}

/// Sends what waits, in groups.
#[derive(Clone, Debug)]
pub(super) struct Committer {
    queue: mpsc::Sender<Change>,
    groups: Arc<AtomicUsize>,
}

impl Committer {
    /// It ends when nothing can be asked of it any more.
    pub(super) fn start(client: Client) -> Self {
        let (queue, waiting) = mpsc::channel(MOST_WAITING);
        let groups = Arc::default();
        tokio::spawn(commit(client, waiting, Arc::clone(&groups)));
        Self { queue, groups }
    }

    /// How many groups it has sent.
    pub(super) fn groups(&self) -> usize {
        self.groups.load(Ordering::Relaxed)
    }

    /// Changes a key.
    async fn change(&self, keys: &Keys, key: usize) -> Result<()> {
        let (tell, told) = oneshot::channel();
        let revision = &keys.0[key];
        let name = format!("{PREFIX}/s/{:032x}/lab", spread(key)).into();
        let change = Change { key: name, expected: revision.load(Ordering::Relaxed), tell };
        self.queue.send(change).await.ok().context("the committer has ended")?;
        revision.store(told.await.context("the committer has ended")??, Ordering::Relaxed);
        Ok(())
    }
}

/// Watches the keys as a server does, and drops what it sees.
pub(super) async fn watch(client: Client) -> Result<AbortHandle> {
    let mut watch = client.watch(WatchCreateRequest::prefix(format!("{PREFIX}/"), 0)).await?;
    Ok(tokio::spawn(async move { while watch.next().await.is_ok() {} }).abort_handle())
}

async fn commit(client: Client, mut queue: mpsc::Receiver<Change>, groups: Arc<AtomicUsize>) {
    let mut on_the_way = JoinSet::new();
    let mut waiting = Vec::new();
    let mut ends = false;
    while !(ends && waiting.is_empty()) {
        while on_the_way.len() < MOST_ON_THE_WAY && !waiting.is_empty() {
            let together: Vec<_> = waiting.drain(..waiting.len().min(MOST_TOGETHER)).collect();
            groups.fetch_add(1, Ordering::Relaxed);
            on_the_way.spawn(carry(client.clone(), together));
        }
        tokio::select! {
            come = queue.recv_many(&mut waiting, MOST_TOGETHER), if !ends && waiting.len() < MOST_TOGETHER => ends = come == 0,
            Some(_) = on_the_way.join_next() => {}
            else => {}
        }
    }
    while on_the_way.join_next().await.is_some() {}
}

async fn carry(client: Client, changes: Vec<Change>) {
    let group = TxnRequest::group(changes.iter().map(Change::txn), format!("{PREFIX}/counted"));
    let answer = client.txn(group).await;
    let revision = answer.as_ref().map_or(0, |answer| answer.header.map_or(0, |header| header.revision));
    let mut responses = answer.map(|answer| answer.responses.into_iter());
    for change in changes {
        let done = match &mut responses {
            Ok(responses) => match responses.next().and_then(|response| response.answer) {
                Some(Answer::Txn(txn)) if txn.succeeded => Ok(revision),
                other => Err(anyhow::anyhow!("a change is answered {other:?}")),
            },
            Err(error) => Err(anyhow::anyhow!("{error}")),
        };
        // Who does not wait any more has an error of its own.
        let _ = change.tell.send(done);
    }
}

/// The same load as through servers, without servers.
pub(super) async fn load(committers: &[Committer], keys: Keys, clients: usize, longest: Duration) -> Result<Load> {
    let end = Instant::now() + longest;
    let mut working = JoinSet::new();
    for client in 0..clients {
        let (committer, keys) = (committers[client % committers.len()].clone(), keys.clone());
        working.spawn(async move {
            let mut times = Times::default();
            for key in own(client, clients, keys.0.len()).cycle() {
                let began = Instant::now();
                committer.change(&keys, key).await?;
                if Instant::now() > end {
                    break;
                }
                times.push(began.elapsed());
            }
            anyhow::Ok(times)
        });
    }
    gather(working, longest).await
}

/// Writes all keys for the first time.
pub(super) async fn begin(committer: Committer, keys: Keys) -> Result<()> {
    let mut writing = JoinSet::new();
    for key in 0..keys.0.len() {
        let (committer, keys) = (committer.clone(), keys.clone());
        writing.spawn(async move { committer.change(&keys, key).await });
    }
    while let Some(written) = writing.join_next().await {
        written??;
    }
    if keys.0.iter().any(|revision| revision.load(Ordering::Relaxed) == 0) {
        bail!("a key has no revision");
    }
    Ok(())
}
