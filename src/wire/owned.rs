//! Wire types that own what they hold, in fixed memory: for programs that keep them, and what serde reads into.

use core::fmt::Write as _;

use crate::wire::{
    CapabilitiesReply, CorrelationId, ErrorMessage, ErrorReply, ErrorType, Field, FieldError, FieldErrorKind,
    SetRequest, SipUri, SipUriBuf, StateReply, UccName, UccNameBuf,
};
use crate::{Action, Event, State};

/// A [`SetRequest`] that owns what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SetRequestBuf {
    /// What is asked.
    pub action: Action,
    /// Who asks.
    pub requester: SipUriBuf,
    /// Which session.
    pub correlation_id: CorrelationId,
    /// Which UCC.
    pub ucc: UccNameBuf,
}

/// A [`StateReply`] that owns what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StateReplyBuf {
    /// The id asked for.
    pub correlation_id: CorrelationId,
    /// The state of the session.
    pub state: State,
    /// Why not, or `None` for success.
    pub error: Option<ErrorMessageBuf>,
    /// The UCC asked for.
    pub ucc: UccNameBuf,
}

/// A [`CapabilitiesReply`] that owns what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CapabilitiesReplyBuf {
    /// Whether a change would get past every check of type Configuration.
    pub agent_can_edit_recordings: bool,
    /// Why not, or `None` for success.
    pub error: Option<ErrorMessageBuf>,
    /// The UCC asked for.
    pub ucc: UccNameBuf,
}

/// An [`ErrorReply`] that owns what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ErrorReplyBuf {
    /// The error.
    pub error: ErrorMessageBuf,
}

/// An [`Event`] that owns what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EventBuf {
    /// The UCC of the session.
    pub ucc: UccNameBuf,
    /// The session.
    pub correlation_id: CorrelationId,
    /// What changed it.
    pub action: Action,
}

/// An [`ErrorMessage`] that owns its text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ErrorMessageBuf {
    error_type: ErrorType,
    text: heapless::String<{ Self::MAX_TEXT_LEN }>,
}

impl ErrorMessageBuf {
    /// The longest text that is kept, in bytes. The core's own are shorter. [Protocol](crate#protocol): OURS.
    pub const MAX_TEXT_LEN: usize = 1024;

    pub(crate) const TOO_LONG: FieldError =
        FieldErrorKind::TooLong { max: Self::MAX_TEXT_LEN as u32 }.of(Field::Message);

    /// An error with a text.
    ///
    /// # Errors
    ///
    /// If the text is longer than [`MAX_TEXT_LEN`](Self::MAX_TEXT_LEN).
    pub fn new(error_type: ErrorType, text: &str) -> Result<Self, FieldError> {
        Self::try_from(ErrorMessage::new(error_type, text))
    }

    #[cfg(feature = "serde")]
    pub(crate) const fn from_parts(error_type: ErrorType, text: heapless::String<{ Self::MAX_TEXT_LEN }>) -> Self {
        Self { error_type, text }
    }

    /// The borrowed form.
    #[must_use]
    pub fn to_ref(&self) -> ErrorMessage<'_> {
        ErrorMessage::new(self.error_type, &self.text)
    }
}

impl TryFrom<ErrorMessage<'_>> for ErrorMessageBuf {
    type Error = FieldError;

    fn try_from(error: ErrorMessage<'_>) -> Result<Self, FieldError> {
        let mut text = heapless::String::new();
        match write!(text, "{error}") {
            Ok(()) => Ok(Self { error_type: error.error_type(), text }),
            Err(_) => Err(Self::TOO_LONG),
        }
    }
}

impl SetRequestBuf {
    /// The borrowed form.
    #[must_use]
    pub fn to_ref(&self) -> SetRequest<'_> {
        SetRequest {
            action: self.action,
            requester: SipUri::from(&self.requester),
            correlation_id: self.correlation_id,
            ucc: UccName::from(&self.ucc),
        }
    }
}

impl From<SetRequest<'_>> for SetRequestBuf {
    fn from(request: SetRequest<'_>) -> Self {
        Self {
            action: request.action,
            requester: request.requester.into(),
            correlation_id: request.correlation_id,
            ucc: request.ucc.into(),
        }
    }
}

impl StateReplyBuf {
    /// The borrowed form.
    #[must_use]
    pub fn to_ref(&self) -> StateReply<'_> {
        StateReply {
            correlation_id: self.correlation_id,
            state: self.state,
            error: self.error.as_ref().map(ErrorMessageBuf::to_ref),
            ucc: UccName::from(&self.ucc),
        }
    }
}

impl TryFrom<StateReply<'_>> for StateReplyBuf {
    type Error = FieldError;

    fn try_from(reply: StateReply<'_>) -> Result<Self, FieldError> {
        Ok(Self {
            correlation_id: reply.correlation_id,
            state: reply.state,
            error: reply.error.map(ErrorMessageBuf::try_from).transpose()?,
            ucc: reply.ucc.into(),
        })
    }
}

impl CapabilitiesReplyBuf {
    /// The borrowed form.
    #[must_use]
    pub fn to_ref(&self) -> CapabilitiesReply<'_> {
        CapabilitiesReply {
            agent_can_edit_recordings: self.agent_can_edit_recordings,
            error: self.error.as_ref().map(ErrorMessageBuf::to_ref),
            ucc: UccName::from(&self.ucc),
        }
    }
}

impl TryFrom<CapabilitiesReply<'_>> for CapabilitiesReplyBuf {
    type Error = FieldError;

    fn try_from(reply: CapabilitiesReply<'_>) -> Result<Self, FieldError> {
        Ok(Self {
            agent_can_edit_recordings: reply.agent_can_edit_recordings,
            error: reply.error.map(ErrorMessageBuf::try_from).transpose()?,
            ucc: reply.ucc.into(),
        })
    }
}

impl ErrorReplyBuf {
    /// The borrowed form.
    #[must_use]
    pub fn to_ref(&self) -> ErrorReply<'_> {
        ErrorReply { error: self.error.to_ref() }
    }
}

impl TryFrom<ErrorReply<'_>> for ErrorReplyBuf {
    type Error = FieldError;

    fn try_from(reply: ErrorReply<'_>) -> Result<Self, FieldError> {
        Ok(Self { error: reply.error.try_into()? })
    }
}

impl EventBuf {
    /// The borrowed form.
    #[must_use]
    pub fn to_ref(&self) -> Event<'_> {
        Event { ucc: UccName::from(&self.ucc), correlation_id: self.correlation_id, action: self.action }
    }
}

impl From<Event<'_>> for EventBuf {
    fn from(event: Event<'_>) -> Self {
        Self { ucc: event.ucc.into(), correlation_id: event.correlation_id, action: event.action }
    }
}
