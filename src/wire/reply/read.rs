//! Replies from bytes, for clients. A .NET server escapes as it likes, orders keys as it likes, and may add keys.

use super::{CapabilitiesReply, ErrorMessage, ErrorReply, StateReply};
use crate::State;
use crate::state::{MarkingState, RecordingState, SavingState};
use crate::wire::fields::{FieldReader, Fields};
use crate::wire::json::{self, Kind, Object, Value};
use crate::wire::{ErrorType, Expected, Field, FieldErrorKind, ReadError};

impl<'a> StateReply<'a> {
    /// Reads the reply to a read or a change of a session's state.
    ///
    /// Strings with escapes are unescaped into `buffer`; the reply's own length is always enough.
    ///
    /// # Errors
    ///
    /// If it is no JSON object, lacks a key, has one twice, or has a value that means nothing. The bare error body
    /// that goes with a status other than 200 is no state reply: see [`ErrorReply::read`].
    pub fn read(document: &'a [u8], buffer: &'a mut [u8]) -> Result<Self, ReadError> {
        const FIELDS: Fields = Fields::new(&[
            Field::CorrelationId,
            Field::RecordingState,
            Field::MarkingState,
            Field::SavingState,
            Field::ErrorMessage,
            Field::UccName,
        ]);
        FieldReader::of(json::read_object(document)?, FIELDS, buffer, |reader| {
            let (mut correlation_id, mut error, mut ucc) = (None, None, None);
            let mut states = StateFields::default();
            while let Some(field) = reader.next() {
                match field {
                    Field::CorrelationId => correlation_id = reader.correlation_id(field),
                    Field::ErrorMessage => error = reader.error(field),
                    Field::UccName => ucc = reader.ucc(field),
                    state => states.take(state, reader)?,
                }
            }
            reader.end()?;
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
        const FIELDS: Fields = Fields::new(&[Field::AgentCanEditRecordings, Field::ErrorMessage, Field::UccName]);
        FieldReader::of(json::read_object(document)?, FIELDS, buffer, |reader| {
            let (mut can_edit, mut error, mut ucc) = (None, None, None);
            while let Some(field) = reader.next() {
                match field {
                    Field::AgentCanEditRecordings => can_edit = reader.boolean(field),
                    Field::ErrorMessage => error = reader.error(field),
                    Field::UccName => ucc = reader.ucc(field),
                    other => return reader.not_taken(other),
                }
            }
            reader.end()?;
            Some(Self { agent_can_edit_recordings: can_edit?, error: error?, ucc: ucc? })
        })
    }
}

impl<'a> ErrorReply<'a> {
    /// Reads the reply that is an error and nothing else.
    ///
    /// # Errors
    ///
    /// As for [`StateReply::read`]; an `ErrorMessage` of `null` is an error here.
    pub fn read(document: &'a [u8], buffer: &'a mut [u8]) -> Result<Self, ReadError> {
        FieldReader::of(json::read_object(document)?, Fields::new(&[Field::ErrorMessage]), buffer, |reader| {
            let mut error = None;
            while let Some(field) = reader.next() {
                error = reader.error_object(field);
            }
            reader.end()?;
            Some(Self { error: error? })
        })
    }
}

impl<'a> FieldReader<'a> {
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
            Value::Object(object) => self.error_reader(object).map(Some),
            other => self.wrong(field, Expected::ObjectOrNull, other.kind()),
        }
    }

    /// An `ErrorMessage` that must be there.
    fn error_object(&mut self, field: Field) -> Option<ErrorMessage<'a>> {
        match self.value()? {
            Value::Object(object) => self.error_reader(object),
            Value::Null => self.wrong(field, Expected::Object, Kind::Null),
            other => self.wrong(field, Expected::ObjectOrNull, other.kind()),
        }
    }

    fn error_reader(&mut self, object: Object<'a>) -> Option<ErrorMessage<'a>> {
        self.within(object, Fields::new(&[Field::ErrorType, Field::Message]), |reader| {
            let (mut error_type, mut message) = (None, None);
            while let Some(field) = reader.next() {
                match field {
                    Field::ErrorType => error_type = reader.error_type(field),
                    Field::Message => message = reader.text(field),
                    other => return reader.not_taken(other),
                }
            }
            reader.end()?;
            Some(ErrorMessage::new(error_type?, message?))
        })
    }

    fn error_type(&mut self, field: Field) -> Option<ErrorType> {
        match self.value()? {
            Value::Number(text) => match text.parse() {
                // JSON has a zero with a minus sign, and serde takes it for no integer.
                Ok(code) if text != "-0" => Some(ErrorType::from_code(code)),
                _ => self.fail(field, FieldErrorKind::NotOneOf { expected: Expected::ErrorType }),
            },
            other => self.wrong(field, Expected::Number, other.kind()),
        }
    }
}

/// The three states of a document while it is read.
#[derive(Default)]
struct StateFields {
    recording: Option<RecordingState>,
    marking: Option<MarkingState>,
    saving: Option<SavingState>,
}

impl StateFields {
    const ALL: Fields = Fields::new(&[Field::RecordingState, Field::MarkingState, Field::SavingState]);

    fn take(&mut self, field: Field, reader: &mut FieldReader<'_>) -> Option<()> {
        match field {
            Field::RecordingState => {
                self.recording = reader.code(field, RecordingState::from_code, Expected::Recording);
            }
            Field::MarkingState => {
                self.marking = reader.code(field, MarkingState::from_code, Expected::MarkingOrSaving);
            }
            Field::SavingState => self.saving = reader.code(field, SavingState::from_code, Expected::MarkingOrSaving),
            other => return reader.not_taken(other),
        }
        Some(())
    }

    fn all(self) -> Option<State> {
        Some(State::new(self.recording?, self.marking?, self.saving?))
    }
}

impl FieldReader<'_> {
    fn code<T>(&mut self, field: Field, from_code: fn(u8) -> Option<T>, expected: Expected) -> Option<T> {
        let code = match self.value()? {
            Value::Number(number) => match number.as_bytes() {
                [digit] => from_code(digit - b'0'),
                _ => None,
            },
            other => return self.wrong(field, expected, other.kind()),
        };
        if code.is_none() { self.fail(field, FieldErrorKind::NotOneOf { expected }) } else { code }
    }
}

impl State {
    /// Reads a document that names a state by its three codes, as a state reply does:
    /// `{"RecordingState":1,"MarkingState":0,"SavingState":0}`. This is how the call's side says in which state a
    /// session begins. [Protocol](crate#protocol): OURS.
    ///
    /// # Errors
    ///
    /// If it is no JSON object, lacks one of the three, has one twice, or has a code that means nothing.
    pub fn read(document: &[u8]) -> Result<Self, ReadError> {
        FieldReader::of(json::read_object(document)?, StateFields::ALL, &mut [], |reader| {
            let mut states = StateFields::default();
            while let Some(field) = reader.next() {
                states.take(field, reader)?;
            }
            reader.end()?;
            states.all()
        })
    }
}
