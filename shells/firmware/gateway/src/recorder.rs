//! The lines that drive recorders: one a change, `on`, `paused` or `off`, then the session.

use recording_core::State;
use recording_core::state::RecordingState;
use recording_core::wire::{CorrelationId, UccName};

use crate::text::Text;

/// The longest line.
pub const LINE_MAX: usize = "paused ".len() + CorrelationId::HYPHENATED_LEN + 1 + UccName::MAX_LEN + 1;

/// Lines that wait, in bytes: a power of two.
const QUEUE: usize = 256;

/// What a line tells a recorder to do. `Uninitialized` and `Stopped` are both `off`: nothing is recorded.
#[must_use]
pub const fn order(state: State) -> &'static str {
    match state.recording() {
        RecordingState::Started => "on",
        RecordingState::Paused => "paused",
        RecordingState::Stopped | RecordingState::Uninitialized => "off",
    }
}

/// The queue to the recorders. Who puts a line in may wait until it has left.
#[derive(Debug)]
pub struct Recorder {
    queue: [u8; QUEUE],
    /// Bytes put in, taken out, and gone, since the start. They wrap.
    put: u32,
    taken: u32,
    gone: u32,
}

impl Recorder {
    /// An empty queue.
    #[must_use]
    pub const fn new() -> Self {
        Self { queue: [0; QUEUE], put: 0, taken: 0, gone: 0 }
    }

    /// Whether the longest line fits. If not, what would change something has to wait.
    #[must_use]
    pub const fn has_room(&self) -> bool {
        self.put.wrapping_sub(self.taken) as usize + LINE_MAX <= QUEUE
    }

    /// The first line after a start. Whatever recorded before has no session any more: every recorder is to be off until
    /// the call's side begins its sessions again.
    pub fn start(&mut self) {
        self.put(b"off *\n");
    }

    /// Tells what a session's recorder is to do.
    pub fn tell(&mut self, order: &str, id: CorrelationId, ucc: UccName<'_>) {
        let mut line = Text::<LINE_MAX>::new();
        line.text(order).text(" ").bytes(id.hyphenated().as_bytes()).text(" ").text(ucc.as_str()).text("\n");
        self.put(line.get());
    }

    fn put(&mut self, line: &[u8]) {
        for &byte in line {
            if let Some(place) = self.queue.get_mut(self.put as usize % QUEUE) {
                *place = byte;
            }
            self.put = self.put.wrapping_add(1);
        }
    }

    /// The next byte for the line.
    #[must_use]
    pub fn peek(&self) -> Option<u8> {
        if self.put == self.taken { None } else { self.queue.get(self.taken as usize % QUEUE).copied() }
    }

    /// That byte is on its way.
    pub const fn take(&mut self) {
        if self.put != self.taken {
            self.taken = self.taken.wrapping_add(1);
        }
    }

    /// All bytes that were taken have left the device.
    pub const fn all_gone(&mut self) {
        self.gone = self.taken;
    }

    /// Where the queue ends now.
    #[must_use]
    pub const fn end(&self) -> u32 {
        self.put
    }

    /// Whether everything before `end` has left the device.
    #[must_use]
    pub const fn is_gone(&self, end: u32) -> bool {
        self.gone.wrapping_sub(end) as i32 >= 0
    }
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}
