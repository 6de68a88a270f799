//! What is due when: the next sending, and the limit of a pause. Time is an input, in milliseconds.

use super::machine::{Flight, Machine};
use super::order::Moment;
use crate::state::RecordingState;

/// How often a Paused session is repeated. Source: OURS.
const REPEAT_PAUSED_MS: u32 = 2_000;
/// How often a Stopped session is repeated. Source: OURS.
const REPEAT_STOPPED_MS: u32 = 30_000;
/// How long after it was given up an order is sent again for the first time. Source: OURS.
const FIRST_AGAIN_MS: u32 = 200;
/// The longest time until an order is sent again.
///
/// OURS: it is also the pace at which a recorder is asked that does not know the call. A call that it learns of a moment
/// later, as when the session begins first, is then silent or recorded within five seconds and not within thirty.
const SLOWEST_AGAIN_MS: u32 = 5_000;

/// When a session is to be given [`Input::Send`](super::Input::Send).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Due {
    /// Not before something else has happened.
    Never,
    /// At once.
    Now,
    /// This many milliseconds after the last step, and a little more or less, drawn by the shell, so that the sessions of
    /// one recorder do not send all at once.
    After(u32),
}

impl Machine {
    /// When the next sending is due.
    #[must_use]
    pub const fn due(&self) -> Due {
        match (self.order, self.kept.state.recording()) {
            (None, RecordingState::Paused | RecordingState::Stopped) if self.is_to_repeat => Due::Now,
            (None, RecordingState::Paused) => Due::After(REPEAT_PAUSED_MS),
            (None, RecordingState::Stopped) => Due::After(REPEAT_STOPPED_MS),
            (None, RecordingState::Uninitialized | RecordingState::Started) => Due::Never,
            (Some(_), _) => match self.flight {
                Flight::Flying | Flight::OldFlying => Due::Never,
                Flight::Unsent => Due::Now,
                Flight::Idle if self.is_unknown_call => Due::After(SLOWEST_AGAIN_MS),
                Flight::Idle => Due::After(self.again_ms()),
            },
        }
    }

    /// 0.2 s, doubled each time, up to 5 s.
    const fn again_ms(&self) -> u32 {
        let doublings = self.sent.saturating_sub(1);
        // More would be longer than the longest time.
        let doublings = if doublings > 5 { 5 } else { doublings };
        let again = FIRST_AGAIN_MS << doublings;
        if again > SLOWEST_AGAIN_MS { SLOWEST_AGAIN_MS } else { again }
    }

    /// Takes note of the time: true, once, when the session has been Paused for `limit_ms`. That is only reported: to resume
    /// would record what the caller says.
    ///
    /// The time is counted from the confirmation, and after a start of the server from its first tick.
    #[must_use]
    pub const fn tick(&mut self, at: Moment, limit_ms: u64) -> bool {
        let is_paused = matches!(self.kept.state.recording(), RecordingState::Paused) && self.kept.closing.is_none();
        if !is_paused || self.memory.is_overdue {
            return false;
        }
        let from = match self.memory.counted_from {
            Some(from) => from,
            None => at.uptime_ms,
        };
        self.memory.counted_from = Some(from);
        self.memory.is_overdue = at.uptime_ms.saturating_sub(from) >= limit_ms;
        self.memory.is_overdue
    }

    /// Whether the limit of the pause was reported.
    #[must_use]
    pub const fn is_overdue(&self) -> bool {
        self.memory.is_overdue
    }
}
