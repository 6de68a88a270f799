//! Replies from bytes, for clients. A .NET server escapes as it likes, orders keys as it likes, and may add keys.

use super::{CapabilitiesReply, ErrorMessage, ErrorReply, StateReply};
use crate::json::{self, Kind, Value};
use crate::members::{Members, required};
use crate::{ErrorType, Expected, Fault, Field, FieldError, Marking, ReadError, Recording, Saving, State};

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
        let mut correlation_id = None;
        let mut states = StateFields::default();
        let mut error = None;
        let mut ucc = None;
        let mut members = Members::of(json::read_object(document)?, buffer);
        while let Some(field) = members.next() {
            match field {
                Some(field @ Field::CorrelationId) => members.once(&mut correlation_id, field, Members::correlation_id),
                Some(field @ Field::ErrorMessage) => members.once(&mut error, field, Members::error),
                Some(field @ Field::UccName) => members.once(&mut ucc, field, Members::ucc),
                other => states.take(other, &mut members),
            }
        }
        members.end()?;
        Ok(Self {
            correlation_id: required(correlation_id, Field::CorrelationId)?,
            state: states.all()?,
            error: required(error, Field::ErrorMessage)?,
            ucc: required(ucc, Field::UccName)?,
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
        let mut can_edit = None;
        let mut error = None;
        let mut ucc = None;
        let mut members = Members::of(json::read_object(document)?, buffer);
        while let Some(field) = members.next() {
            match field {
                Some(field @ Field::AgentCanEditRecordings) => members.once(&mut can_edit, field, Members::boolean),
                Some(field @ Field::ErrorMessage) => members.once(&mut error, field, Members::error),
                Some(field @ Field::UccName) => members.once(&mut ucc, field, Members::ucc),
                _ => members.skip(),
            }
        }
        members.end()?;
        Ok(Self {
            agent_can_edit_recordings: required(can_edit, Field::AgentCanEditRecordings)?,
            error: required(error, Field::ErrorMessage)?,
            ucc: required(ucc, Field::UccName)?,
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
        let mut error = None;
        let mut members = Members::of(json::read_object(document)?, buffer);
        while let Some(field) = members.next() {
            match field {
                Some(field @ Field::ErrorMessage) => members.once(&mut error, field, Members::error_object),
                _ => members.skip(),
            }
        }
        members.end()?;
        Ok(Self { error: required(error, Field::ErrorMessage)? })
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
            Value::Object(members) => self.within(members, Self::error_members).map(Some),
            other => self.wrong(field, Expected::ObjectOrNull, other.kind()),
        }
    }

    /// An `ErrorMessage` that must be there.
    fn error_object(&mut self, field: Field) -> Option<ErrorMessage<'a>> {
        match self.value()? {
            Value::Object(members) => self.within(members, Self::error_members),
            Value::Null => self.wrong(field, Expected::Object, Kind::Null),
            other => self.wrong(field, Expected::ObjectOrNull, other.kind()),
        }
    }

    fn error_members(&mut self) -> Option<ErrorMessage<'a>> {
        let mut error_type = None;
        let mut message = None;
        while let Some(field) = self.next() {
            match field {
                Some(field @ Field::ErrorType) => self.once(&mut error_type, field, Members::error_type),
                Some(field @ Field::Message) => self.once(&mut message, field, Members::text),
                _ => self.skip(),
            }
        }
        let error_type = self.required(error_type, Field::ErrorType)?;
        Some(ErrorMessage::new(error_type, self.required(message, Field::Message)?))
    }

    fn error_type(&mut self, field: Field) -> Option<ErrorType> {
        match self.value()? {
            Value::Number(spelt) => match spelt.parse() {
                // JSON has a zero with a minus sign, and serde takes it for no integer.
                Ok(code) if spelt != "-0" => Some(ErrorType::from_code(code)),
                _ => self.fail(Fault::NotOneOf { expected: Expected::ErrorType }.of(field)),
            },
            other => self.wrong(field, Expected::Number, other.kind()),
        }
    }
}

/// The three states of a document while it is read.
#[derive(Default)]
struct StateFields<'a> {
    recording: Option<Value<'a>>,
    marking: Option<Value<'a>>,
    saving: Option<Value<'a>>,
}

impl<'a> StateFields<'a> {
    fn take(&mut self, field: Option<Field>, members: &mut Members<'a>) {
        let (slot, field) = match field {
            Some(field @ Field::RecordingState) => (&mut self.recording, field),
            Some(field @ Field::MarkingState) => (&mut self.marking, field),
            Some(field @ Field::SavingState) => (&mut self.saving, field),
            _ => return members.skip(),
        };
        members.once(slot, field, |members, _| members.value());
    }

    fn all(self) -> Result<State, FieldError> {
        Ok(State::new(
            code(self.recording, Field::RecordingState, Recording::from_code, Expected::Recording)?,
            code(self.marking, Field::MarkingState, Marking::from_code, Expected::MarkingOrSaving)?,
            code(self.saving, Field::SavingState, Saving::from_code, Expected::MarkingOrSaving)?,
        ))
    }
}

fn code<T>(
    value: Option<Value<'_>>,
    field: Field,
    from_code: fn(u8) -> Option<T>,
    expected: Expected,
) -> Result<T, FieldError> {
    match required(value, field)? {
        Value::Number(number) => match number.as_bytes() {
            [digit @ b'0'..=b'9'] => from_code(digit - b'0'),
            _ => None,
        }
        .ok_or(Fault::NotOneOf { expected }.of(field)),
        other => Err(Fault::WrongType { expected, got: other.kind() }.of(field)),
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
        let mut states = StateFields::default();
        let mut members = Members::of(json::read_object(document)?, &mut []);
        while let Some(field) = members.next() {
            states.take(field, &mut members);
        }
        members.end()?;
        Ok(states.all()?)
    }
}
