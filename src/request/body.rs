//! The body of a `set`, both ways.

use super::{Scratch, SetRequest};
use crate::json::{self, Text, Unescaped, Value, Writer};
use crate::{Action, BufferTooSmall, CorrelationId, Fault, Field, FieldError, Rejection, SipUri, UccName};

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
        let mut members = json::read_object(body)?;
        while let Some((key, value)) = members.next()? {
            if key.eq_ignore_ascii_case(Field::Action.name()) {
                once(&mut action, Field::Action, value)?;
            } else if key.eq_ignore_ascii_case(Field::RequesterSipUri.name()) {
                once(&mut requester, Field::RequesterSipUri, value)?;
            } else if key.eq_ignore_ascii_case(Field::CorrelationId.name()) {
                once(&mut correlation_id, Field::CorrelationId, value)?;
            } else if key.eq_ignore_ascii_case(Field::UccName.name()) {
                once(&mut ucc, Field::UccName, value)?;
            }
        }
        let mut unescaped = Unescaped::into(&mut scratch.0);
        Ok(Self {
            action: read_action(required(action, Field::Action)?, Field::Action)?,
            requester: read_requester(required(requester, Field::RequesterSipUri)?, &mut unescaped)?,
            correlation_id: read_correlation_id(required(correlation_id, Field::CorrelationId)?)?,
            ucc: read_ucc(required(ucc, Field::UccName)?, &mut unescaped)?,
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

/// Keeps the value of a field that may stand there once.
#[inline]
pub(crate) const fn once<'a>(slot: &mut Option<Value<'a>>, field: Field, value: Value<'a>) -> Result<(), FieldError> {
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

#[inline]
pub(crate) const fn string<'a>(value: Value<'a>, field: Field) -> Result<Text<'a>, FieldError> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(Fault::WrongType { expected: "a string", got: other.kind() }.of(field)),
    }
}

/// An action by its id or by its name: the integers 1 to 7 as they are spelt, no `1.0`, and the names in any case.
#[inline]
pub(crate) fn read_action(value: Value<'_>, field: Field) -> Result<Action, FieldError> {
    let expected = "an integer from 1 to 7 or the name of an action";
    match value {
        Value::Number(number) => match number.as_bytes() {
            [digit @ b'1'..=b'7'] => Action::from_code(digit - b'0'),
            _ => None,
        },
        Value::String(name) => Action::ALL.iter().copied().find(|action| name.eq_ignore_ascii_case(action.name())),
        other => return Err(Fault::WrongType { expected, got: other.kind() }.of(field)),
    }
    .ok_or(Fault::NotOneOf { expected }.of(field))
}

pub(crate) fn read_correlation_id(value: Value<'_>) -> Result<CorrelationId, FieldError> {
    let text = string(value, Field::CorrelationId)?;
    let mut buffer = [0; CorrelationId::READ_MAX];
    CorrelationId::parse(match text.plain() {
        Some(plain) => plain,
        None => Unescaped::into(&mut buffer).text(text).map_err(|_| Fault::NotAGuid.of(Field::CorrelationId))?,
    })
}

pub(crate) fn read_ucc<'a>(value: Value<'a>, unescaped: &mut Unescaped<'a>) -> Result<UccName<'a>, FieldError> {
    let text = string(value, Field::UccName)?;
    let too_long = Fault::TooLong { max: UccName::MAX_LEN }.of(Field::UccName);
    UccName::new(unescaped.text(text).map_err(|_| too_long)?)
}

fn read_requester<'a>(value: Value<'a>, unescaped: &mut Unescaped<'a>) -> Result<SipUri<'a>, FieldError> {
    let text = string(value, Field::RequesterSipUri)?;
    let too_long = Fault::TooLong { max: SipUri::MAX_LEN }.of(Field::RequesterSipUri);
    SipUri::new(unescaped.text(text).map_err(|_| too_long)?)
}
