//! Why an understood request is not done: checks 2 to 9 of the order, with their texts.

use crate::Action;
use crate::pieces::{Pieces, Sink, display_by_pieces};
use crate::state::Reason;
use crate::wire::{CorrelationId, ErrorType, SipUri, UccName};

/// Why an understood request is refused. The variants are in the order of the checks; the first that fails is reported.
///
/// The order is OURS: configuration comes before anything that would tell a stranger about agents or sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
    /// Whether the texts are the same. Two that are equal may still write one requester in two ways.
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

impl<'a> Refusal<'a> {
    /// Gives all pieces but the last three, which come back: errors of every kind give theirs in one place.
    #[inline]
    pub(crate) fn last_pieces(&self, sink: &mut impl Sink) -> [&'a str; 3] {
        let (before, name, after) = match *self {
            Self::UnknownUcc { ucc } => ("No UCC with name:'", ucc.as_str(), "' was found."),
            Self::NotLicensed { ucc } => {
                ("The license of UCC:'", ucc.as_str(), "' does not include the recording API.")
            }
            Self::AudioRecordingOff { ucc } => ("UseAudioRecording is not enabled for UCC:'", ucc.as_str(), "'."),
            Self::EditingOff { ucc } => ("AgentCanEditAudioRecording is not enabled for UCC:'", ucc.as_str(), "'."),
            Self::NotAnAgent { requester, ucc } => {
                sink.text("Requester:'");
                sink.text(requester.as_str());
                ("' is not an agent of UCC:'", ucc.as_str(), "'.")
            }
            Self::UnknownSession { correlation_id } => {
                sink.text("No Audio session with correlation Id:'");
                sink.id(correlation_id);
                ("' was found.", "", "")
            }
            Self::NotAllowed { action, reason } => {
                sink.text("Action:'");
                sink.text(action.name());
                ("' is not allowed while the recorder is '", reason.recorder().name(), "'.")
            }
            Self::Repeat { action, already } => {
                sink.text("Action:'");
                sink.text(action.name());
                ("' would change nothing: the state is already '", already, "'.")
            }
        };
        [before, name, after]
    }
}

impl Pieces for Refusal<'_> {
    fn pieces(&self, sink: &mut impl Sink) {
        for piece in self.last_pieces(sink) {
            sink.text(piece);
        }
    }
}

display_by_pieces!(Refusal<'_>);

impl core::error::Error for Refusal<'_> {}
