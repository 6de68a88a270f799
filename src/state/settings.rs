//! What a UCC's administrator decided, and what becomes of a recording when its session ends.

use core::fmt;
use core::str::FromStr;

use crate::State;
use crate::state::codes::wire_codes;
use crate::state::{ActionSet, RecordingState, SavingState, UnknownCode};

/// The settings of one UCC, as far as they touch recording.
///
/// There is no default: a setting that was not looked up must not be guessed.
///
/// ```
/// use recording_core::state::RepeatPolicy;
/// use recording_core::{Settings, State};
///
/// let mut settings = Settings::from_switches([true, true, true, false], RepeatPolicy::Accept);
/// assert_eq!(settings.allowed(State::INITIAL).to_string(), "Start Save Delete Mark UnMark");
/// settings.agent_can_edit_audio_recording = false;
/// assert!(settings.allowed(State::INITIAL).is_empty());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Settings {
    /// Whether the UCC's license includes the recording API. [Protocol](crate#protocol): page (Enterprise or higher).
    pub recording_api_licensed: bool,
    /// `UseAudioRecording`: audio recording is on in this UCC. [Protocol](crate#protocol): page.
    pub use_audio_recording: bool,
    /// `AgentCanEditAudioRecording`: agents may change the recorder's state. [Protocol](crate#protocol): page.
    pub agent_can_edit_audio_recording: bool,
    /// `SaveRecordingByDefault`: what happens to a recording that no agent decided on. [Protocol](crate#protocol): page.
    pub save_recording_by_default: bool,
    /// How an action that would change nothing is answered. [Protocol](crate#protocol): OURS.
    pub repeats: RepeatPolicy,
}

impl Settings {
    /// The keys of the four switches in a document that configures UCCs: a gateway's provisioning document, a server's
    /// config. [Protocol](crate#protocol): OURS.
    pub const SWITCHES: [&'static str; 4] = [
        "recording_api_licensed",
        "use_audio_recording",
        "agent_can_edit_audio_recording",
        "save_recording_by_default",
    ];

    /// The settings with these switches, in the order of [`SWITCHES`](Self::SWITCHES).
    ///
    /// ```
    /// use recording_core::Settings;
    /// use recording_core::state::RepeatPolicy;
    ///
    /// let settings = Settings::from_switches([true, true, true, false], RepeatPolicy::Accept);
    /// assert!(settings.allows_changes() && !settings.save_recording_by_default);
    /// assert_eq!(settings.switches(), [true, true, true, false]);
    /// ```
    #[must_use]
    pub const fn from_switches(switches: [bool; 4], repeats: RepeatPolicy) -> Self {
        let [recording_api_licensed, use_audio_recording, agent_can_edit_audio_recording, save_recording_by_default] =
            switches;
        Self {
            recording_api_licensed,
            use_audio_recording,
            agent_can_edit_audio_recording,
            save_recording_by_default,
            repeats,
        }
    }

    /// The four switches, in the order of [`SWITCHES`](Self::SWITCHES).
    #[must_use]
    pub const fn switches(&self) -> [bool; 4] {
        [
            self.recording_api_licensed,
            self.use_audio_recording,
            self.agent_can_edit_audio_recording,
            self.save_recording_by_default,
        ]
    }

    /// The actions that an agent may ask for in `state` and is not refused. None of them if a setting rules changes out.
    #[must_use]
    pub const fn allowed(&self, state: State) -> ActionSet {
        match (self.allows_changes(), self.repeats) {
            (false, _) => ActionSet::EMPTY,
            (true, RepeatPolicy::Accept) => state.allowed(),
            (true, RepeatPolicy::Refuse) => state.changing(),
        }
    }

    /// Those of the [`allowed`](Self::allowed) actions that would change `state`.
    #[must_use]
    pub const fn changing(&self, state: State) -> ActionSet {
        if self.allows_changes() { state.changing() } else { ActionSet::EMPTY }
    }

    /// Whether no setting rules changes out: the checks of type Configuration, and what capabilities answer.
    #[must_use]
    pub const fn allows_changes(&self) -> bool {
        self.recording_api_licensed && self.use_audio_recording && self.agent_can_edit_audio_recording
    }

    /// What becomes of a recording when its session ends in `state`. See [`Disposition::of`].
    #[must_use]
    pub const fn disposition(&self, state: State) -> Disposition {
        Disposition::of(state, self.save_recording_by_default)
    }
}

/// How an action that would change nothing is answered. [Protocol](crate#protocol): OURS, since real systems differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RepeatPolicy {
    /// Success without an event: a payment system that retries a `Pause` must not get an error.
    #[default]
    Accept,
    /// An error of type Validation.
    Refuse,
}

wire_codes! {
    /// What becomes of a recording when its session ends. [Protocol](crate#protocol): OURS.
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
    /// use recording_core::State;
    /// use recording_core::state::{Disposition, MarkingState, RecordingState, SavingState};
    ///
    /// let stopped = State::new(RecordingState::Stopped, MarkingState::None, SavingState::None);
    /// assert_eq!(Disposition::of(stopped, true), Disposition::Keep);
    /// assert_eq!(Disposition::of(stopped, false), Disposition::Discard);
    /// assert_eq!(Disposition::of(stopped.with_saving(SavingState::Save), false), Disposition::Keep);
    /// ```
    #[must_use]
    pub const fn of(state: State, save_recording_by_default: bool) -> Self {
        // OURS: the page names the setting, not the rule.
        match (state.recording(), state.saving()) {
            (RecordingState::Uninitialized, _) => Self::NothingRecorded,
            (_, SavingState::Delete) => Self::Discard,
            (_, SavingState::Save) => Self::Keep,
            (_, SavingState::None) if save_recording_by_default => Self::Keep,
            (_, SavingState::None) => Self::Discard,
        }
    }
}

impl RepeatPolicy {
    /// The key of the policy in a document that configures UCCs. It may be left out: then repeats are accepted.
    pub const KEY: &'static str = "repeats";

    /// What the key may say, as error texts name it.
    pub const EXPECTED: &'static str = "\"accept\" or \"refuse\"";
}

/// What `Display` writes, to the letter.
impl FromStr for RepeatPolicy {
    type Err = UnknownCode;

    fn from_str(name: &str) -> Result<Self, UnknownCode> {
        match name {
            "accept" => Ok(Self::Accept),
            "refuse" => Ok(Self::Refuse),
            _ => Err(UnknownCode { expected: "RepeatPolicy" }),
        }
    }
}

impl fmt::Display for RepeatPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accept => "accept",
            Self::Refuse => "refuse",
        })
    }
}
