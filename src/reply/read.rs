//! Replies from bytes, for clients. A .NET server escapes as it likes, orders keys as it likes, and may add keys.

use super::{CapabilitiesReply, ErrorMessage, ErrorReply, StateReply};
use crate::json::{self, Kind, Object, Value};
use crate::members::Members;
use crate::{ErrorType, Expected, Fault, Field, Marking, ReadError, Recording, Saving, State};

impl<'a> StateReply<'a> {
    /// Reads the reply to a read or a change of a session's state.
    ///
    /// What the reply spells with escapes is put into `buffer`; the reply's own length is always enough.
    ///
    /// # Errors
    ///
    /// If it is no JSON object, lacks a key, has one twice, or holds a value that means nothing. The bare error body
    /// that goes with a status other than 200 is no state reply: see [`ErrorReply::read`].
    pub fn read(document: &'a [u8], buffer: &'a mut [u8]) -> Result<Self, ReadError> {
        const FIELDS: &[Field] = &[
            Field::CorrelationId,
            Field::RecordingState,
            Field::MarkingState,
            Field::SavingState,
            Field::ErrorMessage,
            Field::UccName,
        ];
        Members::of(json::read_object(document)?, FIELDS, buffer, |members| {
            let (mut correlation_id, mut error, mut ucc) = (None, None, None);
            let mut states = StateFields::default();
            while let Some(field) = members.next() {
                match field {
                    Field::CorrelationId => correlation_id = members.correlation_id(field),
                    Field::ErrorMessage => error = members.error(field),
                    Field::UccName => ucc = members.ucc(field),
                    state => states.take(state, members),
                }
            }
            members.end()?;
            Some(Self { correlation_id: correlation_id?, state: states.all()?, error: error?, ucc: ucc? })
        })
    }
}

impl<'a> CapabilitiesReply<'a> {
    /// Reads the reply to the question whether changing is allowed.
    ///
    /// # Errors
    ///
    /// As for [`StateReply::read`].
    pub fn read(document: &'a [u8], buffer: &'a mut [u8]) -> Result<Self, ReadError> {
        const FIELDS: &[Field] = &[Field::AgentCanEditRecordings, Field::ErrorMessage, Field::UccName];
        Members::of(json::read_object(document)?, FIELDS, buffer, |members| {
            let (mut can_edit, mut error, mut ucc) = (None, None, None);
            while let Some(field) = members.next() {
                match field {
                    Field::AgentCanEditRecordings => can_edit = members.boolean(field),
                    Field::ErrorMessage => error = members.error(field),
                    _ => ucc = members.ucc(field),
                }
            }
            members.end()?;
            Some(Self { agent_can_edit_recordings: can_edit?, error: error?, ucc: ucc? })
        })
    }
}

impl<'a> ErrorReply<'a> {
    /// Reads the reply that holds an error and nothing else.
    ///
    /// # Errors
    ///
    /// As for [`StateReply::read`]; an `ErrorMessage` of `null` is an error here.
    pub fn read(document: &'a [u8], buffer: &'a mut [u8]) -> Result<Self, ReadError> {
        Members::of(json::read_object(document)?, &[Field::ErrorMessage], buffer, |members| {
            let mut error = None;
            while let Some(field) = members.next() {
                error = members.error_object(field);
            }
            members.end()?;
            Some(Self { error: error? })
        })
    }
}

impl<'a> Members<'a> {
    fn boolean(&mut self, field: Field) -> Option<bool> {
        match self.value()? {
            Value::Bool(value) => Some(value),
            other => self.wrong(field, Expected::Boolean, other.kind()),
        }
    }

    /// An `ErrorMessage` that may be `null`.
    fn error(&mut self, field: Field) -> Option<Option<ErrorMessage<'a>>> {
        match self.value()? {
            Value::Null => Some(None),
            Value::Object(object) => self.error_members(object).map(Some),
            other => self.wrong(field, Expected::ObjectOrNull, other.kind()),
        }
    }

    /// An `ErrorMessage` that must be there.
    fn error_object(&mut self, field: Field) -> Option<ErrorMessage<'a>> {
        match self.value()? {
            Value::Object(object) => self.error_members(object),
            Value::Null => self.wrong(field, Expected::Object, Kind::Null),
            other => self.wrong(field, Expected::ObjectOrNull, other.kind()),
        }
    }

    fn error_members(&mut self, object: Object<'a>) -> Option<ErrorMessage<'a>> {
        self.within(object, &[Field::ErrorType, Field::Message], |members| {
            let (mut error_type, mut message) = (None, None);
            while let Some(field) = members.next() {
                match field {
                    Field::ErrorType => error_type = members.error_type(field),
                    _ => message = members.text(field),
                }
            }
            members.end()?;
            Some(ErrorMessage::new(error_type?, message?))
        })
    }

    fn error_type(&mut self, field: Field) -> Option<ErrorType> {
        match self.value()? {
            Value::Number(spelt) => match spelt.parse() {
                // JSON has a zero with a minus sign, and serde takes it for no integer.
                Ok(code) if spelt != "-0" => Some(ErrorType::from_code(code)),
                _ => self.fail(field, Fault::NotOneOf { expected: Expected::ErrorType }),
            },
            other => self.wrong(field, Expected::Number, other.kind()),
        }
    }
}

/// The three states of a document while it is read.
#[derive(Default)]
struct StateFields {
    recording: Option<Recording>,
    marking: Option<Marking>,
    saving: Option<Saving>,
}

impl StateFields {
    const ALL: &'static [Field] = &[Field::RecordingState, Field::MarkingState, Field::SavingState];

    fn take(&mut self, field: Field, members: &mut Members<'_>) {
        match field {
            Field::RecordingState => self.recording = members.code(field, Recording::from_code, Expected::Recording),
            Field::MarkingState => self.marking = members.code(field, Marking::from_code, Expected::MarkingOrSaving),
            _ => self.saving = members.code(field, Saving::from_code, Expected::MarkingOrSaving),
        }
    }

    fn all(self) -> Option<State> {
        Some(State::new(self.recording?, self.marking?, self.saving?))
    }
}

impl Members<'_> {
    fn code<T>(&mut self, field: Field, from_code: fn(u8) -> Option<T>, expected: Expected) -> Option<T> {
        let code = match self.value()? {
            Value::Number(number) => match number.as_bytes() {
                [digit] => from_code(digit - b'0'),
                _ => None,
            },
            other => return self.wrong(field, expected, other.kind()),
        };
        if code.is_none() { self.fail(field, Fault::NotOneOf { expected }) } else { code }
    }
}

impl State {
    /// Reads a document that names a state by its three codes, as a state reply does:
    /// `{"RecordingState":1,"MarkingState":0,"SavingState":0}`. This is how the call's side says in which state a
    /// session begins. Source: OURS.
    ///
    /// # Errors
    ///
    /// If it is no JSON object, lacks one of the three, has one twice, or holds a code that means nothing.
    pub fn read(document: &[u8]) -> Result<Self, ReadError> {
        Members::of(json::read_object(document)?, StateFields::ALL, &mut [], |members| {
            let mut states = StateFields::default();
            while let Some(field) = members.next() {
                states.take(field, members);
            }
            members.end()?;
            states.all()
        })
    }
}
