//! The requests of a connection that may have many at once.

use std::sync::{Arc, Mutex, PoisonError};

use super::connection_state::{ConnectionState, Phase};
use super::open_requests::Counts;

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Arriving,
    AtWork,
    Answered,
}

/// One of the requests, from its head to its response.
#[derive(Debug)]
pub(super) struct Stream {
    state: Arc<ConnectionState>,
    /// When the head was there.
    since: u64,
    stage: Mutex<Stage>,
}

/// Ends the request's stay when dropped, answered or not.
#[derive(Debug)]
pub(super) struct Stay(Arc<Stream>);

impl Drop for Stay {
    fn drop(&mut self) {
        self.0.enter(Stage::Answered);
    }
}

impl Stay {
    pub(super) const fn stream(&self) -> &Arc<Stream> {
        &self.0
    }
}

impl ConnectionState {
    /// A head is complete, and with it the request, or a body is still to come.
    pub(super) fn stream(self: &Arc<Self>, is_all: bool) -> Stay {
        let mut open = self.open_requests.lock();
        let stage = if is_all { Stage::AtWork } else { Stage::Arriving };
        *open.count(stage) += 1;
        self.follow(&open);
        let stream = Stream { state: Arc::clone(self), since: self.now(), stage: Mutex::new(stage) };
        Stay(Arc::new(stream))
    }

    /// The connection is at work if any of its requests is; else it waits for its client, and has since that began.
    fn follow(&self, open: &Counts) {
        let phase = match open {
            Counts { at_work: 1.., .. } => Phase::Busy,
            Counts { arriving: 1.., .. } => Phase::Body,
            Counts { .. } => Phase::Idle,
        };
        if self.phase() != phase && self.phase() != Phase::Closing {
            self.enter(phase);
        }
    }
}

impl Counts {
    const fn count(&mut self, stage: Stage) -> &mut usize {
        match stage {
            Stage::Arriving => &mut self.arriving,
            Stage::AtWork | Stage::Answered => &mut self.at_work,
        }
    }
}

impl Stream {
    pub(super) const fn since(&self) -> u64 {
        self.since
    }

    /// All of the request is there.
    pub(super) fn arrived(&self) {
        self.enter(Stage::AtWork);
    }

    fn enter(&self, next: Stage) {
        let mut open = self.state.open_requests.lock();
        let mut stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        if *stage == Stage::Answered || *stage == next {
            return;
        }
        *open.count(*stage) -= 1;
        if next == Stage::AtWork {
            open.at_work += 1;
        }
        *stage = next;
        self.state.follow(&open);
    }
}
