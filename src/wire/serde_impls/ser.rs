//! `Serialize`, key by key in the page's order.

use serde::ser::{Serialize, SerializeStruct as _, Serializer};

use crate::state::{MarkingState, RecordingState, SavingState};
use crate::wire::{
    CapabilitiesReply, CapabilitiesReplyBuf, CorrelationId, ErrorMessage, ErrorMessageBuf, ErrorReply, ErrorReplyBuf,
    ErrorType, EventBuf, Field, SetRequest, SetRequestBuf, SipUri, SipUriBuf, StateReply, StateReplyBuf, UccName,
    UccNameBuf,
};
use crate::{Action, Event, Reply, State};

macro_rules! as_code {
    ($($Type:ty: $serialize:ident),+) => {
        $(
            impl Serialize for $Type {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.$serialize(self.code())
                }
            }
        )+
    };
}

macro_rules! as_text {
    ($($Type:ty),+) => {
        $(
            impl Serialize for $Type {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.serialize_str(self.as_str())
                }
            }
        )+
    };
}

macro_rules! as_borrowed {
    ($($Type:ty),+) => {
        $(
            impl Serialize for $Type {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    self.to_ref().serialize(serializer)
                }
            }
        )+
    };
}

as_code!(
    RecordingState: serialize_u8, MarkingState: serialize_u8, SavingState: serialize_u8, Action: serialize_u8,
    ErrorType: serialize_i32
);
as_text!(UccName<'_>, SipUri<'_>, UccNameBuf, SipUriBuf);
as_borrowed!(SetRequestBuf, StateReplyBuf, CapabilitiesReplyBuf, ErrorReplyBuf, ErrorMessageBuf, EventBuf);

impl Serialize for CorrelationId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.hyphenated().as_str())
    }
}

/// The document of a state: its three codes.
impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_struct("State", 3)?;
        members.serialize_field(Field::RecordingState.name(), &self.recording())?;
        members.serialize_field(Field::MarkingState.name(), &self.marking())?;
        members.serialize_field(Field::SavingState.name(), &self.saving())?;
        members.end()
    }
}

impl Serialize for SetRequest<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_struct("SetRequest", 4)?;
        members.serialize_field(Field::Action.name(), &self.action)?;
        members.serialize_field(Field::RequesterSipUri.name(), &self.requester)?;
        members.serialize_field(Field::CorrelationId.name(), &self.correlation_id)?;
        members.serialize_field(Field::UccName.name(), &self.ucc)?;
        members.end()
    }
}

impl Serialize for Reply<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::State(reply) => reply.serialize(serializer),
            Self::Capabilities(reply) => reply.serialize(serializer),
            Self::Rejected(rejection) => ErrorReply::from(*rejection).serialize(serializer),
        }
    }
}

impl Serialize for StateReply<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_struct("StateReply", 6)?;
        members.serialize_field(Field::CorrelationId.name(), &self.correlation_id)?;
        members.serialize_field(Field::RecordingState.name(), &self.state.recording())?;
        members.serialize_field(Field::MarkingState.name(), &self.state.marking())?;
        members.serialize_field(Field::SavingState.name(), &self.state.saving())?;
        members.serialize_field(Field::ErrorMessage.name(), &self.error)?;
        members.serialize_field(Field::UccName.name(), &self.ucc)?;
        members.end()
    }
}

impl Serialize for CapabilitiesReply<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_struct("CapabilitiesReply", 3)?;
        members.serialize_field(Field::AgentCanEditRecordings.name(), &self.agent_can_edit_recordings)?;
        members.serialize_field(Field::ErrorMessage.name(), &self.error)?;
        members.serialize_field(Field::UccName.name(), &self.ucc)?;
        members.end()
    }
}

impl Serialize for ErrorReply<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_struct("ErrorReply", 1)?;
        members.serialize_field(Field::ErrorMessage.name(), &self.error)?;
        members.end()
    }
}

impl Serialize for ErrorMessage<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Text<'a>(&'a ErrorMessage<'a>);

        impl Serialize for Text<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self.0)
            }
        }

        let mut members = serializer.serialize_struct("ErrorMessage", 2)?;
        members.serialize_field(Field::ErrorType.name(), &self.error_type())?;
        members.serialize_field(Field::Message.name(), &Text(self))?;
        members.end()
    }
}

impl Serialize for Event<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_struct("RecordingStateChangedEvent", 3)?;
        members.serialize_field("UccName", &self.ucc)?;
        members.serialize_field(Field::CorrelationId.name(), &self.correlation_id)?;
        members.serialize_field(Field::StateAction.name(), &self.action)?;
        members.end()
    }
}
