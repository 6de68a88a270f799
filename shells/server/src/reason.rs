//! Why a set was refused, in a few words, for the log and the metrics.

use recording_core::decide::Refusal;

/// The kind of a refusal, without the names that its text has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    UnknownUcc,
    NotLicensed,
    AudioRecordingOff,
    EditingOff,
    NotAnAgent,
    UnknownSession,
    NotAllowed,
    Repeat,
    /// One that a later version of the core has added.
    Other,
}

impl Reason {
    pub(crate) const ALL: [Self; 9] = [
        Self::UnknownUcc,
        Self::NotLicensed,
        Self::AudioRecordingOff,
        Self::EditingOff,
        Self::NotAnAgent,
        Self::UnknownSession,
        Self::NotAllowed,
        Self::Repeat,
        Self::Other,
    ];

    pub(crate) const fn of(refusal: &Refusal<'_>) -> Self {
        match refusal {
            Refusal::UnknownUcc { .. } => Self::UnknownUcc,
            Refusal::NotLicensed { .. } => Self::NotLicensed,
            Refusal::AudioRecordingOff { .. } => Self::AudioRecordingOff,
            Refusal::EditingOff { .. } => Self::EditingOff,
            Refusal::NotAnAgent { .. } => Self::NotAnAgent,
            Refusal::UnknownSession { .. } => Self::UnknownSession,
            Refusal::NotAllowed { .. } => Self::NotAllowed,
            Refusal::Repeat { .. } => Self::Repeat,
            _ => Self::Other,
        }
    }

    /// As the log and the label of the metric have it. The refusal's own text would only repeat the other fields.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::UnknownUcc => "unknown UCC",
            Self::NotLicensed => "not licensed",
            Self::AudioRecordingOff => "UseAudioRecording is off",
            Self::EditingOff => "AgentCanEditAudioRecording is off",
            Self::NotAnAgent => "not an agent",
            Self::UnknownSession => "unknown session",
            Self::NotAllowed => "not allowed in this state",
            Self::Repeat => "repeat",
            Self::Other => "other",
        }
    }
}
