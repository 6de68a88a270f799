//! What a UCC's administrator decided, and what becomes of a recording when its session ends.

use core::fmt;

use crate::codes::wire_codes;
use crate::{Recording, Saving, State};

/// The settings of one UCC, as far as they touch recording.
///
/// There is no default: a setting that nobody looked up must not be guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Settings {
    /// Whether the UCC's license includes the recording API. Source: page (Enterprise or higher).
    pub recording_api_licensed: bool,
    /// `UseAudioRecording`: audio recording is on in this UCC. Source: page.
    pub use_audio_recording: bool,
    /// `AgentCanEditAudioRecording`: agents may change the recorder's state. Source: page.
    pub agent_can_edit_audio_recording: bool,
    /// `SaveRecordingByDefault`: what happens to a recording that nobody decided on. Source: page.
    pub save_recording_by_default: bool,
    /// How an action that would change nothing is answered. Source: OURS.
    pub repeats: Repeats,
}

impl Settings {
    /// What becomes of a recording when its session ends in `state`. See [`Disposition::of`].
    #[must_use]
    pub const fn disposition(&self, state: State) -> Disposition {
        Disposition::of(state, self.save_recording_by_default)
    }
}

/// How an action that would change nothing is answered. Source: OURS, since real systems differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Repeats {
    /// Success without an event: a payment system that retries a `Pause` must not be told no.
    #[default]
    Accept,
    /// An error of type Validation.
    Refuse,
}

wire_codes! {
    /// What becomes of a recording when its session ends. Source: OURS.
    "Disposition"
    pub enum Disposition {
        /// The recorder was never started: there is nothing to keep or to discard.
        NothingRecorded = 0, "NothingRecorded";
        /// The recording is thrown away.
        Discard = 1, "Discard";
        /// The recording is kept.
        Keep = 2, "Keep";
    }
}

impl Disposition {
    /// The fate of a recording, as a pure function of the state at the end and `SaveRecordingByDefault`.
    ///
    /// ```
    /// use recording_core::{Disposition, Marking, Recording, Saving, State};
    ///
    /// let stopped = State::new(Recording::Stopped, Marking::None, Saving::None);
    /// assert_eq!(Disposition::of(stopped, true), Disposition::Keep);
    /// assert_eq!(Disposition::of(stopped, false), Disposition::Discard);
    /// assert_eq!(Disposition::of(stopped.with_saving(Saving::Save), false), Disposition::Keep);
    /// ```
    #[must_use]
    pub const fn of(state: State, save_recording_by_default: bool) -> Self {
        // OURS: the page names the setting, not the rule.
        match (state.recording(), state.saving()) {
            (Recording::Uninitialized, _) => Self::NothingRecorded,
            (_, Saving::Delete) => Self::Discard,
            (_, Saving::Save) => Self::Keep,
            (_, Saving::None) if save_recording_by_default => Self::Keep,
            (_, Saving::None) => Self::Discard,
        }
    }
}

impl fmt::Display for Repeats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accept => "accept",
            Self::Refuse => "refuse",
        })
    }
}
