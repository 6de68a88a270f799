//! What people see of a session's recorder: what is pending, and never that it is reached.

use recording_core::recorder::{Machine, Order};
use recording_core::state::RecordingState;

/// What is known of a session's recorder, besides what is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// The pending order. A repeat counts, too.
    pub order: Option<Order>,
    /// Whether the pending order only asks a silent recorder whether it still is.
    pub is_repeat: bool,
    /// Since when it is pending, in milliseconds since 1970.
    pub ordered_at_ms: Option<u64>,
    /// How often it was sent.
    pub times_sent: u32,
    /// Why it is not confirmed, if the recorder or its adapter said so.
    pub last_error: Option<Box<str>>,
    /// When the recorder confirmed silence the last time, in milliseconds since 1970, if it has since this server started.
    pub silence_confirmed_at_ms: Option<u64>,
    /// When the recorder was found recording although it was to be silent, in milliseconds since 1970, if it has not
    /// confirmed silence since then, and no client has asked for a Start.
    pub found_recording_at_ms: Option<u64>,
    /// Whether the pause has reached its limit.
    pub is_overdue: bool,
    /// How many requesters hold the session.
    pub holds: usize,
    /// Whether the session has ended, and its recorder is still being stopped.
    pub is_closing: bool,
}

impl View {
    /// Takes over what the machine says.
    pub(super) fn follow(&mut self, machine: &Machine, now_ms: u64) {
        let order = machine.order();
        if order != self.order {
            self.ordered_at_ms = order.map(|_| now_ms);
            self.last_error = None;
        }
        self.order = order;
        self.is_repeat = matches!(
            (order, machine.kept().state().recording()),
            (Some(Order::Pause), RecordingState::Paused) | (Some(Order::Stop), RecordingState::Stopped)
        );
        self.times_sent = machine.times_sent();
        self.is_overdue = machine.is_overdue();
        self.holds = machine.kept().holds().len();
        self.is_closing = machine.kept().closing().is_some();
    }
}
