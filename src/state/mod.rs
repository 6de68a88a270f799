//! What is kept of a session and how it changes: the states of its recorder, its mark and its save decision, the actions,
//! and the transition from one state to the next.

mod action;
pub(crate) mod codes;
mod settings;
mod transition;

use core::fmt;
use core::num::NonZeroU8;
use core::str::FromStr;

pub use action::{Action, ActionSet, Actions};
pub(crate) use action::{Axis, by_action};
pub use codes::UnknownCode;
pub use settings::{Disposition, RepeatPolicy, Settings};
pub use transition::{Outcome, Reason};

use codes::wire_codes;

wire_codes! {
    /// The recorder's own axis. [Protocol](crate#protocol): page.
    "RecordingState"
    pub enum RecordingState {
        /// The recorder has not been started in this session.
        Uninitialized = 0, "Uninitialized";
        /// Audio is being recorded.
        Started = 1, "Started";
        /// The recorder was stopped; `Start` starts it again.
        Stopped = 2, "Stopped";
        /// The recorder pauses, as while card data is spoken; `Start` resumes it.
        Paused = 3, "Paused";
    }
}

wire_codes! {
    /// Whether the recording is marked. [Protocol](crate#protocol): page. `Unmark` is not `None`: it says that a mark was taken away.
    "MarkingState"
    pub enum MarkingState {
        /// Never marked nor unmarked.
        None = 0, "None";
        /// Marked.
        Mark = 1, "Mark";
        /// Unmarked.
        Unmark = 2, "Unmark";
    }
}

wire_codes! {
    /// What an agent decided on keeping the recording. [Protocol](crate#protocol): page. The last decision before the end counts.
    "SavingState"
    pub enum SavingState {
        /// No agent decided: the UCC's `SaveRecordingByDefault` will.
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
/// use recording_core::State;
/// use recording_core::state::{MarkingState, RecordingState, SavingState};
///
/// let state = State::new(RecordingState::Paused, MarkingState::Mark, SavingState::None);
/// assert_eq!(state.recording(), RecordingState::Paused);
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
    /// How a session begins unless the call's side says otherwise. [Protocol](crate#protocol): OURS.
    pub const INITIAL: Self = Self::new(RecordingState::Uninitialized, MarkingState::None, SavingState::None);

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
    pub const fn new(recording: RecordingState, marking: MarkingState, saving: SavingState) -> Self {
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
        // Bits that no state has: the upper two, and both bits of marking or of saving.
        if byte & !AXES | byte & byte >> 1 & 0b01_0100 == 0 { Some(Self::from_axes(byte)) } else { None }
    }

    /// `axes` must be a byte of the 36; only this module and the compiled transition table call it.
    pub(crate) const fn from_axes(axes: u8) -> Self {
        Self(TAG.saturating_add(axes & AXES))
    }

    /// The state of the recorder.
    #[must_use]
    pub const fn recording(self) -> RecordingState {
        match self.0.get() & 3 {
            0 => RecordingState::Uninitialized,
            1 => RecordingState::Started,
            2 => RecordingState::Stopped,
            _ => RecordingState::Paused,
        }
    }

    /// The state of the mark.
    #[must_use]
    pub const fn marking(self) -> MarkingState {
        match self.0.get() >> 2 & 3 {
            1 => MarkingState::Mark,
            2 => MarkingState::Unmark,
            _ => MarkingState::None,
        }
    }

    /// The state of the save decision.
    #[must_use]
    pub const fn saving(self) -> SavingState {
        match self.0.get() >> 4 & 3 {
            1 => SavingState::Save,
            2 => SavingState::Delete,
            _ => SavingState::None,
        }
    }

    /// The code that an axis has.
    pub(crate) const fn code_of(self, axis: Axis) -> u8 {
        self.0.get() >> axis as u8 & 3
    }

    /// This state with another recorder axis.
    #[must_use]
    pub const fn with_recording(self, recording: RecordingState) -> Self {
        Self::new(recording, self.marking(), self.saving())
    }

    /// This state with another marking axis.
    #[must_use]
    pub const fn with_marking(self, marking: MarkingState) -> Self {
        Self::new(self.recording(), marking, self.saving())
    }

    /// This state with another saving axis.
    #[must_use]
    pub const fn with_saving(self, saving: SavingState) -> Self {
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

/// What `Display` writes; the names in any case.
impl FromStr for State {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        let state = || {
            let mut names = text.split('/');
            let recording = RecordingState::from_name(names.next()?)?;
            let marking = MarkingState::from_name(names.next()?)?;
            let saving = SavingState::from_name(names.next()?)?;
            if names.next().is_none() { Some(Self::new(recording, marking, saving)) } else { None }
        };
        state().ok_or(UnknownCode { expected: "State" })
    }
}

/// `Paused/Mark/None`: recording, marking, saving.
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.recording(), self.marking(), self.saving())
    }
}
