//! What the audit trail says of changes: that they are to be asked for, then what became of them.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::Notify;
use tracing::warn;

use crate::audit::{Became, Intent, Trail};
use crate::session::OpId;

/// How many bytes of intents are kept in memory whose changes were not answered, until etcd says what became of them.
const MOST_UNANSWERED: usize = 4 * 1024 * 1024;

/// The trail, if there is one, and the intents that it has no outcome of.
#[derive(Debug, Default)]
pub(super) struct Journal {
    trail: OnceLock<Trail>,
    inner: Mutex<Inner>,
    came: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    /// Of changes on their way.
    open: HashMap<OpId, Intent>,
    /// Of changes that were given up without an answer.
    unanswered: Vec<Intent>,
    /// So many bytes the latter take, with those that are being settled.
    bytes: usize,
}

impl Journal {
    /// From now on there is a trail.
    pub(super) fn begin(&self, trail: Trail) {
        // It is given once, right after the store was opened.
        let _ = self.trail.set(trail);
    }

    pub(super) fn trail(&self) -> Option<&Trail> {
        self.trail.get()
    }

    // Nothing under this lock can panic half-way.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes that these changes are to be asked for, and returns when that is on disk.
    ///
    /// # Errors
    ///
    /// If it cannot be written: then they must not be asked for.
    pub(super) async fn intend(&self, intents: Vec<Intent>) -> io::Result<()> {
        let Some(trail) = self.trail() else { return Ok(()) };
        if intents.is_empty() {
            return Ok(());
        }
        trail.intend(&intents).await?;
        self.inner().open.extend(intents.into_iter().map(|intent| (intent.op, intent)));
        Ok(())
    }

    /// Has a line written about what became of a change, if its intent was written.
    pub(super) fn became(&self, op: OpId, became: &Became) {
        let Some(trail) = self.trail() else { return };
        let mut inner = self.inner();
        let Some(intent) = inner.open.remove(&op) else { return };
        if !matches!(became, Became::Unknown(_)) {
            trail.became(&intent, became, false);
        } else if inner.bytes + intent.size() > MOST_UNANSWERED {
            warn!(target: "recording", %op, "too many changes were not answered: what became of this one is not looked for");
            trail.became(&intent, became, true);
        } else {
            trail.became(&intent, became, false);
            inner.bytes += intent.size();
            inner.unanswered.push(intent);
            self.came.notify_one();
        }
    }

    /// Waits for changes that were not answered, and gives all there are.
    pub(super) async fn unanswered(&self) -> Vec<Intent> {
        loop {
            let unanswered = core::mem::take(&mut self.inner().unanswered);
            if !unanswered.is_empty() {
                return unanswered;
            }
            self.came.notified().await;
        }
    }

    /// Has lines written about what became of changes that were not answered.
    pub(super) fn settled(&self, settled: &[(Intent, Became)]) {
        if let Some(trail) = self.trail() {
            settled.iter().for_each(|(intent, became)| trail.became(intent, became, true));
        }
        self.inner().bytes -= settled.iter().map(|(intent, _)| intent.size()).sum::<usize>();
    }
}
