//! Replies from bytes, for clients. A .NET server escapes as it likes, orders keys as it likes, and may add keys.

use super::{CapabilitiesReply, ErrorMessage, ErrorReply, StateReply};
use crate::json::{self, Object, Unescaped, Value};
use crate::request::{once, read_correlation_id, read_ucc, required, string};
use crate::{ErrorType, Fault, Field, FieldError, Marking, ReadError, Recording, Saving, State};

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
        let mut members = json::read_object(document)?;
        while let Some((key, value)) = members.next()? {
            if key.eq_ignore_ascii_case(Field::CorrelationId.name()) {
                once(&mut correlation_id, Field::CorrelationId, value)?;
            } else if key.eq_ignore_ascii_case(Field::ErrorMessage.name()) {
                once(&mut error, Field::ErrorMessage, value)?;
            } else if key.eq_ignore_ascii_case(Field::UccName.name()) {
                once(&mut ucc, Field::UccName, value)?;
            } else {
                states.take(key, value)?;
            }
        }
        let mut unescaped = Unescaped::into(buffer);
        Ok(Self {
            correlation_id: read_correlation_id(required(correlation_id, Field::CorrelationId)?)?,
            state: states.all()?,
            error: read_error(required(error, Field::ErrorMessage)?, &mut unescaped)?,
            ucc: read_ucc(required(ucc, Field::UccName)?, &mut unescaped)?,
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
        let mut members = json::read_object(document)?;
        while let Some((key, value)) = members.next()? {
            if key.eq_ignore_ascii_case(Field::AgentCanEditRecordings.name()) {
                once(&mut can_edit, Field::AgentCanEditRecordings, value)?;
            } else if key.eq_ignore_ascii_case(Field::ErrorMessage.name()) {
                once(&mut error, Field::ErrorMessage, value)?;
            } else if key.eq_ignore_ascii_case(Field::UccName.name()) {
                once(&mut ucc, Field::UccName, value)?;
            }
        }
        let mut unescaped = Unescaped::into(buffer);
        Ok(Self {
            agent_can_edit_recordings: match required(can_edit, Field::AgentCanEditRecordings)? {
                Value::Bool(can_edit) => can_edit,
                other => return Err(wrong(Field::AgentCanEditRecordings, "a boolean", &other).into()),
            },
            error: read_error(required(error, Field::ErrorMessage)?, &mut unescaped)?,
            ucc: read_ucc(required(ucc, Field::UccName)?, &mut unescaped)?,
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
        let mut members = json::read_object(document)?;
        while let Some((key, value)) = members.next()? {
            if key.eq_ignore_ascii_case(Field::ErrorMessage.name()) {
                once(&mut error, Field::ErrorMessage, value)?;
            }
        }
        let error = required(error, Field::ErrorMessage)?;
        match read_error(error, &mut Unescaped::into(buffer))? {
            Some(error) => Ok(Self { error }),
            None => Err(wrong(Field::ErrorMessage, "an object", &error).into()),
        }
    }
}

const fn wrong(field: Field, expected: &'static str, value: &Value<'_>) -> FieldError {
    Fault::WrongType { expected, got: value.kind() }.of(field)
}

fn read_error<'a>(value: Value<'a>, unescaped: &mut Unescaped<'a>) -> Result<Option<ErrorMessage<'a>>, ReadError> {
    match value {
        Value::Null => Ok(None),
        Value::Object(members) => read_error_object(members, unescaped).map(Some),
        other => Err(wrong(Field::ErrorMessage, "an object or null", &other).into()),
    }
}

fn read_error_object<'a>(
    mut members: Object<'a>,
    unescaped: &mut Unescaped<'a>,
) -> Result<ErrorMessage<'a>, ReadError> {
    let mut error_type = None;
    let mut message = None;
    while let Some((key, value)) = members.next()? {
        if key.eq_ignore_ascii_case(Field::ErrorType.name()) {
            once(&mut error_type, Field::ErrorType, value)?;
        } else if key.eq_ignore_ascii_case(Field::Message.name()) {
            once(&mut message, Field::Message, value)?;
        }
    }
    let error_type = match required(error_type, Field::ErrorType)? {
        Value::Number(code) => code.parse().map_err(|_| {
            let expected = "an integer of 32 bits";
            Fault::NotOneOf { expected }.of(Field::ErrorType)
        })?,
        other => return Err(wrong(Field::ErrorType, "a number", &other).into()),
    };
    let message = string(required(message, Field::Message)?, Field::Message)?;
    let message = unescaped.text(message).map_err(|fault| fault.of(Field::Message))?;
    Ok(ErrorMessage::new(ErrorType::from_code(error_type), message))
}

/// The three states of a document while it is read.
#[derive(Default)]
struct StateFields<'a> {
    recording: Option<Value<'a>>,
    marking: Option<Value<'a>>,
    saving: Option<Value<'a>>,
}

impl<'a> StateFields<'a> {
    fn take(&mut self, key: json::Text<'a>, value: Value<'a>) -> Result<(), FieldError> {
        if key.eq_ignore_ascii_case(Field::RecordingState.name()) {
            once(&mut self.recording, Field::RecordingState, value)
        } else if key.eq_ignore_ascii_case(Field::MarkingState.name()) {
            once(&mut self.marking, Field::MarkingState, value)
        } else if key.eq_ignore_ascii_case(Field::SavingState.name()) {
            once(&mut self.saving, Field::SavingState, value)
        } else {
            Ok(())
        }
    }

    fn all(self) -> Result<State, FieldError> {
        Ok(State::new(
            code(self.recording, Field::RecordingState, Recording::from_code, "an integer from 0 to 3")?,
            code(self.marking, Field::MarkingState, Marking::from_code, "an integer from 0 to 2")?,
            code(self.saving, Field::SavingState, Saving::from_code, "an integer from 0 to 2")?,
        ))
    }
}

fn code<T>(
    value: Option<Value<'_>>,
    field: Field,
    from_code: fn(u8) -> Option<T>,
    expected: &'static str,
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
            states.take(key, value)?;
        }
        Ok(states.all()?)
    }
}
