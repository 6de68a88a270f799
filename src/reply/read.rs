//! Replies from bytes, for clients. A .NET server escapes as it likes, orders keys as it likes, and may add keys.

use super::{CapabilitiesReply, ErrorMessage, ErrorReply, StateReply};
use crate::json::{self, Object, Unescaped, Value};
use crate::members::{next_field, once, read_correlation_id, read_ucc, required, string};
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
        let mut unescaped = Unescaped::into(buffer);
        let mut members = json::read_object(document)?;
        while let Some(field) = next_field(&mut members)? {
            match field {
                Some(Field::CorrelationId) => {
                    once(&mut correlation_id, Field::CorrelationId, read_correlation_id(&mut members)?)?;
                }
                Some(Field::ErrorMessage) => {
                    once(&mut error, Field::ErrorMessage, read_error(members.value()?, &mut unescaped)?)?;
                }
                Some(Field::UccName) => {
                    once(&mut ucc, Field::UccName, read_ucc(&mut members, &mut unescaped)?)?;
                }
                other => states.take(other, members.value()?)?,
            }
        }
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
        let mut unescaped = Unescaped::into(buffer);
        let mut members = json::read_object(document)?;
        while let Some(field) = next_field(&mut members)? {
            match field {
                Some(Field::AgentCanEditRecordings) => match members.value()? {
                    Value::Bool(value) => once(&mut can_edit, Field::AgentCanEditRecordings, value)?,
                    other => return Err(wrong(Field::AgentCanEditRecordings, Expected::Boolean, &other).into()),
                },
                Some(Field::ErrorMessage) => {
                    once(&mut error, Field::ErrorMessage, read_error(members.value()?, &mut unescaped)?)?;
                }
                Some(Field::UccName) => {
                    once(&mut ucc, Field::UccName, read_ucc(&mut members, &mut unescaped)?)?;
                }
                _ => drop(members.value()?),
            }
        }
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
        let mut unescaped = Unescaped::into(buffer);
        let mut members = json::read_object(document)?;
        while let Some(field) = next_field(&mut members)? {
            match (field, members.value()?) {
                (Some(Field::ErrorMessage), value @ Value::Null) => {
                    return Err(wrong(Field::ErrorMessage, Expected::Object, &value).into());
                }
                (Some(Field::ErrorMessage), value) => {
                    once(&mut error, Field::ErrorMessage, read_error(value, &mut unescaped)?)?;
                }
                _ => {}
            }
        }
        let error = required(error.flatten(), Field::ErrorMessage)?;
        Ok(Self { error })
    }
}

const fn wrong(field: Field, expected: Expected, value: &Value<'_>) -> FieldError {
    Fault::WrongType { expected, got: value.kind() }.of(field)
}

fn read_error<'a>(value: Value<'a>, unescaped: &mut Unescaped<'a>) -> Result<Option<ErrorMessage<'a>>, ReadError> {
    match value {
        Value::Null => Ok(None),
        Value::Object(members) => read_error_object(members, unescaped).map(Some),
        other => Err(wrong(Field::ErrorMessage, Expected::ObjectOrNull, &other).into()),
    }
}

fn read_error_object<'a>(
    mut members: Object<'a>,
    unescaped: &mut Unescaped<'a>,
) -> Result<ErrorMessage<'a>, ReadError> {
    let mut error_type = None;
    let mut message = None;
    while let Some(field) = next_field(&mut members)? {
        match field {
            Some(Field::ErrorType) => {
                once(&mut error_type, Field::ErrorType, read_error_type(members.value()?)?)?;
            }
            Some(Field::Message) => {
                let text = string(members.string()?, Field::Message)?;
                let text = unescaped.text(text).map_err(|fault| fault.of(Field::Message))?;
                once(&mut message, Field::Message, text)?;
            }
            _ => drop(members.value()?),
        }
    }
    let error_type = required(error_type, Field::ErrorType)?;
    Ok(ErrorMessage::new(error_type, required(message, Field::Message)?))
}

fn read_error_type(value: Value<'_>) -> Result<ErrorType, FieldError> {
    match value {
        Value::Number(spelt) => match spelt.parse() {
            // JSON has a zero with a minus sign, and serde takes it for no integer.
            Ok(code) if spelt != "-0" => Ok(ErrorType::from_code(code)),
            _ => Err(Fault::NotOneOf { expected: Expected::ErrorType }.of(Field::ErrorType)),
        },
        other => Err(wrong(Field::ErrorType, Expected::Number, &other)),
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
    const fn take(&mut self, field: Option<Field>, value: Value<'a>) -> Result<(), FieldError> {
        match field {
            Some(Field::RecordingState) => once(&mut self.recording, Field::RecordingState, value),
            Some(Field::MarkingState) => once(&mut self.marking, Field::MarkingState, value),
            Some(Field::SavingState) => once(&mut self.saving, Field::SavingState, value),
            _ => Ok(()),
        }
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
        other => Err(wrong(field, expected, &other)),
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
        let mut members = json::read_object(document)?;
        while let Some((key, value)) = members.next()? {
            states.take(Field::of_key(key), value)?;
        }
        Ok(states.all()?)
    }
}
