//! When a recorder is asked what it is doing, besides what it is ordered.
//!
//! A recorder that began to record by itself obeys the next repeat, and its reply says that it is silent: the repeat alone would
//! leave no trace of what was recorded until then. So it is asked before each repeat. In a session
//! that is recorded, or Uninitialized, it is asked now and then.

use core::time::Duration;

use recording_core::recorder::{Machine, ReadBack};
use recording_core::state::RecordingState;
use tokio::time::Instant;

use super::port::Outcome;

/// How often a session that is not silent is read back, and how long a recorder that keeps repeats waiting is left alone.
const EVERY: Duration = Duration::from_secs(30);

/// How soon one that is Uninitialized is asked for the first time, at the latest: the recorder may record by default.
const FIRST: Duration = Duration::from_secs(2);

/// How long a repeat waits for what the recorder says first.
pub(super) const BEFORE_REPEAT: Duration = Duration::from_secs(1);

/// An answer that says nothing and takes this long has kept a repeat waiting.
const LATE: Duration = Duration::from_millis(500);

/// How often in a row a recorder may keep a repeat waiting until it is left alone for a while.
const MOST_LATE: u8 = 2;

/// When the recorder of one session is asked.
#[derive(Debug)]
pub(super) struct Reading {
    /// From when on one that is not silent is asked.
    at: Instant,
    /// From when on one that is Uninitialized is asked for the first time.
    first_at: Option<Instant>,
    /// The silence of whose repeat it was asked: since when the machine is where it is.
    asked_for: Option<Instant>,
    asked_at: Instant,
    late: u8,
    left_alone_until: Option<Instant>,
}

impl Reading {
    /// Sessions that are loaded together are not read together.
    pub(super) fn new(jitter: u64) -> Self {
        let (now, jitter) = (Instant::now(), u32::from(jitter as u8));
        let at = now + EVERY / 2 + EVERY * jitter / 512;
        Self {
            at,
            first_at: Some(now + FIRST * jitter / 256),
            asked_for: None,
            asked_at: at,
            late: 0,
            left_alone_until: None,
        }
    }

    /// The recorder of a silent session is to be asked before it is asked to be silent again, once.
    pub(super) fn before_repeat(&mut self, machine: &Machine, since: Instant) -> Option<ReadBack> {
        let is_left_alone = self.left_alone_until.is_some_and(|until| Instant::now() < until);
        if machine.order().is_some() || is_left_alone || self.asked_for.replace(since) == Some(since) {
            return None;
        }
        self.asked_at = Instant::now();
        machine.read_back()
    }

    /// The recorder of a session that is not silent is to be asked.
    pub(super) fn now_and_then(&mut self, machine: &Machine) -> Option<ReadBack> {
        let (now, axis) = (Instant::now(), machine.kept().state().recording());
        let is_first = self.first_at.take_if(|at| *at <= now).is_some() && axis == RecordingState::Uninitialized;
        if now < self.at && !is_first {
            return None;
        }
        (self.asked_at, self.at) = (now, now + EVERY);
        let is_silent = matches!(axis, RecordingState::Paused | RecordingState::Stopped);
        if machine.order().is_some() || is_silent { None } else { machine.read_back() }
    }

    /// When to look [again](Self::now_and_then).
    pub(super) fn wake_at(&self) -> Instant {
        self.first_at.map_or(self.at, |first| first.min(self.at))
    }

    /// It has answered, or has not.
    pub(super) fn answered(&mut self, outcome: &Outcome) {
        let is_late = matches!(outcome, Outcome::Unknown(_)) && self.asked_at.elapsed() >= LATE;
        self.late = if is_late { self.late + 1 } else { 0 };
        if self.late == MOST_LATE {
            self.late = 0;
            self.left_alone_until = Some(Instant::now() + EVERY);
        }
    }
}
