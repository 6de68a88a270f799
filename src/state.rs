//! What is kept of a session: where its recorder, its mark and its save decision stand.

use core::fmt;
use core::num::NonZeroU8;

use crate::action::Axis;
use crate::codes::wire_codes;

wire_codes! {
    /// The recorder's own axis. Source: page.
    "RecordingState"
    pub enum Recording {
        /// The recorder has not been started in this session.
        Uninitialized = 0, "Uninitialized";
        /// Audio is being recorded.
        Started = 1, "Started";
        /// The recorder was stopped; `Start` starts it again.
        Stopped = 2, "Stopped";
        /// The recorder holds, as while card data is spoken; `Start` resumes it.
        Paused = 3, "Paused";
    }
}

wire_codes! {
    /// Whether the recording is marked. Source: page. `Unmark` is not `None`: it says that a mark was taken away.
    "MarkingState"
    pub enum Marking {
        /// Never marked nor unmarked.
        None = 0, "None";
        /// Marked.
        Mark = 1, "Mark";
        /// Unmarked.
        Unmark = 2, "Unmark";
    }
}

wire_codes! {
    /// What an agent decided on keeping the recording. Source: page. The last decision before the end counts.
    "SavingState"
    pub enum Saving {
        /// Nobody decided: the UCC's `SaveRecordingByDefault` will.
        None = 0, "None";
        /// To be kept.
        Save = 1, "Save";
        /// To be thrown away.
        Delete = 2, "Delete";
    }
}

/// One of the 36 states of a session, in one byte; `Option<State>` is one byte too.
///
/// The three axes are independent: marking and saving are legal while the recorder is still `Uninitialized`, as the
/// page's own sample shows. No value besides the 36 can be made.
///
/// ```
/// use recording_core::{Marking, Recording, Saving, State};
///
/// let state = State::new(Recording::Paused, Marking::Mark, Saving::None);
/// assert_eq!(state.recording(), Recording::Paused);
/// assert_eq!(State::from_byte(state.to_byte()), Some(state));
/// assert_eq!(size_of::<Option<State>>(), 1);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct State(
    // 0b01SS_MMRR: saving, marking, recording. The constant bit 6 makes zero impossible, and with it the niche.
    NonZeroU8,
);

const TAG: NonZeroU8 = NonZeroU8::MIN.saturating_add(0b0011_1111);
const AXES: u8 = 0b0011_1111;

impl State {
    /// How a session begins unless the call's side says otherwise. Source: OURS.
    pub const INITIAL: Self = Self::new(Recording::Uninitialized, Marking::None, Saving::None);

    /// All 36 states, ordered by their byte.
    #[allow(clippy::indexing_slicing, reason = "at compile time, where a panic is an error of the build")]
    pub const ALL: [Self; 36] = {
        let mut all = [Self::INITIAL; 36];
        let mut byte = 0;
        let mut count = 0;
        while byte <= AXES {
            if let Some(state) = Self::from_byte(byte) {
                all[count] = state;
                count += 1;
            }
            byte += 1;
        }
        assert!(count == 36);
        all
    };

    /// The state with these three axes.
    #[must_use]
    pub const fn new(recording: Recording, marking: Marking, saving: Saving) -> Self {
        Self::from_axes(recording.code() | marking.code() << 2 | saving.code() << 4)
    }

    /// The state as a byte for storage: bits 0 and 1 hold the recording code, 2 and 3 the marking code, 4 and 5 the
    /// saving code, the others are zero. This layout is stable.
    #[must_use]
    pub const fn to_byte(self) -> u8 {
        self.0.get() & AXES
    }

    /// The state that [`to_byte`](Self::to_byte) made this byte of; `None` for the 220 bytes it never makes.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        if byte <= AXES && byte & 0b00_1100 != 0b00_1100 && byte & 0b11_0000 != 0b11_0000 {
            Some(Self::from_axes(byte))
        } else {
            None
        }
    }

    /// `axes` must be a byte of the 36; only this module and the compiled transition table call it.
    pub(crate) const fn from_axes(axes: u8) -> Self {
        Self(TAG.saturating_add(axes & AXES))
    }

    /// Where the recorder stands.
    #[must_use]
    pub const fn recording(self) -> Recording {
        match self.0.get() & 3 {
            0 => Recording::Uninitialized,
            1 => Recording::Started,
            2 => Recording::Stopped,
            _ => Recording::Paused,
        }
    }

    /// Where the mark stands.
    #[must_use]
    pub const fn marking(self) -> Marking {
        match self.0.get() >> 2 & 3 {
            1 => Marking::Mark,
            2 => Marking::Unmark,
            _ => Marking::None,
        }
    }

    /// Where the save decision stands.
    #[must_use]
    pub const fn saving(self) -> Saving {
        match self.0.get() >> 4 & 3 {
            1 => Saving::Save,
            2 => Saving::Delete,
            _ => Saving::None,
        }
    }

    /// The code that an axis has.
    pub(crate) const fn code_of(self, axis: Axis) -> u8 {
        self.0.get() >> axis as u8 & 3
    }

    /// This state with another recorder axis.
    #[must_use]
    pub const fn with_recording(self, recording: Recording) -> Self {
        Self::new(recording, self.marking(), self.saving())
    }

    /// This state with another marking axis.
    #[must_use]
    pub const fn with_marking(self, marking: Marking) -> Self {
        Self::new(self.recording(), marking, self.saving())
    }

    /// This state with another saving axis.
    #[must_use]
    pub const fn with_saving(self, saving: Saving) -> Self {
        Self::new(self.recording(), self.marking(), saving)
    }
}

impl Default for State {
    fn default() -> Self {
        Self::INITIAL
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("recording", &self.recording())
            .field("marking", &self.marking())
            .field("saving", &self.saving())
            .finish()
    }
}

/// `Paused/Mark/None`: recording, marking, saving.
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.recording(), self.marking(), self.saving())
    }
}
