//! Changes of a store that several servers share.
//!
//! Such a store gives a change its revision when it makes it, and may be asked by others at the same time. So what the trail
//! says of a change comes in two lines:
//!
//! 1. The intent, with the change's [`OpId`], is on disk before the store is asked.
//! 2. What became of it is written when that is known: soon, but no answer waits for it. If the server is killed before it
//!    is on disk, the next start finds the intent without it, and finds out by the [`OpId`] what became of the change.
//!
//! So an answer waits for the disk once, and the trail misses no change.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::Path;

use tracing::warn;

use super::line::intent::{self, SharedStore};
use super::queue::{Outcome, Work};
use super::{Became, Intent, Trail, line, locked, past};
use crate::session::OpId;

#[cfg_attr(not(any(test, feature = "etcd")), allow(dead_code, reason = "no store in this build is shared"))]
impl Trail {
    /// What earlier starts of this server left open of the store with this id, in the order in which it was to be asked for.
    ///
    /// # Errors
    ///
    /// If files cannot be read.
    pub(crate) fn open_intents(&self, store_id: u64) -> io::Result<Vec<Intent>> {
        open(&self.0.shared.path, store_id)
    }

    /// From now on, changes are those of the store with this id, of which this server knows all up to a revision.
    pub(crate) fn is_shared(&self, store_id: u64, known: u64) {
        locked(&self.0.shared.known).shared = Some(SharedStore { id: store_id, known });
    }

    /// Writes intents, and does not return before they are on disk.
    ///
    /// # Errors
    ///
    /// If they cannot be written, or not in time: then none of these changes may be asked for.
    pub(crate) async fn intend(&self, intents: &[Intent]) -> io::Result<()> {
        if let Some(known) = intents.iter().map(|intent| intent.known).max()
            && let Some(shared) = &mut locked(&self.0.shared.known).shared
        {
            shared.known = shared.known.max(known);
        }
        let lines = intents.iter().map(|intent| (intent.op, intent.line())).collect();
        self.ask_async(Work::Intents(lines)).await
    }

    /// Has a line written about what became of a change, and waits for nothing. It is not lost: if it cannot be written, it
    /// is before the next intent.
    pub(crate) fn became(&self, intent: &Intent, became: &Became, settled: bool) {
        self.0.shared.queue.outcome(outcome(intent, became, settled));
    }

    /// Writes what became of changes that an earlier start left open.
    ///
    /// # Errors
    ///
    /// If that cannot be written.
    pub(crate) async fn settle_intents(&self, settled: &[(Intent, Became)]) -> io::Result<()> {
        let lines = settled.iter().flat_map(|(intent, became)| intent.became(became, true)).collect();
        self.ask_async(Work::Write { lines, durably: true, revisions: None }).await
    }
}

fn outcome(intent: &Intent, became: &Became, settled: bool) -> Outcome {
    let is_final = settled || !matches!(became, Became::Unknown(_));
    Outcome { op: intent.op, line: intent.became(became, settled), is_final }
}

/// What becomes of a change whose intent was written too late.
pub(super) fn not_in_time(line: &[u8]) -> Option<Outcome> {
    let intent = Intent::read(line)?;
    Some(outcome(&intent, &Became::NotMade("Its intent was not written in time.".to_owned()), false))
}

/// Reads the trail backwards, up to a line that says how many intents are open there: these are right before it.
pub(super) fn open(path: &Path, store_id: u64) -> io::Result<Vec<Intent>> {
    let mut search = Search::of(store_id);
    past::each_backwards(path, &mut |line| search.goes_on(line))?;
    Ok(search.found())
}

/// A search for open intents, which is shown the lines from the last to the first.
pub(super) struct Search {
    /// What a line of a server with this store holds.
    id: String,
    closed: HashSet<OpId>,
    /// Open intents, each with its place, counted from the end.
    found: BTreeMap<OpId, (u64, Intent)>,
    /// So many lines are still to be read.
    left: Option<u64>,
    lines: u64,
}

impl Search {
    pub(super) fn of(store_id: u64) -> Self {
        let id = format!("{}{store_id},", line::STORE_ID);
        Self { id, closed: HashSet::new(), found: BTreeMap::new(), left: None, lines: 0 }
    }

    /// The open intents, in the order in which they were written.
    pub(super) fn found(self) -> Vec<Intent> {
        let mut found: Vec<_> = self.found.into_values().collect();
        found.sort_by_key(|(at, _)| core::cmp::Reverse(*at));
        found.into_iter().map(|(_, intent)| intent).collect()
    }

    /// Looks at a line; returns whether the one before it matters.
    pub(super) fn goes_on(&mut self, line: &[u8]) -> bool {
        // Where files end.
        if line.is_empty() {
            return true;
        }
        self.lines += 1;
        if let Some((op, is_final)) = intent::op(line) {
            if is_final {
                self.closed.insert(op);
            } else if past::holds(line, intent::INTENT) && !self.closed.contains(&op) {
                match Intent::read(line) {
                    Some(intent) => drop(self.found.insert(op, (self.lines, intent))),
                    None => warn!(target: "recording", %op, "an intent in the audit trail cannot be read"),
                }
            }
        } else if past::holds(line, line::OF_SERVER)
            && (past::holds(line, line::STARTED) || past::holds(line, line::RUNNING))
        {
            if !past::holds(line, &self.id) {
                // What comes after it is of another store.
                self.found.clear();
                return false;
            }
            self.left = Some(past::number_after(line, intent::OPEN).unwrap_or_default() + 1);
        }
        if let Some(left) = &mut self.left {
            *left -= 1;
        }
        self.left != Some(0)
    }
}
