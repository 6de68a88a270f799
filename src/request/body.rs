//! The body of a `set`, both ways.

use super::{Scratch, SetRequest};
use crate::json::{self, JsonError, Key, Kind, Object, Text, Unescaped, Value, Writer};
use crate::{
    Action, BufferTooSmall, CorrelationId, Expected, Fault, Field, FieldError, ReadError, Rejection, SipUri, UccName,
};

impl<'a> SetRequest<'a> {
    /// The longest body that is read, in bytes. Source: OURS.
    pub const BODY_MAX: usize = 2048;

    /// The longest body that is written.
    pub const WRITTEN_MAX: usize = br#"{"Action":1,"RequesterSipUri":"","CorrelationId":"","UCCName":""}"#.len()
        + SipUri::ESCAPED_MAX
        + CorrelationId::TEXT_LEN
        + UccName::ESCAPED_MAX;

    /// Reads the body of a `set`.
    ///
    /// Keys match without regard to ASCII case, since the JSON readers of .NET do so (OURS). Unknown keys are skipped,
    /// whatever valid value they hold. All four fields are required, none may stand there twice.
    ///
    /// # Errors
    ///
    /// [`Rejection::BodyTooLarge`], or [`Rejection::NotUnderstood`] with what is wrong.
    pub fn read(body: &'a [u8], scratch: &'a mut Scratch) -> Result<Self, Rejection> {
        if body.len() > Self::BODY_MAX {
            return Err(Rejection::BodyTooLarge);
        }
        let mut action = None;
        let mut requester = None;
        let mut correlation_id = None;
        let mut ucc = None;
        let mut unescaped = Unescaped::into(&mut scratch.0);
        let mut members = json::read_object(body)?;
        // The page's order, which is everybody's; any other is read as well.
        let mut likely = [Field::Action, Field::RequesterSipUri, Field::CorrelationId, Field::UccName].into_iter();
        while let Some(field) = next_field(&mut members, likely.next())? {
            match field {
                Some(Field::Action) => {
                    once(&mut action, Field::Action, read_action(members.value()?, Field::Action)?)?;
                }
                Some(Field::RequesterSipUri) => {
                    once(&mut requester, Field::RequesterSipUri, read_requester(&mut members, &mut unescaped)?)?;
                }
                Some(Field::CorrelationId) => {
                    once(&mut correlation_id, Field::CorrelationId, read_correlation_id(&mut members)?)?;
                }
                Some(Field::UccName) => {
                    once(&mut ucc, Field::UccName, read_ucc(&mut members, &mut unescaped)?)?;
                }
                _ => drop(members.value()?),
            }
        }
        Ok(Self {
            action: required(action, Field::Action)?,
            requester: required(requester, Field::RequesterSipUri)?,
            correlation_id: required(correlation_id, Field::CorrelationId)?,
            ucc: required(ucc, Field::UccName)?,
        })
    }

    /// Writes the body that asks this. For clients.
    ///
    /// # Errors
    ///
    /// If the buffer is too small; never with [`WRITTEN_MAX`](Self::WRITTEN_MAX) bytes.
    pub fn write<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], BufferTooSmall> {
        let mut writer = Writer::new(buffer);
        writer.raw(br#"{"Action":"#);
        writer.digit(self.action.code());
        writer.raw(br#","RequesterSipUri":""#);
        writer.escaped(self.requester.as_str());
        writer.raw(br#"","CorrelationId":""#);
        writer.raw(self.correlation_id.text().as_bytes());
        writer.raw(br#"","UCCName":""#);
        writer.escaped(self.ucc.as_str());
        writer.raw(br#""}"#);
        writer.finish()
    }

    /// The request target that a `set` is sent to, of the path's version without a number. For clients.
    pub const TARGET: &'static str = "/attendantservice/api/recording/set";
}

/// The field of the next key; the inner `None` for a key that is not known. Its value must be taken before the next one.
#[inline]
pub(crate) fn next_field(members: &mut Object<'_>, likely: Option<Field>) -> Result<Option<Option<Field>>, JsonError> {
    Ok(match members.next_key(likely.map_or("", Field::name))? {
        Some(Key::Likely) => Some(likely),
        Some(Key::Other(key)) => Some(Field::of_key(key)),
        None => None,
    })
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
    if let Some(id) = members.string_of(CorrelationId::from_hyphenated) {
        return Ok(id);
    }
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
    if let Some(plain) = members.plain_string(UccName::UNCOMMON) {
        return match UccName::of_common(plain) {
            Some(name) => Ok(name),
            None => Ok(UccName::new(plain)?),
        };
    }
    let text = string(members.string()?, Field::UccName)?;
    Ok(UccName::new(unescaped.text(text).map_err(|_| UccName::TOO_LONG.of(Field::UccName))?)?)
}

fn read_requester<'a>(members: &mut Object<'a>, unescaped: &mut Unescaped<'a>) -> Result<SipUri<'a>, ReadError> {
    let text = string(members.string()?, Field::RequesterSipUri)?;
    Ok(SipUri::new(unescaped.text(text).map_err(|_| SipUri::TOO_LONG.of(Field::RequesterSipUri))?)?)
}
