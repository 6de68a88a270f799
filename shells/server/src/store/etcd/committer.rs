//! Changes that come at the same time are asked for together.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::carry::Carrier;
use super::change::Change;

/// How many changes one transaction has at most. etcd takes 128 operations (`--max-txn-ops`).
const MOST_TOGETHER: usize = 120;

/// How many transactions are on their way at most. What comes meanwhile waits and is asked for together.
const MOST_ON_THE_WAY: usize = 4;

/// How many changes wait at most, each of less than two kilobytes; those who ask for more wait to be taken in.
pub(super) const MOST_WAITING: usize = 4096;

/// Asks for all changes that come, until no more can.
pub(super) async fn run(carrier: Arc<Carrier>, mut queue: mpsc::Receiver<Change>) {
    let mut on_the_way = JoinSet::new();
    let mut waiting = Vec::new();
    let mut ends = false;
    while !(ends && waiting.is_empty()) {
        while on_the_way.len() < MOST_ON_THE_WAY && !waiting.is_empty() {
            let together: Vec<_> = waiting.drain(..waiting.len().min(MOST_TOGETHER)).collect();
            let carrier = Arc::clone(&carrier);
            on_the_way.spawn(async move { carrier.carry(together).await });
        }
        tokio::select! {
            come = queue.recv_many(&mut waiting, MOST_TOGETHER), if !ends && waiting.len() < MOST_TOGETHER => ends = come == 0,
            Some(_) = on_the_way.join_next() => {}
            else => {}
        }
    }
    while on_the_way.join_next().await.is_some() {}
}
