//! Why an understood request is not done: checks 2 to 9 of the order, with their texts.

use crate::sink::{Argument, Pieces, Sink, display_by_pieces};
use crate::{Action, CorrelationId, ErrorType, Reason, SipUri, UccName};

/// Why an understood request is refused. The variants stand in the order of the checks; the first that fails is told.
///
/// The order is OURS: configuration comes before anything that would tell a stranger about agents or sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal<'a> {
    /// 2: there is no such UCC.
    UnknownUcc {
        /// What the request said.
        ucc: UccName<'a>,
    },
    /// 3: the UCC's license does not include the recording API.
    NotLicensed {
        /// What the request said.
        ucc: UccName<'a>,
    },
    /// 4: `UseAudioRecording` is off.
    AudioRecordingOff {
        /// What the request said.
        ucc: UccName<'a>,
    },
    /// 5: `AgentCanEditAudioRecording` is off.
    EditingOff {
        /// What the request said.
        ucc: UccName<'a>,
    },
    /// 6: the requester is not an agent of the UCC.
    NotAnAgent {
        /// What the request said.
        requester: SipUri<'a>,
        /// What the request said.
        ucc: UccName<'a>,
    },
    /// 7: there is no such session in the UCC.
    UnknownSession {
        /// The id asked for.
        correlation_id: CorrelationId,
    },
    /// 8: the transition is refused.
    NotAllowed {
        /// What was asked.
        action: Action,
        /// Why not.
        reason: Reason,
    },
    /// 9: nothing would change, and the UCC refuses repeats.
    Repeat {
        /// What was asked.
        action: Action,
        /// The state of the action's own axis, as it already is.
        already: &'static str,
    },
}

impl Refusal<'_> {
    /// The type of this error on the wire.
    #[must_use]
    pub const fn error_type(&self) -> ErrorType {
        match self {
            Self::NotLicensed { .. } | Self::AudioRecordingOff { .. } | Self::EditingOff { .. } => {
                ErrorType::Configuration
            }
            Self::UnknownUcc { .. }
            | Self::NotAnAgent { .. }
            | Self::UnknownSession { .. }
            | Self::NotAllowed { .. }
            | Self::Repeat { .. } => ErrorType::Validation,
        }
    }
}

impl Refusal<'_> {
    /// Whether the texts are the same. Two that are equal may still spell one requester in two ways.
    pub(crate) fn reads_as(&self, other: &Self) -> bool {
        self == other && self.requester() == other.requester()
    }

    const fn requester(&self) -> Option<&str> {
        match self {
            Self::NotAnAgent { requester, .. } => Some(requester.as_str()),
            _ => None,
        }
    }
}

impl Refusal<'_> {
    /// The text, with `#` where something is put in.
    const fn template(&self) -> &'static str {
        match self {
            Self::UnknownUcc { .. } => "No UCC with name:'#' was found.",
            Self::NotLicensed { .. } => "The license of UCC:'#' does not include the recording API.",
            Self::AudioRecordingOff { .. } => "UseAudioRecording is not enabled for UCC:'#'.",
            Self::EditingOff { .. } => "AgentCanEditAudioRecording is not enabled for UCC:'#'.",
            Self::NotAnAgent { .. } => "Requester:'#' is not an agent of UCC:'#'.",
            Self::UnknownSession { .. } => "No Audio session with correlation Id:'#' was found.",
            Self::NotAllowed { .. } => "Action:'#' is not allowed while the recorder is '#'.",
            Self::Repeat { .. } => "Action:'#' would change nothing: the state is already '#'.",
        }
    }
}

impl Pieces for Refusal<'_> {
    fn pieces(&self, sink: &mut impl Sink) {
        use Argument::{Id, Text};
        let arguments = match self {
            Self::UnknownUcc { ucc }
            | Self::NotLicensed { ucc }
            | Self::AudioRecordingOff { ucc }
            | Self::EditingOff { ucc } => [Text(ucc.as_str()), Text("")],
            Self::NotAnAgent { requester, ucc } => [Text(requester.as_str()), Text(ucc.as_str())],
            Self::UnknownSession { correlation_id } => [Id(correlation_id), Text("")],
            Self::NotAllowed { action, reason } => [Text(action.name()), Text(reason.recorder().name())],
            Self::Repeat { action, already } => [Text(action.name()), Text(already)],
        };
        sink.fill(self.template(), &arguments);
    }
}

display_by_pieces!(Refusal<'_>);

impl core::error::Error for Refusal<'_> {}
