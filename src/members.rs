//! Fields out of the members of a JSON object: what bodies, replies and events share when they are read.

use crate::json::{JsonError, Kind, Object, Text, Unescaped, Value};
use crate::{Action, CorrelationId, Expected, Fault, Field, FieldError, ReadError, SipUri, UccName};

/// The field of the next key; the inner `None` for a key that is not known. Its value must be taken before the next one.
#[inline]
pub(crate) fn next_field(members: &mut Object<'_>) -> Result<Option<Option<Field>>, JsonError> {
    Ok(members.next_key()?.map(Field::of_key))
}

/// Keeps the value of a field that may stand there once.
#[inline]
pub(crate) const fn once<T: Copy>(slot: &mut Option<T>, field: Field, value: T) -> Result<(), FieldError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Fault::Repeated.of(field)),
    }
}

/// The value of a field that must be there.
#[inline]
pub(crate) fn required<T>(slot: Option<T>, field: Field) -> Result<T, FieldError> {
    slot.ok_or(Fault::Missing.of(field))
}

/// The value of a field that must be a string.
#[inline]
pub(crate) fn string(value: Result<Text<'_>, Kind>, field: Field) -> Result<Text<'_>, FieldError> {
    value.map_err(|got| Fault::WrongType { expected: Expected::String, got }.of(field))
}

/// An action by its id or by its name: the integers 1 to 7 as they are spelt, no `1.0`, and the names in any case.
#[inline]
pub(crate) fn read_action(value: Value<'_>, field: Field) -> Result<Action, FieldError> {
    let expected = Expected::Action;
    match value {
        Value::Number(number) => match number.as_bytes() {
            [digit @ b'1'..=b'7'] => Action::from_code(digit - b'0'),
            _ => None,
        },
        Value::String(name) => match name.plain() {
            Some(plain) => Action::from_name(plain),
            None => Action::ALL.iter().copied().find(|action| name.eq_ignore_ascii_case(action.name())),
        },
        other => return Err(Fault::WrongType { expected, got: other.kind() }.of(field)),
    }
    .ok_or(Fault::NotOneOf { expected }.of(field))
}

pub(crate) fn read_correlation_id(members: &mut Object<'_>) -> Result<CorrelationId, ReadError> {
    let text = string(members.string()?, Field::CorrelationId)?;
    let id = match text.plain() {
        Some(plain) => CorrelationId::from_bytes(plain.as_bytes()),
        None => {
            let mut buffer = [0; CorrelationId::READ_MAX];
            text.copy_to(&mut buffer).and_then(|len| CorrelationId::from_bytes(buffer.get(..len)?))
        }
    };
    Ok(id.ok_or(Fault::NotAGuid.of(Field::CorrelationId))?)
}

pub(crate) fn read_ucc<'a>(members: &mut Object<'a>, unescaped: &mut Unescaped<'a>) -> Result<UccName<'a>, ReadError> {
    let text = string(members.string()?, Field::UccName)?;
    Ok(UccName::new(unescaped.text(text).map_err(|_| UccName::TOO_LONG.of(Field::UccName))?)?)
}

pub(crate) fn read_requester<'a>(
    members: &mut Object<'a>,
    unescaped: &mut Unescaped<'a>,
) -> Result<SipUri<'a>, ReadError> {
    let text = string(members.string()?, Field::RequesterSipUri)?;
    Ok(SipUri::new(unescaped.text(text).map_err(|_| SipUri::TOO_LONG.of(Field::RequesterSipUri))?)?)
}
