//! What is counted, for Prometheus.
//!
//! Counting is one or two additions to atomics; labels are few and fixed, names and requesters are never among them.
//! They are ours because a `Family` of `prometheus-client`, which writes them, finds a counter by its labels under a lock.
//! What can be looked up when somebody asks (open sessions, UCCs) is not counted but looked up then.

mod accept;
mod cluster;
mod commits;
mod exposition;
mod histogram;
pub(crate) mod issuer_keys;
pub(crate) mod listeners;
mod recorders;
pub(crate) mod webhooks;

use core::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

pub use cluster::ClusterLevels;
pub use commits::Commits;
pub(crate) use exposition::{Format, Levels, MetricsWriter, write};
pub use histogram::Histogram;
pub use recorders::RecorderCounters;
pub(crate) use recorders::{RecorderLevel, RecorderLevels};
use recording_core::Action;
pub(crate) use webhooks::{WebhookDropped, WebhookLevel};

use crate::occurrence::{Change, Occurrence};
use crate::reason::Reason;

/// What became of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The state was changed, and the new one stored.
    Changed,
    /// A success that changed nothing: a repeat.
    Unchanged,
    /// Refused by one of the checks.
    Refused,
    /// The store failed; nothing was changed.
    NotStored,
    /// The recorder did not confirm it, or another requester holds the session.
    NotDone,
    /// The store did not answer in time; the state may have been changed.
    Unknown,
}

impl Outcome {
    pub(crate) const ALL: [Self; 6] =
        [Self::Changed, Self::Unchanged, Self::Refused, Self::NotStored, Self::NotDone, Self::Unknown];

    /// As the log names it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Refused => "refused",
            Self::NotStored => "not stored",
            Self::NotDone => "not done",
            Self::Unknown => "unknown",
        }
    }
}

/// What a request turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    State,
    Set,
    Capabilities,
    /// It was turned away before anyone could tell, or never arrived as a whole.
    Unknown,
}

impl Call {
    pub(crate) const ALL: [Self; 4] = [Self::State, Self::Set, Self::Capabilities, Self::Unknown];

    /// As the log names it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Set => "set",
            Self::Capabilities => "capabilities",
            Self::Unknown => "unknown",
        }
    }
}

/// The statuses that the API answers with; any other is counted as `other`.
pub(crate) const STATUSES: [u16; 11] = [200, 400, 401, 403, 404, 405, 408, 413, 415, 429, 503];

/// All counters of a server.
#[derive(Debug)]
pub struct Metrics {
    started: SystemTime,
    decisions: [[AtomicU64; Outcome::ALL.len()]; Action::ALL.len()],
    refusals: [AtomicU64; Reason::ALL.len()],
    responses: [AtomicU64; STATUSES.len() + 1],
    requests: [Histogram; Call::ALL.len()],
    sessions_begun: AtomicU64,
    sessions_ended: AtomicU64,
    reloads: [AtomicU64; 2],
    agents_file_reads: [AtomicU64; 2],
    recorders: RecorderCounters,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

fn one_more(counter: Option<&AtomicU64>) {
    if let Some(counter) = counter {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl Metrics {
    /// All at zero.
    #[must_use]
    pub fn new() -> Self {
        Self {
            started: SystemTime::now(),
            decisions: Default::default(),
            refusals: Default::default(),
            responses: Default::default(),
            requests: [const { Histogram::of_times() }; Call::ALL.len()],
            sessions_begun: AtomicU64::new(0),
            sessions_ended: AtomicU64::new(0),
            reloads: Default::default(),
            agents_file_reads: Default::default(),
            recorders: RecorderCounters::new(),
        }
    }

    /// Counts what happened.
    pub(crate) fn observe(&self, occurrence: &Occurrence<'_>) {
        match occurrence {
            Occurrence::Changed(Change::Set { request, .. }) => self.decided(request.action, Outcome::Changed),
            Occurrence::Changed(Change::Begin { .. }) => one_more(Some(&self.sessions_begun)),
            Occurrence::Changed(Change::End { .. }) => one_more(Some(&self.sessions_ended)),
            Occurrence::Answered { request, reply } => {
                let outcome = if reply.error.is_none() { Outcome::Changed } else { Outcome::NotDone };
                self.decided(request.action, outcome);
            }
            Occurrence::Changed(Change::ByRecorder { order, outcome, .. })
            | Occurrence::Recorder(Change::ByRecorder { order, outcome, .. }) => {
                self.recorders.outcome(*order, *outcome);
            }
            Occurrence::Overdue { .. } => self.recorders.overdue(),
            // Counted when they are answered.
            Occurrence::Changed(Change::Ordered { .. } | Change::ByCallSide { .. }) | Occurrence::Recorder(_) => {}
            Occurrence::Unchanged { request, .. } => self.decided(request.action, Outcome::Unchanged),
            Occurrence::Refused { request, refusal, .. } => {
                self.decided(request.action, Outcome::Refused);
                one_more(self.refusals.get(Reason::of(refusal) as usize));
            }
            Occurrence::NotStored { request, error } => {
                let outcome = if error.is_unknown() { Outcome::Unknown } else { Outcome::NotStored };
                self.decided(request.action, outcome);
            }
            // Counted by the status of their answer only.
            Occurrence::NotPermitted { .. }
            | Occurrence::AlreadyOpen { .. }
            | Occurrence::NotBegun { .. }
            | Occurrence::AlreadyEnded { .. }
            | Occurrence::NotEnded { .. }
            | Occurrence::StateRead(_)
            | Occurrence::CapabilitiesRead(_) => {}
        }
    }

    /// A set was decided, and what was to be stored is stored or not.
    fn decided(&self, action: Action, outcome: Outcome) {
        let of_action = self.decisions.get(usize::from(action.code()) - 1);
        one_more(of_action.and_then(|outcomes| outcomes.get(outcome as usize)));
    }

    /// A request was answered that arrived at `since`.
    pub(crate) fn request(&self, call: Call, since: Instant, status: u16) {
        if let Some(histogram) = self.requests.get(call as usize) {
            histogram.time(since.elapsed());
        }
        let at = STATUSES.iter().position(|&known| known == status).unwrap_or(STATUSES.len());
        one_more(self.responses.get(at));
    }

    /// What is counted of recorders.
    pub(crate) const fn recorders(&self) -> &RecorderCounters {
        &self.recorders
    }

    /// The config was read again, and was good or not.
    pub(crate) fn reloaded(&self, good: bool) {
        one_more(self.reloads.get(usize::from(!good)));
    }

    /// A file of agents had changed, and was good or not.
    pub(crate) fn agents_file_read(&self, good: bool) {
        one_more(self.agents_file_reads.get(usize::from(!good)));
    }

    fn started_at(&self) -> f64 {
        self.started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The arrays are indexed by what these say.
    #[test]
    fn numbers_are_places() {
        assert!(Action::ALL.iter().enumerate().all(|(at, action)| usize::from(action.code()) == at + 1));
        assert!(Outcome::ALL.iter().enumerate().all(|(at, &outcome)| outcome as usize == at));
        assert!(Reason::ALL.iter().enumerate().all(|(at, &reason)| reason as usize == at));
        assert!(Call::ALL.iter().enumerate().all(|(at, &call)| call as usize == at));
    }
}
